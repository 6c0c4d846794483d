"""PNG files as other programs write them: FFmpeg for 16-bit colour and every row filter, Pillow for the rest."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from predict_scenes import encode_png

from hd_core.errors import InputError
from hd_core.predict.png import read_png


def smooth_noise(shape, largest):
    """Ramps with noise, so that encoders find every filter worth using."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices(shape[:2])
    ramp = (rows[..., None] * 7 + columns[..., None] * 5) * largest // 2000
    noisy = ramp + rng.integers(0, largest // 50, (*shape[:2], shape[2]))
    return noisy.astype(np.uint16 if largest > 255 else np.uint8)


@pytest.mark.parametrize("predictor", ["none", "sub", "up", "avg", "paeth", "mixed"])
def test_sixteen_bit_colour_from_ffmpeg_comes_back_whole_with_every_row_filter(tmp_path, predictor):
    pixels = smooth_noise((37, 53, 3), 65535)
    encode_png(tmp_path / "a.png", pixels, "rgb48be", predictor)
    found = read_png(tmp_path / "a.png")
    assert found.dtype == np.uint16
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_eight_bits_from_pillow(tmp_path, mode, channels):
    pixels = smooth_noise((31, 22, channels), 255)
    Image.fromarray(pixels.squeeze(), mode=None).convert(mode).save(tmp_path / "a.png")
    found = read_png(tmp_path / "a.png")
    assert found.dtype == np.uint8
    assert np.array_equal(found, pixels)


def test_sixteen_bit_grey_from_pillow(tmp_path):
    pixels = smooth_noise((31, 22, 1), 65535)[..., 0]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read_png(tmp_path / "a.png")[..., 0], pixels)


def test_pillow_would_have_lost_the_lower_byte(tmp_path):
    """Why there is a decoder here at all; when this fails, it can go."""
    encode_png(tmp_path / "a.png", smooth_noise((8, 8, 3), 65535), "rgb48be", "none")
    assert np.asarray(Image.open(tmp_path / "a.png")).dtype == np.uint8


def test_pixels_in_several_chunks_are_one_picture(tmp_path):
    pixels = smooth_noise((9, 9, 3), 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"IDAT") - 4
    (size,) = struct.unpack_from(">I", data, start)
    body = data[start + 8 : start + 8 + size]
    split = b"".join(chunk(b"IDAT", part) for part in (body[:10], body[10:]))
    (tmp_path / "a.png").write_bytes(data[:start] + split + data[start + 12 + size :])
    assert np.array_equal(read_png(tmp_path / "a.png"), pixels)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_palette_is_refused(tmp_path):
    Image.fromarray(smooth_noise((9, 9, 3), 255)).quantize(8).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="colour type 3.*no palette"):
        read_png(tmp_path / "a.png")


def whole(folder):
    Image.fromarray(smooth_noise((40, 40, 3), 255)).save(folder / "whole.png")
    return (folder / "whole.png").read_bytes()


@pytest.mark.parametrize("harm", ["empty", "text", "cut", "flipped", "checksum", "short"])
def test_damage_is_refused(tmp_path, harm):
    data = whole(tmp_path)
    middle = len(data) // 2
    header = struct.pack(">IIBBBBB", 40, 41, 8, 2, 0, 0, 0)
    damaged = {
        "empty": b"",
        "text": b"hello",
        "cut": data[:middle],
        "flipped": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
        "checksum": data[:-13] + bytes([data[-13] ^ 1]) + data[-12:],
        "short": data[:8] + chunk(b"IHDR", header) + data[33:],
    }[harm]
    (tmp_path / "a.png").write_bytes(damaged)
    with pytest.raises(InputError, match=r"a\.png is missing or is not a whole PNG"):
        read_png(tmp_path / "a.png")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="missing"):
        read_png(tmp_path / "a.png")
