"""`bilateral` in torch: the same steps for a batch of pictures at once, for graphics cards.

Targets and cosines are made on the CPU by the compiled loops and sent over; all that is repeated runs on the device.
Pictures of a batch are padded to the largest. Every picture keeps its own steepness, doubt and end of its linear
solves, so that its result is that of the compiled solver but for rounding.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from hd_core.integrate.bilateral import TOLERANCE, Step, System, cold_steps
from hd_core.integrate.energy import PRIOR_FLOOR, Problem, Solution, doubt_scale, steepness_for_noise
from hd_core.integrate.fuse import NO_EXTRAS, Extras, integrate_with
from hd_core.integrate.kernels.reweight import NO_EDGE
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.integrate.torch_multigrid import Plane, TorchMultigrid, ends
from hd_core.types import SurfaceMaps

AXES = ((0, 1), (1, 0))


class TorchIntegrator:
    """Integrates as `bilateral` does, on the graphics card if there is one."""

    def __init__(self, options: IntegrateOptions) -> None:
        self._options = options
        self._device = "cuda" if torch.cuda.is_available() else "cpu"

    def integrate(self, maps: SurfaceMaps, extras: Extras = NO_EXTRAS) -> Integrated:
        """Integrate the normals; see `BilateralIntegrator.integrate`.

        Raises:
            InputError: Normals that are not unit or confidences outside 0..1 on the mask.
        """

        def solve(problem: Problem, options: IntegrateOptions) -> Solution:
            return solve_batch([problem], options, device=self._device)[0]

        return integrate_with(maps, self._options, solve, extras)


def solve_batch(problems: Sequence[Problem], options: IntegrateOptions, *, device: str = "cpu") -> list[Solution]:
    """Minimise the energies of many problems at once, each begun at its prior.

    Args:
        problems: One or more.
        options: For all of them.
        device: Where, as torch names it.
    """
    if options.solve_drop == 0:
        problems = [replace(problem, prior=problem.prior.astype(np.float64)) for problem in problems]
    return _Batch([System(problem) for problem in problems], device).solve(cold_steps(options), options.max_inner)


class _Batch:
    def __init__(self, systems: list[System], device: str) -> None:
        self._systems = systems
        shape = tuple(max(system.u.shape[axis] for system in systems) for axis in (0, 1))
        self._shape = shape[0], shape[1]

        def stacked(planes: list[np.ndarray], fill: float = 0.0) -> Plane:
            out = np.full((len(planes), *self._shape), fill, systems[0].u.dtype)
            for picture, plane in zip(out, planes, strict=True):
                picture[: plane.shape[0], : plane.shape[1]] = plane
            return torch.from_numpy(out).to(device)

        self._targets = [stacked([system.targets[axis] for system in systems], NO_EDGE) for axis in (0, 1)]
        self._joined = [target < NO_EDGE for target in self._targets]
        self._targets = [torch.where(joined, t, 0.0) for joined, t in zip(self._joined, self._targets, strict=True)]
        self._c2 = stacked([system.squared_cosine for system in systems])
        self._prior, self._trust = stacked([s.prior for s in systems]), stacked([s.trust for s in systems])
        self._mask = self._trust > 0
        self._u = self._prior.clone()
        self._stretch = [self._numbers([float(s.stretches[axis]) for s in systems]) for axis in (0, 1)]
        self._limit = self._numbers([system.problem.logistic_limit for system in systems])
        self._grid = TorchMultigrid(len(systems), self._shape, self._u)

    def _numbers(self, values: list[float]) -> Plane:
        """A number a picture, ready to be multiplied with pictures."""
        return torch.tensor(values, dtype=self._u.dtype, device=self._u.device)[:, None, None]

    def solve(self, steps: Sequence[Step], max_inner: int) -> list[Solution]:
        """Reweight and solve, step by step."""
        iterations, capped = np.zeros(len(self._systems)), np.zeros(len(self._systems))
        finest = self._grid.finest
        finest.mass.copy_(self._trust)
        for step in steps:
            ks = [min(step.k, steepness_for_noise(noise)) for noise in self._residual_cosines()]
            self._reweight(self._numbers(ks), step.rho)
            if step.doubts:
                self._doubt()
            self._grid.rebuild(coarse=step.rebuilds)
            force = self._force()
            used = self._correct(force, step.drop, max_inner)
            iterations += used
            capped += used == max_inner
        return self._solutions(force, iterations, capped, ks)

    def _reweight(self, k: Plane, rho: float) -> None:
        for axis, (dy, dx) in enumerate(AXES):
            joined, target, stretch = self._joined[axis], self._targets[axis], self._stretch[axis]
            before, after, has_before = (torch.zeros_like(self._u) for _ in range(3))
            here, there = ends(self._u, dy, dx)
            slope = there - here - rho * ends(target, dy, dx)[0]
            lone = (1 - rho) * ends(target, dy, dx)[0]
            edge = ends(joined, dy, dx)[0]
            ends(after, dy, dx)[0].copy_(torch.where(edge, slope, 0.0))
            ends(before, dy, dx)[1].copy_(torch.where(edge, slope, 0.0))
            ends(has_before, dy, dx)[1].copy_(edge)
            lone_after, lone_before = torch.zeros_like(self._u), torch.zeros_like(self._u)
            ends(lone_after, dy, dx)[1].copy_(torch.where(edge, lone, 0.0))
            ends(lone_before, dy, dx)[0].copy_(torch.where(edge, lone, 0.0))
            before = torch.where(has_before > 0, before, lone_before)
            after = torch.where(joined, after, lone_after)
            argument = k * stretch * self._c2 * ((before - after) * (before + after))
            argument = torch.minimum(torch.maximum(argument, -self._limit), self._limit)
            share_after, share_before = self._c2 * torch.sigmoid(argument), self._c2 * torch.sigmoid(-argument)
            weight = stretch * (ends(share_after, dy, dx)[0] + ends(share_before, dy, dx)[1])
            ends(self._grid.finest.weights[axis], dy, dx)[0].copy_(torch.where(edge, weight, 0.0))

    def _residual_cosines(self) -> list[Float[np.ndarray, " n"]]:
        found = []
        for system, u in zip(self._systems, self._u, strict=True):
            height, width = system.u.shape
            own, parts = u[:height, :width], []
            for axis, (present, after, cosine) in enumerate(system.samples):
                slope = (own[after] - own[system.lattice]).cpu().numpy()[present]
                parts.append(cosine * np.abs(slope - system.targets[axis][system.lattice][present]))
            found.append(np.concatenate(parts))
        return found

    def _doubt(self) -> None:
        scales = []
        for system, off in zip(self._systems, self._u - self._prior, strict=True):
            height, width = system.u.shape
            sampled = off[:height, :width][system.lattice].cpu().numpy()[system.sampled]
            scales.append(doubt_scale(sampled) if system.problem.has_prior else np.inf)
        off = (self._u - self._prior) / self._numbers(scales)
        doubted = (self._trust / (1 + off * off)).clamp(min=PRIOR_FLOOR)
        has_prior = self._numbers([float(system.problem.has_prior) for system in self._systems]) > 0
        self._grid.finest.mass.copy_(torch.where(self._mask & has_prior, doubted, self._trust))

    def _force(self) -> Plane:
        """Minus half the gradient of the energy at u."""
        force = self._grid.finest.mass * (self._prior - self._u)
        for weight, off, (dy, dx) in zip(self._grid.finest.weights, self._off(), AXES, strict=True):
            pull = ends(weight, dy, dx)[0] * off
            first, second = ends(force, dy, dx)
            first += pull
            second -= pull
        return force

    def _off(self) -> list[Plane]:
        """How far every slope is off its target."""
        found = []
        for target, (dy, dx) in zip(self._targets, AXES, strict=True):
            here, there = ends(self._u, dy, dx)
            found.append(there - here - ends(target, dy, dx)[0])
        return found

    def _correct(self, residual: Plane, drop: float, max_iterations: int) -> Float[np.ndarray, " b"]:
        """Conjugate gradients for all pictures; those that are done stand still. The iterations of each."""
        count = len(self._systems)
        tolerance = TOLERANCE[self._systems[0].u.dtype.name] * np.array([s.num_pixels for s in self._systems])
        direction, energy = torch.zeros_like(residual), np.zeros(count)
        first, used, going = np.zeros(count), np.zeros(count), np.ones(count, bool)
        for iteration in range(max_iterations):
            preconditioned = self._grid.cycle(residual)
            previous, energy = energy, _inner(residual, preconditioned)
            going &= energy > (0 if iteration else tolerance)
            if not going.any():
                break
            grow = np.divide(energy, previous, out=np.zeros(count), where=(previous > 0) & going)
            direction = self._numbers(list(grow)) * direction + preconditioned
            product = self._grid.finest.product(direction)
            below = _inner(direction, product)
            length = np.divide(energy, below, out=np.zeros(count), where=(below > 0) & going)
            self._u += self._numbers(list(length)) * direction
            residual -= self._numbers(list(length)) * product
            used += going
            gained = length * energy
            first = first if iteration else gained
            going &= gained > np.maximum(tolerance, drop * first)
        return used

    def _solutions(
        self, residual: Plane, iterations: Float[np.ndarray, " b"], capped: Float[np.ndarray, " b"], ks: list[float]
    ) -> list[Solution]:
        finest, off = self._grid.finest, self._off()
        energy = _inner(finest.mass * (self._u - self._prior), self._u - self._prior)
        cut = torch.zeros_like(self._u)
        for axis, (dy, dx) in enumerate(AXES):
            weight, edge = ends(finest.weights[axis], dy, dx)[0], ends(self._joined[axis], dy, dx)[0]
            energy = energy + _inner(weight * off[axis], off[axis])
            here, there = ends(self._c2, dy, dx)
            whole = torch.where(edge, self._stretch[axis] * (here + there) / 2, 1.0)
            square = off[axis] * off[axis]
            edge_cut = torch.where(edge, (1 - weight / whole).clamp(0, 1) * square / (1 + square), 0.0)
            for end in ends(cut, dy, dx):
                torch.maximum(end, edge_cut, out=end)
        worst = residual.abs().amax(dim=(1, 2)).cpu().numpy()
        found = []
        for i, system in enumerate(self._systems):
            height, width = system.u.shape
            u, cuts = (plane[i, :height, :width].cpu().numpy()[system.inner] for plane in (self._u, cut))
            measures = {
                "iterations": float(iterations[i]),
                "capped_steps": float(capped[i]),
                "residual": float(worst[i]),
                "energy": float(energy[i]),
                "sharpness": float(ks[i]),
            }
            found.append(Solution(u=u, discontinuity=cuts, measures=measures))
        return found


def _inner(a: Plane, b: Plane) -> Float[np.ndarray, " b"]:
    """Sum of products of every picture, in double precision."""
    products: np.ndarray = (a * b).sum(dim=(1, 2), dtype=torch.float64).cpu().numpy()
    return products
