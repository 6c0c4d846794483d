"""The body found in a clip: what the network says of a frame, together with what it says of the frames around it.

Frames a few hundredths of a second apart show nearly the same, but the network's doubts differ from one to the next:
a back that is taken for a front in one of them is seldom taken for it in all. So the neighbours' answers are carried
to the frame, cell by cell, along the motion of the picture, and all are averaged before it is decided: probabilities
as they are, points in metres by the probability of their part. What moved too far or changed its look is not carried.
Motion is found between neighbouring frames (`block_motion`) and followed from frame to frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from hd_core.body.block_motion import Motion, block_motion
from hd_core.body.decode import Coarse, FoundBodies, decode
from hd_core.body.iuv import BodyFinder, SeenBodies
from hd_core.predict.scales import halved
from hd_core.types import View

WINDOW = 3
"""Frames on either side; more brought nothing on clips of a quarter of a second."""
APART_S = 0.15
"""Frames farther from each other in time are not asked: a limb moves too far for blocks to follow."""
LOOKS_ALIKE = 0.05
"""Squared difference of colour, of 1, by which an answer that is carried counts for less by a factor e."""
_LEAST = 1e-3


class SteadyFinder:
    """Finds the body in the frames of one person, each with its neighbours.

    Args:
        finder: Sees single frames.
        views: Gives the view of a place in the person's frames; the same one every time.
        follows: For every place, whether it shows the moment after the place before: no gap, no cut.
        window: Frames on either side that are asked; 0 for none.
    """

    def __init__(
        self, finder: BodyFinder, views: Callable[[int], View], follows: Sequence[bool], *, window: int = WINDOW
    ) -> None:
        self._finder, self._follows, self._window = finder, follows, window
        self._views = lru_cache(maxsize=2 * window + 2)(views)
        # Frames are asked for in order, so each is seen once.
        self._moment = lru_cache(maxsize=2 * window + 2)(self._look)
        self._motion = lru_cache(maxsize=4 * window + 4)(self._between)

    def find(self, place: int) -> FoundBodies:
        """The points of both surfaces that the pixels of a frame show, and how far to trust them."""
        now = self._moment(place)
        if now is None:
            return self._finder.find_bodies(self._views(place))
        sums = [_Sum(answer) for answer in now.answers]
        for step in (-1, 1):
            self._gather(place, step, now, sums)
        return FoundBodies(
            *(decode(one.mean(coarse), now.view_mask) for one, coarse in zip(sums, now.seen, strict=True))
        )

    def _gather(self, place: int, step: int, now: "_Moment", sums: Sequence["_Sum"]) -> None:
        """Add what the frames after, or before, say of the cells of a frame."""
        rows, columns = np.nonzero(now.cell >= 0)
        weight = np.ones(len(rows), np.float32)
        for there in range(place + step, place + step * (self._window + 1), step):
            if not 0 <= there < len(self._follows) or not self._follows[max(there, there - step)]:
                return
            if abs(self._views(there).time_seconds - self._views(place).time_seconds) > APART_S:
                return
            other = self._moment(there)
            if other is None or other.cell.shape != now.cell.shape:
                return
            motion = self._motion(there - step, there)
            weight = weight * np.exp(-motion.difference[rows, columns] / LOOKS_ALIKE)
            rows, columns = rows + motion.down[rows, columns], columns + motion.right[rows, columns]
            cell = other.cell[rows, columns]
            weight = weight * (cell >= 0)
            for total, answer in zip(sums, other.answers, strict=True):
                total.add(answer, cell, weight)

    def _look(self, place: int) -> "_Moment | None":
        view = self._views(place)
        seen = self._finder.look(view)
        return None if seen is None else _moment(view, seen)

    def _between(self, here: int, there: int) -> Motion:
        one, other = self._moment(here), self._moment(there)
        assert one is not None
        assert other is not None
        return block_motion(one.picture, one.cell >= 0, other.picture)


class _Answer(NamedTuple):
    """What the network says of one surface in the cells of the mask."""

    parts: Float32[np.ndarray, "n 25"]
    offsets: Float32[np.ndarray, "n 24 3"]
    spread: Float32[np.ndarray, " n"]


class _Moment(NamedTuple):
    """A frame at the size of the network's answers; `cell` counts the cells of the mask, -1 off it."""

    picture: Float32[np.ndarray, "a d 3"]
    cell: Int[np.ndarray, "a d"]
    view_mask: Bool[np.ndarray, "h w"]
    seen: SeenBodies
    answers: list[_Answer]


def _moment(view: View, seen: SeenBodies) -> _Moment:
    grid, small = seen.clothed, view
    while max(small.alpha.shape) > -(-max(view.alpha.shape) // grid.cell):
        small = halved(small)
    rows, columns = np.nonzero(grid.mask)
    cell = np.full(small.alpha.shape, -1, np.int64)
    cell[rows + grid.top, columns + grid.left] = np.arange(len(rows))
    return _Moment(
        picture=np.where(cell[..., None] >= 0, small.rgb / np.float32(255), 0).astype(np.float32),
        cell=cell,
        view_mask=view.mask,
        seen=seen,
        answers=[_Answer(one.parts[one.mask], one.offsets[one.mask], one.spread[one.mask]) for one in seen],
    )


class _Sum:
    """Weighted sums over frames, begun with the frame's own answer."""

    def __init__(self, own: _Answer) -> None:
        self._trust = own.parts[:, 1:] + np.float32(_LEAST)
        self._parts, self._spread = own.parts.copy(), own.spread.copy()
        self._offsets = own.offsets * self._trust[..., None]
        self._weight = np.ones(len(own.spread), np.float32)

    def add(self, other: _Answer, cell: Int[np.ndarray, " n"], weight: Float32[np.ndarray, " n"]) -> None:
        parts = weight[:, None] * other.parts[cell]
        trust = parts[:, 1:] + np.float32(_LEAST) * weight[:, None]
        self._parts += parts
        self._spread += weight * other.spread[cell]
        self._offsets += trust[..., None] * other.offsets[cell]
        self._trust += trust
        self._weight += weight

    def mean(self, grid: Coarse) -> Coarse:
        parts, offsets, spread = (plane.copy() for plane in (grid.parts, grid.offsets, grid.spread))
        parts[grid.mask] = self._parts / self._weight[:, None]
        offsets[grid.mask] = self._offsets / self._trust[..., None]
        spread[grid.mask] = self._spread / self._weight
        return replace(grid, parts=parts, offsets=offsets, spread=spread)
