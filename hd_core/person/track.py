"""One person as followed so far: where to look next, and how well a find fits."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hd_core.person.colours import Colours, colour_distance, mean_colours
from hd_core.person.looking import Find
from hd_core.person.regions import overlap
from hd_core.person.sighting import Sighting
from hd_core.types import Box

PALETTE_LOOKS = 12
"""Looks that a person's colours are remembered over."""
MAX_SPEED = 0.6
"""Speeds are believed up to this share of the body's length per look."""
FAR_MARKS = 0.3
"""Landmarks that are off by this share of the body's length on the mean say nothing in common."""
WEIGHTS = {"box": 0.25, "marks": 0.4, "colours": 0.35}
"""What box overlap, landmarks and colours of clothes count; together 1."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A person in one of the frames looked at.

    Args:
        place: Position of the frame among those looked at.
        sighting: What is told of it; ids are given in the end.
        colours: Of the clothes; None where another person is too near to tell.
    """

    place: int
    sighting: Sighting
    colours: Colours | None


@dataclass(eq=False, kw_only=True)
class Track:
    """A person as followed so far.

    Args:
        find: The last find.
        steps: All so far, in time.
    """

    find: Find
    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step, find: Find) -> None:
        """Take in the next look."""
        self.steps.append(step)
        self.find = find

    @property
    def palette(self) -> Colours:
        """The colours of the last looks that tell."""
        told = [step.colours for step in self.steps if step.colours is not None]
        return mean_colours(told[-PALETTE_LOOKS:])

    def shift(self, time_seconds: float) -> Float[np.ndarray, "2"]:
        """How far the body has moved since the last find if it kept its speed, px."""
        if len(self.steps) < 2:
            return np.zeros(2)
        before, last = self.steps[-2].sighting, self.steps[-1].sighting
        elapsed = last.time_seconds - before.time_seconds
        moved = _centre(last) - _centre(before)
        limit = MAX_SPEED * max(last.box.width, last.box.height)
        length = float(np.linalg.norm(moved))
        if elapsed <= 0 or length > limit:
            return np.zeros(2)
        ahead: np.ndarray = moved * (time_seconds - last.time_seconds) / elapsed
        ahead *= min(1.0, limit / max(float(np.linalg.norm(ahead)), 1e-9))
        return ahead

    def framing(self, time_seconds: float) -> Box:
        """Where to look at a time."""
        return _moved(self.find.framing, self.shift(time_seconds))

    def misfit(self, find: Find, colours: Colours, time_seconds: float) -> float:
        """How badly a find at a time fits this person: 0 perfectly, 1 not at all."""
        shift = self.shift(time_seconds)
        known, seen = self.find.reading.landmarks, find.reading.landmarks
        weight = known[:, 3] * seen[:, 3] + 1e-6
        apart = np.linalg.norm(known[:, :2] + shift - seen[:, :2], axis=1)
        size = max(self.find.framing.width, self.find.framing.height)
        marks = float((weight * apart).sum() / weight.sum()) / (FAR_MARKS * size)
        parts = {
            "box": 1 - overlap(_moved(self.find.box, shift), find.box),
            "marks": min(marks, 1.0),
            "colours": colour_distance(self.palette, colours),
        }
        return sum(WEIGHTS[name] * part for name, part in parts.items())


def _centre(sighting: Sighting) -> Float[np.ndarray, "2"]:
    """Middle of the landmarks that are seen, weighted by how well."""
    if sighting.landmarks is None:
        box = sighting.box
        return np.array([box.left + box.width / 2, box.top + box.height / 2])
    weight = sighting.landmarks[:, 3:] + 1e-6
    centre: np.ndarray = (sighting.landmarks[:, :2] * weight).sum(axis=0) / weight.sum()
    return centre


def _moved(box: Box, shift: Float[np.ndarray, "2"]) -> Box:
    return Box(left=box.left + float(shift[0]), top=box.top + float(shift[1]), width=box.width, height=box.height)
