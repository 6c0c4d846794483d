"""One frame's nouns as files: views, maps, surfaces and meshes to safetensors and back.

Normals are stored as halves (0.02 degrees), matte and confidence as bytes; depth and positions in full. Every
file names the digest of the options that made it and the checksum of its own content.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from hd_core.atomic import write_bytes
from hd_core.errors import InputError
from hd_core.geometry.crop import make_crop
from hd_core.types import Box, Camera, Crop, Gauge, Mesh, SurfaceMaps, View

Arrays = Mapping[str, np.ndarray]
KEY = "hd_core"
"""Name of our entry in a record's metadata."""


def write_record(path: Path, arrays: Arrays, *, digest: str, header: Mapping[str, Any]) -> None:
    """Write arrays with their options digest, a JSON header and a checksum, atomically."""
    contiguous = {name: np.ascontiguousarray(value) for name, value in sorted(arrays.items())}
    inner = {"digest": digest, "header": dict(header)}
    checksum = _checksum(contiguous, inner)
    # One key only: safetensors writes several in an order that changes from process to process.
    metadata = {KEY: json.dumps({**inner, "checksum": checksum}, sort_keys=True)}
    write_bytes(path, save(contiguous, metadata=metadata))


def read_record(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and JSON header of a record.

    Raises:
        InputError: The file is missing, cut short or not a record.
    """
    try:
        header: dict[str, Any] = _metadata(path)["header"]
        return load_file(path), header
    except (OSError, SafetensorError, ValueError, KeyError, struct.error) as error:
        raise InputError(
            f"{path} is missing or damaged.", "Run the stage that writes it again; it redoes only this frame."
        ) from error


def is_whole(path: Path, digest: str) -> bool:
    """Whether the record is there, complete, undamaged and made with the options of `digest`."""
    try:
        metadata = _metadata(path)
        checksum = metadata.pop("checksum")
        return bool(metadata["digest"] == digest) and checksum == _checksum(load_file(path), metadata)
    except (OSError, SafetensorError, ValueError, KeyError, struct.error):
        return False


def write_view(path: Path, view: View, *, digest: str, extra: Arrays | None = None) -> None:
    """Store a view; `extra` holds what the person stage knows besides (landmarks)."""
    arrays = {"rgb": view.rgb, "alpha": _to_bytes(view.alpha), **(extra or {})}
    header = {
        "frame_index": view.frame_index,
        "time_seconds": view.time_seconds,
        "person_id": view.person_id,
        "crop": crop_to_json(view.crop),
    }
    write_record(path, arrays, digest=digest, header=header)


def read_view(path: Path) -> View:
    """Load a view."""
    arrays, header = read_record(path)
    return View(
        rgb=arrays["rgb"],
        alpha=_from_bytes(arrays["alpha"]),
        crop=crop_from_json(header["crop"]),
        frame_index=header["frame_index"],
        time_seconds=header["time_seconds"],
        person_id=header["person_id"],
    )


def write_maps(
    path: Path,
    maps: SurfaceMaps,
    *,
    digest: str,
    measures: Mapping[str, float],
    discontinuity: np.ndarray | None = None,
) -> None:
    """Store surface maps; `measures` are the numbers the manifest reports of them."""
    extra = {} if discontinuity is None else {"discontinuity": _to_bytes(discontinuity)}
    arrays = extra | {
        "depth": maps.depth,
        "normal": maps.normal.astype(np.float16),
        "mask": maps.mask,
        "confidence": _to_bytes(maps.confidence),
    }
    header = {
        "camera": camera_to_json(maps.camera),
        "gauge": maps.gauge.value,
        "axes": "opencv",
        "measures": dict(measures),
    }
    write_record(path, arrays, digest=digest, header=header)


def read_maps(path: Path) -> SurfaceMaps:
    """Load surface maps; normals come back unit in single precision."""
    arrays, header = read_record(path)
    mask = arrays["mask"]
    normal = arrays["normal"].astype(np.float32)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    return SurfaceMaps(
        camera=camera_from_json(header["camera"]),
        depth=arrays["depth"],
        normal=np.where(mask[..., None], normal / np.where(length > 0, length, 1), 0).astype(np.float32),
        mask=mask,
        confidence=_from_bytes(arrays["confidence"]),
        gauge=Gauge(header["gauge"]),
    )


def read_discontinuity(path: Path) -> np.ndarray:
    """Where the integrator cut a surface, 0..1; stored beside it."""
    arrays, _ = read_record(path)
    return _from_bytes(arrays["discontinuity"])


def write_mesh(path: Path, mesh: Mesh, *, digest: str, measures: Mapping[str, float]) -> None:
    """Store a mesh; `measures` are the numbers the manifest reports of it."""
    names = ("vertices", "faces", "uv", "normals", "colours", "valid")
    arrays = {name: getattr(mesh, name) for name in names if getattr(mesh, name) is not None}
    write_record(path, arrays, digest=digest, header={"measures": dict(measures)})


def read_mesh(path: Path) -> Mesh:
    """Load a mesh."""
    arrays, _ = read_record(path)
    return Mesh(**arrays)


def read_measures(path: Path) -> dict[str, float]:
    """The numbers stored with a record of maps or of a mesh."""
    measures: dict[str, float] = _metadata(path)["header"].get("measures", {})
    return measures


def camera_to_json(camera: Camera) -> dict[str, Any]:
    """A camera as plain numbers."""
    return {
        "width": camera.width,
        "height": camera.height,
        "intrinsics": camera.intrinsics.tolist(),
        "cam_from_world": camera.cam_from_world.tolist(),
    }


def camera_from_json(data: Mapping[str, Any]) -> Camera:
    """The inverse of `camera_to_json`."""
    return Camera(
        width=data["width"],
        height=data["height"],
        intrinsics=np.array(data["intrinsics"], np.float64),
        cam_from_world=np.array(data["cam_from_world"], np.float64),
    )


def crop_to_json(crop: Crop) -> dict[str, Any]:
    """A crop as plain numbers."""
    box = crop.box
    return {
        "box": [box.left, box.top, box.width, box.height],
        "full": camera_to_json(crop.full),
        "size": [crop.camera.width, crop.camera.height],
    }


def crop_from_json(data: Mapping[str, Any]) -> Crop:
    """The inverse of `crop_to_json`."""
    left, top, width, height = data["box"]
    box = Box(left=left, top=top, width=width, height=height)
    columns, rows = data["size"]
    return make_crop(camera_from_json(data["full"]), box, width=columns, height=rows)


def _metadata(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        (size,) = struct.unpack("<Q", stream.read(8))
        metadata: dict[str, Any] = json.loads(json.loads(stream.read(min(size, 1 << 24)))["__metadata__"][KEY])
    return metadata


def _checksum(arrays: Arrays, inner: Mapping[str, Any]) -> str:
    state = hashlib.blake2b(json.dumps(inner, sort_keys=True).encode(), digest_size=16)
    for name, value in sorted(arrays.items()):
        state.update(f"{name} {value.dtype} {value.shape}".encode())
        state.update(np.ascontiguousarray(value).data)
    return state.hexdigest()


def _to_bytes(unit: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    return values


def _from_bytes(values: np.ndarray) -> np.ndarray:
    unit: np.ndarray = values.astype(np.float32) / 255
    return unit
