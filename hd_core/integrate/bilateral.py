"""The working integrator: the energy of `energy.py`, minimised by conjugate gradients on a multigrid."""

import numpy as np
from jaxtyping import Float

from hd_core.integrate import stencils
from hd_core.integrate.edges import Edges, edges_of
from hd_core.integrate.energy import FINAL_STEPS, Problem, Solution, continuation, doubted_trust
from hd_core.integrate.fuse import integrate_with
from hd_core.integrate.multigrid import Multigrid
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.integrate.weights import allowed_steepness, discontinuity, edge_weights
from hd_core.types import SurfaceMaps

TOLERANCE = 1e-13
"""Energy of the error per pixel at which a linear solve ends, px^2: 1e-4 px rms where a prior of 1e-5 alone holds."""


class BilateralIntegrator:
    """Integrates normals with a depth prior, keeps folds and cuts at occlusions; linear in pixels."""

    def __init__(self, options: IntegrateOptions) -> None:
        self._options = options

    def integrate(self, maps: SurfaceMaps) -> Integrated:
        """Integrate the normals, with `maps.depth` as the prior that is trusted by `maps.confidence`.

        Raises:
            InputError: Normals that are not unit or confidences outside 0..1 on the mask.
        """
        return integrate_with(maps, self._options, solve_by_multigrid)


def solve_by_multigrid(problem: Problem, options: IntegrateOptions) -> Solution:
    """Minimise the energy by reweighting; every step corrects the u of the step before."""
    axes = edges_of(problem)
    mask, trust, u = problem.mask, problem.trust.copy(), problem.prior.copy()
    grid = Multigrid(mask.shape)
    flat = u.ravel()
    tolerance = TOLERANCE * int(mask.sum())
    iterations = capped = 0
    for step in range(options.steps):
        k, rho = continuation(step, options)
        k = min(k, allowed_steepness(axes, flat))
        weights = [edge_weights(edges, flat, k=k, rho=rho, limit=problem.logistic_limit) for edges in axes]
        if problem.has_prior and step >= options.steps - FINAL_STEPS:
            trust[mask] = doubted_trust(problem.trust[mask], (u - problem.prior)[mask])
        grid.rebuild(weights[0].reshape(u.shape), weights[1].reshape(u.shape), trust)
        force = _force(problem.prior, trust, axes, weights, u)
        correction, residual, used = conjugate_gradients(grid, force, tolerance, options.max_inner)
        u += correction
        iterations += used
        capped += used == options.max_inner
    measures = {
        "iterations": float(iterations),
        "capped_steps": float(capped),
        "residual": float(np.abs(residual).max()),
        "energy": _energy(problem.prior, trust, axes, weights, u),
        "sharpness": float(k),
    }
    cut = discontinuity(axes, weights, flat).reshape(u.shape)
    return Solution(u=u, discontinuity=cut, measures=measures)


def _energy(
    prior: Float[np.ndarray, "h w"],
    trust: Float[np.ndarray, "h w"],
    axes: tuple[Edges, Edges],
    weights: list[Float[np.ndarray, " n"]],
    u: Float[np.ndarray, "h w"],
) -> float:
    energy = (trust * (u - prior) ** 2).sum()
    for edges, weight in zip(axes, weights, strict=True):
        energy += (weight[edges.first] * edges.off_target(u.ravel()) ** 2).sum()
    return float(energy)


def _force(
    prior: Float[np.ndarray, "h w"],
    trust: Float[np.ndarray, "h w"],
    axes: tuple[Edges, Edges],
    weights: list[Float[np.ndarray, " n"]],
    u: Float[np.ndarray, "h w"],
) -> Float[np.ndarray, "h w"]:
    """Minus half the gradient of the energy at `u`: what the correction has to balance."""
    force: Float[np.ndarray, " n"] = (trust * (prior - u)).ravel()
    for edges, weight in zip(axes, weights, strict=True):
        pull = weight[edges.first] * edges.off_target(u.ravel())
        force[edges.first] += pull
        force[edges.first + edges.stride] -= pull
    return force.reshape(u.shape)


def conjugate_gradients(
    grid: Multigrid, force: Float[np.ndarray, "h w"], tolerance: float, max_iterations: int
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"], int]:
    """Solve A x = `force` from zero, preconditioned by one V-cycle.

    Args:
        grid: Holds A and its V-cycle.
        force: Right-hand side.
        tolerance: Ends where residual . V(residual), the energy of the error, falls below this.
        max_iterations: Ends here in any case.

    Returns:
        x, the residual that is left, and the iterations used.
    """
    fine = grid.finest
    x, residual = np.zeros_like(force), force.copy()
    direction, product = np.zeros_like(force), np.zeros_like(force)
    zero = np.zeros_like(force)
    energy = 0.0
    for iteration in range(max_iterations + 1):
        preconditioned = grid.cycle(residual)
        previous, energy = energy, stencils.inner(residual, preconditioned)
        if energy <= tolerance or iteration == max_iterations:
            break
        direction *= energy / previous if iteration else 0.0
        direction += preconditioned
        stencils.residual(fine.weights, fine.diagonal, zero, direction, product)
        length = energy / -stencils.inner(direction, product)
        x += length * direction
        residual += length * product
    return x, residual, iteration
