# SPDX-License-Identifier: GPL-3.0-or-later
"""PC2 point caches: positions of one topology over time.

"POINTCACHE2" with a zero byte, then version 1, number of points (int32), first frame, frames per sample (float32),
number of samples (int32), then x, y, z as float32 per point and sample; little end first.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .records import RunError

MAGIC = b"POINTCACHE2\0"
LAYOUT = "<12siiffi"
HEADER_BYTES = struct.calcsize(LAYOUT)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a cache says of itself.

    Args:
        num_points: Vertices of the mesh that it moves.
        start: Frame of the first sample.
        step: Frames from sample to sample.
        num_samples: Samples.
    """

    num_points: int
    start: float
    step: float
    num_samples: int


def read_header(path: Path) -> Header:
    """Header of a cache that is whole.

    Raises:
        RunError: It is missing, no cache, or cut short.
    """
    try:
        with path.open("rb") as stream:
            magic, version, num_points, start, step, num_samples = struct.unpack(LAYOUT, stream.read(HEADER_BYTES))
        whole = path.stat().st_size >= HEADER_BYTES + 12 * num_points * num_samples
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.", "Export it again.") from error
    except struct.error:
        whole, magic, version = False, b"", 0
    if not whole or magic != MAGIC or version != 1 or step <= 0:
        raise RunError(f"{path} is no PC2 cache, or a damaged one.", "Export it again.")
    return Header(num_points=num_points, start=start, step=step, num_samples=num_samples)


def read_sample(path: Path, header: Header, index: int) -> np.ndarray:
    """Positions of a sample, (v, 3)."""
    size = 12 * header.num_points
    with path.open("rb") as stream:
        stream.seek(HEADER_BYTES + index * size)
        return np.frombuffer(stream.read(size), "<f4").reshape(-1, 3)


def write(path: Path, start: int, num_points: int, samples: Iterable[np.ndarray]) -> None:
    """Write a cache of one sample a frame; the number of samples is known, and stated, at the end."""
    count = 0
    with path.open("wb") as stream:
        stream.write(struct.pack(LAYOUT, MAGIC, 1, num_points, float(start), 1.0, 0))
        for positions in samples:
            stream.write(np.ascontiguousarray(positions, "<f4").tobytes())
            count += 1
        stream.seek(0)
        stream.write(struct.pack(LAYOUT, MAGIC, 1, num_points, float(start), 1.0, count))
