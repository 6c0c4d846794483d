"""Binary PLY, one file per frame, in Blender's axes: its import with default settings changes nothing.

Written here because trimesh's writer splits quads and drops either the colours or the UV.
"""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from hd_core.export.axes import turned
from hd_core.export.naming import FrameFile
from hd_core.export.output import SILENT, Output, write_frames
from hd_core.geometry.camera import BLENDER_FROM_CAM
from hd_core.progress import Progress
from hd_core.types import Mesh, Scene


def write_ply(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write one PLY per frame and person: positions, normals, UV (s, t; v up), sRGB colours; quads stay quads.

    A frame without a person is a file without vertices. Textures are named relative to the file, in the comment
    that MeshLab reads.
    """
    return write_frames(scene, path, _write_frame, progress)


def write_ply_mesh(path: Path, mesh: Mesh, *, texture: str = "") -> None:
    """Write one mesh to `path` directly; `texture` is the picture's name as the file will give it."""
    vertices = _vertex_rows(mesh)
    comments = ["hd_core: x right, y away from the camera, z up; metres; colours sRGB"]
    comments += [f"TextureFile {texture}"] if texture else []
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {comment}" for comment in comments)]
    lines += [f"element vertex {len(vertices)}"]
    kinds = {"<f4": "float", "|u1": "uchar"}
    lines += [f"property {kinds[field[1]]} {field[0]}" for field in vertices.dtype.descr]
    lines += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header", ""]
    with path.open("wb") as stream:
        stream.write("\n".join(lines).encode())
        stream.write(vertices.tobytes())
        stream.write(_face_bytes(mesh.faces))


def _write_frame(output: Output, file: FrameFile) -> None:
    aside = output.add(file.path)
    texture = file.texture_path
    write_ply_mesh(aside, file.mesh, texture=relative_name(texture, file.path) if texture else "")


def relative_name(target: Path, source: Path) -> str:
    """How the file `source` refers to the file `target`: relative, with forward slashes."""
    try:
        return Path(os.path.relpath(target.absolute(), source.absolute().parent)).as_posix()
    except ValueError:  # on another drive of Windows
        return target.absolute().as_posix()


def _vertex_rows(mesh: Mesh) -> np.ndarray:
    """One record per vertex; the field names are PLY's property names."""
    columns: list[tuple[str, np.ndarray]] = []
    positions = turned(mesh.vertices, BLENDER_FROM_CAM)
    columns += zip("xyz", positions.T, strict=True)
    if mesh.normals is not None:
        columns += zip(("nx", "ny", "nz"), turned(mesh.normals, BLENDER_FROM_CAM).T, strict=True)
    if mesh.uv is not None:
        columns += zip("st", mesh.uv.T, strict=True)
    if mesh.colours is not None:
        columns += zip(("red", "green", "blue"), mesh.colours.T, strict=True)
    kinds = [(name, "|u1" if values.dtype == np.uint8 else "<f4") for name, values in columns]
    rows = np.empty(len(positions), kinds)
    for name, values in columns:
        rows[name] = values
    return rows


def _face_bytes(faces: Int[np.ndarray, "f k"]) -> bytes:
    """A count and that many indices per face, in order."""
    corners = faces.shape[1]
    rows = np.empty(len(faces), [("count", "|u1"), ("indices", "<i4", corners)])
    is_triangle = faces[:, -1] < 0 if corners == 4 else np.zeros(len(faces), bool)
    rows["count"], rows["indices"] = corners - is_triangle, faces
    raw: UInt8[np.ndarray, "f b"] = rows.view(np.uint8).reshape(len(faces), rows.dtype.itemsize)
    written = np.ones(raw.shape, bool)
    written[is_triangle, -4:] = False
    return raw[written].tobytes()
