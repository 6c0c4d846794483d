"""The container: a glTF 2.0 document and its arrays in one GLB file.

Arrays go to a spool beside the file as they come, so that memory does not grow with their number; sizes are
known only at the end, and the JSON that states them comes first in the file.
"""

import json
import shutil
import struct
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import Shaped

from hd_core import __version__
from hd_core.errors import UsageError

VERTEX_DATA, INDEX_DATA = 34962, 34963
"""What a buffer view is for (ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER)."""

COMPONENTS = {"float32": 5126, "uint16": 5123, "uint32": 5125, "int16": 5122}
SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
MAX_BYTES = 2**32 - 1
IN_MEMORY_BYTES = 1 << 26


class Gltf:
    """A document that is being filled; use as a context, then `write` it.

    Args:
        folder: Where the spool may grow, on the disk that the file goes to.
    """

    def __init__(self, folder: Path) -> None:
        self._spool = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115 - closed in __exit__
        self._document: dict[str, Any] = {"asset": {"version": "2.0", "generator": f"hd_core {__version__}"}}

    def __enter__(self) -> "Gltf":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def add(self, kind: str, item: dict[str, Any]) -> int:
        """Append to one of the document's lists ("nodes", "meshes") and return the index."""
        items: list[dict[str, Any]] = self._document.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def show(self, nodes: list[int]) -> None:
        """Make these nodes the scene that viewers open."""
        self._document["scene"] = self.add("scenes", {"nodes": nodes})

    def add_bytes(self, data: bytes, **fields: int) -> int:
        """Append to the buffer, aligned to four bytes, and return the buffer view's index."""
        start = self._spool.tell()
        self._spool.write(data + bytes(-len(data) % 4))
        view = {"buffer": 0, "byteOffset": start, "byteLength": len(data)}
        return self.add("bufferViews", view | fields)

    def add_array(
        self,
        values: Shaped[np.ndarray, "n ..."],
        *,
        target: int | None = None,
        normalized: bool = False,
        with_bounds: bool = False,
    ) -> int:
        """Append an array and return its accessor's index.

        Args:
            values: One element per row, at least one; single precision, 16 bits or unsigned 32 bits.
            target: `VERTEX_DATA` or `INDEX_DATA`; none for animation.
            normalized: Integers stand for 0..1 or -1..1.
            with_bounds: State the least and greatest values, as positions and key times must.
        """
        little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        accessor = {
            "bufferView": self.add_bytes(little.tobytes(), **({"target": target} if target else {})),
            "componentType": COMPONENTS[values.dtype.name],
            "count": len(values),
            "type": SHAPES[values.shape[1] if values.ndim > 1 else 1],
        }
        if normalized:
            accessor["normalized"] = True
        if with_bounds:
            columns = values.reshape(len(values), -1)
            accessor |= {"min": columns.min(axis=0).tolist(), "max": columns.max(axis=0).tolist()}
        return self.add("accessors", accessor)

    def write(self, path: Path) -> None:
        """Write the GLB to `path` directly.

        Raises:
            UsageError: It would be longer than 4 GiB, which the format cannot state.
        """
        length = self._spool.tell()
        if length:
            self._document["buffers"] = [{"byteLength": length}]
        text = json.dumps(self._document, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + (8 + length if length else 0)
        if total > MAX_BYTES:
            raise UsageError(f"A .glb holds 4 GiB; this one would be {total / 2**30:.1f} GiB.", "Write .usdc instead.")
        with path.open("wb") as stream:
            stream.write(struct.pack("<4sII", b"glTF", 2, total))
            stream.write(struct.pack("<I4s", len(text), b"JSON") + text)
            if length:
                stream.write(struct.pack("<I4s", length, b"BIN\0"))
                self._spool.seek(0)
                shutil.copyfileobj(self._spool, stream)
