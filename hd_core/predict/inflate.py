"""Silhouette inflation: a smooth figure blown up from the mask alone; what a learned predictor has to beat.

The relief towards the camera is h = sqrt(u), where u solves Poisson's equation inside the mask (as for inflated
drawings: Sykora et al., Ink-and-Ray, ACM Transactions on Graphics 2014, section 3.4)

    u_xx + u_yy = -c,     u = 0 on the outline,     no slope across the edge of the picture.

With c = 2 an endless strip becomes a half-round cylinder, with c = 4 a disc becomes a half sphere. The normal is
along -grad(u) / 2, laid across the pixel's ray, plus sqrt(u) towards the camera: on the outline it is exactly
perpendicular to the ray, and nothing there is infinite.
"""

import numpy as np
from jaxtyping import Bool, Float

from hd_core.compiled import compiled
from hd_core.geometry.camera import pixel_rays
from hd_core.predict.protocol import PredictorOptions
from hd_core.types import Camera, Gauge, SurfaceMaps, View

CURVATURE = 2.0
"""c: limbs and torsos are rather cylinders than balls."""
TOLERANCE = 1e-3
"""Sweeps end when one changes u by less than this share of its largest value."""
MAX_SWEEPS = 2000
COARSEST = 24
"""Figures with a longer shorter side than this begin with the solution at half the size, px."""
NEAREST = 0.5
"""No point comes nearer to the camera than this share of the distance."""
_Ends = tuple[tuple[np.bool_, np.bool_], tuple[np.bool_, np.bool_]]


class InflatePredictor:
    """The mask blown up, at distance 1 of unknown scale."""

    name = "inflate"
    gauge = Gauge.SCALE
    licence = "Apache-2.0"

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "InflatePredictor":  # noqa: ARG003 - nothing to tell
        """Make one."""
        return cls()

    def predict(self, view: View) -> SurfaceMaps:
        """Blow the view's mask up; no colour is looked at."""
        camera, mask = view.crop.camera, view.mask
        swell = inflation(mask)
        root = np.sqrt(swell)
        relief = 1 - root / np.sqrt(camera.intrinsics[0, 0] * camera.intrinsics[1, 1])
        return SurfaceMaps(
            camera=camera,
            depth=np.where(mask, np.maximum(relief, NEAREST), np.nan).astype(np.float32),
            normal=_normals(swell, mask, camera),
            mask=mask,
            confidence=mask.astype(np.float32),
            gauge=self.gauge,
        )

    def describe(self) -> dict[str, str]:
        """What it is made from."""
        return {"predictor": self.name, "licence": self.licence, "source": f"the mask alone, c = {CURVATURE:g}"}


def inflation(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """u, px^2; 0 off the mask, positive on it; 1 on a mask without any outline."""
    swell = np.zeros(mask.shape)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return swell
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ends = (rows[0] == 0, rows[-1] == mask.shape[0] - 1), (columns[0] == 0, columns[-1] == mask.shape[1] - 1)
    swell[box] = _solve(mask[box], ends)
    return swell


def _solve(mask: Bool[np.ndarray, "h w"], ends: _Ends) -> Float[np.ndarray, "h w"]:
    """Poisson's equation on a mask, begun with the solution on every second pixel.

    The outline lies half way to a neighbour off the mask, which therefore counts as minus the pixel itself; where
    the picture cuts the figure off, the missing neighbour counts as the pixel itself.

    Args:
        mask: The figure, without a margin.
        ends: Whether the picture cuts it off at the top, the bottom, the left and the right.
    """
    if mask.all() and all(map(all, ends)):
        return np.ones(mask.shape)
    inner = np.pad(mask, 1)
    beyond = np.pad(np.zeros(mask.shape, bool), 1)
    beyond[0], beyond[-1] = ends[0]
    beyond[:, 0] |= ends[1][0]
    beyond[:, -1] |= ends[1][1]
    diagonal = np.zeros(mask.shape)
    for shifted in (np.s_[:-2, 1:-1], np.s_[2:, 1:-1], np.s_[1:-1, :-2], np.s_[1:-1, 2:]):
        diagonal += np.where(inner[shifted], 1, np.where(beyond[shifted], 0, 2))
    u = np.zeros(inner.shape)
    if min(mask.shape) > COARSEST:
        coarse = 4 * _solve(mask[::2, ::2], ends)
        u[1:-1, 1:-1] = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[: mask.shape[0], : mask.shape[1]]
    u[~inner] = 0
    rows, columns = np.nonzero(inner)
    _relax(u, rows, columns, np.pad(diagonal, 1), CURVATURE, TOLERANCE, MAX_SWEEPS)
    return u[1:-1, 1:-1]


def _normals(
    swell: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], camera: Camera
) -> Float[np.ndarray, "h w 3"]:
    padded = np.pad(swell, 1, mode="edge")
    slope = np.stack([padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]], axis=-1) / 2
    rays = pixel_rays(camera)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    across = np.concatenate([-slope / 2, np.zeros((*mask.shape, 1))], axis=-1)
    across -= (across * rays).sum(axis=-1, keepdims=True) * rays
    normal = across + np.sqrt(swell)[..., None] * np.array([0.0, 0.0, -1.0])
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.where(mask[..., None], normal / np.where(length > 0, length, 1), 0).astype(np.float32)


@compiled
def _relax(  # noqa: PLR0917 - kernels take their arrays one by one
    u: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    diagonal: np.ndarray,
    curvature: float,
    tolerance: float,
    max_sweeps: int,
) -> None:
    """Successive over-relaxation of the listed pixels, in place; all others stay 0."""
    omega = 2 / (1 + np.sin(np.pi / (min(u.shape) + 1)))
    for _ in range(max_sweeps):
        change = largest = 0.0
        for k in range(len(rows)):
            i, j = rows[k], columns[k]
            around = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
            step = omega * ((around + curvature) / max(diagonal[i, j], 1.0) - u[i, j])
            u[i, j] = max(u[i, j] + step, 1e-9)
            change = max(change, abs(step))
            largest = max(largest, u[i, j])
        if change < tolerance * largest:
            return
