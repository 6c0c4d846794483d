"""`multigrid` in torch: the levels and the V-cycle of many pictures at once, as slices, on any device.

Pictures are (b, h, w) with a margin of one cell before and two behind; all of a batch have the same size. What the
compiled loops do cell by cell is done here plane by plane, in the same order of levels and sweeps.
"""

import torch
from jaxtyping import Float

from hd_core.integrate.kernels.galerkin import NEGLIGIBLE
from hd_core.integrate.multigrid import COARSEST, DAMPINGS, coarse_shape

Plane = Float[torch.Tensor, "..."]
"""Pictures, parts of them, or numbers to multiply them with."""
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""From a pixel to its neighbour right, below, below right, below left."""


def ends(plane: torch.Tensor, dy: int, dx: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Both ends of every edge of one kind: views of the first and of the second pixels."""
    height, width = plane.shape[1:]
    if dx < 0:
        return plane[:, : height - dy, -dx:], plane[:, dy:, : width + dx]
    return plane[:, : height - dy, : width - dx], plane[:, dy:, dx:]


class TorchLevel:
    """One graph a picture; see `multigrid.Level`.

    Args:
        batch: Number of pictures.
        shape: With the margin.
        planes: 2 on the finest level, else 4.
        like: A tensor of the type and the device that are wanted.
    """

    def __init__(self, batch: int, shape: tuple[int, int], planes: int, like: torch.Tensor) -> None:
        self.weights = like.new_zeros((planes, batch, *shape))
        self.mass = like.new_zeros((batch, *shape))
        self.inverse = like.new_zeros((batch, *shape))
        self.x = like.new_zeros((batch, *shape))
        coarse = coarse_shape(shape)
        self.rows, self.columns = coarse[0] - 3, coarse[1] - 3
        self.across = like.new_zeros((2, batch, *coarse))
        self.down = like.new_zeros((2, batch, *coarse))
        self.centre = like.new_zeros((4, batch, *coarse))

    def finish(self) -> None:
        """Derive the inverse diagonal from weights and mass."""
        diagonal = self.mass.clone()
        for weight, (dy, dx) in zip(self.weights, SHIFTS, strict=False):
            first, second = ends(diagonal, dy, dx)
            w = ends(weight, dy, dx)[0]
            first += w
            second += w
        one = torch.ones_like(diagonal)
        self.inverse = torch.where(diagonal > NEGLIGIBLE, one / torch.where(diagonal > NEGLIGIBLE, diagonal, one), 0.0)

    def product(self, x: Plane) -> Plane:
        """A x, summed edge by edge."""
        out = self.mass * x
        for weight, (dy, dx) in zip(self.weights, SHIFTS, strict=False):
            here, there = ends(x, dy, dx)
            flow = ends(weight, dy, dx)[0] * (here - there)
            first, second = ends(out, dy, dx)
            first += flow
            second -= flow
        return out

    def relax(self, b: Plane, damping: float) -> None:
        """Damped Jacobi on `x`."""
        self.x += damping * self.inverse * (b - self.product(self.x))

    def cells(self, plane: Plane, dy: int, dx: int) -> Plane:
        """The pixel `dy`, `dx` from the upper left corner of every cell: a view."""
        y, x = 1 + dy, 1 + dx
        return plane[:, y : y + 2 * self.rows - 1 : 2, x : x + 2 * self.columns - 1 : 2]

    def corners(self, coarse: Plane, dy: int, dx: int) -> Plane:
        """The corner `dy`, `dx` of every cell, on the coarse level: a view."""
        return coarse[..., 1 + dy : 1 + dy + self.rows, 1 + dx : 1 + dx + self.columns]

    def shares(self) -> list[Plane]:
        """Shares of the corners in a cell's top, bottom, left, right and middle pixel, as in `galerkin.coarsen`."""
        at = self.corners
        return [
            *(at(plane, 0, 0) for plane in self.across), *(at(plane, 1, 0) for plane in self.across),
            *(at(plane, 0, 0) for plane in self.down), *(at(plane, 0, 1) for plane in self.down),
            *(at(plane, 0, 0) for plane in self.centre),
        ]  # fmt: skip

    def interpolate(self) -> None:
        """Find the shares; see `galerkin.interpolation`."""
        at, w = self.cells, [*self.weights, *[torch.zeros_like(self.mass)] * (4 - len(self.weights))]
        right, below, below_right, below_left = w
        across = (
            at(right, 0, 0) + at(below_right, -1, 0) + at(below_left, 0, 1),
            at(right, 0, 1) + at(below_left, -1, 2) + at(below_right, 0, 1),
        )
        down = (
            at(below, 0, 0) + at(below_right, 0, -1) + at(below_left, 0, 1),
            at(below, 1, 0) + at(below_left, 1, 0) + at(below_right, 1, 0),
        )
        _normalise(across, at(self.mass, 0, 1), [self.corners(plane, 0, 0) for plane in self.across])
        _normalise(down, at(self.mass, 1, 0), [self.corners(plane, 0, 0) for plane in self.down])
        t0, t1, b0, b1, l0, l1, r0, r1 = self.shares()[:8]
        up, low, left, side = at(below, 0, 1), at(below, 1, 1), at(right, 1, 0), at(right, 1, 1)
        centre = (
            at(below_right, 0, 0) + up * t0 + left * l0,
            at(below_left, 0, 2) + up * t1 + side * r0,
            at(below_left, 1, 1) + low * b0 + left * l1,
            at(below_right, 1, 1) + low * b1 + side * r1,
        )
        _normalise(centre, at(self.mass, 1, 1), [self.corners(plane, 0, 0) for plane in self.centre])

    def coarsen(self, coarse: "TorchLevel") -> None:
        """The Galerkin product; see `galerkin.coarsen`."""
        coarse.weights.zero_()
        coarse.mass.zero_()
        pairs, own = self._sums()
        at = self.corners
        for plane, dy, dx, value in zip(*_PAIR_PLACES, pairs, strict=True):
            at(coarse.weights[plane], dy, dx).add_(value)
        here, beside, under, inside = (self.cells(self.mass, dy, dx) for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)))
        s = self.shares()
        at(coarse.mass, 0, 0).add_(own[0] + here + beside * s[0] + under * s[4] + inside * s[8])
        at(coarse.mass, 0, 1).add_(own[1] + beside * s[1] + inside * s[9])
        at(coarse.mass, 1, 0).add_(own[2] + under * s[5] + inside * s[10])
        at(coarse.mass, 1, 1).add_(own[3] + inside * s[11])
        coarse.mass.clamp_(min=0)

    def _sums(self) -> tuple[list[Plane], list[Plane]]:
        """Six weights and four masses of every cell from the sixteen edges it owns."""
        t0, t1, b0, b1, l0, l1, r0, r1, c0, c1, c2, c3 = self.shares()
        zero = torch.zeros_like(t0)
        one = zero + 1
        pixels = {
            (0, 0): (one, zero, zero, zero), (0, 1): (t0, t1, zero, zero), (0, 2): (zero, one, zero, zero),
            (1, 0): (l0, zero, l1, zero), (1, 1): (c0, c1, c2, c3), (1, 2): (zero, r0, zero, r1),
            (2, 0): (zero, zero, one, zero), (2, 1): (zero, zero, b0, b1), (2, 2): (zero, zero, zero, one),
        }  # fmt: skip
        whole = {place: (a + b + c + d > 0.5).to(zero.dtype) for place, (a, b, c, d) in pixels.items()}
        pairs, own = [zero.clone() for _ in range(6)], [zero.clone() for _ in range(4)]
        for plane, (dy, dx) in enumerate(SHIFTS[: len(self.weights)]):
            for y, x in _owned(dy, dx):
                first, second = pixels[y, x], pixels[y + dy, x + dx]
                w = self.cells(self.weights[plane], y, x)
                p = [a - b for a, b in zip(first, second, strict=True)]
                total = w * (whole[y, x] - whole[y + dy, x + dx])
                for weight, (i, j) in zip(pairs, ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2)), strict=True):
                    weight.sub_(w * p[i] * p[j])
                for mass, part in zip(own, p, strict=True):
                    mass.add_(total * part)
        return pairs, own

    def restrict(self, fine: Plane, coarse: Plane) -> None:
        """A coarse residual from a fine one."""
        at, near = self.cells, self.corners
        across, down, centre = self.across, self.down, self.centre
        near(coarse, 0, 0).copy_(
            at(fine, 0, 0)
            + near(across[0], 0, 0) * at(fine, 0, 1) + near(across[1], 0, -1) * at(fine, 0, -1)
            + near(down[0], 0, 0) * at(fine, 1, 0) + near(down[1], -1, 0) * at(fine, -1, 0)
            + near(centre[0], 0, 0) * at(fine, 1, 1) + near(centre[1], 0, -1) * at(fine, 1, -1)
            + near(centre[2], -1, 0) * at(fine, -1, 1) + near(centre[3], -1, -1) * at(fine, -1, -1)
        )  # fmt: skip

    def prolong(self, coarse: Plane) -> None:
        """Add a coarse correction to `x`."""
        a, b, c, d = (self.corners(coarse, dy, dx) for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)))
        s = self.shares()
        self.cells(self.x, 0, 0).add_(torch.where(self.cells(self.inverse, 0, 0) > 0, a, 0.0))
        self.cells(self.x, 0, 1).add_(s[0] * a + s[1] * b)
        self.cells(self.x, 1, 0).add_(s[4] * a + s[5] * c)
        self.cells(self.x, 1, 1).add_(s[8] * a + s[9] * b + s[10] * c + s[11] * d)


_PAIR_PLACES = ((0, 0, 1, 1, 2, 3), (0, 1, 0, 0, 0, 0), (0, 0, 0, 1, 0, 1))
"""Plane, row and column of the coarse weight that each of a cell's six pairs of corners adds to."""


def _owned(dy: int, dx: int) -> list[tuple[int, int]]:
    """Where the edges of one kind begin that a cell owns: inside it and on its upper and left side."""
    starts = [(y, x) for y in range(3) for x in range(3) if 0 <= x + dx <= 2 and y + dy <= 2]
    return [(y, x) for y, x in starts if not (y == y + dy == 2 or x == x + dx == 2)]


def _normalise(parts: tuple[Plane, ...], mass: Plane, out: list[Plane]) -> None:
    """Shares that sum to 1, or to 0 where the mass holds the pixel more than its neighbours do."""
    positive = [part.clamp(min=0) for part in parts]
    total = torch.stack(positive).sum(dim=0)
    free = total > mass + NEGLIGIBLE
    scale = torch.where(free, 1 / torch.where(free, total, 1.0), 0.0)
    for part, target in zip(positive, out, strict=True):
        target.copy_(part * scale)


class TorchMultigrid:
    """Levels over a batch of pictures; see `multigrid.Multigrid`.

    Args:
        batch: Number of pictures.
        shape: With the margin.
        like: A tensor of the type and the device that are wanted.
    """

    def __init__(self, batch: int, shape: tuple[int, int], like: torch.Tensor) -> None:
        self.levels = [TorchLevel(batch, shape, 2, like)]
        while max(shape) > COARSEST + 3:
            shape = coarse_shape(shape)
            self.levels.append(TorchLevel(batch, shape, 4, like))
        self._right_sides = [torch.zeros_like(level.mass) for level in self.levels[1:]]
        self._last = like.new_zeros(0, dtype=torch.float64)

    @property
    def finest(self) -> TorchLevel:
        """The pictures' own graphs."""
        return self.levels[0]

    def rebuild(self, *, coarse: bool = True) -> None:
        """Derive everything from the finest level's weights and mass, or nothing but that level itself."""
        self.finest.finish()
        if not coarse:
            return
        for fine, next_level in zip(self.levels, self.levels[1:], strict=False):
            fine.interpolate()
            fine.coarsen(next_level)
            next_level.finish()
        self._last = _inverse(self.levels[-1])

    def cycle(self, residual: Plane) -> Plane:
        """One symmetric V-cycle from zero; the tensor returned is the level's own."""
        right_sides = [residual, *self._right_sides]
        for depth, fine in enumerate(self.levels[:-1]):
            b = right_sides[depth]
            fine.x = DAMPINGS[0] * fine.inverse * b
            fine.relax(b, DAMPINGS[1])
            fine.restrict(b - fine.product(fine.x), right_sides[depth + 1])
        last = self.levels[-1]
        flat = right_sides[-1].flatten(1).to(torch.float64)
        last.x = (self._last @ flat[..., None])[..., 0].reshape(last.x.shape).to(last.x.dtype)
        for depth in range(len(self.levels) - 2, -1, -1):
            fine = self.levels[depth]
            fine.prolong(self.levels[depth + 1].x)
            fine.relax(right_sides[depth], DAMPINGS[1])
            fine.relax(right_sides[depth], DAMPINGS[0])
        return self.finest.x


def _inverse(level: TorchLevel) -> Float[torch.Tensor, "b n n"]:
    """The inverses of small graphs' matrices in double precision; empty cells stay zero."""
    _, height, width = level.mass.shape
    cells = torch.arange(height * width, device=level.mass.device).reshape(1, height, width)
    matrix = torch.diag_embed(level.mass.flatten(1).to(torch.float64))
    for weight, (dy, dx) in zip(level.weights, SHIFTS, strict=False):
        here, there = (side.flatten() for side in ends(cells, dy, dx))
        w = ends(weight, dy, dx)[0].flatten(1).to(torch.float64)
        matrix[:, here, there] -= w
        matrix[:, there, here] -= w
        matrix[:, here, here] += w
        matrix[:, there, there] += w
    used = matrix.diagonal(dim1=1, dim2=2) > NEGLIGIBLE
    both = (used[:, :, None] & used[:, None, :]).to(matrix.dtype)
    identity = torch.diag_embed((~used).to(matrix.dtype))
    inverse: Float[torch.Tensor, "b n n"] = torch.linalg.inv(matrix * both + identity) * both
    return inverse
