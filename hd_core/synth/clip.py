"""One synthetic clip: a person drawn, dressed, moved, lit and photographed, with the exact truth of every frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from hd_core.synth.atlas.anny24 import IUV_CONVENTION
from hd_core.synth.framing import sample_framing
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.look.backdrop import Backdrop
from hd_core.synth.look.background import draw_background_kind, sample_backdrop
from hd_core.synth.look.film import Film
from hd_core.synth.look.lens import Lens, sample_lens
from hd_core.synth.look.lighting import sample_lighting
from hd_core.synth.look.shade import Light
from hd_core.synth.look.shadow import cast_shadow
from hd_core.synth.look.shutter import exposed, picture_motion, with_velocity
from hd_core.synth.motion.sample import sample_motion, tallest
from hd_core.synth.options import DatasetOptions
from hd_core.synth.person import Instant, animate, sample_person
from hd_core.synth.radiance import radiance
from hd_core.synth.raster.coverage import extend_to_outline
from hd_core.synth.raster.interpolate import interpolate
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.truth import NORMAL_STEP, Observer, Record, Truth, to_camera
from hd_core.types import Camera

FPS = 30.0
FLOOR_M = -0.82
"""Where the template stands, world axes."""
LEAST_SEEN = 0.01
"""Share of the picture that the person must fill in every frame."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a clip's frames share besides the person.

    Args:
        camera: Still over the clip.
        light: The light; none for an unlit clip.
        background: What is behind the person, linear light.
        lens: How the picture is taken.
        lighting: Name of the light.
        style: What was made of it.
        backdrop: Name of what is behind the person.
    """

    camera: Camera
    light: Light | None
    background: Backdrop
    lens: Lens
    lighting: str
    style: str
    backdrop: str


def make_clip(recipe: Recipe, options: DatasetOptions) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
    """Make a clip's arrays and its header.

    Raises:
        RejectedClipError: The cloth broke, or the person left the picture.
    """
    person = sample_person(recipe)
    motion = sample_motion(recipe.rng(Part.MOTION), person.rest, num_frames=options.frames, fps=FPS)
    framing = sample_framing(
        recipe.rng(Part.CAMERA), person.rest, size=options.size, stature_m=tallest(person.rest, motion)
    )
    stage = set_stage(recipe, framing.camera, floor_m=person.rest.floor_m)
    film = Film(stage.lens, recipe.rng(Part.LENS))
    observer = Observer(person, stage.camera)
    record, pictures, mattes, joints = Record(observer), [], [], []
    for instant, velocity in with_velocity(animate(person, motion)):
        truth = observer.see(instant)
        if truth.fragments.mask.mean() < LEAST_SEEN:
            raise RejectedClipError("The person is not in the picture.")
        record.add(truth)
        picture, matte = picture_of(observer, instant, velocity, truth, stage=stage, film=film)
        pictures.append(picture)
        mattes.append(np.rint(matte * 255).astype(np.uint8))
        joints.append(to_camera(instant.joints, stage.camera))
    arrays, depth_code = record.packed()
    header = {
        "fps": FPS,
        "camera": stage.camera.intrinsics.tolist(),
        "cam_from_world": stage.camera.cam_from_world.tolist(),
        "axes": "opencv",
        "iuv_convention": IUV_CONVENTION,
        "depth": depth_code,
        "normal_step": NORMAL_STEP,
        "framing": framing.name,
        "light": stage.lighting,
        "light_style": stage.style,
        "backdrop": stage.backdrop,
        "garments": [garb.name for garb in person.garbs],
        "worn": list(person.worn.names),
        "prints": [garb.print.kind for garb in person.garbs],
        "motion": list(motion.families),
        "stature_m": person.rest.stature_m,
    }
    seen = {"rgb": np.stack(film.developed(pictures)), "alpha": np.stack(mattes)}
    return {**arrays, **seen, "joints": np.stack(joints).astype(np.float32)}, header


def picture_of(
    observer: Observer,
    instant: Instant,
    velocity: Float32[np.ndarray, "v 3"],
    truth: Truth,
    *,
    stage: Stage,
    film: Film,
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """The photograph of one frame, and the matte of all that the open shutter saw; `truth` is of its middle instant.

    A pixel that is covered in part but not at its centre takes its neighbours' colour; one that shows several surfaces
    takes a share of each.
    """
    camera, seen = stage.camera, truth.fragments.mask
    cast = None
    if stage.light is not None:
        cast = cast_shadow(instant.vertices, observer.person.faces, stage.light.key_direction)
    turned = velocity @ camera.cam_from_world[:3, :3].T
    motion = picture_motion(truth.positions, turned, camera, share=film.lens.shutter)
    moved = interpolate(truth.fragments, observer.person.faces, motion)
    depth = np.nan_to_num(truth.fragments.depth)[..., None]
    own = radiance(
        observer.person,
        instant,
        truth,
        camera=camera,
        light=stage.light,
        cast=cast,
        occluders=observer.occluders,
    )
    known = np.concatenate([own, moved, depth], axis=-1)
    known = extend_to_outline(known, seen, truth.alpha)
    smooth = observer.smoothed(known[..., :3], truth)
    light, matte = exposed(smooth, truth.alpha, known[..., 3:5], known[..., 5])
    behind = stage.background.behind(instant.joints, cast)
    return film.expose(light + (1 - matte)[..., None] * behind, seen), matte


def set_stage(recipe: Recipe, camera: Camera, *, floor_m: float = FLOOR_M) -> Stage:
    """Draw light, background and lens of a clip; the floor's height only matters to the background."""
    rng = recipe.rng(Part.LIGHT)
    lighting, backdrop, lens = sample_lighting(rng, camera), draw_background_kind(rng), sample_lens(rng)
    return Stage(
        camera=camera,
        light=lighting.light,
        background=sample_backdrop(rng, camera, lighting, kind=backdrop, floor_m=floor_m),
        lens=lens,
        lighting=lighting.style if lighting.style in {"none", "flat"} else lighting.kind,
        style=lighting.style,
        backdrop=backdrop,
    )
