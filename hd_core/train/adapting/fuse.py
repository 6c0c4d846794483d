"""A prediction and a fitted body made one, each as far as it can be trusted.

The network sees folds and clothes, but may take a limb for flatter than it is; the body knows how limbs are turned,
but nothing of clothes. So the body's difference from the prediction is smoothed and taken over in part, off the
body's outline too, and then the body itself counts a little. How much is by the network's own expected error
against the body's, as of two measurements (inverse variances); and less where clothes stand off the body, whose
outline then lies inside the person's.

Maps that a network found are worse than they look: where they are wrong in a way that no body could show, the fitted
body misses its points. So its error grows with that miss. Its distance from the prediction would not tell: bodies of
good and of bad maps are equally far from it.
"""

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from hd_core.train.adapting.body_surface import BodySurface
from hd_core.train.adapting.looks import Look

BODY_ERROR = 0.4
"""Usual angle between a fitted body's normals and those of what is worn on it, rad."""
USUAL_MISS = 0.0024
"""Median distance of a body's points from where good maps have them, crop sizes; its error is that of `BODY_ERROR`."""
WIDTH = 0.02
"""Of the Gaussian that smooths differences, longer sides of the person."""
DIRECT = 0.8
"""How much the body itself counts after its smoothed difference was taken over."""
RELIEF_SHARE = 0.5
"""Of the body's smoothed difference in relief; of a worse body by the fourth power less: depth is lost first."""
_LEAST_WEIGHT = 0.02
_LEAST_PIXELS = 50


def fuse(seen: Look, body: BodySurface, *, miss: float = 0.0) -> Look:
    """The prediction with what the body says; the prediction itself where the body is hardly seen.

    Args:
        seen: Of the network.
        body: Of the same picture.
        miss: Median distance of the body's points from the pixels that show them, crop sizes.
    """
    worse = max(miss / USUAL_MISS, 1.0)
    both = seen.seen & body.seen
    if both.sum() < _LEAST_PIXELS:
        return seen
    weight = np.where(both, tightness(body.seen, seen.seen), 0).astype(np.float32)
    sigma = WIDTH * _side(seen.seen)
    trust = (seen.spread**2 / (seen.spread**2 + (worse * BODY_ERROR) ** 2))[..., None]
    normal = _unit(seen.normal + trust * spread_out(body.normal - seen.normal, weight, sigma))
    normal = _unit(normal + DIRECT * trust * weight[..., None] * body.normal)
    apart = body.relief - seen.relief
    apart = (apart - np.median(apart[both]))[..., None]
    relief = seen.relief + RELIEF_SHARE / worse**4 * spread_out(apart, weight, sigma)[..., 0]
    return seen._replace(normal=normal, relief=relief)


def tightness(body: Bool[np.ndarray, "h w"], person: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """How near the body's outline is, in ways to the person's: 1 under tight clothes, 0 where loose ones stand off."""
    own, whole = (ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] for mask in (body, person))
    return np.asarray(np.clip((own + 0.5) / (whole + 0.5), 0, 1), np.float32)


def spread_out(
    values: Float32[np.ndarray, "h w c"], weight: Float32[np.ndarray, "h w"], sigma: float
) -> Float32[np.ndarray, "h w c"]:
    """Gaussian means by weight; fades to zero far from where there is any."""
    total = ndimage.gaussian_filter(weight, sigma, truncate=3.0)
    planes = np.moveaxis(values * weight[..., None], -1, 0)
    smooth = np.stack([ndimage.gaussian_filter(plane, sigma, truncate=3.0) for plane in planes], axis=-1)
    found: np.ndarray = smooth / np.maximum(total, _LEAST_WEIGHT)[..., None]
    return found


def _side(person: Bool[np.ndarray, "h w"]) -> int:
    """Longer side of the person's box, px."""
    spans = (np.flatnonzero(person.any(axis=axis)) for axis in (0, 1))
    return max(int(np.ptp(span)) + 1 for span in spans)


def _unit(vectors: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-6), np.float32)
