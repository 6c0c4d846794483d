"""Fingers bend at their joints, the same on both hands; face shapes move what they are named for."""

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hd_core.errors import InputError
from hd_core.synth.body import hands as hands_module
from hd_core.synth.body.face import FACE_SWAP, SHAPES, load_face, move_face
from hd_core.synth.body.hands import JOINTS, _joint_maps, bend_fingers, hand_axes, load_fingers
from hd_core.synth.body.identity import Identity, RestBody, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body

MIRROR = np.diag([-1.0, 1.0, 1.0])
FIST = np.array([[0.85, 1.0, 1.0, 1.0, 1.0, 0.0]] * 2)


@cache
def person() -> RestBody:
    return shape_body(load_body(), Identity())


def tips(vertices: np.ndarray) -> np.ndarray:
    """Skin nearest to the finger tips, by hand and finger."""
    fingers = load_fingers()
    ends = person().vertices[fingers.tails].mean(axis=1)[2::3]
    skin = fingers.vertices[fingers.vertices < NUM_SKIN_VERTICES]
    nearest = [skin[np.linalg.norm(person().vertices[skin] - end, axis=1).argmin()] for end in ends]
    return vertices[nearest].reshape(2, 5, 3)


def bent(controls: np.ndarray) -> np.ndarray:
    vertices = person().vertices.copy()
    vertices[load_fingers().vertices] = bend_fingers(person().vertices, hand_axes(person().vertices), controls)
    return vertices


def test_straight_fingers_are_the_rest_shape():
    np.testing.assert_allclose(bent(np.zeros((2, 6))), person().vertices, atol=1e-6)


def test_a_closed_index_finger_turns_by_the_sum_of_its_joints_and_is_not_torn():
    axes = hand_axes(person().vertices)
    maps = _joint_maps(axes, FIST)
    for name in ("finger2-3.L", "finger2-3.R"):
        turn = Rotation.from_matrix(maps[JOINTS.index(name), :3, :3]).magnitude()
        assert np.degrees(turn) == pytest.approx(360 - (78 + 95 + 60), abs=6)
    for index, name in enumerate(JOINTS):
        if "-1." not in name:
            place = np.append(axes.places[index], 1)
            np.testing.assert_allclose(maps[index] @ place, maps[index - 1] @ place, atol=1e-9)


def test_both_hands_do_the_same_in_mirror_image():
    controls = np.array([[0.3, 0.1, 0.9, 0.5, 0.7, 0.8]] * 2)
    maps = _joint_maps(hand_axes(person().vertices), controls)[:, :3, :3]
    np.testing.assert_allclose(maps[15:], MIRROR @ maps[:15] @ MIRROR, atol=0.02)


def test_a_fist_brings_the_finger_tips_to_the_palm_and_a_spread_parts_them():
    palm = person().vertices[load_fingers().heads].mean(axis=1).reshape(2, 5, 3, 3)[:, 1:, 0].mean(axis=1)
    rest, fist = tips(person().vertices), tips(bent(FIST))
    reach = [np.linalg.norm(where[:, 1:] - palm[:, None], axis=-1) for where in (rest, fist)]
    assert (reach[0] > 0.06).all()
    assert (reach[1] < 0.055).all()
    spread = tips(bent(np.array([[0, 0, 0, 0, 0, 1.0]] * 2)))
    width = [np.linalg.norm(where[:, 4] - where[:, 1], axis=-1) for where in (rest, spread)]
    assert (width[1] > width[0] + 0.02).all()


def test_fingers_move_nothing_but_hands():
    moved = np.linalg.norm(bent(FIST) - person().vertices, axis=1) > 1e-6
    wrists = person().heads[[12, 22]]
    far = np.linalg.norm(person().vertices[moved][:, None] - wrists, axis=-1).min(axis=1)
    assert moved.sum() > 1500
    assert far.max() < 0.24


def face(**shares: float) -> np.ndarray:
    """How far every vertex moves, m."""
    vertices = person().vertices.copy()
    move_face(vertices, np.array([shares.get(name, 0.0) for name in SHAPES]))
    return vertices - person().vertices


def test_the_jaw_opens_downwards_by_some_centimetres_and_leaves_the_brow():
    move = face(jawOpen=1.0)[:NUM_SKIN_VERTICES]
    height = person().vertices[:NUM_SKIN_VERTICES, 2]
    assert 0.02 < -move[:, 2].min() < 0.06
    assert np.abs(move[height > height.max() - 0.09]).max() < 1e-3


def test_left_is_the_persons_left_and_every_shape_has_its_twin():
    for index, name in enumerate(SHAPES):
        weight = np.linalg.norm(face(**{name: 1.0}), axis=1)
        assert weight.max() > 0.003
        middle = float(weight @ person().vertices[:, 0] / weight.sum())
        assert np.sign(np.round(middle, 2)) == {"Left": 1, "Right": -1}.get(name[-4:].strip("R") or "", 0) or (
            name.endswith("Right") and middle < -0.005
        )
        twin = np.linalg.norm(face(**{SHAPES[FACE_SWAP[index]]: 1.0}), axis=1)
        assert float(twin @ person().vertices[:, 0] / twin.sum()) == pytest.approx(-middle, abs=0.004)


def test_a_blink_brings_the_lids_together():
    """The upper lid comes down by about the opening of the eye, 7 to 16 mm; the rest of the face stays."""
    move = face(eyeBlinkLeft=1.0)[:NUM_SKIN_VERTICES]
    assert 0.007 < np.linalg.norm(move, axis=1).max() < 0.017
    assert move[np.linalg.norm(move, axis=1).argmax(), 2] < 0
    assert (np.linalg.norm(move, axis=1) > 1e-3).mean() < 0.05


def test_movements_add_up():
    both = face(jawOpen=0.5, mouthSmileLeft=0.25)
    np.testing.assert_allclose(both, 0.5 * face(jawOpen=1.0) + 0.25 * face(mouthSmileLeft=1.0), atol=1e-6)
    assert len(load_face().starts) == len(SHAPES) + 1


def test_a_missing_asset_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(hands_module, "DETAIL_FILE", tmp_path / "detail.safetensors")
    with pytest.raises(InputError, match="detail.safetensors"):
        hands_module.read_detail.__wrapped__()
