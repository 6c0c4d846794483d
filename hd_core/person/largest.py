"""The largest person of a clip, followed alone; a poster larger than the dancer gives way to the dancer.

Only if a search sees several people, the others are followed as well until the largest has moved.
"""

from hd_core.person.locate import NetworkLocator
from hd_core.person.looking import Looker
from hd_core.person.sighting import Sighting
from hd_core.person.still import MIN_SECONDS, MIN_SIGHTINGS, is_still
from hd_core.types import Frame

Trail = list[Sighting | None]


class Largest:
    """Follows the largest person; give it the frames in order.

    Attributes:
        others: The largest number of other people that a search has seen.
    """

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._trail: Trail = []
        self._begin()
        self._others = 0

    @property
    def others(self) -> int:
        """The largest number of other people that a search has seen."""
        return max(self._others, self._locator.others)

    def start_anew(self) -> None:
        """Forget who was followed: a new shot begins."""
        self._decide()
        self._others = self.others
        self._begin()

    def look(self, frame: Frame) -> None:
        """Take in the next frame."""
        seen = self._locator.locate(frame)
        self._trail.append(seen[0] if seen else None)
        for locator, trail in self._rivals:
            rival = locator.locate(frame)
            trail.append(rival[0] if rival else None)
        if not self._decided and not self._rivals:
            self._add_rivals()
        if self._rivals and self._enough():
            self._decide()

    def finish(self) -> Trail:
        """The person in every frame looked at; None where nobody is seen."""
        self._decide()
        return self._trail

    def _begin(self) -> None:
        self._locator = NetworkLocator(self._looker)
        self._rivals: list[tuple[NetworkLocator, Trail]] = []
        self._from = len(self._trail)
        self._decided = False

    def _add_rivals(self) -> None:
        """Those whom the last search saw beside the largest are followed from this frame on."""
        if self._locator.rivals:
            before: Trail = [None] * (len(self._trail) - 1 - self._from)
            self._rivals = [
                (NetworkLocator.following(self._looker, find), [*before, sighting])
                for find, sighting in self._locator.rivals
            ]

    def _enough(self) -> bool:
        seen = [sighting for sighting in self._trail[self._from :] if sighting is not None]
        return len(seen) >= MIN_SIGHTINGS and seen[-1].time_seconds - seen[0].time_seconds >= MIN_SECONDS

    def _decide(self) -> None:
        """Keep who is followed, or go over to the largest who moves if the one followed does not."""
        rivals, self._rivals, self._decided = self._rivals, [], bool(self._rivals)
        if not rivals or not is_still([s for s in self._trail[self._from :] if s is not None]):
            return
        moving = [pair for pair in rivals if _lasts(pair[1]) and not is_still([s for s in pair[1] if s is not None])]
        if moving:
            self._locator, trail = max(moving, key=lambda pair: _presence(pair[1]))
            self._trail[self._from :] = trail


def _lasts(trail: Trail) -> bool:
    return sum(sighting is not None for sighting in trail) >= MIN_SIGHTINGS


def _presence(trail: Trail) -> float:
    return sum(s.box.width * s.box.height for s in trail if s is not None)
