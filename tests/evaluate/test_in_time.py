"""Flicker along the true motion: what changes with the truth is none, what changes otherwise is."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_scenes import sphere_sample, truth_maps, turned
from predict_scenes import frame_camera

from hd_core.evaluate.frame import FrameTruth
from hd_core.evaluate.in_time import link_frames, measure_pair
from hd_core.evaluate.samples import Motion
from hd_core.evaluate.sums import scores_of
from hd_core.geometry.camera import camera_from_focal, pixel_rays


def pair(first, second, first_maps=None, second_maps=None):
    truths = FrameTruth(first, 4.0), FrameTruth(second, 4.0)
    maps = first_maps or first.truth, second_maps or second.truth
    link = link_frames(*truths)
    return link, scores_of(measure_pair(link, truths, maps, (maps[0].depth, maps[1].depth)))


def test_a_prediction_that_stays_as_wrong_as_it_is_has_no_jitter():
    sample = sphere_sample()
    wrong = replace(turned(sample.truth, 25.0), depth=sample.truth.depth + np.float32(0.2))
    _, found = pair(sample, sample, wrong, wrong)
    assert found["time_normal_jitter_deg"] < 1e-3 and found["time_depth_jitter_mm"] < 1e-3
    assert found["time_normal_change_deg"] < 1e-3


def test_normals_that_turn_while_the_truth_stands_jitter_by_the_closed_form():
    sample = sphere_sample()
    link, found = pair(sample, sample, sample.truth, turned(sample.truth, 6.0))
    normal = sample.truth.normal.reshape(-1, 3)[link.here].astype(np.float64)
    polar = np.hypot(normal[:, 0], normal[:, 1])
    expected = np.degrees(2 * np.arcsin(polar * np.sin(np.radians(3.0)))).mean()
    assert found["time_normal_jitter_deg"] == pytest.approx(expected, rel=1e-3)
    assert found["time_normal_change_deg"] == pytest.approx(expected, rel=1e-3)
    assert found["time_normal_change_truth_deg"] < 1e-3


def test_a_prediction_that_turns_with_the_truth_changes_as_the_truth_does_and_has_no_jitter():
    first = sphere_sample()
    second = replace(first, truth=turned(first.truth, 6.0))
    _, found = pair(first, second)
    assert found["time_normal_jitter_deg"] < 1e-3 and found["time_normal_change_truth_deg"] > 2
    assert found["time_normal_change_deg"] == pytest.approx(found["time_normal_change_truth_deg"])
    moved = replace(first, truth=replace(first.truth, depth=first.truth.depth + np.float32(0.04)))
    _, found = pair(first, moved)
    assert found["time_depth_jitter_mm"] < 0.01
    assert found["time_depth_change_truth_mm"] == pytest.approx(40, abs=0.01)


def test_depth_that_pumps_while_the_truth_stands_jitters_by_as_much():
    sample = sphere_sample()
    pumped = replace(sample.truth, depth=sample.truth.depth + np.float32(0.03))
    _, found = pair(sample, sample, sample.truth, pumped)
    assert found["time_depth_jitter_mm"] == pytest.approx(30, abs=0.01)
    assert found["time_depth_change_mm"] == pytest.approx(30, abs=0.01)
    assert found["time_depth_change_truth_mm"] < 0.01


def tilted_plane(shift_px):
    """A tilted plane seen twice, the second time moved along itself by px of its picture: depth stays linear."""
    camera = camera_from_focal(64, 48, focal_px=90.0)
    ray = pixel_rays(camera)
    normal = np.array([0.6, 0.0, -0.8])
    depth = (normal @ [0, 0, 2.0]) / (ray @ normal)
    mask = np.ones(camera.shape, bool)
    truth = replace(
        truth_maps(frame_camera()),
        camera=camera,
        depth=depth.astype(np.float32),
        normal=np.broadcast_to(normal, (*camera.shape, 3)).astype(np.float32),
        mask=mask,
        confidence=mask.astype(np.float32),
    )
    base = sphere_sample(camera)
    place = base.motion.position.copy()
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    place = np.stack([x + shift_px[0], y + shift_px[1]], axis=-1).astype(np.float32)
    return replace(base, truth=truth, motion=Motion(position=place, visible=mask)), depth, camera


def test_points_are_followed_to_where_the_motion_says_between_the_pixels_too():
    sample, depth, _ = tilted_plane((3.25, -1.5))
    link, found = pair(sample, sample)
    rows, columns = np.divmod(link.here, 64)
    # Inverse depth is linear across the picture, so interpolated depth is a hair off; 1e-4 m is allowed.
    inverse = 1 / depth
    slope = inverse[0, 1] - inverse[0, 0]
    expected = 1 / (inverse[rows, columns] + 3.25 * slope) - depth[rows, columns]
    assert found["time_depth_change_truth_mm"] == pytest.approx(1000 * np.abs(expected).mean(), abs=0.1)
    assert len(link.here) == (64 - 4) * (48 - 2)  # what leaves the picture is not followed


def test_hidden_points_and_places_between_two_surfaces_are_left_out():
    sample, _, camera = tilted_plane((0.5, 0.0))
    visible = np.ones(camera.shape, bool)
    visible[:10] = False
    stepped = sample.truth.depth.copy()
    stepped[:, 30:] += 0.5
    second = replace(sample, truth=replace(sample.truth, depth=stepped))
    first = replace(sample, motion=Motion(position=sample.motion.position, visible=visible))
    link, _ = pair(first, second)
    rows, columns = np.divmod(link.here, 64)
    assert rows.min() == 10 and 29 not in columns and {28, 30} <= set(columns.tolist())


def test_pixels_that_the_prediction_lacks_are_left_out():
    sample = sphere_sample()
    less = sample.truth.mask.copy()
    less[:36] = False
    half = replace(
        sample.truth,
        mask=less,
        depth=np.where(less, sample.truth.depth, np.nan),
        normal=np.where(less[..., None], sample.truth.normal, 0),
    )
    _, found = pair(sample, sample, sample.truth, half)
    assert np.isfinite(found["time_depth_jitter_mm"]) and found["time_normal_jitter_deg"] < 1e-3


def test_without_motion_there_is_no_link():
    sample = sphere_sample(still=False)
    assert link_frames(FrameTruth(sample, 4.0), FrameTruth(sample, 4.0)) is None
