"""People on the floor lie on it with two parts of the body, do not move their legs, and are seen by their camera."""

from functools import cache

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.body.identity import RestBody, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index, forward_kinematics
from hd_core.synth.body.skinning import pose_body
from hd_core.synth.motion import floor as floor_module
from hd_core.synth.motion import sample as sample_module
from hd_core.synth.motion.flesh import flesh_of
from hd_core.synth.motion.floor import FLOOR, sample_floor
from hd_core.synth.motion.limits import within_limits
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.sample import sample_motion, tallest

FPS = 30.0
LEGS = [bone_index(side + name) for side in ("Left", "Right") for name in ("UpLeg", "Leg", "Foot", "ToeBase")]


@cache
def people() -> tuple[RestBody, ...]:
    rng = np.random.default_rng(4)
    return tuple(shape_body(load_body(), sample_adult(rng)) for _ in range(3))


def on_floor(name: str, rest: RestBody, monkeypatch: pytest.MonkeyPatch, seed: int = 0) -> Motion:
    monkeypatch.setattr(floor_module, "SHARES", {name: 1.0})
    rng = np.random.default_rng(seed)
    return sample_floor(rng, rest.heads.astype(np.float64), flesh_of(rest), num_frames=6, fps=FPS)


def skin(rest: RestBody, motion: Motion) -> np.ndarray:
    posed = forward_kinematics(rest.heads, motion.rotations, motion.root)
    return pose_body(load_body(), rest, posed)[:, :NUM_SKIN_VERTICES]


@pytest.mark.parametrize("name", FLOOR)
def test_two_parts_of_the_body_rest_on_the_floor_and_nothing_is_below(name: str, monkeypatch):
    """Seat, shins and feet: the two lowest of them within 2.5 cm of the floor, on bodies of any build."""
    bones = load_body().bone_indices[:NUM_SKIN_VERTICES, 0]
    groups = {
        "seat": ("Hips", "LHipJoint", "RHipJoint", "LeftUpLeg", "RightUpLeg"),
        "left shin": ("LeftLeg",),
        "right shin": ("RightLeg",),
        "left foot": ("LeftFoot", "LeftToeBase"),
        "right foot": ("RightFoot", "RightToeBase"),
    }
    for rest in people():
        height = skin(rest, on_floor(name, rest, monkeypatch))[0, :, 2] - rest.floor_m
        lows = sorted(height[np.isin(bones, [bone_index(b) for b in part])].min() for part in groups.values())
        assert height.min() > -0.01  # hands, at the most
        assert lows[1] < 0.04
        assert height.max() < 0.85 * rest.stature_m


@pytest.mark.parametrize("name", FLOOR)
def test_legs_are_still_and_joints_within_their_limits(name: str, monkeypatch):
    motion = on_floor(name, people()[0], monkeypatch)
    assert motion.families[:2] == ("floor", name)
    np.testing.assert_array_equal(motion.rotations[:, LEGS], np.repeat(motion.rotations[:1, LEGS], len(motion), axis=0))
    np.testing.assert_array_equal(motion.root, np.repeat(motion.root[:1], len(motion), axis=0))
    assert within_limits(motion.rotations, tolerance_deg=1.0).all()


def test_as_many_people_are_on_the_floor_as_the_share_says_and_they_are_shorter_there(monkeypatch):
    monkeypatch.setattr(sample_module, "FLOOR_SHARE", 0.5)
    rest = people()[0]
    motions = [sample_motion(np.random.default_rng(seed), rest, num_frames=2, fps=FPS) for seed in range(16)]
    down = [motion for motion in motions if motion.families[0] == "floor"]
    assert 4 <= len(down) <= 12
    assert all(0.4 < tallest(rest, motion) / rest.stature_m < 0.9 for motion in down)
    standing = Motion(rotations=np.tile(np.eye(3), (1, 31, 1, 1)), root=np.zeros((1, 3)), fps=FPS)
    assert tallest(rest, standing) == pytest.approx(rest.stature_m)


def test_a_motion_of_no_length_is_refused():
    with pytest.raises(InputError, match="0 frames"):
        sample_motion(np.random.default_rng(0), people()[0], num_frames=0, fps=FPS)


def test_names_of_what_the_arms_do_stand_in_one_order_in_every_process():
    """They go into the clip's header, and equal clips have equal bytes; sets have another order in every process."""
    rest = people()[0]
    seen = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        motion = sample_floor(rng, rest.heads.astype(np.float64), flesh_of(rest), num_frames=90, fps=FPS)
        seen.append(motion.families[2:])
    assert max(map(len, seen)) > 2
    assert all(names == tuple(sorted(names)) for names in seen)
