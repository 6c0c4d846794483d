"""Gauges: how the depth prior enters the energy, and what is known about the depth that comes out.

- Metric or scale: the prior enters as it is, and the result has its gauge.
- Affine: the normals are integrated alone, scale and offset of the prior are fitted to that surface, and the
  fitted prior enters; the gauge of the result is scale.
- Affine and constant: no depth is known. The normals alone decide, and every component of the mask (neighbours
  share a side) is given the median log-depth 0, that is a median depth of 1; gauge scale.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from hd_core.errors import InputError
from hd_core.integrate.affine import fit_affine
from hd_core.integrate.energy import ALONE_FLOOR, PRIOR_FLOOR, Lens, Problem, Solution, Solver, sample_strides
from hd_core.integrate.kernels.reweight import count_not_unit
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.types import Gauge, SurfaceMaps

MAX_LOG_DEPTH = 60.0
"""Log depth, from the middle of the surface, at which absurd normals are stopped: single precision holds e^88."""

UNIT_SLACK = 2e-3

_Box = tuple[slice, slice]


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What may be known beside the maps.

    Args:
        parts: Declared discontinuities: the surface is cut wherever this number changes.
        normal_confidence: 0..1.
        start: Depth of an earlier surface in the gauge of the result, NaN where unknown.
    """

    parts: Int[np.ndarray, "h w"] | None = None
    normal_confidence: Float[np.ndarray, "h w"] | None = None
    start: Float[np.ndarray, "h w"] | None = None

    def __post_init__(self) -> None:
        confidence = self.normal_confidence
        if confidence is not None and not ((confidence >= 0) & (confidence <= 1)).all():
            raise InputError("Found confidences of normals outside 0..1.", "Scale them to 0..1.")


NO_EXTRAS = Extras()


def integrate_with(
    maps: SurfaceMaps, options: IntegrateOptions, solve: Solver, extras: Extras = NO_EXTRAS
) -> Integrated:
    """Integrate maps with a solver of the energy.

    Args:
        maps: Normals, depth prior and its confidence.
        options: How.
        solve: Minimises one problem.
        extras: What else is known.

    Raises:
        InputError: Normals that are not unit or confidences outside 0..1 on the mask.
    """
    _check(maps)
    _check_sizes(maps, extras)
    if not maps.mask.any():
        return _empty(maps)
    box = box_of(maps.mask)
    if maps.gauge is Gauge.AFFINE:
        depth, solution, used = _integrate_affine(maps, box, options, solve, extras)
    else:
        depth, solution = _integrate_positive(maps, box, options, solve, extras)
        used = True
    measures = {**solution.measures, "prior_used": float(used)}
    discontinuity = uncrop(solution.discontinuity, box, maps.mask, fill=0.0)
    return Integrated(surface=_surface(maps, depth), discontinuity=discontinuity.astype(np.float32), measures=measures)


def _integrate_positive(
    maps: SurfaceMaps, box: _Box, options: IntegrateOptions, solve: Solver, extras: Extras
) -> tuple[Float[np.ndarray, "h w"], Solution]:
    """Fuse a prior whose depths are positive; NaN off the mask."""
    focal = float(maps.camera.intrinsics[0, 0])
    mask = maps.mask[box]
    centre = _typical(maps.depth[box], mask)
    prior = _log_depth(maps.depth[box], mask, focal, centre)
    trust = np.maximum(options.prior_weight * maps.confidence[box], PRIOR_FLOOR).astype(np.float32)
    problem = _problem(maps, box, extras, prior, trust, has_prior=True)
    if extras.start is not None:
        problem = replace(problem, start=_start(extras.start[box], prior, focal, centre))
    solution = solve(problem, options)
    return uncrop(centre * _bounded_exp(solution.u / focal), box, maps.mask, fill=np.nan), solution


def _integrate_affine(
    maps: SurfaceMaps, box: _Box, options: IntegrateOptions, solve: Solver, extras: Extras
) -> tuple[Float[np.ndarray, "h w"], Solution, bool]:
    """Integrate the normals, then fuse what the prior is after a fit to them; whether it was any use."""
    depth, solution = _integrate_alone(maps, box, options, solve, extras)
    cut = uncrop(solution.discontinuity, box, maps.mask, fill=0.0)
    fitted = fit_affine(maps.depth[box], depth[box], cut[box], maps.confidence[box])
    if fitted is None:
        return depth, solution, False
    # A fitted depth that is not in front of the camera is worth nothing; the surface itself stands in for it.
    stand_in = depth.copy()
    usable = np.zeros_like(maps.mask)
    usable[box] = fitted > 0.1 * np.nanmin(depth)
    stand_in[usable] = fitted[usable[box]]
    confidence = np.where(usable, maps.confidence, 0).astype(np.float32)
    positive = replace(maps, depth=stand_in, confidence=confidence, gauge=Gauge.SCALE)
    depth, fused = _integrate_positive(positive, box, options, solve, extras)
    for name in ("iterations", "capped_steps"):
        fused.measures[name] += solution.measures[name]
    return depth, fused, True


def _integrate_alone(
    maps: SurfaceMaps, box: _Box, options: IntegrateOptions, solve: Solver, extras: Extras
) -> tuple[Float[np.ndarray, "h w"], Solution]:
    """Integrate without a prior; every component has the median depth 1."""
    mask = maps.mask[box]
    flat, floor = np.zeros(mask.shape, np.float32), np.full(mask.shape, ALONE_FLOOR, np.float32)
    focal = float(maps.camera.intrinsics[0, 0])
    problem = _problem(maps, box, extras, flat, floor, has_prior=False)
    if extras.start is not None:
        problem = replace(problem, start=_start(extras.start[box], flat, focal, 1.0))
    solution = solve(problem, options)
    depth = _bounded_exp((solution.u - component_medians(solution.u, mask)) / focal)
    return uncrop(depth, box, maps.mask, fill=np.nan), solution


def component_medians(u: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """At every pixel the median of u over its component of the mask; neighbours share a side."""
    labels, count = ndimage.label(mask)
    if count == 1:
        return np.full(mask.shape, np.median(u[mask]), u.dtype)
    medians = ndimage.median(u, labels, np.arange(1, count + 1))
    spread: Float[np.ndarray, "h w"] = np.concatenate([[0.0], np.atleast_1d(medians)]).astype(u.dtype)[labels]
    return spread


def _typical(depth: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> float:
    """About the median depth; u is counted from there to keep its numbers small."""
    rows, columns = sample_strides(mask)
    return float(np.median(depth[::rows, ::columns][mask[::rows, ::columns]]))


def _log_depth(
    depth: Float[np.ndarray, "h w"], known: Bool[np.ndarray, "h w"], focal: float, centre: float
) -> Float[np.ndarray, "h w"]:
    """The unknown u of a depth, px; 0 where it is not known.

    Depths are divided before the logarithm, so that single precision loses nothing.
    """
    ratio = np.where(known, depth, centre) / centre
    u: Float[np.ndarray, "h w"] = np.float32(focal) * np.log(ratio.astype(np.float32))
    return u


def _bounded_exp(log_depth: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Depth from its logarithm; absurd slopes stop at a bound."""
    depth: Float[np.ndarray, "h w"] = np.exp(np.clip(log_depth, -MAX_LOG_DEPTH, MAX_LOG_DEPTH))
    return depth


def box_of(mask: Bool[np.ndarray, "h w"]) -> _Box:
    """Rows and columns that hold the mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _problem(
    maps: SurfaceMaps,
    box: _Box,
    extras: Extras,
    prior: Float[np.ndarray, "h w"],
    trust: Float[np.ndarray, "h w"],
    *,
    has_prior: bool,
) -> Problem:
    """The box of the maps, in single precision."""
    rows, columns = box
    return Problem(
        normal=maps.normal[box].astype(np.float32, copy=False),
        lens=Lens.perspective(maps.camera, rows.start, columns.start),
        mask=maps.mask[box],
        prior=prior,
        trust=trust,
        has_prior=has_prior,
        parts=None if extras.parts is None else extras.parts[box],
        certainty=None if extras.normal_confidence is None else extras.normal_confidence[box],
    )


def _start(
    depth: Float[np.ndarray, "h w"], prior: Float[np.ndarray, "h w"], focal: float, centre: float
) -> Float[np.ndarray, "h w"]:
    """Log depth of an earlier surface, px; the prior's where there is none."""
    known = depth > 0
    return np.where(known, _log_depth(depth, known, focal, centre), prior)


def _check_sizes(maps: SurfaceMaps, extras: Extras) -> None:
    for name in ("parts", "normal_confidence", "start"):
        value = getattr(extras, name)
        if value is not None and value.shape != maps.mask.shape:
            raise InputError(f"Found {name} of {value.shape} for maps of {maps.mask.shape}.", "Give one per pixel.")


def uncrop(
    values: Float[np.ndarray, "a b"], box: _Box, mask: Bool[np.ndarray, "h w"], *, fill: float
) -> Float[np.ndarray, "h w"]:
    """Put the box back into a full picture, `fill` off the mask."""
    picture = np.full(mask.shape, fill, values.dtype)
    picture[box] = np.where(mask[box], values, fill)
    return picture


def _surface(maps: SurfaceMaps, depth: Float[np.ndarray, "h w"]) -> SurfaceMaps:
    gauge = Gauge.SCALE if maps.gauge is Gauge.AFFINE else maps.gauge
    return replace(maps, depth=depth.astype(np.float32), gauge=gauge)


def _empty(maps: SurfaceMaps) -> Integrated:
    names = ("iterations", "capped_steps", "residual", "energy", "sharpness", "prior_used")
    return Integrated(
        surface=_surface(maps, np.full(maps.mask.shape, np.nan)),
        discontinuity=np.zeros(maps.mask.shape, np.float32),
        measures=dict.fromkeys(names, 0.0),
    )


def _check(maps: SurfaceMaps) -> None:
    """Refuse what cannot be integrated; arrays may have been changed since `maps` was made."""
    bad = count_not_unit(np.ascontiguousarray(maps.normal), np.ascontiguousarray(maps.mask), UNIT_SLACK)
    if bad:
        raise InputError(
            f"Found {bad} of {maps.mask.sum()} pixels on the mask whose normal is not unit.",
            "Take them out of the mask or give them a normal.",
        )
    bad = int((~((maps.confidence >= 0) & (maps.confidence <= 1)) & maps.mask).sum())
    if bad:
        raise InputError(f"Found {bad} confidences on the mask outside 0..1.", "Scale them to 0..1.")
    if not (np.isfinite(maps.depth) | ~maps.mask).all():
        raise InputError("Found depth on the mask that is not finite.", "Take those pixels out of the mask.")
