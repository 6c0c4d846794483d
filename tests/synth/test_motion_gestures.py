"""Hands and faces change smoothly, within what they can do; arms keep out of bodies of every build."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hd_core.errors import InputError
from hd_core.synth.body.face import SHAPES
from hd_core.synth.body.hands import load_fingers
from hd_core.synth.body.identity import Identity, RestBody, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index, forward_kinematics
from hd_core.synth.body.skinning import pose_body, smooth_normals
from hd_core.synth.motion.collision import arm_depth
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.motion.flesh import BODY, LEFT_ARM, LEFT_UPPER, arm_contacts, flesh_of
from hd_core.synth.motion.gestures import HANDS, with_gestures
from hd_core.synth.motion.limits import AXES
from hd_core.synth.motion.motion import Motion, load_motion, mirror, sample_at, save_motion
from hd_core.synth.motion.poses import ARMS, Arm, Trunk, pose_of
from hd_core.synth.motion.rotations import about
from hd_core.synth.motion.sample import rest_at, sample_motion
from hd_core.synth.motion.score import STYLES

FPS = 30.0


@cache
def stout() -> RestBody:
    return shape_body(load_body(), Identity(weight=0.95, muscle=0.4))


@cache
def still() -> Motion:
    return Motion(rotations=np.tile(np.eye(3, dtype=np.float32), (600, 31, 1, 1)), root=np.zeros((600, 3)), fps=FPS)


@cache
def lively() -> Motion:
    return with_gestures(np.random.default_rng(2), still())


def test_hands_and_face_stay_within_what_they_can_do_and_change():
    motion = lively()
    assert motion.hands is not None
    assert motion.face is not None
    assert motion.hands.shape == (600, 2, 6)
    assert motion.face.shape == (600, len(SHAPES))
    assert motion.hands.min() >= -0.6
    assert motion.hands.max() <= 1
    assert motion.face.min() >= 0
    assert motion.face.max() <= 1
    assert (np.ptp(motion.hands, axis=0)[:, :5] > 0.3).all()


def test_hands_and_face_move_without_jumps():
    """No finger closes faster than in a twentieth of a second, no lid in three frames' time."""
    assert np.abs(np.diff(lively().hands, axis=0)).max() < 20 / FPS
    assert np.abs(np.diff(lively().face, axis=0)).max() < 0.65


def test_people_blink_every_few_seconds_with_both_eyes():
    left, right = (lively().face[:, SHAPES.index(f"eyeBlink{side}")] > 0.5 for side in ("Left", "Right"))
    blinks = int(np.sum(np.diff(left.astype(int)) == 1))
    assert 3 <= blinks <= 12
    assert (left & right).sum() > 0.7 * (left | right).sum()


def test_a_dance_that_closes_the_hands_closes_the_fingers():
    turns = np.tile(np.eye(3), (600, 31, 1, 1))
    bone = bone_index("LeftHandFinger1")
    turns[:, bone] = about(AXES[bone, 1], np.radians(85.0))
    closed = with_gestures(np.random.default_rng(2), Motion(rotations=turns, root=np.zeros((600, 3)), fps=FPS))
    assert closed.hands[:, 0, 1:5].mean() > lively().hands[:, 0, 1:5].mean() + 0.25
    np.testing.assert_array_equal(closed.hands[:, 1], lively().hands[:, 1])
    np.testing.assert_array_equal(closed.rotations[:, bone], np.tile(np.eye(3), (600, 1, 1)))


def test_every_hand_is_seen():
    """The index, the middle and the little finger tell the shapes apart; each is met in some seconds of many."""
    shapes = np.array([shape for _, shape in HANDS.values()])[:, [1, 2, 4]]
    seen = set()
    for seed in range(6):
        hands = with_gestures(np.random.default_rng(seed), still()).hands + 0.6 * 0.25  # nothing is closed by the dance
        away = np.abs(hands[:, :, None, [1, 2, 4]] - shapes).max(axis=-1)
        seen |= set(np.argmin(away, axis=-1)[away.min(axis=-1) < 0.15].tolist())
    assert len(seen) >= len(HANDS) - 1


def test_mirrored_and_resampled_motions_keep_hands_and_face_with_them(tmp_path):
    turned = mirror(lively())
    np.testing.assert_array_equal(turned.hands[:, 0], lively().hands[:, 1])
    left, right = SHAPES.index("mouthSmileLeft"), SHAPES.index("mouthSmileRight")
    np.testing.assert_array_equal(turned.face[:, left], lively().face[:, right])
    half = sample_at(lively(), np.array([10.0, 10.5]))
    np.testing.assert_allclose(half.face[1], (lively().face[10] + lively().face[11]) / 2, atol=1e-6)
    save_motion(tmp_path / "m.npz", lively())
    back = load_motion(tmp_path / "m.npz")
    np.testing.assert_array_equal(back.hands, lively().hands)
    np.testing.assert_array_equal(back.face, lively().face)
    with pytest.raises(InputError, match="3 frames of face"):
        Motion(rotations=np.tile(np.eye(3), (2, 31, 1, 1)), root=np.zeros((2, 3)), fps=FPS, face=np.zeros((3, 19)))


def test_the_person_at_a_frame_has_its_hands_and_face_and_nothing_else_moved():
    rest = stout()
    assert rest_at(rest, still(), 3) is rest
    moved = rest_at(rest, lively(), 100)
    changed = np.flatnonzero(np.linalg.norm(moved.vertices - rest.vertices, axis=1) > 1e-6)
    height = rest.vertices[changed, 2]
    on_hand = np.isin(changed, load_fingers().vertices)
    assert on_hand.any()
    assert (height[~on_hand] > rest.heads[bone_index("Neck")][2] - 0.02).all()
    np.testing.assert_array_equal(rest_at(rest, lively(), -5).vertices, rest_at(rest, lively(), 0).vertices)


def arm_through_belly() -> np.ndarray:
    """Turns of some poses that put the left hand into the body."""
    away = Arm(up=40, ahead=0, bend=10, hint=(0.0, -1.0, 0.0))
    arms = [Arm(up=15, ahead=ahead, bend=95, hint=(-1.0, -0.15, 0.0)) for ahead in (30, 40, 50, 60, 70)]
    return np.stack([pose_of(arm, away, Trunk(hips=(0, 0, 40), spine=(20, 10, 25))) for arm in arms])


def test_contacts_agree_with_a_search_over_all_pairs():
    flesh = flesh_of(stout())
    posed = forward_kinematics(stout().heads, arm_through_belly(), np.zeros((5, 3)))
    found = arm_contacts(flesh, posed)["Left"]
    other = (flesh.parts != LEFT_ARM) & (flesh.parts != LEFT_UPPER)
    for frame in range(5):
        blend = (posed[frame][flesh.bone_indices] * flesh.bone_weights[..., None, None]).sum(axis=1)
        points = (blend[:, :3, :3] @ flesh.points[..., None])[..., 0] + blend[:, :3, 3]
        normals = (posed[frame, flesh.bone_indices[:, 0], :3, :3] @ flesh.normals[..., None])[..., 0]
        gap, nearest = cKDTree(points[other]).query(points[flesh.parts == LEFT_ARM], distance_upper_bound=0.15)
        near = np.isfinite(gap)
        mine, theirs = points[flesh.parts == LEFT_ARM][near], nearest[near]
        depth = np.sum((points[other][theirs] - mine) * normals[other][theirs], axis=1)
        assert found.depth[frame] == pytest.approx(max(depth.max(), 0), abs=1e-4)
        if depth.max() > 0:
            np.testing.assert_allclose(found.point[frame], mine[depth.argmax()], atol=1e-4)
            np.testing.assert_allclose(found.out[frame], normals[other][theirs[depth.argmax()]], atol=1e-3)
    assert (found.depth > 0.02).sum() >= 3


def test_arms_that_hang_aside_touch_nothing():
    rest = shape_body(load_body(), Identity())
    posed = forward_kinematics(rest.heads, np.tile(np.eye(3), (1, 31, 1, 1)), np.zeros((1, 3)))
    assert all(contact.depth[0] == 0 for contact in arm_contacts(flesh_of(rest), posed).values())
    assert (flesh_of(rest).parts == BODY).sum() > 500


def sunk(rest: RestBody, rotations: np.ndarray) -> float:
    """Share of the skin of the forearms and hands that is more than 1 cm inside the trunk, by all of the skin."""
    model = load_body()
    skin = pose_body(model, rest, forward_kinematics(rest.heads, rotations, np.zeros(3)))[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, model.faces["body"])
    bones = model.bone_indices[:NUM_SKIN_VERTICES, 0]
    arms = np.isin(bones, [bone_index(side + name) for side in ("Left", "Right") for name in ("ForeArm", "Hand")])
    trunk = np.isin(bones, [bone_index(name) for name in ("Hips", "LowerBack", "Spine", "Spine1")])
    _, nearest = cKDTree(skin[trunk]).query(skin[arms])
    depth = np.sum((skin[trunk][nearest] - skin[arms]) * normals[trunk][nearest], axis=1)
    reach = np.linalg.norm(skin[trunk][nearest] - skin[arms], axis=1)
    return float(((depth > 0.01) & (reach < 0.15)).mean())


def test_the_arms_of_a_stout_person_keep_out_of_the_belly(monkeypatch):
    gestures = dict.fromkeys(ARMS, 0.0) | {"arms before torso": 1.0, "hang": 1.0}
    monkeypatch.setitem(STYLES, "arms", replace(STYLES["arms"], arms=gestures, legs={"stand": 1}))
    rest, before, after = stout(), [], []
    for seed in range(12):
        plain, guarded = (
            sample_dance(
                np.random.default_rng(seed), num_frames=24, fps=FPS, style="arms", heads=rest.heads, flesh=flesh
            )
            for flesh in (None, flesh_of(rest))
        )
        before += [sunk(rest, frame) for frame in plain.rotations[::4]]
        after += [sunk(rest, frame) for frame in guarded.rotations[::4]]
        assert arm_depth(rest.heads, guarded.rotations, flesh=flesh_of(rest)).max() < 0.05
    assert np.mean(before) > 0.004
    assert np.mean(after) < 0.1 * np.mean(before)


def test_the_same_seed_gives_the_same_motion_and_another_another():
    rest = shape_body(load_body(), sample_adult(np.random.default_rng(3)))
    one, two, other = (sample_motion(np.random.default_rng(s), rest, num_frames=20, fps=FPS) for s in (5, 5, 6))
    for name in ("rotations", "root", "hands", "face"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))
    assert len(one) == 20
