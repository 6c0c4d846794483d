"""The person's soft matte in a crop: what MODNet sees, as far as BlazePose agrees that it is this person.

MODNet draws fingers, hair and motion blur, but takes along what the person touches, and other people. BlazePose
knows the one person, but coarsely. So the matte is MODNet's near BlazePose's mask and nothing elsewhere. All
lengths are shares of the side of the square that the networks look at.
"""

from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

from hd_core.geometry.crop import cut_rgb, make_crop, paste_plane
from hd_core.person.modnet import MatteNetwork
from hd_core.person.pose import MIN_SCORE, PoseNetwork, PoseReading, inside_frame, upright_turn
from hd_core.person.regions import fill_pinholes, regions, square_around
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
        self, rgb: UInt8[np.ndarray, "h w 3"], *, crop: Crop | None = None, box: Box | None = None
    ) -> Float[np.ndarray, "h w"]:
        """The matte of the person in the middle of a picture.

        Args:
            rgb: A crop around the person.
            crop: Where it lies; what is beyond the full frame becomes 0.
            box: Where a person is known to be, full-frame px; helps if the crop is much larger. Needs `crop`.

        Returns:
            0..1, the size of `rgb`; all 0 if no person is known to be there and none is seen.
        """
        height, width = rgb.shape[:2]
        square = _square_to_look_at(width, height, crop, box)
        reading = self._read(rgb, square)
        if reading.score < MIN_SCORE and box is None:
            return np.zeros((height, width), np.float32)
        alpha = _resized(reading.mask, WORK_SIZE)
        if self._matte is not None:
            window = make_crop(reading.crop.full, square, width=WORK_SIZE, height=WORK_SIZE)
            seen = self._matte.alpha(cut_rgb(rgb, window), short_side=WORK_SIZE)
            alpha = _agreed(seen, alpha)
        alpha = _cleaned(alpha, reading.mask)
        placed = _placed(alpha, reading.crop.full, square)
        return placed if crop is None else placed * inside_frame(crop)

    def _read(self, rgb: UInt8[np.ndarray, "h w 3"], square: Box) -> PoseReading:
        """One look, and more with the picture turned if nobody is seen or the body is not upright."""
        reading = self._pose.read(rgb, square)
        for turn in dict.fromkeys([upright_turn(reading), 1, 3, 2]):
            if reading.score >= MIN_SCORE and upright_turn(reading) == reading.turn:
                break
            turned = self._pose.read(rgb, square, turn=turn)
            reading = turned if turned.score >= min(reading.score, MIN_SCORE) else reading
        return reading


def _square_to_look_at(width: int, height: int, crop: Crop | None, box: Box | None) -> Box:
    """In px of the crop."""
    whole = square_around(Box(left=0.0, top=0.0, width=float(width), height=float(height)))
    if crop is None or box is None:
        return whole
    scale = width / crop.box.width
    inner = Box(
        left=(box.left - crop.box.left) * scale,
        top=(box.top - crop.box.top) * scale,
        width=box.width * scale,
        height=box.height * scale,
    )
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
