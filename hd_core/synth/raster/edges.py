"""Smooth edges inside a picture: pixels that show several surfaces take a share of the colour of each.

Colours are known at pixel centres. Where surfaces meet within a pixel, its samples tell which of them they show; each
takes the colour of the pixel beside it that shows the same surface. So edges become smooth without being shaded again.
"""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from hd_core.compiled import compiled
from hd_core.synth.raster.coverage import PixelSamples
from hd_core.synth.raster.fragments import Fragments
from hd_core.types import Camera

STEP_PX = 2.5
"""A difference in depth between neighbours beyond this many widths of a pixel on the surface is an edge."""
OUTSIDE = 3
"""Parts of the mesh that reach farther than this past the covered centres are not looked for, px."""
OTHER_LABEL = 1e3
"""What it costs to take the colour of another material, in widths of a pixel."""
REACH = 2


def edge_pixels(fragments: Fragments, labels: Int[np.ndarray, "h w"], camera: Camera) -> Bool[np.ndarray, "h w"]:
    """Pixels that may show more than one surface: along the outline, between labels, and at steps in depth.

    Args:
        fragments: What is seen at the centres.
        labels: Of the material at the centres.
        camera: Who looks.
    """
    return _find_edges(fragments.face, fragments.depth, labels, STEP_PX / float(camera.intrinsics[0, 0]))


def smooth_edges(
    values: Float[np.ndarray, "h w k"],
    fragments: Fragments,
    labels: Int[np.ndarray, "h w"],
    samples: PixelSamples,
    face_labels: Int[np.ndarray, " f"],
    camera: Camera,
) -> Float32[np.ndarray, "h w k"]:
    """The mean over the samples of each sampled pixel that show the mesh; other pixels keep their values.

    Args:
        values: Linear light at the centres, right on the mask.
        fragments: What is seen at the centres.
        labels: Of the material at the centres.
        samples: What is seen in the pixels from `edge_pixels`, of any mesh with this surface.
        face_labels: Materials of that mesh's faces.
        camera: Who looks.
    """
    out = values.astype(np.float32)
    _blend(
        out,
        np.ascontiguousarray(values, np.float32),
        fragments.depth,
        np.where(fragments.mask, labels, -1).astype(np.int32),
        samples.slot,
        samples.face,
        samples.depth,
        np.ascontiguousarray(face_labels, np.int32),
        1.0 / float(camera.intrinsics[0, 0]),
    )
    return out


@compiled
def _find_edges(face: np.ndarray, depth: np.ndarray, labels: np.ndarray, slope: float) -> np.ndarray:
    height, width = face.shape
    edges = np.zeros((height, width), np.bool_)
    for row in range(height):
        for column in range(width):
            if face[row, column] < 0:
                continue
            outline = row == 0 or column == 0 or row == height - 1 or column == width - 1
            for i in range(max(row - 1, 0), min(row + 1, height - 1) + 1):
                for j in range(max(column - 1, 0), min(column + 1, width - 1) + 1):
                    if face[i, j] < 0:
                        outline = True
                    elif labels[i, j] != labels[row, column] or (
                        abs(depth[i, j] - depth[row, column]) > slope * min(depth[i, j], depth[row, column])
                    ):
                        edges[row, column] = True
            if outline:
                edges[row, column] = True
                _mark_outside(face, row, column, edges)
    return edges


@compiled
def _mark_outside(face: np.ndarray, row: int, column: int, edges: np.ndarray) -> None:
    """Mark the uncovered pixels round a pixel of the outline."""
    height, width = face.shape
    for i in range(max(row - OUTSIDE, 0), min(row + OUTSIDE, height - 1) + 1):
        for j in range(max(column - OUTSIDE, 0), min(column + OUTSIDE, width - 1) + 1):
            edges[i, j] |= face[i, j] < 0


@compiled
def _blend(
    out: np.ndarray,
    values: np.ndarray,
    depth: np.ndarray,
    labels: np.ndarray,
    slot: np.ndarray,
    face: np.ndarray,
    sample_depth: np.ndarray,
    face_labels: np.ndarray,
    pixel: float,
) -> None:
    height, width = slot.shape
    side = round(np.sqrt(face.shape[1]))
    total = np.zeros(values.shape[2])
    for row in range(height):
        for column in range(width):
            s = slot[row, column]
            if s < 0:
                continue
            total[:] = 0.0
            count = 0
            for k in range(side * side):
                if face[s, k] < 0:
                    continue
                y, x = (k // side + 0.5) / side - 0.5, (k % side + 0.5) / side - 0.5
                i, j = _alike(row, column, y, x, sample_depth[s, k], face_labels[face[s, k]], depth, labels, pixel)
                if i >= 0:
                    count += 1
                    for channel in range(values.shape[2]):
                        total[channel] += values[i, j, channel]
            if count > 0:
                for channel in range(values.shape[2]):
                    out[row, column, channel] = total[channel] / count


@compiled
def _alike(
    row: int,
    column: int,
    y: float,
    x: float,
    z: float,
    label: int,
    depth: np.ndarray,
    labels: np.ndarray,
    pixel: float,
) -> tuple[int, int]:
    """The covered pixel around that most likely shows a sample's surface; -1 if none is covered."""
    height, width = depth.shape
    best, found_row, found_column = np.inf, -1, -1
    for reach in range(1, REACH + 1):
        for i in range(max(row - reach, 0), min(row + reach, height - 1) + 1):
            for j in range(max(column - reach, 0), min(column + reach, width - 1) + 1):
                if labels[i, j] < 0:
                    continue
                away = (i - row - y) ** 2 + (j - column - x) ** 2
                cost = abs(depth[i, j] - z) / (z * pixel) + away
                if labels[i, j] != label:
                    cost += OTHER_LABEL
                if cost < best:
                    best, found_row, found_column = cost, i, j
        if best < OTHER_LABEL:
            break
    return found_row, found_column
