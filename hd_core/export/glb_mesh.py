"""Meshes as glTF primitives: which attribute holds what, and the difference of two frames as a morph target."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8, UInt16

from hd_core.colour import linear_from_srgb
from hd_core.errors import InputError
from hd_core.export.axes import turned
from hd_core.export.gltf import INDEX_DATA, VERTEX_DATA, Gltf
from hd_core.export.texture import embeddable
from hd_core.geometry.camera import YUP_FROM_CAM
from hd_core.mesh.faces import as_triangles
from hd_core.types import Mesh

Item = dict[str, Any]
"""An object of the glTF document."""

Attributes = Mapping[str, np.ndarray]
"""Values per vertex by glTF's names."""

MORPHING = ("POSITION", "NORMAL", "COLOR_0")
"""Attributes that change from frame to frame; viewers do not morph UV."""


def attributes_of(mesh: Mesh, *, with_uv: bool, with_colours: bool) -> Attributes:
    """A mesh's values per vertex as glTF wants them: Y up, v down, linear colours in 16 bits."""
    values: dict[str, np.ndarray] = {"POSITION": turned(mesh.vertices, YUP_FROM_CAM)}
    if mesh.normals is not None:
        values["NORMAL"] = _unit(turned(mesh.normals, YUP_FROM_CAM))
    if with_uv and mesh.uv is not None:
        values["TEXCOORD_0"] = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1).astype(np.float32)
    if with_colours and mesh.colours is not None:
        values["COLOR_0"] = _linear_rgba(mesh.colours)
    return values


def add_mesh(gltf: Gltf, mesh: Mesh, attributes: Attributes, *, name: str, picture: Path | None) -> Item:
    """A glTF mesh of one primitive, whose arrays are in the buffer already; nothing for a mesh without faces."""
    corners = as_triangles(mesh.faces)
    if not len(corners):
        return {}
    indices = corners.ravel().astype(np.uint16 if len(mesh.vertices) <= 0xFFFF else np.uint32)
    added = {
        key: gltf.add_array(values, target=VERTEX_DATA, normalized=key == "COLOR_0", with_bounds=key == "POSITION")
        for key, values in attributes.items()
    }
    primitive = {
        "attributes": added,
        "indices": gltf.add_array(indices, target=INDEX_DATA),
        "material": _add_material(gltf, name, picture),
    }
    return {"name": name, "primitives": [primitive]}


def add_target(gltf: Gltf, base: Attributes, values: Attributes) -> dict[str, int]:
    """A frame as a morph target: its differences from the base.

    Raises:
        InputError: The frame lacks normals or colours that the base has, or the other way round.
    """
    if base.keys() != values.keys():
        raise InputError(
            f"One frame has {', '.join(base)}, another {', '.join(values)}.",
            "Run the mesh stage again, so that every frame has the same attributes.",
        )
    target = {}
    for key in MORPHING:
        if key in base:
            unit = 0xFFFF if key == "COLOR_0" else 1
            difference = (values[key].astype(np.float64) - base[key]) / unit
            is_position = key == "POSITION"
            target[key] = gltf.add_array(difference.astype(np.float32), target=VERTEX_DATA, with_bounds=is_position)
    return target


def _add_material(gltf: Gltf, name: str, picture: Path | None) -> int:
    """A matt material, seen from both sides, since the surface is open behind."""
    surface: Item = {"metallicFactor": 0, "roughnessFactor": 1}
    if picture is not None:
        data, mime = embeddable(picture)
        image = gltf.add("images", {"bufferView": gltf.add_bytes(data), "mimeType": mime})
        # Linear filters without mipmaps, and no repeating beyond the frame.
        edge, linear = 33071, 9729
        sampler = gltf.add("samplers", {"magFilter": linear, "minFilter": linear, "wrapS": edge, "wrapT": edge})
        surface["baseColorTexture"] = {"index": gltf.add("textures", {"sampler": sampler, "source": image})}
    return gltf.add("materials", {"name": name, "pbrMetallicRoughness": surface, "doubleSided": True})


def _unit(normals: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "v 3"]:
    """Exactly unit normals, as glTF demands; where there is none, towards the camera."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    towards = np.array([0, 0, 1], np.float32)
    return np.where(length > 0, normals / np.where(length > 0, length, 1), towards).astype(np.float32)


def _linear_rgba(colours: UInt8[np.ndarray, "v 3"]) -> UInt16[np.ndarray, "v 4"]:
    linear = np.rint(linear_from_srgb(colours) * 0xFFFF).astype(np.uint16)
    return np.concatenate([linear, np.full((len(linear), 1), 0xFFFF, np.uint16)], axis=1)
