"""One person seen in one frame: what the person stage hands to the stages after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.types import Box

NUM_LANDMARKS = 33
"""Landmarks of BlazePose, in its order: nose 0, shoulders 11 12, wrists 15 16, hips 23 24, ankles 27 28."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A person in a frame.

    Args:
        frame_index: Position of the frame in the source.
        time_seconds: Its presentation time.
        person_id: Stable over the clip, from 1.
        box: Tight around the person, full-frame px; may leave the frame where the person does.
        score: How sure the finder is, 0..1.
        landmarks: x, y in full-frame px, z in px from the hips (smaller is nearer), visibility 0..1.
        world_landmarks: Metres from the middle of the hips, camera axes.
    """

    frame_index: int
    time_seconds: float
    person_id: int
    box: Box
    score: float
    landmarks: Float[np.ndarray, "33 4"] | None = None
    world_landmarks: Float[np.ndarray, "33 3"] | None = None

    def __post_init__(self) -> None:
        _refuse(self.frame_index < 0, f"{self.frame_index=}", "0 or more")
        _refuse(self.person_id < 1, f"{self.person_id=}", "1 or more")
        _refuse(not 0 <= self.score <= 1, f"{self.score=}", "0..1")
        for name, columns in (("landmarks", 4), ("world_landmarks", 3)):
            value = getattr(self, name)
            if value is not None:
                shape = (NUM_LANDMARKS, columns)
                _refuse(value.shape != shape, f"{name} of {value.shape}", f"{shape}")
                _refuse(not np.isfinite(value).all(), f"{name} that are not finite", "finite ones")

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers, ready for JSON; `from_dict` gives the same sighting back."""
        box = self.box
        return {
            "frame_index": self.frame_index,
            "time_seconds": self.time_seconds,
            "person_id": self.person_id,
            "box": [box.left, box.top, box.width, box.height],
            "score": self.score,
            "landmarks": None if self.landmarks is None else self.landmarks.tolist(),
            "world_landmarks": None if self.world_landmarks is None else self.world_landmarks.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Sighting":
        """The inverse of `to_dict`.

        Raises:
            InputError: A field is missing or is not what it should be.
        """
        try:
            left, top, width, height = map(float, data["box"])
            return cls(
                frame_index=int(data["frame_index"]),
                time_seconds=float(data["time_seconds"]),
                person_id=int(data["person_id"]),
                box=Box(left=left, top=top, width=width, height=height),
                score=float(data["score"]),
                landmarks=_array(data["landmarks"]),
                world_landmarks=_array(data["world_landmarks"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Found a sighting that cannot be read ({error!r}); expected all its fields.") from error


def _array(value: Any) -> np.ndarray | None:  # noqa: ANN401 - straight from JSON
    return None if value is None else np.array(value, np.float64)


def _refuse(condition: bool, found: str, expected: str) -> None:  # noqa: FBT001 - a guard, read as a sentence
    if condition:
        raise InputError(f"Found {found}; expected {expected}.")
