"""Finding the key light of an environment: the brightest source, which casts the shadow that one sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.harmonics import equirect_directions, equirect_solid_angles

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of linear Rec. 709 light."""
HALF_ANGLE_RAD = np.deg2rad(20.0)
"""A source farther across than twice this is soft light and stays in the environment."""
BRIGHTER_THAN_MEAN = 4.0


@dataclass(frozen=True, kw_only=True)
class KeyLight:
    """An environment taken apart.

    Args:
        direction: Unit, towards the source.
        irradiance: What the source brings to a surface that faces it, per colour; zero if there is no source.
        rest: The environment with the source levelled down to its surroundings.
    """

    direction: Float[np.ndarray, "3"]
    irradiance: Float[np.ndarray, "3"]
    rest: Float[np.ndarray, "h w 3"]


def split_key(environment: Float[np.ndarray, "h w 3"]) -> KeyLight:
    """Separate the brightest source: light within 20 degrees of the brightest pixel that exceeds 4 times the mean.

    What is taken and what is left add up to the environment.
    """
    height, width = environment.shape[:2]
    directions, angles = equirect_directions(height, width), equirect_solid_angles(height, width)
    luminance = environment @ LUMINANCE
    limit = BRIGHTER_THAN_MEAN * float((luminance * angles).sum()) / (4 * np.pi)
    peak = directions.reshape(-1, 3)[int(np.argmax(luminance))]
    within = (directions @ peak > np.cos(HALF_ANGLE_RAD)) & (luminance > limit)
    excess = np.where(within, 1 - limit / np.maximum(luminance, 1e-12), 0.0)[..., None] * environment
    pull = ((excess @ LUMINANCE * angles)[..., None] * directions).sum(axis=(0, 1))
    length = float(np.linalg.norm(pull))
    direction = pull / length if length > 0 else peak
    irradiance = (excess * (angles * (directions @ direction))[..., None]).sum(axis=(0, 1))
    return KeyLight(direction=direction, irradiance=irradiance, rest=environment - excess)
