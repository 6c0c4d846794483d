"""Looking for people in one picture with the two networks: around a place, or in the whole frame.

A matte of the whole frame, its regions largest first, each looked at by the pose network. What is found so
counts only if both networks see a person there: each alone takes furniture for people. Only where that finds
nobody is a pose network believed alone that is certain and sees most of the body.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

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
CERTAIN_SCORE = 0.99
CERTAIN_SEEN = 0.5
"""Score and mean visibility from which the pose network is believed alone: furniture may have one, never both."""
MIN_DETAIL = 8.0
RIM_PX = 5
"""Contrast within a person, of 255, so far from the mask's rim, px of the network's square; a silhouette has none."""
SMALL_PX = 96
"""People smaller than this in the frame are small."""
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
class Find:
    """A person found: the last reading, the tight box, and the box for the next square."""

    reading: PoseReading
    box: Box
    framing: Box


class Looker:
    """Both networks, and how to ask them for people; holds nothing from one picture to the next."""

    def __init__(self) -> None:
        self._matte = MatteNetwork()
        self._pose = PoseNetwork()

    def look(self, rgb: UInt8[np.ndarray, "h w 3"], framing: Box, *, turn: int) -> Find | None:
        """Look around a box, again where the person sits badly in the square; None if nobody is there."""
        find = None
        for _ in range(MAX_LOOKS):
            reading = self._pose.read(rgb, square_around(framing, scale=SQUARE_SCALE), turn=turn)
            box = person_box(reading)
            if box is None or reading.score < MIN_SCORE or reading.landmarks[:, 3].mean() < MIN_SEEN:
                return None
            find = Find(reading=reading, box=box, framing=framing_box(reading, box))
            if _settled(framing, find.framing) and upright_turn(reading) == turn:
                break
            framing, turn = find.framing, upright_turn(reading)
        return find

    def search(self, rgb: UInt8[np.ndarray, "h w 3"]) -> list[Find]:
        """The people of the whole frame that stand apart from each other."""
        people: list[Find] = []
        for candidate in candidates(self.matte(rgb) > 0.5, rgb.shape[:2]):
            find = self.first_look(rgb, candidate)
            if find is None or any(overlap(find.box, known.box) > 0.5 for known in people):
                continue
            if self.confirms(rgb, find):
                people.append(find)
        return people or self._in_whole(rgb)

    def _in_whole(self, rgb: UInt8[np.ndarray, "h w 3"]) -> list[Find]:
        """Whom the pose network sees in the frame as a whole; the matte network fails in poor light."""
        height, width = rgb.shape[:2]
        find = self.first_look(rgb, Box(left=0.0, top=0.0, width=float(width), height=float(height)))
        if find is None:
            return []
        seen = _has_detail(rgb, find.reading) and (_is_certain(find) or self.agrees(rgb, find.reading))
        return [find] if seen else []

    def confirms(self, rgb: UInt8[np.ndarray, "h w 3"], find: Find) -> bool:
        """Whether somebody found in a region of the matte is a person.

        A small one of whom the pose network is certain needs no closer look: enlarged, there is nothing sharp in it
        that the matte network would know.
        """
        small = max(find.box.width, find.box.height) < SMALL_PX
        return (small and _is_certain(find)) or self.agrees(rgb, find.reading)

    def matte(self, rgb: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "a b"]:
        """Everybody in the picture, at the matte network's own resolution."""
        return self._matte.alpha(rgb, short_side=MATTE_SIZE)

    def first_look(self, rgb: UInt8[np.ndarray, "h w 3"], candidate: Box) -> Find | None:
        """Look at a region of the matte in all four turns; a person cut off below is looked at as a whole too."""
        framings = [candidate]
        if candidate.top + candidate.height > 0.98 * rgb.shape[0]:
            framings.append(replace(candidate, height=2 * candidate.height))
        for framing in framings:
            looks = [self.look(rgb, framing, turn=turn) for turn in range(4)]
            finds = [find for find in looks if find is not None]
            if finds:
                return max(finds, key=_plausibility)
        return None

    def agrees(self, rgb: UInt8[np.ndarray, "h w 3"], reading: PoseReading) -> bool:
        """Whether the matte network, looking at the same square, sees the same person."""
        crop = make_crop(reading.crop.full, reading.crop.box, width=MATTE_SIZE, height=MATTE_SIZE)
        matte = self._matte.alpha(cut_rgb(rgb, crop), short_side=MATTE_SIZE)[1::2, 1::2] > 0.5
        mask = reading.mask > 0.5
        main = largest_region(matte)
        shared_mask = (mask & matte).sum() / max(mask.sum(), 1)
        shared_main = (mask & main).sum() / max(main.sum(), 1)
        return bool(min(shared_mask, shared_main) > MIN_AGREEMENT)


def candidates(mask: Bool[np.ndarray, "a b"], shape: tuple[int, ...]) -> list[Box]:
    """Boxes of a mask's regions in the full frame of `shape`, largest region first."""
    labels, areas = regions(mask)
    scale_x, scale_y = shape[1] / mask.shape[1], shape[0] / mask.shape[0]
    boxes = []
    for label in np.flatnonzero(areas >= MIN_REGION * mask.size)[:MAX_CANDIDATES] + 1:
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


def _is_certain(find: Find) -> bool:
    """Whether the pose network may be believed alone."""
    reading = find.reading
    return reading.score > CERTAIN_SCORE and float(reading.landmarks[:, 3].mean()) > CERTAIN_SEEN


def _has_detail(rgb: UInt8[np.ndarray, "h w 3"], reading: PoseReading) -> bool:
    """Whether there is anything within the outline: a bright shape on the wall is nobody."""
    inside = cut_rgb(rgb, reading.crop)[ndimage.binary_erosion(reading.mask > 0.5, iterations=RIM_PX)]
    return bool(len(inside) and inside.std(axis=0).mean() > MIN_DETAIL)


def _plausibility(find: Find) -> float:
    """Score and share of the landmarks that are seen; upright wins where that is nearly even."""
    reading = find.reading
    return reading.score * float(reading.landmarks[:, 3].mean()) + (0.05 if reading.turn == 0 else 0.0)


def sighting_of(find: Find, frame: Frame, person_id: int = 1) -> Sighting:
    """What the stages after this one need of a find."""
    return Sighting(
        frame_index=frame.index,
        time_seconds=frame.time_seconds,
        person_id=person_id,
        box=find.box,
        score=find.reading.score,
        landmarks=find.reading.landmarks,
        world_landmarks=find.reading.world_landmarks,
    )
