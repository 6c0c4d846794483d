"""From predicted points to charts: what lies on the skin is found again, what hovers is laid on it."""

import numpy as np
import pytest
from iuv_scenes import body_points
from scipy.spatial import cKDTree

from hd_core.body.decode import HALF_SPREAD_M, Coarse, decode, nearest_places
from hd_core.body.parts import part_centres
from hd_core.synth.atlas.anny24 import flip_part, load_atlas


def on_template(part, u, v):
    atlas = load_atlas()
    return atlas.canonical_points(*atlas.decode(part, u, v))


def coarse_of(part, points, *, cell, spread=0.01, top=0, left=0, mask=None):
    """What a network would say that knows part (a d) and point (a d 3) of every cell."""
    offsets = points[:, :, None] - part_centres()
    return Coarse(
        parts=np.eye(25, dtype=np.float32)[part],
        offsets=offsets.astype(np.float32),
        spread=np.full(part.shape, spread, np.float32),
        mask=np.ones(part.shape, bool) if mask is None else mask,
        top=top,
        left=left,
        cell=cell,
    )


def test_centres_lie_in_the_box_of_their_part_and_mirrored_parts_have_mirrored_ones():
    centres, atlas = part_centres(), load_atlas()
    for part in range(1, 25):
        points = atlas.vertices[atlas.faces[atlas.part == part]].reshape(-1, 3)
        assert (np.abs(points - centres[part - 1]).max(axis=0) <= np.ptp(points, axis=0) / 2 + 1e-6).all()
    mirrored = centres[flip_part(np.arange(1, 25)) - 1] * [-1, 1, 1]
    assert np.abs(mirrored - centres).max() < 2e-3


def test_points_of_the_skin_get_their_own_place_in_their_own_chart():
    part, uv, points = body_points(3000)
    u, v = nearest_places(part, points)
    off = np.linalg.norm(on_template(part, u, v) - points, axis=-1)
    assert np.median(off) < 0.5e-3 and np.quantile(off, 0.99) < 6e-3 and off.max() < 15e-3
    assert np.median(np.abs(np.stack([u, v], axis=-1) - uv)) < 1 / 255


def test_a_point_that_hovers_is_laid_on_the_nearest_skin_of_its_part():
    """Against the nearest of ten thousand vertices and middles of the part's own triangles."""
    rng, atlas = np.random.default_rng(1), load_atlas()
    part, _, points = body_points(400, seed=1)
    hovering = points + rng.normal(0, 0.02, points.shape)
    found = np.linalg.norm(on_template(part, *nearest_places(part, hovering)) - hovering, axis=-1)
    beyond = []
    for number in np.unique(part):
        corners = atlas.vertices[atlas.faces[atlas.part == number]].astype(np.float64)
        dense = np.concatenate([corners.reshape(-1, 3), corners.mean(axis=1)])
        best = cKDTree(dense).query(hovering[part == number])[0]
        beyond.append(found[part == number] - best)
    assert np.quantile(np.concatenate(beyond), 0.95) < 3e-3 and np.concatenate(beyond).max() < 15e-3


@pytest.mark.parametrize("cell", [2, 4])
def test_a_map_is_decoded_at_the_size_of_the_view_and_nothing_off_its_mask(cell):
    """A patch of the chest whose charts are passed evenly: pixels between cells get the places between."""
    side = 8
    rows, columns = np.mgrid[:side, :side]
    part, u, v = np.full((side, side), 2), 0.4 + 0.01 * rows, 0.55 + 0.01 * columns
    mask = np.ones((side * cell, side * cell), bool)
    mask[:3] = False
    found = decode(coarse_of(part, on_template(part, u, v), cell=cell), mask)
    assert not found.iuv[~mask].any() and not found.confidence[~mask].any()
    assert (found.iuv[mask, 0] == 2).all()
    at = np.clip((np.arange(side * cell) + 0.5) / cell - 0.5, 0, side - 1)
    expected = np.stack(np.broadcast_arrays(0.4 + 0.01 * at[:, None], 0.55 + 0.01 * at[None]), axis=-1)
    assert np.abs(found.iuv[..., 1:] - 255 * expected)[mask].max() < 1.3


def test_a_grid_lies_where_its_first_cell_is_among_the_cells_of_the_view():
    part = np.zeros((4, 4), int)
    part[1:3, 1:3] = [[3, 4], [5, 6]]
    points = part_centres()[np.maximum(part, 1) - 1]
    found = decode(coarse_of(part, points, cell=2, top=3, left=5), np.ones((20, 24), bool))
    expected = np.zeros((20, 24), int)
    expected[8:12, 12:16] = np.kron([[3, 4], [5, 6]], np.ones((2, 2), int))
    assert np.array_equal(found.iuv[..., 0], expected)


@pytest.mark.parametrize(("nobody", "expected"), [(0.45, 9), (0.55, 0)])
def test_some_part_is_found_where_all_parts_together_are_likelier_than_none(nobody, expected):
    part = np.full((2, 2), 9)
    coarse = coarse_of(part, part_centres()[part - 1], cell=2)
    coarse.parts[...] = 0
    coarse.parts[..., 0] = nobody
    coarse.parts[..., 9], coarse.parts[..., 10] = 0.55 * (1 - nobody), 0.45 * (1 - nobody)
    assert set(np.unique(decode(coarse, np.ones((4, 4), bool)).iuv[..., 0])) == {expected}


def test_cells_off_the_mask_have_no_say():
    part = np.full((4, 4), 2)
    part[:, 2:] = 24
    mask = part == 2
    points = part_centres()[part - 1]
    found = decode(coarse_of(part, points, cell=2, mask=mask), np.ones((8, 8), bool))
    assert set(np.unique(found.iuv[:, :5, 0])) == {2} and not found.iuv[:, 5:].any()


@pytest.mark.parametrize("sure", [1.0, 0.6])
def test_confidence_is_the_probability_of_the_part_over_one_and_the_spread_in_halves_squared(sure):
    part = np.full((2, 2), 7)
    coarse = coarse_of(part, part_centres()[part - 1], cell=2, spread=2 * HALF_SPREAD_M)
    coarse.parts[...] = (1 - sure) / 24
    coarse.parts[..., 7] = sure
    found = decode(coarse, np.ones((4, 4), bool))
    assert np.allclose(found.confidence, sure / 5, atol=1e-6)


def test_the_charts_byte_of_a_place_between_two_bytes_is_the_nearer_one():
    atlas = load_atlas()
    u = np.full(3, 100.3 / 255)
    v = np.full(3, 120.4 / 255)
    part = np.array([1, 2, 13])
    points = atlas.canonical_points(*atlas.decode(part, u, v))
    found = decode(coarse_of(part[None], points[None], cell=2), np.ones((2, 6), bool))
    assert (np.abs(found.iuv[:, [0, -1], 1].astype(int) - 100) <= 1).all()
    assert (np.abs(found.iuv[:, [0, -1], 2].astype(int) - 120) <= 1).all()
