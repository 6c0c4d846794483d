"""Scale and offset of a depth map of unknown scale and offset, from a surface integrated from normals alone.

An arm that the normals could not place may lie anywhere in that surface, so no line through all pixels can be
trusted. Scale is asked of pairs of pixels with no cut between them, and only then is the offset asked of all.
"""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

CUT = 0.1
"""Discontinuity from which a pixel counts as cut."""
PAIR_SHARES = (1 / 16, 1 / 8, 1 / 4)
"""Distances of the pairs, over the longer side of the picture."""
FIT_STEPS = 30
CONSTANT_SPREAD = 1e-6
"""Relative spread below which a depth map holds no more than its rounding."""


def fit_affine(
    prior: Float[np.ndarray, "h w"],
    depth: Float[np.ndarray, "h w"],
    discontinuity: Float[np.ndarray, "h w"],
    confidence: Float[np.ndarray, "h w"],
) -> Float[np.ndarray, "h w"] | None:
    """The prior in the scale of a depth, fitted on the largest component of the mask.

    The prior is explained by the depth, not the other way round, as its errors are the larger ones.

    Args:
        prior: Known up to scale and offset; NaN off the mask.
        depth: Known up to one scale per component; NaN off the mask.
        discontinuity: 0..1, where `depth` is cut.
        confidence: 0..1, of the prior.

    Returns:
        The fitted prior, which may be negative in places; None if the prior is constant or runs against the depth.
    """
    labels, _ = ndimage.label(np.isfinite(depth))
    largest = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    prior = prior.astype(np.float64)
    spread = float(np.ptp(prior[largest]))
    if spread <= CONSTANT_SPREAD * float(np.abs(prior[largest]).max()):
        return None
    trust = np.maximum(confidence.astype(np.float64), 1e-3)
    whole = largest & (discontinuity <= CUT)
    rise, prior_rise, pair_trust = _pairs(np.stack([depth, prior, trust]), whole)
    slope = _robust_factor(rise, prior_rise, pair_trust)
    if slope * float(np.ptp(depth[largest])) <= CONSTANT_SPREAD * spread:
        return None
    left = (prior - slope * depth)[largest]
    middle = float(np.median(left))
    level = middle + _robust_factor(np.ones_like(left), left - middle, trust[largest])
    fitted: Float[np.ndarray, "h w"] = (prior - level) / slope
    return fitted


def _pairs(
    maps: Float[np.ndarray, "3 h w"], whole: np.ndarray
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Rise of depth and prior between pixels with nothing but `whole` ones between them, and the lesser trust."""
    found = [np.zeros((3, 0))]
    for (depth, prior, trust), inside in ((maps, whole), (maps.transpose(0, 2, 1), whole.T)):
        holes = np.cumsum(~inside, axis=1)
        for share in PAIR_SHARES:
            step = max(1, round(share * max(whole.shape)))
            before, after = np.s_[:, :-step], np.s_[:, step:]
            pairs = inside[before] & (holes[before] == holes[after])
            rises = depth[after] - depth[before], prior[after] - prior[before]
            both = np.minimum(trust[before], trust[after])
            found.append(np.stack([rises[0][pairs], rises[1][pairs], both[pairs]]))
    rise, prior_rise, pair_trust = np.concatenate(found, axis=1)
    return rise, prior_rise, pair_trust


def _robust_factor(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], trust: Float[np.ndarray, " n"]) -> float:
    """The s of y = s x that most agree on: least absolute values, then Cauchy's weights with the median as scale."""
    largest = float(np.abs(y).max(initial=0))
    if largest == 0:
        return 0.0
    weight, factor = trust, 0.0
    for step in range(FIT_STEPS):
        below = float((weight * x * x).sum())
        if below <= 0:
            return 0.0
        factor = float((weight * x * y).sum()) / below
        off = np.abs(y - factor * x)
        middle = max(float(np.median(off)), 1e-9 * largest)
        weight = trust / (off + middle / 100 if step < FIT_STEPS // 2 else 1 + (off / middle) ** 2)
    return factor
