"""What an adaptation is told; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass
from typing import Literal

from hd_core.errors import UsageError

Charts = Literal["anny24", "densepose"]
"""Whose u and v a map of the body holds; the parts are the same."""


@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """An adaptation; equal options on equal clips give equal weights on the CPU."""

    most_frames: int = 16
    """Frames that are learned from at most, spread evenly over the clip."""
    passes: int = 16
    """How often each of them is learned from."""
    batch: int = 4
    """Samples of a step."""
    learning_rate: float = 1e-3
    """At its highest; it rises over the first tenth of the steps and falls along a cosine to a fiftieth."""
    body: bool = True
    """Fit a body to the maps of the body; without it they only tell which pixels of two frames show the same point."""
    seed: int = 0
    """Of the fit's draws, the order and every sample."""

    def __post_init__(self) -> None:
        for name in ("most_frames", "passes", "batch"):
            if getattr(self, name) < 1:
                raise UsageError(f"Found {name} {getattr(self, name)}; expected 1 or more.")
        if not 0 < self.learning_rate < 1:
            raise UsageError(f"Found a learning rate of {self.learning_rate}; expected one between 0 and 1.")


@dataclass(frozen=True, kw_only=True)
class AdaptSitting:
    """One sitting of an adaptation; but for the time limit it does not change the weights."""

    minutes: float = 0.0
    """Stop learning after this time and write the weights; the same command goes on. 0 goes on to the last step."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps, or auto for the best there is."""
    threads: int = 1
    """CPU threads of the network; 0 leaves the process as it is."""

    def __post_init__(self) -> None:
        if min(self.minutes, self.threads) < 0:
            raise UsageError("Found a negative time or count; expected 0 or more.")
