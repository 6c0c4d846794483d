"""What an evaluation can be told; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass
from typing import Literal

from hd_core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What is measured, and on how much of the data."""

    mask: Literal["given", "own"] = "given"
    """given: the data's mask; own: the one that this program finds itself, as in hd-core reconstruct."""
    align: Literal["declared", "affine", "scale", "none"] = "declared"
    """What depth is fitted by before it is compared: declared takes the predictor's own gauge."""
    clips: int = 0
    """Clips to look at, spread evenly over the data; 0 for all."""
    surface_every: int = 8
    """Every so many frames the maps are integrated and the surface is compared; 0 for never."""
    rim_px: float = 4.0
    """Width of the band inside the outline that counts as silhouette, px of a picture 256 px wide."""
    body: bool = False
    """Also tell predictors where on the body every pixel lies, as badly as a network would; clips of hd-core synth."""
    size: int = 256
    """Side of the square crops of data that comes as whole pictures, px; clips of hd-core synth are taken as are."""

    def __post_init__(self) -> None:
        if self.clips < 0 or self.surface_every < 0:
            raise UsageError(f"Found {self.clips} clips, every {self.surface_every} frames; expected 0 or more.")
        if not self.rim_px >= 0:
            raise UsageError(f"Found a silhouette of {self.rim_px} px; expected 0 or more.")
        if self.size < 64 or self.size % 32:
            raise UsageError(f"--size {self.size} is no crop size.", "Give a multiple of 32 from 64 up.")
