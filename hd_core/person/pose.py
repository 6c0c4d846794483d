"""BlazePose: one look at a square of the frame gives score, landmarks and mask of one person.

The square is resampled to 256 x 256 px; the network answers in the pixels of that square. Bazarevsky et al.,
"BlazePose: On-device Real-time Body Pose tracking", 2020. We differ where the body lies or stands on its head:
instead of rotating the square freely we turn it by quarters, which resamples nothing.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import cut_rgb, make_crop
from hd_core.person.models import Network
from hd_core.person.regions import largest_region, tight_box
from hd_core.person.sighting import NUM_LANDMARKS
from hd_core.types import Box, Crop

INPUT_SIZE = 256
"""Side of the network's input, px."""
MIN_SCORE = 0.5
"""Score under which nobody is there."""


@dataclass(frozen=True, kw_only=True)
class PoseReading:
    """What the network says about one square.

    Args:
        crop: The square and its place in the frame.
        turn: Quarter turns, counter-clockwise, by which the network's picture was turned.
        score: That a person is there, 0..1.
        mask: Probability that a pixel of the square belongs to that person; 0 outside the frame.
        landmarks: x, y in full-frame px, z in px from the hips, visibility 0..1.
        world_landmarks: Metres from the middle of the hips, camera axes.
    """

    crop: Crop
    turn: int
    score: float
    mask: Float[np.ndarray, "256 256"]
    landmarks: Float[np.ndarray, "33 4"]
    world_landmarks: Float[np.ndarray, "33 3"]


class PoseNetwork:
    """BlazePose-full, loaded and ready."""

    def __init__(self) -> None:
        self._network = Network("blazepose_full")

    def read(self, rgb: UInt8[np.ndarray, "h w 3"], square: Box, *, turn: int = 0) -> PoseReading:
        """Look at one square of the frame; it may leave the frame.

        Args:
            rgb: The frame.
            square: Where to look, full-frame px.
            turn: Quarter turns, counter-clockwise, that put the body upright.
        """
        height, width = rgb.shape[:2]
        full = camera_from_focal(width, height, focal_px=float(max(width, height)))
        crop = make_crop(full, square, width=INPUT_SIZE, height=INPUT_SIZE)
        image = np.ascontiguousarray(np.rot90(cut_rgb(rgb, crop), turn)[None], np.float32) / 255
        out = self._network.run({"image": image})
        mask = np.rot90(_logistic(out["mask_logits"][0, :, :, 0]), -turn) * inside_frame(crop)
        return PoseReading(
            crop=crop,
            turn=turn % 4,
            score=float(np.clip(out["score"].item(), 0, 1)),
            mask=np.ascontiguousarray(mask, np.float32),
            landmarks=_to_full_frame(out["landmarks"].reshape(-1, 5)[:NUM_LANDMARKS], square, turn),
            world_landmarks=_turned_back(out["world_landmarks"].reshape(-1, 3)[:NUM_LANDMARKS], turn),
        )


def upright_turn(reading: PoseReading) -> int:
    """The quarter turns that would put the body upright; the present ones unless it leans by 60 degrees."""
    shoulders, hips = reading.landmarks[[11, 12], :2].mean(axis=0), reading.landmarks[[23, 24], :2].mean(axis=0)
    x, y = shoulders - hips
    lean = np.arctan2(x, -y) / (np.pi / 2) - reading.turn  # quarters, clockwise, in the turned picture
    lean = (lean + 2) % 4 - 2
    return reading.turn if abs(lean) < 2 / 3 else (reading.turn + round(lean)) % 4


def person_box(reading: PoseReading) -> Box | None:
    """Tight box around the person, full-frame px, within the frame; None if the mask is empty.

    The mask's main region and the landmarks that are seen: at 256 px the mask alone may lose a hand.
    """
    in_crop = tight_box(largest_region(reading.mask > 0.5))
    if in_crop is None:
        return None
    full, square = reading.crop.full, reading.crop.box
    scale = square.width / INPUT_SIZE
    x = [square.left + in_crop.left * scale, square.left + (in_crop.left + in_crop.width) * scale]
    y = [square.top + in_crop.top * scale, square.top + (in_crop.top + in_crop.height) * scale]
    seen = reading.landmarks[reading.landmarks[:, 3] > 0.5]
    x_all = np.clip([*x, *seen[:, 0]], 0, full.width)
    y_all = np.clip([*y, *seen[:, 1]], 0, full.height)
    left, top = float(x_all.min()), float(y_all.min())
    return Box(left=left, top=top, width=float(x_all.max()) - left, height=float(y_all.max()) - top)


def framing_box(reading: PoseReading, box: Box) -> Box:
    """The box to lay the next square around: `box` and the whole body, also what is hidden or out of the frame.

    The network wants to see where the whole body would be; a portrait in a tight square is not recognised.
    """
    reach = max(box.width, box.height)  # landmarks far off are guesses
    x = np.clip(reading.landmarks[:, 0], box.left - reach, box.left + box.width + reach)
    y = np.clip(reading.landmarks[:, 1], box.top - reach, box.top + box.height + reach)
    left, top = min(box.left, float(x.min())), min(box.top, float(y.min()))
    right, bottom = max(box.left + box.width, float(x.max())), max(box.top + box.height, float(y.max()))
    return Box(left=left, top=top, width=right - left, height=bottom - top)


def inside_frame(crop: Crop) -> Float[np.ndarray, "a b"]:
    """1 where a crop's pixel centre lies in the full frame, 0 beyond it."""
    box, camera = crop.box, crop.camera
    x = box.left + (np.arange(camera.width) + 0.5) * box.width / camera.width
    y = box.top + (np.arange(camera.height) + 0.5) * box.height / camera.height
    in_x, in_y = (x >= 0) & (x <= crop.full.width), (y >= 0) & (y <= crop.full.height)
    return (in_y[:, None] & in_x[None]).astype(np.float32)


def _to_full_frame(raw: Float[np.ndarray, "33 5"], square: Box, turn: int) -> Float[np.ndarray, "33 4"]:
    landmarks = raw[:, :4].astype(np.float64)
    landmarks[:, :2] = _turned_back(raw[:, :2] - INPUT_SIZE / 2, turn) + INPUT_SIZE / 2
    landmarks[:, :3] *= square.width / INPUT_SIZE
    landmarks[:, :2] += [square.left, square.top]
    # Seen is what is both there and not hidden.
    landmarks[:, 3] = _logistic(raw[:, 3]) * _logistic(raw[:, 4])
    return landmarks


def _turned_back(points: Float[np.ndarray, "n k"], turn: int) -> Float[np.ndarray, "n k"]:
    """Undo the quarter turns of the picture on x and y, which count from its middle."""
    back = points.astype(np.float64)
    for _ in range(turn % 4):
        back[:, 0], back[:, 1] = -back[:, 1], back[:, 0].copy()
    return back


def _logistic(x: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return 1 / (1 + np.exp(-np.clip(x.astype(np.float64), -60, 60)))
