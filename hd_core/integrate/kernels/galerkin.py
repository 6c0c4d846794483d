"""From a picture to one of half its size: interpolation along edge weights, and the Galerkin product.

Index y, x of a coarse cell is 2 y - 1, 2 x - 1 of the fine one. Weights are stored right, below, below right,
below left (`NEIGHBOURS`), each edge once, at its upper or left end. The first level has no edges below right and
below left. Cells of row y are visited from `first[y]` to before `stop[y]`.
"""

import numpy as np
from jaxtyping import Float, UInt

from hd_core.compiled import compiled

NEGLIGIBLE = 1e-10
"""Weight of an edge, or of all edges of a pixel, that is as good as none; the weakest prior weighs 1e-7. Coarse
graphs have such left-overs of cancellation, and to divide by one ends in infinities."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
ONE = np.uint64(1)


@compiled
def whole(total: float) -> float:
    """1 or 0, whichever a sum of shares was before rounding."""
    return 1.0 if total > 0.5 else 0.0


@compiled
def interpolation_of_rows_and_columns(  # noqa: PLR0917 - compiled code has no keywords
    right: Float[np.ndarray, "h w"],
    below: Float[np.ndarray, "h w"],
    mass: Float[np.ndarray, "h w"],
    first: UInt[np.ndarray, " a"],
    stop: UInt[np.ndarray, " a"],
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
) -> None:
    """`interpolation` of a level without edges below right and below left."""
    for row in range(1, across.shape[0] - 2):
        cy = np.uint64(row)
        y = cy + cy - ONE
        for cx in range(first[row], stop[row]):
            x = cx + cx - ONE
            one, two = right[y, x], right[y, x + ONE]
            total = one + two
            inverse = 0.0 if total <= mass[y, x + ONE] + NEGLIGIBLE else 1 / total
            across[cy, cx, 0] = one * inverse
            across[cy, cx, 1] = two * inverse
            one, two = below[y, x], below[y + ONE, x]
            total = one + two
            inverse = 0.0 if total <= mass[y + ONE, x] + NEGLIGIBLE else 1 / total
            down[cy, cx, 0] = one * inverse
            down[cy, cx, 1] = two * inverse
    for row in range(1, across.shape[0] - 2):
        cy = np.uint64(row)
        y = cy + cy
        for cx in range(first[row], stop[row]):
            at = cx + cx
            up, low, left, side = below[y - ONE, at], below[y, at], right[y, at - ONE], right[y, at]
            a = up * across[cy, cx, 0] + left * down[cy, cx, 0]
            b = up * across[cy, cx, 1] + side * down[cy, cx + ONE, 0]
            c = low * across[cy + ONE, cx, 0] + left * down[cy, cx, 1]
            d = low * across[cy + ONE, cx, 1] + side * down[cy, cx + ONE, 1]
            total = a + b + c + d
            inverse = 0.0 if total <= mass[y, at] + NEGLIGIBLE else 1 / total
            centre[cy, cx, 0] = a * inverse
            centre[cy, cx, 1] = b * inverse
            centre[cy, cx, 2] = c * inverse
            centre[cy, cx, 3] = d * inverse


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


_Sums = tuple[float, float, float, float, float, float, float, float, float, float]


@compiled
def _with_edge(  # noqa: PLR0917 - compiled code has no keywords
    sums: _Sums, w: float, total: float, p0: float, p1: float, p2: float, p3: float
) -> _Sums:
    """A cell's six coarse weights and four masses, and an edge with weight w and differences of shares p.

    Its energy is w (p . e)^2 of the corners' values e, that is the weights -w p_i p_j and the masses w p_i sum(p).
    """
    ab, cd, ac, bd, ad, bc, m0, m1, m2, m3 = sums
    w0, w1, own = w * p0, w * p1, w * total
    return (
        ab - w0 * p1,
        cd - w * p2 * p3,
        ac - w0 * p2,
        bd - w1 * p3,
        ad - w0 * p3,
        bc - w1 * p2,
        m0 + own * p0,
        m1 + own * p1,
        m2 + own * p2,
        m3 + own * p3,
    )


@compiled
def _four_neighbours(
    right: Float[np.ndarray, "h w"],
    below: Float[np.ndarray, "h w"],
    y: np.uint64,
    x: np.uint64,
    shares: tuple[float, ...],
) -> _Sums:
    """The edges right and below of a cell with its upper left corner at y, x."""
    t0, t1, b0, b1, l0, l1, r0, r1, c0, c1, c2, c3 = shares
    # A pixel's shares sum to 1 or to 0; rounding must not make masses.
    top, bottom, left, side = whole(t0 + t1), whole(b0 + b1), whole(l0 + l1), whole(r0 + r1)
    middle = whole((c0 + c1) + (c2 + c3))
    sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    sums = _with_edge(sums, right[y, x], 1 - top, 1 - t0, -t1, 0.0, 0.0)
    sums = _with_edge(sums, right[y, x + ONE], top - 1, t0, t1 - 1, 0.0, 0.0)
    sums = _with_edge(sums, below[y, x], 1 - left, 1 - l0, 0.0, -l1, 0.0)
    sums = _with_edge(sums, below[y + ONE, x], left - 1, l0, 0.0, l1 - 1, 0.0)
    sums = _with_edge(sums, right[y + ONE, x], left - middle, l0 - c0, -c1, l1 - c2, -c3)
    sums = _with_edge(sums, right[y + ONE, x + ONE], side - middle, -c0, r0 - c1, -c2, r1 - c3)
    sums = _with_edge(sums, below[y, x + ONE], top - middle, t0 - c0, t1 - c1, -c2, -c3)
    return _with_edge(sums, below[y + ONE, x + ONE], bottom - middle, -c0, -c1, b0 - c2, b1 - c3)


@compiled
def _diagonal_neighbours(  # noqa: PLR0917 - compiled code has no keywords
    sums: _Sums,
    below_right: Float[np.ndarray, "h w"],
    below_left: Float[np.ndarray, "h w"],
    y: np.uint64,
    x: np.uint64,
    shares: tuple[float, ...],
) -> _Sums:
    """Add the edges below right and below left of a cell."""
    t0, t1, b0, b1, l0, l1, r0, r1, c0, c1, c2, c3 = shares
    top, bottom, left, side = whole(t0 + t1), whole(b0 + b1), whole(l0 + l1), whole(r0 + r1)
    middle = whole((c0 + c1) + (c2 + c3))
    low, beyond = y + ONE, x + ONE
    sums = _with_edge(sums, below_right[y, x], 1 - middle, 1 - c0, -c1, -c2, -c3)
    sums = _with_edge(sums, below_right[low, beyond], middle - 1, c0, c1, c2, c3 - 1)
    sums = _with_edge(sums, below_left[y, beyond + ONE], 1 - middle, -c0, 1 - c1, -c2, -c3)
    sums = _with_edge(sums, below_left[low, beyond], middle - 1, c0, c1, c2 - 1, c3)
    sums = _with_edge(sums, below_left[y, beyond], top - left, t0 - l0, t1, -l1, 0.0)
    sums = _with_edge(sums, below_right[y, beyond], top - side, t0, t1 - r0, 0.0, -r1)
    sums = _with_edge(sums, below_right[low, x], left - bottom, l0, 0.0, l1 - b0, -b1)
    return _with_edge(sums, below_left[low, beyond + ONE], side - bottom, 0.0, r0, -b0, r1 - b1)


@compiled
def coarsen(  # noqa: PLR0917 - compiled code has no keywords
    weights: Float[np.ndarray, "p h w"],
    mass: Float[np.ndarray, "h w"],
    first: UInt[np.ndarray, " a"],
    stop: UInt[np.ndarray, " a"],
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    coarse_weights: Float[np.ndarray, "4 a b"],
    coarse_mass: Float[np.ndarray, "a b"],
) -> None:
    """Add the Galerkin product of a level to an empty coarser one.

    A cell owns the edges inside it and on its upper and left side. Of the nine fine pixels of a cell, A, B, C, D are
    its corners, t, b, l, r (top, bottom, left, side) lie between two of them and c in the middle.
    """
    right, below = weights[0], weights[1]
    for row in range(1, across.shape[0] - 2):
        cy = np.uint64(row)
        y, low = cy + cy - ONE, cy + ONE
        for cx in range(first[row], stop[row]):
            x, side = cx + cx - ONE, cx + ONE
            shares = (
                float(across[cy, cx, 0]), float(across[cy, cx, 1]),
                float(across[low, cx, 0]), float(across[low, cx, 1]),
                float(down[cy, cx, 0]), float(down[cy, cx, 1]),
                float(down[cy, side, 0]), float(down[cy, side, 1]),
                float(centre[cy, cx, 0]), float(centre[cy, cx, 1]),
                float(centre[cy, cx, 2]), float(centre[cy, cx, 3]),
            )  # fmt: skip
            sums = _four_neighbours(right, below, y, x, shares)
            if weights.shape[0] == 4:
                sums = _diagonal_neighbours(sums, weights[2], weights[3], y, x, shares)
            coarse_weights[0, cy, cx] += sums[0]
            coarse_weights[0, low, cx] += sums[1]
            coarse_weights[1, cy, cx] += sums[2]
            coarse_weights[1, cy, side] += sums[3]
            coarse_weights[2, cy, cx] += sums[4]
            coarse_weights[3, cy, side] += sums[5]
            here, beside, under, inside = mass[y, x], mass[y, x + ONE], mass[y + ONE, x], mass[y + ONE, x + ONE]
            coarse_mass[cy, cx] += sums[6] + here + beside * shares[0] + under * shares[4] + inside * shares[8]
            coarse_mass[cy, side] += sums[7] + beside * shares[1] + inside * shares[9]
            coarse_mass[low, cx] += sums[8] + under * shares[5] + inside * shares[10]
            coarse_mass[low, side] += sums[9] + inside * shares[11]


@compiled
def restrict(  # noqa: PLR0917 - compiled code has no keywords
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    first: UInt[np.ndarray, " a"],
    stop: UInt[np.ndarray, " a"],
    fine: Float[np.ndarray, "h w"],
    coarse: Float[np.ndarray, "a b"],
) -> None:
    """A coarse residual from a fine one: the transpose of `prolong`."""
    for row in range(1, coarse.shape[0] - 2):
        cy = np.uint64(row)
        y, up = cy + cy - ONE, cy - ONE
        for cx in range(first[row], stop[row]):
            x, left = cx + cx - ONE, cx - ONE
            coarse[cy, cx] = (
                fine[y, x]
                + (across[cy, cx, 0] * fine[y, x + ONE] + across[cy, left, 1] * fine[y, x - ONE])
                + (down[cy, cx, 0] * fine[y + ONE, x] + down[up, cx, 1] * fine[y - ONE, x])
                + (centre[cy, cx, 0] * fine[y + ONE, x + ONE] + centre[cy, left, 1] * fine[y + ONE, x - ONE])
                + (centre[up, cx, 2] * fine[y - ONE, x + ONE] + centre[up, left, 3] * fine[y - ONE, x - ONE])
            )


@compiled
def prolong(  # noqa: PLR0917 - compiled code has no keywords
    across: Float[np.ndarray, "a b 2"],
    down: Float[np.ndarray, "a b 2"],
    centre: Float[np.ndarray, "a b 4"],
    first: UInt[np.ndarray, " a"],
    stop: UInt[np.ndarray, " a"],
    coarse: Float[np.ndarray, "a b"],
    inverse: Float[np.ndarray, "h w"],
    fine: Float[np.ndarray, "h w"],
) -> None:
    """Add a coarse correction to a fine one; `inverse` is zero where the fine level has no unknown."""
    for row in range(1, coarse.shape[0] - 2):
        cy = np.uint64(row)
        y, low = cy + cy - ONE, cy + ONE
        for cx in range(first[row], stop[row]):
            x, side = cx + cx - ONE, cx + ONE
            a, b, c, d = coarse[cy, cx], coarse[cy, side], coarse[low, cx], coarse[low, side]
            fine[y, x] += a if inverse[y, x] > 0 else a - a
            fine[y, x + ONE] += across[cy, cx, 0] * a + across[cy, cx, 1] * b
            fine[y + ONE, x] += down[cy, cx, 0] * a + down[cy, cx, 1] * c
            fine[y + ONE, x + ONE] += (centre[cy, cx, 0] * a + centre[cy, cx, 1] * b) + (
                centre[cy, cx, 2] * c + centre[cy, cx, 3] * d
            )
