"""Light from the person to the camera: every seen point's coat under the clip's light."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from hd_core.geometry.camera import pixel_rays
from hd_core.synth.body.model import load_body
from hd_core.synth.look.face import FaceMarks
from hd_core.synth.look.shade import Light, shade, unlit
from hd_core.synth.look.shadow import ShadowMap, key_share
from hd_core.synth.occlusion import Occluders
from hd_core.synth.person import FIRST_LOOK, Instant, Material, Person
from hd_core.synth.raster.interpolate import interpolate
from hd_core.synth.truth import Truth
from hd_core.types import Camera


def radiance(
    person: Person,
    instant: Instant,
    truth: Truth,
    *,
    camera: Camera,
    light: Light | None,
    cast: ShadowMap | None,
    occluders: Occluders,
) -> Float[np.ndarray, "h w 3"]:
    """Light from the person to the camera, coat by coat; zero off the person.

    Args:
        person: Who is seen.
        instant: At which moment.
        truth: What is seen.
        camera: Who looks.
        light: The light; none leaves plain colours.
        cast: The key light's shadow.
        occluders: What keeps the other light out.
    """
    seen, rotation = truth.fragments.mask, camera.cam_from_world[:3, :3]
    rays, depth = pixel_rays(camera)[seen], truth.fragments.depth[seen]
    points = (rays * depth[:, None] - camera.cam_from_world[:3, 3]) @ rotation
    towards = -rays @ rotation / np.linalg.norm(rays, axis=-1, keepdims=True)
    footprint_m = float(np.median(depth)) / camera.intrinsics[0, 0]
    if light is not None:
        transfer = interpolate(truth.fragments, person.faces, occluders.transfer(instant, truth.fragments))[seen]
    texture = interpolate(truth.fragments, person.faces, person.texture)[seen]
    canonical, normal, coats = truth.canonical[seen], truth.world_normal[seen], truth.coat[seen]
    found = np.zeros(rays.shape)
    for number in np.unique(coats):
        here = coats == number
        coat = _coat(person, int(number), canonical[here], texture[here], normal[here], footprint_m=footprint_m)
        if light is None or cast is None:
            found[here] = unlit(coat.albedo)
            continue
        found[here] = shade(
            coat.albedo,
            coat.normal,
            transfer[here],
            light,
            towards_camera=towards[here],
            shadow=key_share(cast, light.gobo, points[here], normal[here]),
            specular=coat.specular,
            roughness=coat.roughness,
            sheen=coat.sheen,
            smooth_normal=normal[here],
        )
    picture = np.zeros((*seen.shape, 3))
    picture[seen] = found
    return picture


@dataclass(frozen=True, kw_only=True)
class _Coat:
    """What the pixels of one material look like."""

    albedo: Float[np.ndarray, "n 3"]
    normal: Float[np.ndarray, "n 3"]
    specular: float
    roughness: float
    sheen: float = 0.0


def _coat(
    person: Person,
    coat: int,
    canonical: Float[np.ndarray, "n 3"],
    texture: Float[np.ndarray, "n 3"],
    normal: Float[np.ndarray, "n 3"],
    *,
    footprint_m: float,
) -> _Coat:
    if coat >= FIRST_LOOK:
        look, coords = person.looks[coat - FIRST_LOOK], texture.astype(np.float64)
        albedo = look.albedo(coords, footprint_m=footprint_m)
        bumped = look.bumped(normal, coords, footprint_m=footprint_m)
        return _Coat(albedo=albedo, normal=bumped, specular=look.specular, roughness=look.roughness, sheen=look.sheen)
    if coat == Material.SKIN:
        skin = person.skin
        albedo = skin.albedo(canonical, marks=face_marks(), footprint_m=footprint_m)
        return _Coat(albedo=albedo, normal=normal, specular=skin.specular, roughness=skin.roughness)
    eyes = person.skin.paint.eyes(canonical.astype(np.float64), face_marks())
    return _Coat(albedo=eyes, normal=normal, specular=0.04, roughness=0.15)


@cache
def face_marks() -> FaceMarks:
    """Where mouth, cheeks, nose and eyes are on the template, m."""
    points = load_body().template.astype(np.float64)
    head = points[(points[:, 2] > 0.6) & (points[:, 1] < -0.08)]
    nose = head[head[:, 1].argmin()]
    middle = np.array([0.0, nose[1], nose[2]])
    eyes = points[np.unique(load_body().faces["eyes"])]
    return FaceMarks(
        mouth=middle + np.array([0, 0.025, -0.045]),
        cheeks=middle + np.array([[0.042, 0.03, -0.005], [-0.042, 0.03, -0.005]]),
        nose=middle,
        eyes=np.stack([eyes[side * eyes[:, 0] > 0].mean(axis=0) for side in (1, -1)]),
    )
