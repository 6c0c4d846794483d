"""The ring of rim vertices of a bank frame: pixels just outside the person, drawn onto the matte's contour.

Other than the rims of `place` they do not lie between two pixels but replace one, so that the grid stays a grid; and
only towards the background, never at a step inside the person.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from hd_core.geometry.camera import rays_through
from hd_core.mesh.cut import Links, footprint, plane_step
from hd_core.mesh.place import MAX_REACH
from hd_core.types import SurfaceMaps

STEP_X = np.array([1, 1, 0, -1, -1, -1, 0, 1])
STEP_Y = np.array([0, 1, 1, 1, 0, -1, -1, -1])
"""The eight directions of a rim, clockwise in the picture from the right; also the ring of pixels around it."""
PREFERENCE = np.array([0, 2, 4, 6, 1, 3, 5, 7])
"""Straight neighbours before diagonal ones."""
AHEAD_X = np.array([1, 0, -1, -1, -1, -1, 0, 1])
AHEAD_Y = np.array([0, 1, 1, 0, -1, -1, -1, -1])
AHEAD_IS_DOWN = np.array([1, 0, 0, 1, 1, 0, 0, 1], bool)
"""Where the link from each pixel of the ring to the next is kept: upper or left end, and which way it goes."""
SHARES = 8
"""Steps in which the way from a rim's pixel to its neighbour is stored."""
FARTHEST_M = 64.0
"""Rims further away cannot be stored; there the surface ends at pixel centres."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Which kept neighbours lie on one surface, in grids with a border of one pixel all around.

    Args:
        kept: Pixels that are vertices.
        right: Whether a pixel and the one right of it are joined, over a middle vertex or directly.
        down: Likewise with the pixel below.
    """

    kept: Bool[np.ndarray, "c d"]
    right: Bool[np.ndarray, "c d"]
    down: Bool[np.ndarray, "c d"]


@dataclass(frozen=True, kw_only=True)
class RimRing:
    """Pixels around the kept ones, and how each is drawn to the person.

    Args:
        row: Row of the pixel.
        column: Column of the pixel.
        direction: Where the kept pixel lies that it continues, its owner: index into `STEP_X` and `STEP_Y`.
        share: How far it is drawn there, in eighths, rounded down.
        stranger: Which of the eight pixels around it are kept but not on its owner's surface, as far as the ring
            itself shows.
    """

    row: Int[np.ndarray, " r"]
    column: Int[np.ndarray, " r"]
    direction: Int[np.ndarray, " r"]
    share: Int[np.ndarray, " r"]
    stranger: Bool[np.ndarray, "r 8"]

    @property
    def owner(self) -> tuple[Int[np.ndarray, " r"], Int[np.ndarray, " r"]]:
        """Row and column of the owners."""
        return self.row + STEP_Y[self.direction], self.column + STEP_X[self.direction]


def join(kept: Bool[np.ndarray, "h w"], links: Links) -> Joined:
    """Links between kept pixels; steep pairs are one surface too."""
    right = (links.right | links.steep_right) & kept[:, :-1] & kept[:, 1:]
    down = (links.down | links.steep_down) & kept[:-1] & kept[1:]
    return Joined(kept=np.pad(kept, 1), right=np.pad(right, ((1, 1), (1, 2))), down=np.pad(down, ((1, 2), (1, 1))))


def find_rims(joined: Joined, alpha: Float[np.ndarray, "h w"]) -> RimRing:
    """Every pixel that is not kept and touches one that is, corners included."""
    kept = joined.kept
    near = kept[:-2] | kept[1:-1] | kept[2:]
    near = near[:, :-2] | near[:, 1:-1] | near[:, 2:]
    row, column = np.nonzero(near & ~kept[1:-1, 1:-1])
    on = kept[row[:, None] + 1 + STEP_Y, column[:, None] + 1 + STEP_X]
    direction = PREFERENCE[on[:, PREFERENCE].argmax(axis=1)]
    share = _contour_share(alpha, row, column, direction)
    stranger = on & ~_related(joined, row, column, direction)
    return RimRing(row=row, column=column, direction=direction, share=share, stranger=stranger)


def rim_depth(surface: SurfaceMaps, rims: RimRing) -> Float[np.ndarray, " r"]:
    """Depth, metres, of the owner's tangent plane where a rim is drawn to; at most `MAX_REACH` from the owner's."""
    row, column = rims.owner
    z = surface.depth[row, column].astype(np.float64)
    normal = surface.normal[row, column].astype(np.float64)
    share = (rims.share + 0.5) / SHARES
    x = rims.column + 0.5 + share * STEP_X[rims.direction]
    y = rims.row + 0.5 + share * STEP_Y[rims.direction]
    owner_ray = rays_through(surface.camera, column + 0.5, row + 0.5)
    step = plane_step(z, normal, owner_ray, rays_through(surface.camera, x, y))
    reach = MAX_REACH * footprint(surface.camera, z)
    return np.asarray(z + np.clip(step, -reach, reach))


def encode_rims(
    direction: Int[np.ndarray, " r"], share: Int[np.ndarray, " r"], depth: Float[np.ndarray, " r"]
) -> Float32[np.ndarray, " r"]:
    """Rims as numbers: -(k + depth / 64) with k = direction + 8 share; 0 for a depth that does not fit."""
    code = -(direction + SHARES * share + depth / FARTHEST_M)
    fits = (depth > 0) & (depth < FARTHEST_M * (1 - 2**-16))
    return np.where(fits, code, 0).astype(np.float32)


def _contour_share(
    alpha: Float[np.ndarray, "h w"],
    row: Int[np.ndarray, " r"],
    column: Int[np.ndarray, " r"],
    direction: Int[np.ndarray, " r"],
) -> Int[np.ndarray, " r"]:
    """Where the matte crosses 0.5 on the way from a rim's pixel to its owner; half way where it does not."""
    here = alpha[row, column].astype(np.float64)
    there = alpha[row + STEP_Y[direction], column + STEP_X[direction]].astype(np.float64)
    crosses = (there > 0.5) & (here <= 0.5)
    share = np.where(crosses, (0.5 - here) / np.where(crosses, there - here, 1), 0.5)
    return np.asarray(np.clip(np.floor(share * SHARES), 0, SHARES - 1), np.int64)


def _related(
    joined: Joined, row: Int[np.ndarray, " r"], column: Int[np.ndarray, " r"], direction: Int[np.ndarray, " r"]
) -> Bool[np.ndarray, "r 8"]:
    """The run of joined pixels around each rim that its owner belongs to."""
    at = row[:, None] + 1 + AHEAD_Y, column[:, None] + 1 + AHEAD_X
    ahead = np.where(AHEAD_IS_DOWN, joined.down[at], joined.right[at])
    related = np.arange(8) == direction[:, None]
    for _ in range(7):
        related = related | np.roll(related & ahead, 1, axis=1) | (np.roll(related, -1, axis=1) & ahead)
    return np.asarray(related)
