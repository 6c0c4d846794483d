"""A mesh sequence as one USD Mesh prim: which attribute holds what, and in which axes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Sdf, Usd, UsdGeom, Vt

from hd_core.colour import linear_from_srgb
from hd_core.export.axes import turned
from hd_core.export.usd_samples import Samples
from hd_core.export.vertex_values import NONE_OF, VertexValues, bounds, polygons
from hd_core.geometry.camera import BLENDER_FROM_CAM
from hd_core.types import Mesh


class MeshPrim:
    """Writes one person's meshes, in order of time, to one prim.

    Args:
        stage: Where to.
        path: Path of the prim.
    """

    def __init__(self, stage: Usd.Stage, path: str) -> None:
        mesh = UsdGeom.Mesh.Define(stage, path)
        mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
        mesh.CreateOrientationAttr(UsdGeom.Tokens.rightHanded)
        mesh.CreateDoubleSidedAttr(False)  # noqa: FBT003 - USD's own signature
        self.prim: Usd.Prim = mesh.GetPrim()
        self._values = VertexValues()
        self._samples = {
            "points": Samples(mesh.CreatePointsAttr, Vt.Vec3fArray.FromNumpy),
            "counts": Samples(mesh.CreateFaceVertexCountsAttr, Vt.IntArray.FromNumpy),
            "indices": Samples(mesh.CreateFaceVertexIndicesAttr, Vt.IntArray.FromNumpy),
            "extent": Samples(mesh.CreateExtentAttr, Vt.Vec3fArray.FromNumpy),
            "normals": Samples(lambda: _create_normals(mesh), Vt.Vec3fArray.FromNumpy),
            "uv": self._primvar("st", Sdf.ValueTypeNames.TexCoord2fArray, Vt.Vec2fArray.FromNumpy),
            "colours": self._primvar("displayColor", Sdf.ValueTypeNames.Color3fArray, Vt.Vec3fArray.FromNumpy),
            "valid": self._primvar("valid", Sdf.ValueTypeNames.BoolArray, Vt.BoolArray.FromNumpy),
        }

    def put(self, code: float, mesh: Mesh) -> int:
        """Add the mesh at a time code later than all before.

        Returns:
            Bytes that USD holds more than before.

        Raises:
            InputError: The mesh lacks uv, normals or colours that an earlier one had, or the other way round.
        """
        counts, indices = polygons(mesh.faces)
        points = turned(mesh.vertices, BLENDER_FROM_CAM)
        values = {"counts": counts, "indices": indices, "points": points, "extent": bounds(points)}
        for name, value in self._values.of(mesh).items():
            values[name] = _as_stored(name, value)
        return sum(self._samples[name].put(code, value) for name, value in values.items())

    def finish(self) -> None:
        """Store what never changed."""
        for name, samples in self._samples.items():
            if name not in NONE_OF or self.has(name):
                samples.finish()

    def has(self, name: str) -> bool:
        """Whether the meshes carry `uv`, `normals`, `colours` or `valid`."""
        return self._values.has(name)

    def _primvar(self, name: str, type_name: Sdf.ValueTypeName, convert: Callable[[np.ndarray], Any]) -> Samples:
        api = UsdGeom.PrimvarsAPI(self.prim)
        vertex = UsdGeom.Tokens.vertex
        return Samples(lambda: api.CreatePrimvar(name, type_name, vertex).GetAttr(), convert)


def _as_stored(name: str, value: np.ndarray) -> np.ndarray:
    if name == "normals":
        return turned(value, BLENDER_FROM_CAM)
    if name == "colours":
        return linear_from_srgb(value).astype(np.float32)
    return value if name == "valid" else np.ascontiguousarray(value, np.float32)


def _create_normals(mesh: UsdGeom.Mesh) -> Usd.Attribute:
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    return mesh.CreateNormalsAttr()
