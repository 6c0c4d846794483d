"""One synthetic clip: a person drawn, dressed, moved, lit and photographed, with the exact truth of every frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from hd_core.geometry.camera import pixel_rays
from hd_core.synth.atlas.anny24 import IUV_CONVENTION
from hd_core.synth.body.model import load_body
from hd_core.synth.correspondence import body_iuv, surface_iuv
from hd_core.synth.framing import sample_framing
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.look.background import sample_background
from hd_core.synth.look.complexion import FaceMarks
from hd_core.synth.look.environment import sample_environment
from hd_core.synth.look.lens import Lens, metered_stops, photograph, sample_lens
from hd_core.synth.look.shade import Light, shade, unlit
from hd_core.synth.look.shadow import cast_shadow, lit_share
from hd_core.synth.look.transfer import self_transfer
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.options import DatasetOptions
from hd_core.synth.person import Instant, Material, Person, animate, sample_person
from hd_core.synth.raster.coverage import extend_to_outline, soft_mask
from hd_core.synth.raster.fragments import Fragments
from hd_core.synth.raster.interpolate import interpolate, label_picture
from hd_core.synth.raster.motion import follow
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.synth.recipe import Part, Recipe
from hd_core.types import Camera

FPS = 30.0
UNLIT_SHARE, FLAT_SHARE = 0.08, 0.08
"""Clips without any shading, and in even light from all around."""
LEAST_SEEN = 0.01
"""Share of the picture that the person must fill in every frame."""
EYE_ALBEDO = np.array([0.55, 0.52, 0.5])
NORMAL_STEP = 1 / 32767
PRINT_FROM_TEMPLATE = np.array([0.0, 0.0, 0.82])
"""Prints are laid out over a person who stands on z = 0, the template's soles are below it."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One frame's geometry in the camera's pixels.

    Args:
        fragments: What is seen.
        positions: Vertices in camera axes, m.
        alpha: Share of each pixel that the person covers.
        normal: Unit, camera axes, towards the camera; zero off the person.
        world_normal: The same in world axes.
        canonical: Place of the surface point on the template, m; zero off the person.
        material: Of the face; -1 off the person.
        iuv: Part, u and v of the visible surface, bytes.
        body_iuv: The same of the body alone, as if nothing were worn.
    """

    fragments: Fragments
    positions: Float32[np.ndarray, "v 3"]
    alpha: Float32[np.ndarray, "h w"]
    normal: Float32[np.ndarray, "h w 3"]
    world_normal: Float32[np.ndarray, "h w 3"]
    canonical: Float32[np.ndarray, "h w 3"]
    material: Int32[np.ndarray, "h w"]
    iuv: UInt8[np.ndarray, "h w 3"]
    body_iuv: UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a clip's frames share besides the person.

    Args:
        camera: Still over the clip.
        light: The light; none for an unlit clip.
        background: Linear light behind the person.
        lens: How the picture is taken.
    """

    camera: Camera
    light: Light | None
    background: Float[np.ndarray, "h w 3"]
    lens: Lens


def make_clip(recipe: Recipe, options: DatasetOptions) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
    """Make a clip's arrays and its header.

    Raises:
        RejectedClipError: The cloth broke, or the person left the picture.
    """
    person = sample_person(recipe)
    motion = sample_dance(recipe.rng(Part.MOTION), num_frames=options.frames, fps=FPS, heads=person.rest.heads)
    framing = sample_framing(recipe.rng(Part.CAMERA), person.rest, size=options.size)
    stage = _set_stage(recipe, framing.camera)
    noise = recipe.rng(Part.LENS)
    truths, pictures, joints = [], [], []
    for instant in animate(person, motion):
        truth = see(person, instant, stage.camera)
        if truth.fragments.mask.mean() < LEAST_SEEN:
            raise RejectedClipError("The person is not in the picture.")
        truths.append(truth)
        pictures.append(picture_of(person, instant, truth, stage, noise))
        joints.append(_to_camera(instant.joints, stage.camera))
    arrays, depth_code = _pack(truths, person, stage.camera)
    header = {
        "fps": FPS,
        "camera": stage.camera.intrinsics.tolist(),
        "cam_from_world": stage.camera.cam_from_world.tolist(),
        "axes": "opencv",
        "iuv_convention": IUV_CONVENTION,
        "depth": depth_code,
        "normal_step": NORMAL_STEP,
        "framing": framing.name,
        "garments": [garb.name for garb in person.garbs],
        "prints": [garb.print.kind for garb in person.garbs],
        "motion": list(motion.families),
        "stature_m": person.rest.stature_m,
    }
    return {**arrays, "rgb": np.stack(pictures), "joints": np.stack(joints).astype(np.float32)}, header


def see(person: Person, instant: Instant, camera: Camera) -> Truth:
    """Rasterise one frame and look up what every pixel shows."""
    positions = _to_camera(instant.vertices, camera).astype(np.float32)
    fragments = rasterise(positions, person.faces, camera)
    seen = fragments.mask
    world = interpolate(fragments, person.faces, instant.normals)
    world /= np.maximum(np.linalg.norm(world, axis=-1, keepdims=True), 1e-12)
    normal = world @ camera.cam_from_world[:3, :3].T.astype(np.float32)
    away = (normal * pixel_rays(camera)).sum(axis=-1) > 0  # the inside of a sleeve or a skirt
    normal[away] *= -1
    world[away] *= -1
    canonical = interpolate(fragments, person.faces, person.canonical)
    return Truth(
        fragments=fragments,
        positions=positions,
        alpha=soft_mask(positions, person.faces, camera, samples=4, mask=seen),
        normal=normal,
        world_normal=world,
        canonical=canonical,
        iuv=surface_iuv(canonical, seen),
        body_iuv=body_iuv(_to_camera(instant.body, camera), camera),
        material=label_picture(fragments, person.materials, background=-1),
    )


def picture_of(
    person: Person, instant: Instant, truth: Truth, stage: Stage, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """The photograph of one frame."""
    seen = truth.fragments.mask
    radiance = stage.background.copy()
    radiance[seen] = _radiance(person, instant, truth, stage)[seen]
    stops = metered_stops(radiance, seen)
    return photograph(_over(radiance, stage.background, truth) * 2.0**stops, stage.lens, rng)


def _radiance(person: Person, instant: Instant, truth: Truth, stage: Stage) -> Float[np.ndarray, "h w 3"]:
    """Light from the person to the camera, material by material."""
    camera, light = stage.camera, stage.light
    rotation = camera.cam_from_world[:3, :3]
    rays = pixel_rays(camera)
    points = (rays * np.nan_to_num(truth.fragments.depth)[..., None] - camera.cam_from_world[:3, 3]) @ rotation
    towards = -rays @ rotation / np.linalg.norm(rays, axis=-1, keepdims=True)
    footprint_m = float(np.nanmedian(truth.fragments.depth)) / camera.intrinsics[0, 0]
    found = np.zeros(rays.shape)
    if light is not None:
        transfer = interpolate(
            truth.fragments, person.faces, self_transfer(instant.vertices, instant.normals, person.faces)
        )
        cast = cast_shadow(instant.vertices, person.faces, light.key_direction)
    for material in np.unique(truth.material[truth.fragments.mask]):
        here = truth.material == material
        coat = _coat(person, int(material), truth.canonical[here], truth.world_normal[here], footprint_m)
        if light is None:
            found[here] = unlit(coat.albedo)
            continue
        found[here] = shade(
            coat.albedo,
            coat.normal,
            transfer[here],
            light,
            towards_camera=towards[here],
            shadow=lit_share(cast, points[here], truth.world_normal[here]),
            specular=coat.specular,
            roughness=coat.roughness,
            smooth_normal=truth.world_normal[here],
        )
    return found


@dataclass(frozen=True, kw_only=True)
class _Coat:
    """What the pixels of one material look like."""

    albedo: Float[np.ndarray, "n 3"]
    normal: Float[np.ndarray, "n 3"]
    specular: float
    roughness: float


def _coat(
    person: Person,
    material: int,
    canonical: Float[np.ndarray, "n 3"],
    normal: Float[np.ndarray, "n 3"],
    footprint_m: float,
) -> _Coat:
    if material >= Material.GARMENT:
        print_ = person.garbs[material - Material.GARMENT].print
        coords = canonical + PRINT_FROM_TEMPLATE
        albedo = print_.albedo(coords, footprint_m=footprint_m)
        bumped = print_.bumped(normal, coords, footprint_m=footprint_m)
        return _Coat(albedo=albedo, normal=bumped, specular=print_.specular, roughness=print_.roughness)
    if material == Material.SKIN:
        skin = person.skin
        albedo = skin.albedo(canonical, marks=face_marks(), footprint_m=footprint_m)
        return _Coat(albedo=albedo, normal=normal, specular=skin.specular, roughness=skin.roughness)
    if material == Material.HAIR:
        hair = person.hair
        albedo = hair.albedo(canonical)
        return _Coat(albedo=albedo, normal=normal, specular=hair.specular, roughness=hair.roughness)
    colour = EYE_ALBEDO if material == Material.EYES else person.shoe_colour.astype(np.float64)
    return _Coat(albedo=np.broadcast_to(colour, canonical.shape).copy(), normal=normal, specular=0.04, roughness=0.4)


@cache
def face_marks() -> FaceMarks:
    """Where mouth, cheeks and nose are on the template, m."""
    points = load_body().template.astype(np.float64)
    head = points[(points[:, 2] > 0.6) & (points[:, 1] < -0.08)]
    nose = head[head[:, 1].argmin()]
    middle = np.array([0.0, nose[1], nose[2]])
    return FaceMarks(
        mouth=middle + np.array([0, 0.025, -0.045]),
        cheeks=middle + np.array([[0.042, 0.03, -0.005], [-0.042, 0.03, -0.005]]),
        nose=middle,
    )


def _over(
    radiance: Float[np.ndarray, "h w 3"], background: Float[np.ndarray, "h w 3"], truth: Truth
) -> Float[np.ndarray, "h w 3"]:
    """Blend the outline; a pixel that is covered in part but not at its centre takes its neighbours' colour."""
    alpha = truth.alpha[..., None]
    person = extend_to_outline(radiance, truth.fragments.mask, truth.alpha)
    return np.asarray(person * alpha + background * (1 - alpha))


def _pack(truths: list[Truth], person: Person, camera: Camera) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The frames' truth as small integers and halves, and how depth is coded."""
    depth = np.stack([truth.fragments.depth for truth in truths])
    near, far = float(np.nanmin(depth)), float(np.nanmax(depth))
    step = max(far - near, 1e-3) / 65534
    code = np.where(np.isfinite(depth), np.rint((np.nan_to_num(depth) - near) / step) + 1, 0)
    links = [follow(a.fragments, person.faces, b.positions, camera, b.fragments) for a, b in pairwise(truths)]
    size = camera.shape
    arrays = {
        "iuv": np.stack([truth.iuv for truth in truths]),
        "body_iuv": np.stack([truth.body_iuv for truth in truths]),
        "alpha": np.stack([np.rint(truth.alpha * 255).astype(np.uint8) for truth in truths]),
        "depth": code.astype(np.uint16),
        "normal": np.stack([np.rint(truth.normal / NORMAL_STEP).astype(np.int16) for truth in truths]),
        "canonical": np.stack([truth.canonical.astype(np.float16) for truth in truths]),
        "material": np.stack([truth.material.astype(np.int8) for truth in truths]),
        "next_position": np.array([link.position for link in links], np.float32).reshape(-1, *size, 2),
        "next_visible": np.array([link.visible for link in links], bool).reshape(-1, *size),
    }
    return arrays, {"near_m": near, "step_m": step}


def decode_depth(code: np.ndarray, header: Mapping[str, Any]) -> Float[np.ndarray, "*n"]:
    """Depth in metres from a clip's stored numbers; NaN off the person."""
    scale = header["depth"]
    depth: np.ndarray = np.where(code > 0, scale["near_m"] + (code.astype(np.float64) - 1) * scale["step_m"], np.nan)
    return depth


def _to_camera(points: np.ndarray, camera: Camera) -> np.ndarray:
    moved: np.ndarray = points @ camera.cam_from_world[:3, :3].T + camera.cam_from_world[:3, 3]
    return moved


def _set_stage(recipe: Recipe, camera: Camera) -> Stage:
    rng = recipe.rng(Part.LIGHT)
    environment = sample_environment(rng)
    kind = rng.random()
    light = None if kind < UNLIT_SHARE else Light.of_environment(environment)
    if UNLIT_SHARE <= kind < UNLIT_SHARE + FLAT_SHARE:
        light = Light.flat()
    background = np.asarray(sample_background(rng, camera, environment), np.float64)
    return Stage(camera=camera, light=light, background=background, lens=sample_lens(rng))
