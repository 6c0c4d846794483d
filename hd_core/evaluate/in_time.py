"""Flicker: how a prediction changes along the true motion of the surface, beside how the truth itself does.

For a surface point p of one frame and its place q in the next, with the change D(x) = x'(q) - x(p),

    jitter of normals = |D(predicted) - D(true)| as an angle,    jitter of depth = |D(fitted) - D(true)|.

A prediction that is wrong by the same amount in both frames has none. Values at q are interpolated from the four
next pixels, and only where these are of one surface; so the truth, too, has a change that is the interpolation's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hd_core.evaluate.frame import FrameTruth, angles_deg
from hd_core.types import SurfaceMaps

JUMP = 0.02
"""Pixels whose depths differ by more than this share are of two surfaces."""
Depth = Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class Link:
    """Points of a frame and where they are in the next.

    Args:
        here: Pixels of the frame, as flat indices.
        taps: The four pixels of the next frame around each point's place.
        weights: Bilinear; they sum to 1.
    """

    here: Int[np.ndarray, " n"]
    taps: Int[np.ndarray, "n 4"]
    weights: Float[np.ndarray, "n 4"]


def link_frames(first: FrameTruth, second: FrameTruth) -> Link | None:
    """Points that both frames show; None if the data does not say.

    Args:
        first: A frame.
        second: The one after it.
    """
    motion = first.sample.motion
    if motion is None:
        return None
    height, width = second.sample.truth.mask.shape
    rows, columns = np.nonzero(motion.visible & first.sample.truth.mask)
    x, y = (motion.position[rows, columns].astype(np.float64) - 0.5).T
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    inside = (left >= 0) & (left < width - 1) & (top >= 0) & (top < height - 1)
    rows, columns, left, top, x, y = (values[inside] for values in (rows, columns, left, top, x, y))
    corner = top * width + left
    taps = np.stack([corner, corner + 1, corner + width, corner + width + 1], axis=-1)
    right, down = x - left, y - top
    weights = np.stack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down], axis=-1)
    depth = second.sample.truth.depth.ravel()[taps]
    near = depth.min(axis=-1)  # NaN off the mask, where nothing compares
    whole = depth.max(axis=-1) - near < JUMP * near
    return Link(rows[whole] * width + columns[whole], taps[whole], weights[whole])


def measure_pair(
    link: Link,
    truths: tuple[FrameTruth, FrameTruth],
    maps: tuple[SurfaceMaps, SurfaceMaps],
    fitted: tuple[Depth, Depth],
) -> dict[str, np.ndarray]:
    """Sums of two frames that follow each other.

    Args:
        link: Between them.
        truths: Their truth.
        maps: Their predictions.
        fitted: The predicted depths as they are compared with the truth, m.
    """
    known = maps[0].mask.ravel()[link.here] & maps[1].mask.ravel()[link.taps].all(axis=-1)
    kept = Link(link.here[known], link.taps[known], link.weights[known])
    true = truths[0].sample.truth, truths[1].sample.truth
    own_before, own_after = _normals(kept, maps[0].normal, maps[1].normal)
    before, after = _normals(kept, true[0].normal, true[1].normal)
    shift = np.linalg.norm((own_after - own_before) - (after - before), axis=-1)
    own_step, step = _depths(kept, *fitted), _depths(kept, true[0].depth, true[1].depth)
    measures = (
        np.ones(len(shift)),
        np.degrees(2 * np.arcsin(np.minimum(shift / 2, 1))),
        angles_deg(own_before, own_after),
        angles_deg(before, after),
        np.abs(own_step - step),
        np.abs(own_step),
        np.abs(step),
    )
    return {"time": np.array([measure.sum() for measure in measures])}


def _normals(
    link: Link, first: Float[np.ndarray, "h w 3"], second: Float[np.ndarray, "h w 3"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Unit normals of the points in both frames."""
    before = first.reshape(-1, 3)[link.here].astype(np.float64)
    after = np.einsum("nk,nkc->nc", link.weights, second.reshape(-1, 3)[link.taps])
    return before, after / np.maximum(np.linalg.norm(after, axis=-1, keepdims=True), 1e-12)


def _depths(link: Link, first: Depth, second: Depth) -> Float[np.ndarray, " n"]:
    """Change of the depth of the points, m."""
    after = (link.weights * second.ravel()[link.taps]).sum(axis=-1)
    return np.asarray(after - first.ravel()[link.here])
