"""Colours of videos against the equations of BT.601, BT.709, BT.2020 and BT.2100."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_clips import write_clip

from hd_core.video.read import open_clip, read_frames

KR_KB = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
LIMITED, FULL = 1, 2


def rgb_of(yuv: tuple[int, int, int], tag: int, bits: int, range_tag: int) -> np.ndarray:
    """The matrix equation, in bytes."""
    unit = 1 << (bits - 8)
    y, u, v = yuv
    if range_tag == FULL:
        top = (1 << bits) - 1
        luma, cb, cr = y / top, (u - 128 * unit) / top, (v - 128 * unit) / top
    else:
        luma, cb, cr = (y - 16 * unit) / (219 * unit), (u - 128 * unit) / (224 * unit), (v - 128 * unit) / (224 * unit)
    kr, kb = KR_KB[tag]
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip([red, green, blue], 0, 1) * 255


def flat(pix_fmt: str, yuv: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> av.VideoFrame:
    picture = av.VideoFrame(*size, pix_fmt)
    for plane, value in zip(picture.planes, yuv, strict=True):
        kind = np.uint16 if "10" in pix_fmt else np.uint8
        plane.update(np.full(plane.buffer_size // kind().itemsize, value, kind).tobytes())
    return picture


def delivered(path, picture: av.VideoFrame, **tags: int) -> np.ndarray:
    """What the first frame of a lossless video of this picture, tagged so, shows."""

    def tag(stream):
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)

    for name, value in tags.items():
        setattr(picture, name, value)
    write_clip(path, [picture], codec="ffv1", pix_fmt=picture.format.name, rate=Fraction(25), setup=tag)
    return next(read_frames(open_clip(path), range(1))).rgb.astype(float)


@pytest.mark.parametrize("range_tag", [LIMITED, FULL])
@pytest.mark.parametrize("tag", sorted(KR_KB))
@pytest.mark.parametrize(("pix_fmt", "bits"), [("yuv420p", 8), ("yuv422p10le", 10), ("yuv444p", 8)])
def test_every_matrix_range_and_depth_gives_the_colour_of_its_standard(tmp_path, pix_fmt, bits, tag, range_tag):
    yuv = tuple(value << (bits - 8) for value in (120, 90, 170))
    found = delivered(tmp_path / "a.mkv", flat(pix_fmt, yuv), colorspace=tag, color_range=range_tag)
    np.testing.assert_allclose(found, np.broadcast_to(rgb_of(yuv, tag, bits, range_tag), found.shape), atol=1.1)


@pytest.mark.parametrize(("size", "tag"), [((64, 48), 5), ((720, 576), 5), ((1280, 544), 1), ((64, 640), 1)])
def test_without_a_tag_high_definition_is_bt709_and_the_rest_bt601_in_limited_range(tmp_path, size, tag):
    found = delivered(tmp_path / "a.mkv", flat("yuv420p", (120, 90, 170), size))
    np.testing.assert_allclose(found, np.broadcast_to(rgb_of((120, 90, 170), tag, 8, LIMITED), found.shape), atol=1.1)


def test_motion_jpeg_of_cameras_is_bt601_in_full_range(tmp_path):
    path = write_clip(tmp_path / "a.mov", [flat("yuvj420p", (120, 90, 170))], codec="mjpeg", pix_fmt="yuvj420p")
    found = next(read_frames(open_clip(path), range(1))).rgb[24, 32]
    np.testing.assert_allclose(found, rgb_of((120, 90, 170), 5, 8, FULL), atol=1.6)


def test_black_and_white_of_both_ranges_are_0_and_255(tmp_path):
    for range_tag, (black, white) in {LIMITED: (16, 235), FULL: (0, 255)}.items():
        for luma, expected in ((black, 0), (white, 255)):
            picture = flat("yuv420p", (luma, 128, 128))
            found = delivered(tmp_path / "a.mkv", picture, colorspace=1, color_range=range_tag)
            assert set(np.unique(found)) == {expected}


def srgb(light: float) -> float:
    light = min(max(light, 0), 1)
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def pq_nits(signal: float) -> float:
    """The PQ curve of BT.2100, table 4."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return 10000 * (max(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def hlg_nits(signal: float) -> float:
    """The HLG curve and its system gamma for a display of 1000 cd/m2, BT.2100, table 5."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = signal**2 / 3 if signal <= 0.5 else (np.exp((signal - c) / a) + b) / 12
    return 1000 * scene**1.2


def tagged_hdr(path, luma, cb, cr, curve: int) -> np.ndarray:
    """What a video of stripes of eight pixels, 4:4:4 in ten bits, shows in the middle of each stripe."""
    picture = flat("yuv444p10le", (64, 512, 512))
    for plane, values in zip(picture.planes, (luma, cb, cr), strict=True):
        rows = np.zeros((48, plane.line_size // 2), np.uint16)
        rows[:, :64] = np.round(np.broadcast_to(values, 8)).astype(np.uint16).repeat(8)
        plane.update(rows.tobytes())
    found = delivered(path, picture, colorspace=9, color_range=LIMITED, color_trc=curve, color_primaries=9)
    return found[24, 4::8]


def test_grey_of_hlg_is_its_light_over_diffuse_white_at_203_nits(tmp_path):
    lumas = [64, 200, 300, 400, 502, 560, 700, 940]
    found = tagged_hdr(tmp_path / "a.mkv", lumas, 512, 512, 18)
    expected = [[srgb(hlg_nits((luma - 64) / 876) / 203)] * 3 for luma in lumas]
    np.testing.assert_allclose(found, expected, atol=1.6)


def test_light_of_pq_is_put_over_diffuse_white_at_203_nits_in_bt709_primaries(tmp_path):
    """Greys, and a colour of BT.709 seen through the primaries of BT.2020 (matrix of BT.2087, table 2)."""
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    light_709 = np.array([0.5, 0.25, 0.3])
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (to_2020 @ light_709 * 203 / 10000) ** m1
    red, green, blue = ((c1 + c2 * power) / (1 + c3 * power)) ** m2
    kr, kb = KR_KB[9]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    greys = [64, 200, 300, 400, 502, 560, 940]
    found = tagged_hdr(
        tmp_path / "a.mkv",
        [*greys, 64 + 876 * luma],
        [512] * 7 + [512 + 896 * (blue - luma) / (2 * (1 - kb))],
        [512] * 7 + [512 + 896 * (red - luma) / (2 * (1 - kr))],
        16,
    )
    expected = [[srgb(pq_nits((grey - 64) / 876) / 203)] * 3 for grey in greys]
    np.testing.assert_allclose(found[:7], expected, atol=1.6)
    # FFmpeg's conversion table is coarse; without the change of primaries green would be 20 too large.
    np.testing.assert_allclose(found[7], [srgb(light) for light in light_709], atol=4)
