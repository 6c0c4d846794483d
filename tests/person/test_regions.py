import numpy as np
import pytest

from hd_core.person.regions import fill_pinholes, largest_region, overlap, regions, square_around, tight_box
from hd_core.types import Box


def test_regions_are_numbered_by_falling_area_and_diagonals_connect():
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = True
    mask[3:6, 4:8] = True
    mask[2, 3] = True  # touches the block at a corner
    labels, areas = regions(mask)
    assert areas.tolist() == [13, 1]
    assert labels[2, 3] == labels[5, 7] == 1
    assert labels[0, 0] == 2
    assert (labels[~mask] == 0).all()


def test_tight_box_covers_pixels_edge_to_edge():
    mask = np.zeros((10, 20), bool)
    mask[3:7, 5:6] = True
    assert tight_box(mask) == Box(left=5.0, top=3.0, width=1.0, height=4.0)
    assert tight_box(np.zeros((4, 4), bool)) is None


def test_largest_region_of_nothing_is_nothing():
    assert not largest_region(np.zeros((3, 5), bool)).any()


def test_square_keeps_the_centre_and_takes_the_longer_side():
    square = square_around(Box(left=10.0, top=20.0, width=4.0, height=8.0), scale=1.5)
    assert square == Box(left=6.0, top=18.0, width=12.0, height=12.0)


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 1 / 3), (2, 0.0), (5, 0.0)])
def test_overlap_is_intersection_over_union(shift, expected):
    a = Box(left=0.0, top=0.0, width=2.0, height=2.0)
    b = Box(left=float(shift), top=0.0, width=2.0, height=2.0)
    assert overlap(a, b) == pytest.approx(expected)


def test_pinholes_close_but_gaps_and_bays_stay_and_soft_edges_too():
    plane = np.zeros((40, 40), np.float32)
    plane[5:35, 5:35] = 1
    plane[5, 5:35] = 0.3
    plane[10, 10] = 0  # pinhole of one pixel
    plane[20:26, 20:26] = 0  # a real gap of 36
    plane[30:, 8] = 0  # a bay that is open to the outside
    plane[38:, 38:] = 0
    plane[37, 37:] = plane[37:, 37] = 1  # a small corner of background at the border
    filled = fill_pinholes(plane, max_area_px=4.0)
    assert filled[10, 10] == 1
    assert (filled[20:26, 20:26] == 0).all()
    assert (filled[31:, 8] == 0).all()
    np.testing.assert_array_equal(filled[5], plane[5])
    assert (filled[38:, 38:] == 0).all()
    changed = filled != plane
    assert changed.sum() == 1
