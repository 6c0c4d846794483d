"""Other people's training data, made clips of a data folder: which layout it is, and where its clips go.

Clips with truth go to DATA/train, clips without to DATA/video, from which the pairs of stage `video` are then drawn.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hd_core.atomic import write_bytes
from hd_core.errors import InputError, UsageError
from hd_core.progress import Progress, check_cancelled
from hd_core.synth.shards import write_clip
from hd_core.train.layouts_clip import NobodyError
from hd_core.train.layouts_hdnet import PARTNERS, partner_list, supervised_clip, supervised_names, video_clip
from hd_core.train.layouts_tiktok import find_sequences, sequence_clip, split_sequence
from hd_core.train.order import VIDEO

LEAST_FRAMES = 3
"""Of a clip: fewer could leave a single frame over."""

MakeClip = Callable[[], tuple[dict[str, np.ndarray], Mapping[str, Any]]]


class Layout(NamedTuple):
    """What a folder was found to be.

    Args:
        name: In the data folder's and the clips' headers.
        split: Folder of its clips.
        frames: Of a clip, at most.
        clips: What makes each of them.
    """

    name: str
    split: str
    frames: int
    clips: list[MakeClip]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What was made.

    Args:
        layout: Of the source.
        folder: Of the clips.
        clips: Written.
        frames: In them, a frame in several clips counted as often.
        left_out: Frames and stretches that show nobody.
    """

    layout: str
    folder: Path
    clips: int
    frames: int
    left_out: int


def import_layout(source: Path, data: Path, *, frames: int, licence: str, progress: Progress) -> Imported:
    """Make clips of all frames of a folder in one of the known layouts; made again, they are the same.

    Args:
        source: The folder.
        data: Data folder; gets `train` or `video`, and a `.json` of that name.
        frames: Of a clip, at most; the published layout without truth has a frame and its four partners instead.
        licence: Of the data; the card of weights that learn from it repeats it.
        progress: Who is told.

    Raises:
        InputError: The folder is of no known layout, or a file in it cannot be used.
        UsageError: Other clips are there, or there are too few frames to a clip.
        OutputError: The data folder cannot be written.
        CancelledError: The user asked to stop.
    """
    if frames < LEAST_FRAMES:
        raise UsageError(f"Found {frames} frames to a clip; expected {LEAST_FRAMES} or more.")
    layout = find_layout(source, frames)
    about = {"layout": layout.name, "source": source.resolve().name, "licence": licence, "frames": layout.frames}
    _enter(data, layout.split, {**about, "clips": len(layout.clips)})
    made, seen, left_out = 0, 0, 0
    for number, make in enumerate(layout.clips):
        check_cancelled(progress)
        try:
            arrays, header = make()
        except NobodyError as error:
            if layout.name != "tiktok":
                raise
            progress.warn(f"Left out: {error}")
            left_out += 1
            continue
        write_clip(data / layout.split / f"{number:06d}.npz", arrays, {**header, **about, "frames": len(arrays["rgb"])})
        made, seen, left_out = made + 1, seen + len(arrays["rgb"]), left_out + len(header.get("left_out", ()))
        progress.step("import", number + 1, len(layout.clips))
    return Imported(layout=layout.name, folder=data / layout.split, clips=made, frames=seen, left_out=left_out)


def find_layout(source: Path, frames: int) -> Layout:
    """Which layout a folder has; its lists of frames are read and checked, its frames are not.

    Raises:
        InputError: It has none, or a list of frames is wrong.
    """
    if _any(source, "correspondences", "pred_normals"):
        partners = partner_list(source)
        made = [_later(video_clip, source, one) for one in partners]
        return Layout("hdnet-video", VIDEO, 1 + PARTNERS, made)
    if _any(source, "depth", "normal"):
        runs = _runs(supervised_names(source), frames)
        return Layout("hdnet-supervised", "train", frames, [_later(supervised_clip, source, run) for run in runs])
    sequences = find_sequences(source) if source.is_dir() else []
    if not sequences:
        raise InputError(
            f"{source} is none of the known layouts.",
            "Expected color_WO_bg, mask, densepose, depth and normal; or color_WO_bg, mask, densepose and "
            "correspondences; or folders 00001, 00002, ... with images, masks and densepose.",
        )
    made = [_later(sequence_clip, folder, run) for folder in sequences for run in split_sequence(folder, frames)]
    return Layout("tiktok", VIDEO, frames, made)


def _any(folder: Path, *names: str) -> bool:
    return any((folder / name).is_dir() for name in names)


def _later(make: Callable[..., Any], *words: Any) -> MakeClip:  # noqa: ANN401 - whatever `make` takes
    return lambda: make(*words)


def _runs(names: list[str], frames: int) -> Iterator[list[str]]:
    return (names[first : first + frames] for first in range(0, len(names), frames))


def _enter(data: Path, split: str, about: Mapping[str, Any]) -> None:
    """Say what the clips are before there is one; refuse a folder of others."""
    path = data / f"{split}.json"
    if path.exists() or next((data / split).glob("[0-9]*.npz"), None):
        try:
            known = json.loads(path.read_bytes())
        except (OSError, ValueError):
            known = None
        if known != about:
            raise UsageError(f"{data / split} holds other clips.", "Use another -o, or delete them.")
    write_bytes(path, (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
