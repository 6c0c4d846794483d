"""Sweeps over one picture: residuals, relaxation, and the vector arithmetic of conjugate gradients.

Pictures are flat: the neighbour below pixel i is i + `width`. A sweep visits, row by row, the pixels from `first` to
before `stop`, which hold everything that is not zero. Indices are unsigned, as then no negative index has to be
looked for, and every loop writes one array and reads few, so that the compiler can turn it into vector instructions.
Residuals are summed edge by edge, w (x_b - x_a), not as a diagonal less its neighbours: that keeps constants exact in
single precision.
"""

import numpy as np
from jaxtyping import Float, UInt

from hd_core.compiled import compiled

ONE = np.uint64(1)


@compiled
def residual(  # noqa: PLR0917 - compiled code has no keywords
    right: Float[np.ndarray, " n"],
    below: Float[np.ndarray, " n"],
    mass: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    x: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """`b` - A x for the edges right and below."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            own = x[i]
            out[i] = (
                b[i]
                - mass[i] * own
                + (right[i] * (x[i + ONE] - own) + right[i - ONE] * (x[i - ONE] - own))
                + (below[i] * (x[i + width] - own) + below[i - width] * (x[i - width] - own))
            )


@compiled
def add_diagonal_edges(  # noqa: PLR0917 - compiled code has no keywords
    below_right: Float[np.ndarray, " n"],
    below_left: Float[np.ndarray, " n"],
    x: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Take the rest of A x off a residual: the edges below right and below left."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            own = x[i]
            out[i] += (
                below_right[i] * (x[i + width + ONE] - own) + below_right[i - width - ONE] * (x[i - width - ONE] - own)
            ) + (below_left[i] * (x[i + width - ONE] - own) + below_left[i - width + ONE] * (x[i - width + ONE] - own))


@compiled
def product(  # noqa: PLR0917 - compiled code has no keywords
    right: Float[np.ndarray, " n"],
    below: Float[np.ndarray, " n"],
    mass: Float[np.ndarray, " n"],
    x: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """A x for the edges right and below."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            own = x[i]
            out[i] = (
                mass[i] * own
                + (right[i] * (own - x[i + ONE]) + right[i - ONE] * (own - x[i - ONE]))
                + (below[i] * (own - x[i + width]) + below[i - width] * (own - x[i - width]))
            )


@compiled
def scale_into(  # noqa: PLR0917 - compiled code has no keywords
    inverse: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    factor: float,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """The first relaxation, from zero: factor x inverse x b."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] = factor * inverse[i] * b[i]


@compiled
def add_scaled(  # noqa: PLR0917 - compiled code has no keywords
    inverse: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    factor: float,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """A further relaxation, from its residual: out + factor x inverse x b."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] += factor * inverse[i] * b[i]


@compiled
def add(
    factor: float,
    x: Float[np.ndarray, " n"],
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Out + factor x."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] += factor * x[i]


@compiled
def grow_direction(
    factor: float,
    x: Float[np.ndarray, " n"],
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Factor out + x."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] = factor * out[i] + x[i]


@compiled
def inner(
    a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"], first: UInt[np.ndarray, " r"], stop: UInt[np.ndarray, " r"]
) -> float:
    """Sum of products in double precision, always in the same order."""
    total = 0.0
    for row in range(first.size):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        begin, end = first[row], stop[row]
        whole = begin + ((end - begin) & ~np.uint64(3))
        for i in range(begin, whole, np.uint64(4)):
            s0 += a[i] * b[i]
            s1 += a[i + ONE] * b[i + ONE]
            s2 += a[i + np.uint64(2)] * b[i + np.uint64(2)]
            s3 += a[i + np.uint64(3)] * b[i + np.uint64(3)]
        for i in range(whole, end):
            s0 += a[i] * b[i]
        total += (s0 + s1) + (s2 + s3)
    return total


@compiled
def diagonals(  # noqa: PLR0917 - compiled code has no keywords
    right: Float[np.ndarray, " n"],
    below: Float[np.ndarray, " n"],
    mass: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Mass plus the weights of the edges right and below of every pixel."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] = mass[i] + (right[i] + right[i - ONE]) + (below[i] + below[i - width])


@compiled
def add_diagonals(  # noqa: PLR0917 - compiled code has no keywords
    below_right: Float[np.ndarray, " n"],
    below_left: Float[np.ndarray, " n"],
    width: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Add the weights of the edges below right and below left of every pixel."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] += (below_right[i] + below_right[i - width - ONE]) + (below_left[i] + below_left[i - width + ONE])


@compiled
def invert(
    one: float,
    negligible: float,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """One over every diagonal; 0 where there is next to none."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            value = out[i]
            out[i] = one / value if value > negligible else value - value
