"""From tracks to people, once the whole clip is known.

Where two people meet, whoever followed them may have mixed them up, so tracks are cut into pieces between
meetings. Ends are joined to beginnings all at once (Hungarian method), by the colours of the clothes and by where
people would have been; what was one track stays one unless that speaks against it. Then the steps of the meetings
are shared out. Nothing is joined over a cut.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from hd_core.person.colours import colour_distance, mean_colours
from hd_core.person.pieces import Piece, clear_pieces, palette
from hd_core.person.regions import overlap
from hd_core.person.track import Step
from hd_core.types import Box

LINK_SECONDS = 1.5
"""A person may be out of sight so long, meetings not counted."""
SPEED_SECONDS = 0.5
"""Speed is taken from so much of an end."""
MAX_SPEED = 3.0
"""Nobody strays from their path by more than one length of the body and so many a second."""
STAY_BONUS = 0.15
"""What speaks for two ends that were one track before."""
MAX_COST = 0.55
"""Ends that fit worse stay apart."""
COLOUR_WEIGHT = 0.6
"""What colours count against place; together 1."""
MIN_IN_BOX = 0.2
"""A person is in a box if the two overlap by more."""
ALIKE = 0.5
"""Colours that differ by less may be the same person's after a cut."""


def link_tracks(tracks: Sequence[Sequence[Step]], shot_of_place: Sequence[int]) -> list[list[Step]]:
    """The people: steps of each, in time.

    Args:
        tracks: Steps of those who were followed.
        shot_of_place: Number of the shot of every frame looked at.
    """
    pieces = clear_pieces(tracks, shot_of_place)
    if not pieces:
        return []
    person_of = _joined(pieces)
    people: dict[int, dict[int, Step]] = {}
    for piece, person in zip(pieces, person_of, strict=True):
        people.setdefault(person, {}).update({step.place: step for step in piece.steps})
    at = {(piece.track, piece.order): person for piece, person in zip(pieces, person_of, strict=True)}
    for piece, person in zip(pieces, person_of, strict=True):
        if (piece.track, piece.order - 1) not in at:
            _share_out(piece.unclear_before, person, person, people)
        _share_out(piece.unclear_after, person, at.get((piece.track, piece.order + 1), person), people)
    return [[steps[place] for place in sorted(steps)] for steps in people.values()]


def _joined(pieces: Sequence[Piece]) -> list[int]:
    """For every piece the number of its person."""
    costs = np.array([[_cost(end, beginning) for beginning in pieces] for end in pieces])
    person = list(range(len(pieces)))
    pairs = zip(*linear_sum_assignment(np.minimum(costs, MAX_COST)), strict=True)
    links = sorted((pieces[b].steps[0].place, int(e), int(b)) for e, b in pairs if costs[e, b] < MAX_COST)
    for _, end, beginning in links:
        person[beginning] = person[end]
    return person


def _share_out(steps: Sequence[Step], before: int, after: int, people: dict[int, dict[int, Step]]) -> None:
    """Give the steps of a meeting to the person before it or after it on the track, by colours or half and half."""
    for position, step in enumerate(steps):
        own = before if 2 * position < len(steps) else after
        if before != after and step.colours is not None:
            misfits = {person: colour_distance(step.colours, _colours_of(people[person])) for person in (before, after)}
            own = min(misfits, key=misfits.__getitem__)
        people[own].setdefault(step.place, step)


def _colours_of(steps: dict[int, Step]) -> np.ndarray:
    return mean_colours([step.colours for step in steps.values() if step.colours is not None])


def _cost(end: Piece, beginning: Piece) -> float:
    """How badly one piece goes on as another; infinite where it cannot."""
    last, first = end.steps[-1], beginning.steps[0]
    gap = beginning.since - end.until
    if end.shot != beginning.shot or last.place >= first.place or gap > LINK_SECONDS:
        return np.inf
    colours = colour_distance(palette(end, at_end=True), palette(beginning, at_end=False))
    box, expected = first.sighting.box, _expected_centre(end, first.sighting.time_seconds)
    size = max(box.width, box.height, last.sighting.box.width, last.sighting.box.height)
    away = float(np.linalg.norm(expected - _centre(first))) / size
    elapsed = first.sighting.time_seconds - last.sighting.time_seconds
    if away > 1 + MAX_SPEED * elapsed:
        return np.inf
    place = min(away / (0.5 + elapsed), 1.0)
    bonus = STAY_BONUS if end.track == beginning.track else 0.0
    return COLOUR_WEIGHT * colours + (1 - COLOUR_WEIGHT) * place - bonus


def _expected_centre(piece: Piece, time_seconds: float) -> np.ndarray:
    """Where the box would be at a time if it kept the speed of the piece's end."""
    last = piece.steps[-1]
    recent = [s for s in piece.steps if last.sighting.time_seconds - s.sighting.time_seconds <= SPEED_SECONDS]
    elapsed = last.sighting.time_seconds - recent[0].sighting.time_seconds
    if elapsed <= 0:
        return _centre(last)
    speed = (_centre(last) - _centre(recent[0])) / elapsed
    expected: np.ndarray = _centre(last) + speed * (time_seconds - last.sighting.time_seconds)
    return expected


def _centre(step: Step) -> np.ndarray:
    box = step.sighting.box
    return np.array([box.left + box.width / 2, box.top + box.height / 2])


def link_alike(people: Sequence[list[Step]], box: Box) -> list[Step]:
    """The person who is in a box at first, and, in the shots after, whoever looks most alike.

    Args:
        people: As `link_tracks` gives them.
        box: Full-frame px, in the first frame in which somebody is there.

    Returns:
        Steps in time; empty if nobody ever is in the box.
    """
    starts = [(steps[0].place, -overlap(steps[0].sighting.box, box), number) for number, steps in enumerate(people)]
    chosen = next((number for _, misfit, number in sorted(starts) if misfit < -MIN_IN_BOX), None)
    if chosen is None:
        return []
    told = list(people[chosen])
    rest = [steps for number, steps in enumerate(people) if number != chosen]
    while rest:
        colours = mean_colours([step.colours for step in told if step.colours is not None])
        later = [s for s in rest if s[0].place > told[-1].place]
        costs = [colour_distance(colours, mean_colours([x.colours for x in s if x.colours is not None])) for s in later]
        if not costs or min(costs) > ALIKE:
            break
        following = later[int(np.argmin(costs))]
        told += following
        rest = [steps for steps in rest if steps is not following]
    return told
