"""Tracks cut into pieces in which it is clear who is followed: between meetings, and between cuts."""

from collections.abc import Sequence
from dataclasses import dataclass

from hd_core.person.colours import Colours, mean_colours
from hd_core.person.regions import overlap
from hd_core.person.track import Step

MEETING = 0.1
"""Boxes that overlap by more meet; so does somebody who stands where another was lost."""
PALETTE_SECONDS = 1.0
"""The colours of an end are those of so much of it."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Steps of one person without a doubt in between.

    Args:
        steps: In time.
        unclear_before: Steps of the meeting before it.
        unclear_after: Steps of the meeting after it.
        track: Number of the track it was cut from.
        order: Its place among the pieces of that track.
        shot: Number of the shot.
    """

    steps: tuple[Step, ...]
    unclear_before: tuple[Step, ...] = ()
    unclear_after: tuple[Step, ...] = ()
    track: int
    order: int
    shot: int

    @property
    def since(self) -> float:
        """Time from which the track was followed to this piece, meeting included."""
        return (self.unclear_before or self.steps)[0].sighting.time_seconds

    @property
    def until(self) -> float:
        """Time up to which the track was followed from this piece, meeting included."""
        return (self.unclear_after or self.steps)[-1].sighting.time_seconds


def clear_pieces(tracks: Sequence[Sequence[Step]], shot_of_place: Sequence[int]) -> list[Piece]:
    """All tracks, cut up.

    Args:
        tracks: Steps of those who were followed, each in time.
        shot_of_place: Number of the shot of every frame looked at.
    """
    pieces = []
    for number, steps in enumerate(tracks):
        unclear = _meetings(steps, [other for other in tracks if other is not steps])
        order = 0
        for shot in sorted({shot_of_place[step.place] for step in steps}):
            part = [step for step in steps if shot_of_place[step.place] == shot]
            for before, clear, after in _runs(part, unclear):
                pieces.append(
                    Piece(
                        steps=tuple(clear),
                        unclear_before=tuple(before),
                        unclear_after=tuple(after),
                        track=number,
                        order=order,
                        shot=shot,
                    )
                )
                order += 1
            order += 1  # what is on both sides of a cut does not go on
    return pieces


def palette(piece: Piece, *, at_end: bool) -> Colours:
    """Colours of the last or the first second that tells."""
    told = [(step.sighting.time_seconds, step.colours) for step in piece.steps if step.colours is not None]
    if not told:
        return mean_colours([])
    pivot = told[-1 if at_end else 0][0]
    return mean_colours([colours for time, colours in told if abs(time - pivot) <= PALETTE_SECONDS])


def _runs(steps: Sequence[Step], unclear: set[int]) -> list[tuple[list[Step], list[Step], list[Step]]]:
    """Clear stretches between the unclear ones before and after them; the whole, where nothing is clear."""
    if all(step.place in unclear for step in steps):
        return [([], list(steps), [])]
    found: list[tuple[list[Step], list[Step], list[Step]]] = [([], [], [])]
    for step in steps:
        before, clear, after = found[-1]
        if step.place in unclear:
            (after if clear else before).append(step)
        elif after:
            found.append((after, [step], []))
        else:
            clear.append(step)
    return found


def _meetings(steps: Sequence[Step], others: Sequence[Sequence[Step]]) -> set[int]:
    """Places at which somebody else is, or may be hidden, where this person is."""
    unclear = set()
    for other in others:
        theirs = {step.place: step for step in other}
        for step in steps:
            if step.place in theirs:
                near = overlap(step.sighting.box, theirs[step.place].sighting.box) > MEETING
            else:
                near = _hides(step, other)
            if near:
                unclear.add(step.place)
    return unclear


def _hides(step: Step, other: Sequence[Step]) -> bool:
    """Whether somebody who is not seen now may be behind this person: lost here, and seen again near."""
    before = [s for s in other if s.place < step.place]
    after = [s for s in other if s.place > step.place]
    ends = [s for s in (before[-1:] + after[:1]) if abs(s.sighting.time_seconds - step.sighting.time_seconds) <= 1.0]
    return any(overlap(step.sighting.box, s.sighting.box) > MEETING for s in ends)
