"""Hard cuts: frames that show another shot than the frame before.

Blocks of a small picture are sought near where they were in the frame before. Motion, pans and people who walk
through leave most blocks findable; after a cut few are. What counts is how badly the blocks match on the mean,
in units of the picture's own contrast, so that a change of exposure is no cut; and that they match much worse
than in the frames before, so that a wild camera is none either.
"""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

SMALL_AREA = 48 * 27
"""Pixels of the small picture."""
BLOCK = 3
"""Side of a block, px of the small picture."""
REACH = 4
"""How far a block may move from frame to frame, px of the small picture: a twelfth of a wide frame."""
CUT_MISMATCH = 0.2
"""Mean mismatch of the blocks from which a frame may begin a new shot."""
CUT_RISE = 2.0
"""A cut is so many times worse than the median of the frames before it."""
MEMORY = 9
"""Frames that this median is taken over."""
MIN_CONTRAST = 4.0
"""Contrast of a picture below this is noise, of 255."""

Small = Float[np.ndarray, "a b 3"]


class CutFinder:
    """Says of each frame whether it begins a new shot; give it the frames in order.

    Attributes:
        cuts: Source frames that begin a new shot. A single strange frame (a flash) is none: once the frame after
            it is seen, its two cuts are taken back.
    """

    def __init__(self) -> None:
        self.cuts: list[int] = []
        self._seen: list[tuple[int, Small]] = []
        self._usual: list[float] = []

    def is_cut(self, index: int, rgb: UInt8[np.ndarray, "h w 3"]) -> bool:
        """Whether source frame `index` shows another shot than the frame given before it."""
        small = small_picture(rgb)
        self._seen = [*self._seen[-2:], (index, small)]
        if len(self._seen) == 1:
            return False
        worse = mismatch(self._seen[-2][1], small)
        if not self._stands_out(worse):
            self._usual = [*self._usual[1 - MEMORY :], worse]
            return False
        if self._was_flash():
            self.cuts.pop()
        else:
            self.cuts.append(index)
        return True

    def _stands_out(self, worse: float) -> bool:
        usual = float(np.median(self._usual)) if self._usual else 0.0
        return worse > max(CUT_MISMATCH, CUT_RISE * usual)

    def _was_flash(self) -> bool:
        """Whether the frame before was called a cut and this one goes on where the one before that ended."""
        if len(self._seen) < 3 or self.cuts[-1:] != [self._seen[-2][0]]:
            return False
        return not self._stands_out(mismatch(self._seen[-3][1], self._seen[-1][1]))


def small_picture(rgb: UInt8[np.ndarray, "h w 3"]) -> Small:
    """The picture at about `SMALL_AREA` px, each channel in units of the picture's contrast."""
    height, width = rgb.shape[:2]
    columns = max(BLOCK, round((SMALL_AREA * width / height) ** 0.5))
    rows = max(BLOCK, round((SMALL_AREA * height / width) ** 0.5))
    small = np.asarray(Image.fromarray(rgb).resize((columns, rows), Image.Resampling.BOX), np.float32)
    contrast = max(float(small.std()), MIN_CONTRAST)
    scaled: np.ndarray = (small - small.mean(axis=(0, 1))) / contrast
    return scaled


def mismatch(before: Small, now: Small) -> float:
    """Mean over the blocks of `now` of the least mean difference to a block of `before` near the same place."""
    height, width = now.shape[:2]
    rows, columns = height // BLOCK, width // BLOCK
    padded = np.pad(before, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    best = np.full((rows, columns), np.inf, np.float32)
    for y in range(2 * REACH + 1):
        for x in range(2 * REACH + 1):
            apart = np.abs(padded[y : y + height, x : x + width] - now).mean(axis=-1)
            blocks = apart[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
            best = np.minimum(best, blocks.mean(axis=(1, 3)))
    return float(best.mean())
