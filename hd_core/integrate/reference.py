"""The slow, obvious integrator: an edge list, a sparse matrix, a direct solve for every reweighting.

It exists to be read and to check the others; it minimises the energy of `energy.py` word for word.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import splu

from hd_core.integrate.energy import (
    FINAL_STEPS,
    MAX_SLOPE,
    MIN_COSINE,
    Problem,
    Solution,
    continuation,
    doubt_scale,
    doubted_trust,
    sample_strides,
    steepness_for_noise,
)
from hd_core.integrate.fuse import integrate_with
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.types import SurfaceMaps

AXES = {"right": (0, 1), "down": (1, 0)}


class ReferenceIntegrator:
    """Integrates by direct sparse solves; for checks and small pictures."""

    def __init__(self, options: IntegrateOptions) -> None:
        self._options = options

    def integrate(self, maps: SurfaceMaps) -> Integrated:
        """Integrate the normals, with `maps.depth` as the prior that is trusted by `maps.confidence`.

        Raises:
            InputError: Normals that are not unit or confidences outside 0..1 on the mask.
        """
        return integrate_with(maps, self._options, solve_directly)


class _AxisEdges:
    """The edges of one axis: pixel `first[e]` lies before pixel `second[e]`; `target[e]` is g of that edge."""

    def __init__(self, problem: Problem, axis: str) -> None:
        rows, columns = np.nonzero(problem.mask)
        number = np.full((problem.mask.shape[0] + 1, problem.mask.shape[1] + 1), -1)
        number[rows, columns] = np.arange(len(rows))
        step_row, step_column = AXES[axis]
        neighbour = number[rows + step_row, columns + step_column]
        joined = neighbour >= 0
        if problem.parts is not None:
            part = np.append(problem.parts[rows, columns], -1)
            joined &= part[neighbour] == part[:-1]
        self.first: Int[np.ndarray, " e"] = np.flatnonzero(joined)
        self.second: Int[np.ndarray, " e"] = neighbour[self.first]
        self.num_pixels = len(rows)
        lens = problem.lens
        normal = problem.normal[rows, columns].astype(np.float64)
        rays = np.stack([columns, rows, np.ones_like(rows)], axis=1) @ lens.rays.T
        step = lens.steps[0 if axis == "right" else 1]
        self.target = np.array(
            [
                edge_target(normal[a] + normal[b], rays[a], rays[b], 1 / lens.bend)
                if lens.bend
                else flat_target(normal[a] + normal[b], rays[a], step)
                for a, b in zip(self.first, self.second, strict=True)
            ],
            dtype=np.float64,
        )
        row_stride, column_stride = sample_strides(problem.mask)
        self.sampled_pixels = (rows % row_stride == 0) & (columns % column_stride == 0)
        self.sampled = self.sampled_pixels[self.first]
        stretch = lens.aspect if axis == "down" else 1.0
        self.differences = _differences(self.first, self.second, self.num_pixels)
        self.cosine = stretch * np.maximum(np.abs((normal * rays).sum(axis=1)), MIN_COSINE)

    def shares(
        self, slope: Float[np.ndarray, " e"], k: float, rho: float, limit: float
    ) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, " e"]]:
        """The shares w of the first and of the second pixel of each edge."""
        after = self._at_pixels(self.first, slope - rho * self.target)
        before = self._at_pixels(self.second, slope - rho * self.target)
        # A side without a neighbour goes on with the slope that the other side's target says.
        own_after = self._at_pixels(self.first, (1 - rho) * self.target)
        own_before = self._at_pixels(self.second, (1 - rho) * self.target)
        after, before = (
            np.where(np.isnan(after), own_before, after),
            np.where(np.isnan(before), own_after, before),
        )
        argument = k * self.cosine**2 * (before**2 - after**2)
        share_after = 1 / (1 + np.exp(-np.clip(argument, -limit, limit)))
        return share_after[self.first], 1 - share_after[self.second]

    def _at_pixels(self, pixels: Int[np.ndarray, " e"], values: Float[np.ndarray, " e"]) -> Float[np.ndarray, " p"]:
        """Values of edges at their pixels; NaN where a pixel has no such edge."""
        out = np.full(self.num_pixels, np.nan)
        out[pixels] = values
        return out

    def weights(self, slope: Float[np.ndarray, " e"], k: float, rho: float, limit: float) -> Float[np.ndarray, " e"]:
        """W of each edge."""
        share_first, share_second = self.shares(slope, k, rho, limit)
        first, second = self.cosine[self.first], self.cosine[self.second]
        whole: Float[np.ndarray, " e"] = share_first * first**2 + share_second * second**2
        return whole


def _differences(first: Int[np.ndarray, " e"], second: Int[np.ndarray, " e"], num_pixels: int) -> csc_array:
    """The matrix that takes u to the slope of every edge."""
    count = len(first)
    values = np.concatenate([np.ones(count), -np.ones(count)])
    rows = np.tile(np.arange(count), 2)
    columns = np.concatenate([second, first])
    return coo_array((values, (rows, columns)), shape=(count, num_pixels)).tocsc()


def edge_target(
    mean: Float[np.ndarray, "3"], ray_a: Float[np.ndarray, "3"], ray_b: Float[np.ndarray, "3"], focal_px: float
) -> float:
    """Difference of u from a to b that the mean normal asks for, px.

    m . tau is held at its bound where the mean normal is grazing or faces away; only its middle is, so that the
    direction of the slope survives.
    """
    at_a, at_b = float(mean @ ray_a), float(mean @ ray_b)
    half = (at_b - at_a) / 2
    middle = min((at_a + at_b) / 2, -2 * MIN_COSINE, -2 * abs(half))
    slope = focal_px * np.log((middle - half) / (middle + half))
    return float(np.clip(slope, -MAX_SLOPE, MAX_SLOPE))


def flat_target(mean: Float[np.ndarray, "3"], ray: Float[np.ndarray, "3"], step: Float[np.ndarray, "3"]) -> float:
    """The same for parallel rays: -m . step / m . tau."""
    slope = -float(mean @ step) / min(float(mean @ ray), -2 * MIN_COSINE)
    return float(np.clip(slope, -MAX_SLOPE, MAX_SLOPE))


def solve_directly(problem: Problem, options: IntegrateOptions) -> Solution:
    """Minimise the energy with one sparse LU decomposition per step."""
    axes = [_AxisEdges(problem, axis) for axis in AXES]
    prior, trust = (values[problem.mask].astype(np.float64) for values in (problem.prior, problem.trust))
    lent, lattice = trust, axes[0].sampled_pixels
    u = prior
    for step in range(options.steps):
        k, rho = continuation(step, options)
        slopes = [axis.differences @ u for axis in axes]
        k = min(k, steepness_for_noise(_residual_cosines(axes, slopes)))
        weights = [
            axis.weights(slope, k, rho, problem.logistic_limit) for axis, slope in zip(axes, slopes, strict=True)
        ]
        if problem.has_prior and step >= options.steps - FINAL_STEPS:
            trust = doubted_trust(lent, u - prior, doubt_scale((u - prior)[lattice]))
        system, right_side = diags_array(trust).tocsc(), trust * prior
        for axis, weight in zip(axes, weights, strict=True):
            system = system + axis.differences.T @ diags_array(weight) @ axis.differences
            right_side = right_side + axis.differences.T @ (weight * axis.target)
        u = splu(system.tocsc()).solve(right_side)
    slopes = [axis.differences @ u for axis in axes]
    energy = trust @ (u - prior) ** 2
    for axis, slope, weight in zip(axes, slopes, weights, strict=True):
        energy += weight @ (slope - axis.target) ** 2
    measures = {
        "iterations": float(options.steps),
        "capped_steps": 0.0,
        "residual": float(np.abs(right_side - system @ u).max()),
        "energy": float(energy),
        "sharpness": float(k),
    }
    cut = _to_picture(problem, _discontinuity(axes, slopes, weights))
    return Solution(u=_to_picture(problem, u), discontinuity=cut, measures=measures)


def _residual_cosines(axes: list[_AxisEdges], slopes: list[Float[np.ndarray, "..."]]) -> Float[np.ndarray, " n"]:
    return np.concatenate(
        [
            ((axis.cosine[axis.first] + axis.cosine[axis.second]) / 2 * np.abs(slope - axis.target))[axis.sampled]
            for axis, slope in zip(axes, slopes, strict=True)
        ]
    )


def _discontinuity(
    axes: list[_AxisEdges], slopes: list[Float[np.ndarray, "..."]], weights: list[Float[np.ndarray, "..."]]
) -> Float[np.ndarray, " p"]:
    """Per pixel the most cut of its edges: how little weight is left times how far the step is off."""
    cut = np.zeros(axes[0].num_pixels)
    for axis, slope, weight in zip(axes, slopes, weights, strict=True):
        whole = (axis.cosine[axis.first] ** 2 + axis.cosine[axis.second] ** 2) / 2
        off = (slope - axis.target) ** 2
        edge_cut = np.clip(1 - weight / whole, 0, 1) * off / (1 + off)
        np.maximum.at(cut, axis.first, edge_cut)
        np.maximum.at(cut, axis.second, edge_cut)
    return cut


def _to_picture(problem: Problem, values: Float[np.ndarray, " p"]) -> Float[np.ndarray, "h w"]:
    picture = np.zeros(problem.mask.shape)
    picture[problem.mask] = values
    return picture
