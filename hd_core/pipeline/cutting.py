"""One person cut out of frame after frame: the crop, the matte, and the wait until the matte is final.

A final matte knows of the frames beside it, so a view is written later than its frame is read. A view that has to be
made again after an interruption needs the frames beside it too, or it would not get the same bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.geometry.crop import cut_plane, cut_rgb
from hd_core.person.matte import Matter
from hd_core.person.people import People
from hd_core.person.sighting import Sighting
from hd_core.person.steady import SteadyMattes
from hd_core.types import Crop, Frame, View

REACH = 1
"""Frames to either side that a final matte knows of."""
APART_S = 0.15
"""Frames farther apart than this show another pose: what lasts one of them only is no fault."""
Place = tuple[int, int]
"""Number of a stretch, and which frame of it."""


@dataclass(frozen=True, kw_only=True)
class CutPlan:
    """What is to be cut out of a clip for one person.

    Args:
        person_id: Whom.
        crops: Of every source frame the person is in.
        seen: Everybody in every source frame.
        places: Where each of the person's frames lies: frames of one stretch follow each other soon, with neither
            gap nor cut.
        missing: Frames whose view has to be made.
        wanted: Those, and the ones that their mattes need.
    """

    person_id: int
    crops: Mapping[int, Crop]
    seen: Mapping[int, tuple[Sighting, ...]]
    places: Mapping[int, Place]
    missing: frozenset[int]
    wanted: frozenset[int]


def plan_cut(
    people: People,
    person_id: int,
    crops: Mapping[int, Crop],
    frames: range,
    missing: Iterable[int],
    *,
    steady: bool,
) -> CutPlan:
    """Plan one person's views.

    Args:
        people: Everybody of the clip.
        person_id: Whom.
        crops: Of every source frame the person is in.
        frames: All source frames that are used.
        missing: Frames whose view has to be made.
        steady: Mattes are steadied over neighbouring frames.
    """
    places = _places(crops, dict(zip(frames, people.of(person_id), strict=True)), people.cuts)
    gone = frozenset(missing)
    at = {place: index for index, place in places.items()}
    beside = (places[index] for index in gone) if steady else ()
    near = {at.get((stretch, number + step)) for stretch, number in beside for step in range(-REACH, REACH + 1)}
    return CutPlan(
        person_id=person_id,
        crops=crops,
        seen=dict(zip(frames, people.sightings, strict=True)),
        places=places,
        missing=gone,
        wanted=gone | {index for index in near if index is not None},
    )


class Cutter:
    """Makes one person's views; give it all frames in order, then finish.

    Args:
        plan: What is to be made.
        matter: Gives what makes mattes; asked for only where none comes with a frame.
        write: Stores a view.
    """

    def __init__(self, plan: CutPlan, matter: Callable[[], Matter], write: Callable[[View], None]) -> None:
        self._plan, self._matter, self._write = plan, matter, write
        self._steady = SteadyMattes()
        self._waiting: dict[int, View] = {}
        self._next: Place | None = None

    def take(self, frame: Frame, alpha: Float[np.ndarray, "h w"] | None) -> None:
        """Look at the next frame; writes those views that are final by it."""
        place = self._plan.places.get(frame.index) if frame.index in self._plan.wanted else None
        if place is None or place != self._next:
            self.finish()
        if place is None:
            return
        self._next = place[0], place[1] + 1
        view = self._cut(frame, alpha)
        if alpha is not None:
            self._write(view)
        else:
            self._waiting[frame.index] = view
            self._store(self._steady.push(frame.index, view.crop, view.alpha, rgb=view.rgb))

    def finish(self) -> None:
        """Write what still waits: what comes next does not go on from it."""
        self._store(self._steady.flush())
        self._next = None

    def _cut(self, frame: Frame, alpha: Float[np.ndarray, "h w"] | None) -> View:
        crop = self._plan.crops[frame.index]
        rgb = cut_rgb(frame.rgb, crop)
        matte = self._matte(rgb, crop, frame.index) if alpha is None else cut_plane(alpha, crop)
        return View(
            rgb=rgb,
            alpha=_unit(matte),
            crop=crop,
            frame_index=frame.index,
            time_seconds=frame.time_seconds,
            person_id=self._plan.person_id,
        )

    def _matte(self, rgb: UInt8[np.ndarray, "a b 3"], crop: Crop, index: int) -> Float[np.ndarray, "a b"]:
        """What of the crop is this person and nobody else in the frame."""
        everybody = self._plan.seen[index]
        (own,) = (one for one in everybody if one.person_id == self._plan.person_id)
        others = [one for one in everybody if one is not own]
        return self._matter().alpha(rgb, crop=crop, box=own.box, others=others)

    def _store(self, final: Iterable[tuple[int, Float[np.ndarray, "h w"]]]) -> None:
        for index, alpha in final:
            view = self._waiting.pop(index)
            if index in self._plan.missing:
                self._write(replace(view, alpha=_unit(alpha)))


def _places(crops: Iterable[int], seen: Mapping[int, Sighting | None], cuts: Iterable[int]) -> dict[int, Place]:
    """Where in its stretch each frame of the person lies."""
    present, begins, places = set(crops), set(cuts), dict[int, Place]()
    stretch, number, last_s = 0, 0, -np.inf
    for index, sighting in seen.items():
        time_s = sighting.time_seconds if sighting is not None else np.inf
        if index not in present or index in begins or time_s - last_s > APART_S:
            stretch, number = stretch + 1, 0
        if index in present:
            places[index] = (stretch, number)
            number, last_s = number + 1, time_s
    return places


def _unit(alpha: Float[np.ndarray, "a b"]) -> Float[np.ndarray, "a b"]:
    clipped: np.ndarray = np.clip(alpha, 0, 1).astype(np.float32)
    return clipped
