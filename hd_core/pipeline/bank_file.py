"""A record written row by row: the same file format as `records`, for one that is too large to hold twice."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from hd_core.records import KEY


@dataclass(frozen=True)
class Rows:
    """A tensor that is made while it is written.

    Args:
        dtype: Of its numbers.
        shape: Of the whole.
        parts: Its content in order, in pieces of any size.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    parts: Iterable[np.ndarray]

    @classmethod
    def of(cls, array: np.ndarray) -> "Rows":
        """An array that is there already."""
        return cls(array.dtype, array.shape, [array])


def stream_record(
    stream: BinaryIO, tensors: Mapping[str, Rows], *, digest: str, header: Mapping[str, Any]
) -> Iterator[int]:
    """Write a record that `records.read_record` and `records.is_whole` take; yields the bytes written so far.

    The checksum is known last: its place in the header is kept free.
    """
    inner = {"digest": digest, "header": dict(header)}
    state = hashlib.blake2b(json.dumps(inner, sort_keys=True).encode(), digest_size=16)
    start, places = _write_head(stream, tensors, {**inner, "checksum": state.hexdigest()})
    written = 0
    for name in sorted(tensors):  # the order in which records are summed
        rows = tensors[name]
        state.update(f"{name} {rows.dtype} {rows.shape}".encode())
        stream.seek(start + places[name])
        for part in rows.parts:
            data = np.ascontiguousarray(part, rows.dtype).tobytes()
            state.update(data)
            written += stream.write(data)
            yield written
    stream.seek(0)
    _write_head(stream, tensors, {**inner, "checksum": state.hexdigest()})


def _write_head(
    stream: BinaryIO, tensors: Mapping[str, Rows], metadata: Mapping[str, Any]
) -> tuple[int, dict[str, int]]:
    """Write the head of a safetensors file; returns where the data begins and where in it each tensor lies.

    Wider numbers come first, so that every tensor is aligned to its numbers.
    """
    entries: dict[str, Any] = {"__metadata__": {KEY: json.dumps(metadata, sort_keys=True)}}
    places, end = {}, 0
    for name, rows in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        places[name], begin = end, end
        end += int(np.prod(rows.shape)) * rows.dtype.itemsize
        kind = {"f": "F", "i": "I"}[rows.dtype.kind] + str(8 * rows.dtype.itemsize)
        entries[name] = {"dtype": kind, "shape": list(rows.shape), "data_offsets": [begin, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    stream.write(len(text).to_bytes(8, "little") + text)
    return 8 + len(text), places
