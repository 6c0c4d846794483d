"""Bilateral edge weights, the noise of the residuals, and the map of cuts, on whole pictures."""

import numpy as np
from jaxtyping import Bool, Float

from hd_core.compiled import compiled
from hd_core.integrate.edges import Edges
from hd_core.integrate.energy import steepness_for_noise


def edge_weights(
    edges: Edges, u: Float[np.ndarray, " n"], *, k: float, rho: float, limit: float
) -> Float[np.ndarray, " n"]:
    """W of every edge for the slopes of `u`; 0 where there is no edge.

    Args:
        edges: One axis.
        u: Log depth, px.
        k: Steepness of the weights.
        rho: Share of the target that is taken off the slopes before they are compared.
        limit: Bound on the argument of the logistic.
    """
    weights = np.zeros_like(u)
    _add_shares(u, edges.present, edges.target, edges.squared_cosine, edges.stride, k, rho, limit, weights)
    return weights


def allowed_steepness(axes: tuple[Edges, Edges], u: Float[np.ndarray, " n"]) -> float:
    """Largest k that the noise of the normals allows, seen from the residuals at `u`."""
    residuals = []
    for edges in axes:
        cosine = np.sqrt(edges.squared_cosine)
        mean = (cosine[edges.first] + cosine[edges.first + edges.stride]) / 2
        residuals.append(mean * np.abs(edges.off_target(u)))
    return steepness_for_noise(np.concatenate(residuals))


def discontinuity(
    axes: tuple[Edges, Edges], weights: list[Float[np.ndarray, " n"]], u: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Per pixel the most cut of its edges: how little weight is left times how far the step is off."""
    cut = np.zeros_like(u)
    for edges, weight in zip(axes, weights, strict=True):
        first, second = edges.first, edges.first + edges.stride
        whole = (edges.squared_cosine[first] + edges.squared_cosine[second]) / 2
        off = edges.off_target(u) ** 2
        edge_cut = np.clip(1 - weight[first] / whole, 0, 1) * off / (1 + off)
        cut[first] = np.maximum(cut[first], edge_cut)
        cut[second] = np.maximum(cut[second], edge_cut)
    return cut


@compiled
def _add_shares(  # noqa: PLR0917 - compiled code has no keywords
    u: Float[np.ndarray, " n"],
    present: Bool[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    squared_cosine: Float[np.ndarray, " n"],
    stride: int,
    k: float,
    rho: float,
    limit: float,
    weights: Float[np.ndarray, " n"],
) -> None:
    """Give every pixel's trust to the edges before and after it, each its share."""
    for i in range(stride, u.size - stride):
        has_before, has_after = present[i - stride], present[i]
        if not (has_before or has_after):
            continue
        # A side without a neighbour goes on with the slope that the other side's target says.
        before = (1 - rho) * target[i]
        after = (1 - rho) * target[i - stride]
        if has_before:
            before = u[i] - u[i - stride] - rho * target[i - stride]
        if has_after:
            after = u[i + stride] - u[i] - rho * target[i]
        argument = k * squared_cosine[i] * (before * before - after * after)
        share = 1 / (1 + np.exp(-min(max(argument, -limit), limit)))
        if has_after:
            weights[i] += share * squared_cosine[i]
        if has_before:
            weights[i - stride] += (1 - share) * squared_cosine[i]
