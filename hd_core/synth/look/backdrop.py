"""What is behind the person, with the shadows that the person throws on it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from hd_core.compiled import compiled
from hd_core.synth.look.shadow import ShadowMap, lit_share

CLEARANCE_M = 0.09
"""How thick a person is around the joints, for the light that they keep from the floor."""
REACH_M = 1.2


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Surfaces behind the person that shadows fall on.

    Args:
        points: Of every pixel, world axes, m.
        normals: Unit.
        key: The part of the radiance that the key light makes.
    """

    points: Float[np.ndarray, "h w 3"]
    normals: Float[np.ndarray, "h w 3"]
    key: Float[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class Backdrop:
    """What is behind the person.

    Args:
        radiance: Without the person, linear.
        ground: Where shadows fall; none on what is far away.
    """

    radiance: Float[np.ndarray, "h w 3"]
    ground: Ground | None = None

    def behind(self, joints: Float[np.ndarray, "j 3"], shadow: ShadowMap | None = None) -> Float[np.ndarray, "h w 3"]:
        """Radiance behind a person.

        Args:
            joints: Of the person, world axes, m; they keep soft light from what is near.
            shadow: What the key light sees of the person.
        """
        if self.ground is None:
            return self.radiance
        key = self.ground.key
        if shadow is not None and key.any():
            lost = 1 - lit_share(shadow, self.ground.points, self.ground.normals)
            key = key * np.where((self.ground.normals @ shadow.frame[2]) > 0, 1 - lost, 0)[..., None]
        soft = (self.radiance - self.ground.key) * _openness(self.ground, joints)[..., None]
        return np.asarray(soft + key)


def _openness(ground: Ground, joints: Float[np.ndarray, "j 3"]) -> Float32[np.ndarray, "h w"]:
    """Share of soft light that passes by balls around the joints."""
    points = np.ascontiguousarray(ground.points.reshape(-1, 3), np.float32)
    normals = np.ascontiguousarray(ground.normals.reshape(-1, 3), np.float32)
    return _past_balls(points, normals, joints.astype(np.float32)).reshape(ground.points.shape[:2])


@compiled
def _past_balls(points: np.ndarray, normals: np.ndarray, balls: np.ndarray) -> np.ndarray:
    """A ball takes the cosine-weighted share (r / d)^2 cos from a level surface."""
    share = np.ones(len(points), np.float32)
    for i in range(len(points)):
        for b in range(len(balls)):
            square, along = 0.0, 0.0
            for axis in range(3):
                away = balls[b, axis] - points[i, axis]
                square += away * away
                along += away * normals[i, axis]
            if along > 0 and square < REACH_M * REACH_M:
                distance = max(square, CLEARANCE_M * CLEARANCE_M)
                share[i] *= 1 - 0.9 * min(CLEARANCE_M**2 / distance * along / np.sqrt(distance), 1.0)
    return share
