"""First pass over the clip: who is where, in every frame; and who of them is meant.

Whoever is chosen of all people, everybody is looked for; so another id costs no second search.
"""

import hashlib
import json
from collections.abc import Iterator

from hd_core.errors import InputError
from hd_core.person.cuts import CutFinder
from hd_core.person.finder import PeopleFinder
from hd_core.person.locate import locate_in_box, locate_in_mask
from hd_core.person.people import People
from hd_core.person.sighting import Sighting
from hd_core.pipeline.given import Pictures
from hd_core.pipeline.job import Job
from hd_core.pipeline.options import PersonOptions
from hd_core.pipeline.sightings import SCHEMA, known_people, write_people
from hd_core.pipeline.whom import Whom
from hd_core.progress import check_cancelled
from hd_core.ranges import frame_ranges, ranges_text
from hd_core.runfolder import RunFolder
from hd_core.types import Box, Frame

AFTER_FINDING = ("person", "tier", "size", "margin", "crop")
"""Options of the person stage that only say what is done with those who were found."""
MOST_NAMED = 12
"""People that a message lists."""


def find_people(job: Job, pictures: Pictures, frames: range, options: PersonOptions) -> People:
    """Everybody in the frames who may be meant; read from the run folder if they were found before.

    Raises:
        InputError: The clip cannot be read.
        CancelledError: The user asked to stop.
    """
    digest = _digest(job.run, options.whom)
    known = known_people(job.run, digest)
    if known is not None:
        return known
    finder = None if pictures.have_mattes or options.box else _finder(options.whom)
    cuts, times, given = CutFinder(), list[float](), list[tuple[Sighting, ...]]()
    for done, (frame, alpha) in enumerate(pictures.read(frames)):
        check_cancelled(job.progress)
        job.progress.step("find", done, len(frames))
        times.append(frame.time_seconds)
        if finder is not None:
            finder.look(frame)
            continue
        cuts.is_cut(frame.index, frame.rgb)
        if options.box:
            given.append(tuple(_in_box(frame, options.box)))
        elif alpha is not None:
            given.append(tuple(locate_in_mask(frame.index, frame.time_seconds, alpha)))
    people = finder.finish() if finder else People(sightings=tuple(given), cuts=tuple(cuts.cuts))
    if finder:
        _tell_of_others(job, finder, options.whom)
    job.progress.step("find", len(frames), len(frames))
    write_people(job.run, people, times, digest=digest)
    return people


def chosen(people: People, frames: range, whom: Whom, clip_name: str) -> list[int]:
    """Ids of those who are meant.

    Raises:
        InputError: Nobody is there, or not the one who is meant.
    """
    if not people.ids:
        raise _nobody(frames, whom, clip_name)
    if whom.only is None:
        return list(people.ids)
    if whom.only not in people.ids:
        raise InputError(
            f"There is no person {whom.only} in {clip_name}; there are {_roll(people, frames)}.",
            "Give one of these ids, or all.",
        )
    return [whom.only]


def _finder(whom: Whom) -> PeopleFinder:
    box = None
    if whom.place is not None:
        left, top, width, height = whom.place
        box = Box(left=left, top=top, width=width, height=height)
    return PeopleFinder(everybody=whom.everybody, box=box)


def _tell_of_others(job: Job, finder: PeopleFinder, whom: Whom) -> None:
    """Who was seen and is not taken."""
    if finder.others:
        kept = "the largest" if whom.place is None else "the one in that place"
        job.warn(f"{finder.others + 1} people seen; {kept} is kept. --person all takes everybody.")
    if finder.left_out:
        job.warn(f"Left out: {finder.left_out} seen who never move while somebody does, as on a poster.")


def _in_box(frame: Frame, edges: tuple[float, float, float, float]) -> list[Sighting]:
    left, top, width, height = edges
    box = Box(left=left, top=top, width=width, height=height)
    rows, columns = frame.rgb.shape[:2]
    return locate_in_box(frame.index, frame.time_seconds, box, width=columns, height=rows)


def _digest(run: RunFolder, whom: Whom) -> str:
    """Of all that decides who is found where."""
    options = {name: value for name, value in run.options("person").items() if name not in AFTER_FINDING}
    text = json.dumps([SCHEMA, options, whom.everybody, whom.place], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _nobody(frames: range, whom: Whom, clip_name: str) -> InputError:
    if whom.place is not None:
        place = ",".join(f"{edge:g}" for edge in whom.place)
        return InputError(
            f"No person found at {place} in the first picture of {clip_name}, frame {frames[0]}.",
            "Give the box of the person in that picture, or begin elsewhere with --frames.",
        )
    return InputError(
        f"No person found in {ranges_text([[frames[0], frames[-1]]])} of {clip_name}.",
        "Name the place with --box, or give a mask with --mask.",
    )


def _roll(people: People, frames: range) -> str:
    """`1 (frames 0 to 47), 2 (frames 3 to 20, 25)`."""
    named = people.ids[:MOST_NAMED]
    more = f" and {len(people.ids) - MOST_NAMED} more" if len(people.ids) > MOST_NAMED else ""
    return ", ".join(f"{one} ({ranges_text(_seen(people, one, frames))})" for one in named) + more


def _seen(people: People, person_id: int, frames: range) -> Iterator[list[int]]:
    indices = [s.frame_index for s in people.of(person_id) if s is not None]
    return iter(frame_ranges(indices, frames))
