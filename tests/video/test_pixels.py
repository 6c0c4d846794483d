"""Pixels of video files: way up, size, shape and alpha."""

from fractions import Fraction

import numpy as np
import pytest
from video_clips import HEIGHT, WIDTH, code_of, coded, write_clip

from hd_core.video.read import open_clip, read_frames


def corners(rgb: np.ndarray) -> list[str]:
    """Colour names at top left, top right, bottom right, bottom left."""
    rows, columns = rgb.shape[:2]
    at = [(1, 1), (1, 3), (3, 3), (3, 1)]
    picked = [rgb[rows * r // 4, columns * c // 4].astype(int) for r, c in at]
    return ["rgb"[int(p.argmax())] if p.max() - p.min() > 60 else "w" for p in picked]


def quarters() -> np.ndarray:
    """Red, green, white and blue quarters, clockwise from the top left; 96 x 64."""
    rgb = np.full((64, 96, 3), 200, np.uint8)
    rgb[:32, :48], rgb[:32, 48:], rgb[32:, :48] = (220, 20, 20), (20, 220, 20), (20, 20, 220)
    return rgb


@pytest.mark.parametrize(("clockwise", "expected"), [(0, "rgwb"), (90, "brgw"), (180, "wbrg"), (270, "gwbr")])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_rotation_flag_is_applied_to_pixels_and_sizes(tmp_path, clockwise, expected, suffix):
    path = write_clip(
        tmp_path / f"a.{suffix}", [quarters()] * 3, setup=lambda stream: stream.set_display_rotation(-clockwise)
    )
    clip = open_clip(path, max_side=48)
    assert clip.rotation == clockwise
    assert (clip.width, clip.height) == ((48, 32) if clockwise % 180 == 0 else (32, 48))
    frame = next(read_frames(clip, range(1)))
    assert frame.rgb.shape == (clip.height, clip.width, 3)
    assert frame.rgb.flags.c_contiguous
    assert "".join(corners(frame.rgb)) == expected


def test_the_rotation_that_phones_write_into_the_track_header_is_applied(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [quarters()] * 3)
    data = bytearray(path.read_bytes())
    one = 0x00010000
    matrix = data.index(b"tkhd") + 4 + 40
    assert int.from_bytes(data[matrix : matrix + 4], "big") == one
    turned = [0, one, 0, -one, 0, 0, 64 * one, 0, 0x40000000]  # a portrait video, as telephones store it
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turned)
    path.write_bytes(data)
    clip = open_clip(path)
    assert (clip.rotation, clip.width, clip.height) == (90, 64, 96)
    assert "".join(corners(next(read_frames(clip, range(1))).rgb)) == "brgw"


def test_a_mirrored_video_is_mirrored_back(tmp_path):
    path = write_clip(
        tmp_path / "a.mp4", [quarters()] * 3, setup=lambda stream: stream.set_display_rotation(0, hflip=True)
    )
    assert "".join(corners(next(read_frames(open_clip(path), range(1))).rgb)) == "grbw"


def test_odd_sizes_are_delivered_whole(tmp_path):
    path = write_clip(tmp_path / "a.mkv", [coded(i, 161, 65) for i in range(3)], codec="ffv1", pix_fmt="yuv420p")
    clip = open_clip(path)
    assert (clip.width, clip.height) == (161, 65)
    assert [code_of(frame.rgb[:, :160]) for frame in read_frames(clip, range(3))] == [0, 1, 2]


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    def widen(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)

    path = write_clip(tmp_path / "a.mp4", [coded(i) for i in range(3)], setup=widen)
    clip = open_clip(path)
    assert (clip.width, clip.height) == (WIDTH * 3 // 2, HEIGHT)
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(3))] == [0, 1, 2]


def test_frames_are_made_smaller_by_area_and_never_larger(tmp_path):
    checks = np.repeat((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    path = write_clip(tmp_path / "a.mkv", [checks] * 2, codec="ffv1", pix_fmt="bgr0")
    small = open_clip(path, max_side=16)
    rgb = next(read_frames(small, range(1))).rgb
    assert rgb.shape == (16, 16, 3)
    assert set(np.unique(rgb)) <= {127, 128}
    large = open_clip(path, max_side=1000)
    np.testing.assert_array_equal(next(read_frames(large, range(1))).rgb, checks)


def test_scaling_keeps_pixel_centres(tmp_path):
    ramp = np.repeat(np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))[..., None], 3, axis=2)
    path = write_clip(tmp_path / "a.mkv", [ramp], codec="ffv1", pix_fmt="bgr0")
    rgb = next(read_frames(open_clip(path, max_side=16), range(1))).rgb
    np.testing.assert_array_equal(rgb[8, :, 0], ramp[0, :, 0].reshape(16, 4).mean(axis=1))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "off"),
    [
        ("a.webm", "libvpx-vp9", "yuva420p", 3),
        ("a8.webm", "libvpx", "yuva420p", 6),
        ("a.mov", "prores_ks", "yuva444p10le", 1),
        ("b.mov", "qtrle", "argb", 0),
        ("c.mov", "png", "rgba", 0),
    ],
)
def test_alpha_of_a_video_is_found_and_delivered(tmp_path, name, codec, pix_fmt, off):
    rgba = [np.dstack([coded(i), np.full((HEIGHT, WIDTH), 40 * i + 20, np.uint8)]) for i in range(5)]
    options = {"auto-alt-ref": "0"} if name == "a8.webm" else {}
    clip = open_clip(write_clip(tmp_path / name, rgba, codec=codec, pix_fmt=pix_fmt, options=options))
    assert clip.has_alpha
    for frame in read_frames(clip, range(5)):
        assert code_of(frame.rgb) == frame.index
        assert frame.alpha is not None
        assert np.abs(frame.alpha.astype(int) - (40 * frame.index + 20)).max() <= off


def test_an_alpha_channel_that_says_nothing_is_none(tmp_path):
    opaque = [np.dstack([coded(i), np.full((HEIGHT, WIDTH), 255, np.uint8)]) for i in range(2)]
    clip = open_clip(write_clip(tmp_path / "a.mov", opaque, codec="qtrle", pix_fmt="argb"))
    assert not clip.has_alpha
    assert next(read_frames(clip, range(1))).alpha is None
