"""The one person of a clip that is followed: seen by the networks, or given as a mask or a box."""

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.person.looking import SURE_SCORE, Find, Looker, sighting_of
from hd_core.person.regions import largest_region, tight_box
from hd_core.person.sighting import Sighting
from hd_core.types import Box, Frame


class NetworkLocator:
    """Follows the largest person of a clip; give it the frames in order, and a new locator to every clip.

    Args:
        looker: The networks; new ones if none is given.

    Attributes:
        others: The largest number of other people that a search has seen.
        rivals: Those whom a search saw in the last frame beside the person, largest first; empty without a search.
    """

    def __init__(self, looker: Looker | None = None) -> None:
        self._looker = looker or Looker()
        self._last: Find | None = None
        self._searches = True
        self.others = 0
        self.rivals: list[tuple[Find, Sighting]] = []

    @classmethod
    def following(cls, looker: Looker, find: Find) -> "NetworkLocator":
        """One that follows a person who was found, and looks for nobody else once that one is lost."""
        locator = cls(looker)
        locator._last, locator._searches = find, False
        return locator

    def locate(self, frame: Frame) -> list[Sighting]:
        """The person in this frame; an empty list if nobody is there."""
        self.rivals = []
        found = self._follow(frame)
        if found is None and self._searches:
            found = self._search(frame)
        self._last = found
        return [] if found is None else [sighting_of(found, frame)]

    def _follow(self, frame: Frame) -> Find | None:
        """The person near where it was; in doubt the matte network is asked too."""
        if self._last is None:
            return None
        find = self._looker.look(frame.rgb, self._last.framing, turn=self._last.reading.turn)
        doubtful = find is not None and find.reading.score < SURE_SCORE
        return None if doubtful and find is not None and not self._looker.agrees(frame.rgb, find.reading) else find

    def _search(self, frame: Frame) -> Find | None:
        """The largest person of the whole frame; counts the others."""
        people = sorted(self._looker.search(frame.rgb), key=lambda find: -find.box.width * find.box.height)
        self.others = max(self.others, len(people) - 1)
        self.rivals = [(find, sighting_of(find, frame)) for find in people[1:]]
        return people[0] if people else None


def locate_in_mask(frame_index: int, time_seconds: float, alpha: Float[np.ndarray, "h w"]) -> list[Sighting]:
    """The person of a given matte: its largest connected region above one half; empty if there is none."""
    box = tight_box(largest_region(alpha > 0.5))
    return [] if box is None else [_given(frame_index, time_seconds, box)]


def locate_in_box(frame_index: int, time_seconds: float, box: Box, *, width: int, height: int) -> list[Sighting]:
    """The person in a box that the user gave, cut to the frame.

    Args:
        frame_index: Position of the frame in the source.
        time_seconds: Its presentation time.
        box: Full-frame px.
        width: Of the frame, px.
        height: Of the frame, px.

    Raises:
        InputError: The box lies outside the frame.
    """
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    right, bottom = min(box.left + box.width, float(width)), min(box.top + box.height, float(height))
    if right <= left or bottom <= top:
        raise InputError(
            f"The box {box.left:g},{box.top:g},{box.width:g},{box.height:g} lies outside the frame; "
            f"expected it within {width} x {height} px.",
            "Give --box left top width height in pixels of the frame.",
        )
    inner = Box(left=left, top=top, width=right - left, height=bottom - top)
    return [_given(frame_index, time_seconds, inner)]


def _given(frame_index: int, time_seconds: float, box: Box) -> Sighting:
    return Sighting(frame_index=frame_index, time_seconds=time_seconds, person_id=1, box=box, score=1.0)
