# SPDX-License-Identifier: GPL-3.0-or-later
"""The job file: what the panel says, as the options of `hd-core reconstruct --job`."""

import json
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import JobError

NAME = ".hd_human_job.json"
"""Its name in the run folder; hidden, because the core refuses a folder that holds foreign files."""
QUALITY = {"DRAFT": (256, "fast"), "STANDARD": (512, "full"), "HIGH": (768, "full")}
"""Side of the crop in px and tier of the matte."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a job is made of, in the panel's terms.

    Args:
        video: Video, folder of pictures, or pattern such as `shot.####.png`.
        output: Run folder.
        frames: First and last source frame counted from 0, both included; None for all.
        start_frame: Scene frame on which the first of them plays.
        fps: Rate of an image sequence; None for a video, which knows its own.
        size: Side of the crop, px.
        tier: full or fast.
        predictor: Name of the predictor.
        maps: Folder of maps, for the predictor `maps`.
        weights: File of weights; empty for the predictor's own.
        device: cpu, cuda, mps or auto.
        box: Left, top, width, height of a box that the person stays in, px; None to find and follow them.
        everyone: Everybody in the clip, not the largest person alone.
        subject_height_m: Body height, metres; 0 if unknown.
        fov_deg: Horizontal field of view, degrees; 0 if unknown.
        constant: One topology for the whole clip.
        formats: Suffixes of the files to write.
        overwrite: Discard what the folder holds of other options.
    """

    video: str
    output: str
    frames: tuple[int, int] | None = None
    start_frame: int = 1
    fps: float | None = None
    size: int = 512
    tier: str = "full"
    predictor: str = "hdnet"
    maps: str = ""
    weights: str = ""
    device: str = "cpu"
    box: tuple[int, int, int, int] | None = None
    everyone: bool = False
    subject_height_m: float = 0.0
    fov_deg: float = 0.0
    constant: bool = False
    formats: tuple[str, ...] = ("usdc",)
    overwrite: bool = False


def job_options(wishes: Wishes) -> dict[str, Any]:
    """The core's options for these wishes; what is left to the core's defaults is left out."""
    options: dict[str, Any] = {
        "video": wishes.video,
        "output": wishes.output,
        "size": wishes.size,
        "tier": wishes.tier,
        "predictor": wishes.predictor,
        "device": wishes.device,
        "start_frame": wishes.start_frame,
        "formats": list(wishes.formats),
        "bank": True,
    }
    if wishes.frames is not None:
        options["frames"] = f"{wishes.frames[0]}:{wishes.frames[1] + 1}"
    if wishes.fps is not None:
        options["fps"] = rate_text(wishes.fps)
    if wishes.box is not None:
        options["box"] = list(wishes.box)
    if wishes.everyone:
        options["person"] = "all"
    if wishes.constant:
        options["topology"] = "constant"
    if wishes.overwrite:
        options["overwrite"] = True
    given = {
        "maps": wishes.maps,
        "weights": wishes.weights,
        "subject_height_m": wishes.subject_height_m,
        "fov_deg": wishes.fov_deg,
    }
    return options | {name: value for name, value in given.items() if value}


def steps_of(options: dict[str, Any]) -> tuple[str, ...]:
    """Stages that such a job goes through, in their order."""
    find = () if "box" in options else ("find",)
    export = ("export",) if options.get("formats", True) else ()
    bank = ("bank",) if options.get("bank") else ()
    return (*find, "person", "predict", "integrate", "mesh", *export, *bank)


def rate_text(fps: float) -> str:
    """A frame rate exactly: 30000/1001 for what Blender stores as 29.97003."""
    ntsc = round(fps * 1001 / 1000)
    if abs(fps - round(fps)) > 1e-4 and abs(fps - ntsc * 1000 / 1001) < 1e-4:
        return f"{ntsc * 1000}/1001"
    return f"{fps:.6f}".rstrip("0").rstrip(".")


def sequence_pattern(picture: Path) -> Path:
    """`shot.####.png` for `shot.0001.png`; a picture without a number stands for itself."""
    found = re.search(r"(\d+)(\D*)$", picture.stem)
    if not found:
        return picture
    start, end = found.span(1)
    return picture.with_name(picture.stem[:start] + "#" * (end - start) + picture.stem[end:] + picture.suffix)


def job_path(run: Path) -> Path:
    """Where the job of a run folder is kept."""
    return run / NAME


def write_job(options: dict[str, Any]) -> Path:
    """Write the job into its run folder, which is made.

    Raises:
        JobError: The folder cannot be written.
    """
    run = Path(options["output"])
    path = job_path(run)
    aside = path.with_name(f".partial-{uuid.uuid4().hex}")
    try:
        run.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(options, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        reason = error.strerror or str(error)
        raise JobError(f"{run} cannot be written: {reason}.", "Choose another Output folder.") from error
    return path


def read_job(run: Path) -> dict[str, Any]:
    """The job that a run folder was made by.

    Raises:
        JobError: The folder holds none, or a damaged one.
    """
    try:
        options = json.loads(job_path(run).read_text(encoding="utf-8"))
        options["video"], options["output"]
    except FileNotFoundError:
        raise JobError(f"{run} holds no job to resume.", "Press Build; what is finished there is used.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobError(f"The job file in {run} is damaged.", "Press Build; what is finished there is used.") from error
    return options
