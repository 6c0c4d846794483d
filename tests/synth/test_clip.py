"""Synthetic clips: the truth is exact, the same recipe gives the same bytes, and broken clips are refused."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from hd_core.geometry.camera import unproject
from hd_core.geometry.depth import normals_from_depth
from hd_core.synth.atlas.anny24 import IUV_CONVENTION, load_atlas
from hd_core.synth.body.identity import Identity, shape_body
from hd_core.synth.body.model import load_body
from hd_core.synth.clip import make_clip
from hd_core.synth.framing import look_at, sample_framing
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.options import DatasetOptions
from hd_core.synth.person import Material, animate, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.shards import decode_depth
from hd_core.synth.truth import NORMAL_STEP
from hd_core.types import Camera

OPTIONS = DatasetOptions(frames=3, size=256, seed=11)


def sound_clip(first, options=OPTIONS):
    """The first clip from a number on that is not rejected."""
    for number in range(first, first + 8):
        try:
            return number, *make_clip(Recipe(split="train", seed=options.seed, clip=number), options)
        except RejectedClipError:
            continue
    pytest.fail("eight clips in a row were rejected")


@pytest.fixture(scope="module")
def clip():
    return sound_clip(0)


def camera_of(header, size=256):
    return Camera(
        width=size,
        height=size,
        intrinsics=np.array(header["camera"]),
        cam_from_world=np.array(header["cam_from_world"]),
    )


def test_a_clip_holds_what_its_header_says_for_every_frame(clip):
    _, arrays, header = clip
    shapes = {name: value.shape for name, value in arrays.items()}
    assert shapes["rgb"] == (3, 256, 256, 3)
    assert shapes["depth"] == shapes["alpha"] == shapes["material"] == (3, 256, 256)
    assert shapes["normal"] == shapes["canonical"] == (3, 256, 256, 3)
    assert shapes["next_position"] == (2, 256, 256, 2)
    assert shapes["joints"] == (3, 31, 3)
    assert header["fps"] == 30
    assert len(header["garments"]) == len(header["prints"]) == 2


@pytest.mark.parametrize(("size", "worst_deg"), [(256, 1.5), (512, 1.0)])
def test_normals_of_the_rendered_depth_are_the_rendered_normals(clip, size, worst_deg):
    """In the median of the smooth inside: there the pixel and its neighbours are all of one material, seen well."""
    number, arrays, header = clip
    if size != OPTIONS.size:
        _, arrays, header = sound_clip(number, DatasetOptions(frames=2, size=size, seed=OPTIONS.seed))
    camera = camera_of(header, size)
    for frame in range(2):
        depth = decode_depth(arrays["depth"][frame], header)
        derived = normals_from_depth(camera, depth, max_jump=0.01)
        normal = arrays["normal"][frame] * NORMAL_STEP
        material = arrays["material"][frame]
        inside = (minimum_filter(material, 3) == maximum_filter(material, 3)) & (material >= 0)
        good = derived.any(axis=-1) & inside & (normal[..., 2] < -0.5)
        cosine = (derived * normal).sum(axis=-1)[good].clip(-1, 1)
        assert good.sum() > 1000
        assert np.degrees(np.median(np.arccos(cosine))) < worst_deg


def test_normals_are_unit_and_face_the_camera_and_nothing_is_off_the_person(clip):
    _, arrays, header = clip
    seen = arrays["depth"] > 0
    normal = arrays["normal"] * NORMAL_STEP
    np.testing.assert_allclose(np.linalg.norm(normal[seen], axis=-1), 1, atol=1e-3)
    assert not arrays["normal"][~seen].any()
    np.testing.assert_array_equal(arrays["material"] >= 0, seen)
    points = unproject(camera_of(header), decode_depth(arrays["depth"][0], header))[seen[0]]
    assert ((normal[0][seen[0]] * points).sum(axis=-1) <= 1e-3).all()


def test_the_same_surface_point_is_found_in_the_next_frame_within_two_millimetres(clip):
    """The template position of a point does not change, so it can be compared where the link leads to."""
    _, arrays, _ = clip
    for frame in range(2):
        links = arrays["next_visible"][frame]
        place = arrays["next_position"][frame][links] - 0.5
        column, row = np.rint(place).astype(int).T
        on_centre = np.abs(place - np.rint(place)).max(axis=1) < 0.1
        here, there = arrays["canonical"][frame][links], arrays["canonical"][frame + 1][row, column]
        same = arrays["material"][frame][links] == arrays["material"][frame + 1][row, column]
        off = np.linalg.norm(here.astype(float) - there, axis=-1)[on_centre & same]
        assert len(off) > 20
        assert np.median(off) < 2e-3


def test_iuv_of_bare_skin_decodes_to_the_point_of_the_template_that_is_seen(clip):
    """Where skin is bare the two IUV agree, and both lead back to `canonical` within 5 mm."""
    _, arrays, header = clip
    assert header["iuv_convention"] == IUV_CONVENTION
    atlas = load_atlas()
    for name in ("iuv", "body_iuv"):
        skin = (arrays["material"] == Material.SKIN) & (arrays[name][..., 0] > 0)
        iuv = arrays[name][skin]
        face, weights = atlas.decode(iuv[:, 0], *(iuv[:, 1:].T / 255.0))
        off = np.linalg.norm(atlas.canonical_points(face, weights) - arrays["canonical"][skin], axis=-1)
        assert len(off) > 100
        assert np.median(off) < 2e-3
        assert (off < 5e-3).mean() > 0.98, name


def test_iuv_covers_the_clothes_and_the_body_map_looks_under_them(clip):
    _, arrays, _ = clip
    worn = arrays["material"] >= Material.GARMENT
    assert (arrays["iuv"][worn][:, 0] > 0).mean() > 0.99
    assert (arrays["body_iuv"][worn][:, 0] > 0).mean() > 0.5
    assert not arrays["iuv"][arrays["material"] < 0].any()


def test_joints_move_with_the_flesh_around_them():
    """A joint is the mean of eight vertices at rest; bent by skinning, their mean stays within 3 cm of it."""
    recipe, model = Recipe(split="train", seed=11, clip=0), load_body()
    person = sample_person(recipe)
    motion = sample_dance(recipe.rng(Part.MOTION), num_frames=2, fps=30.0, heads=person.rest.heads)
    instants = list(animate(person, motion))
    assert len(instants) == 2
    for instant in instants:
        flesh = instant.body[model.head_vertices].mean(axis=1)
        assert np.linalg.norm(flesh - instant.joints, axis=-1).max() < 0.03


def test_joints_of_a_clip_are_at_the_depth_of_its_person(clip):
    _, arrays, header = clip
    for frame in range(3):
        depth = decode_depth(arrays["depth"][frame], header)
        hips = arrays["joints"][frame][0, 2]
        assert np.nanmin(depth) - 0.5 < hips < np.nanmax(depth) + 0.5


def test_the_matte_is_full_inside_and_empty_outside(clip):
    _, arrays, _ = clip
    seen = arrays["depth"] > 0
    assert arrays["alpha"][seen].mean() > 225
    assert arrays["alpha"][~seen].mean() < 10


def test_the_same_recipe_gives_the_same_bytes(clip):
    number, arrays, header = clip
    again, header_again = make_clip(Recipe(split="train", seed=11, clip=number), OPTIONS)
    assert header == header_again
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, again[name], err_msg=name)


def test_another_split_is_another_person():
    train = sample_person(Recipe(split="train", seed=11, clip=0))
    test = sample_person(Recipe(split="test", seed=11, clip=0))
    assert train.identity != test.identity
    assert train.garbs[0].ease_m != test.garbs[0].ease_m


def test_the_dressed_mesh_is_whole_and_knows_what_it_is_made_of():
    person = sample_person(Recipe(split="val", seed=11, clip=2))
    assert person.faces.max() < len(person.canonical)
    garments = {Material.GARMENT + number for number in range(len(person.garbs))}
    assert {Material.SKIN, Material.EYES} | garments <= set(person.materials) <= {*Material} | garments
    assert len(person.materials) == len(person.faces)


def test_a_camera_looks_where_it_should_from_where_it_should():
    pose = look_at(np.array([0.0, 0.0, 0.9]), yaw=0.0, pitch=0.0, roll=0.0, distance=3.0)
    np.testing.assert_allclose(pose @ [0, 0, 0.9, 1], [0, 0, 3, 1], atol=1e-12)
    np.testing.assert_allclose(pose @ [0, -3, 0.9, 1], [0, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose((pose @ [0, 0, 1.9, 1])[:3], [0, -1, 3], atol=1e-12)  # up is up
    np.testing.assert_allclose((pose @ [1, 0, 0.9, 1])[:3], [1, 0, 3], atol=1e-12)  # her left is on the right


def test_framings_see_people_from_all_sides_whole_and_in_part():
    rest = shape_body(load_body(), Identity())
    framings = [sample_framing(np.random.default_rng(seed), rest, size=256) for seed in range(200)]
    names = [framing.name for framing in framings]
    assert {"whole", "upper", "legs", "close"} == set(names)
    forward = np.array([framing.camera.cam_from_world[2, :3] for framing in framings])
    assert (forward[:, 1] < -0.3).mean() > 0.05  # from behind
    assert (forward[:, 1] > 0.3).mean() > 0.5
