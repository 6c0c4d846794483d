"""Maps of a crop in the pixels of the whole frame."""

import numpy as np

from hd_core.body.place import in_frame
from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import make_crop
from hd_core.types import Box

FULL = camera_from_focal(12, 9, focal_px=20.0)


def numbered(height, width):
    """Every pixel tells its own row and column."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 0 + 1, rows, columns], axis=-1).astype(np.uint8)


def test_a_crop_of_the_frames_own_pixels_lies_where_it_was_cut():
    crop = make_crop(FULL, Box(left=3.0, top=-2.0, width=6.0, height=6.0), width=6, height=6)
    full = in_frame(numbered(6, 6), crop)
    assert full.shape == (9, 12, 3)
    assert np.array_equal(full[:4, 3:9], numbered(6, 6)[2:])
    outside = full.copy()
    outside[:4, 3:9] = 0
    assert not outside.any()


def test_a_finer_crop_gives_the_pixel_at_the_middle_of_each_of_the_frames():
    crop = make_crop(FULL, Box(left=2.0, top=1.0, width=4.0, height=4.0), width=12, height=12)
    full = in_frame(numbered(12, 12), crop)
    assert np.array_equal(full[1:5, 2:6], numbered(12, 12)[1::3, 1::3])


def test_a_coarser_crop_is_repeated():
    crop = make_crop(FULL, Box(left=2.0, top=1.0, width=4.0, height=4.0), width=2, height=2)
    full = in_frame(numbered(2, 2), crop)
    assert np.array_equal(full[1:5, 2:6], numbered(2, 2).repeat(2, axis=0).repeat(2, axis=1))
