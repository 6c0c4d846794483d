"""Where the person is: found once with the matte network, then followed with the pose network.

First frame, and after a loss: a matte of the whole frame, its regions largest first, each looked at by the
pose network. Then: the square around the last box. A first find, and later a doubtful one, counts only if both
networks see a person there.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.errors import InputError
from hd_core.geometry.crop import cut_rgb, make_crop
from hd_core.person.modnet import MatteNetwork
from hd_core.person.pose import MIN_SCORE, PoseNetwork, PoseReading, framing_box, person_box, upright_turn
from hd_core.person.regions import largest_region, overlap, regions, square_around, tight_box
from hd_core.person.sighting import Sighting
from hd_core.types import Box, Frame

SQUARE_SCALE = 1.25
"""Side of the square that the pose network sees over the longer side of the person's box."""
SURE_SCORE = 0.9
"""Pose score from which a person who is followed needs no second opinion."""
MIN_SEEN = 0.2
"""Mean visibility of the landmarks under which nobody is there; a portrait shows a third of them."""
MIN_AGREEMENT = 0.5
"""Share of the pose mask that the matte must cover, and of the matte's main region that the mask must."""
MATTE_SIZE = 512
"""Shorter side of the pictures that the matte network is asked about, px."""
MIN_REGION = 0.001
"""Regions of the matte smaller than this share of the frame are not looked at."""
MAX_CANDIDATES = 6
MAX_LOOKS = 3
"""Looks per frame: the square is laid anew around what was seen until it stays."""


@dataclass(frozen=True, kw_only=True)
class _Find:
    """A person found: the last reading, the tight box, and the box for the next square."""

    reading: PoseReading
    box: Box
    framing: Box


class NetworkLocator:
    """Follows the largest person of a clip; give it the frames in order, and a new locator to every clip.

    Attributes:
        others: The largest number of other people that a search has seen.
    """

    def __init__(self) -> None:
        self._matte = MatteNetwork()
        self._pose = PoseNetwork()
        self._last: _Find | None = None
        self.others = 0

    def locate(self, frame: Frame) -> list[Sighting]:
        """The person in this frame; an empty list if nobody is there."""
        self._last = self._follow(frame.rgb) or self._search(frame.rgb)
        if self._last is None:
            return []
        reading = self._last.reading
        return [
            Sighting(
                frame_index=frame.index,
                time_seconds=frame.time_seconds,
                person_id=1,
                box=self._last.box,
                score=reading.score,
                landmarks=reading.landmarks,
                world_landmarks=reading.world_landmarks,
            )
        ]

    def _follow(self, rgb: UInt8[np.ndarray, "h w 3"]) -> "_Find | None":
        """The person near where it was; in doubt the matte network is asked too."""
        if self._last is None:
            return None
        find = self._look(rgb, self._last.framing, turn=self._last.reading.turn)
        doubtful = find is not None and find.reading.score < SURE_SCORE
        return None if doubtful and find is not None and not self._agrees(rgb, find.reading) else find

    def _look(self, rgb: UInt8[np.ndarray, "h w 3"], framing: Box, *, turn: int) -> "_Find | None":
        """Look around a box, again where the person sits badly in the square; None if nobody is there."""
        find = None
        for _ in range(MAX_LOOKS):
            reading = self._pose.read(rgb, square_around(framing, scale=SQUARE_SCALE), turn=turn)
            box = person_box(reading)
            if box is None or reading.score < MIN_SCORE or reading.landmarks[:, 3].mean() < MIN_SEEN:
                return None
            find = _Find(reading=reading, box=box, framing=framing_box(reading, box))
            if _settled(framing, find.framing) and upright_turn(reading) == turn:
                break
            framing, turn = find.framing, upright_turn(reading)
        return find

    def _search(self, rgb: UInt8[np.ndarray, "h w 3"]) -> "_Find | None":
        """The largest person of the whole frame; counts the others."""
        people: list[_Find] = []
        for candidate in _candidates(self._matte.alpha(rgb, short_side=MATTE_SIZE), rgb.shape[:2]):
            find = self._first_look(rgb, candidate)
            if find is None or any(overlap(find.box, known.box) > 0.5 for known in people):
                continue
            if self._agrees(rgb, find.reading):
                people.append(find)
        self.others = max(self.others, len(people) - 1)
        return max(people, key=lambda find: find.box.width * find.box.height, default=None)

    def _first_look(self, rgb: UInt8[np.ndarray, "h w 3"], candidate: Box) -> "_Find | None":
        """Look at a region of the matte in all four turns; a person cut off below is looked at as a whole too."""
        framings = [candidate]
        if candidate.top + candidate.height > 0.98 * rgb.shape[0]:
            framings.append(replace(candidate, height=2 * candidate.height))
        for framing in framings:
            looks = [self._look(rgb, framing, turn=turn) for turn in range(4)]
            finds = [find for find in looks if find is not None]
            if finds:
                return max(finds, key=_plausibility)
        return None

    def _agrees(self, rgb: UInt8[np.ndarray, "h w 3"], reading: PoseReading) -> bool:
        """Whether the matte network, looking at the same square, sees the same person."""
        crop = make_crop(reading.crop.full, reading.crop.box, width=MATTE_SIZE, height=MATTE_SIZE)
        matte = self._matte.alpha(cut_rgb(rgb, crop), short_side=MATTE_SIZE)[1::2, 1::2] > 0.5
        mask = reading.mask > 0.5
        main = largest_region(matte)
        shared_mask = (mask & matte).sum() / max(mask.sum(), 1)
        shared_main = (mask & main).sum() / max(main.sum(), 1)
        return bool(min(shared_mask, shared_main) > MIN_AGREEMENT)


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


def _candidates(alpha: Float[np.ndarray, "a b"], shape: tuple[int, ...]) -> list[Box]:
    """Boxes of the matte's regions in the full frame of `shape`, largest region first."""
    labels, areas = regions(alpha > 0.5)
    scale_x, scale_y = shape[1] / alpha.shape[1], shape[0] / alpha.shape[0]
    boxes = []
    for label in np.flatnonzero(areas >= MIN_REGION * alpha.size)[:MAX_CANDIDATES] + 1:
        box = tight_box(labels == label)
        if box is not None:
            boxes.append(_scaled(box, scale_x, scale_y))
    return boxes


def _scaled(box: Box, x: float, y: float) -> Box:
    return Box(left=box.left * x, top=box.top * y, width=box.width * x, height=box.height * y)


def _settled(laid: Box, found: Box) -> bool:
    """Whether a square laid around `laid` still frames `found` well: within 6 % of its side everywhere."""
    side = max(laid.width, laid.height)
    edges = [
        laid.left - found.left,
        laid.top - found.top,
        laid.left + laid.width - found.left - found.width,
        laid.top + laid.height - found.top - found.height,
    ]
    return max(map(abs, edges)) < 0.06 * side


def _plausibility(find: _Find) -> float:
    """Score and share of the landmarks that are seen; upright wins where that is nearly even."""
    reading = find.reading
    return reading.score * float(reading.landmarks[:, 3].mean()) + (0.05 if reading.turn == 0 else 0.0)
