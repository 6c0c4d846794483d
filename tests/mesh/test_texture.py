"""The atlas: tiles where the texture coordinates say, and no bleeding between them."""

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import make_crop, whole_frame
from hd_core.mesh.texture import plan_atlas
from hd_core.types import Box


def look_up(picture, uv):
    """Bilinear texture lookup as renderers do it, written out."""
    height, width = picture.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x + 1e-4).astype(int), np.floor(y + 1e-4).astype(int)
    fx, fy = np.clip(x - left, 0, 1)[:, None], np.clip(y - top, 0, 1)[:, None]
    at = lambda r, c: picture[r.clip(0, height - 1), c.clip(0, width - 1)].astype(float)  # noqa: E731
    upper = at(top, left) * (1 - fx) + at(top, left + 1) * fx
    return upper * (1 - fy) + (at(top + 1, left) * (1 - fx) + at(top + 1, left + 1) * fx) * fy


@pytest.mark.parametrize(
    ("frames", "width", "height", "shape", "tile"),
    [
        (1, 512, 512, (512, 512), (512, 512)),
        (4, 512, 512, (1024, 1024), (512, 512)),
        (256, 512, 512, (8192, 8192), (512, 512)),
        (1024, 512, 512, (8192, 8192), (256, 256)),
        (3, 8192, 100, (300, 8192), (8192, 100)),
    ],
)
def test_tiles_are_as_large_as_fits_into_8192_pixels(frames, width, height, shape, tile):
    atlas = plan_atlas(frames, crop_width=width, crop_height=height)
    assert atlas.shape == shape
    assert (atlas.tile_width, atlas.tile_height) == tile
    assert atlas.rows * atlas.columns >= frames


@pytest.mark.parametrize("frames", [2, 7, 300, 301])
def test_no_arrangement_has_larger_tiles(frames):
    atlas = plan_atlas(frames, crop_width=640, crop_height=480)
    assert max(atlas.shape) <= 8192
    best = max(min(1, 8192 // columns / 640, 8192 // -(-frames // columns) / 480) for columns in range(1, frames + 1))
    assert atlas.tile_width >= int(640 * best) - 1


def test_every_pixel_centre_of_every_crop_finds_its_own_colour():
    rng = np.random.default_rng(3)
    full = camera_from_focal(90, 60, focal_px=80.0)
    atlas = plan_atlas(5, crop_width=20, crop_height=20)
    picture = atlas.blank()
    crops = [
        make_crop(full, Box(left=4.0 * i - 3, top=7.5, width=30.0, height=30.0), width=20, height=20) for i in range(5)
    ]
    rgbs = [rng.integers(0, 256, (20, 20, 3), dtype=np.uint8) for _ in crops]
    for position, rgb in enumerate(rgbs):
        atlas.paste(picture, position, rgb)
    columns, rows = np.meshgrid(np.arange(20) + 0.5, np.arange(20) + 0.5)
    for position, crop in enumerate(crops):
        x, y = columns.ravel() * 1.5 + crop.box.left, rows.ravel() * 1.5 + 7.5
        uv = atlas.uv(position, crop, np.stack([x / 90, 1 - y / 60], axis=1).astype(np.float32))
        assert np.abs(look_up(picture, uv) - rgbs[position].reshape(-1, 3)).max() < 1


def test_the_border_of_a_tile_never_shows_its_neighbour():
    atlas = plan_atlas(9, crop_width=16, crop_height=16)
    picture = np.full((*atlas.shape, 3), 255, np.uint8)
    atlas.paste(picture, 4, np.zeros((16, 16, 3), np.uint8))
    crop = whole_frame(camera_from_focal(16, 16, focal_px=20.0))
    edge = np.linspace(0, 1, 33, dtype=np.float32)
    u, v = np.meshgrid(edge, edge)
    uv = atlas.uv(4, crop, np.stack([u.ravel(), v.ravel()], axis=1))
    assert look_up(picture, uv).max() < 0.1
    assert uv.min() > 0.33
    assert uv.max() < 0.67


def test_the_first_tile_is_at_the_top_left_with_v_upwards():
    atlas = plan_atlas(4, crop_width=8, crop_height=8)
    crop = whole_frame(camera_from_focal(8, 8, focal_px=9.0))
    uv = atlas.uv(0, crop, np.array([[0.5, 0.5]], np.float32))
    assert np.allclose(uv, [[0.25, 0.75]])


def test_crops_larger_than_their_tile_are_resampled():
    atlas = plan_atlas(4, crop_width=100, crop_height=50, max_side=100)
    assert atlas.shape[0] <= 100
    assert atlas.shape[1] <= 100
    picture = atlas.blank()
    atlas.paste(picture, 3, np.full((50, 100, 3), 77, np.uint8))
    assert (picture == 77).all(axis=2).sum() == atlas.tile_width * atlas.tile_height


def test_tiles_that_are_not_there_are_refused():
    atlas = plan_atlas(3, crop_width=8, crop_height=8)
    crop = whole_frame(camera_from_focal(8, 8, focal_px=9.0))
    for position in (-1, 3):
        with pytest.raises(InputError, match=r"the atlas holds 0\.\.2"):
            atlas.uv(position, crop, np.zeros((1, 2), np.float32))
    with pytest.raises(InputError, match="expected"):
        atlas.paste(np.zeros((8, 8, 3), np.uint8), 0, np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="at least one"):
        plan_atlas(0, crop_width=8, crop_height=8)
    with pytest.raises(InputError, match="do not fit"):
        plan_atlas(10000, crop_width=8, crop_height=8, max_side=16)
