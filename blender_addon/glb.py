# SPDX-License-Identifier: GPL-3.0-or-later
"""glTF 2.0 in one file: people as meshes whose later frames are morph targets, each shown alone in its time.

Written here, because a key must be switched and not blended, and colours that change with the frame are morph targets
of the colour, which Blender's own exporter does not write.
"""

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

MAX_FRAMES = 250
"""WebGL 2 promises 256 layers for the texture that viewers keep morph targets in."""
MAX_BYTES = 1 << 31
"""What a browser can hold in one piece; the format itself ends at twice that."""
VERTEX_DATA, INDEX_DATA = 34962, 34963
COMPONENTS = {"float32": 5126, "uint16": 5123, "uint32": 5125}
SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A person in one frame.

    Args:
        seconds: When, from the start of the clip.
        positions: Of every vertex, in Blender's axes, (v, 3), m.
        normals: Of every vertex, in Blender's axes, (v, 3); where there is none, 0.
        colours: Linear colour of every vertex, 0..1, (v, 3), or none.
    """

    seconds: float
    positions: np.ndarray
    normals: np.ndarray
    colours: np.ndarray | None


@dataclass
class Glb:
    """A document that is being filled; `add_person`, then `write`."""

    _document: dict[str, Any] = field(default_factory=lambda: {"asset": {"version": "2.0", "generator": "HD Human"}})
    _buffer: bytearray = field(default_factory=bytearray)

    def add_person(self, name: str, triangles: np.ndarray, frames: Iterable[Frame]) -> None:
        """Add an animated mesh.

        Args:
            name: Of the node.
            triangles: Vertices of every face, (f, 3).
            frames: In order; the first one is the mesh itself.
        """
        frames = iter(frames)
        first = next(frames)
        base = _values(first)
        primitive: dict[str, Any] = {
            "attributes": {key: self._vertex_data(key, value) for key, value in base.items()},
            "indices": self._array(triangles.ravel().astype(np.uint32), target=INDEX_DATA),
            "material": self._add("materials", _material(name)),
        }
        targets, seconds = [], [first.seconds]
        for frame in frames:
            values = _values(frame)
            difference = {key: value - base[key] for key, value in values.items()}
            targets.append({key: self._vertex_data(key, value) for key, value in difference.items()})
            seconds.append(frame.seconds)
        mesh: dict[str, Any] = {"name": name, "primitives": [primitive]}
        if targets:
            primitive["targets"] = targets
            mesh["extras"] = {"targetNames": [f"{second:.3f} s" for second in seconds[1:]]}
        node = self._add("nodes", {"name": name, "mesh": self._add("meshes", mesh)})
        if targets:
            self._animate(node, seconds)

    def write(self, path: Path) -> None:
        """Write the document."""
        nodes = list(range(len(self._document["nodes"])))
        self._document |= {"scene": 0, "scenes": [{"nodes": nodes}], "buffers": [{"byteLength": len(self._buffer)}]}
        text = json.dumps(self._document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        with path.open("wb") as stream:
            stream.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(self._buffer)))
            stream.write(struct.pack("<I4s", len(text), b"JSON") + text)
            stream.write(struct.pack("<I4s", len(self._buffer), b"BIN\0"))
            stream.write(self._buffer)

    def _animate(self, node: int, seconds: list[float]) -> None:
        """Turn on target k - 1 alone at time k; times are rounded down, or readers would show the frame before."""
        exact = np.array(seconds)
        keys = exact.astype(np.float32)
        keys = np.where(keys > exact, np.nextafter(keys, np.float32(-1)), keys)
        weights = np.eye(len(keys), len(keys) - 1, k=-1, dtype=np.float32)
        animations = self._document.setdefault("animations", [{"name": "frames", "channels": [], "samplers": []}])
        sampler = {
            "input": self._array(keys, with_bounds=True),
            "interpolation": "STEP",
            "output": self._array(weights.ravel()),
        }
        channel = {"sampler": len(animations[0]["samplers"]), "target": {"node": node, "path": "weights"}}
        animations[0]["samplers"].append(sampler)
        animations[0]["channels"].append(channel)

    def _vertex_data(self, key: str, values: np.ndarray) -> int:
        return self._array(values.astype(np.float32), target=VERTEX_DATA, with_bounds=key == "POSITION")

    def _array(self, values: np.ndarray, *, target: int | None = None, with_bounds: bool = False) -> int:
        data = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
        view = {"buffer": 0, "byteOffset": len(self._buffer), "byteLength": len(data)}
        self._buffer += data
        accessor = {
            "bufferView": self._add("bufferViews", view | ({"target": target} if target else {})),
            "componentType": COMPONENTS[values.dtype.name],
            "count": len(values),
            "type": SHAPES[values.shape[1] if values.ndim > 1 else 1],
        }
        if with_bounds:
            columns = values.reshape(len(values), -1)
            accessor |= {"min": columns.min(axis=0).tolist(), "max": columns.max(axis=0).tolist()}
        return self._add("accessors", accessor)

    def _add(self, kind: str, item: dict[str, Any]) -> int:
        items = self._document.setdefault(kind, [])
        items.append(item)
        return len(items) - 1


def _values(frame: Frame) -> dict[str, np.ndarray]:
    """A frame's values in glTF's axes: y up, z towards the viewer; normals are of length 1, as glTF demands."""
    length = np.linalg.norm(frame.normals, axis=1, keepdims=True)
    normals = np.where(length > 0, frame.normals / np.where(length > 0, length, 1), [0, -1, 0])
    values = {"POSITION": _turned(frame.positions), "NORMAL": _turned(normals)}
    if frame.colours is not None:
        values["COLOR_0"] = frame.colours.astype(np.float32)
    return values


def _turned(vectors: np.ndarray) -> np.ndarray:
    x, y, z = vectors.T
    return np.stack([x, z, -y], axis=1).astype(np.float32)


def _material(name: str) -> dict[str, Any]:
    """Matt, and seen from both sides, since the surface is open behind."""
    return {"name": name, "pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 1}, "doubleSided": True}
