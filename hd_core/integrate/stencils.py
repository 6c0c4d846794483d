"""Compiled loops of the multigrid: nine-point stencils, interpolation along weights, Galerkin coarsening.

Index y, x of a coarse cell is 2 y - 1, 2 x - 1 of the fine one. Weights are stored right, below, below right,
below left (`NEIGHBOURS`), each edge once, at its upper or left end.
"""

import numpy as np
from jaxtyping import Float

from hd_core.compiled import compiled

NEGLIGIBLE = 1e-10
"""Weight of an edge, or of all edges of a pixel, that is as good as none; the weakest prior weighs 1e-7. Coarse
graphs have such left-overs of cancellation, and to divide by one ends in infinities."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))

# The nine fine pixels of a coarse cell are numbered row by row, 4 is its middle, 0, 2, 6, 8 its corners. A cell owns
# the edges inside it and on its upper and left side: from pixel, to pixel, index of the weight, pixel that stores it.
_OWNED = np.array(
    [
        (0, 1, 0, 0), (1, 2, 0, 1), (0, 3, 1, 0), (3, 6, 1, 3),
        (3, 4, 0, 3), (4, 5, 0, 4), (1, 4, 1, 1), (4, 7, 1, 4),
        (0, 4, 2, 0), (4, 8, 2, 4), (2, 4, 3, 2), (4, 6, 3, 4),
        (1, 3, 3, 1), (1, 5, 2, 1), (3, 7, 2, 3), (5, 7, 3, 5),
    ]
)  # fmt: skip


@compiled
def diagonals(
    weights: Float[np.ndarray, "4 h w"], mass: Float[np.ndarray, "h w"], out: Float[np.ndarray, "h w"]
) -> None:
    """Mass plus all weights of every cell."""
    right, below, below_right, below_left = weights[0], weights[1], weights[2], weights[3]
    for y in range(1, mass.shape[0] - 2):
        for x in range(1, mass.shape[1] - 2):
            out[y, x] = (
                mass[y, x]
                + (right[y, x] + right[y, x - 1])
                + (below[y, x] + below[y - 1, x])
                + (below_right[y, x] + below_right[y - 1, x - 1])
                + (below_left[y, x] + below_left[y - 1, x + 1])
            )


@compiled
def residual(
    weights: Float[np.ndarray, "4 h w"],
    diagonal: Float[np.ndarray, "h w"],
    b: Float[np.ndarray, "h w"],
    u: Float[np.ndarray, "h w"],
    out: Float[np.ndarray, "h w"],
) -> None:
    """`b` - A `u`."""
    right, below, below_right, below_left = weights[0], weights[1], weights[2], weights[3]
    for y in range(1, u.shape[0] - 2):
        for x in range(1, u.shape[1] - 2):
            out[y, x] = b[y, x] - (
                diagonal[y, x] * u[y, x]
                - right[y, x] * u[y, x + 1]
                - right[y, x - 1] * u[y, x - 1]
                - below[y, x] * u[y + 1, x]
                - below[y - 1, x] * u[y - 1, x]
                - below_right[y, x] * u[y + 1, x + 1]
                - below_right[y - 1, x - 1] * u[y - 1, x - 1]
                - below_left[y, x] * u[y + 1, x - 1]
                - below_left[y - 1, x + 1] * u[y - 1, x + 1]
            )


@compiled
def relax(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "4 h w"],
    diagonal: Float[np.ndarray, "h w"],
    damped_inverse: Float[np.ndarray, "h w"],
    b: Float[np.ndarray, "h w"],
    u: Float[np.ndarray, "h w"],
    out: Float[np.ndarray, "h w"],
) -> None:
    """One damped Jacobi sweep from `u` to `out`."""
    right, below, below_right, below_left = weights[0], weights[1], weights[2], weights[3]
    for y in range(1, u.shape[0] - 2):
        for x in range(1, u.shape[1] - 2):
            off = b[y, x] - (
                diagonal[y, x] * u[y, x]
                - right[y, x] * u[y, x + 1]
                - right[y, x - 1] * u[y, x - 1]
                - below[y, x] * u[y + 1, x]
                - below[y - 1, x] * u[y - 1, x]
                - below_right[y, x] * u[y + 1, x + 1]
                - below_right[y - 1, x - 1] * u[y - 1, x - 1]
                - below_left[y, x] * u[y + 1, x - 1]
                - below_left[y - 1, x + 1] * u[y - 1, x + 1]
            )
            out[y, x] = u[y, x] + damped_inverse[y, x] * off


@compiled
def interpolation(
    weights: Float[np.ndarray, "4 h w"],
    mass: Float[np.ndarray, "h w"],
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
) -> None:
    """Shares of the coarse corners in every fine pixel between them.

    They lie in 0..1 and sum to 1, or are all 0 for a pixel that its own mass holds more than its neighbours do.
    Coarse graphs have some negative weights; as shares they would nearly cancel in the sum and blow up, so they
    count as cuts.

    Args:
        weights: Of the fine level.
        mass: Of the fine level.
        across: Left and right corner's shares in the pixel right of a corner.
        down: Upper and lower corner's shares in the pixel below a corner.
        centre: Shares of the corners 0, 2, 6, 8 in the middle.
    """
    right, below, below_right, below_left = weights[0], weights[1], weights[2], weights[3]
    height, width = across.shape[0] - 2, across.shape[1] - 2
    for cy in range(1, height):
        for cx in range(1, width):
            y, x = 2 * cy - 1, 2 * cx - 1
            first = max(right[y, x] + below_right[y - 1, x] + below_left[y, x + 1], 0.0)
            second = max(right[y, x + 1] + below_left[y - 1, x + 2] + below_right[y, x + 1], 0.0)
            total = first + second
            held = total <= mass[y, x + 1] + NEGLIGIBLE
            across[cy, cx, 0] = 0.0 if held else first / total
            across[cy, cx, 1] = 0.0 if held else second / total
            first = max(below[y, x] + below_right[y, x - 1] + below_left[y, x + 1], 0.0)
            second = max(below[y + 1, x] + below_left[y + 1, x] + below_right[y + 1, x], 0.0)
            total = first + second
            held = total <= mass[y + 1, x] + NEGLIGIBLE
            down[cy, cx, 0] = 0.0 if held else first / total
            down[cy, cx, 1] = 0.0 if held else second / total
    for cy in range(1, height):
        for cx in range(1, width):
            y, x = 2 * cy, 2 * cx
            up, low, left, side = below[y - 1, x], below[y, x], right[y, x - 1], right[y, x]
            a = max(below_right[y - 1, x - 1] + up * across[cy, cx, 0] + left * down[cy, cx, 0], 0.0)
            b = max(below_left[y - 1, x + 1] + up * across[cy, cx, 1] + side * down[cy, cx + 1, 0], 0.0)
            c = max(below_left[y, x] + low * across[cy + 1, cx, 0] + left * down[cy, cx, 1], 0.0)
            d = max(below_right[y, x] + low * across[cy + 1, cx, 1] + side * down[cy, cx + 1, 1], 0.0)
            total = a + b + c + d
            inverse = 0.0 if total <= mass[y, x] + NEGLIGIBLE else 1 / total
            centre[cy, cx, 0] = a * inverse
            centre[cy, cx, 1] = b * inverse
            centre[cy, cx, 2] = c * inverse
            centre[cy, cx, 3] = d * inverse


@compiled
def coarsen(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "4 h w"],
    mass: Float[np.ndarray, "h w"],
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    coarse_weights: Float[np.ndarray, "4 a b"],
    coarse_mass: Float[np.ndarray, "a b"],
) -> None:
    """Add the Galerkin product of a level to an empty coarser one.

    A fine edge with weight w and difference of shares p is the energy w (p . e)^2 of the corners' values e, that is
    the weights -w p_i p_j and the masses w p_i sum(p).
    """
    shares = np.zeros((9, 4))
    pair = np.zeros(6)
    own = np.zeros(4)
    for cy in range(1, coarse_mass.shape[0] - 2):
        for cx in range(1, coarse_mass.shape[1] - 2):
            y, x = 2 * cy - 1, 2 * cx - 1
            _fill_shares(across, down, centre, cy, cx, shares)
            pair[:] = 0
            own[:] = 0
            for edge in range(16):
                stored = _OWNED[edge, 3]
                w = weights[_OWNED[edge, 2], y + stored // 3, x + stored % 3]
                if w == 0:
                    continue
                i, j = _OWNED[edge, 0], _OWNED[edge, 1]
                a, b = shares[i, 0] - shares[j, 0], shares[i, 1] - shares[j, 1]
                c, d = shares[i, 2] - shares[j, 2], shares[i, 3] - shares[j, 3]
                pair[0] -= w * a * b
                pair[1] -= w * c * d
                pair[2] -= w * a * c
                pair[3] -= w * b * d
                pair[4] -= w * a * d
                pair[5] -= w * b * c
                total = w * (a + b + c + d)
                own[0] += total * a
                own[1] += total * b
                own[2] += total * c
                own[3] += total * d
            coarse_weights[0, cy, cx] += pair[0]
            coarse_weights[0, cy + 1, cx] += pair[1]
            coarse_weights[1, cy, cx] += pair[2]
            coarse_weights[1, cy, cx + 1] += pair[3]
            coarse_weights[2, cy, cx] += pair[4]
            coarse_weights[3, cy, cx + 1] += pair[5]
            for pixel in (0, 1, 3, 4):
                m = mass[y + pixel // 3, x + pixel % 3]
                for corner in range(4):
                    own[corner] += m * shares[pixel, corner]
            coarse_mass[cy, cx] += own[0]
            coarse_mass[cy, cx + 1] += own[1]
            coarse_mass[cy + 1, cx] += own[2]
            coarse_mass[cy + 1, cx + 1] += own[3]


@compiled
def _fill_shares(  # noqa: PLR0917 - compiled code has no keywords
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    cy: int,
    cx: int,
    shares: Float[np.ndarray, "9 4"],
) -> None:
    """Shares of a cell's four corners in its nine pixels."""
    shares[0, 0] = shares[2, 1] = shares[6, 2] = shares[8, 3] = 1.0
    shares[1, 0], shares[1, 1] = across[cy, cx, 0], across[cy, cx, 1]
    shares[7, 2], shares[7, 3] = across[cy + 1, cx, 0], across[cy + 1, cx, 1]
    shares[3, 0], shares[3, 2] = down[cy, cx, 0], down[cy, cx, 1]
    shares[5, 1], shares[5, 3] = down[cy, cx + 1, 0], down[cy, cx + 1, 1]
    for corner in range(4):
        shares[4, corner] = centre[cy, cx, corner]


@compiled
def restrict(
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    fine: Float[np.ndarray, "h w"],
    coarse: Float[np.ndarray, "a b"],
) -> None:
    """Add a fine residual to an empty coarse one: the transpose of `prolong`."""
    for cy in range(1, coarse.shape[0] - 2):
        for cx in range(1, coarse.shape[1] - 2):
            y, x = 2 * cy - 1, 2 * cx - 1
            side, low, middle = fine[y, x + 1], fine[y + 1, x], fine[y + 1, x + 1]
            coarse[cy, cx] += fine[y, x] + across[cy, cx, 0] * side + down[cy, cx, 0] * low + centre[cy, cx, 0] * middle
            coarse[cy, cx + 1] += across[cy, cx, 1] * side + centre[cy, cx, 1] * middle
            coarse[cy + 1, cx] += down[cy, cx, 1] * low + centre[cy, cx, 2] * middle
            coarse[cy + 1, cx + 1] += centre[cy, cx, 3] * middle


@compiled
def prolong(
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    coarse: Float[np.ndarray, "a b"],
    fine: Float[np.ndarray, "h w"],
) -> None:
    """Add a coarse correction to a fine one."""
    for cy in range(1, coarse.shape[0] - 2):
        for cx in range(1, coarse.shape[1] - 2):
            y, x = 2 * cy - 1, 2 * cx - 1
            a, b, c, d = coarse[cy, cx], coarse[cy, cx + 1], coarse[cy + 1, cx], coarse[cy + 1, cx + 1]
            fine[y, x] += a
            fine[y, x + 1] += across[cy, cx, 0] * a + across[cy, cx, 1] * b
            fine[y + 1, x] += down[cy, cx, 0] * a + down[cy, cx, 1] * c
            p = centre[cy, cx]
            fine[y + 1, x + 1] += p[0] * a + p[1] * b + p[2] * c + p[3] * d


@compiled
def inner(a: Float[np.ndarray, "h w"], b: Float[np.ndarray, "h w"]) -> float:
    """Sum of products, always in the same order."""
    total = 0.0
    for y in range(a.shape[0]):
        row = 0.0
        for x in range(a.shape[1]):
            row += a[y, x] * b[y, x]
        total += row
    return total
