"""Which clip is what: every clip has its own draws for person, clothes, print, motion, light and lens.

A draw comes from a generator that is keyed by split, clip, part and attempt, so that a clip is the same whoever
makes it and whenever, and no draw of one split can occur in another.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from hd_core.errors import UsageError
from hd_core.synth.splits import SPLITS, SplitRng


class Part(IntEnum):
    """What is drawn for a clip; each from a generator of its own, so that one can change without the others."""

    IDENTITY = 0
    OUTFIT = 1
    PRINT = 2
    MOTION = 3
    LIGHT = 4
    CAMERA = 5
    LENS = 6
    CLOTH = 7
    SKIN = 8
    HAIR = 9
    SHOES = 10
    ACCESSORIES = 11


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One clip to be made.

    Args:
        split: "train", "val" or "test".
        seed: Of the whole data set.
        clip: Number within the split.
        attempt: How often this clip was drawn before and rejected.
    """

    split: str
    seed: int
    clip: int
    attempt: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"No split {self.split!r}.", f"Known: {', '.join(SPLITS)}.")
        if min(self.seed, self.clip, self.attempt) < 0:
            raise UsageError(f"Found {self}; expected numbers of 0 or more.")

    def rng(self, part: Part) -> SplitRng:
        """The generator of one part of this clip; it knows its split, so that names are chosen from that one's."""
        key = (SPLITS.index(self.split), self.clip, int(part), self.attempt)
        return SplitRng(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key)), self.split)

    def redrawn(self) -> "Recipe":
        """The same clip drawn anew, after a rejection."""
        return replace(self, attempt=self.attempt + 1)
