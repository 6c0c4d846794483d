"""The nouns of an evaluation: a frame with its ground truth, a clip of them, and a set of clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from hd_core.errors import InputError
from hd_core.types import SurfaceMaps, View


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Where the surface points of a frame are in the next one.

    Args:
        position: x, y in px of the next frame, a pixel centre is at .5; NaN where unknown.
        visible: Points that the next frame shows.
    """

    position: Float[np.ndarray, "h w 2"]
    visible: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One frame: what a predictor sees, and the truth about it.

    Args:
        view: The picture and the matte.
        truth: Metric maps of the same pixels.
        cloth: Pixels that show clothes; None if the data does not say.
        motion: To the clip's next frame; None if the data does not say.
        labels: Groups that the frame belongs to, as "kind:value".
    """

    view: View
    truth: SurfaceMaps
    cloth: Bool[np.ndarray, "h w"] | None = None
    motion: Motion | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.truth.camera.shape != self.view.crop.camera.shape:
            raise InputError(f"Found truth of {self.truth.camera.shape} for a view of {self.view.crop.camera.shape}.")


@dataclass(frozen=True, kw_only=True)
class TruthClip:
    """Consecutive frames of one person by one still camera.

    Args:
        name: For messages and reports.
        samples: The frames, in time.
    """

    name: str
    samples: Sequence[Sample]


@runtime_checkable
class Dataset(Protocol):
    """Clips with ground truth; each is read when it is asked for."""

    def __len__(self) -> int:
        """How many clips."""

    def __getitem__(self, number: int) -> TruthClip:
        """A clip.

        Raises:
            InputError: It cannot be read.
        """

    def describe(self) -> dict[str, str]:
        """What it is, for the report."""
