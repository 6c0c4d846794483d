"""A reader of depth banks that knows docs/bank.md and nothing of the code that writes them."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STEPS = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
"""Directions of a rim, x and y."""
TYPES = {"F64": np.float64, "F32": np.float32, "I32": np.int32}


@dataclass
class Decoded:
    """Vertices of one frame: place in the crop (px, edges not centres), depth, and which kind they are."""

    place: np.ndarray
    depth: np.ndarray
    is_pixel: np.ndarray
    is_rim: np.ndarray
    direction: np.ndarray
    share: np.ndarray


def decode(pixels: np.ndarray, values: np.ndarray) -> Decoded:
    """Undo the packing of rims, one vertex at a time."""
    place, depth, directions, shares = [], [], [], []
    for (x, y), value in zip(pixels.tolist(), values.tolist(), strict=True):
        direction, share, z = 0, 0.0, max(value, 0.0)
        if value < 0:
            k = int(-value)
            z = (-value - k) * 64
            direction, share = k % 8, (k // 8 + 0.5) / 8
        dx, dy = STEPS[direction]
        place.append((x + share * dx + 0.5, y + share * dy + 0.5))
        depth.append(z)
        directions.append(direction)
        shares.append(share)
    values = np.asarray(values)
    return Decoded(
        np.array(place).reshape(-1, 2), np.array(depth), values > 0, values < 0, np.array(directions), np.array(shares)
    )


def read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Tensors and header of a bank file, from the bytes."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + size])
    header = json.loads(head.pop("__metadata__")["hd_core"])["header"]
    tensors = {}
    for name, entry in head.items():
        begin, end = entry["data_offsets"]
        dtype = np.dtype(TYPES[entry["dtype"]])
        assert (8 + size + begin) % dtype.itemsize == 0, f"{name} is not aligned"
        tensors[name] = np.frombuffer(raw[8 + size + begin : 8 + size + end], dtype).reshape(entry["shape"])
    return tensors, header


def drawn(bank: dict[str, np.ndarray], position: int) -> np.ndarray:
    """Quads of one frame."""
    bits = bank["kept"][position // 24] >> (position % 24) & 1
    return bank["quads"][bits.astype(bool)]


def filled(place: np.ndarray, quads: np.ndarray, size: int, samples: int) -> np.ndarray:
    """Which of `samples` x `samples` points per pixel of a square picture the quads cover."""
    corner = place[np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])] * samples
    reach = int(np.ceil((corner.max(axis=1) - corner.min(axis=1)).max())) + 1
    start = np.floor(corner.min(axis=1)).astype(int)
    steps = np.arange(reach)
    x, y = np.broadcast_arrays(
        start[:, 0, None, None] + steps[None, None, :] + 0.5, start[:, 1, None, None] + steps[None, :, None] + 0.5
    )
    inside = np.ones(x.shape, bool)
    for k in range(3):
        a, b = corner[:, k, :, None, None], corner[:, (k + 1) % 3, :, None, None]
        inside &= (b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (b[:, 1] - a[:, 1]) * (x - a[:, 0]) <= 0
    hit = np.zeros((size * samples, size * samples), bool)
    rows, columns = np.floor(y[inside]).astype(int), np.floor(x[inside]).astype(int)
    good = (rows >= 0) & (columns >= 0) & (rows < len(hit)) & (columns < len(hit))
    hit[rows[good], columns[good]] = True
    return hit


def inside_contour(alpha: np.ndarray, samples: int) -> np.ndarray:
    """Where a matte, linear between pixel centres, is above 0.5, at `samples` x `samples` points per pixel."""
    at = np.clip((np.arange(len(alpha) * samples) + 0.5) / samples - 0.5, 0, len(alpha) - 1)
    low = np.minimum(at.astype(int), len(alpha) - 2)
    weight = at - low
    along = alpha[low] * (1 - weight)[:, None] + alpha[low + 1] * weight[:, None]
    return along[:, low] * (1 - weight) + along[:, low + 1] * weight > 0.5


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())
