"""How a scene is lit: an environment as it is, or one that a photographer would call something."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.environment import draw_environment_kind, sample_environment
from hd_core.synth.look.gobo import sample_gobo
from hd_core.synth.look.keylight import LUMINANCE
from hd_core.synth.look.palette import linear_from_oklab
from hd_core.synth.look.shade import Light
from hd_core.types import Camera

STYLES = {"natural": 0.44, "back": 0.12, "hard": 0.11, "dappled": 0.09, "gels": 0.08, "flat": 0.06, "none": 0.10}
"""How often each is drawn: light from behind, a hard key, a key through leaves or blinds, coloured lamps, the same from
everywhere, and no shading at all."""


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """The light of a scene.

    Args:
        style: One of `STYLES`.
        kind: Name of the environment.
        environment: What is seen all around.
        light: What falls on the person; none if surfaces show their albedo.
    """

    style: str
    kind: str
    environment: Float[np.ndarray, "h w 3"]
    light: Light | None


def sample_lighting(rng: np.random.Generator, camera: Camera, *, style: str | None = None) -> Lighting:
    """Draw the light of a scene.

    Args:
        rng: Source of all choices.
        camera: From where the light can come from behind.
        style: One of `STYLES`; drawn if not given.
    """
    kind = draw_environment_kind(rng)
    environment = np.asarray(sample_environment(rng, kind=kind), np.float64)
    if style is None:
        style = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    if style == "none":
        return Lighting(style=style, kind=kind, environment=environment, light=None)
    if style == "flat":
        return Lighting(style=style, kind=kind, environment=environment, light=Light.flat())
    if style == "back":
        environment = _turned_behind(rng, environment, camera)
    light = Light.of_environment(environment)
    if style != "natural":
        light = _with_key(rng, light)
    if style == "hard":
        light = replace(light, soft=light.soft * rng.uniform(0.15, 0.6))
    if style == "gels":
        light = replace(light, soft=light.soft * _gel(rng), key_irradiance=light.key_irradiance * _gel(rng))
    if style == "dappled":
        light = replace(light, gobo=sample_gobo(rng, light.key_direction))
    return Lighting(style=style, kind=kind, environment=environment, light=light)


def turned(environment: Float[np.ndarray, "h w 3"], angle: float) -> Float[np.ndarray, "h w 3"]:
    """The environment turned about the vertical, to the right as seen from its middle, rad; in whole columns."""
    return np.roll(environment, round(angle / (2 * np.pi) * environment.shape[1]), axis=1)


def _turned_behind(
    rng: np.random.Generator, environment: Float[np.ndarray, "h w 3"], camera: Camera
) -> Float[np.ndarray, "h w 3"]:
    """Bring the key light to where the camera looks, give or take some."""
    key, ahead = Light.of_environment(environment).key_direction, camera.cam_from_world[2, :3]
    azimuths = [np.arctan2(d[0], d[1]) for d in (key, ahead)]
    return turned(environment, azimuths[1] - azimuths[0] + rng.normal(0, 0.6))


def _with_key(rng: np.random.Generator, light: Light) -> Light:
    """Make the key light two to six times what the rest brings to a level surface; there may have been none."""
    has = float(light.key_irradiance @ LUMINANCE)
    colour = light.key_irradiance / has if has > 0 else np.ones(3)
    rest = np.pi * float(light.soft[0] @ LUMINANCE) / np.sqrt(4 * np.pi)
    wanted = max(has, rest * rng.uniform(2, 6))
    return replace(light, key_irradiance=colour * wanted)


def _gel(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """The colour of a lamp behind a filter, some white in it; luminance 1."""
    hue, chroma = rng.uniform(0, 2 * np.pi), rng.uniform(0.08, 0.2)
    colour = np.clip(linear_from_oklab(np.array([0.7, chroma * np.cos(hue), chroma * np.sin(hue)])), 0.02, 1)
    return np.asarray(0.7 * colour / (colour @ LUMINANCE) + 0.3)
