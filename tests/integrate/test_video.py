"""One frame after the other."""

from dataclasses import replace

import numpy as np
import pytest
from integrate_scenes import arm_before_torso, blurred, masked, mean_error_mm, sphere, with_noise, without_depth

from hd_core.integrate.bilateral import BilateralIntegrator
from hd_core.integrate.fuse import NO_EXTRAS
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import load_integrator
from hd_core.integrate.video import VideoIntegrator


def alone(maps):
    return load_integrator("bilateral", IntegrateOptions()).integrate(maps)


def test_a_still_picture_stands_still_to_the_last_bit():
    video = VideoIntegrator(IntegrateOptions())
    maps = blurred(arm_before_torso(0.5), 3)
    first = video.integrate(maps)
    for _ in range(3):
        copy = replace(maps, normal=maps.normal.copy(), depth=maps.depth.copy())
        assert video.integrate(copy).surface.depth.tobytes() == first.surface.depth.tobytes()
    assert first.surface.depth.tobytes() == alone(maps).surface.depth.tobytes()


def test_a_frame_with_new_noise_is_as_good_as_one_begun_anew_with_a_third_of_the_iterations():
    rng = np.random.default_rng(3)
    truth = arm_before_torso()
    frames = [with_noise(replace(truth, depth=blurred(truth, 3).depth), 1, rng) for _ in range(3)]
    video = VideoIntegrator(IntegrateOptions())
    found = [video.integrate(frame) for frame in frames]
    for frame, warm in zip(frames[1:], found[1:], strict=True):
        cold = alone(frame)
        assert mean_error_mm(warm.surface, truth) < 1.1 * mean_error_mm(cold.surface, truth) + 0.1
        assert warm.measures["iterations"] < cold.measures["iterations"] / 3


def test_without_a_depth_the_frames_go_on_from_each_other_too():
    rng = np.random.default_rng(3)
    truth = sphere()
    video = VideoIntegrator(IntegrateOptions())
    for _ in range(3):
        found = video.integrate(with_noise(without_depth(truth), 0.5, rng))
    assert mean_error_mm(found.surface, truth, aligned=True) < 0.3
    assert np.median(found.surface.depth[truth.mask]) == pytest.approx(1, abs=1e-4)


def test_known_motion_says_where_every_pixel_begins(monkeypatch):
    """The picture moves 40 px to the right and 7 up; where nothing came from anywhere, nothing is known."""
    truth = masked(arm_before_torso(), np.pad(np.ones((226, 120), bool), ((7, 7), (20, 60))))
    after = replace(truth, confidence=(0.5 * truth.confidence).astype(np.float32))
    x, y = np.meshgrid(np.arange(200) + 0.5, np.arange(240) + 0.5)
    came_from = np.stack([x - 40 + 0.3, y + 7 - 0.3], axis=-1)
    came_from[100:110] = np.nan
    starts = []
    plain = BilateralIntegrator.integrate

    def watched(self, maps, extras=NO_EXTRAS):
        starts.append(extras.start)
        return plain(self, maps, extras)

    monkeypatch.setattr(BilateralIntegrator, "integrate", watched)
    video = VideoIntegrator(IntegrateOptions())
    first = video.integrate(truth)
    video.integrate(after, came_from)
    expected = np.full(truth.mask.shape, np.nan, np.float32)
    expected[:-7, 40:] = first.surface.depth[7:, :-40]
    expected[100:110] = np.nan
    assert starts[0] is None
    np.testing.assert_array_equal(starts[1], expected)


def test_another_person_is_begun_anew():
    video = VideoIntegrator(IntegrateOptions())
    truth = arm_before_torso(0.5)
    mask = np.zeros(truth.mask.shape, bool)
    mask[:, :40] = True
    video.integrate(masked(truth, mask))
    other = masked(truth, ~mask)
    assert video.integrate(other).surface.depth.tobytes() == alone(other).surface.depth.tobytes()


def test_frames_of_another_size_or_without_anybody_are_begun_anew():
    video = VideoIntegrator(IntegrateOptions())
    small, large = sphere(0.3), sphere(0.5)
    nobody = masked(large, np.zeros(large.mask.shape, bool))
    for maps in (small, nobody, large, nobody, large):
        assert video.integrate(maps).surface.depth.tobytes() == alone(maps).surface.depth.tobytes()
