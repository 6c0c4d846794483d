"""Constant topology: one face list for a whole clip, a displaced pixel grid with a mask of what is shown.

A full cell (four linked corners) is a quad. Over the clip the union of all full cells is kept; a cell that is not
full in a frame collapses to a point of that frame's surface. A cell that is missing in some frame while a cell
around it is there has four vertices of its own, so that collapsing pulls at nobody; the others share theirs. Rims
do not exist here: up to half a pixel of the outline is not covered.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_dilation, distance_transform_edt, label

from hd_core.errors import InputError, UsageError
from hd_core.geometry.camera import unproject
from hd_core.mesh.attributes import frame_uv
from hd_core.mesh.build import check_pair
from hd_core.mesh.cut import find_links, footprint, large_pieces
from hd_core.mesh.faces import split
from hd_core.mesh.measures import stretched_rate
from hd_core.mesh.options import MAX_STRETCH, MeshOptions
from hd_core.types import Mesh, SurfaceMaps, View

AROUND = np.ones((3, 3), bool)


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The faces of every frame of a clip.

    Args:
        shape: Rows and columns of the crop.
        cell: Flat pixel number of the top left corner of each cell, row by row.
        own: Whether a cell has four vertices of its own.
        pixel: Flat pixel number of each vertex: first the shared vertices, then four per own cell.
        quads: Vertices of each cell, counter-clockwise for the camera, top left first.
    """

    shape: tuple[int, int]
    cell: Int[np.ndarray, " c"]
    own: Bool[np.ndarray, " c"]
    pixel: Int[np.ndarray, " v"]
    quads: Int[np.ndarray, "c 4"]


def full_cells(surface: SurfaceMaps, options: MeshOptions) -> Bool[np.ndarray, "a b"]:
    """Which squares between four pixel centres are covered in a frame, (h - 1, w - 1).

    All four sides are links, and the diagonal that every frame is split along is not stretched.
    """
    links = find_links(surface, options)
    kept, _ = large_pieces(surface.mask, links, min_px=options.min_island_px)
    full = kept[:-1, :-1] & links.right[:-1] & links.right[1:] & links.down[:, :-1] & links.down[:, 1:]
    rows, columns = np.nonzero(full)
    points = _points(surface)
    first, second = points[rows, columns], points[rows + 1, columns + 1]
    limit = MAX_STRETCH * footprint(surface.camera, np.minimum(first[:, 2], second[:, 2]))
    full[rows, columns] = np.linalg.norm(first - second, axis=1) <= limit
    return np.asarray(full)


def plan_topology(frames: Iterable[Bool[np.ndarray, "a b"]]) -> Topology:
    """One topology for all frames; holds three grids of booleans however long the clip is.

    Args:
        frames: `full_cells` of every frame; all of one crop.

    Raises:
        InputError: There is no frame, the frames differ in size, or no cell is ever full.
    """
    ever = lonely = None
    for full in frames:
        if ever is None or lonely is None:
            ever, lonely = np.zeros_like(full), np.zeros_like(full)
        if full.shape != ever.shape:
            raise InputError(
                f"Found a frame of {full.shape} cells after frames of {ever.shape}; expected one size.",
                "Constant topology needs one still crop for the whole clip.",
            )
        ever |= full
        lonely |= binary_dilation(full, AROUND) & ~full
    if ever is None or lonely is None or not ever.any():
        raise InputError("No frame has a surface; expected one in at least one frame.", "Check the masks.")
    return _number(ever, ever & lonely)


def _number(ever: Bool[np.ndarray, "a b"], own: Bool[np.ndarray, "a b"]) -> Topology:
    height, width = ever.shape[0] + 1, ever.shape[1] + 1
    rows, columns = np.nonzero(ever)
    cell = rows * width + columns
    corners = cell[:, None] + np.array([0, width, width + 1, 1])
    is_own = own[rows, columns]
    shared, place = np.unique(corners[~is_own], return_inverse=True)
    quads = np.zeros((len(cell), 4), np.int64)
    quads[~is_own] = place.reshape(-1, 4)
    quads[is_own] = len(shared) + np.arange(4 * int(is_own.sum())).reshape(-1, 4)
    pixel = np.concatenate([shared, corners[is_own].reshape(-1)])
    return Topology(shape=(height, width), cell=cell, own=is_own, pixel=pixel, quads=quads)


def build_constant(
    surface: SurfaceMaps, view: View, topology: Topology, options: MeshOptions | None = None
) -> tuple[Mesh, dict[str, float]]:
    """Mesh one frame with the clip's topology.

    Texture coordinates are those of the grid and the same in every frame.

    Args:
        surface: Depth and normals in the clip's still crop.
        view: The same crop's picture and matte.
        topology: From `plan_topology` over all frames with the same options.
        options: How to mesh.

    Returns:
        The mesh, `valid` marking vertices on the surface, and measures as `build_mesh` gives them (of the faces
        shown), and `num_valid_faces`.

    Raises:
        InputError: Maps and view do not belong together, or this frame was not part of the plan.
        UsageError: Options that constant topology does not have.
    """
    options = options or MeshOptions()
    if options.thickness_m or options.keep_ratio != 1:
        raise UsageError(
            "Constant topology has neither a back shell nor decimation.", "Drop the option, or vary the topology."
        )
    check_pair(surface, view)
    full = full_cells(surface, options)
    there = _planned(full, topology)
    source, valid = _sources(full, there, topology)
    width = topology.shape[1]
    x, y = topology.pixel % width + 0.5, topology.pixel // width + 0.5
    faces = topology.quads if options.quads else split(topology.quads)
    points = _take(_points(surface), source, (0, 0, 0))
    mesh = Mesh(
        vertices=points.astype(np.float32),
        faces=faces.astype(np.int32),
        uv=frame_uv(view.crop, x, y),
        normals=_take(surface.normal, source, (0, 0, -1)).astype(np.float32),
        colours=_take(view.rgb, source, (0, 0, 0)),
        valid=valid,
    )
    shown = split(topology.quads[there])
    return mesh, {
        "num_vertices": float(len(source)),
        "num_faces": float(len(faces)),
        "num_valid_faces": float(int(there.sum()) * (len(faces) // len(there))),
        "bridging": float(_spread(source, split(topology.quads[~there]))),
        "stretched_rate": stretched_rate(surface.camera, points, shown, x, y),
        "coverage": int(there.sum()) / max(int(view.mask.sum()), 1),
    }


def _points(surface: SurfaceMaps) -> Float[np.ndarray, "h w 3"]:
    return unproject(surface.camera, surface.depth.astype(np.float64))


def _planned(full: Bool[np.ndarray, "a b"], topology: Topology) -> Bool[np.ndarray, " c"]:
    """Which cells of the plan are full in this frame.

    Raises:
        InputError: The plan cannot show this frame.
    """
    if (full.shape[0] + 1, full.shape[1] + 1) != topology.shape:
        raise InputError(
            f"Found maps of {full.shape[0] + 1} x {full.shape[1] + 1} px; the topology is for "
            f"{topology.shape[0]} x {topology.shape[1]}.",
            "Constant topology needs one still crop for the whole clip.",
        )
    at = np.divmod(topology.cell, topology.shape[1])
    there = full[at]
    pulled = binary_dilation(full, AROUND)[at] & ~there & ~topology.own
    if int(there.sum()) != int(full.sum()) or pulled.any():
        raise InputError("This frame was not part of the topology's plan.", "Plan over all frames of the clip.")
    return there


def _sources(
    full: Bool[np.ndarray, "a b"], there: Bool[np.ndarray, " c"], topology: Topology
) -> tuple[Int[np.ndarray, " v"], Bool[np.ndarray, " v"]]:
    """Flat pixel number that each vertex takes its place from, -1 for none, and whether it is its own.

    A collapsed cell goes to the nearest pixel shown, so that motion between frames stays local; shared cells that
    are gone together go to one pixel together.
    """
    source, valid = topology.pixel.copy(), np.zeros(len(topology.pixel), bool)
    valid[topology.quads[there]] = True
    if there.all():
        return source, valid
    target = _nearest_shown(full)[topology.cell]
    rows, columns = np.divmod(topology.cell, topology.shape[1])
    together = np.flatnonzero(~there & ~topology.own)
    grid = np.zeros(full.shape, bool)
    grid[rows[together], columns[together]] = True
    piece = label(grid, AROUND)[0][rows[together], columns[together]]
    _, first, member = np.unique(piece, return_index=True, return_inverse=True)
    target[together] = target[together[first]][member]
    source[topology.quads[~there]] = target[~there, None]
    return source, valid


def _nearest_shown(full: Bool[np.ndarray, "a b"]) -> Int[np.ndarray, " n"]:
    """Flat number of the nearest pixel that a full cell uses, for every pixel; -1 if there is none."""
    shown = np.zeros((full.shape[0] + 1, full.shape[1] + 1), bool)
    for rows in (np.s_[:-1], np.s_[1:]):
        for columns in (np.s_[:-1], np.s_[1:]):
            shown[rows, columns] |= full
    if not shown.any():
        return np.full(shown.size, -1)
    row, column = distance_transform_edt(~shown, return_distances=False, return_indices=True)
    return np.asarray(row.astype(np.int64) * shown.shape[1] + column).reshape(-1)


def _take(grid: np.ndarray, source: Int[np.ndarray, " v"], missing: tuple[int, int, int]) -> np.ndarray:
    """Values of pixels; `missing` for -1."""
    return np.asarray(np.concatenate([grid.reshape(-1, 3), np.array([missing], grid.dtype)])[source])


def _spread(source: Int[np.ndarray, " v"], collapsed: Int[np.ndarray, "t 3"]) -> int:
    """How many faces that should be a point are not."""
    corners = source[collapsed]
    return int((corners != corners[:, :1]).any(axis=1).sum())
