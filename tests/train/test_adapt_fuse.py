"""Prediction and body are mixed by how far each is trusted."""

import numpy as np
import pytest

from hd_core.train.adapting.body_surface import BodySurface
from hd_core.train.adapting.fuse import BODY_ERROR, RELIEF_SHARE, USUAL_MISS, fuse, spread_out, tightness
from hd_core.train.adapting.looks import Look

SIZE = 64
AHEAD, ASIDE = np.array([0, 0, -1], np.float32), np.array([0.6, 0, -0.8], np.float32)


def seen(spread: float) -> Look:
    shape = (SIZE, SIZE)
    normal = np.broadcast_to(AHEAD, (*shape, 3)).copy()
    return Look(normal, np.zeros(shape, np.float32), np.full(shape, spread, np.float32), np.ones(shape, bool))


def body(on: np.ndarray, relief: np.ndarray | None = None) -> BodySurface:
    depth = np.zeros(on.shape, np.float32) if relief is None else relief.astype(np.float32)
    return BodySurface(normal=np.where(on[..., None], ASIDE, 0).astype(np.float32), relief=depth, seen=on)


LEFT = np.arange(SIZE)[None] < SIZE // 2
HALF = np.broadcast_to(LEFT, (SIZE, SIZE))


def degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))


def test_a_sure_prediction_stays_and_an_unsure_one_gives_way():
    sure, unsure = (fuse(seen(spread), body(HALF)).normal for spread in (0.0, 100.0))
    np.testing.assert_allclose(sure, seen(0).normal, atol=1e-6)
    assert degrees(unsure, np.broadcast_to(ASIDE, unsure.shape))[:, :20].max() < 1


def test_equal_errors_meet_on_the_bodys_side_of_the_middle():
    mixed = fuse(seen(BODY_ERROR), body(np.ones((SIZE, SIZE), bool))).normal[SIZE // 2, SIZE // 2]
    half = AHEAD + 0.5 * (ASIDE - AHEAD)
    half /= np.linalg.norm(half)
    expected = half + 0.4 * ASIDE
    np.testing.assert_allclose(mixed, expected / np.linalg.norm(expected), atol=1e-4)


def test_far_from_the_body_nothing_changes_and_just_off_it_a_little():
    mixed = fuse(seen(BODY_ERROR), body(HALF)).normal
    off = degrees(mixed, np.broadcast_to(AHEAD, mixed.shape))[SIZE // 2]
    assert off[48:].max() < 1e-2 < 1 < off[32] < off[16]


def test_clothes_that_stand_off_make_a_body_count_less_towards_its_outline():
    person, inner = np.zeros((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)
    person[10:50, 10:50], inner[20:40, 20:40] = True, True
    assert (tightness(person, person)[person] == 1).all()
    loose = tightness(inner, person)
    np.testing.assert_allclose(loose[30, [20, 25, 29]], [1.5 / 11.5, 6.5 / 16.5, 10.5 / 20.5], atol=1e-6)
    cut_off = tightness(HALF, np.ones_like(HALF))  # the picture's edge is everybody's outline
    np.testing.assert_allclose(cut_off[32, [5, 31]], [1, 1.5 / 32.5], atol=1e-6)
    mixed = fuse(seen(BODY_ERROR)._replace(seen=person), body(inner)).normal
    off = degrees(mixed, np.broadcast_to(AHEAD, mixed.shape))
    assert off[30, 29] > off[30, 25] > off[30, 20]


def test_a_bodys_distance_does_not_count_but_its_shape_does():
    ramp = np.broadcast_to(np.linspace(0, 0.2, SIZE)[None], (SIZE, SIZE))
    near, far = (fuse(seen(0.3), body(np.ones_like(HALF), ramp + shift)).relief for shift in (0, 7))
    np.testing.assert_allclose(near, far, atol=1e-5)
    slope = np.diff(near[32])[24:40]
    np.testing.assert_allclose(slope, RELIEF_SHARE * 0.2 / (SIZE - 1), rtol=0.02)


def test_a_body_that_misses_its_points_by_twice_the_usual_has_twice_the_error():
    ramp = np.broadcast_to(np.linspace(0, 0.2, SIZE)[None], (SIZE, SIZE))
    surface = body(np.ones_like(HALF), ramp)
    usual, twice = (fuse(seen(2 * BODY_ERROR), surface, miss=miss) for miss in (USUAL_MISS / 3, 2 * USUAL_MISS))
    np.testing.assert_allclose(usual.normal, fuse(seen(2 * BODY_ERROR), surface).normal)
    np.testing.assert_allclose(twice.normal, fuse(seen(BODY_ERROR), surface).normal, atol=1e-6)
    slopes = [np.diff(one.relief[32])[24:40] for one in (usual, twice)]
    np.testing.assert_allclose(slopes[1], slopes[0] / 16, rtol=1e-3)


def test_a_body_that_is_hardly_seen_is_left_out():
    few = np.zeros((SIZE, SIZE), bool)
    few[0, :40] = True
    assert fuse(seen(1.0), body(few)).normal is not None
    np.testing.assert_array_equal(fuse(seen(1.0), body(few)).normal, seen(1.0).normal)


@pytest.mark.parametrize("sigma", [1.0, 4.0])
def test_means_over_known_pixels_keep_constants(sigma):
    values = np.where(HALF[..., None], np.array([2.0, -3.0], np.float32), 99).astype(np.float32)
    found = spread_out(values, HALF.astype(np.float32), sigma)
    np.testing.assert_allclose(found[HALF], np.broadcast_to([2.0, -3.0], (HALF.sum(), 2)), atol=1e-4)
    assert np.abs(found[:, -4:]).max() < 0.05
