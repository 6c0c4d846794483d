"""From surface and light to the radiance that reaches the camera: soft light by transfer, one key light, a highlight.

All directions are unit vectors in one set of axes, normally the world's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.gobo import Gobo
from hd_core.synth.look.harmonics import open_transfer, project
from hd_core.synth.look.keylight import split_key

Colours = Float[np.ndarray, "*n 3"]
Vectors = Float[np.ndarray, "*n 3"]
Scalars = Float[np.ndarray, "*n"]


@dataclass(frozen=True, kw_only=True)
class Light:
    """The light of one scene.

    Args:
        soft: Harmonic coefficients of the radiance from all around, without the key light.
        key_direction: Unit, from the scene towards the key light.
        key_irradiance: What the key light brings to a surface that faces it; zero where there is none.
        gobo: What stands in the key light's way, far from the scene.
    """

    soft: Float[np.ndarray, "9 3"]
    key_direction: Float[np.ndarray, "3"]
    key_irradiance: Float[np.ndarray, "3"]
    gobo: Gobo | None = None

    @classmethod
    def of_environment(cls, environment: Float[np.ndarray, "h w 3"]) -> "Light":
        """Take the brightest source out as the key light and keep the rest as harmonics."""
        key = split_key(environment)
        return cls(soft=project(key.rest), key_direction=key.direction, key_irradiance=key.irradiance)

    @classmethod
    def flat(cls, radiance: float = 1.0) -> "Light":
        """The same light from everywhere, as under a white sky all around."""
        soft = np.zeros((9, 3))
        soft[0] = radiance * np.sqrt(4 * np.pi)
        return cls(soft=soft, key_direction=np.array([0.0, 0.0, 1.0]), key_irradiance=np.zeros(3))


def shade(
    albedo: Colours,
    normal: Vectors,
    transfer: Float[np.ndarray, "*n 9"],
    light: Light,
    *,
    towards_camera: Vectors,
    shadow: Scalars | None = None,
    specular: float = 0.03,
    roughness: float = 0.6,
    sheen: float = 0.0,
    smooth_normal: Vectors | None = None,
) -> Colours:
    """Linear light that a surface sends to the camera; never negative.

    Args:
        albedo: Share of light sent back diffusely, 0..1, linear.
        normal: What is shaded with, bumps and all.
        transfer: From `self_transfer` of the mesh, interpolated; or `open_transfer` where nothing shades.
        light: The scene's light.
        towards_camera: From the surface to the camera.
        shadow: Share of the key light that arrives; all of it if not given.
        specular: Reflectance at normal incidence, 0..1; skin and cloth have about 0.03.
        roughness: Of the highlight, 0..1.
        sheen: Share of the light that fibres on end send back at grazing angles, whatever the colour; velvet has it.
        smooth_normal: The normal that `transfer` was made with, if `normal` carries bumps that it has not.
    """
    if smooth_normal is not None:
        transfer = _with_bumps(transfer, normal, smooth_normal)
    facing = np.maximum(normal @ light.key_direction, 0)
    key = (facing if shadow is None else facing * shadow)[..., None] * light.key_irradiance
    at_camera = np.clip((normal * towards_camera).sum(-1), 0, 1)
    mirror = _fresnel(at_camera, specular, 1 - roughness)[..., None]
    arrived = np.maximum(transfer @ light.soft, 0)
    rim = sheen * ((1 - at_camera) ** 3)[..., None] * (arrived + key / np.pi)
    soft = (1 - mirror) * albedo * arrived
    soft += mirror * _reflected(normal, transfer, towards_camera, light)
    gleam = _highlight(normal, light.key_direction, towards_camera, specular=specular, roughness=roughness)
    matt = (1 - _fresnel(facing, specular, 1.0))[..., None] * albedo / np.pi
    return np.asarray(soft + key * (matt + gleam) + rim)


def unlit(albedo: Colours, *, level: float = 1.0) -> Colours:
    """The picture of a surface without any shading, as an unlit scan render shows it."""
    return np.asarray(albedo * level)


def _openness(transfer: Float[np.ndarray, "*n 9"]) -> Scalars:
    """Share of an even light from all around that arrives."""
    return np.asarray(np.clip(transfer[..., 0] * np.sqrt(4 * np.pi), 0, 1))


def _with_bumps(
    transfer: Float[np.ndarray, "*n 9"], normal: Vectors, smooth_normal: Vectors
) -> Float[np.ndarray, "*n 9"]:
    """Add what turning the normal changes in the open, as far as the place is open."""
    change = open_transfer(normal) - open_transfer(smooth_normal)
    return np.asarray(transfer + _openness(transfer)[..., None] * change)


def _fresnel(cosine: Scalars, specular: float, grazing: float) -> Scalars:
    """Schlick's reflectance; at grazing angles `grazing`, or less where almost nothing is reflected at all."""
    most = max(min(grazing, 50 * specular), specular)
    return np.asarray(specular + (most - specular) * (1 - cosine) ** 5)


def _reflected(normal: Vectors, transfer: Float[np.ndarray, "*n 9"], towards_camera: Vectors, light: Light) -> Colours:
    """What a broad mirror shows: the cosine-weighted light about the mirrored ray, as far as the place is open."""
    mirrored = 2 * (normal * towards_camera).sum(-1, keepdims=True) * normal - towards_camera
    return np.asarray(_openness(transfer)[..., None] * np.maximum(open_transfer(mirrored) @ light.soft, 0))


def _highlight(
    normal: Vectors,
    towards_light: Float[np.ndarray, "3"],
    towards_camera: Vectors,
    *,
    specular: float,
    roughness: float,
) -> Float[np.ndarray, "*n 1"]:
    """GGX microfacets: share of irradiance sent to the camera, 1/sr.

    Walter et al., "Microfacet models for refraction through rough surfaces", 2007, with alpha = roughness^2, the
    height-correlated visibility approximated by 1 / (2 lerp(2 l v, l + v, alpha)) (Hammon, GDC 2017).
    """
    alpha = max(roughness, 0.1) ** 2
    half = towards_camera + towards_light
    half = half / np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), 1e-9)
    at_light = np.clip(normal @ towards_light, 0, 1)
    at_camera = np.clip((normal * towards_camera).sum(-1), 1e-3, 1)
    at_half = np.clip((normal * half).sum(-1), 0, 1)
    spread = alpha**2 / (np.pi * (at_half**2 * (alpha**2 - 1) + 1) ** 2)
    both = (1 - alpha) * 2 * at_light * at_camera + alpha * (at_light + at_camera)
    fresnel = _fresnel(np.clip((half * towards_camera).sum(-1), 0, 1), specular, 1.0)
    return np.asarray(np.where(at_light > 0, spread * fresnel / (2 * np.maximum(both, 1e-6)), 0.0)[..., None])
