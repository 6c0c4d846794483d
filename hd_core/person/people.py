"""Everybody of a clip: who is seen in which frame, by ids that hold over the clip."""

from dataclasses import dataclass

from hd_core.errors import InputError
from hd_core.person.sighting import Sighting


@dataclass(frozen=True, kw_only=True)
class People:
    """The people of a clip, after the whole clip was seen.

    Args:
        sightings: Who is seen in each frame looked at, in the order of the frames; within a frame by id. Ids
            run from 1 by falling presence: the sum of the box's area over the frames.
        cuts: Source frames that begin a new shot, increasing; never the first frame.
    """

    sightings: tuple[tuple[Sighting, ...], ...]
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for frame in self.sightings:
            ids = [sighting.person_id for sighting in frame]
            if ids != sorted(set(ids)):
                raise InputError(f"Found people {ids} in one frame; expected each id once, in rising order.")
        if list(self.cuts) != sorted(set(self.cuts)):
            raise InputError(f"Found cuts {list(self.cuts)}; expected them once each, in rising order.")

    @property
    def ids(self) -> tuple[int, ...]:
        """Everybody who is seen at all."""
        return tuple(sorted({sighting.person_id for frame in self.sightings for sighting in frame}))

    def of(self, person_id: int) -> list[Sighting | None]:
        """One person over all frames looked at; None where that person is not seen."""
        return [next((s for s in frame if s.person_id == person_id), None) for frame in self.sightings]
