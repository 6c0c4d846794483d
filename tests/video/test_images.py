"""Pictures on disk against what was written, byte for byte where the format allows."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
from PIL import Image
from video_clips import code_of, coded

from hd_core.colour import srgb_from_linear
from hd_core.errors import InputError
from hd_core.video.images import read_image
from hd_core.video.read import open_clip, read_frames


def write_exr(path: Path, window=None, **channels: np.ndarray) -> Path:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    if window is not None:
        header |= window
    OpenEXR.File(header, {name.replace("_", "."): pixels for name, pixels in channels.items()}).write(str(path))
    return path


def write_deep(path: Path, values: np.ndarray, pix_fmt: str, codec: str = "png") -> Path:
    """A sixteen-bit picture, encoded by FFmpeg."""
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream(codec, rate=1)
        stream.height, stream.width = values.shape[:2]
        stream.pix_fmt = pix_fmt
        picture = av.VideoFrame.from_ndarray(values, format=pix_fmt)
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def only_frame(path: Path, **options: object):
    return next(read_frames(open_clip(path, **options), range(1)))


def test_a_single_picture_is_a_clip_of_one_frame(tmp_path):
    Image.fromarray(coded(5)).save(tmp_path / "a.png")
    clip = open_clip(tmp_path / "a.png")
    assert (clip.num_frames, clip.fps, clip.has_alpha, clip.variable_rate) == (1, 24, False, False)
    frame = only_frame(tmp_path / "a.png")
    np.testing.assert_array_equal(frame.rgb, coded(5))
    assert frame.alpha is None
    assert (frame.index, frame.time_seconds) == (0, 0.0)


@pytest.mark.parametrize("pattern", ["", "shot.%04d.png", "shot.####.png"])
def test_a_sequence_with_a_gap_has_the_frames_and_times_of_its_sorted_files(tmp_path, pattern):
    for number, code in ((9, 0), (10, 1), (12, 2), (100, 3)):
        Image.fromarray(coded(code)).save(tmp_path / f"shot.{number:04d}.png")
    clip = open_clip(tmp_path / pattern if pattern else tmp_path, fps=Fraction(30000, 1001))
    assert clip.num_frames == 4
    assert clip.fps == Fraction(30000, 1001)
    frames = list(read_frames(clip, range(1, 4, 2)))
    assert [(frame.index, code_of(frame.rgb)) for frame in frames] == [(1, 1), (3, 3)]
    assert [frame.time_seconds for frame in frames] == pytest.approx([1001 / 30000, 3003 / 30000], abs=1e-15)


def test_a_sequence_of_several_sizes_names_the_odd_one(tmp_path):
    for number in range(4):
        Image.new("RGB", (32, 20 if number == 2 else 24)).save(tmp_path / f"{number}.png")
    with pytest.raises(InputError, match=r"2\.png is 32 x 20 px, but 0\.png is 32 x 24 px"):
        open_clip(tmp_path)


def test_grey_palette_and_bilevel_pictures_become_rgb(tmp_path):
    rng = np.random.default_rng(2)
    grey = rng.integers(0, 256, (20, 24), np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(only_frame(tmp_path / "grey.png").rgb, np.dstack([grey] * 3))
    Image.fromarray(grey > 127).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(only_frame(tmp_path / "bits.png").rgb[..., 1], np.where(grey > 127, 255, 0))
    colours = rng.integers(0, 256, (4, 3), np.uint8)
    palette = Image.fromarray(grey % 4).convert("P")
    palette.putpalette(colours.tobytes())
    palette.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(only_frame(tmp_path / "palette.png").rgb, colours[np.asarray(palette)])


def test_alpha_of_a_picture_is_found_and_delivered_straight(tmp_path):
    rgba = np.random.default_rng(4).integers(0, 256, (24, 32, 4), np.uint8)
    for suffix in ("png", "tga", "tif"):
        Image.fromarray(rgba).save(tmp_path / f"a.{suffix}")
        frame = only_frame(tmp_path / f"a.{suffix}")
        np.testing.assert_array_equal(frame.rgb, rgba[..., :3])
        np.testing.assert_array_equal(frame.alpha, rgba[..., 3])
    rgba[..., 3] = 255
    Image.fromarray(rgba).save(tmp_path / "opaque.png")
    assert not open_clip(tmp_path / "opaque.png").has_alpha
    transparent = Image.fromarray(np.arange(24 * 32, dtype=np.uint16).reshape(24, 32).astype(np.uint8) % 5)
    transparent.save(tmp_path / "key.png", transparency=3)
    np.testing.assert_array_equal(
        only_frame(tmp_path / "key.png").alpha, np.where(np.asarray(transparent) == 3, 0, 255)
    )


RAMP = np.linspace(0, 65535, 24 * 32).round().astype(np.uint16).reshape(24, 32)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_rounded_to_eight(tmp_path, suffix):
    codec = {"png": "png", "tif": "tiff"}[suffix]
    expected = np.round(RAMP / 257).astype(np.uint8)
    grey = write_deep(tmp_path / f"grey.{suffix}", RAMP, "gray16be" if suffix == "png" else "gray16le", codec)
    np.testing.assert_array_equal(only_frame(grey).rgb, np.dstack([expected] * 3))
    deep = np.dstack([RAMP, RAMP[::-1], RAMP[:, ::-1], 65535 - RAMP])
    eight = np.round(deep / 257).astype(np.uint8)
    colour = write_deep(
        tmp_path / f"rgb.{suffix}",
        np.ascontiguousarray(deep[..., :3]),
        "rgb48be" if suffix == "png" else "rgb48le",
        codec,
    )
    np.testing.assert_array_equal(only_frame(colour).rgb, eight[..., :3])
    with_alpha = write_deep(tmp_path / f"rgba.{suffix}", deep, "rgba64be" if suffix == "png" else "rgba64le", codec)
    frame = only_frame(with_alpha)
    np.testing.assert_array_equal(np.dstack([frame.rgb, frame.alpha]), eight)


def quarters() -> np.ndarray:
    rgb = np.full((16, 24, 3), 200, np.uint8)
    rgb[:8, :12], rgb[:8, 12:], rgb[8:, :12] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return rgb


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
@pytest.mark.parametrize(
    ("tag", "rotation"), [(1, 0), (2, 0), (3, 180), (4, 180), (5, 90), (6, 90), (7, 270), (8, 270)]
)
def test_orientation_tags_set_the_picture_upright(tmp_path, tag, rotation, suffix):
    upright = quarters().repeat(2, axis=0).repeat(2, axis=1)
    # How a camera that was held so stores it (EXIF: where the stored first row and column are seen).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[tag]
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[0x0112] = tag
    image.save(tmp_path / f"a.{suffix}", exif=exif, quality=95)
    clip = open_clip(tmp_path / f"a.{suffix}")
    assert (clip.width, clip.height, clip.rotation) == (48, 32, rotation)
    off = 8 if suffix in ("jpg", "webp") else 0
    inner = only_frame(tmp_path / f"a.{suffix}").rgb[8::16, 12::24].astype(int)
    np.testing.assert_allclose(inner, upright[8::16, 12::24], atol=off)


def test_pictures_are_made_smaller_by_area_and_never_larger(tmp_path):
    rgba = np.random.default_rng(5).integers(0, 256, (64, 128, 4), np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    frame = only_frame(tmp_path / "a.png", max_side=32)
    means = rgba.reshape(16, 4, 32, 4, 4).mean(axis=(1, 3))
    assert np.abs(np.dstack([frame.rgb, frame.alpha]) - means).max() <= 1  # Pillow rounds after each axis
    assert open_clip(tmp_path / "a.png", max_side=4000).width == 128
    clip = open_clip(tmp_path / "a.png", max_side=100)
    assert (clip.width, clip.height) == (100, 50)


def test_an_animation_and_floats_without_a_range_are_refused(tmp_path):
    pictures = [Image.fromarray(coded(i)) for i in range(2)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:])
    with pytest.raises(InputError, match="is an animation"):
        open_clip(tmp_path / "a.webp")
    Image.fromarray(np.zeros((20, 20), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="32-bit floats"):
        open_clip(tmp_path / "a.tif")


def test_a_picture_that_is_a_video_by_name_is_read_all_the_same(tmp_path):
    Image.fromarray(coded(3)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.mp4")
    assert code_of(only_frame(tmp_path / "a.mp4").rgb) == 3


# --- OpenEXR -----------------------------------------------------------------------------------------------------


def bytes_of(light: np.ndarray) -> np.ndarray:
    """The sRGB standard, the slow way."""
    flat = [12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055 for x in light.ravel().tolist()]
    return np.array([round(255 * min(value, 1)) for value in flat], np.uint8).reshape(light.shape)


LIGHT = np.linspace(0, 1.5, 24 * 32, dtype=np.float32).reshape(24, 32)


def test_known_points_of_the_srgb_curve():
    light = np.array([0, 0.0031308, 0.18, 0.214041, 1.0, -1.0, np.nan])
    np.testing.assert_allclose(srgb_from_linear(light), [0, 0.04045, 0.46135, 0.5, 1, 0, 0], atol=5e-5)
    assert srgb_from_linear(np.array([2.0]))[0] > 1.3


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_exr_is_linear_light_and_becomes_clamped_srgb_bytes(tmp_path, kind):
    light = LIGHT.astype(kind)
    path = write_exr(tmp_path / "a.exr", R=light, G=light[::-1].copy(), B=light[:, ::-1].copy())
    clip = open_clip(path)
    assert (clip.width, clip.height, clip.has_alpha) == (32, 24, False)
    expected = bytes_of(light.astype(np.float64))
    rgb = only_frame(path).rgb
    for channel, turned in enumerate((expected, expected[::-1], expected[:, ::-1])):
        assert np.abs(rgb[..., channel].astype(int) - turned).max() <= (1 if kind is np.float16 else 0)


def test_alpha_of_exr_is_associated_and_delivered_straight(tmp_path):
    alpha = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (24, 1))
    path = write_exr(tmp_path / "a.exr", R=0.5 * alpha, G=0.2 * alpha, B=0 * alpha, A=alpha)
    frame = only_frame(path)
    np.testing.assert_array_equal(frame.alpha, np.rint(alpha * 255))
    np.testing.assert_array_equal(frame.rgb[:, 1:], np.broadcast_to(bytes_of(np.array([0.5, 0.2, 0.0])), (24, 31, 3)))
    np.testing.assert_array_equal(frame.rgb[:, 0], 0)


def test_grey_and_layered_exr_are_found_and_others_refused_by_name(tmp_path):
    grey = write_exr(tmp_path / "grey.exr", Y=LIGHT)
    np.testing.assert_array_equal(only_frame(grey).rgb, np.dstack([bytes_of(LIGHT.astype(np.float64))] * 3))
    dark = np.zeros_like(LIGHT)
    layers = write_exr(
        tmp_path / "layers.exr",
        ViewLayer_Combined_R=LIGHT,
        ViewLayer_Combined_G=LIGHT,
        ViewLayer_Combined_B=LIGHT,
        ViewLayer_Combined_A=dark + 1,
        Aov_R=dark,
        Aov_G=dark,
        Aov_B=dark,
        ViewLayer_Depth_Z=dark,
    )
    np.testing.assert_array_equal(only_frame(layers).rgb, only_frame(grey).rgb)
    depth = write_exr(tmp_path / "depth.exr", Z=LIGHT)
    with pytest.raises(InputError, match="holds no R, G, B or Y channels, but Z"):
        open_clip(depth)


def test_the_display_window_of_exr_is_the_picture(tmp_path):
    window = {"displayWindow": ((0, 0), (39, 29)), "dataWindow": ((4, -2), (35, 21))}
    path = write_exr(tmp_path / "a.exr", window, R=LIGHT, G=LIGHT, B=LIGHT)
    frame = only_frame(path)
    assert frame.rgb.shape == (30, 40, 3)
    expected = np.zeros((30, 40), np.uint8)
    expected[:22, 4:36] = bytes_of(LIGHT[2:].astype(np.float64))
    np.testing.assert_array_equal(frame.rgb[..., 0], expected)
    np.testing.assert_array_equal(
        frame.alpha > 0, (np.indices((30, 40))[0] < 22) & (abs(np.indices((30, 40))[1] - 19.5) < 16)
    )


def test_a_matte_in_exr_is_not_light(tmp_path):
    path = write_exr(tmp_path / "a.exr", Y=LIGHT)
    np.testing.assert_array_equal(read_image(path, as_data=True)[..., 0], np.rint(np.minimum(LIGHT, 1) * 255))
    path = write_exr(tmp_path / "b.exr", A=LIGHT)
    np.testing.assert_array_equal(read_image(path, as_data=True)[..., 2], np.rint(np.minimum(LIGHT, 1) * 255))
