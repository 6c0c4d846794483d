"""Dances: within the body's limits, on the beat, on the ground, different from each other."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.motion.collision import arm_depth
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.motion.limits import HINGES, within_limits
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.rig import REFERENCE_HEADS, ground_height, leg_length, sole
from hd_core.synth.motion.score import STYLES

FPS = 30.0
GROUND = ground_height(REFERENCE_HEADS)


@cache
def clips() -> tuple[Motion, ...]:
    return tuple(sample_dance(np.random.default_rng(seed), num_frames=24, fps=FPS) for seed in range(200))


@cache
def long_clips() -> tuple[Motion, ...]:
    return tuple(sample_dance(np.random.default_rng(seed), num_frames=150, fps=FPS) for seed in range(1000, 1016))


def points(motion: Motion, bone: str, *marks: np.ndarray) -> np.ndarray:
    """Where points of a bone go, (mark, frame, 3)."""
    matrix = forward_kinematics(REFERENCE_HEADS, motion.rotations, motion.root)[:, bone_index(bone)]
    return np.stack([matrix[:, :3, :3] @ mark + matrix[:, :3, 3] for mark in marks])


def test_no_joint_of_two_hundred_clips_leaves_its_limits():
    for clip in clips():
        assert within_limits(clip.rotations, tolerance_deg=0.5).all()


def test_knees_and_elbows_never_bend_backwards():
    for clip in clips():
        full = clip.rotations
        heads = forward_kinematics(REFERENCE_HEADS, full, clip.root)
        for name in HINGES:
            side, part = ("Left", name[4:]) if name.startswith("Left") else ("Right", name[5:])
            upper, end = (f"{side}UpLeg", f"{side}Foot") if part == "Leg" else (f"{side}Arm", f"{side}Hand")
            u = REFERENCE_HEADS[bone_index(name)] - REFERENCE_HEADS[bone_index(upper)]
            v = REFERENCE_HEADS[bone_index(end)] - REFERENCE_HEADS[bone_index(name)]
            forearm = Rotation.from_matrix(full[:, bone_index(name)].astype(float)).apply(v)
            hinge = np.cross(u, v) / np.linalg.norm(np.cross(u, v)) if part == "ForeArm" else np.array([1.0, 0, 0])
            bend = np.arctan2(np.cross(np.broadcast_to(u, forearm.shape), forearm) @ hinge, forearm @ u)
            assert np.degrees(bend.min()) > -1.5, name
            assert np.degrees(bend.max()) < 150, name
        assert np.isfinite(heads).all()


def test_joints_move_with_bounded_speed_and_acceleration():
    for clip in clips():
        turns = clip.rotations.astype(float)
        step = Rotation.from_matrix((turns[:-1].swapaxes(-1, -2) @ turns[1:]).reshape(-1, 3, 3)).as_rotvec()
        speed = step.reshape(len(clip) - 1, len(BONES), 3) * FPS
        assert np.abs(np.linalg.norm(speed, axis=-1)).max() < np.radians(1100)
        assert np.linalg.norm(np.diff(speed, axis=0) * FPS, axis=-1).max() < 320


def test_speed_has_no_jumps_at_the_keys():
    """With four times the frames a jump of speed would show four times the acceleration; a smooth motion does not."""
    for seed in range(5, 10):
        bends = []
        for fps in (100.0, 400.0):
            clip = sample_dance(np.random.default_rng(seed), num_frames=int(fps), fps=fps)
            hands = points(clip, "LeftHand", REFERENCE_HEADS[bone_index("LeftHand")])[0]
            feet = points(clip, "RightFoot", REFERENCE_HEADS[bone_index("RightFoot")])[0]
            bends.append([np.linalg.norm(np.diff(path, n=2, axis=0), axis=-1).max() * fps**2 for path in (hands, feet)])
        assert (np.array(bends[1]) < 1.8 * np.array(bends[0]) + 2.0).all()


def test_joint_energy_repeats_with_the_tempo():
    """The autocorrelation of joint energy near one beat beats the one half way between beats, in most clips."""
    on_the_beat = 0
    for clip in long_clips():
        turns = clip.rotations.astype(float)
        step = Rotation.from_matrix((turns[:-1].swapaxes(-1, -2) @ turns[1:]).reshape(-1, 3, 3)).as_rotvec()
        energy = np.linalg.norm(step, axis=-1).reshape(len(clip) - 1, -1).sum(axis=1)
        energy = energy - energy.mean()
        beat = 60 / clip.beats_per_minute * FPS

        def likeness(lag: float, energy: np.ndarray = energy) -> float:
            lags = [int(np.floor(lag)), int(np.ceil(lag))]
            return max(float(np.corrcoef(energy[: len(energy) - k], energy[k:])[0, 1]) for k in lags)

        on_the_beat += likeness(2 * beat) > max(likeness(1.75 * beat), likeness(2.25 * beat)) - 0.02
    assert on_the_beat >= 12


def test_planted_feet_neither_slide_nor_sink():
    planted = 0
    for clip in (*clips(), *long_clips()):
        for side in ("Left", "Right"):
            under = sole(REFERENCE_HEADS, side)
            ball, heel = points(clip, f"{side}Foot", under.ball, under.heel)
            toe = points(clip, f"{side}ToeBase", under.toe)[0]
            assert min(path[:, 2].min() for path in (ball, heel, toe)) > GROUND - 0.01
            down = np.concatenate([[False], ball[:, 2] < GROUND + 0.004, [False]])
            edges = np.flatnonzero(np.diff(down.astype(int)))
            for begin, end in zip(edges[::2], edges[1::2], strict=True):
                contact = ball[begin:end, :2]
                assert np.ptp(contact, axis=0).max() < 0.02
                planted += end - begin
    assert planted > 10_000


def foot_heights(clip: Motion) -> np.ndarray:
    """Height of the two balls of the feet over the ground, m."""
    balls = [points(clip, f"{side}Foot", sole(REFERENCE_HEADS, side).ball)[0, :, 2] for side in ("Left", "Right")]
    return np.stack(balls) - GROUND


def test_somebody_is_always_on_the_ground_but_for_jumps_and_nobody_wanders_off():
    for clip in (*long_clips(), *clips()):
        if "jump" not in clip.families:
            assert (foot_heights(clip).min(axis=0) < 0.008).all()
        assert np.linalg.norm(clip.root[:, :2], axis=1).max() < 0.75


def test_jumps_are_no_higher_than_gravity_allows_for_the_time_in_the_air(monkeypatch):
    """Who is in the air for T seconds rises by at most g T^2 / 8; and people do leave the ground by 5 cm and more."""
    monkeypatch.setitem(STYLES, "club", replace(STYLES["club"], legs={"jump": 1}))
    highest = []
    for seed in range(10):
        clip = sample_dance(np.random.default_rng(seed), num_frames=90, fps=FPS, style="club")
        up = foot_heights(clip).min(axis=0)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], up > 0.004, [False]]).astype(int)))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            if begin > 0 and end < len(clip):
                assert up[begin:end].max() < 9.81 * ((end - begin + 1) / FPS) ** 2 / 8 + 0.01
                highest.append(up[begin:end].max())
    assert len(highest) >= 6
    assert 0.05 < np.median(highest) < 0.35


def test_some_crouch_deep():
    """The hips come down by more than a third of the leg in some clips."""
    leg = leg_length(REFERENCE_HEADS)
    deep = [clip.root[:, 2].min() < -0.33 * leg for clip in (*long_clips(), *clips())]
    assert 3 <= sum(deep) <= 60


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not():
    one, two = (sample_dance(np.random.default_rng(7), num_frames=30, fps=FPS) for _ in range(2))
    other = sample_dance(np.random.default_rng(8), num_frames=30, fps=FPS)
    assert one.rotations.tobytes() == two.rotations.tobytes()
    assert one.root.tobytes() == two.root.tobytes()
    assert one.rotations.tobytes() != other.rotations.tobytes()


def test_clips_differ_from_each_other_in_pose():
    """Median distance of joints between two clips' middle poses, hips aligned: far more than noise."""
    poses = []
    for clip in clips()[:50]:
        facing = clip.rotations.copy()
        facing[:, 0] = np.eye(3)
        poses.append(forward_kinematics(REFERENCE_HEADS, facing[12], np.zeros(3)))
    places = np.stack([p[:, :3, :3] @ REFERENCE_HEADS[..., None] for p in poses])[..., 0]
    places += np.stack([p[:, :3, 3] for p in poses])
    hands = places[:, [bone_index("LeftHand"), bone_index("RightHand")]]
    apart = np.linalg.norm(hands[:, None] - hands[None], axis=-1).mean(axis=-1)[np.triu_indices(50, 1)]
    assert np.median(apart) > 0.3
    assert apart.min() > 0.02
    assert len({name for clip in clips() for name in clip.families}) >= 25


def test_arms_come_before_the_torso_in_a_third_of_the_clips():
    """A wrist in front of the chest: within 18 cm of the middle, between hips and neck, ahead of the spine."""
    seen = 0
    for clip in clips():
        posed = forward_kinematics(REFERENCE_HEADS, clip.rotations, clip.root)
        chest = posed[:, bone_index("Spine1")]
        before = np.zeros(len(clip), dtype=bool)
        for hand in ("LeftHand", "RightHand"):
            wrist = points(clip, hand, REFERENCE_HEADS[bone_index(hand)])[0]
            x, y, z = (chest[:, :3, :3].swapaxes(-1, -2) @ (wrist - chest[:, :3, 3])[..., None])[..., 0].T
            before |= (np.abs(x) < 0.18) & (z > 0.1) & (z < 0.6) & (y < -0.1)
        seen += before.mean() > 0.2
    assert seen >= 200 / 3


def test_whole_turns_happen():
    """Heading of the hips, unwrapped: at least one clip in eight turns by more than 300 degrees in five seconds."""
    turned = 0
    for clip in long_clips():
        forward = clip.rotations[:, 0] @ np.array([0.0, -1, 0], dtype=np.float32)
        heading = np.unwrap(np.arctan2(forward[:, 0], -forward[:, 1]))
        turned += np.ptp(heading) > np.radians(300)
    assert turned >= 2


def test_arms_stay_out_of_the_body():
    depth = np.concatenate([arm_depth(REFERENCE_HEADS, clip.rotations) for clip in clips()])
    assert (depth < 0.02).mean() > 0.97
    assert depth.max() < 0.08


@pytest.mark.parametrize("style", [*STYLES, "any"])
def test_every_style_dances_at_a_natural_tempo(style: str):
    clip = sample_dance(np.random.default_rng(3), num_frames=20, fps=25.0, style=style)
    assert 80 <= clip.beats_per_minute <= 150
    assert clip.rotations.shape == (20, 31, 3, 3)
    assert clip.rotations.dtype == clip.root.dtype == np.float32
    turns = clip.rotations.astype(float)
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-5)


def test_taller_people_keep_their_feet_on_their_own_ground():
    heads = 1.15 * REFERENCE_HEADS
    for seed in range(4):
        clip = sample_dance(np.random.default_rng(seed), num_frames=45, fps=FPS, heads=heads)
        posed = forward_kinematics(heads, clip.rotations, clip.root)
        balls = np.stack(
            [(posed[:, bone_index(f"{s}Foot")] @ np.append(sole(heads, s).ball, 1))[:, 2] for s in ("Left", "Right")]
        )
        assert balls.min() > ground_height(heads) - 0.01
        if "jump" not in clip.families:
            assert (balls.min(axis=0) < ground_height(heads) + 0.03).all()


def test_unusable_wishes_are_refused():
    with pytest.raises(InputError, match="ballet"):
        sample_dance(np.random.default_rng(0), num_frames=10, fps=30.0, style="ballet")
    with pytest.raises(InputError, match="0 frames"):
        sample_dance(np.random.default_rng(0), num_frames=0, fps=30.0)
