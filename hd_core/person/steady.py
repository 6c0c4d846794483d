"""Mattes that are steady in time: what comes or goes for one frame only is taken back.

A fault of the networks lasts a frame: the frames on both sides agree, and the picture does not say otherwise. A
limb that sweeps through also covers a place for one frame, but it changes the picture there; without the picture
it is told by what it leaves behind and what it covers next, close by. Such places are left alone, so nothing that
moves gets a ghost.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

from hd_core.geometry.crop import crop_between, cut_plane
from hd_core.person.regions import regions
from hd_core.types import Camera, Crop

CHANGE = 0.3
"""A matte that leaves the range of its neighbours by more than this may be wrong there."""
AGREED = 0.3
"""Neighbours that differ by less agree."""
PICTURE_CHANGE = 10.0
"""Grey levels, of 255, by which a picture at rest may differ from its neighbours: noise and compression."""
PICTURE_BLUR = 0.004
"""Blur before pictures are compared, share of the side."""
SWEPT = 0.25
"""A place is swept by a limb if so much of its area comes or goes for good around it."""
REACH = 0.1
"""How far around, beside the size of the place itself, a share of the side."""

Plane = Float[np.ndarray, "h w"]
Final = list[tuple[int, Float[np.ndarray, "h w"]]]


@dataclass(frozen=True, kw_only=True)
class _Held:
    frame_index: int
    camera: Camera
    alpha: Plane
    grey: Plane | None

    def seen_by(self, camera: Camera) -> tuple[Plane, Plane | None]:
        """Matte and picture in the pixels of another camera at the same place."""
        crop = crop_between(self.camera, camera)
        return cut_plane(self.alpha, crop), None if self.grey is None else cut_plane(self.grey, crop)


class SteadyMattes:
    """Repairs mattes with one frame of look-ahead; flush it at a cut or a gap."""

    def __init__(self) -> None:
        self._held: list[_Held] = []

    def push(
        self,
        frame_index: int,
        crop: Crop,
        alpha: Float[np.ndarray, "h w"],
        *,
        rgb: UInt8[np.ndarray, "h w 3"] | None = None,
    ) -> Final:
        """Take in the next frame's matte; returns those that are final now.

        Args:
            frame_index: Position of the frame in the source.
            crop: Where the matte lies.
            alpha: 0..1.
            rgb: The picture of the crop; with it, more is repaired and moving limbs are told more surely.
        """
        self._held.append(_Held(frame_index=frame_index, camera=crop.camera, alpha=alpha, grey=_grey(rgb)))
        if len(self._held) == 1:
            return []
        final = self._repaired(-2)
        self._held = self._held[-2:]
        return [(self._held[0].frame_index, final)]

    def flush(self) -> Final:
        """The rest; what is pushed after it knows nothing of what was before."""
        rest = [(held.frame_index, held.alpha) for held in self._held[-1:]]
        self._held = []
        return rest

    def _repaired(self, place: int) -> Plane:
        now = self._held[place]
        if len(self._held) < 3:
            return now.alpha
        before, grey_before = self._held[place - 1].seen_by(now.camera)
        after, grey_after = self._held[place + 1].seen_by(now.camera)
        if now.grey is None or grey_before is None or grey_after is None:
            moved = None
        else:
            change = np.maximum(np.abs(now.grey - grey_before), np.abs(now.grey - grey_after))
            moved = change > PICTURE_CHANGE
        wrong = one_frame_only(before, now.alpha, after, moved=moved)
        weight = np.clip(ndimage.gaussian_filter(wrong.astype(np.float32), 1.0) * 2, 0, 1)
        repaired: Plane = (now.alpha + weight * ((before + after) / 2 - now.alpha)).astype(np.float32)
        return repaired


def one_frame_only(
    before: Plane, now: Plane, after: Plane, *, moved: Bool[np.ndarray, "h w"] | None = None
) -> Bool[np.ndarray, "h w"]:
    """Where a matte comes or goes for one frame only and nothing moves.

    Args:
        before: The matte of the frame before, in the same pixels.
        now: The matte in question.
        after: The matte of the frame after.
        moved: Where the picture differs from its neighbours; None if that is not known.
    """
    agreed: np.ndarray = np.abs(before - after) < AGREED
    outside = np.maximum(now - np.maximum(before, after), np.minimum(before, after) - now)
    wrong: np.ndarray = agreed & (outside > CHANGE)
    if not wrong.any():
        return wrong
    wrong &= ~(_swept(wrong, ~agreed) if moved is None else moved)
    return wrong


def _swept(wrong: Bool[np.ndarray, "h w"], for_good: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Those places of `wrong` around which enough comes or goes for good."""
    labels, areas = regions(wrong)
    swept = np.zeros(len(areas) + 1, bool)
    reach = round(REACH * max(wrong.shape))
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        high, wide = reach + rows.stop - rows.start, reach + columns.stop - columns.start
        around = for_good[
            max(rows.start - high, 0) : rows.stop + high, max(columns.start - wide, 0) : columns.stop + wide
        ]
        swept[number] = around.sum() > SWEPT * areas[number - 1]
    found: np.ndarray = swept[labels]
    return found


def _grey(rgb: UInt8[np.ndarray, "h w 3"] | None) -> Plane | None:
    if rgb is None:
        return None
    blurred: np.ndarray = ndimage.gaussian_filter(rgb.mean(axis=-1, dtype=np.float32), PICTURE_BLUR * max(rgb.shape))
    return blurred
