"""Finds the people of a clip: one of them at the cost of following one, or everybody with ids that hold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hd_core.person.crowd import Crowd
from hd_core.person.cuts import CutFinder
from hd_core.person.largest import Largest
from hd_core.person.linking import link_alike, link_tracks
from hd_core.person.looking import Looker
from hd_core.person.people import People
from hd_core.person.sighting import Sighting
from hd_core.person.still import is_still
from hd_core.person.track import Step
from hd_core.types import Box, Frame

MIN_STEPS = 3
"""Who is seen in fewer frames of a shot that has more is nobody."""


class PeopleFinder:
    """Looks at the frames of a clip in order, then says who is where.

    Args:
        everybody: Follow all people; else only the largest, or the one in `box`.
        box: The person who is found there in the first picture, full-frame px; only that one is told of. The
            others are followed too, so that the person is not mixed up with them.

    Attributes:
        others: The largest number of other people that were seen beside the one who is told of; 0 with `everybody`.
        left_out: People who were seen and are not told of because they never move while somebody else does.
    """

    def __init__(self, *, everybody: bool, box: Box | None = None) -> None:
        self.others = 0
        self.left_out = 0
        self._box = box
        self._cuts = CutFinder()
        looker = Looker()
        self._crowd = Crowd(looker, box=box) if everybody or box is not None else None
        self._largest = Largest(looker)
        self._indices: list[int] = []

    def look(self, frame: Frame) -> None:
        """Take in the next frame."""
        self._indices.append(frame.index)
        follower = self._crowd or self._largest
        if self._cuts.is_cut(frame.index, frame.rgb):
            follower.start_anew()
        follower.look(frame)

    def finish(self) -> People:
        """Everybody, after the last frame."""
        cuts = tuple(self._cuts.cuts)
        if self._crowd is None:
            self.others = self._largest.others
            alone = tuple(() if seen is None else (seen,) for seen in self._largest.finish())
            return People(sightings=alone, cuts=cuts)
        shots = np.searchsorted(cuts, self._indices, side="right").tolist()
        people = link_tracks([track.steps for track in self._crowd.tracks if track.steps], shots)
        if self._box is not None:
            told = link_alike(people, self._box)
            self.others = max(len(people) - 1, 0)
            return People(sightings=_by_frame([told] if told else [], len(shots)), cuts=cuts)
        people = self._living(_lasting(people, shots))
        return People(sightings=_by_frame(people, len(shots)), cuts=cuts)

    def _living(self, people: list[list[Step]]) -> list[list[Step]]:
        """Without posters; a clip in which nobody moves at all keeps everybody."""
        living = [steps for steps in people if not is_still([step.sighting for step in steps])]
        self.left_out = len(people) - len(living) if living else 0
        return living or people


def _lasting(people: Sequence[list[Step]], shots: Sequence[int]) -> list[list[Step]]:
    """Without those who are seen for a moment only."""
    frames = np.bincount(shots, minlength=1)
    return [steps for steps in people if len(steps) >= min(MIN_STEPS, int(frames[shots[steps[0].place]]))]


def _by_frame(people: Sequence[Sequence[Step]], num_frames: int) -> tuple[tuple[Sighting, ...], ...]:
    """Sightings of every frame, ids by falling presence."""
    ordered = sorted(people, key=_presence, reverse=True)
    frames: list[list[Sighting]] = [[] for _ in range(num_frames)]
    for person_id, steps in enumerate(ordered, start=1):
        for step in steps:
            frames[step.place].append(replace(step.sighting, person_id=person_id))
    return tuple(tuple(frame) for frame in frames)


def _presence(steps: Sequence[Step]) -> float:
    return sum(step.sighting.box.width * step.sighting.box.height for step in steps)
