"""How scenes are lit: from where, by what, and through what."""

import numpy as np
import pytest

from hd_core.synth.framing import look_at
from hd_core.synth.look.environment import sample_environment
from hd_core.synth.look.gobo import sample_gobo
from hd_core.synth.look.keylight import LUMINANCE, split_key
from hd_core.synth.look.lighting import STYLES, sample_lighting, turned
from hd_core.synth.look.shadow import cast_shadow, key_share, lit_share
from hd_core.types import Camera


def camera(yaw=0.0):
    pose = look_at(np.array([0.0, 0, 1]), yaw=yaw, pitch=0.0, roll=0.0, distance=3.0)
    k = np.array([[90.0, 0, 32], [0, 90, 32], [0, 0, 1]])
    return Camera(width=64, height=64, intrinsics=k, cam_from_world=pose)


def draws(style, count=12, yaw=0.0):
    return [sample_lighting(np.random.default_rng(seed), camera(yaw), style=style) for seed in range(count)]


def test_turning_an_environment_turns_its_key_light():
    environment = np.asarray(sample_environment(np.random.default_rng(1), kind="sky"), float)
    before = split_key(environment).direction
    after = split_key(turned(environment, np.pi / 2)).direction
    # From +Y to the right is towards +X, as azimuth runs.
    np.testing.assert_allclose(after, [before[1], -before[0], before[2]], atol=1e-9)


@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_light_from_behind_comes_from_where_the_camera_looks(yaw):
    ahead = camera(yaw).cam_from_world[2, :2]
    keys = np.array([one.light.key_direction[:2] for one in draws("back", 30, yaw)])
    facing = keys @ ahead / np.linalg.norm(keys, axis=1) / np.linalg.norm(ahead)
    assert np.mean(facing) > 0.6
    assert (facing > 0).mean() > 0.9


@pytest.mark.parametrize("style", ["back", "hard", "dappled", "gels"])
def test_styles_with_a_key_light_have_one_that_outshines_the_rest(style):
    for one in draws(style):
        rest = np.pi * one.light.soft[0] @ LUMINANCE / np.sqrt(4 * np.pi)
        assert one.light.key_irradiance @ LUMINANCE > 1.2 * rest
        assert (one.light.gobo is not None) == (style == "dappled")


def test_hard_light_leaves_little_else():
    rest = [np.mean([one.light.soft[0] @ LUMINANCE for one in draws(style)]) for style in ("hard", "back")]
    assert rest[0] < 0.6 * rest[1]


def test_gels_are_coloured_and_keep_the_amount_of_light():
    plain, gelled = draws("back"), draws("gels")
    spread = [
        np.mean([np.ptp(one.light.key_irradiance) / one.light.key_irradiance.max() for one in all_])
        for all_ in (plain, gelled)
    ]
    assert spread[1] > spread[0] + 0.1


def test_unlit_and_flat_scenes_have_no_key_light():
    assert all(one.light is None for one in draws("none", 3))
    for one in draws("flat", 3):
        assert not one.light.key_irradiance.any()


def test_styles_come_as_often_as_stated():
    rng = np.random.default_rng(5)
    drawn = [sample_lighting(rng, camera()).style for _ in range(300)]
    assert sum(STYLES.values()) == pytest.approx(1)
    for style, share in STYLES.items():
        assert drawn.count(style) / 300 == pytest.approx(share, abs=4 * np.sqrt(share / 300))


def test_a_gobo_lets_its_share_through_and_is_the_same_along_the_light():
    rng = np.random.default_rng(6)
    for seed in range(30):
        towards = rng.normal(size=3)
        gobo = sample_gobo(np.random.default_rng(seed), towards)
        points = rng.uniform(-8, 8, (60000, 3))
        share = gobo.share(points)
        assert share.min() >= 0
        assert share.max() <= 1
        assert share.mean() == pytest.approx(gobo.open_share, abs=0.1)
        assert share.std() > 0.15
        shifted = gobo.share(points + 2.5 * towards / np.linalg.norm(towards))
        np.testing.assert_allclose(shifted, share, atol=1e-6)


def test_what_stands_before_the_light_only_takes_light_away():
    towards = np.array([0.3, -0.5, 0.8])
    vertices = np.array([[-1.0, -1, 0], [1, -1, 0], [0, 1, 0]])
    shadow = cast_shadow(vertices, np.array([[0, 1, 2]]), towards)
    points = np.random.default_rng(7).uniform(-1, 1, (500, 3)) * [1, 1, 0] + [0, 0, 0.1]
    normals = np.broadcast_to([0.0, 0.0, 1.0], points.shape).copy()
    open_ = lit_share(shadow, points, normals)
    gobo = sample_gobo(np.random.default_rng(8), towards)
    np.testing.assert_array_equal(key_share(shadow, None, points, normals), open_)
    np.testing.assert_allclose(key_share(shadow, gobo, points, normals), open_ * gobo.share(points))
