"""Everybody in a clip, followed frame by frame: cheap looks at those who are known, a search now and then.

Those who are known look first. Finds that coincide are one person; each goes to the person whom it fits best
(Hungarian method). Whoever is left without looks again at the picture with the others taken away.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from hd_core.person.colours import Colours, clothes_colours
from hd_core.person.looking import SURE_SCORE, Find, Looker, sighting_of
from hd_core.person.regions import overlap
from hd_core.person.searching import search_everybody
from hd_core.person.taking import shared_mask, taken_away
from hd_core.person.track import Step, Track
from hd_core.types import Box, Frame

SEARCH_SECONDS = 0.5
"""New people are looked for at least so often."""
LOST_SECONDS = 1.0
"""So long a lost person is looked for where they would be."""
SAME_MASK = 0.6
"""Finds that share this much of the smaller mask are one person."""
NEAR = 0.05
"""Boxes that overlap by this share belong to people whose colours may be mixed up."""
MAX_MISFIT = 0.6
"""A find that fits worse than this is somebody else."""
LOST_MISFIT = 0.5
"""The same for somebody who was lost."""


class Crowd:
    """Follows everybody; give it the frames in order.

    Args:
        looker: The networks.
        box: Somebody whom the user sees there in the first frame, full-frame px.

    Attributes:
        tracks: Everybody seen so far, as pieces that hold together; `linking` makes people of them.
    """

    def __init__(self, looker: Looker, *, box: Box | None = None) -> None:
        self.tracks: list[Track] = []
        self._looker = looker
        self._box = box
        self._live: list[Track] = []
        self._place = -1
        self._searched = -np.inf

    def start_anew(self) -> None:
        """Forget where everybody is: a new shot begins."""
        self._live, self._searched = [], -np.inf

    def look(self, frame: Frame) -> None:
        """Take in the next frame."""
        self._place += 1
        time = frame.time_seconds
        self._live = [track for track in self._live if self._gap(track, time) <= LOST_SECONDS]
        held = self._follow(frame)
        if self._box is not None and not self.tracks:
            find = self._looker.first_look(frame.rgb, self._box)
            if find is not None and overlap(find.box, self._box) > NEAR:
                held[self._new_track(find)] = find
        lost_now = any(self._is_current(track) and track not in held for track in self._live)
        if lost_now or time - self._searched >= SEARCH_SECONDS - 1e-6:
            self._searched = time
            for find in search_everybody(self._looker, frame.rgb, [find.reading for find in held.values()]):
                held[self._track_of(find, frame, held)] = find
        self._note(frame, held)

    def _follow(self, frame: Frame) -> dict[Track, Find]:
        """Those who are found again near where they were."""
        looks = [(track, self._look_for(track, frame, ())) for track in self._live if self._is_current(track)]
        finds = _different([find for _, find in looks if find is not None])
        held = self._assign([track for track, _ in looks], finds, frame, MAX_MISFIT)
        for track in self._live:
            if track not in held:
                find = self._look_for(track, frame, list(held.values()))
                limit = MAX_MISFIT if self._is_current(track) else LOST_MISFIT
                if find is not None:
                    held |= self._assign([track], [find], frame, limit)
        return held

    def _look_for(self, track: Track, frame: Frame, others: Sequence[Find]) -> Find | None:
        """Look where a person should be, with the others taken away; in doubt the matte network is asked too."""
        framing = track.framing(frame.time_seconds)
        near = [find.reading for find in others if overlap(find.framing, framing) > 0]
        picture = taken_away(frame.rgb, near)
        find = self._looker.look(picture, framing, turn=track.find.reading.turn)
        if find is None or any(shared_mask(find.reading, other) > SAME_MASK for other in near):
            return None
        sure = find.reading.score >= SURE_SCORE and self._is_current(track) and not near
        return find if sure or self._looker.agrees(picture, find.reading) else None

    def _assign(self, tracks: Sequence[Track], finds: Sequence[Find], frame: Frame, limit: float) -> dict[Track, Find]:
        """Each find to the person whom it fits best, all in all."""
        if not tracks or not finds:
            return {}
        colours = [_colours(frame, find, finds) for find in finds]
        seen = list(zip(finds, colours, strict=True))
        costs = np.array([[track.misfit(*pair, frame.time_seconds) for pair in seen] for track in tracks])
        rows, columns = linear_sum_assignment(np.minimum(costs, limit))
        return {tracks[r]: finds[c] for r, c in zip(rows, columns, strict=True) if costs[r, c] < limit}

    def _track_of(self, find: Find, frame: Frame, held: dict[Track, Find]) -> Track:
        """Who was found in a search: somebody who is missing, or somebody new."""
        missing = [track for track in self._live if track not in held and track.steps]
        colours = _colours(frame, find, list(held.values()))
        misfits = [track.misfit(find, colours, frame.time_seconds) for track in missing]
        if misfits and min(misfits) < LOST_MISFIT:
            return missing[int(np.argmin(misfits))]
        return self._new_track(find)

    def _new_track(self, find: Find) -> Track:
        track = Track(find=find)
        self.tracks.append(track)
        self._live.append(track)
        return track

    def _note(self, frame: Frame, held: dict[Track, Find]) -> None:
        for track, find in held.items():
            others = [other for other in held.values() if other is not find]
            alone = not any(overlap(find.box, other.box) > NEAR for other in others)
            colours = _colours(frame, find, others) if alone or not track.steps else None
            track.add(Step(place=self._place, sighting=sighting_of(find, frame), colours=colours), find)

    def _is_current(self, track: Track) -> bool:
        """Whether a person was seen in the frame before."""
        return not track.steps or track.steps[-1].place == self._place - 1

    def _gap(self, track: Track, time_seconds: float) -> float:
        if not track.steps or self._is_current(track):
            return 0.0
        return time_seconds - track.steps[-1].sighting.time_seconds


def _colours(frame: Frame, find: Find, others: Sequence[Find]) -> Colours:
    near = [o.reading for o in others if o is not find and overlap(o.box, find.box) > 0]
    return clothes_colours(frame.rgb, find.reading, near)


def _different(finds: Sequence[Find]) -> list[Find]:
    """Each person once: of finds that coincide, the surest."""
    kept: list[Find] = []
    for find in sorted(finds, key=lambda f: -f.reading.score * float(f.reading.landmarks[:, 3].mean())):
        if all(shared_mask(find.reading, other.reading) <= SAME_MASK for other in kept):
            kept.append(find)
    return kept
