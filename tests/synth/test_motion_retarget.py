"""Captures written by the test with known angles come out as the known pose."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import BONES, PARENTS, bone_index, forward_kinematics
from hd_core.synth.motion.bvh import read_bvh
from hd_core.synth.motion.deepmimic import load_deepmimic
from hd_core.synth.motion.retarget import bone_of_joint, load_bvh
from hd_core.synth.motion.rig import REFERENCE_HEADS, bone_ends

YUP_FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
ORDER = "ZXY"
CENTIMETRES = 100.0


def write_bvh(path: Path, heads: np.ndarray, ends: np.ndarray, world: np.ndarray, *, fps: float = 120.0) -> None:
    """Write world turns (t, 31, 3, 3) of our bones in our axes as a Y-up file in centimetres, hips at (3, 90, -2)."""
    local = world.copy()
    for bone, parent in enumerate(PARENTS):
        if parent >= 0:
            local[:, bone] = world[:, parent].swapaxes(-1, -2) @ world[:, bone]
    local = YUP_FROM_WORLD @ local @ YUP_FROM_WORLD.T
    lines, order = ["HIERARCHY"], []

    def numbers(vector: np.ndarray) -> str:
        return " ".join(f"{value:.9f}" for value in YUP_FROM_WORLD @ vector * CENTIMETRES)

    def joint(bone: int) -> None:
        order.append(bone)
        parent = PARENTS[bone]
        lines.append(f"{'ROOT' if parent < 0 else 'JOINT'} {BONES[bone]} {{")
        lines.append("OFFSET " + numbers(heads[bone] - heads[parent] if parent >= 0 else np.zeros(3)))
        places = "Xposition Yposition Zposition " if parent < 0 else ""
        lines.append(f"CHANNELS {6 if parent < 0 else 3} {places}" + " ".join(f"{axis}rotation" for axis in ORDER))
        children = [child for child, above in enumerate(PARENTS) if above == bone]
        for child in children:
            joint(child)
        if not children:
            lines.append("End Site { OFFSET " + numbers(ends[bone] - heads[bone]) + " }")
        lines.append("}")

    joint(0)
    lines += ["MOTION", f"Frames: {len(world)}", f"Frame Time: {1 / fps:.9f}"]
    for frame in local:
        angles = Rotation.from_matrix(frame[order]).as_euler(ORDER, degrees=True).reshape(-1)
        lines.append("3 90 -2 " + " ".join(f"{value:.9f}" for value in angles))
    path.write_text("\n".join(lines))


def known_turns(frames: int) -> np.ndarray:
    vectors = np.random.default_rng(1).normal(0, 0.5, size=(frames, len(BONES), 3))
    turns = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(frames, len(BONES), 3, 3)
    for name in ("LHipJoint", "RHipJoint"):
        turns[:, bone_index(name)] = turns[:, 0]
    return turns


def test_a_capture_of_our_own_skeleton_gives_its_own_turns_back(tmp_path):
    world = known_turns(4)
    write_bvh(tmp_path / "own.bvh", REFERENCE_HEADS, bone_ends(REFERENCE_HEADS), world)
    motion = load_bvh(tmp_path / "own.bvh")
    assert (len(motion), motion.fps) == (4, pytest.approx(120.0, rel=1e-6))
    turned = forward_kinematics(REFERENCE_HEADS, motion.rotations, motion.root)[..., :3, :3]
    np.testing.assert_allclose(turned, world, atol=1e-4)


def test_a_capture_that_rests_in_a_t_pose_makes_our_arms_point_where_its_arms_point(tmp_path):
    """Source arms lie level at rest and are not turned: ours, which rest 45 degrees down, must be level too."""
    heads, ends = REFERENCE_HEADS.copy(), bone_ends(REFERENCE_HEADS)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        start = heads[bone_index(f"{side}Arm")]
        for place, name in ((0.25, "ForeArm"), (0.5, "Hand"), (0.55, "FingerBase"), (0.6, "HandFinger1")):
            heads[bone_index(side + name)] = start + np.array([sign * place, 0, 0])
        heads[bone_index(f"{side[0]}Thumb")] = start + np.array([sign * 0.52, -0.05, 0])
        ends[bone_index(f"{side}HandFinger1")] = start + np.array([sign * 0.65, 0, 0])
    world = np.tile(np.eye(3), (2, len(BONES), 1, 1))
    lowered = Rotation.from_euler("y", 60, degrees=True).as_matrix()
    for name in ("LeftArm", "LeftForeArm", "LeftHand", "LThumb", "LeftFingerBase", "LeftHandFinger1"):
        world[1, bone_index(name)] = lowered
    write_bvh(tmp_path / "t.bvh", heads, ends, world)
    motion = load_bvh(tmp_path / "t.bvh")
    posed = forward_kinematics(REFERENCE_HEADS, motion.rotations, motion.root)
    joints = (posed[..., :3, :3] @ REFERENCE_HEADS[..., None])[..., 0] + posed[..., :3, 3]

    def pointing(frame: int, start: str, end: str) -> np.ndarray:
        way = joints[frame, bone_index(end)] - joints[frame, bone_index(start)]
        return way / np.linalg.norm(way)

    for start, end in (("Arm", "ForeArm"), ("ForeArm", "Hand")):
        np.testing.assert_allclose(pointing(0, f"Left{start}", f"Left{end}"), [1, 0, 0], atol=1e-4)
        np.testing.assert_allclose(pointing(0, f"Right{start}", f"Right{end}"), [-1, 0, 0], atol=1e-4)
        np.testing.assert_allclose(pointing(1, f"Left{start}", f"Left{end}"), [0.5, 0, -np.sqrt(0.75)], atol=1e-4)
        np.testing.assert_allclose(pointing(1, f"Right{start}", f"Right{end}"), [-1, 0, 0], atol=1e-4)


def test_a_capture_that_stands_at_rest_stands_at_our_origin_whatever_its_size_and_place(tmp_path):
    world = np.tile(np.eye(3), (3, len(BONES), 1, 1))
    write_bvh(tmp_path / "big.bvh", 1.4 * REFERENCE_HEADS, 1.4 * bone_ends(REFERENCE_HEADS), world)
    motion = load_bvh(tmp_path / "big.bvh")
    np.testing.assert_allclose(motion.root, 0, atol=1e-5)
    np.testing.assert_allclose(motion.rotations, world, atol=1e-5)


def test_the_order_of_channels_is_the_order_of_turns(tmp_path):
    text = """HIERARCHY ROOT Hips { OFFSET 0 0 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
    End Site { OFFSET 0 5 0 } }
    MOTION Frames: 1 Frame Time: 0.04
    1 2 3 90 0 90"""
    (tmp_path / "one.bvh").write_text(text)
    clip = read_bvh(tmp_path / "one.bvh")
    np.testing.assert_allclose(clip.turns[0, 0] @ [0, 1, 0], [0, 0, 1], atol=1e-12)  # about x first, then about z
    np.testing.assert_allclose(clip.turns[0, 0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_array_equal(clip.root, [[1, 2, 3]])
    np.testing.assert_array_equal(clip.tips, [[0, 5, 0]])
    assert clip.fps == pytest.approx(25)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("LeftUpLeg", "LeftUpLeg"),
        ("mixamorig:RightForeArm", "RightForeArm"),
        ("rThumb", "RThumb"),
        ("rShldr", "RightArm"),
        ("RightKnee", "RightLeg"),
        ("RightThumb", "RThumb"),
        ("Pelvis", "Hips"),
        ("Tail", None),
    ],
)
def test_joint_names_of_usual_captures_are_known(theirs: str, ours: str | None):
    assert bone_of_joint(theirs) == ours


def test_files_that_are_no_captures_are_refused_with_a_reason(tmp_path):
    (tmp_path / "not.bvh").write_text("hello")
    with pytest.raises(InputError, match="cannot be read as BVH"):
        load_bvh(tmp_path / "not.bvh")
    with pytest.raises(InputError, match="cannot be read as BVH"):
        load_bvh(tmp_path / "absent.bvh")
    (tmp_path / "snake.bvh").write_text(
        "HIERARCHY ROOT Snake { OFFSET 0 0 0 CHANNELS 3 Zrotation Xrotation Yrotation End Site { OFFSET 0 1 0 } } "
        "MOTION Frames: 1 Frame Time: 0.04 0 0 0"
    )
    with pytest.raises(InputError, match=r"Snake.*LeftUpLeg"):
        load_bvh(tmp_path / "snake.bvh")


def deepmimic_frame(**joints: list[float]) -> list[float]:
    """A frame of the format at rest but for some joints: name -> what replaces its numbers, by position."""
    positions = {"root": 4, "right_knee": 20, "right_shoulder": 25, "left_knee": 34, "left_elbow": 43}
    frame = [1 / 60, 0.0, 0.9, 0.0] + [1.0, 0, 0, 0] * 4 + [0.0] + [1.0, 0, 0, 0] * 2 + [0.0]
    frame += [1.0, 0, 0, 0] + [0.0] + [1.0, 0, 0, 0] * 2 + [0.0]
    for name, values in joints.items():
        frame[positions[name] : positions[name] + len(values)] = values
    return frame


def test_a_motion_of_deepmimic_with_known_angles_gives_the_known_pose(tmp_path):
    """At rest limbs hang; a knee of -90 degrees takes the shank back, an elbow of 90 the forearm ahead."""
    half = float(np.sqrt(0.5))
    frames = [
        deepmimic_frame(),
        deepmimic_frame(left_knee=[-np.pi / 2], left_elbow=[np.pi / 2], right_shoulder=[half, -half, 0.0, 0.0]),
        deepmimic_frame(root=[half, 0.0, half, 0.0]),
    ]
    (tmp_path / "known.txt").write_text(json.dumps({"Loop": "wrap", "Frames": frames}))
    motion = load_deepmimic(tmp_path / "known.txt")
    posed = forward_kinematics(REFERENCE_HEADS, motion.rotations, motion.root)
    joints = (posed[..., :3, :3] @ REFERENCE_HEADS[..., None])[..., 0] + posed[..., :3, 3]

    def pointing(frame: int, start: str, end: str) -> np.ndarray:
        way = joints[frame, bone_index(end)] - joints[frame, bone_index(start)]
        return way / np.linalg.norm(way)

    for side in ("Left", "Right"):
        for start, end in (("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot")):
            np.testing.assert_allclose(pointing(0, side + start, side + end), [0, 0, -1], atol=1e-5)
    np.testing.assert_allclose(pointing(1, "LeftLeg", "LeftFoot"), [0, 1, 0], atol=1e-5)
    np.testing.assert_allclose(pointing(1, "LeftForeArm", "LeftHand"), [0, -1, 0], atol=1e-5)
    np.testing.assert_allclose(pointing(1, "RightArm", "RightHand"), [-1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(posed[2, 0, :3, :3] @ [0, -1, 0], [1, 0, 0], atol=1e-5)
    assert motion.fps == pytest.approx(60)


def test_a_file_that_is_no_motion_of_deepmimic_is_refused(tmp_path):
    (tmp_path / "short.txt").write_text(json.dumps({"Frames": [[0.1, 2.0]]}))
    with pytest.raises(InputError, match=r"shape \(1, 2\)"):
        load_deepmimic(tmp_path / "short.txt")
    (tmp_path / "other.txt").write_text("[]")
    with pytest.raises(InputError, match="no motion of DeepMimic"):
        load_deepmimic(tmp_path / "other.txt")
