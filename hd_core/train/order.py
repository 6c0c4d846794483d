"""Which frame comes when: every pass shuffles all clips that are there by then, and every place has its own draws."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.errors import InputError
from hd_core.train.samples import Ticket

HELD_OUT_EVERY = 25
"""Of a data set without clips for validation, the last of every so many clips is held out."""
VIDEO = "video"
"""The split of clips without truth, from which pairs of frames are drawn."""


def find_clips(data: Path, split: str) -> list[str]:
    """Names of the finished clips of a split ("train/000123.npz"), in order."""
    return [f"{split}/{path.name}" for path in sorted((data / split).glob("[0-9]*.npz"))]


def training_clips(data: Path) -> list[str]:
    """Clips to learn from.

    Raises:
        InputError: There are none.
    """
    clips = [clip for clip in find_clips(data, "train") if not _held_out(data, clip)]
    if not clips:
        raise InputError(f"{data} holds no train/000000.npz.", f"Make clips first: hd-core synth -o {data}")
    return clips


def validation_clips(data: Path, count: int) -> list[str]:
    """At most `count` clips to validate on, spread over all: of the split `val`, else those that are held out."""
    clips = find_clips(data, "val") or [clip for clip in find_clips(data, "train") if _held_out(data, clip)]
    chosen = np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int)
    return [clips[i] for i in chosen]


def frames_per_clip(data: Path, split: str) -> int:
    """Frames of every clip of a split.

    Raises:
        InputError: The data set does not say.
    """
    path = data / f"{split}.json"
    try:
        return int(json.loads(path.read_bytes())["frames"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not say how many frames a clip has.", "Make clips with hd-core synth."
        ) from error


def video_clips(data: Path) -> list[str]:
    """Clips to draw pairs of frames from; none where the clips to learn from will do.

    Raises:
        InputError: There are none, and those to learn from are single pictures.
    """
    clips = find_clips(data, VIDEO)
    if not clips and _about(data, "train").get("layout") == "hdnet-supervised":
        raise InputError(
            f"{data} holds single pictures and no video for pairs of frames.", "Add one: hd-core import-data."
        )
    return clips


def describe_data(data: Path, *, video: bool) -> tuple[str, list[str]]:
    """What a card says of a data set, and the licences beside this program's own.

    Args:
        data: Folder of clips.
        video: Whether pairs were drawn, too.
    """
    splits = ["train", VIDEO] if video and find_clips(data, VIDEO) else ["train"]
    said, licences = [], []
    for about in (_about(data, split) for split in splits):
        if "layout" in about:
            said.append(f"{about['source']} ({about['layout']}, licence: {about['licence']})")
            licences.append(str(about["licence"]))
        else:
            said.append("synthetic humans (hd-core synth)")
    return " and ".join(said), list(dict.fromkeys(licences))


def _about(data: Path, split: str) -> dict[str, Any]:
    try:
        return dict(json.loads((data / f"{split}.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _held_out(data: Path, clip: str) -> bool:
    number = int(Path(clip).stem)
    return number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 and not (data / "val").is_dir()


class Order:
    """The endless order of a training's batches; goes on from any place.

    Args:
        data: Folder of clips.
        find: Names of the clips that are there; asked at the beginning of every pass.
        frames: Frames of every clip.
        batch: Tickets of a batch on each device.
        pairs: How many of them, the last ones, ask for a pair of frames.
        video: Names of clips for them, drawn at random; none takes them from the pass.
        video_frames: Frames of every such clip.
        seed: Of the order and of every sample.
        rank: Which of `world` devices this is; each takes its own batches.
        world: Number of devices.
    """

    def __init__(
        self,
        data: Path,
        find: Callable[[], list[str]],
        *,
        frames: int,
        batch: int,
        seed: int,
        pairs: int = 0,
        video: Sequence[str] = (),
        video_frames: int = 1,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._data, self._find, self._frames = data, find, frames
        self._batch, self._seed, self._rank, self._world = batch, seed, rank, world
        self._pairs, self._video, self._video_frames = pairs, list(video), video_frames
        self._passes: dict[int, list[str]] = {}
        self._place = (0, 0)

    def batches(self) -> Iterator[list[Ticket]]:
        """Tickets, batch by batch, without end; what is drawn ahead counts once `took` is called for it."""
        epoch, first = self._place
        while True:
            clips = self._passes.setdefault(epoch, self._find())
            items = np.random.default_rng([self._seed, epoch]).permutation(len(clips) * self._frames)
            step = self._batch * self._world
            for start in range(first, max(len(items) - step, 0) + 1, step):
                places = range(start + self._rank * self._batch, start + (self._rank + 1) * self._batch)
                tickets = [self._ticket(clips, int(items[place % len(items)]), epoch, place) for place in places]
                single = len(tickets) - self._pairs
                yield tickets[:single] + [self._pair(ticket) for ticket in tickets[single:]]
            epoch, first = epoch + 1, 0

    def took(self) -> None:
        """A batch was learned from: the order's place moves behind it."""
        epoch, place = self._place
        items = len(self._passes[epoch]) * self._frames
        place += self._batch * self._world
        self._place = (epoch, place) if place + self._batch * self._world <= items else (epoch + 1, 0)
        self._passes = {number: clips for number, clips in self._passes.items() if number >= self._place[0]}

    def state(self) -> dict[str, Any]:
        """Everything needed to go on from here, as plain values."""
        return {"place": list(self._place), "passes": {str(k): v for k, v in self._passes.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""
        epoch, place = state["place"]
        self._place = (epoch, place)
        self._passes = {int(k): list(v) for k, v in state["passes"].items()}

    def _ticket(self, clips: list[str], item: int, epoch: int, place: int) -> Ticket:
        clip, frame = divmod(item, self._frames)
        return Ticket(shard=self._data / clips[clip], frame=frame, key=(self._seed, epoch, place))

    def _pair(self, ticket: Ticket) -> Ticket:
        """A ticket for a pair in place of one for a frame."""
        if self._video:
            drawn = np.random.default_rng([*ticket.key, 1]).integers(len(self._video) * self._video_frames)
            clip, frame = divmod(int(drawn), self._video_frames)
            ticket = ticket._replace(shard=self._data / self._video[clip], frame=frame)
        return ticket._replace(pair=True)
