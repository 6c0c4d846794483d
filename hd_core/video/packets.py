"""The table of contents of a video file: how many frames, when each is shown, where decoding can begin.

It is made by walking through the packets without decoding them. Packets lie in decoding order; their presentation
times, sorted, are the frames in the order they are shown.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.buffer import Buffer
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.video.damage import is_cut_off, unreadable
from hd_core.video.timeline import DEFAULT_RATE, is_uneven, mean_rate, seconds_of

_TEXT_FORMATS = frozenset({"adf", "bin", "idf", "tty", "xbin"})
"""Demuxers that would draw any text file as pictures of a terminal."""
_WITHOUT_DISPLAY_TIMES = frozenset({"avi", "h264", "hevc", "m4v", "mpegvideo", "obu", "vc1"})
"""Containers whose packets carry no presentation time, or only a guessed one."""

_TILED = frozenset({".heic", ".heif"})
"""Pictures that FFmpeg takes for as many videos as they have tiles."""
_DURATION = re.compile(r"([0-9]+):([0-9]+):([0-9.]+)")
"""The tag of a Matroska track that tells where it ends."""


@dataclass(frozen=True, kw_only=True)
class PacketIndex:
    """The frames of a video file in display order.

    Args:
        num_frames: Frames the file announces; more than `num_good` if the file is cut off.
        num_good: Frames before the first missing one.
        seconds: Their times.
        rate: Mean frames per second.
        is_variable: Whether they are unevenly spaced.
        stamps: Their presentation times in ticks, increasing; None where the container has no usable ones, so
            that frames can only be counted from the beginning.
        key_stamps: Presentation and decoding times, ticks, of the pictures that decode without others.
    """

    num_frames: int
    num_good: int
    seconds: Float[np.ndarray, " n"]
    rate: Fraction
    is_variable: bool
    stamps: tuple[int, ...] | None
    key_stamps: tuple[tuple[int, int], ...]

    def anchors(self, frame_index: int) -> tuple[int | None, ...]:
        """Times to seek to for a frame, ticks, best first; the last is None, the beginning, which always serves.

        They are of the last key picture shown not after the frame. Containers differ in whether a seek goes by the
        presentation time (mp4) or the decoding time (MPEG-TS), so the reader must look where it came out.
        """
        if self.stamps is None:
            return (None,)
        at = bisect_right(self.key_stamps, self.stamps[frame_index], key=lambda key: key[0])
        keys = self.key_stamps[1:at][-1:]
        return (*(stamp for key in keys for stamp in key), None)


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A video file and its picture stream; local files only, whatever a playlist in it may name.

    Raises:
        InputError: The file cannot be opened, or holds no moving picture.
    """
    if path.suffix.lower() in _TILED:
        raise InputError(f"{path} is a HEIF picture, which is stored in tiles.", "Convert it to JPEG or PNG.")
    try:
        container = av.open(str(path.resolve()), options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        if isinstance(error, PermissionError):
            raise InputError(f"Cannot read {path}: {error.strerror}.", "Check its permissions.") from error
        raise unreadable(path) from error
    with container:
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if container.format.name in _TEXT_FORMATS or (not streams and not container.streams.audio):
            raise unreadable(path)
        if not streams:
            raise InputError(f"{path} holds sound only, no picture.", "Give the file that holds the picture.")
        yield container, streams[0]


def scan(path: Path, fps: Fraction | None = None) -> PacketIndex:
    """Walk through a file's packets.

    Args:
        path: The video file.
        fps: Frame rate where the container has neither times nor a rate.

    Raises:
        InputError: The file cannot be opened, or holds no frame.
    """
    with opened(path) as (container, stream):
        packets, is_broken = _walk(container, stream)
        time_base, declared = stream.time_base or Fraction(1, 1000), stream.average_rate
        is_timed = container.format.name not in _WITHOUT_DISPLAY_TIMES
        num_announced, end = _announced(stream)
    shown = [entry for entry in _from_first_key(packets) if entry.is_shown]
    if not shown:
        raise unreadable(path)
    stamps = sorted(entry.pts for entry in shown if entry.pts is not None)
    is_keyed = is_timed and len(set(stamps)) == len(shown)
    ticks = stamps if is_timed and len(stamps) == len(shown) else _decoding_times(shown)
    seconds, rate = _times(ticks, len(shown), time_base, declared, fps)
    is_variable = is_uneven(seconds, time_base)
    is_broken |= is_cut_off(path) and not 0 < num_announced <= len(packets)
    if is_keyed and len(shown) > 2 and not is_variable:
        is_broken |= stamps[-1] * time_base + 3 / rate < end
    num_good = _num_before_gap(stamps, packets) if is_broken and is_keyed else len(shown)
    num_hidden = len(packets) - len(shown)
    num_whole = max(num_announced or round(end * rate), len(packets)) - num_hidden
    return PacketIndex(
        num_frames=max(num_whole, num_good + 1) if is_broken else num_good,
        num_good=num_good,
        seconds=seconds[:num_good],
        rate=rate,
        is_variable=is_variable,
        stamps=tuple(stamps[:num_good]) if is_keyed else None,
        key_stamps=tuple(sorted(entry.as_key for entry in packets if entry.is_key and entry.pts is not None)),
    )


def _times(
    ticks: list[int], num_frames: int, time_base: Fraction, declared: Fraction | None, fps: Fraction | None
) -> tuple[Float[np.ndarray, " n"], Fraction]:
    """Seconds and mean rate, from the ticks where there are any."""
    if not ticks:
        rate = fps or declared or DEFAULT_RATE
        return np.arange(num_frames) / float(rate), rate
    rough = declared or fps or DEFAULT_RATE
    seconds = seconds_of(ticks, time_base, 1 / rough)
    return seconds, mean_rate(seconds, declared) or rough


@dataclass(frozen=True, slots=True)
class _Entry:
    pts: int | None
    dts: int | None
    is_key: bool
    is_shown: bool

    @property
    def as_key(self) -> tuple[int, int]:
        shown = self.pts or 0
        return shown, shown if self.dts is None else min(self.dts, shown)


def _walk(container: InputContainer, stream: VideoStream) -> tuple[list[_Entry], bool]:
    """Every whole packet in file order, and whether the file broke off."""
    entries: list[_Entry] = []
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                return entries, True
            if packet.size:  # the last one is empty; so are dropped frames in AVI
                is_shown = not packet.is_discard and not _is_hidden(stream.codec_context.name, packet)
                entries.append(_Entry(packet.pts, packet.dts, packet.is_keyframe, is_shown))
    except av.FFmpegError:
        return entries, True
    return entries, False


def _announced(stream: VideoStream) -> tuple[int, Fraction]:
    """What the container says of its whole length: packets, and the end of the last in seconds; 0 if unsaid."""
    tag = _DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    end = sum(Fraction(part) * unit for part, unit in zip(tag.groups(), (3600, 60, 1), strict=True)) if tag else 0
    return stream.frames, Fraction(end)


def _is_hidden(codec: str, data: Buffer) -> bool:
    # VP8 stores reference pictures that are never shown; bit 4 of the frame tag says so (RFC 6386, section 9.1).
    return codec == "vp8" and not memoryview(data)[0] & 0x10


def _from_first_key(packets: list[_Entry]) -> list[_Entry]:
    """Drop what no player shows of a recording that starts amid things: pictures predicted from earlier ones."""
    first = next((at for at, entry in enumerate(packets) if entry.is_key), len(packets))
    rest = packets[first:]
    start = rest[0].pts if rest else None
    return [entry for entry in rest if start is None or entry.pts is None or entry.pts >= start]


def _num_before_gap(stamps: list[int], packets: list[_Entry]) -> int:
    """Frames surely shown before all missing ones: no later than the last decoding time that was read.

    A missing packet comes later in the file, so its decoding time, and with it its presentation time, is later.
    """
    last = max((entry.dts for entry in packets if entry.dts is not None), default=stamps[-1])
    return max(1, bisect_right(stamps, last))


def _decoding_times(shown: list[_Entry]) -> list[int]:
    times = sorted(entry.dts for entry in shown if entry.dts is not None)
    return times if len(times) == len(shown) else []


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)
