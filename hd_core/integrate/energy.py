"""The energy that every solver here minimises: its problem, its constants and its continuation.

The unknown is u = f ln z in pixels (f the horizontal focal length). For pixels a, b side by side and their mean
normal m = n_a + n_b, the edge asks for m . (P_b - P_a) = 0, that is

    u_b - u_a = g_ab = f ln((m . tau_a) / (m . tau_b)),    tau = K^-1 (x, y, 1),

which is exact for planes and for spheres, as (n_a + n_b) . (n_b - n_a) = 0. Minimised is

    sum over edges W_ab (u_b - u_a - g_ab)^2 + sum over pixels lambda_a (u_a - prior_a)^2,
    W_ab = w_a c_a^2 + w_b c_b^2,   c = n . tau (times f_y / f_x on vertical edges).

Each pixel shares one unit of trust, w and 1 - w, between its two edges on an axis by comparing their slopes
d = u_b - u_a one-sidedly (Cao et al., Bilateral Normal Integration, ECCV 2022, equation 15):

    w_right = 1 / (1 + exp(-k [(c (d_left - rho g_left))^2 - (c (d_right - rho g_right))^2])).

A prior is smeared or wrong in places. In the last steps its lambda is divided by 1 + (r / s)^2, r = u - prior,
s three standard deviations of r, so that those places do not drag the rest.

We differ from the paper in four ways: the mean-normal target (theirs is one-sided, c_a d = -n_x); k grows from 1
and rho from 0 to 1/2 while the weights are renewed; k stays below what the noise of the normals allows; and the
prior. A side without a neighbour is taken to have the slope that the target of the other side says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hd_core.integrate.options import IntegrateOptions

MAX_SLOPE = 16.0
"""Bound on |g|, px per px."""
MIN_COSINE = 0.03
"""Bound on |c| from below: back-facing and grazing normals keep a say, a small one."""
NOISE_BUDGET = 0.02
"""k times the variance of the residual c (d - g) stays below this."""
FINAL_STEPS = 3
"""Steps at the end that keep the last k and rho and doubt the prior."""
DOUBT_SPREADS = 3.0
DOUBT_FLOOR_PX = 1.0
"""s is that many standard deviations, and at least that large."""
PRIOR_FLOOR = 1e-7
"""Smallest lambda where there is a prior: it gives every component a place."""
ALONE_FLOOR = 1e-10
"""lambda without a prior: makes the system definite and bends the surface by less than a thousandth of a pixel."""
PRIOR_LOGISTIC_LIMIT = 20.0
"""With a prior an edge may be lost (weight 2e-9): what 100 px of step pull through it is below the prior."""
ALONE_LOGISTIC_LIMIT = 12.0
"""Without one, edges across cuts (weight 6e-6) are all that relates the pieces."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One system to solve, cropped around the mask; the first row and column and the last two are off the mask.

    Args:
        normal: Unit, camera axes; zero off the mask.
        rays: tau.
        mask: Pixels that have an unknown.
        focal_px: Horizontal focal length.
        aspect: Vertical over horizontal focal length.
        prior: Depth prior as u, px; also where the solver starts. Zero off the mask.
        trust: lambda, positive on the mask and zero off it.
        has_prior: Whether `prior` is more than a place to start from.
    """

    normal: Float[np.ndarray, "h w 3"]
    rays: Float[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    focal_px: float
    aspect: float
    prior: Float[np.ndarray, "h w"]
    trust: Float[np.ndarray, "h w"]
    has_prior: bool

    @property
    def logistic_limit(self) -> float:
        """Bound on the argument of the logistic, so that no edge is lost altogether."""
        return PRIOR_LOGISTIC_LIMIT if self.has_prior else ALONE_LOGISTIC_LIMIT


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The minimum that a solver found.

    Args:
        u: Log depth in px; zero off the mask.
        discontinuity: As in `Integrated`.
        measures: Iterations, residual, energy and the final k.
    """

    u: Float[np.ndarray, "h w"]
    discontinuity: Float[np.ndarray, "h w"]
    measures: dict[str, float]


Solver = Callable[[Problem, IntegrateOptions], Solution]


def continuation(step: int, options: IntegrateOptions) -> tuple[float, float]:
    """Steepness k and target share rho of a step: k geometric from 1, rho linear from 0 to 1/2."""
    ramp = max(options.steps - FINAL_STEPS, 1)
    progress = min(step / ramp, 1.0)
    return float(options.sharpness**progress), 0.5 * progress


def doubted_trust(trust: Float[np.ndarray, " n"], off_prior: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The lambda of the last steps.

    Args:
        trust: lambda of the pixels on the mask.
        off_prior: u - prior, px.
    """
    spread = 1.4826 * float(np.median(np.abs(off_prior)))
    scale = max(DOUBT_SPREADS * spread, DOUBT_FLOOR_PX)
    return np.maximum(trust / (1 + (off_prior / scale) ** 2), PRIOR_FLOOR)


def steepness_for_noise(residual_cosines: Float[np.ndarray, " e"]) -> float:
    """Largest k that the spread of c (d - g) over all edges allows; infinite without edges."""
    spread = 1.4826 * float(np.median(residual_cosines)) if len(residual_cosines) else 0.0
    return NOISE_BUDGET / spread**2 if spread > 1e-9 else np.inf
