"""The depth bank: one grid of pixels for all frames, one number per grid vertex and frame.

It is the form in which Blender plays a clip (docs/bank.md). A kept pixel is a vertex at its own depth; a rim is a
pixel just outside the person that is drawn onto the matte's contour, where to and how deep in one number.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32

from hd_core.errors import InputError
from hd_core.mesh.bank_rims import Joined, RimRing, encode_rims, find_rims, join, rim_depth
from hd_core.mesh.build import check_pair
from hd_core.mesh.cut import find_links, large_pieces
from hd_core.mesh.options import MeshOptions
from hd_core.types import Crop, SurfaceMaps, View

FRAMES_PER_BLOCK = 24
"""Bits of one number of `kept`: as many as a single-precision float holds exactly."""


@dataclass(frozen=True, kw_only=True)
class BankFrame:
    """One person in one frame on the grid of the crop.

    Args:
        value: 0 where nothing is, depth in metres at kept pixels, the negative code of `encode_rims` at rims.
        cells: Which squares between four pixels are drawn, (h - 1, w - 1).
        normal: Unit normals of all vertices, camera axes; rims have their owner's; zero elsewhere.
    """

    value: Float32[np.ndarray, "h w"]
    cells: Bool[np.ndarray, "a b"]
    normal: Float32[np.ndarray, "h w 3"]


def bank_frame(surface: SurfaceMaps, view: View, options: MeshOptions | None = None) -> BankFrame:
    """Depths, rims and cells of one frame; of the options only those that cut surfaces count.

    A cell is drawn if at least one of its corners is a kept pixel, its kept corners are one surface with no cut
    between neighbours, and its other corners are rims that continue that surface. So a step inside the person
    leaves a gap of one pixel, where `build_mesh` leaves none.

    Args:
        surface: Depth in metres and normals in the crop.
        view: The same crop's matte.
        options: How meshes are cut.

    Raises:
        InputError: Maps and view do not belong together, or a depth is not positive.
    """
    options = options or MeshOptions()
    check_pair(surface, view)
    links = find_links(surface, options)
    kept, _ = large_pieces(surface.mask, links, min_px=options.min_island_px)
    joined = join(kept, links)
    rims = find_rims(joined, view.alpha)
    value = np.where(kept, surface.depth, 0).astype(np.float32)
    value[rims.row, rims.column] = encode_rims(rims.direction, rims.share, rim_depth(surface, rims))
    normal = np.zeros(surface.normal.shape, np.float32)
    normal[kept] = surface.normal[kept]
    normal[rims.row, rims.column] = surface.normal[rims.owner]
    cells = _one_surface(joined) & _corners(value != 0).all(axis=0) & ~_foreign(rims, kept.shape)
    return BankFrame(value=value, cells=cells, normal=normal)


def view_row(crop: Crop) -> Float[np.ndarray, " 8"]:
    """Scale and offset from pixel numbers to rays (z = 1) and to texture coordinates of the full frame, x before y.

    Raises:
        InputError: The camera is skewed.
    """
    k, to_full = crop.camera.intrinsics, crop.full_from_crop
    if abs(k[0, 1]) > 1e-9 * k[0, 0]:
        raise InputError("The camera is skewed; a depth bank has no place for that.", "Use a camera without skew.")
    scale = np.array([1 / k[0, 0], 1 / k[1, 1]])
    size = np.array([crop.full.width, -crop.full.height])
    uv_scale = np.array([to_full[0, 0], to_full[1, 1]]) / size
    uv_offset = np.array([0, 1]) + to_full[:2, 2] / size
    return np.concatenate([scale, (0.5 - k[:2, 2]) * scale, uv_scale, uv_offset + 0.5 * uv_scale])


def _corners(grid: np.ndarray) -> np.ndarray:
    """The four corners of every cell, counter-clockwise for the camera: top left first, then bottom left."""
    return np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]])


def _one_surface(joined: Joined) -> Bool[np.ndarray, "a b"]:
    """Cells with a kept corner whose kept corners are joined side by side."""
    kept = joined.kept[1:-1, 1:-1]
    cut_right = kept[:, :-1] & kept[:, 1:] & ~joined.right[1:-1, 1:-2]
    cut_down = kept[:-1] & kept[1:] & ~joined.down[1:-2, 1:-1]
    cut = cut_right[:-1] | cut_right[1:] | cut_down[:, :-1] | cut_down[:, 1:]
    on = _corners(kept)
    across = (on[0] == on[2]) & (on[1] == on[3]) & (on[0] != on[1])
    return np.asarray(on.any(axis=0) & ~across & ~cut)


def _foreign(rims: RimRing, shape: tuple[int, ...]) -> Bool[np.ndarray, "a b"]:
    """Cells with a rim that continues another surface than a kept corner of the cell."""
    foreign = np.zeros((shape[0] + 1, shape[1] + 1), bool)  # with those half outside the picture
    for quarter, (dy, dx) in enumerate(((1, 1), (1, 0), (0, 0), (0, 1))):
        others = (2 * quarter + np.arange(3)) % 8
        bad = rims.stranger[:, others].any(axis=1)
        foreign[rims.row[bad] + dy, rims.column[bad] + dx] = True
    return foreign[1:-1, 1:-1]


class Bank:
    """The bank of a clip while it is put together; holds what the frames show, not the whole grid of each.

    Args:
        shape: Rows and columns of the crop.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._ever = np.zeros(shape, bool)
        self._ever_cells = np.zeros((shape[0] - 1, shape[1] - 1), bool)
        self._frames: list[tuple[np.ndarray, np.ndarray, np.ndarray] | None] = []

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: BankFrame | None) -> None:
        """Add the next frame; None if the person is absent.

        Raises:
            InputError: The frame has another size.
        """
        if frame is None:
            self._frames.append(None)
            return
        if frame.value.shape != self.shape:
            raise InputError(f"Found a frame of {frame.value.shape} px; expected {self.shape} as before.")
        there = frame.value != 0
        self._ever |= there
        self._ever_cells |= frame.cells
        self._frames.append((np.packbits(there), frame.value[there], np.packbits(frame.cells)))

    @property
    def pixels(self) -> Int32[np.ndarray, "u 2"]:
        """Column and row of every vertex, row by row."""
        row, column = np.nonzero(self._ever)
        return np.stack([column, row], axis=1).astype(np.int32)

    @property
    def quads(self) -> Int32[np.ndarray, "q 4"]:
        """Vertices of every cell that is ever drawn, counter-clockwise for the camera, top left first."""
        number = (np.cumsum(self._ever) - 1).reshape(self.shape)
        return np.asarray(_corners(number)[:, self._ever_cells].T, np.int32)

    def depth(self, position: int) -> Float32[np.ndarray, " u"]:
        """The numbers of all vertices in one frame."""
        grid = np.zeros(self.shape, np.float32)
        frame = self._frames[position]
        if frame is not None:
            there, values, _ = frame
            grid[_unpacked(there, self.shape)] = values
        return np.asarray(grid[self._ever])

    def kept(self, block: int) -> Int32[np.ndarray, " q"]:
        """Which cells are drawn in 24 frames: bit b stands for frame 24 block + b."""
        bits = np.zeros(int(self._ever_cells.sum()), np.int32)
        first = block * FRAMES_PER_BLOCK
        for bit, frame in enumerate(self._frames[first : first + FRAMES_PER_BLOCK]):
            if frame is not None:
                cells = _unpacked(frame[2], self._ever_cells.shape)
                bits |= cells[self._ever_cells].astype(np.int32) << bit
        return bits


def _unpacked(bits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    count = shape[0] * shape[1]
    return np.unpackbits(bits, count=count).reshape(shape).view(bool)
