"""What a synthetic data set is made of; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass
from typing import Literal

from hd_core.errors import UsageError

SMALLEST_PX, LARGEST_PX = 32, 4096


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
    test_list: str | None = None
    """Make the clips of a frozen list, "test-v1", instead; it sets frames, seed and split."""

    def __post_init__(self) -> None:
        if self.frames < 1 or not SMALLEST_PX <= self.size <= LARGEST_PX:
            raise UsageError(
                f"Found {self.frames} frames of {self.size} px; "
                f"expected at least 1 frame of {SMALLEST_PX} to {LARGEST_PX} px."
            )
        if self.seed < 0:
            raise UsageError(f"Found seed {self.seed}; expected 0 or more.")

    @property
    def folder(self) -> str:
        """Name of the folder of the clips within the data set."""
        return self.test_list or self.split
