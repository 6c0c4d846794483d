"""sightings.json: who was found where. Its form is known here alone."""

from collections.abc import Sequence
from typing import Any

from hd_core.person.people import People
from hd_core.person.sighting import Sighting
from hd_core.runfolder import RunFolder

SIGHTINGS = "sightings.json"
SCHEMA = 2


def write_people(run: RunFolder, people: People, times: Sequence[float], *, digest: str) -> None:
    """Remember who was found in the frames that are used, and when those frames are shown.

    Args:
        run: The folder.
        people: Everybody.
        times: Presentation time of every frame that is used, seconds.
        digest: Of all that decides who is found where.
    """
    frames = [[sighting.to_dict() for sighting in frame] for frame in people.sightings]
    known = {"schema": SCHEMA, "digest": digest, "times": list(times), "cuts": list(people.cuts), "people": frames}
    run.write_json(SIGHTINGS, known)


def known_people(run: RunFolder, digest: str) -> People | None:
    """Everybody, if they were looked for in the same way before."""
    if not (run.path / SIGHTINGS).exists():
        return None
    data = run.read_json(SIGHTINGS)
    return _from_json(data) if data["digest"] == digest else None


def read_people(run: RunFolder) -> People:
    """Everybody who was looked for and found.

    Raises:
        InputError: Nobody was looked for yet.
    """
    return _from_json(run.read_json(SIGHTINGS))


def read_times(run: RunFolder) -> list[float]:
    """Presentation time of every frame that is used, seconds.

    Raises:
        InputError: The clip was not looked at yet.
    """
    times: list[float] = run.read_json(SIGHTINGS)["times"]
    return times


def _from_json(data: dict[str, Any]) -> People:
    if "people" in data:
        frames, cuts = data["people"], data["cuts"]
    else:  # written before there were several people
        frames, cuts = [[one] if one else [] for one in data["sightings"]], []
    return People(sightings=tuple(tuple(map(Sighting.from_dict, frame)) for frame in frames), cuts=tuple(cuts))
