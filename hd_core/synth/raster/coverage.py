"""How much of every pixel a mesh covers, and pictures averaged over several samples per pixel."""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt64

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.synth.raster.fragments import AlphaTest, check_alpha_test, check_mesh
from hd_core.synth.raster.screen import GRID_BITS, NEAR_M, to_screen
from hd_core.synth.raster.zbuffer import alpha_arrays, edge, is_hole
from hd_core.types import Camera

SAMPLES_PER_SIDE = (1, 2, 4, 8)


def soft_mask(
    positions: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    camera: Camera,
    *,
    samples: int = 4,
    mask: Bool[np.ndarray, "h w"] | None = None,
    near: float = NEAR_M,
    cull_back: bool = False,
    alpha_test: AlphaTest | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Share of every pixel that the mesh covers, 0..1, by samples on a regular grid; no depth, so it is quick.

    Args:
        positions: Vertices in camera axes, metres.
        faces: Rows of `positions`.
        camera: At most 8192 px wide and high.
        samples: Per side of a pixel: 1, 2, 4 or 8.
        mask: Pixels whose centre is covered, from `zbuffer.rasterise`. If given, pixels whose neighbours are all
            in it count as covered, and samples are only taken on the others: several times faster, but
            gaps that are thinner than a pixel and miss all centres are closed.
        near: Nothing nearer than this is drawn, metres along +z.
        cull_back: Whether faces seen from behind are left out; on a closed mesh that only saves time.
        alpha_test: Holes in faces.

    Raises:
        InputError: As for `zbuffer.rasterise`, or another number of samples.
    """
    if samples not in SAMPLES_PER_SIDE:
        raise InputError(f"Found {samples} samples per side of a pixel; expected one of {SAMPLES_PER_SIDE}.")
    check_mesh(positions, faces)
    check_alpha_test(alpha_test, len(faces))
    exact = np.ascontiguousarray(positions, dtype=np.float64)
    screen = to_screen(exact, np.ascontiguousarray(faces, dtype=np.int32), camera, near=near)
    triangles = (screen.corner, screen.inverse_depth, screen.triangles, screen.owner, screen.cut, screen.weights)
    bits = np.zeros(camera.shape, np.uint64) if mask is None else _closed_bits(mask, samples)
    if bits.shape != camera.shape:
        raise InputError(f"Found a mask of {bits.shape}; expected {camera.shape}.")
    _cover(*triangles, samples, cull_back, bits, *alpha_arrays(alpha_test))
    return _share_set(bits, samples)


def finer_camera(camera: Camera, samples: int) -> Camera:
    """The same camera with `samples` x `samples` pixels in place of each."""
    intrinsics = np.diag([float(samples), float(samples), 1.0]) @ camera.intrinsics
    return replace(camera, width=camera.width * samples, height=camera.height * samples, intrinsics=intrinsics)


def average_samples(
    values: Float[np.ndarray, "fine_h fine_w k"], mask: Bool[np.ndarray, "fine_h fine_w"], samples: int
) -> tuple[Float32[np.ndarray, "h w k"], Float32[np.ndarray, "h w"]]:
    """Bring a picture by `finer_camera` down: the mean over the samples that the mask keeps, and their share.

    Args:
        values: Linear light or anything else that may be averaged.
        mask: Samples that show the subject.
        samples: Per side of a pixel.

    Raises:
        InputError: The picture does not divide into blocks.
    """
    height, width = mask.shape
    if height % samples or width % samples or values.shape[:2] != mask.shape:
        raise InputError(f"Found {values.shape[:2]} values, {mask.shape} mask; expected equal multiples of {samples}.")
    blocks = (height // samples, samples, width // samples, samples)
    count = mask.reshape(blocks).sum(axis=(1, 3))
    total = np.where(mask[..., None], values, 0.0).reshape(*blocks, -1).sum(axis=(1, 3))
    mean = total / np.maximum(count, 1)[..., None]
    return mean.astype(np.float32), (count / samples**2).astype(np.float32)


def extend_to_outline(
    values: Float[np.ndarray, "h w k"], mask: Bool[np.ndarray, "h w"], alpha: Float[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w k"]:
    """Give pixels that are covered in part, but not at their centre, the mean of the nearest pixels of the mask.

    Args:
        values: Per pixel, right on the mask.
        mask: Pixels whose centre is covered.
        alpha: Share of every pixel that is covered.

    Returns:
        `values` on the mask, what was said where `alpha` > 0, zero elsewhere.
    """
    out = np.where(mask[..., None], values, 0.0).astype(np.float32)
    if mask.any():
        _extend(out, mask, alpha)
    return out


@compiled
def _cover(
    corner: np.ndarray,
    inverse: np.ndarray,
    triangles: np.ndarray,
    owner: np.ndarray,
    cut: np.ndarray,
    weights: np.ndarray,
    samples: int,
    cull_back: bool,  # noqa: FBT001 - kernels have no keywords
    bits: np.ndarray,
    uv: np.ndarray,
    texture: np.ndarray,
    threshold: int,
) -> None:
    """Set the bit of every sample that a triangle covers; pixels whose bits are all set are passed over."""
    height, width = bits.shape
    fine = round(math.log2(samples))
    shift = GRID_BITS - fine
    half = 1 << (shift - 1)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by = corner[a, 0], corner[a, 1], corner[b, 0], corner[b, 1]
        cx, cy = corner[c, 0], corner[c, 1]
        left = max((min(ax, bx, cx) + half - 1) >> shift, 0)
        right = min((max(ax, bx, cx) - half) >> shift, width * samples - 1)
        top = max((min(ay, by, cy) + half - 1) >> shift, 0)
        bottom = min((max(ay, by, cy) - half) >> shift, height * samples - 1)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if left > right or top > bottom or area == 0 or (cull_back and area > 0):
            continue
        sign, last = 1 if area > 0 else -1, samples - 1
        wa, wa_right, wa_down, rule_a = edge(bx, by, cx, cy, sign, half, half)
        wb, wb_right, wb_down, rule_b = edge(cx, cy, ax, ay, sign, half, half)
        wc, wc_right, wc_down, rule_c = edge(ax, ay, bx, by, sign, half, half)
        wa_right, wb_right, wc_right = wa_right >> fine, wb_right >> fine, wc_right >> fine
        wa_down, wb_down, wc_down = wa_down >> fine, wb_down >> fine, wc_down >> fine
        for row in range(top >> fine, (bottom >> fine) + 1):
            for column in range(left >> fine, (right >> fine) + 1):
                found = bits[row, column]
                if found == full_bits(samples):
                    continue
                for i in range(max(row * samples, top), min(row * samples + last, bottom) + 1):
                    for j in range(max(column * samples, left), min(column * samples + last, right) + 1):
                        ra, rb = wa + i * wa_down + j * wa_right, wb + i * wb_down + j * wb_right
                        rc = wc + i * wc_down + j * wc_right
                        sa, sb, sc = float(ra) * inverse[a], float(rb) * inverse[b], float(rc) * inverse[c]
                        if ((ra - rule_a) | (rb - rule_b) | (rc - rule_c)) < 0 or (
                            uv.shape[0] > 0 and is_hole(sa, sb, sc, t, owner, cut, weights, uv, texture, threshold)
                        ):
                            continue
                        found |= np.uint64(1) << np.uint64((i - row * samples) * samples + j - column * samples)
                bits[row, column] = found


@compiled
def full_bits(samples: int) -> np.uint64:
    """One bit for every sample of a pixel."""
    return np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - samples * samples)


def _closed_bits(mask: Bool[np.ndarray, "h w"], samples: int) -> UInt64[np.ndarray, "h w"]:
    """All bits where a pixel and its eight neighbours are in the mask, none elsewhere."""
    bits = np.zeros(mask.shape, np.uint64)
    columns = mask[:-2] & mask[1:-1] & mask[2:]
    inner = columns[:, :-2] & columns[:, 1:-1] & columns[:, 2:]
    bits[1:-1, 1:-1] = inner * np.uint64(full_bits(samples))
    return bits


@compiled
def _share_set(bits: np.ndarray, samples: int) -> np.ndarray:
    """Set bits over all bits."""
    height, width = bits.shape
    share = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            left, count = bits[row, column], 0
            if left == full_bits(samples):
                share[row, column] = 1.0
                continue
            while left:
                left &= left - np.uint64(1)
                count += 1
            share[row, column] = count / (samples * samples)
    return share


@compiled
def _extend(out: np.ndarray, mask: np.ndarray, alpha: np.ndarray) -> None:
    """Search growing squares around every outline pixel for pixels of the mask."""
    height, width = mask.shape
    for row in range(height):
        for column in range(width):
            if mask[row, column] or not alpha[row, column] > 0:
                continue
            count, reach = 0, 0
            while count == 0 and reach < max(height, width):
                reach += 1
                for i in range(max(row - reach, 0), min(row + reach, height - 1) + 1):
                    for j in range(max(column - reach, 0), min(column + reach, width - 1) + 1):
                        if mask[i, j]:
                            count += 1
                            out[row, column] += out[i, j]
            out[row, column] /= count
