"""Files that are not what they should be: each gets one clear line."""

import os
import socket
import struct
import threading
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from video_clips import code_of, coded, remuxed, write_clip

from hd_core.errors import InputError
from hd_core.video.damage import is_cut_off
from hd_core.video.packets import scan
from hd_core.video.read import open_clip, read_frames

GOP = {"g": "30", "bf": "3", "preset": "veryfast"}


def clip_of_60(path: Path) -> Path:
    """Frames with much detail, so that pictures and not the index make up most of the file."""
    rng = np.random.default_rng(7)
    frames = [coded(i) for i in range(60)]
    for frame in frames:
        frame[32:] = np.repeat(rng.integers(0, 256, (8, 40, 3), np.uint8), 4, axis=0).repeat(4, axis=1)
    return write_clip(path, frames, options=GOP)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_clip(path)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    assert caught.value.hint
    return text


def read_until_it_breaks(path: Path) -> tuple[int, int, str]:
    """Frames announced, frames delivered, each checked to be the right one, and the message."""
    clip = open_clip(path)
    good = 0
    with pytest.raises(InputError) as caught:
        for frame in read_frames(clip, range(clip.num_frames)):
            assert frame.index == good == code_of(frame.rgb)
            np.testing.assert_allclose(frame.time_seconds, good / 25, atol=1.1e-3)
            good += 1
    message = str(caught.value)
    assert f"frame {good} of {clip.num_frames}" in message
    assert f"--frames 0:{good}" in message
    assert len(list(read_frames(clip, range(good)))) == good
    return clip.num_frames, good, message


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    for name in ("a.mp4", "a.png", "a.jpg"):
        (tmp_path / name).write_bytes(b"")
        assert "empty (0 bytes)" in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.txt", "a.nfo", "a.ans", "a.bin", "noname"])
def test_a_text_file_is_said_to_be_one_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_text("Grüße, this is no video.\n" * 100)
    assert "is a text file, not a video" in refusal(tmp_path / name)


def test_a_text_file_named_as_a_picture_is_refused(tmp_path):
    for name in ("a.png", "a.tif"):
        (tmp_path / name).write_text("no picture\n" * 20)
        assert "text file" in refusal(tmp_path / name)
    (tmp_path / "a.exr").write_text("no picture\n" * 20)
    assert "cannot be read as OpenEXR" in refusal(tmp_path / "a.exr")


def test_a_file_of_noise_shows_its_first_bytes(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\x01\x02\x03\x04" + np.random.default_rng(3).bytes(5000))
    assert "5004 bytes, beginning with 01 02 03 04" in refusal(tmp_path / "a.mp4")


def test_a_picture_stored_in_tiles_is_not_taken_for_a_video_of_its_first_tile(tmp_path):
    clip_of_60(tmp_path / "a.mp4").rename(tmp_path / "IMG_0001.HEIC")
    assert "Convert it to JPEG or PNG" in refusal(tmp_path / "IMG_0001.HEIC")


def test_sound_alone_is_said_to_be_sound(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0\0" * 8000)
    assert "sound only" in refusal(path)


def test_an_mp4_that_lost_its_tail_is_said_to_lack_its_index(tmp_path):
    path = clip_of_60(tmp_path / "a.mp4")
    data = path.read_bytes()
    for length in (
        data.index(b"moov") + 300,
        len(data) // 2,
        100,
    ):  # within the index, within the pictures, at the start
        path.write_bytes(data[:length])
        assert "cut off: its index, the moov box, is missing" in refusal(path)


def test_a_playlist_cannot_reach_other_machines(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        (tmp_path / "a.m3u8").write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
        answers = threading.Thread(target=lambda: refusal(tmp_path / "a.m3u8"))
        answers.start()
        with pytest.raises(TimeoutError):
            server.accept()[0].close()
        answers.join()


def test_pictures_and_videos_of_one_pixel_are_refused_with_the_smallest_size(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    write_clip(tmp_path / "a.mkv", [np.zeros((1, 1, 3), np.uint8)] * 2, codec="ffv1", pix_fmt="bgr0")
    for name in ("a.png", "a.mkv"):
        message = refusal(tmp_path / name)
        assert "1 x 1 px" in message
        assert "16 or more" in message
    Image.new("RGB", (15, 200)).save(tmp_path / "b.png")
    assert "15 x 200 px" in refusal(tmp_path / "b.png")
    Image.new("RGB", (16, 200)).save(tmp_path / "c.png")
    assert open_clip(tmp_path / "c.png").width == 16
    with pytest.raises(InputError, match=r"2 x 20 px.*larger side"):
        open_clip(tmp_path / "c.png", max_side=20)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_said_so(tmp_path):
    path = clip_of_60(tmp_path / "a.mp4")
    path.chmod(0)
    assert "Cannot read" in refusal(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_a_video_that_was_cut_off_anywhere_gives_whole_frames_and_says_where_it_broke(tmp_path, suffix):
    path = clip_of_60(tmp_path / f"whole.{suffix}")
    if suffix == "mp4":
        path = remuxed(path, tmp_path / "front.mp4", movflags="faststart")
    assert not is_cut_off(path)
    whole = open_clip(path)
    assert whole.num_frames == 60
    assert len(list(read_frames(whole, range(60)))) == 60
    data = path.read_bytes()
    for part in (0.4, 0.45, 0.52, 0.6, 0.66, 0.71, 0.77, 0.83, 0.9, 0.95):
        path.write_bytes(data[: int(len(data) * part)])
        assert is_cut_off(path)
        announced, good, _ = read_until_it_breaks(path)
        assert announced == 60
        assert 60 * part - 14 < good < 60 * part + 6


def packets_of(path: Path) -> list[tuple[int, int, int]]:
    """Time, place and size of each packet, in the order of decoding."""
    with av.open(str(path)) as video:
        return [(packet.pts, packet.pos, packet.size) for packet in video.demux(video=0) if packet.size]


def test_one_damaged_packet_costs_no_frame_that_is_shown_before_all_that_follow_it(tmp_path):
    path = remuxed(clip_of_60(tmp_path / "a.mp4"), tmp_path / "b.mp4", movflags="faststart")
    whole = [frame.rgb for frame in read_frames(open_clip(path), range(60))]
    data, packets = path.read_bytes(), packets_of(path)
    order = sorted(stamp for stamp, _, _ in packets)
    for hurt in range(1, 28):
        _, place, size = packets[hurt]
        path.write_bytes(data[:place] + bytes(size) + data[place + size :])
        clip = open_clip(path)
        with pytest.raises(InputError, match="missing or damaged") as caught:
            list(read_frames(clip, range(60)))
        expected = min(order.index(stamp) for stamp, _, _ in packets[hurt:])
        assert f"frame {expected} of 60" in str(caught.value)
        for frame in read_frames(clip, range(expected)):
            np.testing.assert_array_equal(frame.rgb, whole[frame.index])


def test_a_fragmented_mp4_that_was_cut_off_gives_its_whole_frames(tmp_path):
    path = remuxed(clip_of_60(tmp_path / "a.mp4"), tmp_path / "b.mp4", movflags="frag_keyframe+empty_moov")
    assert len(list(read_frames(open_clip(path), range(60)))) == 60
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    _, good, _ = read_until_it_breaks(path)
    assert good >= 30


@pytest.mark.parametrize("filler", ["noise", "zeros"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_broken_tail_ends_with_the_frame_before_it(tmp_path, filler, suffix):
    path = clip_of_60(tmp_path / f"whole.{suffix}")
    if suffix == "mp4":
        path = remuxed(path, tmp_path / "front.mp4", movflags="faststart")
    data = bytearray(path.read_bytes())
    half = len(data) * 6 // 10
    rest = len(data) - half
    data[half:] = np.random.default_rng(1).bytes(rest) if filler == "noise" else bytes(rest)
    path.write_bytes(data)
    if suffix == "ts":  # a transport stream has no index: what follows the break is simply not there
        clip = open_clip(path)
        assert [code_of(frame.rgb) for frame in read_frames(clip, range(20))] == list(range(20))
        return
    _, good, _ = read_until_it_breaks(path)
    assert 20 < good < 45


def test_damage_amid_a_video_is_found_and_the_frames_behind_the_next_key_picture_can_be_read(tmp_path):
    path = remuxed(clip_of_60(tmp_path / "a.mp4"), tmp_path / "b.mp4", movflags="faststart")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    third = start + (len(data) - start) // 3
    data[third : third + 400] = np.random.default_rng(1).bytes(400)
    path.write_bytes(data)
    announced, good, _ = read_until_it_breaks(path)
    assert announced == 60
    assert 5 < good < 28
    clip = open_clip(path)
    assert scan(path).anchors(29)[0] == 29 * 512  # where a key picture is
    assert [code_of(frame.rgb) for frame in read_frames(clip, range(29, 60))] == list(range(29, 60))
    with pytest.raises(InputError, match=f"frame {good} of 60"):
        list(read_frames(clip, range(28, 60)))
    with pytest.raises(InputError, match=f"frame {good} of 60"):
        list(read_frames(clip, range(0, 60, 59)))


def test_a_video_whose_first_picture_is_damaged_is_refused(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [coded(i) for i in range(5)], options=GOP)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    assert "can be decoded" in refusal(path)


def test_a_picture_that_was_cut_off_is_refused_and_one_amid_a_sequence_ends_it(tmp_path):
    for number in range(4):
        Image.fromarray(coded(number)).save(tmp_path / f"a.{number:04d}.png")
    hurt = tmp_path / "a.0002.png"
    hurt.write_bytes(hurt.read_bytes()[:200])
    assert "cannot be read as a picture" in refusal(hurt)
    clip = open_clip(tmp_path / "a.####.png")
    frames = read_frames(clip, range(4))
    assert [code_of(next(frames).rgb), code_of(next(frames).rgb)] == [0, 1]
    with pytest.raises(InputError, match=r"Frame 2 is broken.*a\.0002\.png.*--frames 0:2"):
        next(frames)


def test_the_headers_of_live_streams_and_large_boxes_are_understood(tmp_path):
    ebml = b"\x1a\x45\xdf\xa3\x81\x00" + b"\x18\x53\x80\x67"
    cases = {
        "unknown length": (ebml + b"\x01" + b"\xff" * 7 + b"data", False),
        "whole": (ebml + b"\x84" + b"data", False),
        "short": (ebml + b"\x40\x08" + b"data", True),
        "to the end": (struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", 0, b"mdat") + b"data", False),
        "large": (struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 20) + b"data", False),
        "large and short": (struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 1 << 33), True),
        "riff": (b"RIFF" + struct.pack("<I", 8) + b"AVI data", False),
        "short riff": (b"RIFF" + struct.pack("<I", 80) + b"AVI data", True),
        "nothing": (b"", False),
        "tiny": (b"\x1a\x45\xdf\xa3", False),
    }
    for name, (data, expected) in cases.items():
        path = tmp_path / "a"
        path.write_bytes(data)
        assert is_cut_off(path) is expected, name
