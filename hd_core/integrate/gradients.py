"""Conjugate gradients on a picture, preconditioned by the multigrid, in place."""

import numpy as np
from jaxtyping import Float

from hd_core.integrate.kernels import sweeps
from hd_core.integrate.multigrid import Multigrid


def conjugate_gradients(
    grid: Multigrid,
    residual: Float[np.ndarray, "h w"],
    x: Float[np.ndarray, "h w"],
    direction: Float[np.ndarray, "h w"],
    *,
    tolerance: float,
    drop: float,
    max_iterations: int,
) -> int:
    """Correct x by the solution e of A e = `residual`, preconditioned by one V-cycle.

    Args:
        grid: Holds A and its V-cycle.
        residual: Right-hand side; in the end what is left of it.
        x: Corrected in place.
        direction: Room to work in.
        tolerance: Ends where an iteration lowers the energy of the error by less than this,
        drop: or by less than this times what the first one did.
        max_iterations: Ends here in any case.

    Returns:
        The iterations used.
    """
    finest = grid.finest
    spans, scalar = finest.spans, x.dtype.type
    flat_residual, flat_direction = residual.ravel(), direction.ravel()
    energy = first = 0.0
    for iteration in range(max_iterations):
        preconditioned = grid.cycle(residual).ravel()
        previous, energy = energy, sweeps.inner(flat_residual, preconditioned, *spans)
        if energy <= (0 if iteration else tolerance):
            return iteration
        grow = energy / previous if iteration else 0.0
        sweeps.grow_direction(scalar(grow), preconditioned, *spans, flat_direction)
        product, below = finest.multiply(flat_direction)
        length = energy / below
        sweeps.add(scalar(length), flat_direction, *spans, x.ravel())
        sweeps.add(scalar(-length), product, *spans, flat_residual)
        gained = length * energy
        first = first if iteration else gained
        if gained <= max(tolerance, drop * first):
            return iteration + 1
    return max_iterations
