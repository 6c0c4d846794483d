"""What a synthetic data set is made of; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass
from typing import Literal

from hd_core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """What a data set is made of; equal options give equal bytes."""

    frames: int = 24
    """Frames of a clip."""
    size: int = 256
    """Side of the square pictures, px."""
    seed: int = 0
    """Of the whole data set."""
    split: Literal["train", "val", "test"] = "train"
    """No person, garment, print, motion or light of one occurs in another."""

    def __post_init__(self) -> None:
        if self.frames < 1 or self.size < 32:
            raise UsageError(f"Found {self.frames} frames of {self.size} px; expected at least 1 of 32.")
