"""What the normals say about every edge: its target g, and the cosines that weigh it; vectorised.

Pictures are flat here: the neighbour of pixel i on an axis is i + stride, for rows and columns alike. The margin
that every problem has keeps neighbours from wrapping around.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hd_core.integrate.energy import MAX_SLOPE, MIN_COSINE, Problem


@dataclass(frozen=True, kw_only=True)
class Edges:
    """The edges of one axis; entry i belongs to the edge from pixel i to pixel i + stride.

    Args:
        stride: 1 along rows, the width along columns.
        present: Both pixels are on the mask.
        first: The indices where `present`.
        target: g, px; 0 where there is no edge.
        squared_cosine: c^2 of every pixel on this axis; 0 off the mask.
    """

    stride: int
    present: Bool[np.ndarray, " n"]
    first: Int[np.ndarray, " e"]
    target: Float[np.ndarray, " n"]
    squared_cosine: Float[np.ndarray, " n"]

    def off_target(self, u: Float[np.ndarray, " n"]) -> Float[np.ndarray, " e"]:
        """How far the slope of every edge that is present is off its target: d - g, px."""
        off: Float[np.ndarray, " e"] = u[self.first + self.stride] - u[self.first] - self.target[self.first]
        return off


def edges_of(problem: Problem) -> tuple[Edges, Edges]:
    """The edges along the rows and those along the columns."""
    cosine = np.maximum(np.abs((problem.normal * problem.rays).sum(axis=-1)), MIN_COSINE)
    cosine = np.where(problem.mask, cosine, 0.0).ravel()
    width = problem.mask.shape[1]
    return _edges(problem, cosine, 1), _edges(problem, problem.aspect * cosine, width)


def _edges(problem: Problem, cosine: Float[np.ndarray, " n"], stride: int) -> Edges:
    mask = problem.mask.ravel()
    present = np.zeros_like(mask)
    present[:-stride] = mask[:-stride] & mask[stride:]
    first = np.flatnonzero(present)
    target = np.zeros(mask.size)
    target[first] = _targets(problem, first, first + stride)
    return Edges(stride=stride, present=present, first=first, target=target, squared_cosine=cosine**2)


def _targets(problem: Problem, first: Int[np.ndarray, " e"], second: Int[np.ndarray, " e"]) -> Float[np.ndarray, " e"]:
    """Targets g of edges.

    With t and t' the products of the mean normal with both rays, g = f ln(t / t'). Written with their middle and
    half difference, only the middle is bounded, so that a grazing or back-facing edge keeps its direction.
    """
    normal, rays = problem.normal.reshape(-1, 3), problem.rays.reshape(-1, 3)
    mean = normal[first] + normal[second]
    at_first = np.einsum("ij,ij->i", mean, rays[first])
    at_second = np.einsum("ij,ij->i", mean, rays[second])
    half = (at_second - at_first) / 2
    middle = np.minimum((at_first + at_second) / 2, np.minimum(-2 * MIN_COSINE, -2 * np.abs(half)))
    slope = -2 * problem.focal_px * np.arctanh(half / middle)
    bounded: Float[np.ndarray, " e"] = np.clip(slope, -MAX_SLOPE, MAX_SLOPE)
    return bounded
