"""What an evaluation of correspondence can be told; imports nothing heavy, because help is made from it."""

from dataclasses import dataclass
from typing import Literal

from hd_core.errors import UsageError

Target = Literal["clothed", "body"]
TARGETS: tuple[Target, ...] = ("clothed", "body")
"""The surface that is seen, clothes and hair included; and the body under them."""


@dataclass(frozen=True, kw_only=True)
class CorrespondenceOptions:
    """What is measured, and on how much of the data."""

    mask: Literal["given", "own", "both"] = "given"
    """given: networks are told the data's mask; own: box and matte are found by this program itself; both: one after
    the other."""
    clips: int = 0
    """Clips to look at, spread evenly over the data; 0 for all."""
    every: int = 4
    """Every so many frames are measured, and how steady each is to the frame after it."""
    points: int = 100
    """Points of a frame at which distances are measured, about, at most 14 of a part, as annotators of COCO had."""
    followed: int = 25
    """Points of these that are followed into the next frame."""
    speed: bool = False
    """Also time networks on one and on two threads; only on a machine that does nothing else."""

    @property
    def masks(self) -> tuple[Literal["given", "own"], ...]:
        """The masks that are asked for."""
        return ("given", "own") if self.mask == "both" else (self.mask,)

    def __post_init__(self) -> None:
        if self.clips < 0 or min(self.every, self.points, self.followed) < 1:
            raise UsageError(
                f"Found {self.clips} clips, every {self.every} frames, {self.points} points, {self.followed} followed.",
                "Expected clips of 0 or more, the others of 1 or more.",
            )
