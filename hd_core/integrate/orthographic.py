"""Normals seen along parallel rays: photometric stereo from afar, scans, relief; square pixels.

The unknown is the depth itself, counted in widths of a pixel, so that a slope needs no scale. Without a depth prior
every component of the mask (neighbours share a side) is given the median depth 0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hd_core.errors import InputError
from hd_core.integrate.bilateral import solve_by_multigrid
from hd_core.integrate.energy import ALONE_FLOOR, PRIOR_FLOOR, Lens, Problem, Solver
from hd_core.integrate.fuse import UNIT_SLACK, box_of, component_medians, uncrop
from hd_core.integrate.kernels.reweight import count_not_unit
from hd_core.integrate.options import IntegrateOptions


@dataclass(frozen=True, kw_only=True)
class Relief:
    """A surface along parallel rays.

    Args:
        depth: In widths of a pixel, away from the viewer; NaN off the mask.
        discontinuity: 0..1, as in `Integrated`.
        measures: As in `Integrated`.
    """

    depth: Float[np.ndarray, "h w"]
    discontinuity: Float[np.ndarray, "h w"]
    measures: dict[str, float]


def integrate_orthographic(
    normal: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    options: IntegrateOptions,
    *,
    prior: Float[np.ndarray, "h w"] | None = None,
    confidence: Float[np.ndarray, "h w"] | None = None,
    solve: Solver = solve_by_multigrid,
) -> Relief:
    """Integrate normals along parallel rays.

    Args:
        normal: Unit on the mask; x right, y down, z away from the viewer, so that z is negative.
        mask: Pixels that carry a surface.
        options: How.
        prior: Depth in widths of a pixel, finite on the mask.
        confidence: 0..1, of the prior; 1 if omitted.
        solve: Minimises one problem.

    Raises:
        InputError: Normals that are not unit, or a prior that is not finite, on the mask.
    """
    bad = count_not_unit(np.ascontiguousarray(normal), np.ascontiguousarray(mask), UNIT_SLACK)
    if bad:
        raise InputError(
            f"Found {bad} of {mask.sum()} pixels on the mask whose normal is not unit.",
            "Take them out of the mask or give them a normal.",
        )
    if prior is not None and not (np.isfinite(prior) | ~mask).all():
        raise InputError("Found depth on the mask that is not finite.", "Take those pixels out of the mask.")
    if not mask.any():
        nothing = np.zeros(mask.shape, np.float32)
        return Relief(depth=np.full(mask.shape, np.float32(np.nan)), discontinuity=nothing, measures={})
    box = box_of(mask)
    inside = mask[box]
    u, trust, middle = np.zeros(inside.shape), np.full(inside.shape, ALONE_FLOOR), 0.0
    if prior is not None:
        middle = float(np.median(prior[mask]))
        u = np.where(inside, prior[box] - middle, 0)
        trust = np.maximum(options.prior_weight * (1 if confidence is None else confidence[box]), PRIOR_FLOOR)
    problem = Problem(
        normal=normal[box].astype(np.float32, copy=False),
        lens=Lens.orthographic(),
        mask=inside,
        prior=u.astype(np.float32),
        trust=np.broadcast_to(trust, inside.shape).astype(np.float32),
        has_prior=prior is not None,
    )
    found = solve(problem, options)
    depth = found.u + middle if prior is not None else found.u - component_medians(found.u, inside)
    return Relief(
        depth=uncrop(depth.astype(np.float32), box, mask, fill=np.nan),
        discontinuity=uncrop(found.discontinuity.astype(np.float32), box, mask, fill=0.0),
        measures={**found.measures, "prior_used": float(prior is not None)},
    )
