"""The person's soft matte in a crop: what MODNet sees, as far as BlazePose agrees that it is this person.

MODNet draws fingers, hair and motion blur, but takes along what the person touches, and other people. BlazePose
knows the one person, but coarsely. So the matte is MODNet's near BlazePose's mask and nothing elsewhere. All
lengths are shares of the side of the square that the networks look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

from hd_core.geometry.crop import cut_rgb, make_crop, paste_plane
from hd_core.person.modnet import MatteNetwork
from hd_core.person.owners import claim, nearer, theirs
from hd_core.person.pose import MIN_SCORE, PoseNetwork, PoseReading, inside_frame, person_box, upright_turn
from hd_core.person.regions import fill_pinholes, overlap, regions, square_around
from hd_core.person.sighting import Sighting
from hd_core.person.taking import mask_in, taken_away
from hd_core.types import Box, Camera, Crop

WORK_SIZE = 512
"""Side of the picture that MODNet sees, px. Smaller ones add background, larger ones lose legs (measured)."""
NEAR = 0.012
"""As far as this from BlazePose's mask MODNet is believed in full."""
FAR = 0.024
"""Beyond this it is not believed at all: the reach of fingers and hair that BlazePose leaves out."""
SURE = 0.9
"""BlazePose's probability from which its word counts against MODNet's."""
LOST_RADIUS = 0.006
"""A part that MODNet lost (a blurred hand, a dark sleeve) is thicker than this; mere edges are thinner."""
MAX_PINHOLE = 1e-4
"""Holes up to this share of the square's area are closed."""
NO_TRUST = 0.7
FULL_TRUST = 0.85
"""Overlap (IoU) of MODNet's and BlazePose's masks from which MODNet is believed: not at all below the first, and in
full from the second."""
AROUND = 0.08
"""What MODNet sees further from the person than this, a share of the side, says nothing about it."""
WIDER = (1.3, 1.5)
"""Squares that are looked at as well, in sides of the first: a body that fills the square loses legs and skirts."""
ROOM = 0.03
"""Wider looks count so far around the place where the person is known to be, in its longer sides."""
LOW = 0.97
"""A person who reaches below this share of the crop's height is cut off below."""
WHOLE_CROP_SHARE = 0.6
"""A person who fills less of the crop than this is looked at in a square of its own."""


class Tier(StrEnum):
    """How much work a matte is worth: MODNet and BlazePose, or BlazePose alone (ten times faster)."""

    FULL = "full"
    FAST = "fast"


class Matter:
    """Makes mattes; holds nothing from one picture to the next.

    Args:
        tier: `full` has fingers and hair; `fast` is the coarse mask with soft edges.
    """

    def __init__(self, tier: Tier = Tier.FULL) -> None:
        self._pose = PoseNetwork()
        self._matte = MatteNetwork() if tier is Tier.FULL else None

    def alpha(
        self,
        rgb: UInt8[np.ndarray, "h w 3"],
        *,
        crop: Crop | None = None,
        box: Box | None = None,
        others: Sequence[Sighting] = (),
    ) -> Float[np.ndarray, "h w"]:
        """The matte of the person in the middle of a picture.

        Args:
            rgb: A crop around the person.
            crop: Where it lies; what is beyond the full frame becomes 0.
            box: Where a person is known to be, full-frame px; helps if the crop is much larger. Needs `crop`.
            others: The other people of this frame, full-frame px: their pixels are theirs. Needs `crop` and `box`.

        Returns:
            0..1, the size of `rgb`; all 0 if no person is known to be there and none is seen.
        """
        height, width = rgb.shape[:2]
        square = _square_to_look_at(width, height, crop, box)
        place = None if crop is None or box is None else _in_crop(box, crop)
        looks = self._looks(rgb, square, place)
        near = [] if crop is None else [look for other in others if (look := self._other(rgb, other, crop)) is not None]
        if place is not None and any(_is_other(looks[0], place, other) for other in near):
            looks = self._looks(taken_away(rgb, [other.reading for other in near]), square, place)
        best = max(looks, key=lambda look: look.score)
        if best.score < MIN_SCORE and box is None:
            return np.zeros((height, width), np.float32)
        window = make_crop(best.crop.full, square, width=WORK_SIZE, height=WORK_SIZE)
        person = _joined(looks, window, place)
        taken = _taken(person, best, near, window)
        alpha = person = np.where(taken, 0, person).astype(np.float32)
        if self._matte is not None:
            seen = self._matte.alpha(cut_rgb(rgb, window), short_side=WORK_SIZE)
            seen = np.where(nearer(person > 0.5, taken), seen, 0).astype(np.float32)
            trust = _trust(seen, person)
            alpha = trust * _agreed(seen, person) + (1 - trust) * person
        placed = _placed(_cleaned(alpha, person), best.crop.full, square)
        return placed if crop is None else placed * inside_frame(crop)

    def _looks(self, rgb: UInt8[np.ndarray, "h w 3"], square: Box, place: Box | None) -> list[PoseReading]:
        """The look at the square itself first; then wider ones, in which the network loses less of a large body."""
        looks = [self._read(rgb, square)]
        if self._matte is None:
            return looks
        looks += [self._pose.read(rgb, square_around(square, scale=s), turn=looks[0].turn) for s in WIDER]
        if place is not None and place.top + place.height > LOW * rgb.shape[0]:
            whole = replace(place, height=2 * place.height)  # the legs are below the picture
            looks.append(self._pose.read(rgb, square_around(whole, scale=1.25), turn=looks[0].turn))
        return looks

    def _other(self, rgb: UInt8[np.ndarray, "h w 3"], sighting: Sighting, crop: Crop) -> "_Other | None":
        """Another person in the crop; None if that one is nowhere near it."""
        place = _in_crop(sighting.box, crop)
        height, width = rgb.shape[:2]
        if overlap(place, Box(left=0.0, top=0.0, width=float(width), height=float(height))) == 0:
            return None
        reading = self._pose.read(rgb, square_around(place, scale=1.25))
        turn = upright_turn(reading)
        if turn != reading.turn:
            turned = self._pose.read(rgb, square_around(place, scale=1.25), turn=turn)
            reading = max(reading, turned, key=lambda look: look.score)
        landmarks = reading.landmarks
        if sighting.landmarks is not None:
            landmarks = sighting.landmarks.copy()
            landmarks[:, :2] = (landmarks[:, :2] - [crop.box.left, crop.box.top]) * width / crop.box.width
        return _Other(reading=reading, place=place, landmarks=landmarks)

    def _read(self, rgb: UInt8[np.ndarray, "h w 3"], square: Box) -> PoseReading:
        """One look, and more with the picture turned if nobody is seen or the body is not upright."""
        reading = self._pose.read(rgb, square)
        for turn in dict.fromkeys([upright_turn(reading), 1, 3, 2]):
            if reading.score >= MIN_SCORE and upright_turn(reading) == reading.turn:
                break
            turned = self._pose.read(rgb, square, turn=turn)
            reading = turned if turned.score >= min(reading.score, MIN_SCORE) else reading
        return reading


@dataclass(frozen=True, kw_only=True)
class _Other:
    """Another person in the crop, in its px: where they are, and what a look at them says."""

    reading: PoseReading
    place: Box
    landmarks: Float[np.ndarray, "33 4"]


def _is_other(look: PoseReading, place: Box, other: _Other) -> bool:
    """Whether a look that was meant for the person in `place` caught the other one."""
    seen = person_box(look)
    return seen is not None and overlap(seen, other.place) > overlap(seen, place)


def _joined(looks: Sequence[PoseReading], window: Crop, place: Box | None) -> Float[np.ndarray, "n n"]:
    """The masks of all looks that are about as sure as the surest, the larger of each pixel.

    Looks after the first count only in and below the place where the person is known to be: in wider squares
    the network takes neighbours along.
    """
    surest = max(look.score for look in looks)
    joined = np.zeros(window.camera.shape, np.float32)
    for number, look in enumerate(looks):
        if look.score >= SURE * surest:
            mask = mask_in(look, window)
            joined = np.maximum(joined, mask if number == 0 or place is None else mask * _column(place, window))
    return joined


def _column(place: Box, window: Crop) -> Float[np.ndarray, "n n"]:
    """1 in and below a place, grown a little, 0 elsewhere."""
    scale = window.camera.width / window.box.width
    room = ROOM * max(place.width, place.height)
    x = np.arange(window.camera.width) / scale + window.box.left
    y = np.arange(window.camera.height) / scale + window.box.top
    beside = (x >= place.left - room) & (x <= place.left + place.width + room)
    return ((y >= place.top - room)[:, None] & beside[None]).astype(np.float32)


def _taken(
    person: Float[np.ndarray, "n n"], look: PoseReading, near: Sequence[_Other], window: Crop
) -> Bool[np.ndarray, "n n"]:
    """Pixels of the window that belong to other people."""
    if not near:
        return np.zeros(person.shape, bool)
    others = []
    for other in near:
        mask = mask_in(other.reading, window)
        others.append((mask, claim(mask, _in_window(other.landmarks, window))))
    return theirs(claim(person, _in_window(look.landmarks, window)), others)


def _in_window(landmarks: Float[np.ndarray, "33 4"], window: Crop) -> Float[np.ndarray, "33 4"]:
    moved = landmarks.copy()
    moved[:, :2] = (moved[:, :2] - [window.box.left, window.box.top]) * window.camera.width / window.box.width
    return moved


def _trust(seen: Float[np.ndarray, "n n"], person: Float[np.ndarray, "n n"]) -> float:
    """How far MODNet is believed at all, 0..1: by its overlap with BlazePose's mask, on and around that."""
    mine = person > 0.5
    near = ndimage.binary_dilation(mine, iterations=round(AROUND * len(mine)))
    both = (seen > 0.5) & near
    shared = float((both & mine).sum() / max(int((both | mine).sum()), 1))
    return float(np.clip((shared - NO_TRUST) / (FULL_TRUST - NO_TRUST), 0, 1))


def _in_crop(box: Box, crop: Crop) -> Box:
    """A box of the full frame in px of the crop."""
    scale = crop.camera.width / crop.box.width
    left, top = (box.left - crop.box.left) * scale, (box.top - crop.box.top) * scale
    return Box(left=left, top=top, width=box.width * scale, height=box.height * scale)


def _square_to_look_at(width: int, height: int, crop: Crop | None, box: Box | None) -> Box:
    """In px of the crop."""
    whole = square_around(Box(left=0.0, top=0.0, width=float(width), height=float(height)))
    if crop is None or box is None:
        return whole
    inner = _in_crop(box, crop)
    small = max(inner.width, inner.height) < WHOLE_CROP_SHARE * whole.width
    return square_around(inner, scale=1.25) if small else whole


def _agreed(seen: Float[np.ndarray, "n n"], person: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """MODNet's matte near BlazePose's mask, and BlazePose's own where MODNet lost a part that it is sure of."""
    side = len(seen)
    outside = ndimage.distance_transform_edt(person <= 0.5) / side
    near = np.clip((FAR - outside) / (FAR - NEAR), 0, 1) if (person > 0.5).any() else 0.0
    lost = _thick((person > SURE) & (seen < 0.5), LOST_RADIUS * side)
    again = ndimage.distance_transform_edt(~lost) / side < NEAR if lost.any() else lost
    alpha: np.ndarray = np.maximum(seen * near, np.where(again, person, 0)).astype(np.float32)
    return alpha


def _thick(mask: Bool[np.ndarray, "n n"], radius_px: float) -> Bool[np.ndarray, "n n"]:
    """What a disc of this radius covers without leaving the mask (a morphological opening)."""
    eroded: np.ndarray = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > radius_px
    if not eroded.any():
        return eroded
    opened: np.ndarray = ndimage.distance_transform_edt(~eroded) <= radius_px
    return opened


def _cleaned(alpha: Float[np.ndarray, "n n"], mask: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "n n"]:
    """Drop islands that are not the person's, close pinholes, and end the faint veil around it.

    An island stays if BlazePose counts most of it to the person: a railing may cut a leg off the body.
    """
    person = _resized(mask, len(alpha)) > 0.5
    labels, _ = regions(alpha > 0.5)
    share = np.bincount(labels.ravel(), weights=person.ravel()) / np.bincount(labels.ravel())
    keep = share > 0.5
    keep[0], keep[1:2] = False, True
    solid, islands = keep[labels], (labels > 0) & ~keep[labels]
    veil, _ = regions(alpha > 0.05)
    belongs = np.isin(veil, np.unique(veil[solid]))
    if islands.any():
        belongs &= ndimage.distance_transform_edt(~solid) < ndimage.distance_transform_edt(~islands)
    kept = np.where(belongs, np.clip((alpha - 0.02) / 0.96, 0, 1), 0)
    return fill_pinholes(kept.astype(np.float32), max_area_px=MAX_PINHOLE * alpha.size)


def _resized(plane: Float[np.ndarray, "a b"], side: int) -> Float[np.ndarray, "n n"]:
    picture = Image.fromarray(plane.astype(np.float32))
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))


def _placed(alpha: Float[np.ndarray, "n n"], full: Camera, square: Box) -> Float[np.ndarray, "h w"]:
    """Resample the matte of the square into the picture of which it is a part."""
    window = make_crop(full, square, width=len(alpha), height=len(alpha))
    placed: np.ndarray = np.clip(paste_plane(alpha, window), 0, 1).astype(np.float32)
    return placed
