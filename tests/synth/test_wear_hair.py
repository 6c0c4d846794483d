"""Hair: closed, on the scalp, never in the face, as long as drawn; what hangs swings and falls back."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hd_core.mesh.faces import boundary_edges
from hd_core.synth.body.identity import Identity, sample_adult, shape_body
from hd_core.synth.body.model import load_body
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.body.skinning import pose_body, skin_points, smooth_normals
from hd_core.synth.look.complexion import Hair
from hd_core.synth.motion.rotations import from_vector
from hd_core.synth.wear.beard import MOUTH, beard
from hd_core.synth.wear.falling import hanging
from hd_core.synth.wear.hair import PRESSED_M, cap_of_hair, knot
from hd_core.synth.wear.hairdo import KINDS, UNDER_HAT, UNDER_HOOD, Hairdo, sample_hairdo
from hd_core.synth.wear.hats import sample_hat
from hd_core.synth.wear.looks import Strands
from hd_core.synth.wear.mane import Swing
from hd_core.synth.wear.skull import HAIRLINE, MIDDLE, Whorl, hairline, skull_of, template_skull

LOOK = Strands(hair=Hair(kind="black", colour=np.array([0.1, 0.08, 0.06]), contrast=0.3, shift=np.zeros(3)))
WHORL = Whorl()
NUM_SKIN = 13380


def hairdo(kind="short", **more):
    return Hairdo(**{"kind": kind, "whorl": WHORL, "top_m": 0.02, "side_m": 0.016, "seed": 3, **more})


@pytest.fixture(scope="module")
def rest():
    return shape_body(load_body(), Identity())


@pytest.fixture(scope="module")
def skull(rest):
    return skull_of(rest)


def on_scalp(points, skull):
    """Height over the scalp."""
    rays = points - skull.middle
    length = np.linalg.norm(rays, axis=1, keepdims=True)
    return length[:, 0] - np.linalg.norm(skull.points(rays / length) - skull.middle, axis=1)


def volume(points, faces):
    a, b, c = points[faces].astype(np.float64).swapaxes(0, 1)
    return float(np.einsum("fi,fi->", a, np.cross(b, c))) / 6


@pytest.mark.parametrize("kind", ["short", "afro", "buzz", "bob"])
def test_a_cap_is_on_the_scalp_at_the_thickness_drawn_and_dips_under_the_skin_at_its_edge(kind, rest, skull):
    do = hairdo(kind, top_m=0.03 if kind != "buzz" else 0.003, side_m=0.02 if kind != "buzz" else 0.002)
    cap = cap_of_hair(do, skull, rest, LOOK)
    height = on_scalp(cap.rest.astype(np.float64), skull)
    loop = np.unique(boundary_edges(cap.faces))
    assert len(loop) == 76  # one edge, the hairline: everywhere else it is whole
    assert (height[loop] < -0.0015).all()
    assert height.max() == pytest.approx(do.top_m, rel=0.4)
    assert height[-1] > 0.5 * do.top_m or kind == "bob"  # the whorl is hairy


def test_a_cap_faces_outwards_and_its_normals_turn_gently(rest, skull):
    cap = cap_of_hair(hairdo(), skull, rest, LOOK)
    normals = smooth_normals(cap.rest, cap.faces)
    outwards = cap.rest - skull.middle
    assert ((normals * outwards).sum(axis=1) > 0).mean() > 0.97
    edges = np.concatenate([cap.faces[:, [0, 1]], cap.faces[:, [1, 2]]])
    turn = np.degrees(np.arccos(np.clip((normals[edges[:, 0]] * normals[edges[:, 1]]).sum(axis=1), -1, 1)))
    assert np.median(turn) < 12


def test_no_hair_in_the_face(rest, skull):
    x, y, z = cap_of_hair(hairdo(side_m=0.01), skull, rest, LOOK).rest.T
    assert not ((z < skull.middle[2]) & (y < skull.middle[1] - 0.05) & (np.abs(x) < 0.05)).any()


def test_hair_at_the_nape_bends_with_the_neck(rest, skull):
    """Head bent forward by 40 degrees: the border of the cap stays under the skin."""
    model, cap = load_body(), cap_of_hair(hairdo(), skull, rest, LOOK)
    turns = np.zeros((len(BONES), 3))
    turns[bone_index("Head"), 0] = np.radians(40)
    maps = forward_kinematics(rest.heads, from_vector(turns), np.zeros(3))
    skin = pose_body(model, rest, maps)[:NUM_SKIN]
    normals = smooth_normals(skin, model.faces["body"])
    edge = np.unique(boundary_edges(cap.faces))
    moved = skin_points(cap.rest, cap.ties.bone_indices, cap.ties.bone_weights, maps)[edge]
    _, near = cKDTree(skin).query(moved)
    height = ((moved - skin[near]) * normals[near]).sum(axis=1)
    assert (height < 0.001).mean() > 0.9
    assert height.max() < 0.006


def test_the_hairline_of_a_whorl_goes_through_the_points_of_the_table():
    edge = np.array(HAIRLINE)
    rays = (edge - MIDDLE) / np.linalg.norm(edge - MIDDLE, axis=1, keepdims=True)
    for whorl in (Whorl(back_rad=0.1), Whorl(back_rad=0.5, side_rad=0.2)):
        azimuth, polar = whorl.angles(rays)
        np.testing.assert_allclose(hairline(whorl, azimuth), polar, atol=1e-9)
        np.testing.assert_allclose(whorl.rays(azimuth, polar), rays, atol=1e-9)
    face, _ = WHORL.angles(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(face, [0, np.pi / 2], atol=0.05)


def test_the_skull_is_the_template_s_own_and_grows_with_the_head(rest, skull):
    top = load_body().template[:NUM_SKIN, 2].max()
    crown = template_skull().points(np.array([[0.0, 0.0, 1.0]]))[0]
    assert crown[2] == pytest.approx(top, abs=0.004)
    grown = skull_of(type(rest)(vertices=rest.vertices * 1.1, heads=rest.heads * 1.1, tails=rest.tails * 1.1))
    assert grown.size == pytest.approx(1.1 * skull.size, rel=1e-6)
    ray = np.array([[0.0, 0.6, 0.8]])
    np.testing.assert_allclose(grown.points(ray), 1.1 * skull.points(ray), atol=1e-4)


@pytest.mark.parametrize("kind", ["bob", "long", "ponytail"])
def test_hanging_hair_is_closed_thick_and_as_long_as_drawn(kind, rest, skull):
    do = hairdo(kind, length_m=0.15 if kind == "bob" else 0.4, opening_rad=1.0)
    manes = hanging(do, skull, rest, LOOK)
    assert len(manes) == (3 if kind == "long" else 1)
    for mane in manes:
        points = mane.skin(mane.garment.rest)
        inside = volume(points, mane.faces)
        _, welded = np.unique(points.round(6), axis=0, return_inverse=True)
        faces = welded.reshape(-1)[mane.faces]
        whole = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
        assert len(boundary_edges(whole.astype(np.int32))) == 0
        assert 2e-5 < inside < 3e-3  # m^3, and positive: it faces outwards
    low = min(mane.garment.rest[:, 2].min() for mane in manes)
    high = max(mane.garment.rest[mane.garment.pinned][:, 2].min() for mane in manes)  # where it leaves the head
    if kind != "bob":
        assert high - low == pytest.approx(0.4, abs=0.09)
    assert kind != "bob" or low > rest.heads[bone_index("LeftArm"), 2]


def test_a_bun_is_a_closed_ball_that_touches_the_head(skull):
    bun = knot(hairdo("bun", length_m=0.04, top_m=0.01), skull, LOOK)
    assert len(boundary_edges(bun.faces)) == 0
    assert volume(bun.rest, bun.faces) == pytest.approx(4 / 3 * np.pi * 0.04**3 * 0.85, rel=0.25)
    height = on_scalp(bun.rest.astype(np.float64), skull)
    assert height.min() < 0.01 < 0.05 < height.max()


@pytest.fixture(scope="module")
def nodded(rest, skull):
    """Two seconds with the head turned by 60 degrees from the tenth frame on; the sheet in every frame."""
    model, manes = load_body(), hanging(hairdo("long", length_m=0.4, opening_rad=1.5), skull, rest, LOOK)
    turns = np.zeros((60, len(BONES), 3))
    turns[10:, bone_index("Head"), 2] = np.radians(60)
    maps = forward_kinematics(rest.heads, from_vector(turns), np.zeros((60, 3)))
    ties, swing, frames = manes[0].ties, None, []
    for one in maps:
        skin = pose_body(model, rest, one)[:NUM_SKIN]
        below = skin, smooth_normals(skin, model.faces["body"])
        targets = [skin_points(manes[0].garment.rest, ties.bone_indices, ties.bone_weights, one)]
        swing = swing or Swing(manes, targets, below, rest.vertices[:NUM_SKIN], fps=30.0)
        frames.append((swing.step(targets, below)[0], targets[0], *below))
    return manes[0], frames


def test_held_hair_goes_with_the_head_at_once_and_the_tips_lag_then_settle(nodded):
    mane, frames = nodded
    held, tips = mane.garment.pinned, np.arange(len(mane.garment.rest)) >= len(mane.garment.rest) - 20
    for sheet, target, _, _ in frames:
        np.testing.assert_allclose(sheet[held], target[held], atol=1e-5)
    moved = [np.linalg.norm(sheet[tips] - frames[9][0][tips], axis=1).mean() for sheet, *_ in frames]
    wanted = np.linalg.norm(frames[12][1][tips] - frames[9][1][tips], axis=1).mean()
    assert moved[10] < 0.5 * wanted
    speed = np.linalg.norm(frames[-1][0] - frames[-2][0], axis=1).max() * 30
    assert speed < 0.25  # m/s


def test_hanging_hair_stays_out_of_the_body_and_keeps_its_length(nodded):
    mane, frames = nodded
    sheet, _, skin, normals = frames[-1]
    free = ~mane.garment.pinned
    away, near = cKDTree(skin).query(sheet[free])
    height = ((sheet[free] - skin[near]) * normals[near]).sum(axis=1)
    assert ((height < -0.005) & (away < 0.04)).mean() < 0.03
    rows = sheet.reshape(mane.rows, -1, 3)
    rest_rows = mane.garment.rest.reshape(mane.rows, -1, 3)
    length, before = (np.linalg.norm(np.diff(r, axis=0), axis=-1).sum(axis=0) for r in (rows, rest_rows))
    np.testing.assert_allclose(length, before, rtol=0.09)


def test_a_hat_presses_hair_flat_under_it_and_nowhere_else(rest, skull):
    do = hairdo(top_m=0.04, side_m=0.015)
    hat = sample_hat(np.random.default_rng(5), skull)
    free, pressed = (cap_of_hair(do, skull, rest, LOOK, hat=given).rest.astype(np.float64) for given in (None, hat))
    rays = (pressed - skull.middle) / np.linalg.norm(pressed - skull.middle, axis=1, keepdims=True)
    polar = hat.tilt.angles(rays)[1]
    assert on_scalp(pressed[polar < hat.band_rad], skull).max() < PRESSED_M + 1e-4
    assert on_scalp(free[polar < hat.band_rad], skull).max() > 0.02
    below = polar > hat.band_rad + 0.35
    np.testing.assert_allclose(pressed[below], free[below], atol=1e-6)


def test_a_beard_is_around_the_mouth_not_on_it_and_as_thick_as_drawn(rest):
    piece = beard(rest, 0.015, LOOK, seed=1)
    mouth = (np.abs(piece.ties.canonical - MOUTH) < [0.015, 0.02, 0.004]).all(axis=1)
    assert not mouth.any()
    gap, _ = cKDTree(rest.vertices[:NUM_SKIN]).query(piece.rest)
    assert 0.009 < gap.max() < 0.024


def test_hairdos_of_all_kinds_are_drawn_and_what_is_tucked_is_not_tied_up():
    rng = np.random.default_rng(0)
    people = [sample_adult(rng) for _ in range(12)]
    drawn = [sample_hairdo(rng, people[n % 12]) for n in range(600)]
    assert {do.kind for do in drawn} == set(KINDS)
    assert all(do.beard_m == 0 for n, do in enumerate(drawn) if people[n % 12].gender > 0.5)
    assert any(do.beard_m > 0 for do in drawn)
    tucked = {sample_hairdo(rng, people[n % 12], tucked=True).kind for n in range(300)}
    assert tucked == set(UNDER_HAT)
    flat = [sample_hairdo(rng, people[n % 12], tucked=True, flat=True) for n in range(200)]
    assert {do.kind for do in flat} == set(UNDER_HOOD)
    assert max(do.top_m for do in flat) < 0.0081


def test_streaks_run_along_the_strands():
    """Albedo varies far more across strands than along them."""
    line = np.linspace(0, 0.1, 200)
    across = np.stack([line, 0 * line, 0 * line + 0.1], axis=1)
    along = np.stack([0 * line, 0 * line, line + 0.1], axis=1)
    changes = [np.abs(np.diff(LOOK.albedo(path)[:, 0])).mean() for path in (across, along)]
    assert changes[0] > 3 * changes[1]
    far = np.abs(np.diff(LOOK.albedo(across, footprint_m=0.02)[:, 0])).mean()
    assert far < 0.7 * changes[0]  # strands finer than a pixel are gone
