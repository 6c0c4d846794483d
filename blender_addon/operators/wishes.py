# SPDX-License-Identifier: GPL-3.0-or-later
"""From the panel's choices to the job's: what is missing or wrong is said before anything is started."""

import math
from pathlib import Path

import bpy

from ..job.errors import JobError
from ..job.jobfile import QUALITY, Wishes, read_job, sequence_pattern
from ..properties import HDHUMAN_PG_settings
from .watch import absolute

CROP_STEP = 32
"""Crops are a multiple of this."""
FORMATS = {"BANK": (), "USD": ("usdc",), "PC2": ("pc2",), "SHAPE_KEYS": ()}
"""What the core writes besides, for each way of playing."""
CONSTANT = {"PC2", "SHAPE_KEYS"}
"""Ways of playing that need one topology for the whole clip."""


def wishes_of(scene: bpy.types.Scene, *, device: str) -> Wishes:
    """The job that the scene's settings describe.

    Raises:
        JobError: Something is missing or cannot be; the hint says what to do.
    """
    settings = scene.hd_human
    size, tier = QUALITY.get(settings.quality, (settings.size, settings.tier))
    if size % CROP_STEP:
        raise JobError(f"A crop of {size} px cannot be.", f"Choose a multiple of {CROP_STEP} under Quality.")
    source = source_path(settings)
    frames, start = _frames(scene)
    return Wishes(
        video=str(source),
        output=str(output_folder(settings)),
        frames=frames,
        start_frame=start,
        fps=_rate(scene),
        size=size,
        tier=tier,
        device=device,
        box=_box(settings),
        everyone=settings.person == "ALL",
        subject_height_m=round(settings.subject_height, 4) if settings.use_height else 0.0,
        fov_deg=round(math.degrees(settings.fov), 4) if settings.use_fov else 0.0,
        constant=settings.playback in CONSTANT,
        formats=FORMATS[settings.playback],
        overwrite=settings.start_over,
        **_predictor(settings),
    )


def source_path(settings: HDHUMAN_PG_settings) -> Path:
    """The video, folder or pattern that is to be read.

    Raises:
        JobError: None is chosen, or it is not there.
    """
    if settings.source == "CLIP":
        clip = settings.clip
        if clip is None:
            raise JobError("No movie clip is chosen.", "Choose one under Source.")
        path = _there(clip.filepath, "movie clip", library=clip.library)
        return sequence_pattern(path) if clip.source == "SEQUENCE" else path
    if settings.source == "VIDEO":
        path = _there(settings.video, "video")
        if path.is_dir():
            raise JobError(f"{path} is a folder, not a video.", "Choose a file, or Images as the Source.")
        return path
    path = _there(settings.picture, "picture")
    return path if path.is_dir() else sequence_pattern(path)


def output_folder(settings: HDHUMAN_PG_settings) -> Path:
    """The run folder: the one chosen, else one named after the source, beside the .blend file or the source.

    Raises:
        JobError: The source is missing, or the folder starts at a .blend file that was never saved.
    """
    if settings.output:
        _refuse_unsaved(settings.output, "Output folder")
        return absolute(settings.output)
    source = source_path(settings)
    beside = Path(bpy.data.filepath).parent if bpy.data.filepath else source.parent
    return beside / f"{source.stem.rstrip('#._- ') or source.parent.name}_hd_human"


def refuse_other_clip(wishes: Wishes) -> None:
    """Stop before the core does, and say it in plainer words.

    Raises:
        JobError: The output folder holds the run of another source.
    """
    try:
        known = read_job(Path(wishes.output))["video"]
    except JobError:
        return
    if known != wishes.video and not wishes.overwrite:
        raise JobError(
            f"The Output folder holds the run of another clip ({Path(known).name}).",
            "Choose another Output folder, or tick Start Over.",
        )


def _there(text: str, what: str, *, library: bpy.types.Library | None = None) -> Path:
    if not text:
        raise JobError(f"No {what} is chosen.", "Choose one under Source.")
    if library is None:
        _refuse_unsaved(text, what)
    path = absolute(text, library=library)
    if not path.exists():
        raise JobError(f"The {what} {path} is not there.", "Was it moved? Choose it again under Source.")
    return path


def _refuse_unsaved(text: str, what: str) -> None:
    if text.startswith("//") and not bpy.data.filepath:
        raise JobError(f"The {what} is given beside a .blend file that was never saved.", "Save the file first.")


def _frames(scene: bpy.types.Scene) -> tuple[tuple[int, int] | None, int]:
    """First and last source frame, counted from 0, and the scene frame on which the first plays."""
    settings = scene.hd_human
    clip = settings.clip if settings.source == "CLIP" else None
    if settings.frames == "ALL":
        return None, clip.frame_start if clip else scene.frame_start
    shift = clip.frame_offset - clip.frame_start if clip else -1
    first, last = scene.frame_start + shift, scene.frame_end + shift
    if clip:
        first, last, end = max(first, 0), min(last, clip.frame_duration - 1), clip.frame_start
        if first > last:
            raise JobError(
                f"The scene's frames {scene.frame_start} to {scene.frame_end} are outside the clip, "
                f"which plays from {end} to {end + clip.frame_duration - 1}.",
                "Change the scene's range, or choose Whole Clip.",
            )
        return (first, last), first - shift
    if first < 0:
        raise JobError(
            f"The scene starts at frame {scene.frame_start}; the source starts at frame 1.",
            "Start the scene at 1 or later, or choose Whole Clip.",
        )
    return (first, last), scene.frame_start


def _rate(scene: bpy.types.Scene) -> float | None:
    """The scene's rate for pictures; a video knows its own."""
    settings = scene.hd_human
    pictures = settings.source == "SEQUENCE" or (settings.source == "CLIP" and settings.clip.source == "SEQUENCE")
    return scene.render.fps / scene.render.fps_base if pictures else None


def _box(settings: HDHUMAN_PG_settings) -> tuple[int, int, int, int] | None:
    if settings.person != "BOX":
        return None
    left, top, width, height = settings.box
    if not (width and height):
        raise JobError("The person's box is empty.", "Give its width and height, or choose Largest.")
    return left, top, width, height


def _predictor(settings: HDHUMAN_PG_settings) -> dict[str, str]:
    predictor = settings.predictor
    if predictor == "maps":
        folder = absolute(settings.maps)
        if not settings.maps or not (folder / "maps.json").is_file():
            shown = folder if settings.maps else "No folder is chosen: it"
            raise JobError(f"{shown} holds no maps.json.", "Choose the folder of the depth and normal maps under Maps.")
        return {"predictor": predictor, "maps": str(folder)}
    if not settings.weights:
        if predictor in {"onnx", "hdnet_compat"}:
            raise JobError("This predictor needs a file of weights.", "Choose it under Weights.")
        return {"predictor": predictor}
    weights = absolute(settings.weights)
    if not weights.is_file():
        raise JobError(f"The weights {weights} are not there.", "Choose them again under Weights.")
    return {"predictor": predictor, "weights": str(weights)}
