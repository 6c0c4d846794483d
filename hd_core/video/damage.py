"""What is wrong with a file that does not play, told from its own first bytes and sizes.

Three families of containers say how long they are: boxes of ISO media (mp4, mov; ISO/IEC 14496-12, section 4.2),
the RIFF chunk of AVI, and the segment of Matroska and WebM (RFC 8794 and RFC 9559).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from hd_core.errors import InputError

_ISO_KINDS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_AGAIN = "Copy, download or record it again."


def is_cut_off(path: Path) -> bool:
    """Whether the container says that the file should be longer than it is; False where it does not say."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(12)
        if head[:4] == b"RIFF" and len(head) == 12:
            return int(struct.unpack("<I", head[4:8])[0]) + 8 > size + 1  # the last chunk may lack its padding
        if head[:4] == _EBML:
            return _matroska_end(stream) > size
        if head[4:8] in _ISO_KINDS:
            return any(end > size for kind, end in _boxes(stream, size) if kind in (b"mdat", b"moof", b"moov"))
    return False


def unreadable(path: Path) -> InputError:
    """The error for a file in which nothing decodes as a video: what it is, as far as can be told."""
    size = path.stat().st_size
    if size == 0:
        return InputError(f"{path} is empty (0 bytes).", _AGAIN)
    with path.open("rb") as stream:
        head = stream.read(1024)
        has_index = head[4:8] not in _ISO_KINDS or b"moov" in {
            kind for kind, end in _boxes(stream, size) if end <= size
        }
        if not has_index:
            return InputError(f"{path} is cut off: its index, the moov box, is missing.", _AGAIN)
    if is_cut_off(path):
        return InputError(f"{path} is cut off before the end of its first picture.", _AGAIN)
    if _is_text(head):
        return InputError(f"{path} is a text file, not a video.", "Give a video, a picture or a folder of pictures.")
    return InputError(
        f"{path} holds no video or picture that can be decoded ({size} bytes, beginning with {head[:8].hex(' ')}).",
        "Play it in another program; if that works, convert it to mp4 (H.264) or a folder of PNG.",
    )


def _boxes(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and end, in bytes, of each top-level box."""
    start = 0
    while start + 8 <= size:
        stream.seek(start)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8).ljust(8, b"\0"))
        elif length == 0:
            length = size - start  # up to the end of the file, wherever that is
        yield kind, start + length
        start += max(length, 8)


def _matroska_end(stream: BinaryIO) -> int:
    """Where the segment ends, in bytes; 0 for a live stream, which does not say."""
    stream.seek(4)
    header, _ = _variable_int(stream)
    stream.seek(header, 1)
    if stream.read(4) != _SEGMENT:
        return 0
    length, is_unknown = _variable_int(stream)
    return 0 if is_unknown else stream.tell() + length


def _variable_int(stream: BinaryIO) -> tuple[int, bool]:
    """An EBML length, and whether it is the reserved value for "unknown" (all ones)."""
    first = int.from_bytes(stream.read(1), "big")
    num_bytes = 9 - first.bit_length()
    if num_bytes > 8:
        return 0, True
    value = int.from_bytes(bytes([first & ((1 << (8 - num_bytes)) - 1)]) + stream.read(num_bytes - 1), "big")
    return value, value == (1 << 7 * num_bytes) - 1


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not merely a letter cut in half at the end
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)
