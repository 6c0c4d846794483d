"""Sweeps that follow each other, on one level of the multigrid (see `sweeps`)."""

import numpy as np
from jaxtyping import Float, UInt

from hd_core.compiled import compiled
from hd_core.integrate.kernels.sweeps import add_diagonal_edges, add_scaled, inner, product, residual, scale_into

BLOCK_ROWS = 16
"""Stages that follow each other take turns after so many rows, which are then still in the cache."""


@compiled
def smooth(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "p n"],
    mass: Float[np.ndarray, " n"],
    inverse: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    damping: float,
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    x: Float[np.ndarray, " n"],
    spare: Float[np.ndarray, " n"],
) -> None:
    """One sweep of damped Jacobi on x; the residual before it goes to `spare`."""
    leave(weights, mass, b, width, first, stop, x, spare)
    add_scaled(inverse, spare, damping, first, stop, x)


@compiled
def leave(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "p n"],
    mass: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    x: Float[np.ndarray, " n"],
    spare: Float[np.ndarray, " n"],
) -> None:
    """`spare` is `b` - A x, with two or four planes of weights."""
    residual(weights[0], weights[1], mass, b, x, width, first, stop, spare)
    if weights.shape[0] == 4:
        add_diagonal_edges(weights[2], weights[3], x, width, first, stop, spare)


@compiled
def descend(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "p n"],
    mass: Float[np.ndarray, " n"],
    inverse: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    dampings: Float[np.ndarray, "2"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    x: Float[np.ndarray, " n"],
    spare: Float[np.ndarray, " n"],
) -> None:
    """Two sweeps from nothing to x, then `spare` is what they leave of `b`.

    Every stage follows the one before it by a row and takes its turn after a block of them, so that all of them
    work on rows that are still in the cache.
    """
    rows = first.size
    for block in range(0, rows + 3, BLOCK_ROWS):
        end = block + BLOCK_ROWS
        low, high = block, min(end, rows)
        scale_into(inverse, b, dampings[0], first[low:high], stop[low:high], x)
        low, high = max(block - 1, 0), min(end - 1, rows)
        leave(weights, mass, b, width, first[low:high], stop[low:high], x, spare)
        low, high = max(block - 2, 0), min(end - 2, rows)
        add_scaled(inverse, spare, dampings[1], first[low:high], stop[low:high], x)
        low, high = max(block - 3, 0), min(end - 3, rows)
        leave(weights, mass, b, width, first[low:high], stop[low:high], x, spare)


@compiled
def ascend(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "p n"],
    mass: Float[np.ndarray, " n"],
    inverse: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    dampings: Float[np.ndarray, "2"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    x: Float[np.ndarray, " n"],
    spare: Float[np.ndarray, " n"],
) -> None:
    """Two more sweeps on x, in turns as in `descend`."""
    rows = first.size
    for block in range(0, rows + 3, BLOCK_ROWS):
        end = block + BLOCK_ROWS
        low, high = block, min(end, rows)
        leave(weights, mass, b, width, first[low:high], stop[low:high], x, spare)
        low, high = max(block - 1, 0), min(end - 1, rows)
        add_scaled(inverse, spare, dampings[1], first[low:high], stop[low:high], x)
        low, high = max(block - 2, 0), min(end - 2, rows)
        leave(weights, mass, b, width, first[low:high], stop[low:high], x, spare)
        low, high = max(block - 3, 0), min(end - 3, rows)
        add_scaled(inverse, spare, dampings[0], first[low:high], stop[low:high], x)


@compiled
def product_and_inner(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "2 n"],
    mass: Float[np.ndarray, " n"],
    x: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> float:
    """A x, and x . A x."""
    total = 0.0
    for block in range(0, first.size, BLOCK_ROWS):
        begin, end = first[block : block + BLOCK_ROWS], stop[block : block + BLOCK_ROWS]
        product(weights[0], weights[1], mass, x, width, begin, end, out)
        total += inner(x, out, begin, end)
    return total
