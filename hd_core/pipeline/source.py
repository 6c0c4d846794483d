"""From the user's words about the input to a clip, its frames and its camera."""

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.errors import UsageError
from hd_core.geometry.camera import PHONE_FOCAL_PER_LONG_SIDE, camera_from_focal, focal_from_fov
from hd_core.pipeline.options import SourceOptions
from hd_core.records import camera_to_json
from hd_core.types import Camera, Clip
from hd_core.video.read import open_clip
from hd_core.video.select import parse_frames

LENS_TOLERANCE = 2e-3
"""Relative; more would shift the maps against the picture by a pixel."""


def open_source(path: Path, options: SourceOptions) -> tuple[Clip, range]:
    """The clip and the source frames to use.

    Raises:
        InputError: The source cannot be read.
        UsageError: The frames or the rate are not understood.
    """
    clip = open_clip(path, max_side=options.max_side, fps=parse_rate(options.fps))
    return clip, parse_frames(options.frames, clip.num_frames)


def parse_rate(text: str | None) -> Fraction | None:
    """A frame rate from `24`, `23.976` or `30000/1001`.

    Raises:
        UsageError: It is none.
    """
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise UsageError(f"--fps {text!r} is no frame rate.", "Give for instance 25 or 30000/1001.")
    return rate


def source_camera(clip: Clip, options: SourceOptions, known: Camera | None) -> tuple[Camera, str]:
    """Camera of the delivered picture and where its focal length comes from.

    Args:
        clip: The clip.
        options: May state the lens.
        known: The camera that the predictor's maps were made with, if they say.

    Raises:
        UsageError: Both a focal length and a field of view, senseless ones, or another lens than the maps'.
    """
    stated = _stated_focal(clip, options)
    if known is not None and (stated is None or _same_shape(known, clip)):
        camera = _of_clip(known, clip)
        if stated is not None and abs(stated / camera.intrinsics[0, 0] - 1) > LENS_TOLERANCE:
            raise UsageError(
                f"The maps were made with a focal length of {camera.intrinsics[0, 0]:.1f} px, {stated:.1f} is given.",
                "Leave out --focal-px and --fov-deg, or give the maps' own.",
            )
        return camera, "maps"
    if stated is not None:
        source = "--focal-px" if options.focal_px is not None else "--fov-deg"
        return camera_from_focal(clip.width, clip.height, focal_px=stated), source
    focal = PHONE_FOCAL_PER_LONG_SIDE * max(clip.width, clip.height)
    return camera_from_focal(clip.width, clip.height, focal_px=focal), "assumed: a phone's main lens"


def output_fps(clip: Clip, frames: range) -> Fraction:
    """Rate of the output: every `step`-th frame of the clip is one output frame."""
    return clip.fps / frames.step


def source_record(clip: Clip, frames: range, digest: str, options: SourceOptions) -> dict[str, Any]:
    """What run.json remembers of the source; equal records mean equal pictures."""
    return {
        "name": clip.path.name,
        "sha256": digest,
        "frames": [frames.start, frames.stop, frames.step],
        "size": [clip.width, clip.height],
        "fps": str(clip.fps),
        "start_frame": options.start_frame,
        "variable_rate": clip.variable_rate,
    }


def camera_record(camera: Camera, source: str) -> dict[str, Any]:
    """camera.json: the full frame's camera, in words a person can use."""
    return {
        **camera_to_json(camera),
        "axes": "opencv: +x right, +y down, +z away; metres",
        "pixel_centres": "half-integers",
        "distortion": [],
        "focal_source": source,
    }


def resized_camera(camera: Camera, width: int, height: int) -> Camera:
    """The same view on another number of pixels."""
    scale = np.diag([width / camera.width, height / camera.height, 1.0])
    return Camera(
        width=width, height=height, intrinsics=scale @ camera.intrinsics, cam_from_world=camera.cam_from_world
    )


def digest_folder(folder: Path) -> str:
    """sha256 over the names and contents of all files in a folder."""
    state = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as stream:
            state.update(f"{path.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}".encode())
    return state.hexdigest()


def _same_shape(camera: Camera, clip: Clip) -> bool:
    return abs(clip.width / camera.width / (clip.height / camera.height) - 1) <= 0.01


def _of_clip(camera: Camera, clip: Clip) -> Camera:
    if not _same_shape(camera, clip):
        raise UsageError(
            f"The maps are {camera.width} x {camera.height} px, the clip {clip.width} x {clip.height}.",
            "Give maps of the whole picture, or state the clip's lens with --focal-px.",
        )
    return resized_camera(camera, clip.width, clip.height)


def _stated_focal(clip: Clip, options: SourceOptions) -> float | None:
    if options.focal_px is not None and options.fov_deg is not None:
        raise UsageError("Both --focal-px and --fov-deg are given.", "Give one.")
    if options.fov_deg is not None:
        return focal_from_fov(clip.width, fov_deg=_below_180(options.fov_deg))
    return None if options.focal_px is None else _positive(options.focal_px)


def _positive(focal_px: float) -> float:
    if not focal_px > 0:
        raise UsageError(f"--focal-px {focal_px} is no focal length.", "Give a positive number of px.")
    return focal_px


def _below_180(fov_deg: float) -> float:
    if not 1 <= fov_deg <= 170:
        raise UsageError(f"--fov-deg {fov_deg} is out of range.", "Give 1 to 170.")
    return fov_deg
