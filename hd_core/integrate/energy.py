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
and rho from 0 to 0.7 while the weights are renewed; k stays below what the noise of the normals allows; and the
prior. A side without a neighbour is taken to have the slope that the target of the other side says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hd_core.integrate.options import IntegrateOptions
from hd_core.types import Camera

MAX_SLOPE = 16.0
"""Bound on |g|, px per px."""
RHO = 0.7
"""Share of its target that is taken off a slope in the end, before slopes are compared."""
MIN_COSINE = 0.03
"""Bound on |c| from below: back-facing and grazing normals keep a say, a small one."""
NOISE_BUDGET = 0.02
"""k times the variance of the residual c (d - g) stays below this."""
FINAL_STEPS = 3
"""Steps at the end that keep the last k and rho and doubt the prior."""
DOUBT_SPREADS = 3.0
DOUBT_FLOOR_PX = 1.0
"""s is that many standard deviations, and at least that large."""
SAMPLE_SIDE = 64
LEAST_SAMPLES = 256
"""Medians over a picture are taken from a lattice of at most that many pixels a side, if it hits as many pixels."""
PRIOR_FLOOR = 1e-7
"""Smallest lambda where there is a prior: it gives every component a place."""
LEAST_CERTAINTY = 0.01
"""Normals that nobody trusts keep that share, as something has to hold the surface together."""
ALONE_FLOOR = 1e-10
"""lambda without a prior: makes the system definite and bends the surface by less than a thousandth of a pixel."""
PRIOR_LOGISTIC_LIMIT = 20.0
"""With a prior an edge may be lost (weight 2e-9): what 100 px of step pull through it is below the prior."""
ALONE_LOGISTIC_LIMIT = 12.0
"""Without one, edges across cuts (weight 6e-6) are all that relates the pieces."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """Where a picture's pixels look, and what a step to the next pixel is.

    Args:
        rays: tau of column x, row y is `rays` times (x, y, 1).
        steps: f (tau_b - tau_a) for the pixel b right of a, and for the one below; the steps themselves, in widths
            of a pixel, if orthographic.
        bend: 1 / f; 0 if orthographic.
        aspect: Vertical over horizontal focal length.
    """

    rays: Float[np.ndarray, "3 3"]
    steps: Float[np.ndarray, "2 3"]
    bend: float
    aspect: float

    @classmethod
    def perspective(cls, camera: Camera, row: int, column: int) -> "Lens":
        """Of the part of a camera's picture that begins at a pixel."""
        middle = np.array([[1.0, 0, column + 0.5], [0, 1, row + 0.5], [0, 0, 1]])
        rays = np.linalg.inv(camera.intrinsics) @ middle
        focal = float(camera.intrinsics[0, 0])
        aspect = float(camera.intrinsics[1, 1] / focal)
        return cls(rays=rays, steps=np.ascontiguousarray(focal * rays[:, :2].T), bend=1 / focal, aspect=aspect)

    @classmethod
    def orthographic(cls) -> "Lens":
        """Of parallel rays and square pixels; u is z in widths of a pixel."""
        return cls(rays=np.diag([0.0, 0, 1]), steps=np.eye(3)[:2], bend=0.0, aspect=1.0)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One system to solve, cropped around the mask.

    Args:
        normal: Unit, camera axes; of any length off the mask.
        lens: The camera.
        mask: Pixels that have an unknown.
        prior: Depth prior as u, px; also where the solver starts, unless there is a `start`.
        trust: lambda, positive on the mask.
        has_prior: Whether `prior` is more than a place to start from.
        parts: Number of the part that a pixel belongs to: pixels of different parts have no edge. None for one part.
        certainty: Confidence in the normals, 0..1: what their edges weigh. None for 1.
        start: u of an earlier solution to go on from.
    """

    normal: Float[np.ndarray, "h w 3"]
    lens: Lens
    mask: Bool[np.ndarray, "h w"]
    prior: Float[np.ndarray, "h w"]
    trust: Float[np.ndarray, "h w"]
    has_prior: bool
    parts: Int[np.ndarray, "h w"] | None = None
    certainty: Float[np.ndarray, "h w"] | None = None
    start: Float[np.ndarray, "h w"] | None = None

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
    """Steepness k and target share rho of a step: k geometric from 1, rho linear from 0 to `RHO`."""
    ramp = max(options.steps - FINAL_STEPS, 1)
    progress = min(step / ramp, 1.0)
    return float(options.sharpness**progress), RHO * progress


def sample_strides(mask: Bool[np.ndarray, "h w"]) -> tuple[int, int]:
    """Every so many rows and columns of a picture are enough to know a median."""
    rows, columns = (max(1, -(-side // SAMPLE_SIDE)) for side in mask.shape)
    return (rows, columns) if mask[::rows, ::columns].sum() >= LEAST_SAMPLES else (1, 1)


def doubt_scale(off_prior: Float[np.ndarray, " n"]) -> float:
    """S of the doubt, px, from u - prior at the sampled pixels."""
    spread = 1.4826 * float(np.median(np.abs(off_prior))) if len(off_prior) else 0.0
    return max(DOUBT_SPREADS * spread, DOUBT_FLOOR_PX)


def doubted_trust(
    trust: Float[np.ndarray, " n"], off_prior: Float[np.ndarray, " n"], scale: float
) -> Float[np.ndarray, " n"]:
    """The lambda of the last steps.

    Args:
        trust: lambda of the pixels on the mask.
        off_prior: u - prior, px.
        scale: s, px.
    """
    return np.maximum(trust / (1 + (off_prior / scale) ** 2), PRIOR_FLOOR)


def steepness_for_noise(residual_cosines: Float[np.ndarray, " e"]) -> float:
    """Largest k that the spread of c (d - g) over all edges allows; infinite without edges."""
    spread = 1.4826 * float(np.median(residual_cosines)) if len(residual_cosines) else 0.0
    return NOISE_BUDGET / spread**2 if spread > 1e-9 else np.inf
