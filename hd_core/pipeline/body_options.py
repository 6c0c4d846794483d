"""What can be said about finding the body; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass
from pathlib import Path

from hd_core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class BodyOptions:
    """Which point of the body every pixel shows, and who is told of it."""

    iuv: bool = False
    """Find part, u and v of every pixel, of the clothes and of the body under them: a record a frame, a sheet to look
    at, and with --passes a pass of the EXR."""
    iuv_weights: Path | None = None
    """Weights of the correspondence network; those in the package if omitted."""
    iuv_mirrored: bool = True
    """The correspondence network looks at the mirror image, too: twice its time, better points."""
    iuv_frames: int = 3
    """Frames before and after each that are asked, too: steadier and better; 0 sees each frame by itself."""
    body_input: bool = False
    """Find the body and tell the predictor of it, if its weights can read it."""

    def __post_init__(self) -> None:
        if self.iuv_frames < 0:
            raise UsageError(f"Found --iuv-frames {self.iuv_frames}; expected 0 or more.")

    @property
    def wanted(self) -> bool:
        """Whether the body has to be looked for."""
        return self.iuv or self.body_input
