# SPDX-License-Identifier: GPL-3.0-or-later
"""A bank as two meshes: a flat grid of pixels that is seen, and a cloud of points that holds numbers.

Geometry Nodes can look a number up only in the points of an object, three numbers a point. The cloud holds, one
after the other:

- point `SIZES`: grid vertices, quads, frames; point `CLIP`: the clip's mean depth;
- from `RIMS`: how far a rim vertex is moved, none and then the 64 kinds, in the grid's own coordinates;
- from `VIEWS`: `VIEW_POINTS` points a frame, see `view_table`;
- three blocks a point: the bits of `kept` for every quad, as whole numbers (24 bits fit a float); then of `steps`;
- three frames a point: the depth of every grid vertex.

The grid is flat and stands at the clip's mean depth. Its coordinates are pixels, counted from the middle of the crop
and divided by a power of two, so they are exact and of a person's size.
"""

from dataclasses import dataclass

import bpy
import numpy as np

from ..bank import FRAMES_PER_BLOCK, NUM_RIMS, RIM_DEPTH, Bank, rim_shift

SIZES, CLIP, RIMS = 0, 1, 2
VIEWS = RIMS + 1 + NUM_RIMS
VIEW_POINTS = 6
FINE_STEP = 2.0**-14
"""Metres to which `fine` rounds depth; positions are off by at most 0.04 mm."""
UV_NAMES = ("UVMap", "crop")
"""Texture coordinates of the full frame, a UV map that exporters see, and of the crop that normal maps cover, per
point: four times fewer values, and only the material reads them."""
SELECTIONS = (".select_vert", ".select_edge", ".select_poly")
"""What Blender adds to a new mesh for its edit mode; copying them costs time in every frame."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the cloud's tables begin, and the grid's coordinates.

    Args:
        kept: First point of the quads' bits.
        steps: First point of the bits of steps.
        depth: First point of the depths.
        num_points: Points of the cloud.
        unit: Grid coordinate of one pixel, a power of two.
        middle: Pixel in the middle of the crop, (2,).
        mean_depth: Over all pixels of all frames, metres.
    """

    kept: int
    steps: int
    depth: int
    num_points: int
    unit: float
    middle: np.ndarray
    mean_depth: float


def plan(bank: Bank) -> Layout:
    """Where everything of a bank will lie."""
    kept = VIEWS + VIEW_POINTS * bank.num_frames
    steps = kept + _thirds(len(bank.kept)) * len(bank.quads)
    depth = steps + steps - kept
    mean_depth = _mean_depth(bank)
    pixel = mean_depth * float(np.max(bank.view[:, 0], initial=0))
    return Layout(
        kept=kept,
        steps=steps,
        depth=depth,
        num_points=depth + _thirds(bank.num_frames) * len(bank.pixels),
        unit=2.0 ** round(np.log2(pixel)) if pixel else 1.0,
        middle=np.array(bank.crop_size) / 2,
        mean_depth=mean_depth,
    )


def make_grid(bank: Bank, layout: Layout, name: str) -> bpy.types.Mesh:
    """The mesh that is seen: every vertex and quad that is there in any frame."""
    x, y = ((bank.pixels - layout.middle) * layout.unit).T
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(x))
    mesh.loops.add(bank.quads.size)
    mesh.polygons.add(len(bank.quads))
    mesh.vertices.foreach_set("co", np.stack([x, 0 * x + layout.mean_depth, -y], axis=1).astype(np.float32).ravel())
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(bank.quads, np.int32).ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, bank.quads.size, 4, dtype=np.int32))
    mesh.update(calc_edges=True)
    for selection in SELECTIONS:
        if selection in mesh.attributes:
            mesh.attributes.remove(mesh.attributes[selection])
    return mesh


def make_cloud(bank: Bank, layout: Layout, name: str, *, fine: bool) -> bpy.types.Mesh:
    """The mesh that holds the numbers.

    Args:
        bank: What to hold, with its steps.
        layout: From `plan`.
        name: Of the mesh.
        fine: Whether to round depths to `FINE_STEP`, so that the file compresses better.
    """
    points = np.zeros((layout.num_points, 3), np.float32)
    points[SIZES] = len(bank.pixels), len(bank.quads), bank.num_frames
    points[CLIP, 0] = layout.mean_depth
    shift = rim_shift(np.arange(NUM_RIMS)) * layout.unit
    points[RIMS + 1 : VIEWS, 0], points[RIMS + 1 : VIEWS, 2] = shift[:, 0], -shift[:, 1]
    points[VIEWS : layout.kept] = view_table(bank, layout).reshape(-1, 3)
    _fill(points[layout.kept : layout.steps], bank.kept)
    _fill(points[layout.steps : layout.depth], bank.steps)
    _fill(points[layout.depth :], bank.depth, rounded=fine)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(layout.num_points)
    mesh.vertices.foreach_set("co", points.ravel())
    return mesh


def view_table(bank: Bank, layout: Layout) -> np.ndarray:
    """What turns grid coordinates into rays and rays into texture coordinates, (t, VIEW_POINTS, 3).

    With the grid coordinate g = (gx, any, gz): ray r = g * row 0 + row 1, in Blender's axes and 1 along y. Texture
    coordinates of the frame are (rx, rz) * (row 2 x, row 2 y) + (row 3 x, row 3 y); of the crop the same with row 4
    and the two z of rows 2 and 3. Row 4 z is a pixel's width at 1 m. Row 5 x is the number of steps.
    """
    scale, offset, uv_scale, uv_offset = np.asarray(bank.view, np.float64).reshape(-1, 4, 2).swapaxes(0, 1)
    size = np.array(bank.crop_size)
    table = np.zeros((len(scale), VIEW_POINTS, 3))
    table[:, 0, 0], table[:, 0, 2] = scale[:, 0] / layout.unit, scale[:, 1] / layout.unit
    middle = scale * layout.middle + offset
    table[:, 1] = np.stack([middle[:, 0], np.ones(len(scale)), -middle[:, 1]], axis=1)
    seen = (scale != 0).all(axis=1)
    per_ray = np.divide(1, scale, out=np.zeros_like(scale), where=seen[:, None]) * [1, -1]
    start = -offset * [1, -1] * per_ray
    frame_scale, frame_offset = uv_scale * per_ray, uv_offset + uv_scale * start
    crop_scale, crop_offset = per_ray / size * [1, -1], [0, 1] + (start + 0.5) / size * [1, -1]
    table[:, 2, :2], table[:, 3, :2] = frame_scale, frame_offset
    table[:, 2, 2], table[:, 3, 2] = crop_scale.T
    table[:, 4, :2] = crop_offset
    table[:, 4, 2] = np.sqrt(np.abs(scale).prod(axis=1))
    for position in range(bank.num_frames):
        block, bit = divmod(position, FRAMES_PER_BLOCK)
        table[position, 5, 0] = np.count_nonzero(bank.steps[block] >> bit & 1)
    return table


def _fill(points: np.ndarray, rows: np.ndarray, *, rounded: bool = False) -> None:
    """Spread rows over points, three rows a point."""
    if not rows.size:
        return
    blocks = points.reshape(-1, rows.shape[1], 3)
    for index, row in enumerate(rows):
        blocks[index // 3, :, index % 3] = _round(row) if rounded else row


def _round(depth: np.ndarray) -> np.ndarray:
    """Depths to the nearest `FINE_STEP`, none of them to nothing; rims, whose depth is a fraction, likewise."""
    step = np.where(depth > 0, FINE_STEP, FINE_STEP / RIM_DEPTH)
    nearest = np.rint(depth / step) * step
    kind_stays = (depth >= 0) | (np.floor(-nearest) == np.floor(-depth))
    return np.where(kind_stays & ((nearest != 0) | (depth == 0)), nearest, depth)


def _mean_depth(bank: Bank) -> float:
    """Mean over all pixels of all frames, metres; 1 for a clip without any."""
    total = count = 0
    for row in bank.depth:
        seen = row[row > 0]
        total, count = total + float(seen.sum(dtype=np.float64)), count + len(seen)
    return total / count if count else 1.0


def _thirds(count: int) -> int:
    return -(-count // 3)
