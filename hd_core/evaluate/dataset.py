"""From a path to a set of test clips, whatever lies there."""

from pathlib import Path

import numpy as np

from hd_core.atomic import PARTIAL
from hd_core.errors import InputError, UsageError
from hd_core.evaluate.folder import FolderDataset
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.samples import Dataset, TruthClip
from hd_core.evaluate.shards import ShardDataset, is_shard
from hd_core.predict.maps_card import NAME


def open_dataset(path: Path, options: EvaluateOptions) -> Dataset:
    """The test clips at a path.

    A folder of clips of `hd-core synth`, one such clip, a data folder of it (then the last of its folders `test...`),
    a folder of pictures with ground truth, or a folder of those.

    Raises:
        InputError: There is nothing of the kind.
        UsageError: A body is asked for, and the data does not hold one.
    """
    dataset = _open(path, options)
    if options.body and not isinstance(dataset, ShardDataset):
        raise UsageError(f"{path} says nothing of the body.", "--body needs clips of hd-core synth.")
    picks = spread_evenly(len(dataset), options.clips)
    return dataset if len(picks) == len(dataset) else _Some(dataset, picks)


def _open(path: Path, options: EvaluateOptions) -> Dataset:
    if (path / NAME).is_file():
        return FolderDataset([path], size=options.size)
    archives = find_archives(path)
    if archives:
        return ShardDataset(archives, body=options.body)
    folders = sorted(card.parent for card in path.glob(f"*/{NAME}"))
    if folders:
        return FolderDataset(folders, size=options.size)
    raise InputError(
        f"{path} holds no clips with ground truth.",
        f"Expected clips of hd-core synth (or a folder test... with some), or folders with {NAME} and pictures.",
    )


def find_archives(path: Path) -> list[Path]:
    """Clips of `hd-core synth` at a path: one, a folder of them, or the last folder `test...` of a data folder."""
    if path.is_file():
        return [path] if is_shard(path) else []
    for folder in (path, *sorted(path.glob("test*"), reverse=True)):
        archives = sorted(path for path in folder.glob("*.npz") if not path.name.startswith(PARTIAL))
        if archives and is_shard(archives[0]):
            return archives
    return []


def spread_evenly(count: int, wanted: int) -> list[int]:
    """Numbers of `wanted` of `count` clips, all of them for 0."""
    if not 0 < wanted < count:
        return list(range(count))
    return [int(pick) for pick in np.unique(np.linspace(0, count - 1, wanted).astype(int))]


class _Some:
    """Some clips of a data set."""

    def __init__(self, dataset: Dataset, numbers: list[int]) -> None:
        self._dataset, self._numbers = dataset, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> TruthClip:
        return self._dataset[self._numbers[number]]

    def describe(self) -> dict[str, str]:
        """The whole set, and which clips of it."""
        return {**self._dataset.describe(), "evaluated_clips": f"{len(self)}, spread evenly"}
