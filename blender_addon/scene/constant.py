# SPDX-License-Identifier: GPL-3.0-or-later
"""One face list for a whole clip, made of a grid whose cells come and go.

Over the clip the union of all cells is kept; a cell that is not there in a frame shrinks to a point of that frame's
surface. A cell that is missing in some frame while a cell around it is there has four vertices of its own, so that
its shrinking pulls at nobody; the others share theirs, and neighbours among those come and go together.
"""

from dataclasses import dataclass

import numpy as np

ABSENT = -1


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The faces of every frame.

    Args:
        cells: Number of each kept cell in the grid, (c,).
        quads: Grid vertices of each kept cell, (c, 4).
        own: Whether a cell has four vertices of its own, (c,).
        group: The first of the shared cells that each one comes and goes with, itself for own cells, (c,).
        faces: Vertices of each cell, (c, 4).
        vertex: Grid vertex of each vertex, (v,).
    """

    cells: np.ndarray
    quads: np.ndarray
    own: np.ndarray
    group: np.ndarray
    faces: np.ndarray
    vertex: np.ndarray

    def sources(self, there: np.ndarray) -> np.ndarray:
        """Grid vertex whose place each vertex takes in a frame, (v,); `ABSENT` for all if no cell is there.

        Args:
            there: Which of the grid's cells are there, (q,).
        """
        shown = there[self.cells]
        if not shown.any():
            return np.full(len(self.vertex), ABSENT)
        source = self.vertex.copy()
        if shown.all():
            return source
        target = _nearest(self.quads, shown)[self.quads[:, 0]]
        shared = ~shown & ~self.own
        target[shared] = target[self.group[shared]]
        source[self.faces[~shown]] = target[~shown, None]
        return source


class Planner:
    """Looks at every frame and then gives the topology.

    Args:
        quads: Grid vertices of every cell, (q, 4).
    """

    def __init__(self, quads: np.ndarray) -> None:
        self._quads = quads
        self._ever = np.zeros(len(quads), bool)
        self._lonely = np.zeros(len(quads), bool)

    def see(self, there: np.ndarray, apart: np.ndarray | None = None) -> None:
        """Take in a frame.

        Args:
            there: Which cells are there, (q,).
            apart: Which of them do not share all their corners with the cells beside them, (q,).
        """
        used = np.zeros(int(self._quads.max(initial=-1)) + 1, bool)
        used[self._quads[there]] = True
        self._ever |= there
        self._lonely |= used[self._quads].any(axis=1) & ~there
        if apart is not None:
            self._lonely |= apart

    def plan(self) -> Topology:
        """The topology of all frames seen."""
        cells = np.flatnonzero(self._ever)
        quads, own = self._quads[cells], self._lonely[cells]
        shared, place = np.unique(quads[~own], return_inverse=True)
        faces = np.zeros((len(cells), 4), np.int64)
        faces[~own] = place.reshape(-1, 4)
        faces[own] = len(shared) + np.arange(4 * int(own.sum())).reshape(-1, 4)
        return Topology(
            cells=cells,
            quads=quads,
            own=own,
            group=_groups(quads, own),
            faces=faces,
            vertex=np.concatenate([shared, quads[own].reshape(-1)]),
        )


def _groups(quads: np.ndarray, own: np.ndarray) -> np.ndarray:
    """For each shared cell the first of those that it touches, directly or through others; else the cell itself."""
    group = np.arange(len(quads))
    corners = quads[~own]
    if not len(corners):
        return group
    label = np.arange(int(corners.max()) + 1)
    while True:
        lowest = label[corners].min(axis=1)
        np.minimum.at(label, corners.reshape(-1), np.repeat(lowest, 4))
        label = label[label]
        if (label[corners] == lowest[:, None]).all():
            break
    _, first, member = np.unique(lowest, return_index=True, return_inverse=True)
    group[~own] = np.flatnonzero(~own)[first][member]
    return group


def _nearest(quads: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """For every grid vertex one that a shown cell uses, found by stepping from cell to cell."""
    target = np.full(int(quads.max()) + 1, ABSENT)
    target[quads[shown]] = quads[shown]
    waiting = quads[~shown]
    while len(waiting):
        known = target[waiting]
        reached = (known != ABSENT).any(axis=1)
        if not reached.any():
            target[waiting] = quads[shown][0, 0]  # a cell that no chain of cells joins to what is shown
            break
        best = known[reached].max(axis=1)
        corners = waiting[reached]
        empty = known[reached] == ABSENT
        target[corners[empty]] = np.repeat(best, empty.sum(axis=1))
        waiting = waiting[~reached]
    return target
