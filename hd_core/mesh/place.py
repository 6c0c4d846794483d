"""Where vertices lie: rims on the matte's contour, their depth on the tangent plane of their pixel."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hd_core.geometry.camera import rays_through
from hd_core.mesh.cells import Filling, Rims
from hd_core.mesh.cut import footprint, plane_step
from hd_core.mesh.lattice import STEP_X, STEP_Y, Lattice
from hd_core.types import SurfaceMaps

NEAREST_RIM_PX = 1 / 32
"""Rims keep this distance from pixel centres, so that no triangle vanishes."""
MAX_REACH = 3.7
"""Furthest a rim or joint leaves the depth of its pixel, in pixel footprints: with at most one pixel sideways its
edge stays below `MAX_STRETCH`."""
MAX_SHARE_OF_GAP = 0.45
"""Furthest a rim goes towards the surface on the other side of a cut, so that the two never touch."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """All vertices of a mesh before they become one: pixels, rims, joints.

    Args:
        x: Position in the crop, px.
        y: Likewise.
        owner: The pixels (numbers in the lattice) whose surface the vertex continues; mostly one, repeated.
        ray: Direction through the position, z = 1.
        base: Mean depth of the owners, metres.
        step: How much deeper the vertex lies.
        lowest: Smallest step allowed.
        highest: Largest step allowed.
        normal: Unit normal of the (first) owner.
    """

    x: Float[np.ndarray, " v"]
    y: Float[np.ndarray, " v"]
    owner: Int[np.ndarray, "v 4"]
    ray: Float[np.ndarray, "v 3"]
    base: Float[np.ndarray, " v"]
    step: Float[np.ndarray, " v"]
    lowest: Float[np.ndarray, " v"]
    highest: Float[np.ndarray, " v"]
    normal: Float[np.ndarray, "v 3"]

    @property
    def points(self) -> Float[np.ndarray, "v 3"]:
        """Camera axes, metres."""
        return np.asarray(self.ray * (self.base + self.step)[:, None])


def place_vertices(
    surface: SurfaceMaps, alpha: Float[np.ndarray, "h w"], lattice: Lattice, rims: Rims, filling: Filling
) -> Placement:
    """Put every vertex into the picture and give it a depth.

    Pixels keep exactly their centre and depth. A rim towards the background lies where the matte crosses 0.5; at
    a cut it lies half way, so that each side covers its half. Rims and joints take the depth of their owner's
    tangent plane, at most `MAX_REACH` footprints from the owner's own depth.
    """
    x, y = _positions(alpha, lattice, rims, filling)
    pixels = np.repeat(np.arange(len(lattice))[:, None], 4, axis=1)
    owner = np.concatenate([pixels, rims.owner, filling.joint_owner])
    z = surface.depth[lattice.rows, lattice.columns].astype(np.float64)
    normal = surface.normal[lattice.rows, lattice.columns].astype(np.float64)
    ray = rays_through(surface.camera, x, y)
    base = z[owner].mean(axis=1)
    lowest, highest = _reach(surface, lattice, rims, z, base)
    step = np.zeros(len(x))
    new = slice(len(lattice), None)
    for one in owner[new].T:
        tangent = plane_step(z[one], normal[one], ray[one], ray[new])
        step[new] += np.clip(tangent, lowest[new], highest[new]) / 4
    return Placement(
        x=x,
        y=y,
        owner=owner,
        ray=ray,
        base=base,
        step=step,
        lowest=lowest,
        highest=highest,
        normal=normal[owner[:, 0]],
    )


def _positions(
    alpha: Float[np.ndarray, "h w"], lattice: Lattice, rims: Rims, filling: Filling
) -> tuple[Float[np.ndarray, " v"], Float[np.ndarray, " v"]]:
    pixel, direction = rims.owner[:, 0], rims.direction
    share = _contour_share(alpha, lattice, pixel, direction)
    x, y = lattice.columns + 0.5, lattice.rows + 0.5
    x = np.concatenate([x, x[pixel] + share * STEP_X[direction]])
    y = np.concatenate([y, y[pixel] + share * STEP_Y[direction]])
    between = filling.joint_between
    return np.concatenate([x, x[between].mean(axis=1)]), np.concatenate([y, y[between].mean(axis=1)])


def _contour_share(
    alpha: Float[np.ndarray, "h w"],
    lattice: Lattice,
    pixel: Int[np.ndarray, " r"],
    direction: Int[np.ndarray, " r"],
) -> Float[np.ndarray, " r"]:
    """How far from its pixel a rim lies, in pixels; half way where the matte has no contour between the two."""
    framed = np.pad(alpha.astype(np.float64), 1, constant_values=np.nan)
    rows, columns = lattice.rows[pixel] + 1, lattice.columns[pixel] + 1
    here = framed[rows, columns]
    there = framed[rows + STEP_Y[direction], columns + STEP_X[direction]]
    crosses = (lattice.neighbour[pixel, direction] < 0) & (here > 0.5) & (there <= 0.5)
    share = np.where(crosses, (here - 0.5) / np.where(crosses, here - there, 1), 0.5)
    return np.clip(share, NEAREST_RIM_PX, 1 - NEAREST_RIM_PX)


def _reach(
    surface: SurfaceMaps,
    lattice: Lattice,
    rims: Rims,
    z: Float[np.ndarray, " n"],
    base: Float[np.ndarray, " v"],
) -> tuple[Float[np.ndarray, " v"], Float[np.ndarray, " v"]]:
    """Smallest and largest step of every vertex, metres; zero for pixels and for the middle of steep pairs."""
    highest = MAX_REACH * footprint(surface.camera, base)
    highest[: len(z)] = 0
    steep = rims.owner[:, 0] != rims.owner[:, 1]
    highest[len(z) + np.flatnonzero(steep)] = 0
    lowest = -highest
    beyond = lattice.neighbour[rims.owner[:, 0], rims.direction]
    cut = np.flatnonzero((beyond >= 0) & ~steep)
    gap = MAX_SHARE_OF_GAP * (z[beyond[cut]] - z[rims.owner[cut, 0]])
    cut += len(z)
    highest[cut] = np.where(gap > 0, np.minimum(highest[cut], gap), highest[cut])
    lowest[cut] = np.where(gap < 0, np.maximum(lowest[cut], gap), lowest[cut])
    return lowest, highest
