"""From one convention's charts to the other's: 24 smooth maps, fitted to pairs of pictures that the user owns.

DensePose's charts lie on a surface that cannot be shipped, so the way between them and ours cannot either. Who owns IUV
pictures of the same frames in both conventions can fit it. For each part, a place (u, v) of one convention goes to

    T(u, v) = polynomial of degree 3 + sum over 25 centres c of w_c exp(-|(u, v) - c|^2 / (2 sigma^2))

with the weights w_c held small (ridge) and outliers discounted (iteratively, weights of Geman and McClure, 1987). Our
hands and feet have two islands in one chart (u below and above 1/2), so a part of them has a map for each island and a
third one of the same form that says which island a place belongs to. Both directions are fitted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64

from hd_core.body.formats import Convention, IuvMap
from hd_core.errors import InputError
from hd_core.synth.atlas.anny24 import PART_NAMES, load_atlas

DEGREE = 3
GRID = 5
SIGMA = 0.25
"""Of the radial functions, in sides of a chart: the distance between their centres."""
MONOMIALS = (DEGREE + 1) * (DEGREE + 2) // 2
SHAPE = (len(PART_NAMES), 3, MONOMIALS + GRID**2, 2)
"""Of the weights of one direction."""
RIDGE = 1e-3
"""Per observation, of the radial functions' weights; the polynomial is free."""
ROUNDS = 8
"""Of discounting outliers; the scale of the last ones is that of the errors' median."""
LEAST_FRAMES = 4
LEAST_PIXELS = 300
"""Of a part, in all pairs; less would be followed instead of smoothed. A part that has less is not mapped."""
LEAST_OF_ISLAND = 100
"""Of one of two islands; of a part with less on one of them both are fitted as one."""
MOST_PIXELS = 20_000
"""Of a part that are used, about, spread evenly over all pairs."""
HELD_OUT = 4
"""Every so many frames are not fitted to, but tell the error."""
ISLANDS = (3, 4, 5, 6)
"""Parts whose chart `anny24` has in two islands."""
MIDDLE = 0.5
OTHER: Mapping[Convention, Convention] = {"densepose": "anny24", "anny24": "densepose"}
Places = Float[np.ndarray, "n 2"]


class HeldOut(NamedTuple):
    """Errors of a part on frames that were not fitted to; not a number without pixels.

    Args:
        pixels: That were looked at; 0 if the held out frames do not show the part.
        median: In bytes of u and v, 255 to a chart.
        high: The same; 95 % are under it.
        median_mm: Straight distance of the two points of our template; of the map to anny24 alone.
        high_mm: The same; 95 % are under it.
    """

    pixels: int
    median: float
    high: float
    median_mm: float
    high_mm: float


@dataclass(frozen=True, kw_only=True)
class ChartMap:
    """Maps in both directions.

    Args:
        weights: By the convention that they lead to: for each part, for its first or only island, its second, and the
            choice between them, the weights of all functions for u and v. Parts that are not known hold no number.
        held_out: By the convention that they lead to, and by part.
        frames: Pairs that were fitted to.
    """

    weights: Mapping[Convention, Float64[np.ndarray, "25 3 k 2"]]
    held_out: Mapping[Convention, Mapping[int, HeldOut]]
    frames: int

    def known(self, to: Convention) -> Bool[np.ndarray, "25"]:
        """Parts that can be mapped."""
        return np.asarray(np.isfinite(self.weights[to]).all(axis=(1, 2, 3)))

    def apply(self, iuv: IuvMap) -> IuvMap:
        """The same map in the charts of the other convention; parts that are not known are nobody's."""
        to = OTHER[iuv.convention]
        mapped = iuv.iuv.copy()
        flat = mapped.reshape(-1, 3)
        known = self.known(to)
        flat[~known[flat[:, 0]]] = 0
        for part in np.unique(flat[:, 0][flat[:, 0] > 0]).tolist():
            rows = np.flatnonzero(flat[:, 0] == part)
            places = self.places(part, flat[rows, 1:] / 255.0, to=to)
            flat[rows, 1:] = np.rint(255 * places).astype(np.uint8)
        return IuvMap(iuv=mapped, convention=to)

    def places(self, part: int, places: Places, *, to: Convention) -> Places:
        """Places of one known part in the charts of another convention, 0..1."""
        return _mapped(self.weights[to][part], part, places, to)


def fit_chart_map(ours: Sequence[IuvMap], theirs: Sequence[IuvMap]) -> ChartMap:
    """Fit the maps.

    Args:
        ours: Maps of frames in the charts anny24.
        theirs: Of the same frames in the charts densepose.

    Raises:
        InputError: The conventions are others, the frames do not match, or they are too few.
    """
    if len(ours) != len(theirs) or len(ours) < LEAST_FRAMES:
        raise InputError(
            f"Found {len(ours)} maps of ours and {len(theirs)} of theirs; expected as many of each, and {LEAST_FRAMES} "
            "or more.",
            "Pairs must be maps of the same frames, by name.",
        )
    kept, unseen = _gather(ours, theirs)
    pairs = {part: np.concatenate(rows) for part, rows in kept.items()}
    held = {part: np.concatenate(rows) for part, rows in unseen.items()}
    weights: dict[Convention, np.ndarray] = {}
    held_out: dict[Convention, dict[int, HeldOut]] = {}
    for to in OTHER:
        weights[to], held_out[to] = _fit_parts(pairs, held, to)
    if not held_out["anny24"]:
        most = max((len(rows) for rows in pairs.values()), default=0)
        raise InputError(
            f"No part has {LEAST_PIXELS} pixels that both maps call the same; the most any has is {most}.",
            "Are they maps of the same frames?",
        )
    return ChartMap(weights=weights, held_out=held_out, frames=len(ours) - len(ours) // HELD_OUT)


def _fit_parts(
    pairs: Mapping[int, Float[np.ndarray, "_ 4"]], unseen: Mapping[int, Float[np.ndarray, "_ 4"]], to: Convention
) -> tuple[Float64[np.ndarray, "25 3 k 2"], dict[int, HeldOut]]:
    """Weights of all parts in one direction, and their errors."""
    own, other = slice(0, 2), slice(2, 4)
    source, target = (other, own) if to == "anny24" else (own, other)
    weights = np.full(SHAPE, np.nan)
    errors = {}
    for part, rows in pairs.items():
        if len(rows) >= LEAST_PIXELS:
            weights[part] = _fit_part(part, rows[:, source], rows[:, target], to)
            held = unseen.get(part, np.empty((0, 4)))
            errors[part] = _errors(_mapped(weights[part], part, held[:, source], to), held[:, target], part, to)
    return weights, errors


def _gather(
    ours: Sequence[IuvMap], theirs: Sequence[IuvMap]
) -> tuple[dict[int, list[np.ndarray]], dict[int, list[np.ndarray]]]:
    """By part: u and v of ours and of theirs where both see the same part, 0..1; of frames to fit to, and of others."""
    found: tuple[dict[int, list[np.ndarray]], dict[int, list[np.ndarray]]] = ({}, {})
    most = max(MOST_PIXELS // len(ours), 1)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        _check_pair(number, one, other)
        same = (one.iuv[..., 0] == other.iuv[..., 0]) & (one.iuv[..., 0] > 0)
        values = np.concatenate([one.iuv[same], other.iuv[same]], axis=1)
        for part in np.unique(values[:, 0]).tolist():
            rows = values[values[:, 0] == part][:, [1, 2, 4, 5]]
            some = np.arange(0, len(rows), max(len(rows) / most, 1.0)).astype(np.int64)
            found[number % HELD_OUT == HELD_OUT - 1].setdefault(part, []).append(rows[some] / 255.0)
    return found


def _check_pair(number: int, ours: IuvMap, theirs: IuvMap) -> None:
    for one, expected in ((ours, "anny24"), (theirs, "densepose")):
        if one.convention != expected:
            raise InputError(
                f"Found charts of {one.convention!r} where {expected!r} were expected.", "Are the two swapped?"
            )
    if ours.iuv.shape != theirs.iuv.shape:
        sizes = " and ".join(f"{shape[1]} x {shape[0]}" for shape in (ours.iuv.shape, theirs.iuv.shape))
        raise InputError(f"Maps of pair {number + 1} are {sizes} px.", "Expected one size.")


def _basis(places: Places) -> Float[np.ndarray, "n k"]:
    """Monomials, then radial functions."""
    u, v = 2 * places.T - 1
    monomials = [u**i * v**j for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    steps = np.linspace(0, 1, GRID)
    centres = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    square = ((places[:, None] - centres) ** 2).sum(axis=-1)
    return np.concatenate([np.stack(monomials, axis=1), np.exp(-square / (2 * SIGMA**2))], axis=1)


def _fit_part(part: int, source: Places, target: Places, to: Convention) -> Float[np.ndarray, "3 k 2"]:
    """Weights for one island, the other, and the choice; of a part with one island all are the same."""
    basis = _basis(source)
    if part not in ISLANDS:
        return np.stack([_fit(basis, target)] * 3)
    second = (target if to == "anny24" else source)[:, 0] >= MIDDLE
    sign = np.repeat(np.where(second, 1.0, -1.0)[:, None], 2, axis=1)
    if min(second.sum(), (~second).sum()) < LEAST_OF_ISLAND:
        return np.stack([*[_fit(basis, target)] * 2, _fit(basis, sign)])
    return np.stack([*(_fit(basis[rows], target[rows]) for rows in (~second, second)), _fit(basis, sign)])


def _fit(basis: Float[np.ndarray, "n k"], target: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "k 2"]:
    """Least squares with discounted outliers."""
    weight = np.ones(len(basis))
    ridge = np.diag(np.where(np.arange(basis.shape[1]) < MONOMIALS, 1e-9, RIDGE))
    found = np.zeros((basis.shape[1], 2))
    for _ in range(ROUNDS):
        weighted = basis * weight[:, None]
        found = np.linalg.solve(weighted.T @ basis + len(basis) * ridge, weighted.T @ target)
        off = np.linalg.norm(basis @ found - target, axis=1)
        scale = max(3 * float(np.median(off)), 1 / 255)
        weight = 1 / (1 + (off / scale) ** 2) ** 2
    return np.asarray(found)


def _mapped(weights: Float[np.ndarray, "3 k 2"], part: int, places: Places, to: Convention) -> Places:
    basis = _basis(places)
    islands: list[np.ndarray] = [np.clip(basis @ own, 0, 1) for own in weights[:2]]
    first, second = islands
    if part not in ISLANDS:
        return first
    beyond = (basis @ weights[2])[:, 0] > 0 if to == "anny24" else places[:, 0] >= MIDDLE
    if to == "anny24":
        first[:, 0], second[:, 0] = np.minimum(first[:, 0], MIDDLE - 1 / 255), np.maximum(second[:, 0], MIDDLE)
    return np.asarray(np.where(beyond[:, None], second, first))


def _errors(found: Places, wanted: Places, part: int, to: Convention) -> HeldOut:
    nothing = float("nan")
    if not len(found):
        return HeldOut(0, nothing, nothing, nothing, nothing)
    off = 255 * np.linalg.norm(found - wanted, axis=1)
    middle, high = np.percentile(off, [50, 95]).tolist()
    if to != "anny24":
        return HeldOut(len(off), middle, high, nothing, nothing)
    apart = 1000 * np.linalg.norm(_points(part, found) - _points(part, wanted), axis=1)
    return HeldOut(len(off), middle, high, *np.percentile(apart, [50, 95]).tolist())


def _points(part: int, places: Places) -> Float[np.ndarray, "n 3"]:
    """Of our template, m."""
    parts = np.full(len(places), part)
    return load_atlas().canonical_points(*load_atlas().decode(parts, places[:, 0], places[:, 1]))
