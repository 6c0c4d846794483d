"""Turns, limits, legs, arms and the operations on motions, against closed forms and against scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.motion.collision import arm_depth, guard_arms, segment_gap
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.motion.legs import straight_leg, two_bone
from hd_core.synth.motion.limits import AXES, RANGES, clamp_to_limits, joint_angles, within_limits
from hd_core.synth.motion.motion import Motion, load_motion, mirror, resample, save_motion, time_warp
from hd_core.synth.motion.poses import Arm, Trunk, pose_of
from hd_core.synth.motion.rig import MIRROR, REFERENCE_HEADS, SWAP, other_side
from hd_core.synth.motion.rotations import (
    about,
    between,
    from_quaternion,
    from_vector,
    split_twist,
    to_quaternion,
    to_vector,
)

RNG = np.random.default_rng(0)


def rest(frames: int = 1) -> np.ndarray:
    return np.tile(np.eye(3), (frames, len(BONES), 1, 1))


def dance(seed: int = 4, frames: int = 40) -> Motion:
    return sample_dance(np.random.default_rng(seed), num_frames=frames, fps=30.0)


def joints(motion: Motion) -> np.ndarray:
    posed = forward_kinematics(REFERENCE_HEADS, motion.rotations, motion.root)
    return (posed[..., :3, :3] @ REFERENCE_HEADS[..., None])[..., 0] + posed[..., :3, 3]


def test_turns_agree_with_scipy_at_all_angles_half_turns_included():
    vectors = RNG.normal(size=(500, 3)) * np.linspace(1e-9, 2.0, 500)[:, None]
    vectors[:3] = np.pi * np.eye(3)
    turns = from_vector(vectors)
    reference = Rotation.from_rotvec(vectors)
    np.testing.assert_allclose(turns, reference.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(from_vector(to_vector(turns)), turns, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(to_vector(turns), axis=1), reference.magnitude(), atol=1e-7)
    np.testing.assert_allclose(from_quaternion(to_quaternion(turns)), turns, atol=1e-12)


def test_swing_times_twist_is_the_turn_and_the_swing_has_no_twist():
    axes = RNG.normal(size=(200, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    turns = Rotation.random(200, random_state=1).as_matrix()
    swing, twist = split_twist(turns, axes)
    np.testing.assert_allclose(swing @ about(axes, twist), turns, atol=1e-12)
    np.testing.assert_allclose(np.sum(to_vector(swing) * axes, axis=1), 0, atol=1e-7)


def test_the_turn_between_two_directions_is_the_smallest_one():
    a, b = RNG.normal(size=(2, 100, 3))
    turned = (between(a, b) @ a[..., None])[..., 0]
    np.testing.assert_allclose(np.cross(turned, b), 0, atol=1e-9)
    cosine = np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(np.linalg.norm(to_vector(between(a, b)), axis=1), np.arccos(cosine), atol=1e-6)
    np.testing.assert_allclose((between(a, -a) @ a[..., None])[..., 0], -a, atol=1e-9)


def test_clamping_keeps_what_is_within_and_brings_the_rest_to_the_rim():
    wild = Rotation.random(300 * len(BONES), random_state=2).as_matrix().reshape(300, len(BONES), 3, 3)
    tame = clamp_to_limits(wild)
    assert within_limits(tame, tolerance_deg=0.01).all()
    angles = joint_angles(tame)
    assert (angles > RANGES[..., 0] - 1e-6).all()
    assert (angles < RANGES[..., 1] + 1e-6).all()
    np.testing.assert_allclose(clamp_to_limits(tame), tame, atol=1e-6)
    np.testing.assert_allclose(clamp_to_limits(rest()), rest(), atol=1e-12)
    assert not within_limits(wild).all(axis=0)[1:].any()


@pytest.mark.parametrize(
    ("bone", "degrees", "kept"),
    [("LeftLeg", 90.0, 90.0), ("LeftLeg", -40.0, -6.0), ("RightLeg", 170.0, 140.0), ("RightLeg", -90.0, -6.0)],
)
def test_knees_bend_one_way_only(bone: str, degrees: float, kept: float):
    pose = rest()
    pose[0, bone_index(bone)] = about(AXES[bone_index(bone), 1], np.radians(degrees))
    angle = np.degrees(joint_angles(clamp_to_limits(pose))[0, bone_index(bone), 1])
    assert angle == pytest.approx(kept, abs=1e-6)


def test_a_straight_elbow_is_the_end_of_its_range():
    pose = rest()
    elbow = bone_index("LeftForeArm")
    pose[0, elbow] = about(AXES[elbow, 1], np.radians(-120))
    clamped = forward_kinematics(REFERENCE_HEADS, clamp_to_limits(pose), np.zeros((1, 3)))[0]
    wrist = clamped[bone_index("LeftHand")] @ np.append(REFERENCE_HEADS[bone_index("LeftHand")], 1)
    upper = REFERENCE_HEADS[elbow] - REFERENCE_HEADS[bone_index("LeftArm")]
    np.testing.assert_allclose(np.cross(upper, wrist[:3] - REFERENCE_HEADS[elbow]), 0, atol=1e-6)


def test_limits_mirror_between_left_and_right():
    wild = Rotation.random(50 * len(BONES), random_state=3).as_matrix().reshape(50, len(BONES), 3, 3)
    sign = MIRROR[:, None] * MIRROR
    middle = [index for index, name in enumerate(BONES) if other_side(name) == name]
    np.testing.assert_allclose(RANGES, RANGES[SWAP])
    turned, direct = clamp_to_limits(wild[:, SWAP] * sign), clamp_to_limits(wild)[:, SWAP] * sign
    sides = [index for index in range(len(BONES)) if index not in middle]
    np.testing.assert_allclose(turned[:, sides], direct[:, sides], atol=1e-7)


@pytest.mark.parametrize(
    ("arm", "where"),
    [
        (Arm(up=90, ahead=0, bend=0, hint=(0, -1, 0)), (1, 0, 0)),
        (Arm(up=90, ahead=90, bend=0, hint=(0, 0, 1)), (0, -1, 0)),
        (Arm(up=5, ahead=0, bend=0, hint=(0, -1, 0)), (0.0872, 0, -0.9962)),
        (Arm(up=160, ahead=30, bend=0, hint=(0, -1, 0)), (0.2962, -0.171, 0.9397)),
    ],
)
def test_arms_go_where_their_words_say_on_both_sides(arm: Arm, where: tuple[float, float, float]):
    pose = pose_of(arm, arm, Trunk())[None]
    placed = forward_kinematics(REFERENCE_HEADS, pose, np.zeros((1, 3)))[0]
    for side, sign in (("Left", 1), ("Right", -1)):
        elbow, wrist = (
            placed[bone_index(side + b), :3] @ np.append(REFERENCE_HEADS[bone_index(side + b)], 1)
            for b in ("ForeArm", "Hand")
        )
        direction = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        np.testing.assert_allclose(direction, np.array(where) * [sign, 1, 1], atol=0.03)


def test_two_bones_reach_their_target_and_bend_by_the_law_of_cosines():
    axis = np.array([1.0, 0, 0])
    thigh, shank = np.array([0.0, 0, -0.4]), np.array([0.0, 0, -0.45])
    reach = RNG.normal(size=(300, 3))
    reach *= RNG.uniform(0.1, 0.84, size=(300, 1)) / np.linalg.norm(reach, axis=1, keepdims=True)
    hinge = np.cross(reach, RNG.normal(size=(300, 3)))
    turn, bend = two_bone(thigh, shank, reach, hinge, axis=axis)
    ankle = (turn @ (thigh + about(axis, bend) @ shank)[..., None])[..., 0]
    np.testing.assert_allclose(ankle, reach, atol=1e-9)
    distance = np.linalg.norm(reach, axis=1)
    inner = np.arccos((0.4**2 + 0.45**2 - distance**2) / (2 * 0.4 * 0.45))
    np.testing.assert_allclose(bend, np.pi - inner, atol=1e-7)
    np.testing.assert_allclose(turn[..., 0], hinge / np.linalg.norm(hinge, axis=1, keepdims=True), atol=1e-9)


def test_a_target_out_of_reach_is_pointed_at_with_a_straight_leg():
    names = [bone_index(name) for name in ("LeftUpLeg", "LeftLeg", "LeftFoot")]
    thigh, shank = np.diff(REFERENCE_HEADS[names], axis=0)
    axis = AXES[names[1], 1]
    turn, bend = two_bone(thigh, shank, np.array([[0.0, -3, -4]]), np.array([[1.0, 0, 0]]), axis=axis)
    ankle = turn[0] @ (thigh + about(axis, float(bend[0])) @ shank)
    np.testing.assert_allclose(ankle / np.linalg.norm(ankle), [0, -0.6, -0.8], atol=1e-9)
    assert np.linalg.norm(ankle) == pytest.approx(straight_leg(REFERENCE_HEADS, "Left"), abs=1e-9)


def test_the_gap_of_two_segments_is_that_of_a_fine_search():
    a, b, c, d = RNG.normal(size=(4, 40, 3))
    near, far = segment_gap(a, b, c, d)
    s = np.linspace(0, 1, 201)
    one, two = a[:, None] + s[:, None] * (b - a)[:, None], c[:, None] + s[:, None] * (d - c)[:, None]
    slow = np.linalg.norm(one[:, :, None] - two[:, None], axis=-1).min(axis=(1, 2))
    np.testing.assert_allclose(np.linalg.norm(near - far, axis=1), slow, atol=0.02)
    assert (np.linalg.norm(near - far, axis=1) <= slow + 1e-12).all()


def test_an_arm_in_the_belly_is_pushed_out_and_a_free_one_is_left_alone():
    inside = Arm(up=15, ahead=20, bend=95, hint=(-1, -0.2, 0))
    free = Arm(up=80, ahead=0, bend=20, hint=(0, -1, 0))
    poses = np.tile(pose_of(inside, free, Trunk())[None], (5, 1, 1, 1))
    before = arm_depth(REFERENCE_HEADS, poses)
    guarded = guard_arms(REFERENCE_HEADS, poses, fps=30.0)
    assert before.min() > 0.03
    assert guarded.clear.all()
    np.testing.assert_array_equal(guarded.rotations[:, bone_index("RightArm")], poses[:, bone_index("RightArm")])
    assert within_limits(guarded.rotations).all()


def test_an_arm_that_cannot_be_freed_is_reported():
    """The whole arm inside the trunk: the shoulder itself sits in it, so no turn of it helps a folded arm."""
    pose = rest(2)
    shoulder = bone_index("LeftShoulder")
    pose[:, shoulder] = about(np.array([0.0, 0, 1]), np.pi)
    pose[:, bone_index("LeftForeArm")] = about(AXES[bone_index("LeftForeArm"), 1], np.radians(100))
    guarded = guard_arms(REFERENCE_HEADS, pose, fps=30.0)
    assert guarded.clear.tolist() == (guarded.depth <= 0.01).tolist()
    np.testing.assert_allclose(guarded.depth, arm_depth(REFERENCE_HEADS, guarded.rotations))


def test_mirroring_twice_changes_nothing_and_once_puts_the_left_hand_where_the_right_one_was():
    motion = dance()
    twice = mirror(mirror(motion))
    np.testing.assert_array_equal(twice.rotations, motion.rotations)
    np.testing.assert_array_equal(twice.root, motion.root)
    here, there = joints(motion), joints(mirror(motion))
    np.testing.assert_allclose(there, here[:, SWAP] * MIRROR, atol=1e-5)
    assert np.abs(there - here).max() > 0.1


def test_resampling_keeps_whole_frames_and_matches_a_known_turn_between_them():
    times = np.arange(31) / 30
    turns = rest(31)
    turns[:, 3] = about(np.array([1.0, 0, 0]), 0.5 + 0.5 * np.sin(3 * times))
    motion = Motion(
        rotations=turns.astype(np.float32), root=np.outer(times**2, [1.0, 0, 0]).astype(np.float32), fps=30.0
    )
    finer = resample(motion, 120.0)
    np.testing.assert_allclose(finer.rotations[::4], motion.rotations, atol=1e-6)
    assert (finer.fps, len(finer)) == (120.0, 121)
    fine_times = np.arange(121) / 120
    exact = about(np.array([1.0, 0, 0]), 0.5 + 0.5 * np.sin(3 * fine_times))
    np.testing.assert_allclose(finer.rotations[:, 3], exact, atol=2e-5)
    np.testing.assert_allclose(finer.root[:, 0], fine_times**2, atol=1e-5)
    assert len(resample(replace(motion, rotations=motion.rotations[:1], root=motion.root[:1]), 60.0)) == 1


def test_time_warp_keeps_the_ends_and_the_order_of_poses():
    times = np.linspace(0, 1, 61)
    motion = Motion(
        rotations=rest(61).astype(np.float32), root=np.outer(times, [1.0, 0, 0]).astype(np.float32), fps=30.0
    )
    for seed in range(20):
        bent = time_warp(motion, np.random.default_rng(seed), strength=0.3).root[:, 0].astype(float)
        assert (bent[0], bent[-1]) == pytest.approx((0, 1), abs=1e-6)
        speed = np.diff(bent) * 60
        assert 0.69 < speed.min() < 1 < speed.max() < 1.31
    same = time_warp(motion, np.random.default_rng(0), strength=0.0)
    np.testing.assert_allclose(same.root, motion.root, atol=1e-6)


def test_a_motion_comes_back_from_its_file_as_it_went(tmp_path):
    motion = dance()
    save_motion(tmp_path / "dance.npz", motion)
    back = load_motion(tmp_path / "dance.npz")
    np.testing.assert_array_equal(back.rotations, motion.rotations)
    np.testing.assert_array_equal(back.root, motion.root)
    assert (back.fps, back.families, back.beats_per_minute) == (motion.fps, motion.families, motion.beats_per_minute)
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="broken.npz is no motion file"):
        load_motion(tmp_path / "broken.npz")


def test_motions_that_make_no_sense_are_refused():
    turns, root = rest(3).astype(np.float32), np.zeros((3, 3), dtype=np.float32)
    with pytest.raises(InputError, match="0.0 frames per second"):
        Motion(rotations=turns, root=root, fps=0.0)
    with pytest.raises(InputError, match="strength 1.0"):
        time_warp(Motion(rotations=turns, root=root, fps=30.0), np.random.default_rng(0), strength=1.0)
    with pytest.raises(InputError, match="-1.0 frames"):
        resample(Motion(rotations=turns, root=root, fps=30.0), -1.0)
