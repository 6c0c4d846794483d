"""TensorFlow V2 checkpoints without TensorFlow: a table of names (`.index`) and the raw tensors (`.data-...`).

The entry of the empty key is a BundleHeaderProto (1: number of data files, 2: byte order); every other is a
BundleEntryProto (1: type, 2: shape, 3: data file, 4: offset, 5: size, 6: masked checksum).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_core.errors import InputError
from hd_core.predict.compat.crc32c import masked_crc32c
from hd_core.predict.compat.sstable import read_table, read_varint

DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
"""TensorFlow's numbers of the types that are read."""
SUFFIX = ".index"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a tensor lies.

    Args:
        dtype: TensorFlow's number of its type.
        shape: Its size.
        shard: Number of the data file.
        offset: In it, bytes.
        size: Bytes.
        checksum: Masked CRC-32C.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


class Bundle:
    """One checkpoint.

    Args:
        index: Its `.index` file.

    Raises:
        InputError: It is missing, damaged, or of another byte order.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        try:
            table = read_table(index.read_bytes(), str(index))
        except OSError as error:
            raise InputError(f"{index} cannot be read.", "Check the path.") from error
        header = dict(_fields(table.pop(b"", b"")))
        if header.get(2, 0) != 0:
            raise InputError(f"{index} was written on a machine of the other byte order.", "Save it again on another.")
        self._shards = int(header.get(1, 1))
        self.entries = {name.decode(): _entry(value) for name, value in table.items()}

    def data_path(self, shard: int) -> Path:
        """A data file."""
        stem = self._index.name.removesuffix(SUFFIX)
        return self._index.with_name(f"{stem}.data-{shard:05d}-of-{self._shards:05d}")

    def tensor(self, name: str) -> np.ndarray:
        """A tensor by its name.

        Raises:
            InputError: There is none, its type is not known, or its bytes are missing or damaged.
        """
        if name not in self.entries:
            raise InputError(f"{self._index} has no tensor {name}.", "Is it the checkpoint of another network?")
        entry = self.entries[name]
        if entry.dtype not in DTYPES:
            raise InputError(f"{name} in {self._index} is of TensorFlow's type {entry.dtype}.", "Expected floats.")
        path = self.data_path(entry.shard)
        try:
            with path.open("rb") as stream:
                stream.seek(entry.offset)
                data = stream.read(entry.size)
        except OSError as error:
            raise InputError(f"{path} cannot be read.", "It belongs beside the .index file.") from error
        values = np.frombuffer(data, DTYPES[entry.dtype]) if len(data) % int(DTYPES[entry.dtype][-1]) == 0 else data
        if len(values) != int(np.prod(entry.shape)) or masked_crc32c(data) != entry.checksum:
            raise InputError(f"{path} is damaged: {name} is cut off or has a wrong checksum.", "Copy it again.")
        return np.asarray(values).reshape(entry.shape)


def _entry(data: bytes) -> Entry:
    fields = dict(_fields(data))
    shape = _fields(bytes(fields.get(2, b"")))
    sizes = tuple(int(dict(_fields(bytes(dim))).get(1, 0)) for number, dim in shape if number == 2)
    numbers = {number: int(fields.get(number, 0)) for number in (1, 3, 4, 5, 6)}
    return Entry(
        dtype=numbers[1], shape=sizes, shard=numbers[3], offset=numbers[4], size=numbers[5], checksum=numbers[6]
    )


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protocol buffer's fields."""
    position = 0
    while position < len(data):
        key, position = read_varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = read_varint(data, position)
            yield key >> 3, value
        elif kind == 2:
            size, position = read_varint(data, position)
            yield key >> 3, data[position : position + size]
            position += size
        elif kind in (1, 5):
            form, size = ("<Q", 8) if kind == 1 else ("<I", 4)
            yield key >> 3, struct.unpack_from(form, data, position)[0]
            position += size
        else:
            raise InputError(f"Found a field of kind {kind} in a checkpoint's index.", "It is damaged: copy it again.")
