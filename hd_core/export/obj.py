"""Wavefront OBJ with its MTL, one pair per frame, Y up as OBJ readers expect (Blender turns it to Z up)."""

from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Int, Shaped

from hd_core.export.axes import turned
from hd_core.export.naming import FrameFile, file_part
from hd_core.export.output import SILENT, Output, write_frames
from hd_core.export.ply import relative_name
from hd_core.geometry.camera import YUP_FROM_CAM
from hd_core.progress import Progress
from hd_core.types import Mesh, Scene

ROWS_AT_ONCE = 1 << 16
"""Lines formatted in one go; bounds the memory that text takes."""


def write_obj(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write one OBJ per frame and person: positions, UV (v up), normals; quads stay quads.

    With a texture an MTL beside it refers to the picture by its relative path (the picture is not copied);
    without one, colours follow the positions as sRGB 0..1, as MeshLab and Blender read them.
    """
    return write_frames(scene, path, _write_frame, progress)


def _write_frame(output: Output, file: FrameFile) -> None:
    name = file_part(file.sequence.name)
    texture = file.texture_path
    material = ""
    if texture is not None:
        mtl_path = file.path.with_suffix(".mtl")
        _write_material(output.add(mtl_path), name, relative_name(texture, file.path))
        material = f"mtllib {mtl_path.name}\nusemtl {name}\n"
    with output.add(file.path).open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("# hd_core: x right, y up, z towards the camera; metres\n")
        stream.write(f"o {name}\n{material}")
        _write_mesh(stream, file.mesh, with_colours=texture is None)


def _write_material(path: Path, name: str, texture: str) -> None:
    text = f"newmtl {name}\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {texture}\n"
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)


def _write_mesh(stream: IO[str], mesh: Mesh, *, with_colours: bool) -> None:
    positions = turned(mesh.vertices, YUP_FROM_CAM)
    # Nine digits bring every single-precision number back exactly.
    if with_colours and mesh.colours is not None:
        rows = np.concatenate([positions, mesh.colours / 255], axis=1)
        _write_rows(stream, "v %.9g %.9g %.9g %.5g %.5g %.5g\n", rows)
    else:
        _write_rows(stream, "v %.9g %.9g %.9g\n", positions)
    if mesh.uv is not None:
        _write_rows(stream, "vt %.9g %.9g\n", mesh.uv)
    if mesh.normals is not None:
        _write_rows(stream, "vn %.9g %.9g %.9g\n", turned(mesh.normals, YUP_FROM_CAM))
    _write_faces(stream, mesh)


def _write_rows(stream: IO[str], line: str, rows: Shaped[np.ndarray, "n k"]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        stream.write((line * len(part)) % tuple(part.ravel().tolist()))


def _write_faces(stream: IO[str], mesh: Mesh) -> None:
    """Faces with the same index for position, UV and normal; triangles and quads in their order."""
    corner = {(False, False): " {0}", (True, False): " {0}/{0}", (False, True): " {0}//{0}"}.get(
        (mesh.uv is not None, mesh.normals is not None), " {0}/{0}/{0}"
    )
    names = [corner.format(index + 1) for index in range(len(mesh.vertices))]
    for start in range(0, len(mesh.faces), ROWS_AT_ONCE):
        part: Int[np.ndarray, "f k"] = mesh.faces[start : start + ROWS_AT_ONCE]
        stream.writelines(
            "f" + "".join([names[index] for index in face if index >= 0]) + "\n" for face in part.tolist()
        )
