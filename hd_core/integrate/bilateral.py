"""The working integrator: the energy of `energy.py`, minimised by conjugate gradients on a multigrid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from hd_core.integrate.energy import (
    FINAL_STEPS,
    LEAST_CERTAINTY,
    MAX_SLOPE,
    MIN_COSINE,
    PRIOR_FLOOR,
    RHO,
    Problem,
    Solution,
    continuation,
    doubt_scale,
    sample_strides,
    steepness_for_noise,
)
from hd_core.integrate.fuse import NO_EXTRAS, Extras, integrate_with
from hd_core.integrate.gradients import conjugate_gradients
from hd_core.integrate.kernels import reweight
from hd_core.integrate.multigrid import Multigrid
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.types import SurfaceMaps

TOLERANCE = {"float32": 1e-11, "float64": 1e-13}
"""Gain of energy per pixel at which a linear solve ends, px^2: 1e-3 or 1e-4 px rms where a prior of 1e-5 alone
holds. In single precision the rounding of u itself, of some hundred px, has no less."""
REBUILD_EVERY = 3
"""Coarse levels serve for so many steps, but for the last ones: weights change little from one to the next."""
FINAL_CARE = 0.1
"""The last steps' solves have to end at this times the share of the others: no further one will move them."""
WARM_STEPS = 2
WARM_SHARPNESS = 8.0
WARM_DROP = 0.1
WARM_INNER = 2
"""From an earlier frame: so many steps, the first with that steepness; `drop` of each is at least that, and its solver
iterations are at most so many."""
EXPONENTIAL = (reweight.SHRINK, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120)

_NO_PARTS = np.zeros((0, 0), np.int64)


class BilateralIntegrator:
    """Integrates normals with a depth prior, keeps folds and cuts at occlusions; linear in pixels."""

    def __init__(self, options: IntegrateOptions) -> None:
        self._options = options

    def integrate(self, maps: SurfaceMaps, extras: Extras = NO_EXTRAS) -> Integrated:
        """Integrate the normals, with `maps.depth` as the prior that is trusted by `maps.confidence`.

        Args:
            maps: Normals, depth prior and its confidence.
            extras: What else is known: declared discontinuities, confidence in the normals, a surface to start from.

        Raises:
            InputError: Normals that are not unit or confidences outside 0..1 on the mask.
        """
        return integrate_with(maps, self._options, solve_by_multigrid, extras)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One reweighting.

    Args:
        k: Steepness.
        rho: Share of the target that is taken off the slopes before they are compared.
        doubts: Whether the prior is doubted where it disagrees.
        drop: The linear solve ends when an iteration gains less than this times what the first one did.
        rebuilds: Whether the coarse levels follow the weights, or serve once more as they are.
    """

    k: float
    rho: float
    doubts: bool
    drop: float
    rebuilds: bool


def cold_steps(options: IntegrateOptions) -> list[Step]:
    """All steps, from a smooth surface to a cut one."""
    steps = []
    for number in range(options.steps):
        k, rho = continuation(number, options)
        last = number >= options.steps - FINAL_STEPS
        steps.append(
            Step(
                k=k,
                rho=rho,
                doubts=last,
                drop=options.solve_drop * (FINAL_CARE if last else 1),
                rebuilds=last or number % REBUILD_EVERY == 0,
            )
        )
    return steps


def warm_steps(options: IntegrateOptions) -> list[Step]:
    """A few steps from an earlier frame's surface: its cuts are near where they have to be."""
    ks = np.geomspace(min(WARM_SHARPNESS, options.sharpness), options.sharpness, WARM_STEPS)
    rhos = np.linspace(RHO / 2, RHO, WARM_STEPS)
    drop = max(options.solve_drop, WARM_DROP)
    return [
        Step(k=float(k), rho=float(rho), doubts=True, drop=drop, rebuilds=number == 0)
        for number, (k, rho) in enumerate(zip(ks, rhos, strict=True))
    ]


def solve_by_multigrid(problem: Problem, options: IntegrateOptions) -> Solution:
    """Minimise the energy by reweighting; every step corrects the u of the step before.

    A problem with a start is solved in a few steps from there.
    """
    if options.solve_drop == 0:
        problem = replace(problem, prior=problem.prior.astype(np.float64))
    if problem.start is None:
        return System(problem).solve(problem.prior, cold_steps(options), options.max_inner)
    return System(problem).solve(problem.start, warm_steps(options), min(options.max_inner, WARM_INNER))


class System:
    """A problem laid out for the solver, in the precision of its prior; all memory is taken here.

    Args:
        problem: What is solved.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.num_pixels = int(problem.mask.sum())
        dtype = problem.prior.dtype
        self._scalar: Any = dtype.type
        mask = np.pad(problem.mask, ((1, 2), (1, 2)))
        self.inner = np.s_[1:-2, 1:-2]
        self.grid = Multigrid(mask, dtype)
        self._strides = np.uint64(1), self.grid.finest.width
        self.stretches = self._scalar(1), self._scalar(problem.lens.aspect**2)
        self.squared_cosine, self.targets = (
            np.zeros(mask.shape, dtype),
            np.full((2, *mask.shape), reweight.NO_EDGE, dtype),
        )
        self.prior, self.trust = np.zeros(mask.shape, dtype), np.zeros(mask.shape, dtype)
        self.u, self._force, self._direction = (np.zeros(mask.shape, dtype) for _ in range(3))
        self.prior[self.inner] = np.where(problem.mask, problem.prior, 0)
        self.trust[self.inner] = np.where(problem.mask, problem.trust, 0)
        self._exponential = np.array(EXPONENTIAL, dtype)
        self._look()

    def _look(self) -> None:
        """Targets and cosines from the normals."""
        problem, lens = self.problem, self.problem.lens
        parts = _NO_PARTS if problem.parts is None else np.ascontiguousarray(problem.parts, np.int64)
        normal, mask = np.ascontiguousarray(problem.normal), np.ascontiguousarray(problem.mask)
        reweight.squared_cosines(normal, mask, lens.rays, MIN_COSINE, self.squared_cosine)
        if problem.certainty is not None:
            self.squared_cosine[self.inner] *= np.maximum(problem.certainty, LEAST_CERTAINTY)
        for axis, (dy, dx) in enumerate(((0, 1), (1, 0))):
            reweight.targets(
                normal, mask, parts, lens.rays, lens.steps[axis], lens.bend, MIN_COSINE, MAX_SLOPE, dy, dx,
                self.targets[axis],
            )  # fmt: skip
        rows, columns = sample_strides(problem.mask)
        self.lattice = np.s_[1:-2:rows, 1:-2:columns]
        after = np.s_[1:-2:rows, 2:-1:columns], np.s_[2:-1:rows, 1:-2:columns]
        self.sampled = self.squared_cosine[self.lattice] > 0
        self.samples = []
        for axis in (0, 1):
            present = self.targets[axis][self.lattice] < reweight.NO_EDGE
            here, there = (np.sqrt(self.squared_cosine[side][present]) for side in (self.lattice, after[axis]))
            stretch = float(np.sqrt(self.stretches[axis]))
            self.samples.append((present, after[axis], stretch * (here + there) / 2))

    def solve(self, start: Float[np.ndarray, "h w"], steps: Sequence[Step], max_inner: int) -> Solution:
        """Reweight and solve, step by step.

        Args:
            start: u, px.
            steps: One or more.
            max_inner: Most solver iterations in one step.
        """
        problem, spans = self.problem, self.grid.finest.spans
        self.u[self.inner] = np.where(problem.mask, start, 0)
        self.grid.finest.mass[:] = self.trust
        iterations = capped = 0
        k = residual = 0.0
        for step in steps:
            k = min(step.k, steepness_for_noise(self._residual_cosines()))
            self.reweight(k, step.rho)
            if problem.has_prior and step.doubts:
                self._doubt()
            self.grid.rebuild(coarse=step.rebuilds)
            self._pull()
            used = conjugate_gradients(
                self.grid,
                self._force,
                self.u,
                self._direction,
                tolerance=TOLERANCE[self.u.dtype.name] * self.num_pixels,
                drop=step.drop,
                max_iterations=max_inner,
            )
            iterations += used
            capped += used == max_inner
        residual = float(np.abs(self._force).max(initial=0))
        measures = {
            "iterations": float(iterations),
            "capped_steps": float(capped),
            "residual": residual,
            "energy": self._energy(spans),
            "sharpness": float(k),
        }
        return Solution(u=self.u[self.inner], discontinuity=self._cuts(), measures=measures)

    def reweight(self, k: float, rho: float) -> None:
        """Edge weights for the slopes of u."""
        finest, scalar = self.grid.finest, self._scalar
        after, before, c2 = finest.spare.ravel(), finest.x.ravel(), self.squared_cosine.ravel()
        limit = scalar(self.problem.logistic_limit)
        for axis, stride in enumerate(self._strides):
            target, out = self.targets[axis].ravel(), finest.weights[axis].ravel()
            constants = scalar(k * self.stretches[axis]), scalar(rho), scalar(1 - rho), limit
            reweight.arguments(self.u.ravel(), target, c2, stride, *constants, *finest.spans, after)
            reweight.shares(c2, self._exponential, *finest.spans, after, before)
            reweight.join_shares(after, before, target, self.stretches[axis], stride, *finest.spans, out)

    def _residual_cosines(self) -> Float[np.ndarray, " n"]:
        """|c (d - g)| of the sampled edges."""
        found = []
        for axis, (present, after, cosine) in enumerate(self.samples):
            slope = (self.u[after] - self.u[self.lattice])[present]
            found.append(cosine * np.abs(slope - self.targets[axis][self.lattice][present]))
        return np.concatenate(found)

    def _doubt(self) -> None:
        off = (self.u[self.lattice] - self.prior[self.lattice])[self.sampled]
        one, inverse, least = (self._scalar(value) for value in (1, 1 / doubt_scale(off), PRIOR_FLOOR))
        finest, trust, prior = self.grid.finest, self.trust.ravel(), self.prior.ravel()
        reweight.doubt(trust, prior, self.u.ravel(), one, inverse, least, *finest.spans, finest.mass.ravel())

    def _pull(self) -> None:
        """Minus half the gradient of the energy at u: what the correction has to balance."""
        finest, u, out = self.grid.finest, self.u.ravel(), self._force.ravel()
        reweight.prior_force(finest.mass.ravel(), self.prior.ravel(), u, *finest.spans, out)
        for axis, stride in enumerate(self._strides):
            weight, target = finest.weights[axis].ravel(), self.targets[axis].ravel()
            reweight.add_edge_force(weight, target, u, stride, *finest.spans, out)

    def _energy(self, spans: tuple[np.ndarray, np.ndarray]) -> float:
        finest, u = self.grid.finest, self.u.ravel()
        off = self.u[self.inner].astype(np.float64) - self.prior[self.inner]
        energy = float((finest.mass[self.inner] * off * off).sum())
        for axis, stride in enumerate(self._strides):
            energy += reweight.edge_energy(finest.weights[axis].ravel(), self.targets[axis].ravel(), u, stride, *spans)
        return energy

    def _cuts(self) -> Float[np.ndarray, "h w"]:
        finest = self.grid.finest
        finest.x[:] = 0
        c2, u, out = self.squared_cosine.ravel(), self.u.ravel(), finest.x.ravel()
        for axis, stride in enumerate(self._strides):
            weight, target = finest.weights[axis].ravel(), self.targets[axis].ravel()
            reweight.mark_cuts(weight, target, c2, u, self.stretches[axis], stride, *finest.spans, out)
        return finest.x[self.inner]
