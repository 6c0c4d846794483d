"""The shadow of one distant key light: a single depth map, read with percentage-closer filtering."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from hd_core.compiled import compiled
from hd_core.synth.look.gobo import Gobo
from hd_core.synth.look.parallel import (
    SLOPE_CAP,
    fill_nearest,
    frames_towards,
    place_in_map,
    seen_share,
    slope_bias,
)


@dataclass(frozen=True, kw_only=True)
class ShadowMap:
    """What a distant light sees.

    Args:
        frame: Rows are the map's right, its up and the unit direction towards the light; world axes.
        scale: Texels per metre along right and up.
        shift: Texel coordinates of the world's origin.
        nearest: Nearness of the first surface per texel, metres along the direction; -inf where there is none.
    """

    frame: Float[np.ndarray, "3 3"]
    scale: Float[np.ndarray, "2"]
    shift: Float[np.ndarray, "2"]
    nearest: Float32[np.ndarray, "n n"]


def cast_shadow(
    vertices: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    towards_light: Float[np.ndarray, "3"],
    *,
    resolution: int = 320,
) -> ShadowMap:
    """See a mesh from a distant light.

    Args:
        vertices: World axes, metres.
        faces: Triangles; they shade from both sides.
        towards_light: Direction from the scene to the light, of any length.
        resolution: Side of the map, texels.
    """
    unit = towards_light / np.linalg.norm(towards_light)
    frame = frames_towards(unit[None])[0]
    placed = np.empty((len(vertices), 3), np.float32)
    fit = place_in_map(np.ascontiguousarray(vertices, np.float32), frame.astype(np.float32), resolution, placed)
    nearest = np.full((resolution, resolution), -np.inf, np.float32)
    fill_nearest(placed, np.ascontiguousarray(faces, np.int32), nearest)
    return ShadowMap(frame=frame, scale=np.array(fit[:2]), shift=np.array(fit[2:]), nearest=nearest)


def lit_share(
    shadow: ShadowMap,
    points: Float[np.ndarray, "*n 3"],
    normals: Float[np.ndarray, "*n 3"],
    *,
    softness_m: float = 0.015,
) -> Float32[np.ndarray, "*n"]:
    """Share of the key light that reaches points of the surface, 0..1; 0 where they face away.

    Args:
        shadow: The light's view of the scene.
        points: World axes, metres; NaN is lit by nothing.
        normals: Unit.
        softness_m: Half width of the shadow's edge; nine soft comparisons are spread over it.
    """
    placed = points.reshape(-1, 3) @ shadow.frame.T
    placed[:, :2] = placed[:, :2] * shadow.scale + shadow.shift
    turned = normals.reshape(-1, 3) @ shadow.frame.T
    share = _filtered(shadow.nearest, placed, turned, softness_m, shadow.scale)
    return np.asarray(share.reshape(points.shape[:-1]))


def key_share(
    shadow: ShadowMap, gobo: Gobo | None, points: Float[np.ndarray, "*n 3"], normals: Float[np.ndarray, "*n 3"]
) -> Float[np.ndarray, "*n"]:
    """Share of the key light that reaches points of the surface past the person and past what is before the light."""
    share = lit_share(shadow, points, normals)
    return np.asarray(share if gobo is None else share * gobo.share(points))


@compiled
def _filtered(
    nearest: np.ndarray, placed: np.ndarray, turned: np.ndarray, softness_m: float, scale: np.ndarray
) -> np.ndarray:
    """Every comparison follows the plane of the surface, so that a tap aside does not find the surface's own slope."""
    share = np.zeros(len(placed), np.float32)
    texel = 1.0 / min(scale[0], scale[1])
    for i in range(len(placed)):
        u, v, z, cosine = placed[i, 0], placed[i, 1], placed[i, 2], turned[i, 2]
        if not cosine > 0.0 or not z < np.inf:
            continue
        z += slope_bias(cosine, texel)
        steep = 1.0 / max(cosine, 1.0 / SLOPE_CAP)
        rise_u, rise_v = -turned[i, 0] * steep * softness_m, -turned[i, 1] * steep * softness_m
        total = 0.0
        for row in range(-1, 2):
            for column in range(-1, 2):
                at_u, at_v = u + column * softness_m * scale[0], v + row * softness_m * scale[1]
                total += seen_share(nearest, at_u, at_v, z + column * rise_u + row * rise_v)
        share[i] = total / 9.0
    return share
