"""The head as hair and hats know it: how far the scalp is from the middle of the skull, in every direction.

The ears are left out: the scalp goes on smoothly under them. Directions are in world axes of the rest pose, in which
the head is upright and faces -Y.
"""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import RBFInterpolator

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.wear.forms import unit

MIDDLE = np.array([0.0, -0.055, 0.755])
"""Middle of the skull on the template, m."""
EAR = (0.0695, -0.085, 0.01, 0.665, 0.775)
"""What is farther out than the first and within the others in Y and Z is an ear."""
FOREHEAD_M, BROW_M, NAPE_M = -0.118, 0.757, 0.60
"""In front of the first only what is above the second is used; nothing below the third."""
HAIRLINE = (
    (0.0, -0.150, 0.800),
    (0.038, -0.140, 0.796),
    (0.060, -0.119, 0.780),
    (0.070, -0.096, 0.750),
    (0.074, -0.080, 0.712),
    (0.075, -0.058, 0.742),
    (0.073, -0.036, 0.735),
    (0.068, -0.022, 0.700),
    (0.055, -0.002, 0.668),
    (0.030, 0.012, 0.650),
    (0.0, 0.016, 0.645),
)
"""Edge of the scalp on the template from the forehead over temple, sideburn and ear to the nape, left side, m."""


@dataclass(frozen=True, kw_only=True)
class Skull:
    """One person's head.

    Args:
        middle: From where directions are counted, m.
        radii: Distance of the scalp in a direction, m.
        size: Over that of the template.
    """

    middle: Float[np.ndarray, "3"]
    radii: RBFInterpolator
    size: float

    def points(self, rays: Float[np.ndarray, "*n 3"], *, off_m: float | np.ndarray = 0.0) -> Float[np.ndarray, "*n 3"]:
        """Places on the scalp, or off it, in directions from the middle."""
        reach = self.radii(rays.reshape(-1, 3)).reshape(rays.shape[:-1]) + off_m
        return np.asarray(self.middle + rays * reach[..., None])


def skull_of(rest: RestBody) -> Skull:
    """Measure a person's head."""
    scalp = scalp_vertices()
    points = rest.vertices[scalp].astype(np.float64)
    template = load_body().template[scalp].astype(np.float64)
    shift, size = points.mean(axis=0) - template.mean(axis=0), _spread(points) / _spread(template)
    middle = template.mean(axis=0) + size * (MIDDLE - template.mean(axis=0)) + shift
    rays = points - middle
    length = np.linalg.norm(rays, axis=1)
    radii = RBFInterpolator(rays / length[:, None], length, smoothing=1e-4)
    return Skull(middle=middle, radii=radii, size=float(size))


@functools.cache
def template_skull() -> Skull:
    """The template's: where it is in a direction is the canonical position there."""
    model = load_body()
    return skull_of(
        RestBody(vertices=model.template, heads=np.zeros((31, 3), np.float32), tails=np.zeros((31, 3), np.float32))
    )


@functools.cache
def scalp_vertices() -> Int[np.ndarray, " s"]:
    """Skin of the skull, forehead, temples and nape, without ears and face."""
    model: BodyModel = load_body()
    x, y, z = model.template[:NUM_SKIN_VERTICES].T.astype(np.float64)
    head = np.isin(model.bone_indices[:NUM_SKIN_VERTICES, 0], [bone_index(name) for name in ("Head", "Neck1", "Neck")])
    out, front, back, low, high = EAR
    ear = (np.abs(x) > out) & (y > front) & (y < back) & (z > low) & (z < high)
    face = (y < FOREHEAD_M) & (z < BROW_M)
    neck = (z < NAPE_M + 0.1) & (y < -0.03)
    inside = np.linalg.norm(model.template[:NUM_SKIN_VERTICES] - MIDDLE, axis=1) < 0.055
    return np.flatnonzero(head & ~ear & ~face & ~neck & ~inside & (z > NAPE_M))


@dataclass(frozen=True, kw_only=True)
class Whorl:
    """A pole on the scalp and what is at azimuth 0 from it: rows of hair go down from it, columns round it.

    Args:
        back_rad: How far behind the top it lies.
        side_rad: How far to the person's left.
    """

    back_rad: float = 0.30
    side_rad: float = 0.0

    def rays(self, azimuth: Float[np.ndarray, "*n"], polar: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n 3"]:
        """Directions; azimuth 0 is the face, a quarter turn the person's left."""
        flat = np.stack([np.sin(polar) * np.sin(azimuth), -np.sin(polar) * np.cos(azimuth), np.cos(polar)], axis=-1)
        return np.asarray(flat @ self._turn().T)

    def angles(self, rays: Float[np.ndarray, "*n 3"]) -> tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
        """Azimuth (-pi..pi) and polar angle of directions; undoes `rays`."""
        x, y, z = np.moveaxis(rays @ self._turn(), -1, 0)
        return np.arctan2(x, -y), np.arccos(np.clip(z, -1, 1))

    def _turn(self) -> Float[np.ndarray, "3 3"]:
        up = unit(np.array([np.sin(self.side_rad), np.sin(self.back_rad), np.cos(self.back_rad)]))
        left = unit(np.cross(np.array([0.0, 1.0, 0.0]), up))
        return np.stack([left, np.cross(up, left), up], axis=1)


def hairline(whorl: Whorl, azimuth: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Polar angle of the edge of the scalp, seen from a whorl."""
    left = np.array(HAIRLINE)
    edge = np.concatenate([left, left[1:-1] * np.array([-1.0, 1.0, 1.0])])
    around, polar = whorl.angles(unit(edge - MIDDLE))
    order = np.argsort(around)
    return np.asarray(np.interp(azimuth, around[order], polar[order], period=2 * np.pi))


def _spread(points: Float[np.ndarray, "n 3"]) -> float:
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))
