"""Render the bundled clip: `python examples/render_dancer.py [FOLDER]` writes dancer.mp4 and dancer_maps/.

A dressed dancer in a room for 48 frames, 720 x 1280 at 30 frames/s, as a phone films them: motion blur, noise,
sharpening, H.264. Beside it the exact depth, normals and coverage of the middle of every exposure as EXR, at a third of
the size so that the bundle stays below 6 MB. The same machine makes the same bytes again.
"""

import argparse
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR

from hd_core.synth.clip import Stage, picture_of
from hd_core.synth.framing import look_at
from hd_core.synth.look.environment import sample_environment
from hd_core.synth.look.film import Film
from hd_core.synth.look.hall import sample_hall
from hd_core.synth.look.lens import Lens
from hd_core.synth.look.shade import Light
from hd_core.synth.look.shutter import with_velocity
from hd_core.synth.motion.sample import sample_motion
from hd_core.synth.person import Person, animate, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.truth import Observer, Truth
from hd_core.types import Camera
from hd_core.video.write import write_video

FPS, NUM_FRAMES = 30, 48
WIDTH, HEIGHT = 720, 1280
MAPS_PX = 3.2
"""Pixels of the film in one of the maps, along a side."""
RECIPE = Recipe(split="val", seed=1, clip=61)
"""Who dances, in what, and which dance; of a split that no weights are trained on."""
LENS = Lens(
    exposure_stops=0.4,
    blur_px=0.6,
    vignette=0.15,
    shot_noise=4e-4,
    read_noise=2e-3,
    white=3.0,
    contrast=1.08,
    saturation=1.15,
    shutter=0.3,
    on_subject=0.7,
    pace=0.1,
    denoise=2.0,
    sharpen=0.5,
)
PLACE_SEED, LIGHT = 2, "studio"
DEPTH_STEP_M = 2.0**-12
"""Depth is stored in steps of 0.24 mm, which float32 holds exactly and which compress well."""
NORMAL_STEP = 2.0**-7
PATTERN = "{index:06d}.exr"


def phone_camera(person: Person, *, height: int = HEIGHT) -> Camera:
    """A phone upright on a stand at the height of the hips, with its usual focal length."""
    width = height * WIDTH // HEIGHT
    focal = 1.29 * width
    k = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    target = np.array([0.0, 0.0, person.rest.floor_m + 0.5 * person.rest.stature_m])
    pose = look_at(target, yaw=0.15, pitch=-0.03, roll=0.01, distance=1.25 * person.rest.stature_m)
    return Camera(width=width, height=height, intrinsics=k, cam_from_world=pose)


def maps_camera(camera: Camera) -> Camera:
    """The same view with larger pixels."""
    return Camera(
        width=round(camera.width / MAPS_PX),
        height=round(camera.height / MAPS_PX),
        intrinsics=np.diag([1 / MAPS_PX, 1 / MAPS_PX, 1]) @ camera.intrinsics,
        cam_from_world=camera.cam_from_world,
    )


def set_scene(person: Person, camera: Camera) -> Stage:
    """A room with a floor, and daylight in it."""
    rng = np.random.default_rng(PLACE_SEED)
    light = Light.of_environment(np.asarray(sample_environment(rng, kind=LIGHT), np.float64))
    room = sample_hall(rng, camera, light, floor_m=person.rest.floor_m)
    return Stage(
        camera=camera, light=light, background=room, lens=LENS, lighting=LIGHT, style="natural", backdrop="place"
    )


def render(height: int, num_frames: int) -> Iterator[tuple[np.ndarray, Truth]]:
    """Picture and coarse truth of every frame."""
    person = sample_person(RECIPE)
    motion = sample_motion(RECIPE.rng(Part.MOTION), person.rest, num_frames=num_frames, fps=float(FPS))
    camera = phone_camera(person, height=height)
    fine, coarse = Observer(person, camera), Observer(person, maps_camera(camera))
    stage, film = set_scene(person, camera), Film(LENS, RECIPE.rng(Part.LENS))
    for instant, velocity in with_velocity(animate(person, motion)):
        picture, _ = picture_of(fine, instant, velocity, fine.see(instant), stage=stage, film=film)
        yield picture, coarse.see(instant)


def write_maps(path: Path, truth: Truth) -> None:
    """Write depth (NaN off the person), normals (zero off them) and coverage as one EXR."""
    seen = truth.fragments.mask
    depth = np.where(seen, np.round(truth.fragments.depth / DEPTH_STEP_M) * DEPTH_STEP_M, np.nan)
    normal = np.round(truth.normal / NORMAL_STEP) * NORMAL_STEP
    # A pixel whose centre sees past the person, between two fingers say, counts as half covered at most.
    alpha = np.where(seen, truth.alpha, np.minimum(truth.alpha, 0.5))
    channels = {f"N.{axis}": normal[..., k].astype(np.float16) for k, axis in enumerate("XYZ")}
    channels["Z"] = depth.astype(np.float32)
    channels["A"] = alpha.astype(np.float16)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {name: np.ascontiguousarray(c) for name, c in channels.items()}) as file:
        file.write(str(path))


def describe(camera: Camera) -> dict[str, object]:
    """What maps.json says: how to read the maps beside it."""
    return {
        "schema": 1,
        "axes": "opencv",
        "normals": "camera",
        "depth": {"kind": "z", "unit": "m", "gauge": "metric"},
        "camera": {"width": camera.width, "height": camera.height, "intrinsics": camera.intrinsics.tolist()},
        "pattern": PATTERN,
        "licence": "CC0-1.0",
        "source": "Rendered by examples/render_dancer.py: exact geometry of a person of hd_core.synth.",
    }


def main() -> None:
    """Render everything into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "data")
    parser.add_argument("--height", type=int, default=HEIGHT, help="px; smaller for a quick look")
    parser.add_argument("--frames", type=int, default=NUM_FRAMES)
    options = parser.parse_args()
    maps_dir = options.folder / "dancer_maps"
    maps_dir.mkdir(parents=True, exist_ok=True)

    def pictures() -> Iterator[np.ndarray]:
        for index, (picture, truth) in enumerate(render(options.height, options.frames)):
            write_maps(maps_dir / PATTERN.format(index=index), truth)
            print(f"frame {index + 1} of {options.frames}", flush=True)
            yield picture

    camera = maps_camera(phone_camera(sample_person(RECIPE), height=options.height))
    (maps_dir / "maps.json").write_text(json.dumps(describe(camera), indent=2) + "\n")
    write_video(options.folder / "dancer.mp4", pictures(), fps=Fraction(FPS), crf=19)


if __name__ == "__main__":
    main()
