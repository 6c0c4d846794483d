"""One frame against its truth: angles, depths and folds, as sums over pixels.

Pixels count where the truth has a surface and the prediction one, too; how many that are is among the scores.
Folds are what is left of a normal map n after a Gaussian is taken out, n - (G * (m n)) / (G * m) with m the clothed
pixels, so that neither skin nor background leaks in. With d and t what is left of prediction and truth, their
correlation is sum(d . t) / sqrt(sum(d . d) sum(t . t)) and their ratio of energies sum(d . d) / sum(t . t), over
all clothed pixels of the data at once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from hd_core.evaluate.align import fit_depth
from hd_core.evaluate.samples import Sample
from hd_core.evaluate.sums import BINS_PER_DEG, INTERIOR, NUM_BINS, RIM
from hd_core.types import Gauge, SurfaceMaps

FOLD_SIGMA_PX = 8.0
"""Of the Gaussian that tells folds from shape, px of a picture 256 px wide."""
FILTER_REACH = 3.0
"""The Gaussian is cut off at so many sigmas."""
REFERENCE_PX = 256.0
ALIGNMENTS = {"affine": Gauge.AFFINE, "scale": Gauge.SCALE, "none": Gauge.METRIC}
NAMES = {gauge: name for name, gauge in ALIGNMENTS.items()}


@dataclass(frozen=True)
class FrameTruth:
    """A frame's truth, and what of it every predictor is compared with.

    Args:
        sample: The frame.
        rim_px: Width of the silhouette, px of a picture 256 px wide.
    """

    sample: Sample
    rim_px: float

    @cached_property
    def scale(self) -> float:
        """Pixels of this picture per pixel of one that is 256 px wide."""
        height, width = self.sample.truth.camera.shape
        return float(np.sqrt(height * width)) / REFERENCE_PX

    @cached_property
    def region(self) -> Int[np.ndarray, "h w"]:
        """`INTERIOR` or `RIM`; the edge of the picture is no outline."""
        mask = self.sample.truth.mask
        distance = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1]
        return np.where(distance <= self.rim_px * self.scale, RIM, INTERIOR)

    @cached_property
    def folds(self) -> Float[np.ndarray, "h w 3"] | None:
        """What is left of the true normals on cloth."""
        return None if self.cloth is None else fine_part(self.sample.truth.normal, self.cloth, self.sigma_px)

    @cached_property
    def cloth(self) -> Bool[np.ndarray, "h w"] | None:
        """Clothed pixels that carry a surface; None if the data does not say, or there are none."""
        if self.sample.cloth is None:
            return None
        cloth = self.sample.cloth & self.sample.truth.mask
        return cloth if cloth.any() else None

    @property
    def sigma_px(self) -> float:
        """Of the Gaussian, px of this picture."""
        return FOLD_SIGMA_PX * self.scale


def fine_part(
    normal: Float[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], sigma_px: float
) -> Float[np.ndarray, "h w 3"]:
    """What is left of normals on a mask when a Gaussian is taken out of them; 0 off the mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    found = np.zeros(normal.shape, np.float32)
    if len(rows):
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        inside = mask[box]
        weight = _blurred(inside.astype(np.float32), sigma_px)
        for axis in range(3):
            plane = np.where(inside, normal[box][..., axis], 0).astype(np.float32)
            smooth = _blurred(plane, sigma_px) / np.maximum(weight, 1e-6)
            found[box][..., axis] = np.where(inside, plane - smooth, 0)
    return found


def angles_deg(first: Float[np.ndarray, "n 3"], second: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Angles between directions of any length, degrees; exact near 0 and 180, where the cosine alone is not."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    across = np.empty(a.shape)
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        across[:, axis] = a[:, u] * b[:, v] - a[:, v] * b[:, u]
    return np.asarray(np.degrees(np.arctan2(np.sqrt((across**2).sum(axis=-1)), (a * b).sum(axis=-1))))


def measure_frame(truth: FrameTruth, maps: SurfaceMaps, gauges: tuple[Gauge, ...]) -> dict[str, np.ndarray]:
    """Sums of one frame.

    Args:
        truth: The frame.
        maps: What was predicted for it.
        gauges: What depth is fitted by, each on its own.
    """
    true = truth.sample.truth
    both = maps.mask & true.mask
    region = truth.region[both]
    sums = {"mask": np.array([both.sum(), maps.mask.sum(), true.mask.sum()], np.float64)}
    sums |= _angle_sums(maps.normal[both], true.normal[both], region)
    found, wanted = maps.depth[both], true.depth[both]
    for gauge in gauges:
        scale, shift = fit_depth(found, wanted, gauge)
        sums[f"depth_{NAMES[gauge]}"] = _depth_sums(scale * found.astype(np.float64) + shift, wanted, region)
    return sums | _fold_sums(truth, maps, both)


def _angle_sums(
    found: Float[np.ndarray, "n 3"], wanted: Float[np.ndarray, "n 3"], region: Int[np.ndarray, " n"]
) -> dict[str, np.ndarray]:
    angle = angles_deg(found, wanted)
    place = region * NUM_BINS + (angle * BINS_PER_DEG).astype(np.int64)
    return {
        "angle_bins": np.bincount(place, minlength=2 * NUM_BINS).reshape(2, NUM_BINS).astype(np.float64),
        "angle_sum": _by_region(angle, region),
    }


def _depth_sums(
    fitted: Float[np.ndarray, " n"], wanted: Float[np.ndarray, " n"], region: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "4 2"]:
    """Count, absolute, square and relative error."""
    off = np.abs(fitted - wanted)
    return np.stack([_by_region(values, region) for values in (np.ones(off.shape), off, off**2, off / wanted)])


def _fold_sums(truth: FrameTruth, maps: SurfaceMaps, both: Bool[np.ndarray, "h w"]) -> dict[str, np.ndarray]:
    if truth.cloth is None or truth.folds is None:
        return {}
    cloth = truth.cloth & both
    # Where the prediction is whole the truth's fine part is the one that all predictors share.
    wanted = (
        truth.folds if cloth.sum() == truth.cloth.sum() else fine_part(truth.sample.truth.normal, cloth, truth.sigma_px)
    )
    true, own = wanted[cloth], fine_part(maps.normal, cloth, truth.sigma_px)[cloth]
    region = truth.region[cloth]
    products = ((own * true).sum(-1), (own * own).sum(-1), (true * true).sum(-1))
    return {"folds": np.stack([_by_region(product, region) for product in products])}


def _by_region(values: Float[np.ndarray, " n"], region: Int[np.ndarray, " n"]) -> Float[np.ndarray, "2"]:
    return np.bincount(region, weights=values, minlength=2)


def _blurred(plane: Float[np.ndarray, "h w"], sigma_px: float) -> Float[np.ndarray, "h w"]:
    blurred: np.ndarray = ndimage.gaussian_filter(plane, sigma_px, mode="constant", truncate=FILTER_REACH)
    return blurred
