"""Video files: exact frames, times, orientation, sizes and alpha."""

import tracemalloc
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from video_clips import HEIGHT, WIDTH, code_of, coded, remuxed, write_clip

from hd_core.errors import UsageError
from hd_core.video import container
from hd_core.video.read import open_clip, read_frames

LONG_GOP = {"g": "20", "bf": "3", "preset": "veryfast"}
OPEN_GOP = LONG_GOP | {"x264-params": "open-gop=1:b-pyramid=normal"}


def codes(clip, frames: range) -> list[int]:
    found = []
    for frame in read_frames(clip, frames):
        assert frame.index == (code := code_of(frame.rgb)), f"frame {frame.index} shows {code}"
        found.append(frame.index)
    return found


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", OPEN_GOP),
        ("a.mkv", "libx264", "yuv420p", LONG_GOP),
        ("a.ts", "libx264", "yuv420p", LONG_GOP),
        ("a.avi", "libx264", "yuv420p", LONG_GOP),
        ("a.h264", "libx264", "yuv420p", LONG_GOP),
        ("b.mp4", "libx265", "yuv420p10le", {"x265-params": "log-level=none:keyint=20"}),
        ("a.avi", "mpeg4", "yuv420p", {"g": "20"}),
        ("a.mov", "mjpeg", "yuvj420p", {}),
        ("vp8.webm", "libvpx", "yuv420p", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16"}),
        ("vp9.webm", "libvpx-vp9", "yuv420p", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}),
        ("a.gif", "gif", "rgb8", {}),
    ],
)
def test_every_container_is_counted_exactly_and_frames_are_those_asked_for_also_after_a_seek(
    tmp_path, name, codec, pix_fmt, options
):
    path = write_clip(tmp_path / name, [coded(i) for i in range(67)], codec=codec, pix_fmt=pix_fmt, options=options)
    clip = open_clip(path)
    assert (clip.num_frames, clip.width, clip.height) == (67, WIDTH, HEIGHT)
    assert clip.fps == 25
    assert not clip.variable_rate
    assert codes(clip, range(67)) == list(range(67))
    for frames in (range(66, 67), range(41, 44), range(19, 62, 7), range(20, 22), range(1)):
        assert codes(clip, frames) == list(frames)
    times = [frame.time_seconds for frame in read_frames(clip, range(67))]
    np.testing.assert_allclose(times, np.arange(67) / 25, atol=1.1e-3 if name.endswith(("mkv", "webm")) else 1e-9)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_reading_late_frames_decodes_only_from_the_key_picture_before_them(tmp_path, monkeypatch, suffix):
    path = write_clip(tmp_path / f"a.{suffix}", [coded(i) for i in range(100)], options=LONG_GOP)
    clip = open_clip(path)
    decoded = []

    def counting(*args):
        for position, picture in placed(*args):
            decoded.append(position)
            yield position, picture

    placed = container._placed
    monkeypatch.setattr(container, "_placed", counting)
    assert codes(clip, range(95, 97)) == [95, 96]
    assert 95 in decoded
    assert min(decoded) >= 80 - 20 * (suffix == "ts")


def test_a_variable_rate_is_noticed_and_times_are_the_containers_from_the_first_frame_on(tmp_path):
    pts = [700, 733, 766, 900, 901, 1200, 1233, 1266]
    path = write_clip(
        tmp_path / "a.mkv", [coded(i) for i in range(8)], pts=pts, time_base=Fraction(1, 1000), options={"bf": "2"}
    )
    clip = open_clip(path)
    assert clip.variable_rate
    assert float(clip.fps) == pytest.approx(7 / 0.566, rel=1e-3)
    frames = list(read_frames(clip, range(8)))
    assert [code_of(frame.rgb) for frame in frames] == list(range(8))
    np.testing.assert_allclose([frame.time_seconds for frame in frames], (np.array(pts) - 700) / 1000, atol=1e-12)
    late = list(read_frames(clip, range(5, 8)))
    assert [frame.time_seconds for frame in late] == [frame.time_seconds for frame in frames[5:]]


def test_the_broadcast_rate_stays_a_fraction(tmp_path):
    for name in ("a.mp4", "a.mkv"):
        path = write_clip(tmp_path / name, [coded(i) for i in range(40)], rate=Fraction(30000, 1001))
        clip = open_clip(path)
        assert clip.fps == Fraction(30000, 1001)
        assert not clip.variable_rate


def test_the_given_rate_labels_only_videos_that_state_none(tmp_path):
    mp4 = write_clip(tmp_path / "a.mp4", [coded(i) for i in range(5)])
    assert open_clip(mp4, fps=Fraction(10)).fps == 25
    raw = write_clip(tmp_path / "a.h264", [coded(i) for i in range(5)], options={"bf": "2"})
    clip = open_clip(raw, fps=Fraction(10))
    assert clip.fps == 10
    assert [frame.time_seconds for frame in read_frames(clip, range(1, 5, 2))] == pytest.approx([0.1, 0.3])


def test_pictures_that_an_edit_list_cuts_away_are_not_counted(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [coded(i) for i in range(30)], options=LONG_GOP)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4 + 4 + 4  # type; version and flags; number of entries
    ticks_per_frame = 512
    media_time = int.from_bytes(data[at + 4 : at + 8], "big")
    data[at + 4 : at + 8] = (media_time + 3 * ticks_per_frame).to_bytes(4, "big")
    path.write_bytes(data)
    clip = open_clip(path)
    assert clip.num_frames == 27
    frames = list(read_frames(clip, range(27)))
    assert [code_of(frame.rgb) for frame in frames] == list(range(3, 30))
    assert frames[0].time_seconds == 0
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(20, 22))] == [23, 24]


def test_a_recording_that_starts_amid_things_begins_at_its_first_key_picture(tmp_path):
    whole = write_clip(tmp_path / "a.ts", [coded(i) for i in range(60)], options=LONG_GOP)
    with av.open(str(whole)) as recording:
        packets = [p for p in recording.demux(video=0) if p.size]
    second_key = [p.pos for p in packets if p.is_keyframe][1]
    before = [p.pos for p in packets if p.pos < second_key][3]
    part = tmp_path / "part.ts"
    part.write_bytes(whole.read_bytes()[before - before % 188 :])
    clip = open_clip(part)
    assert clip.num_frames == 40
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(40))] == list(range(20, 60))


def test_a_raw_stream_that_starts_amid_things_begins_at_its_first_key_picture(tmp_path):
    options = LONG_GOP | {"x264-params": "repeat-headers=1"}
    whole = write_clip(tmp_path / "a.h264", [coded(i) for i in range(60)], options=options)
    data = whole.read_bytes()
    units = [at for at in range(len(data) - 4) if data[at : at + 3] == b"\0\0\1" and data[at + 3] & 31 in (1, 5)]
    (tmp_path / "part.h264").write_bytes(data[units[4] :])
    clip = open_clip(tmp_path / "part.h264")
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(clip.num_frames))] == list(range(20, 60))


def test_an_avi_that_starts_amid_things_begins_at_its_first_key_picture(tmp_path):
    whole = write_clip(tmp_path / "a.avi", [coded(i) for i in range(30)], codec="mpeg4", options={"g": "10"})
    with av.open(str(whole)) as old, av.open(str(tmp_path / "part.avi"), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        for packet in list(old.demux(stream))[5:-1]:
            packet.stream = copy
            new.mux(packet)
    clip = open_clip(tmp_path / "part.avi")
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(clip.num_frames))] == list(range(10, 30))


def test_pictures_of_vp8_that_are_never_shown_are_not_counted(tmp_path):
    path = write_clip(tmp_path / "a.webm", [coded(i) for i in range(20)], codec="libvpx", options={"g": "100"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as video:
        seventh = [bytes(packet) for packet in video.demux(video=0)][7]
    at = data.index(seventh)
    assert data[at] & 0x10
    data[at] &= ~0x10  # the bit that shows the picture
    path.write_bytes(data)
    clip = open_clip(path)
    assert clip.num_frames == 19
    expected = [i for i in range(20) if i != 7]
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(19))] == expected
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(10, 12))] == [11, 12]


def test_a_range_outside_the_clip_is_refused(tmp_path):
    clip = open_clip(write_clip(tmp_path / "a.mp4", [coded(i) for i in range(5)]))
    assert list(read_frames(clip, range(3, 3))) == []
    for frames in (range(3, 6), range(-1, 2), range(4, 1, -1)):
        with pytest.raises(UsageError, match="0:5"):
            read_frames(clip, frames)
    with pytest.raises(UsageError, match="16 px"):
        open_clip(clip.path, max_side=15)
    with pytest.raises(UsageError, match="frame rate"):
        open_clip(clip.path, fps=Fraction(0))


def test_a_clip_written_down_and_read_back_delivers_the_same(tmp_path):
    clip = open_clip(write_clip(tmp_path / "a.mp4", [coded(i) for i in range(5)]))
    copy = replace(clip)
    for one, two in zip(read_frames(clip, range(5)), read_frames(copy, range(5)), strict=True):
        np.testing.assert_array_equal(one.rgb, two.rgb)


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    def peak(num_frames: int) -> int:
        path = write_clip(tmp_path / f"{num_frames}.mp4", [coded(i) for i in range(num_frames)])
        clip = open_clip(path)
        assert sum(1 for _ in read_frames(clip, range(num_frames))) == num_frames
        tracemalloc.start()
        for frame in read_frames(clip, range(num_frames)):
            assert frame.rgb.shape == (HEIGHT, WIDTH, 3)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak_bytes

    one_frame = HEIGHT * WIDTH * 3
    # The table of contents grows by some hundred bytes a frame, pictures must not.
    assert peak(400) - peak(40) < 6 * one_frame


def test_the_same_packets_give_the_same_pixels_in_another_container(tmp_path):
    mp4 = write_clip(tmp_path / "a.mp4", [coded(i) for i in range(30)], options=LONG_GOP)
    mkv = remuxed(mp4, tmp_path / "a.mkv")
    for one, two in zip(
        read_frames(open_clip(mp4), range(5, 30)), read_frames(open_clip(mkv), range(5, 30)), strict=True
    ):
        np.testing.assert_array_equal(one.rgb, two.rgb)
        assert one.time_seconds == pytest.approx(two.time_seconds, abs=1e-3)
