"""Polygons in the cells of the lattice: marching squares per connected group of corners.

Every mask pixel gets a polygon in each of the four cells around it, so pixels are always inside the mesh and its
boundary runs over rim and joint vertices only. Neighbouring cells meet in whole sides: no cracks, no bow ties.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int

from hd_core.mesh.faces import split
from hd_core.mesh.lattice import BACKWARD, FORWARD, Lattice


@dataclass(frozen=True, kw_only=True)
class Rims:
    """Vertices on lattice sides that are not links, numbered after the pixels.

    Args:
        index: Vertex per pixel and direction, -1 where there is a link.
        owner: The pixels whose surface a rim continues: one, or both ends of a steep pair, repeated to four.
        direction: Direction from the first owner.
    """

    index: Int[np.ndarray, "n 4"]
    owner: Int[np.ndarray, "r 4"]
    direction: Int[np.ndarray, " r"]


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Faces, and the vertices inside cells that they need; vertices count pixels, then rims, then joints.

    Args:
        full: Cells all of whose sides are links, counter-clockwise.
        quads: Other four-cornered faces, convex in the picture.
        triangles: Three-cornered faces.
        joint_owner: The pixels whose surface a joint continues, repeated to four.
        joint_between: The two vertices in whose middle a joint lies in the picture.
    """

    full: Int[np.ndarray, "c 4"]
    quads: Int[np.ndarray, "q 4"]
    triangles: Int[np.ndarray, "t 3"]
    joint_owner: Int[np.ndarray, "j 4"]
    joint_between: Int[np.ndarray, "j 2"]

    @property
    def triangulated(self) -> Int[np.ndarray, "f 3"]:
        """All faces as triangles, along whichever diagonal."""
        return np.concatenate([split(self.full), split(self.quads), self.triangles])


def make_rims(lattice: Lattice) -> Rims:
    """One rim vertex per pixel and direction without a link, row by row; the two of a steep pair are one."""
    twin = lattice.steep & (np.arange(4) >= 2)
    pixel, direction = np.nonzero(~lattice.linked & ~twin)
    index = np.full(lattice.linked.shape, -1, np.int64)
    index[pixel, direction] = len(lattice) + np.arange(len(pixel))
    second, back = np.nonzero(twin)
    index[second, back] = index[lattice.neighbour[second, back], back - 2]
    other = np.where(lattice.steep[pixel, direction], lattice.neighbour[pixel, direction], pixel)
    return Rims(index=index, owner=np.stack([pixel, other, pixel, other], axis=1), direction=direction)


def fill_cells(lattice: Lattice, rims: Rims) -> Filling:
    """Cover every cell as far as its corners reach, each connected group of corners on its own.

    A group is a run of linked corners; its polygon is the run, the rim behind it, the rim before it, and where
    several groups would leave a hole between them, a joint there: one for all where the groups are joined by steep
    pairs only, else one for each group.
    """
    whole = lattice.sides.all(axis=1)
    work = _Work(lattice, np.flatnonzero(~whole), rims)
    for start in range(4):
        for length in (1, 2, 3, 4):
            work.fill_runs(start, length)
    return work.result(lattice.corners[whole])


class _Work:
    """The cells that are not full, and the faces made so far."""

    def __init__(self, lattice: Lattice, chosen: Int[np.ndarray, " m"], rims: Rims) -> None:
        self.corners, self.sides, self.rims = lattice.corners[chosen], lattice.sides[chosen], rims
        on = self.corners >= 0
        self.on = on
        self.apart = on & np.roll(on, -1, axis=1) & ~self.sides
        self.four = on.all(axis=1)
        self.closed = ~(self.apart & ~lattice.steep[self.corners, FORWARD]).any(axis=1)
        self.jointed = self.apart.any(axis=1) & ~self._meet_straight()
        self.outer = self._outer_rims()
        self.next_vertex = len(lattice) + len(rims.owner)
        empty = np.zeros((0, 4), np.int64)
        self.quads, self.triangles = [empty], [empty[:, :3]]
        self.owners, self.between = [empty], [empty[:, :2]]
        self.common = self._common_joints()

    def _meet_straight(self) -> Bool[np.ndarray, " m"]:
        """Four-cornered cells of two groups whose border needs no bend in the middle.

        Two against two never do; three against one only where a cut keeps them apart, so that a steep corner is
        not skipped by a long edge.
        """
        opposite = (self.sides[:, 0] & self.sides[:, 2]) | (self.sides[:, 1] & self.sides[:, 3])
        return np.asarray(self.four & (self.sides.sum(axis=1) == 2) & (opposite | ~self.closed))

    def _common_joints(self) -> Int[np.ndarray, " m"]:
        """One joint for all groups of a cell that are joined by steep pairs; -1 in other cells."""
        cells = np.flatnonzero(self.jointed & self.closed)
        corners = self.corners[cells]
        somewhere = corners.max(axis=1, keepdims=True)
        joint = np.full(len(self.corners), -1, np.int64)
        joint[cells] = self._add_joints(np.where(corners >= 0, corners, somewhere), self._middle(cells))
        return joint

    def _middle(self, cells: Int[np.ndarray, " k"]) -> Int[np.ndarray, "k 2"]:
        """The two vertices between which a joint lies: opposite corners, or the rims towards the background."""
        diagonal = self.corners[cells][:, [0, 2]]
        return np.asarray(np.where(self.four[cells, None], diagonal, self.outer[cells]))

    def _outer_rims(self) -> Int[np.ndarray, "m 2"]:
        """The rims towards the background, in cells where there are two."""
        rim = np.full(self.corners.shape, -1, np.int64)
        for k in range(4):
            ahead = (k + 1) % 4
            leaving = self.on[:, k] & ~self.on[:, ahead]
            rim[leaving, k] = self.rims.index[self.corners[leaving, k], FORWARD[k]]
            entering = ~self.on[:, k] & self.on[:, ahead]
            rim[entering, k] = self.rims.index[self.corners[entering, ahead], BACKWARD[ahead]]
        return np.sort(rim, axis=1)[:, 2:]

    def fill_runs(self, start: int, length: int) -> None:
        """Fill the groups that begin at corner `start` and hold `length` corners."""
        chosen = self.on[:, start] & ~self.sides[:, start - 1]
        for step in range(length - 1):
            chosen &= self.sides[:, (start + step) % 4]
        last = (start + length - 1) % 4
        cells = np.flatnonzero(chosen & ~self.sides[:, last])
        run = self.corners[cells][:, (start + np.arange(length)) % 4]
        after = self.rims.index[run[:, -1], FORWARD[last]]
        before = self.rims.index[run[:, 0], BACKWARD[start]]
        # a pair beside two lone corners ends straight
        bent = self.jointed[cells] & ((length != 2) | ~self.four[cells] | self.closed[cells])
        self._fill_plain(run[~bent], after[~bent], before[~bent])
        joint = self._joints_of(cells[bent], start, run[bent])
        self._fill_around(joint, run[bent], after[bent], before[bent])

    def _fill_plain(
        self, run: Int[np.ndarray, "k l"], after: Int[np.ndarray, " k"], before: Int[np.ndarray, " k"]
    ) -> None:
        if run.shape[1] == 1:
            self._add_triangles((run[:, 0], after, before))
        elif run.shape[1] == 2:
            self.quads.append(np.stack([run[:, 0], run[:, 1], after, before], axis=1))
        elif run.shape[1] == 3:
            p, q, r = run.T
            self._add_triangles((q, r, after), (q, after, before), (q, before, p))

    def _fill_around(
        self,
        joint: Int[np.ndarray, " k"],
        run: Int[np.ndarray, "k l"],
        after: Int[np.ndarray, " k"],
        before: Int[np.ndarray, " k"],
    ) -> None:
        if run.shape[1] == 1:
            self.quads.append(np.stack([run[:, 0], after, joint, before], axis=1))
            return
        ring = (before, *run.T, after)
        self._add_triangles(*((joint, one, other) for one, other in pairwise(ring)))

    def _joints_of(
        self, cells: Int[np.ndarray, " k"], start: int, run: Int[np.ndarray, "k l"]
    ) -> Int[np.ndarray, " k"]:
        """The joint of each group: common to its cell, or its own.

        Its own continues the pixel beside the cut; where a slit ends between four linked corners, all four.
        """
        beside_cut = np.where(self.apart[cells, start - 1], run[:, 0], run[:, -1])
        owner = run if run.shape[1] == 4 else np.repeat(beside_cut[:, None], 4, axis=1)
        joint = self.common[cells].copy()
        own = joint < 0
        joint[own] = self._add_joints(owner[own], self._middle(cells[own]))
        return np.asarray(joint)

    def _add_triangles(self, *corners: tuple[Int[np.ndarray, " k"], ...]) -> None:
        self.triangles.extend(np.stack(three, axis=1) for three in corners)

    def _add_joints(self, owner: Int[np.ndarray, "k 4"], between: Int[np.ndarray, "k 2"]) -> Int[np.ndarray, " k"]:
        numbers = self.next_vertex + np.arange(len(owner))
        self.next_vertex += len(owner)
        self.owners.append(owner)
        self.between.append(between)
        return numbers

    def result(self, full: Int[np.ndarray, "c 4"]) -> Filling:
        """Everything made so far."""
        return Filling(
            full=full,
            quads=np.concatenate(self.quads),
            triangles=np.concatenate(self.triangles),
            joint_owner=np.concatenate(self.owners),
            joint_between=np.concatenate(self.between),
        )
