"""An adaptation from end to end: lessons, learning, weights with their card, and what it changed by its own measure."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hd_core.atomic import write_bytes
from hd_core.errors import UsageError
from hd_core.predict.hdnet import cpu_threads, find_device
from hd_core.predict.network import HdNet
from hd_core.predict.weights import WeightsCard, load_weights, save_weights
from hd_core.progress import Progress
from hd_core.train.adapting.clip import AdaptClip
from hd_core.train.adapting.measures import measure
from hd_core.train.adapting.options import AdaptOptions, AdaptSitting
from hd_core.train.adapting.pupil import Lessons, study
from hd_core.train.adapting.teacher import Taught, look_around, teach, write_lesson
from hd_core.train.checkpoint import NAME as CHECKPOINT
from hd_core.train.curves import draw_curves

WEIGHTS, REPORT = "weights.safetensors", "adapted.json"
PANELS = (("loss", "normal", "fold"), ("depth", "gradient", "depth_normal"))
ONE_CLIP = "Adapted to one clip: other people may look worse than with the weights it began with."


@dataclass(frozen=True, kw_only=True)
class AdaptJob:
    """What to adapt to, from what, and where it goes.

    Args:
        clip: The clip.
        folder: Gets weights with their card, curve, report, and while it lasts checkpoint and lessons.
        options: The adaptation; the same in every sitting.
        sitting: This sitting.
        weights: To begin with; None for those in the package.
        command: What the card says of how the weights were made.
    """

    clip: AdaptClip
    folder: Path
    options: AdaptOptions
    sitting: AdaptSitting
    weights: Path | None = None
    command: str = ""


def adapt(job: AdaptJob, progress: Progress) -> dict[str, Any]:
    """Adapt, or go on where the last sitting stopped; a finished adaptation is left as it is.

    Returns:
        The report, as written to `adapted.json`.

    Raises:
        WeightsError: The weights to begin with cannot be used.
        UsageError: The folder holds another adaptation, or there is no such device.
        CancelledError: The user asked to stop.
    """
    device = find_device(job.sitting.device)
    network, card = load_weights(job.weights)
    about = _about(job, card)
    known = _enter(job.folder, about)
    if known and known["finished"]:
        return known
    began = time.monotonic()
    with cpu_threads(job.sitting.threads):
        network = network.to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        lessons, taught = _lessons(job, network, card, progress)
        adapted, steps = study(network, lessons, job.options, device, progress, seconds=_seconds_left(job, began))
        after = measure(adapted, job.clip, lessons.paths)
    better = after["teacher_deg"] < taught["before"]["teacher_deg"]
    if not better:
        progress.warn("The adapted weights are no closer to their teacher; the ones it began with are written.")
        adapted = load_weights(job.weights)[0]
    save_weights(job.folder / WEIGHTS, adapted, _card(job, card, steps))
    draw_curves(job.folder, PANELS)
    minutes = (known or {}).get("minutes", 0) + (time.monotonic() - began) / 60
    found = {"after": after, "adapted": better, "steps": steps, "finished": steps == lessons.steps(job.options)}
    report = {**about, **taught, **found, "minutes": round(minutes, 2)}
    _write(job.folder / REPORT, report)
    if report["finished"]:
        _tidy(job.folder)
    return report


def _seconds_left(job: AdaptJob, began: float) -> float:
    """For learning, of the sitting that `began`; 0 where there is no limit."""
    left = 60 * job.sitting.minutes - (time.monotonic() - began)
    return max(left, 1e-3) if job.sitting.minutes else 0.0


def fingerprint(clip: AdaptClip) -> str:
    """Tells a clip's pictures, cameras and maps from others."""
    state = hashlib.sha256(clip.charts.encode())
    for view in clip.views:
        body = b"" if view.body is None else view.body.iuv.tobytes()
        alpha = np.rint(view.alpha * 255).astype(np.uint8)
        for part in (view.rgb.tobytes(), alpha.tobytes(), view.crop.camera.intrinsics.tobytes(), body):
            state.update(part)
    return state.hexdigest()


def _about(job: AdaptJob, card: WeightsCard) -> dict[str, Any]:
    """What an adaptation is: with the same of all, a folder is gone on with."""
    return {
        "clip": job.clip.name,
        "clip_sha256": fingerprint(job.clip),
        "base_sha256": card.sha256,
        "frames": len(job.clip.views),
        "options": asdict(job.options),
    }


def _enter(folder: Path, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """The report of the last sitting, if there was one; refuses another adaptation's folder."""
    path = folder / "adapt.json"
    ours = json.loads(json.dumps(about))
    if path.exists():
        known = json.loads(path.read_bytes())
        differ = sorted(name for name, value in ours.items() if known.get(name) != value)
        if differ:
            raise UsageError(f"{folder} holds another adaptation: {', '.join(differ)} differ.", "Use another -o.")
    _write(path, ours)
    report = folder / REPORT
    return dict(json.loads(report.read_bytes())) if report.exists() else None


def _lessons(job: AdaptJob, network: HdNet, card: WeightsCard, progress: Progress) -> tuple[Lessons, dict[str, Any]]:
    """What the teacher says, made once; and what the report says of it."""
    paths = [job.folder / "lessons" / f"{number:06d}.npz" for number in range(len(job.clip.views))]
    lessons = Lessons(paths=paths, folder=job.folder, size=job.clip.size)
    said = job.folder / "lessons.json"
    if not said.exists():
        taught = _teacher_made(job, network, card, progress)
        for path, view, seen in zip(paths, job.clip.views, taught.looks, strict=True):
            write_lesson(path, view, seen)
        before = measure(network, job.clip, paths)
        _write(said, {"bodies": taught.bodies, "body_miss": taught.miss, "before": before})
    return lessons, json.loads(said.read_bytes())


def _teacher_made(job: AdaptJob, network: HdNet, card: WeightsCard, progress: Progress) -> Taught:
    told = card.body_share > 0 and job.clip.has_maps and job.clip.charts == "anny24"
    return teach(job.clip, look_around(network, job.clip, told=told, progress=progress), job.options)


def _card(job: AdaptJob, base: WeightsCard, steps: int) -> WeightsCard:
    """The base's card, with what was done to it; scores are not carried over, since they are the base's."""
    done = f"{steps} steps of {job.options.batch} on {len(job.clip.views)} frames at {job.clip.size} px"
    return WeightsCard(
        network=base.network,
        licence=base.licence,
        training_data=f"{base.training_data}; then adapted on {job.clip.name} without ground truth, {done}, "
        f"from the weights of sha256 {base.sha256}",
        command=job.command,
        known_failures=tuple(dict.fromkeys((*base.known_failures, ONE_CLIP))),
        body_share=base.body_share,
        size=max(base.size, job.clip.size),
    )


def _tidy(folder: Path) -> None:
    """Remove what only going on needs."""
    (folder / CHECKPOINT).unlink(missing_ok=True)
    shutil.rmtree(folder / "packed", ignore_errors=True)


def _write(path: Path, values: Mapping[str, Any]) -> None:
    write_bytes(path, (json.dumps(values, indent=1) + "\n").encode())
