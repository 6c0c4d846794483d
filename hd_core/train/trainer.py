"""A sitting of a training: goes on where the last one stopped, learns, writes down, stops in time."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from hd_core.atomic import write_bytes
from hd_core.errors import UsageError
from hd_core.predict.hdnet import cpu_threads
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.progress import Progress
from hd_core.train.checkpoint import keep_lines, load_checkpoint, save_checkpoint
from hd_core.train.curves import NAME, add_line, draw_curves
from hd_core.train.devices import Devices, join_devices
from hd_core.train.iuv_subject import CORRESPONDENCE
from hd_core.train.job import Job
from hd_core.train.learner import Learning, learning_rate
from hd_core.train.options import LossWeights, TrainOptions
from hd_core.train.order import (
    VIDEO,
    Order,
    describe_data,
    frames_per_clip,
    training_clips,
    validation_clips,
    video_clips,
)
from hd_core.train.samples import Ticket
from hd_core.train.subject import SURFACE, Subject

OWN: dict[str, Any] = {"licence": "Apache-2.0", "training_data": "", "body_share": 0.0}
"""Of weights that began with nothing."""
OLDER = {
    "augment": {"body": 0.0},
    "loss": {"part": LossWeights.part, "place": LossWeights.place, "steady": LossWeights.steady},
}
"""What trainings did before there was an option for it."""


__all__ = ["Job", "train"]


def train(job: Job, progress: Progress) -> dict[str, float] | None:
    """Train until the last step, the time limit or the user's wish, and write the averaged weights.

    Returns:
        The scores of the last validation; None in a process that does not lead.

    Raises:
        InputError: There are no clips, or a file is damaged.
        UsageError: The folder holds a training with other options, or there is no such device.
        WeightsError: `begin_with` cannot be used.
    """
    with join_devices(job.sitting.device) as devices, cpu_threads(job.sitting.threads):
        scores = _Sitting(job, devices, progress).run()
        return scores if devices.leads else None


class _Sitting:
    def __init__(self, job: Job, devices: Devices, progress: Progress) -> None:
        _enter(job.folder, job.options, leads=devices.leads)
        state = load_checkpoint(job.folder)
        self.job, self.devices, self.progress = job, devices, progress
        self.subject: Subject = CORRESPONDENCE if job.options.stage == "iuv" else SURFACE
        begun = self.subject.begin(job, devices, afresh=not state)
        self.learner: Learning[Any, Any] = begun[0]
        card = begun[1]
        self.origin = _origin(card) if card else OWN
        pairs = _pairs(job.options)
        video = devices.agreed(lambda: video_clips(job.data)) if pairs else []
        self.order = Order(
            job.data,
            lambda: devices.agreed(lambda: training_clips(job.data)),
            frames=frames_per_clip(job.data, "train"),
            batch=_tickets(job.options) + pairs,
            pairs=pairs,
            video=video,
            video_frames=frames_per_clip(job.data, VIDEO) if video else 1,
            seed=job.options.seed,
            rank=devices.rank,
            world=devices.world,
        )
        self.seconds, self.scores = 0.0, dict[str, float]()
        if state:
            self._restore(state)

    def run(self) -> dict[str, float]:
        """Learn until it is time to stop; save all."""
        sitting, spent, begun = self.job.sitting, self.seconds, time.monotonic()
        saved = 0.0
        batches = self.subject.batches(self.job, self.order, self.devices.device)
        while self.learner.step < self.job.options.steps:
            losses = self.learner.learn(*next(batches))
            self.order.took()
            now = time.monotonic() - begun
            self.seconds = spent + now
            self._tell(losses)
            if self.learner.step % sitting.validate_every == 0:
                self._validate()
            stop, save = self._leader_says(now, saved)
            if save:
                self._save()
                saved = now
            if stop:
                break
        self._validate()
        self._save()
        self._write_weights()
        return self.scores

    def _leader_says(self, now: float, saved: float) -> tuple[bool, bool]:
        """Whether to stop and whether to save, `now` seconds into the sitting; the same in all processes."""
        sitting = self.job.sitting
        stop = self.progress.cancelled() or 0 < 60 * sitting.minutes <= now
        save = now - saved >= 60 * sitting.checkpoint_minutes
        return self.devices.agreed(lambda: (stop, save))

    def _tell(self, losses: dict[str, torch.Tensor]) -> None:
        step = self.learner.step
        if step % self.job.sitting.log_every:
            return
        self.progress.step("train", step, self.job.options.steps)
        if self.devices.leads:
            values = {name: float(value) for name, value in losses.items()}
            rate = learning_rate(self.job.options, step - 1)
            add_line(self.job.folder, {"step": step, "seconds": self.seconds, "rate": rate, **values})

    def _validate(self) -> None:
        """Score the average on held-out clips, the middle frame of each."""
        data = self.job.data
        clips = validation_clips(data, self.job.sitting.validate_clips) if self.devices.leads else []
        if not clips:
            return
        middle = frames_per_clip(data, Path(clips[0]).parent.name) // 2
        tickets = [Ticket(shard=data / clip, frame=middle) for clip in clips]
        self.scores = self.subject.validate(self.job, self.learner.average.network, tickets, self.devices.device)
        add_line(self.job.folder, {"step": self.learner.step, "seconds": self.seconds, **self.scores})
        draw_curves(self.job.folder, self.subject.panels)

    def _save(self) -> None:
        if self.devices.leads:
            about = {"seconds": self.seconds, "scores": self.scores, "origin": self.origin}
            save_checkpoint(self.job.folder, {**self.learner.state(), "order": self.order.state(), **about})

    def _restore(self, state: dict[str, Any]) -> None:
        self.learner.restore(state)
        self.order.restore(state["order"])
        self.seconds, self.scores, self.origin = state["seconds"], state["scores"], state["origin"]
        if self.devices.leads:
            keep_lines(self.job.folder / NAME, self.learner.step)

    def _write_weights(self) -> None:
        """The average as halves with a card."""
        if not self.devices.leads:
            return
        options, network = self.job.options, self.learner.average.network
        data, licences = describe_data(self.job.data, video=_pairs(options) > 0)
        own = self.origin["licence"]
        card = WeightsCard(
            network=network.config,
            licence=" AND ".join([own, *(licence for licence in licences if licence not in own.split(" AND "))]),
            training_data=f"{self.origin['training_data']}{data}, {self.learner.step} steps "
            f"of {options.batch * self.devices.world} at {options.size} px in {self.seconds / 60:.0f} minutes",
            command=self.job.command,
            scores={f"validation_{name}": round(value, 4) for name, value in self.scores.items()},
            body_share=self.subject.body_share(options, before=self.origin.get("body_share", 0.0)),
            size=options.size,
        )
        save_weights(self.job.folder / "weights.safetensors", network, card)


def _tickets(options: TrainOptions) -> int:
    """Of a batch, beside those for pairs without truth."""
    return options.batch // 2 if options.in_twos else options.batch


def _pairs(options: TrainOptions) -> int:
    return options.pairs if options.stage == "video" else 0


def _origin(card: WeightsCard) -> dict[str, Any]:
    """What the new weights' card carries on."""
    said = f"{card.training_data}; then "
    return {"licence": card.licence, "training_data": said, "body_share": card.body_share}


def _up_to_date(options: dict[str, Any]) -> dict[str, Any]:
    """Options with those that were not there yet when they were written."""
    return options | {name: before | options[name] for name, before in OLDER.items() if name in options}


def _enter(folder: Path, options: TrainOptions, *, leads: bool) -> None:
    """Refuse a folder that holds another training; the length of the schedule may change."""
    path = folder / "train.json"
    ours = json.loads(json.dumps(asdict(options)))
    if path.exists():
        known = _up_to_date(json.loads(path.read_text()))
        differ = [name for name, value in ours.items() if known.get(name) != value and name != "steps"]
        if differ:
            changed = ", ".join(f"{name} was {known.get(name)!r}, now {ours[name]!r}" for name in differ)
            raise UsageError(f"{folder} holds another training: {changed}.", "Use another -o.")
    if leads:
        write_bytes(path, (json.dumps(ours, indent=1, sort_keys=True) + "\n").encode())
