"""Frames resampled under a similarity: turned, scaled, mirrored and moved, in one pass over the target's pixels.

Colours and matte are antialiased. Depth and normals are averaged over the taps that lie on the same surface as
the nearest one, so no point is made up between two surfaces.
"""

import numpy as np
from jaxtyping import Float, Float32, Int16, UInt8, UInt16

from hd_core.compiled import compiled

SURFACE_STEP = 4.0
"""Taps lie on one surface if their depths differ by less than this many pixels' width at that distance."""
MOST_SAMPLES = 4


def samples_per_side(scale: float) -> int:
    """Samples along a target pixel's side for a picture that is scaled by `scale`."""
    return min(max(int(np.ceil(1 / scale - 1e-6)), 1), MOST_SAMPLES)


@compiled
def warp_colours(  # noqa: PLR0917 - kernels take no keywords
    rgb: UInt8[np.ndarray, "a b 3"],
    alpha: UInt8[np.ndarray, "a b"],
    source_from_target: Float[np.ndarray, "2 3"],
    samples: int,
    colours: Float32[np.ndarray, "h w 3"],
    matte: Float32[np.ndarray, "h w"],
) -> None:
    """Resample colours (0..255) and matte (0..1) into the last two; outside the source the matte is zero.

    Args:
        rgb: Source colours.
        alpha: Source matte, bytes.
        source_from_target: Pixel transform, edges not centres.
        samples: Along a target pixel's side.
        colours: Written.
        matte: Written.
    """
    m = source_from_target
    rows, columns = alpha.shape
    share = 1.0 / (samples * samples)
    for i in range(matte.shape[0]):
        for j in range(matte.shape[1]):
            red, green, blue, cover = 0.0, 0.0, 0.0, 0.0
            for s in range(samples * samples):
                tx = j + (s % samples + 0.5) / samples
                ty = i + (s // samples + 0.5) / samples
                x = m[0, 0] * tx + m[0, 1] * ty + m[0, 2] - 0.5
                y = m[1, 0] * tx + m[1, 1] * ty + m[1, 2] - 0.5
                c, r = int(np.floor(x)), int(np.floor(y))
                for k in range(4):
                    column, row = c + k % 2, r + k // 2
                    weight = (1 - abs(x - column)) * (1 - abs(y - row))
                    inside = 0 <= column < columns and 0 <= row < rows
                    column, row = min(max(column, 0), columns - 1), min(max(row, 0), rows - 1)
                    red += weight * rgb[row, column, 0]
                    green += weight * rgb[row, column, 1]
                    blue += weight * rgb[row, column, 2]
                    if inside:
                        cover += weight * alpha[row, column]
            colours[i, j, 0], colours[i, j, 1], colours[i, j, 2] = red * share, green * share, blue * share
            matte[i, j] = cover * share / 255.0


@compiled
def warp_surface(  # noqa: PLR0917 - kernels take no keywords
    depth: UInt16[np.ndarray, "a b"],
    normal: Int16[np.ndarray, "a b 3"],
    source_from_target: Float[np.ndarray, "2 3"],
    samples: int,
    tolerance: float,
    code: Float32[np.ndarray, "h w"],
    direction: Float32[np.ndarray, "h w 3"],
) -> None:
    """Resample depth codes and normals into the last two; zero where the nearest source pixel shows nobody.

    Args:
        depth: Source codes; 0 is nobody.
        normal: Source normals, any one scale, source axes.
        source_from_target: Pixel transform, edges not centres.
        samples: Along a target pixel's side.
        tolerance: Difference of codes within one surface.
        code: Written; a mean code is the code of the mean depth.
        direction: Written, not of unit length, source axes.
    """
    m = source_from_target
    rows, columns = depth.shape
    for i in range(code.shape[0]):
        for j in range(code.shape[1]):
            code[i, j] = 0.0
            direction[i, j] = 0.0
            column = int(np.floor(m[0, 0] * (j + 0.5) + m[0, 1] * (i + 0.5) + m[0, 2]))
            row = int(np.floor(m[1, 0] * (j + 0.5) + m[1, 1] * (i + 0.5) + m[1, 2]))
            if not (0 <= column < columns and 0 <= row < rows) or depth[row, column] == 0:
                continue
            here = float(depth[row, column])
            total, mean, nx, ny, nz = 0.0, 0.0, 0.0, 0.0, 0.0
            for s in range(samples * samples):
                tx = j + (s % samples + 0.5) / samples
                ty = i + (s // samples + 0.5) / samples
                x = m[0, 0] * tx + m[0, 1] * ty + m[0, 2] - 0.5
                y = m[1, 0] * tx + m[1, 1] * ty + m[1, 2] - 0.5
                c, r = int(np.floor(x)), int(np.floor(y))
                for k in range(4):
                    column, row = c + k % 2, r + k // 2
                    if not (0 <= column < columns and 0 <= row < rows) or depth[row, column] == 0:
                        continue
                    if abs(depth[row, column] - here) > tolerance:
                        continue
                    weight = (1 - abs(x - column)) * (1 - abs(y - row))
                    total += weight
                    mean += weight * depth[row, column]
                    nx += weight * normal[row, column, 0]
                    ny += weight * normal[row, column, 1]
                    nz += weight * normal[row, column, 2]
            if total > 0:
                code[i, j] = mean / total
                direction[i, j, 0], direction[i, j, 1], direction[i, j, 2] = nx, ny, nz


@compiled
def warp_iuv(
    iuv: UInt8[np.ndarray, "a b 3"],
    source_from_target: Float[np.ndarray, "2 3"],
    charts: UInt8[np.ndarray, "256 256 3"],
    placed: UInt8[np.ndarray, "h w 3"],
) -> None:
    """Fill `placed` from the nearest source pixels, looked up in `charts`; zero outside the source.

    Args:
        iuv: Part, u and v, bytes.
        source_from_target: Pixel transform, edges not centres.
        charts: By part and byte: the new part, the byte as u, the byte as v.
        placed: Written.
    """
    m = source_from_target
    rows, columns = iuv.shape[:2]
    for i in range(placed.shape[0]):
        for j in range(placed.shape[1]):
            placed[i, j] = 0
            column = int(np.floor(m[0, 0] * (j + 0.5) + m[0, 1] * (i + 0.5) + m[0, 2]))
            row = int(np.floor(m[1, 0] * (j + 0.5) + m[1, 1] * (i + 0.5) + m[1, 2]))
            if 0 <= column < columns and 0 <= row < rows and iuv[row, column, 0] > 0:
                part, u, v = iuv[row, column, 0], iuv[row, column, 1], iuv[row, column, 2]
                placed[i, j, 0] = charts[part, u, 0]
                placed[i, j, 1] = charts[part, u, 1]
                placed[i, j, 2] = charts[part, v, 2]
