"""Gauges: how the depth prior enters the energy, and what is known about the depth that comes out.

- Metric or scale: the prior enters as it is, and the result has its gauge.
- Affine: the normals are integrated alone, scale and offset of the prior are fitted to that surface, and the
  fitted prior enters; the gauge of the result is scale.
- Affine and constant: no depth is known. The normals alone decide, and every component of the mask (neighbours
  share a side) is given the median log-depth 0, that is a median depth of 1; gauge scale.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from hd_core.errors import InputError
from hd_core.geometry.camera import rays_through
from hd_core.integrate.affine import fit_affine
from hd_core.integrate.energy import ALONE_FLOOR, PRIOR_FLOOR, Problem, Solution, Solver
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.types import Gauge, SurfaceMaps

MAX_LOG_DEPTH = 60.0
"""Log depth, from the middle of the surface, at which absurd normals are stopped: single precision holds e^88."""

_Box = tuple[slice, slice]


def integrate_with(maps: SurfaceMaps, options: IntegrateOptions, solve: Solver) -> Integrated:
    """Integrate maps with a solver of the energy.

    Args:
        maps: Normals, depth prior and its confidence.
        options: How.
        solve: Minimises one problem.

    Raises:
        InputError: Normals that are not unit or confidences outside 0..1 on the mask.
    """
    _check(maps)
    if not maps.mask.any():
        return _empty(maps)
    box = _box(maps.mask)
    if maps.gauge is Gauge.AFFINE:
        depth, solution, used = _integrate_affine(maps, box, options, solve)
    else:
        depth, solution = _integrate_positive(maps, box, options, solve)
        used = True
    measures = {**solution.measures, "prior_used": float(used)}
    discontinuity = _uncrop(solution.discontinuity, box, maps.mask, fill=0.0)
    return Integrated(surface=_surface(maps, depth), discontinuity=discontinuity.astype(np.float32), measures=measures)


def _integrate_positive(
    maps: SurfaceMaps, box: _Box, options: IntegrateOptions, solve: Solver
) -> tuple[Float[np.ndarray, "h w"], Solution]:
    """Fuse a prior whose depths are positive; NaN off the mask."""
    focal = float(maps.camera.intrinsics[0, 0])
    log_depth = np.log(np.where(maps.mask, maps.depth, 1.0).astype(np.float64))
    centre = float(np.median(log_depth[maps.mask]))
    prior = np.where(maps.mask, focal * (log_depth - centre), 0.0)
    trust = np.maximum(options.prior_weight * maps.confidence.astype(np.float64), PRIOR_FLOOR)
    problem = _problem(maps, box, prior, trust, has_prior=True)
    solution = solve(problem, options)
    u = _uncrop(solution.u, box, maps.mask, fill=np.nan)
    return np.exp(centre) * _bounded_exp(u / focal), solution


def _integrate_affine(
    maps: SurfaceMaps, box: _Box, options: IntegrateOptions, solve: Solver
) -> tuple[Float[np.ndarray, "h w"], Solution, bool]:
    """Integrate the normals, then fuse what the prior is after a fit to them; whether it was any use."""
    depth, solution = _integrate_alone(maps, box, options, solve)
    cut = _uncrop(solution.discontinuity, box, maps.mask, fill=0.0)
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
    depth, fused = _integrate_positive(positive, box, options, solve)
    for name in ("iterations", "capped_steps"):
        fused.measures[name] += solution.measures[name]
    return depth, fused, True


def _integrate_alone(
    maps: SurfaceMaps, box: _Box, options: IntegrateOptions, solve: Solver
) -> tuple[Float[np.ndarray, "h w"], Solution]:
    """Integrate without a prior; every component has the median depth 1."""
    focal = float(maps.camera.intrinsics[0, 0])
    flat = np.zeros(maps.mask.shape)
    problem = _problem(maps, box, flat, np.full(maps.mask.shape, ALONE_FLOOR), has_prior=False)
    solution = solve(problem, options)
    u = _uncrop(solution.u, box, maps.mask, fill=np.nan)
    labels, count = ndimage.label(maps.mask)
    medians = ndimage.median(u, labels, np.arange(1, count + 1))
    offsets = np.concatenate([[0.0], np.atleast_1d(medians)])
    return _bounded_exp((u - offsets[labels]) / focal), solution


def _bounded_exp(log_depth: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    depth: Float[np.ndarray, "h w"] = np.exp(np.clip(log_depth, -MAX_LOG_DEPTH, MAX_LOG_DEPTH))
    return depth


def _box(mask: Bool[np.ndarray, "h w"]) -> _Box:
    """Rows and columns that hold the mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _problem(
    maps: SurfaceMaps,
    box: _Box,
    prior: Float[np.ndarray, "h w"],
    trust: Float[np.ndarray, "h w"],
    *,
    has_prior: bool,
) -> Problem:
    """The box of the maps in double precision, with a margin off the mask."""
    rows, columns = box
    margin = ((1, 2), (1, 2))
    mask = np.pad(maps.mask[box], margin)
    x = np.arange(columns.start - 1, columns.stop + 2) + 0.5
    y = np.arange(rows.start - 1, rows.stop + 2)[:, None] + 0.5
    intrinsics = maps.camera.intrinsics
    normal = np.where(maps.mask[box][..., None], maps.normal[box], 0).astype(np.float64)
    return Problem(
        normal=np.pad(normal, (*margin, (0, 0))),
        rays=rays_through(maps.camera, *np.broadcast_arrays(x, y)),
        mask=mask,
        focal_px=float(intrinsics[0, 0]),
        aspect=float(intrinsics[1, 1] / intrinsics[0, 0]),
        prior=np.pad(prior[box], margin),
        trust=np.where(mask, np.pad(trust[box], margin), 0.0),
        has_prior=has_prior,
    )


def _uncrop(
    values: Float[np.ndarray, "a b"], box: _Box, mask: Bool[np.ndarray, "h w"], *, fill: float
) -> Float[np.ndarray, "h w"]:
    """Put the box back into a full picture, `fill` off the mask."""
    picture = np.full(mask.shape, fill)
    picture[box] = np.where(mask[box], values[1:-2, 1:-2], fill)
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
    length = np.linalg.norm(maps.normal[maps.mask].astype(np.float64), axis=-1)
    bad = int((~(np.abs(length - 1) < 2e-3)).sum())
    if bad:
        raise InputError(
            f"Found {bad} of {maps.mask.sum()} pixels on the mask whose normal is not unit.",
            "Take them out of the mask or give them a normal.",
        )
    confidence = maps.confidence[maps.mask]
    bad = int((~((confidence >= 0) & (confidence <= 1))).sum())
    if bad:
        raise InputError(f"Found {bad} confidences on the mask outside 0..1.", "Scale them to 0..1.")
    if not np.isfinite(maps.depth[maps.mask]).all():
        raise InputError("Found depth on the mask that is not finite.", "Take those pixels out of the mask.")
