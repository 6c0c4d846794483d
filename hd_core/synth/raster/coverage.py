"""What a mesh shows behind several samples of a pixel, how much of the pixel it covers, and colours for its outline."""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.synth.raster.fragments import AlphaTest, check_alpha_test, check_mesh
from hd_core.synth.raster.screen import GRID_BITS, NEAR_M, to_screen
from hd_core.synth.raster.zbuffer import alpha_arrays, edge, is_hole
from hd_core.types import Camera

SAMPLES_PER_SIDE = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class PixelSamples:
    """What is nearest behind the samples of some pixels, which lie on a regular grid, row by row.

    Args:
        slot: Row of the pixels that were sampled; -1 for the others.
        face: Row of the face array, -1 where nothing is seen.
        depth: Along +z, metres; infinite where nothing is seen.
    """

    slot: Int32[np.ndarray, "h w"]
    face: Int32[np.ndarray, "n k"]
    depth: Float32[np.ndarray, "n k"]

    def coverage(self, mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        """Share of every pixel that is covered; of those without samples by whether the mask holds them."""
        alpha = mask.astype(np.float32)
        sampled = self.slot >= 0
        alpha[sampled] = (self.face[self.slot[sampled]] >= 0).mean(axis=1, dtype=np.float32)
        return alpha


def sample_pixels(
    positions: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    camera: Camera,
    wanted: Bool[np.ndarray, "h w"],
    *,
    samples: int = 4,
    near: float = NEAR_M,
    cull_back: bool = False,
    alpha_test: AlphaTest | None = None,
) -> PixelSamples:
    """Find the nearest surface behind several samples of some pixels, as `zbuffer.rasterise` does behind centres.

    Args:
        positions: Vertices in camera axes, metres.
        faces: Rows of `positions`.
        camera: At most 8192 px wide and high.
        wanted: The pixels.
        samples: Per side of a pixel: 1, 2, 4 or 8.
        near: Nothing nearer than this is drawn, metres along +z.
        cull_back: Whether faces seen from behind are left out.
        alpha_test: Holes in faces.

    Raises:
        InputError: As for `zbuffer.rasterise`, another number of samples, or pixels of another picture.
    """
    if samples not in SAMPLES_PER_SIDE:
        raise InputError(f"Found {samples} samples per side of a pixel; expected one of {SAMPLES_PER_SIDE}.")
    if wanted.shape != camera.shape:
        raise InputError(f"Found a mask of {wanted.shape}; expected {camera.shape}.")
    check_mesh(positions, faces)
    check_alpha_test(alpha_test, len(faces))
    exact = np.ascontiguousarray(positions, dtype=np.float64)
    screen = to_screen(exact, np.ascontiguousarray(faces, dtype=np.int32), camera, near=near)
    triangles = (screen.corner, screen.inverse_depth, screen.triangles, screen.owner, screen.cut, screen.weights)
    slot = np.where(wanted, np.cumsum(wanted).reshape(wanted.shape) - 1, -1).astype(np.int32)
    face = np.full((int(wanted.sum()), samples**2), -1, np.int32)
    depth = np.full(face.shape, np.inf, np.float32)
    _sample(*triangles, samples, cull_back, slot, face, depth, *alpha_arrays(alpha_test))
    return PixelSamples(slot=slot, face=face, depth=depth)


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
def _sample(
    corner: np.ndarray,
    inverse: np.ndarray,
    triangles: np.ndarray,
    owner: np.ndarray,
    cut: np.ndarray,
    weights: np.ndarray,
    samples: int,
    cull_back: bool,  # noqa: FBT001 - kernels have no keywords
    slot: np.ndarray,
    face: np.ndarray,
    depth: np.ndarray,
    uv: np.ndarray,
    texture: np.ndarray,
    threshold: int,
) -> None:
    """Keep the nearest face at every sample; triangles that touch no sampled pixel are passed over."""
    height, width = slot.shape
    fine, last = round(math.log2(samples)), samples - 1
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
        if (
            left > right
            or top > bottom
            or area == 0
            or (cull_back and area > 0)
            or not _any_slot(slot, top >> fine, bottom >> fine, left >> fine, right >> fine)
        ):
            continue
        sign, whole = 1 if area > 0 else -1, float(abs(area))
        wa, wa_right, wa_down, rule_a = edge(bx, by, cx, cy, sign, half, half)
        wb, wb_right, wb_down, rule_b = edge(cx, cy, ax, ay, sign, half, half)
        wc, wc_right, wc_down, rule_c = edge(ax, ay, bx, by, sign, half, half)
        wa_right, wb_right, wc_right = wa_right >> fine, wb_right >> fine, wc_right >> fine
        wa_down, wb_down, wc_down = wa_down >> fine, wb_down >> fine, wc_down >> fine
        for row in range(top >> fine, (bottom >> fine) + 1):
            for column in range(left >> fine, (right >> fine) + 1):
                s = slot[row, column]
                if s < 0:
                    continue
                for i in range(max(row * samples, top), min(row * samples + last, bottom) + 1):
                    for j in range(max(column * samples, left), min(column * samples + last, right) + 1):
                        ra, rb = wa + i * wa_down + j * wa_right, wb + i * wb_down + j * wb_right
                        rc = wc + i * wc_down + j * wc_right
                        if ((ra - rule_a) | (rb - rule_b) | (rc - rule_c)) < 0:
                            continue
                        sa, sb, sc = float(ra) * inverse[a], float(rb) * inverse[b], float(rc) * inverse[c]
                        k = (i - row * samples) * samples + j - column * samples
                        z = np.float32(whole / (sa + sb + sc))
                        if z < depth[s, k] and not (
                            uv.shape[0] > 0 and is_hole(sa, sb, sc, t, owner, cut, weights, uv, texture, threshold)
                        ):
                            depth[s, k], face[s, k] = z, owner[t]


@compiled
def _any_slot(slot: np.ndarray, top: int, bottom: int, left: int, right: int) -> bool:
    """Whether any pixel of a box is sampled."""
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if slot[row, column] >= 0:
                return True
    return False


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
