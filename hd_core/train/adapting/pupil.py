"""The pupil: the network, which learns in some dozen steps to find in a picture alone what the teacher found."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hd_core.errors import CancelledError
from hd_core.predict.network import HdNet
from hd_core.progress import Progress
from hd_core.train.adapting.options import AdaptOptions
from hd_core.train.checkpoint import keep_lines, load_checkpoint, save_checkpoint
from hd_core.train.curves import NAME, add_line
from hd_core.train.devices import Devices
from hd_core.train.learner import Learner
from hd_core.train.loader import to_batch
from hd_core.train.options import AugmentOptions, LossWeights, TrainOptions
from hd_core.train.pack import PackedFrame, read_frame
from hd_core.train.placing import Placing, sample_placing
from hd_core.train.samples import Sample, sample_at

LOSSES = LossWeights(fold=0.5, spread=0.0)
"""As in training; but folds are the network's own, and errors against a teacher are not those to be expected."""
AUGMENT = AugmentOptions(strength=0.15, rotation_deg=5.0, close_up=0.0, body=0.0)
STRAIGHT = 0.5
"""Share of samples that are the view as it is, which is what will be asked for."""
EMA = 0.95
CHECKPOINT_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """What there is to learn.

    Args:
        paths: Clips of one frame each (`adapting.teacher`).
        folder: For the checkpoint, the curve and the unpacked lessons.
        size: Of the views, px.
    """

    paths: Sequence[Path]
    folder: Path
    size: int

    def steps(self, options: AdaptOptions) -> int:
        """Steps of the whole adaptation."""
        return max(len(self.paths) * options.passes // options.batch, 1)


def study(
    network: HdNet, lessons: Lessons, options: AdaptOptions, device: torch.device, progress: Progress, *, seconds: float
) -> tuple[HdNet, int]:
    """Learn, going on from the last checkpoint.

    Args:
        network: To begin with.
        lessons: What to learn.
        options: How.
        device: Where.
        progress: Who is told.
        seconds: Stop after so many; 0 for never.

    Returns:
        The network with averaged weights, and the steps that were made.

    Raises:
        CancelledError: The user asked to stop; the same call goes on.
    """
    steps = lessons.steps(options)
    learner = Learner(_training(options, lessons.size, steps), Devices(device=device), network)
    state = load_checkpoint(lessons.folder)
    if state:
        learner.restore(state)
    keep_lines(lessons.folder / NAME, learner.step)
    begun = time.monotonic()
    while learner.step < steps and not 0 < seconds <= time.monotonic() - begun:
        if progress.cancelled():
            save_checkpoint(lessons.folder, learner.state())
            raise CancelledError("Cancelled.", "What was learned is kept; the same command goes on from here.")
        found = learner.learn(to_batch(_samples(lessons, options, learner.step), device))
        progress.step("learn", learner.step, steps)
        _note(lessons.folder, learner.step, found)
        if learner.step % CHECKPOINT_STEPS == 0:
            save_checkpoint(lessons.folder, learner.state())
    save_checkpoint(lessons.folder, learner.state())
    return learner.average.network, learner.step


def lesson_sample(frame: PackedFrame, rng: np.random.Generator, *, size: int) -> Sample:
    """A lesson as the network sees it: half of the time as it is, otherwise placed and slightly spoiled."""
    if rng.random() < STRAIGHT:
        corner = np.array([frame.left, frame.top], np.float64)
        return sample_at(frame, Placing(turn=np.eye(2), scale=1.0, shift=corner), size=size)
    placing = sample_placing(rng, np.asarray(frame.arrays["depth"] > 0), AUGMENT, size=size)
    return sample_at(frame, placing, size=size, rng=rng, strength=AUGMENT.strength)


def _training(options: AdaptOptions, size: int, steps: int) -> TrainOptions:
    return TrainOptions(
        size=size,
        batch=options.batch,
        steps=steps,
        learning_rate=options.learning_rate,
        warmup=max(steps // 10, 1),
        weight_decay=0.0,
        ema=EMA,
        seed=options.seed,
        loss=LOSSES,
        augment=AUGMENT,
    )


def _samples(lessons: Lessons, options: AdaptOptions, step: int) -> list[Sample]:
    """Those of a step; every pass takes the lessons in another order, and every sample has its own draws."""
    found, count = [], len(lessons.paths)
    for place in range(step * options.batch, (step + 1) * options.batch):
        order = np.random.default_rng([options.seed, 2, place // count]).permutation(count)
        frame = read_frame(lessons.paths[int(order[place % count])], lessons.folder / "packed", 0)
        found.append(lesson_sample(frame, np.random.default_rng([options.seed, 3, place]), size=lessons.size))
    return found


def _note(folder: Path, step: int, found: dict[str, Any]) -> None:
    add_line(folder, {"step": step, **{name: float(value) for name, value in found.items()}})
