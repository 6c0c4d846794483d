"""What is to be trained, on what, and where it goes."""

from dataclasses import dataclass
from pathlib import Path

from hd_core.train.options import SittingOptions, TrainOptions


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train, on what, and where it goes.

    Args:
        data: Data folder of `hd-core synth` or `hd-core import-data`.
        folder: Gets `checkpoint.pt`, `weights.safetensors` with its card, `curve.jsonl` and `curve.png`.
        options: The training; the same in every sitting.
        sitting: This sitting.
        begin_with: Weights to begin a new training with; a training that has begun goes on from its checkpoint.
        command: What the card says of how the weights were made.
    """

    data: Path
    folder: Path
    options: TrainOptions
    sitting: SittingOptions
    begin_with: Path | None = None
    command: str = ""
