"""Preview videos, read back by the reader and looked at with PyAV."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_clips import code_of, coded

from hd_core.errors import InputError, OutputError
from hd_core.video.read import open_clip, read_frames
from hd_core.video.write import write_video


def test_frames_come_back_in_order_at_their_times(tmp_path):
    rate = Fraction(30000, 1001)
    write_video(tmp_path / "new" / "a.mp4", (coded(i) for i in range(40)), fps=rate)
    clip = open_clip(tmp_path / "new" / "a.mp4")
    assert (clip.num_frames, clip.fps, clip.variable_rate, clip.rotation) == (40, rate, False, 0)
    frames = list(read_frames(clip, range(40)))
    assert [code_of(frame.rgb) for frame in frames] == list(range(40))
    np.testing.assert_allclose([frame.time_seconds for frame in frames], np.arange(40) * 1001 / 30000, atol=1e-4)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.mp4"]


def test_the_file_is_h264_in_bt709_limited_range_and_says_so(tmp_path):
    write_video(tmp_path / "a.mp4", [coded(0)] * 3, fps=Fraction(24))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.format.name) == ("h264", "yuv420p")
        picture = next(container.decode(stream))
    assert (picture.colorspace, picture.color_primaries, picture.color_trc, picture.color_range) == (1, 1, 1, 1)


@pytest.mark.parametrize("colour", [(200, 30, 40), (20, 220, 60), (30, 40, 210), (255, 255, 255), (0, 0, 0)])
def test_luma_and_chroma_are_those_of_the_bt709_equations(tmp_path, colour):
    write_video(tmp_path / "a.mp4", [np.full((32, 32, 3), colour, np.uint8)], fps=Fraction(24), crf=1)
    with av.open(str(tmp_path / "a.mp4")) as container:
        picture = next(container.decode(video=0))
        found = [int(np.frombuffer(bytes(plane), np.uint8)[5]) for plane in picture.planes]
    red, green, blue = np.array(colour) / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    expected = [16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748]
    np.testing.assert_allclose(found, expected, atol=2)
    rgb = next(read_frames(open_clip(tmp_path / "a.mp4"), range(1))).rgb
    assert np.abs(rgb.astype(int) - colour).max() <= 4


def test_odd_sides_are_padded_with_a_copy_of_the_edge(tmp_path):
    odd = np.zeros((33, 47, 3), np.uint8)
    odd[-1], odd[:, -1] = 255, 255
    write_video(tmp_path / "a.mp4", [odd] * 2, fps=Fraction(24), crf=1)
    clip = open_clip(tmp_path / "a.mp4")
    assert (clip.width, clip.height) == (48, 34)
    rgb = next(read_frames(clip, range(1))).rgb
    assert rgb[-1].min() > 240
    assert rgb[:, -1].min() > 240


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_rotation_is_what_the_reader_applies(tmp_path, rotation):
    rgb = np.full((32, 48, 3), 40, np.uint8)
    rgb[:16, :24] = 220  # top left
    write_video(tmp_path / "a.mp4", [rgb] * 2, fps=Fraction(24), rotation=rotation)
    clip = open_clip(tmp_path / "a.mp4")
    assert clip.rotation == rotation
    expected = np.rot90(rgb, -rotation // 90)
    found = next(read_frames(clip, range(1))).rgb
    assert found.shape == expected.shape
    assert np.abs(found[4::8, 4::8].astype(int) - expected[4::8, 4::8]).max() < 12


def test_a_lower_rate_factor_is_closer_to_the_original_and_the_same_call_gives_the_same_bytes(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    sizes, errors = [], []
    for crf in (10, 40):
        path = tmp_path / f"{crf}.mp4"
        write_video(path, [noise] * 3, fps=Fraction(24), crf=crf)
        sizes.append(path.stat().st_size)
        errors.append(np.abs(next(read_frames(open_clip(path), range(1))).rgb.astype(int) - noise).mean())
    assert sizes[0] > 2 * sizes[1]
    assert errors[0] < errors[1]
    write_video(tmp_path / "again.mp4", [noise] * 3, fps=Fraction(24), crf=10)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "10.mp4").read_bytes()


def test_nothing_is_left_when_writing_fails(tmp_path):
    def breaking():
        yield coded(0)
        raise RuntimeError("renderer died")

    with pytest.raises(RuntimeError, match="renderer died"):
        write_video(tmp_path / "a.mp4", breaking(), fps=Fraction(24))
    with pytest.raises(InputError, match="no frames to write"):
        write_video(tmp_path / "a.mp4", [], fps=Fraction(24))
    with pytest.raises(InputError, match=r"Frame 1 of .* is \(32, 64, 3\), but the first is \(64, 160, 3\)"):
        write_video(tmp_path / "a.mp4", [coded(0), np.zeros((32, 64, 3), np.uint8)], fps=Fraction(24))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="Cannot write"):
        write_video(tmp_path / "folder.mp4", [coded(0)], fps=Fraction(24))
    with pytest.raises(OutputError, match="cannot be encoded"):
        write_video(tmp_path / "a.mp4", [np.zeros((16, 17000, 3), np.uint8)], fps=Fraction(24))
    (tmp_path / "old.mp4").write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write_video(tmp_path / "old.mp4", breaking(), fps=Fraction(24))
    assert (tmp_path / "old.mp4").read_bytes() == b"old"
