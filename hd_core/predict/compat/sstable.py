"""Sorted string tables (LevelDB's table format): what a TensorFlow `.index` file is.

A table is blocks, each followed by its kind (0: not compressed) and a masked checksum. In a block every key is stored
as what it does not share with the one before it. The footer names the block that lists the blocks.
"""

import struct
from collections.abc import Iterator

from hd_core.errors import InputError
from hd_core.predict.compat.crc32c import masked_crc32c

MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
TRAILER_BYTES = 5


def read_table(data: bytes, where: str) -> dict[bytes, bytes]:
    """All entries of a table.

    Args:
        data: The file.
        where: Its name, for messages.

    Raises:
        InputError: It is no table, is damaged, or is compressed.
    """
    if len(data) < FOOTER_BYTES or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise InputError(f"{where} is no index of a TensorFlow checkpoint.", "Give the .index file of a V2 checkpoint.")
    try:
        _, position = _handle(data, len(data) - FOOTER_BYTES)  # the meta index, which is empty
        (offset, size), _ = _handle(data, position)
        index = dict(_entries(_block(data, offset, size, where)))
        found: dict[bytes, bytes] = {}
        for handle in index.values():
            (offset, size), _ = _handle(handle, 0)
            found |= _entries(_block(data, offset, size, where))
    except (IndexError, struct.error) as error:
        raise InputError(f"{where} is cut off or damaged.", "Copy it again.") from error
    return found


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A number in base 128, low digits first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where the handle ends."""
    offset, position = read_varint(data, position)
    size, position = read_varint(data, position)
    return (offset, size), position


def _block(data: bytes, offset: int, size: int, where: str) -> bytes:
    content = data[offset : offset + size + 1]
    (stored,) = struct.unpack_from("<I", data, offset + size + 1)
    if content[-1] != 0:
        raise InputError(f"{where} has a compressed block.", "Write the checkpoint again with TensorFlow's own saver.")
    if masked_crc32c(content) != stored:
        raise InputError(f"{where} is damaged: a block's checksum is wrong.", "Copy it again.")
    return content[:-1]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    end = len(block) - 4 - 4 * restarts
    position, key = 0, b""
    while position < end:
        shared, position = read_varint(block, position)
        own, position = read_varint(block, position)
        size, position = read_varint(block, position)
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + size]
        position += size
