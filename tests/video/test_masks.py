"""Mattes of the user's own."""

import numpy as np
import OpenEXR
import pytest
from PIL import Image
from video_clips import HEIGHT, WIDTH, coded, write_clip

from hd_core.errors import InputError, UsageError
from hd_core.video.masks import read_masks
from hd_core.video.read import open_clip


@pytest.fixture
def clip(tmp_path):
    return open_clip(write_clip(tmp_path / "clip.mp4", [coded(i) for i in range(6)]))


def matte(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Soft horizontal ramp, its level by the index."""
    return np.tile(np.linspace(0, 40 * index + 50, width).round().astype(np.uint8), (height, 1))


def save_sequence(folder, pictures) -> None:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"m.{number:04d}.png")


@pytest.mark.parametrize("kind", ["grey", "rgb", "alpha", "opaque alpha"])
@pytest.mark.parametrize("as_pattern", [False, True])
def test_masks_of_a_sequence_belong_to_the_source_frames_of_the_same_index(tmp_path, clip, kind, as_pattern):
    def picture(index):
        grey = matte(index)
        if kind == "grey":
            return grey
        if kind == "alpha":
            return np.dstack([np.full_like(grey, 7)] * 3 + [grey])
        return np.dstack([grey] * 3 + ([np.full_like(grey, 255)] if kind == "opaque alpha" else []))

    save_sequence(tmp_path / "masks", [picture(i) for i in range(6)])
    path = tmp_path / "masks" / "m.####.png" if as_pattern else tmp_path / "masks"
    masks = list(read_masks(path, clip, range(1, 6, 2)))
    assert len(masks) == 3
    for index, mask in zip(range(1, 6, 2), masks, strict=True):
        assert mask.dtype == np.float32
        np.testing.assert_allclose(mask, matte(index) / 255, atol=1e-6)


def test_a_single_picture_serves_every_frame_and_each_copy_is_its_own(tmp_path, clip):
    Image.fromarray(matte(3)).save(tmp_path / "mask.png")
    masks = list(read_masks(tmp_path / "mask.png", clip, range(2, 6)))
    assert len(masks) == 4
    masks[0][:] = -1
    for mask in masks[1:]:
        np.testing.assert_allclose(mask, matte(3) / 255, atol=1e-6)


def test_masks_of_a_video_are_full_range(tmp_path, clip):
    levels = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (0, 255, 128, 0, 255, 128)]
    path = write_clip(tmp_path / "mask.mp4", levels, options={"crf": "1"})
    means = [float(mask.mean()) for mask in read_masks(path, clip, range(6))]
    np.testing.assert_allclose(means, [0, 1, 128 / 255, 0, 1, 128 / 255], atol=0.008)
    rgba = [np.dstack([coded(i), matte(i)]) for i in range(6)]
    cut_out = write_clip(tmp_path / "mask.mov", rgba, codec="qtrle", pix_fmt="argb")
    for index, mask in enumerate(read_masks(cut_out, clip, range(6))):
        np.testing.assert_allclose(mask, matte(index) / 255, atol=1e-6)


def test_a_mask_in_exr_keeps_its_values(tmp_path, clip):
    values = np.tile(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"Y": values}).write(str(tmp_path / "mask.exr"))
    (mask,) = read_masks(tmp_path / "mask.exr", clip, range(1))
    np.testing.assert_allclose(mask, values, atol=0.5 / 255 + 1e-6)


def test_masks_of_the_native_size_or_the_same_shape_are_resampled_to_the_delivered_one(tmp_path, clip):
    small = open_clip(clip.path, max_side=80)
    assert (small.width, small.height) == (80, 32)
    Image.fromarray(matte(5)).save(tmp_path / "native.png")
    (mask,) = read_masks(tmp_path / "native.png", small, range(1))
    assert mask.shape == (32, 80)
    columns = (matte(5) / 255)[0].reshape(80, 2).mean(axis=1)
    np.testing.assert_allclose(mask[:, 1:-1], np.broadcast_to(columns[1:-1], (32, 78)), atol=2e-3)
    checks = (np.indices((640, 1600)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checks).save(tmp_path / "large.png")
    (mask,) = read_masks(tmp_path / "large.png", clip, range(1))
    np.testing.assert_allclose(mask, 0.5, atol=0.02)
    assert mask.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("size", "is_taken"), [((160, 64), True), ((161, 64), True), ((163, 64), False), ((64, 160), False)]
)
def test_masks_of_another_shape_are_refused_with_both_sizes(tmp_path, clip, size, is_taken):
    Image.new("L", size).save(tmp_path / "mask.png")
    if is_taken:
        assert next(iter(read_masks(tmp_path / "mask.png", clip, range(1)))).shape == (64, 160)
    else:
        with pytest.raises(InputError, match=rf"is {size[0]} x {size[1]} px.*160 x 64 px"):
            read_masks(tmp_path / "mask.png", clip, range(1))


def test_too_few_masks_are_refused_with_both_counts(tmp_path, clip):
    save_sequence(tmp_path / "masks", [matte(i) for i in range(4)])
    assert len(list(read_masks(tmp_path / "masks", clip, range(4)))) == 4
    with pytest.raises(InputError, match=r"holds 4 masks.*frames up to 4 of the clip's 6"):
        read_masks(tmp_path / "masks", clip, range(5))
    with pytest.raises(InputError, match=r"holds 4 masks.*frames up to 5 of the clip's 6"):
        read_masks(tmp_path / "masks", clip, range(6))
    with pytest.raises(UsageError, match="0:6"):
        read_masks(tmp_path / "masks", clip, range(7))
    with pytest.raises(InputError, match="does not exist"):
        read_masks(tmp_path / "none", clip, range(6))
    assert list(read_masks(tmp_path / "masks", clip, range(0))) == []
