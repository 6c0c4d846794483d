"""Finding the body with the frames beside each: a doubt of one frame is outvoted, nothing is carried over a cut."""

from dataclasses import replace

import numpy as np
import pytest
from predict_scenes import frame_camera

from hd_core.body.block_motion import REACH, block_motion
from hd_core.body.decode import Coarse, Decoded, FoundBodies
from hd_core.body.iuv import BodyFinder, SeenBodies
from hd_core.body.steady import SteadyFinder
from hd_core.geometry.crop import whole_frame
from hd_core.types import View

SIDE = 64
FRONT, BACK = 2, 1


def speckled(seed=0):
    """A square person with a pattern that no two blocks of share, which is the same over cells of 2 x 2 px."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (16, 16, 3), np.uint8).repeat(2, axis=0).repeat(2, axis=1)


def view_at(index, *, top=16, left=16, person=None):
    camera = frame_camera(SIDE, SIDE)
    rgb, alpha = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), np.float32)
    where = slice(top, top + 32), slice(left, left + 32)
    rgb[where], alpha[where] = speckled() if person is None else person, 1
    return View(rgb=rgb, alpha=alpha, crop=whole_frame(camera), frame_index=index, time_seconds=index / 30)


class Sees(BodyFinder):
    """Says of every frame which part its left half and its right half are; everything else it is sure of."""

    def __init__(self, said):
        self.said, self.looks = said, []

    def look(self, view):
        self.looks.append(view.frame_index)
        if not view.mask.any():
            return None
        mask = view.mask[::2, ::2]
        parts = np.zeros((*mask.shape, 25), np.float32)
        columns = np.flatnonzero(mask.any(axis=0))
        halves = columns[: len(columns) // 2], columns[len(columns) // 2 :]
        for own, front in zip(halves, self.said[view.frame_index], strict=True):
            parts[:, own, FRONT], parts[:, own, BACK] = front, 1 - front
        spread = np.full(mask.shape, 0.01, np.float32)
        offsets = np.zeros((*mask.shape, 24, 3), np.float32)
        one = Coarse(parts=parts, offsets=offsets, spread=spread, mask=mask, top=0, left=0, cell=2)
        return SeenBodies(one, one)

    def find_bodies(self, view):
        raise AssertionError("A frame that shows somebody is not asked about by itself.")


def halves(found):
    """The parts of the two halves of the square, which fills what is found."""
    part = found.clothed.iuv[..., 0]
    columns = np.flatnonzero(part.any(axis=0))
    middle = len(columns) // 2
    return [int(np.bincount(part[:, own][part[:, own] > 0]).argmax()) for own in (columns[:middle], columns[middle:])]


SAID = [(0.9, 0.9), (0.9, 0.9), (0.3, 0.3), (0.9, 0.9), (0.9, 0.9)]


def test_a_back_of_one_frame_is_outvoted_by_the_fronts_around_it():
    views = [view_at(index) for index in range(5)]
    follows = [False, True, True, True, True]
    alone = SteadyFinder(Sees(SAID), views.__getitem__, follows, window=0)
    assert halves(alone.find(2)) == [BACK, BACK]
    assert halves(SteadyFinder(Sees(SAID), views.__getitem__, follows).find(2)) == [FRONT, FRONT]


def test_the_mean_is_that_of_the_frames_in_the_window():
    """Still pictures: 0.9 twice on either side, and 0.3, have the mean 0.78; with one on either side it is 0.7."""
    views = [view_at(index) for index in range(5)]
    for window, mean in ((0, 0.7), (1, 0.7), (2, 0.78)):
        found = SteadyFinder(Sees(SAID), views.__getitem__, [False, *[True] * 4], window=window).find(2)
        sure = found.clothed.confidence[32, 32] * (1 + (0.01 / 0.05) ** 2)
        assert sure == pytest.approx(mean, abs=1e-4)


def test_what_is_said_moves_with_the_picture():
    """The person walks four cells a frame; every frame is asked about its own halves."""
    said = [(0.9, 0.1), (0.9, 0.1), (0.6, 0.4), (0.9, 0.1), (0.9, 0.1)]
    views = [view_at(index, left=2 + 6 * index) for index in range(5)]
    found = SteadyFinder(Sees(said), views.__getitem__, [False, *[True] * 4], window=2).find(2)
    sure = found.clothed.confidence[32] * (1 + (0.01 / 0.05) ** 2)
    assert halves(found) == [FRONT, BACK]
    on = np.flatnonzero(sure)
    # Away from the edges, where blocks reach off the person, all five frames count, each a little less for its motion.
    assert np.all(sure[on[4:12]] > 0.8) and np.all(sure[on[-12:-4]] > 0.8)


@pytest.mark.parametrize("place", [2, 3])
def test_nothing_is_carried_over_a_gap_or_a_cut(place):
    views = [view_at(index) for index in range(5)]
    follows = [False, True, place != 2, place != 3, True]
    said = [(0.9, 0.9), (0.9, 0.9), (0.3, 0.3), (0.3, 0.3), (0.3, 0.3)] if place == 2 else SAID
    found = SteadyFinder(Sees(said), views.__getitem__, follows).find(2)
    assert halves(found) == ([BACK, BACK] if place == 2 else [FRONT, FRONT])
    if place == 3:  # the frames before alone: (0.9 + 0.9 + 0.3) / 3
        assert found.clothed.confidence[32, 32] * 1.04 == pytest.approx(0.7, abs=1e-4)


def test_frames_that_are_too_far_apart_in_time_are_not_asked():
    """Ten frames a second: one on either side is near enough, and none at five a second."""
    for rate, looked in ((10, [2, 1, 3]), (5, [2])):
        views, sees = [replace(view_at(index), time_seconds=index / rate) for index in range(5)], Sees(SAID)
        SteadyFinder(sees, views.__getitem__, [False, *[True] * 4]).find(2)
        assert sees.looks == looked


def test_what_looks_different_is_not_carried():
    views = [view_at(index, person=None if index == 2 else 255 - speckled()) for index in range(5)]
    assert halves(SteadyFinder(Sees(SAID), views.__getitem__, [False, *[True] * 4]).find(2)) == [BACK, BACK]


def test_frames_that_are_asked_for_in_order_are_looked_at_once():
    views, sees = [view_at(index) for index in range(5)], Sees(SAID)
    finder = SteadyFinder(sees, views.__getitem__, [False, *[True] * 4], window=2)
    for place in range(5):
        finder.find(place)
    assert sees.looks == [0, 1, 2, 3, 4]


def test_a_frame_that_shows_nobody_is_empty_and_carries_nothing():
    nobody = Decoded(iuv=np.zeros((SIDE, SIDE, 3), np.uint8), confidence=np.zeros((SIDE, SIDE), np.float32))

    class Nobody(Sees):
        def find_bodies(self, view):
            return FoundBodies(nobody, nobody)

    views = [view_at(index) for index in range(5)]
    views[1] = replace(views[1], alpha=np.zeros_like(views[1].alpha))
    finder = SteadyFinder(Nobody(SAID), views.__getitem__, [False, *[True] * 4])
    assert finder.find(1).clothed is nobody
    assert finder.find(0).clothed.confidence[32, 32] * 1.04 == pytest.approx(0.9, abs=1e-4)


def test_motion_of_whole_cells_is_found_as_far_as_it_reaches():
    rng = np.random.default_rng(0)
    person = rng.random((12, 10, 3)).astype(np.float32)
    for down, right in ((0, 0), (2, -3), (-REACH, REACH)):
        first, second = np.zeros((32, 32, 3), np.float32), np.zeros((32, 32, 3), np.float32)
        first[10:22, 11:21], second[10 + down : 22 + down, 11 + right : 21 + right] = person, person
        mask = first.any(axis=-1)
        found = block_motion(first, mask, second)
        assert (found.down[mask] == down).mean() > 0.99 and (found.right[mask] == right).mean() > 0.99
        assert not found.down[~mask].any() or found.down[10:22, 11:21].all()


def test_motion_never_leaves_the_picture():
    rng = np.random.default_rng(1)
    first, second = (rng.random((9, 7, 3)).astype(np.float32) for _ in range(2))
    found = block_motion(first, np.ones((9, 7), bool), second)
    rows, columns = np.mgrid[:9, :7]
    assert ((rows + found.down >= 0) & (rows + found.down < 9)).all()
    assert ((columns + found.right >= 0) & (columns + found.right < 7)).all()
