"""PNG files as they are stored, 8 or 16 bits in 1 to 4 channels.

Pillow, and what reads through it, cuts 16-bit colour down to 8 bits, which is 0.4 degrees of a normal; hence a
decoder of our own. ISO/IEC 15948; interlaced and palette pictures are refused.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from hd_core.compiled import compiled
from hd_core.errors import InputError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def read_png(path: Path) -> UInt[np.ndarray, "h w c"]:
    """Read a PNG.

    Raises:
        InputError: It is missing or damaged, or has a palette, interlacing, or fewer than 8 bits.
    """
    try:
        header, packed = _chunks(path.read_bytes())
        width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
        channels = _CHANNELS.get(colour, 0)
        if bits not in (8, 16) or not channels or interlaced:
            raise InputError(
                f"{path} is a PNG of {bits} bits, colour type {colour}, interlacing {interlaced}.",
                "Save it with 8 or 16 bits a channel, no palette, not interlaced.",
            )
        step = channels * bits // 8
        filtered = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * step)
    except (OSError, ValueError, struct.error, zlib.error) as error:
        raise InputError(f"{path} is missing or is not a whole PNG.", "Write it again.") from error
    plain = _unfilter(filtered[:, 0].copy(), filtered[:, 1:].copy(), step)
    return plain.view(">u2" if bits == 16 else np.uint8).reshape(height, width, channels).astype(f"u{bits // 8}")


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """Header and compressed pixels; every checksum is verified."""
    if not data.startswith(_SIGNATURE):
        raise ValueError
    position, found = len(_SIGNATURE), {b"IHDR": b"", b"IDAT": b""}
    while position < len(data):
        (size,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        body = data[position + 8 : position + 8 + size]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + size)
        if zlib.crc32(kind + body) != checksum:
            raise ValueError
        if kind in found:
            found[kind] += body
        position += 12 + size
    return found[b"IHDR"], found[b"IDAT"]


@compiled
def _unfilter(kinds: np.ndarray, rows: np.ndarray, step: int) -> np.ndarray:  # pragma: no cover - compiled
    """Undo the five row filters (section 9 of the standard), in place."""
    height, width = rows.shape
    for i in range(height):
        kind = kinds[i]
        for j in range(width):
            left = int(rows[i, j - step]) if j >= step else 0
            above = int(rows[i - 1, j]) if i else 0
            corner = int(rows[i - 1, j - step]) if i and j >= step else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = above
            elif kind == 3:
                guess = (left + above) // 2
            elif kind == 4:
                to_left, to_above = abs(above - corner), abs(left - corner)
                to_corner = abs(left + above - 2 * corner)
                if to_left <= to_above and to_left <= to_corner:
                    guess = left
                else:
                    guess = above if to_above <= to_corner else corner
            else:
                guess = 0
            rows[i, j] = (int(rows[i, j]) + guess) & 255
    return rows
