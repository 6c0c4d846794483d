"""The mask pixels as a numbered grid with links between neighbours: pure topology, no depth.

Directions are right, down, left, up = 0, 1, 2, 3. A cell is the square between four pixel centres; its corners
are top left, bottom left, bottom right, top right, which is counter-clockwise for the camera, and its side k
joins corner k to corner k + 1.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from hd_core.mesh.cut import Links

STEP_X = np.array([1, 0, -1, 0])
STEP_Y = np.array([0, 1, 0, -1])
FORWARD = np.array([1, 0, 3, 2])
"""Direction of side k as seen from its first corner."""
BACKWARD = np.array([0, 3, 2, 1])
"""Direction of side k - 1 as seen from corner k."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Pixels in row-major order of the mask, and the cells between them.

    Args:
        rows: Row of each pixel.
        columns: Column of each pixel.
        neighbour: Pixel number per direction, -1 off the mask.
        linked: Whether the neighbour per direction is on the same surface.
        corners: Pixel numbers of each cell that has any, -1 off the mask.
        sides: Whether the sides of each cell are links.
        steep: Whether the neighbour per direction is joined over a middle vertex.
    """

    rows: Int[np.ndarray, " n"]
    columns: Int[np.ndarray, " n"]
    neighbour: Int[np.ndarray, "n 4"]
    linked: Bool[np.ndarray, "n 4"]
    corners: Int[np.ndarray, "m 4"]
    sides: Bool[np.ndarray, "m 4"]
    steep: Bool[np.ndarray, "n 4"]

    def __len__(self) -> int:
        return len(self.rows)


def make_lattice(mask: Bool[np.ndarray, "h w"], links: Links) -> Lattice:
    """Number the pixels of a mask and collect their links.

    Args:
        mask: Pixels that become vertices; links of other pixels do not count.
        links: Which neighbours are joined.
    """
    rows, columns = np.nonzero(mask)
    index = np.full((mask.shape[0] + 2, mask.shape[1] + 2), -1, np.int64)
    index[1:-1, 1:-1][mask] = np.arange(len(rows))
    ahead = [index[rows + 1 + dy, columns + 1 + dx] for dx, dy in zip(STEP_X, STEP_Y, strict=True)]
    neighbour = np.stack(ahead, axis=1)
    linked = _per_direction(links.right, links.down, rows, columns) & (neighbour >= 0)
    steep = _per_direction(links.steep_right, links.steep_down, rows, columns) & (neighbour >= 0)
    corners = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1)
    corners = corners[(corners >= 0).any(axis=-1)]
    # corner -1 takes the last row, which links to nothing
    padded = np.concatenate([linked, np.zeros((1, 4), bool)])
    return Lattice(
        rows=rows,
        columns=columns,
        neighbour=neighbour,
        linked=linked,
        steep=steep,
        corners=corners,
        sides=padded[corners, FORWARD],
    )


def _per_direction(
    right: Bool[np.ndarray, "h a"],
    down: Bool[np.ndarray, "b w"],
    rows: Int[np.ndarray, " n"],
    columns: Int[np.ndarray, " n"],
) -> Bool[np.ndarray, "n 4"]:
    beside, below = np.pad(right, ((0, 0), (1, 1))), np.pad(down, ((1, 1), (0, 0)))
    found = [beside[rows, columns + 1], below[rows + 1, columns], beside[rows, columns], below[rows, columns]]
    return np.stack(found, axis=1)
