"""Which neighbouring pixels lie on one surface: the only module that decides where a mesh is cut."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hd_core.geometry.camera import pixel_rays
from hd_core.mesh.options import MAX_STRETCH, MeshOptions
from hd_core.types import Camera, SurfaceMaps

MAX_SURPRISE = 2 / 3
"""Largest share of a steep step that the tangent planes may leave unexplained. At the outline of a round body,
whose depth goes with the root of the distance, the inner pixel always explains at least half."""


def footprint(camera: Camera, depth: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Width of a pixel at a depth, metres."""
    return depth / float(np.sqrt(camera.intrinsics[0, 0] * camera.intrinsics[1, 1]))


def plane_step(
    depth: Float[np.ndarray, "*n"],
    normal: Float[np.ndarray, "*n 3"],
    ray: Float[np.ndarray, "*n 3"],
    other_ray: Float[np.ndarray, "*n 3"],
) -> Float[np.ndarray, "*n"]:
    """How much deeper the tangent plane of a pixel lies on another ray.

    With the plane n.(X - P) = 0 and P = z d the depth on the ray e is z (n.d) / (n.e).

    Args:
        depth: z of the pixel.
        normal: Its unit normal.
        ray: Its direction d, z = 1.
        other_ray: Direction e, z = 1.

    Returns:
        Depth difference, metres; infinite where the plane has turned away before it reaches the other ray, zero
        where the normal does not face the camera at all.
    """
    here, there = -(normal * ray).sum(axis=-1), -(normal * other_ray).sum(axis=-1)
    reached = there > 1e-9
    step = np.where(reached, depth * (here / np.where(reached, there, 1) - 1), np.inf)
    return np.where(here > 0, step, 0.0)


@dataclass(frozen=True, kw_only=True)
class Links:
    """Which neighbouring pixels lie on one surface; pairs with a pixel off the mask are in neither kind.

    Args:
        right: Joined by a mesh edge with the pixel right of it.
        down: Likewise with the pixel below.
        steep_right: On one surface, but so steep that the edge would be stretched: joined by two edges that meet
            half way.
        steep_down: Likewise with the pixel below.
    """

    right: Bool[np.ndarray, "h a"]
    down: Bool[np.ndarray, "b w"]
    steep_right: Bool[np.ndarray, "h a"]
    steep_down: Bool[np.ndarray, "b w"]


def find_links(surface: SurfaceMaps, options: MeshOptions) -> Links:
    """Decide for every pair of neighbouring pixels whether the mesh may join them.

    A depth step that the tangent planes of both pixels do not predict cuts where it exceeds `max_jump`, or where
    it alone would stretch a triangle. A pair longer in 3D than a surface tilted by `max_grazing_deg` makes it is
    never joined by an edge; if both tangent planes predict most of the step and half of it is short enough, the
    pair is `steep`, else it is cut. So a body closes up to its outline, but no edge is ever longer.
    """
    rays = pixel_rays(surface.camera).reshape(-1, 3)
    number = np.arange(surface.mask.size).reshape(surface.mask.shape)
    found = []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        joined = surface.mask[first] & surface.mask[second]
        steep = joined.copy()
        pair = number[first][joined], number[second][joined]
        joined[joined], steep[steep] = _judge(surface, rays, pair, options)
        found += [joined, steep]
    steep_right, steep_down = _without_loose_ends(surface.mask, found[0], found[2], found[1], found[3])
    return Links(right=found[0], down=found[2], steep_right=steep_right, steep_down=steep_down)


def _judge(
    surface: SurfaceMaps,
    rays: Float[np.ndarray, "n 3"],
    pair: tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]],
    options: MeshOptions,
) -> tuple[Bool[np.ndarray, " p"], Bool[np.ndarray, " p"]]:
    """Whether pairs of flat pixel numbers are joined, and whether they are steep."""
    z = [surface.depth.reshape(-1)[i].astype(np.float64) for i in pair]
    normal = [surface.normal.reshape(-1, 3)[i].astype(np.float64) for i in pair]
    ray = [rays[i] for i in pair]
    near, step = np.minimum(*z), np.abs(z[1] - z[0])
    pixel = footprint(surface.camera, near)
    longest = pixel / np.cos(np.radians(options.max_grazing_deg))
    explained = step
    for p, q in ((0, 1), (1, 0)):
        predicted = plane_step(z[p], normal[p], ray[p], ray[q])
        predicted = np.where(z[q] < z[p], -predicted, predicted)
        # at an outline the outer plane predicts more than the step; a plane that predicts the opposite counts as flat
        explained = np.minimum(explained, np.clip(predicted, 0, step))
    unexplained = step - explained
    smooth = unexplained <= np.minimum(options.max_jump * near, np.sqrt(MAX_STRETCH**2 - 1) * pixel)
    length = np.linalg.norm(ray[1] * z[1][:, None] - ray[0] * z[0][:, None], axis=-1)
    short = length <= longest
    steep = ~short & (length <= 2 * longest) & (unexplained <= MAX_SURPRISE * step)
    return smooth & short, smooth & steep


def _without_loose_ends(
    mask: Bool[np.ndarray, "h w"],
    right: Bool[np.ndarray, "h a"],
    down: Bool[np.ndarray, "b w"],
    steep_right: Bool[np.ndarray, "h a"],
    steep_down: Bool[np.ndarray, "b w"],
) -> tuple[Bool[np.ndarray, "h a"], Bool[np.ndarray, "b w"]]:
    """Steep pairs, less those that would hang between two cuts by their middle vertex alone.

    A middle vertex needs a cell beside it without a cut, else the two surfaces would touch in a point.
    """
    across, along = mask[:, :-1] & mask[:, 1:] & ~right, mask[:-1] & mask[1:] & ~down
    while True:
        cut_right, cut_down = np.pad(across & ~steep_right, ((1, 1), (0, 0))), along & ~steep_down
        cut_down = np.pad(cut_down, ((0, 0), (1, 1)))
        # cells including those half outside the picture
        wide, high = np.pad(cut_right, ((0, 0), (1, 1))), np.pad(cut_down, ((1, 1), (0, 0)))
        torn = wide[:-1] | wide[1:] | high[:, :-1] | high[:, 1:]
        loose_right = steep_right & torn[:-1, 1:-1] & torn[1:, 1:-1]
        loose_down = steep_down & torn[1:-1, :-1] & torn[1:-1, 1:]
        if not loose_right.any() and not loose_down.any():
            return steep_right, steep_down
        steep_right, steep_down = steep_right & ~loose_right, steep_down & ~loose_down


def islands(mask: Bool[np.ndarray, "h w"], links: Links) -> Int[np.ndarray, " n"]:
    """Number of the connected piece that each mask pixel belongs to, in row-major order of the mask."""
    count = int(mask.sum())
    number = np.cumsum(mask).reshape(mask.shape) - 1
    right, down = links.right | links.steep_right, links.down | links.steep_down
    tail = np.concatenate([number[:, :-1][right], number[:-1][down]])
    head = np.concatenate([number[:, 1:][right], number[1:][down]])
    graph = coo_array((np.ones(len(tail), np.int8), (tail, head)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def large_pieces(mask: Bool[np.ndarray, "h w"], links: Links, *, min_px: int) -> tuple[Bool[np.ndarray, "h w"], int]:
    """The mask without pieces of fewer than `min_px` pixels, and how many pieces are left."""
    piece = islands(mask, links)
    size = np.bincount(piece)
    kept = mask.copy()
    kept[mask] = size[piece] >= min_px
    return kept, int((size >= min_px).sum())
