"""`screen` in torch: the same grid positions for many meshes at once, on any device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int32, Int64

from hd_core.synth.raster.screen import GUARD_PX, ONE, cut_faces, intrinsics_row
from hd_core.synth.raster.subdivide import Subdivision
from hd_core.types import Camera


@dataclass(frozen=True, kw_only=True)
class TorchTriangles:
    """All triangles of all meshes: grid positions and 1 / z of their corners, and where they belong.

    Args:
        mesh: Number of the mesh.
        face: Number of the face in its mesh.
        cut: Row of `weights` for pieces of cut faces, -1 for whole ones.
        weights: Barycentric coordinates of a piece's corners in its face.
    """

    corner: Int64[torch.Tensor, "t 3 2"]
    inverse: Float64[torch.Tensor, "t 3"]
    mesh: Int64[torch.Tensor, " t"]
    face: Int32[torch.Tensor, " t"]
    cut: Int64[torch.Tensor, " t"]
    weights: Float64[torch.Tensor, "c 3 3"]


def smooth_points(finer: Subdivision, points: Float[torch.Tensor, "v 3"]) -> Float32[torch.Tensor, "n 3"]:
    """`Subdivision.apply` on the device of the points: every sum in the same order, one rounding each."""
    start, sources, shares = (
        torch.as_tensor(rows, device=points.device) for rows in (finer.start, finer.sources, finer.shares)
    )
    first, count = start[:-1].long(), start.diff()
    total = torch.zeros((len(first), 3), dtype=torch.float64, device=points.device)
    for slot in range(int(count.max()) if len(count) else 0):
        rows = (count > slot).nonzero()[:, 0]
        at = first[rows] + slot
        total[rows] += shares[at, None] * points[sources[at].long()].double()
    return total.float()


def place_batch(
    positions: Sequence[torch.Tensor], faces: Sequence[torch.Tensor], cameras: Sequence[Camera], *, near: float
) -> TorchTriangles:
    """Project every mesh and put them one after the other.

    Args:
        positions: Vertices (v, 3) of every mesh, camera axes, metres, finite.
        faces: Rows (f, 3) of each mesh's positions.
        cameras: One per mesh.
        near: Nothing nearer than this is drawn, metres along +z.
    """
    parts = [_project(*one, near) for one in zip(positions, faces, cameras, strict=True)]
    corner, inverse, face, cut, weights = zip(*parts, strict=True)
    device = corner[0].device
    counts = torch.tensor([len(rows) for rows in face], device=device)
    start = np.concatenate([[0], np.cumsum([len(rows) for rows in weights])])
    shifted = [torch.where(rows < 0, rows, rows + int(s)) for rows, s in zip(cut, start, strict=False)]
    return TorchTriangles(
        corner=torch.cat(corner),
        inverse=torch.cat(inverse),
        mesh=torch.repeat_interleave(torch.arange(len(parts), device=device), counts),
        face=torch.cat(face),
        cut=torch.cat(shifted),
        weights=torch.cat(weights),
    )


def _project(
    positions: torch.Tensor, faces: torch.Tensor, camera: Camera, near: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Grid positions and 1 / z of one mesh's triangles, their faces, and what was cut: see `screen.to_screen`."""
    device, k = positions.device, intrinsics_row(camera)
    x, y, z = positions.double().unbind(-1)
    behind = ~(z >= near)
    z = torch.where(behind, torch.ones_like(z), z)
    px = (float(k[0]) * x + float(k[1]) * y) / z + float(k[2])
    py = (float(k[3]) * y) / z + float(k[4])
    outside = behind | (px.abs() > GUARD_PX) | (py.abs() > GUARD_PX)
    place = torch.where(outside[:, None], 0.0, torch.stack([px, py], dim=-1))
    corner = torch.floor(place * ONE + 0.5).long()
    inverse = 1.0 / z
    rows = faces.long()
    count = int(outside[rows].any(dim=-1).sum())
    if count == 0:
        face = torch.arange(len(rows), dtype=torch.int32, device=device)
        whole = torch.full((len(rows),), -1, dtype=torch.int64, device=device)
        return corner[rows], inverse[rows], face, whole, inverse.new_zeros((0, 3, 3))
    pieces = cut_faces(
        _host(positions.double()), _host(faces.int()), _host(outside), _host(corner), _host(inverse), k, near, count
    )
    corner, inverse, rows, face, cut, weights = (torch.as_tensor(piece, device=device) for piece in pieces)
    return corner[rows.long()], inverse[rows.long()], face, cut.long(), weights


def _host(values: torch.Tensor) -> np.ndarray:
    """For the few faces that must be cut: that is done by the kernel itself."""
    return np.ascontiguousarray(values.cpu().numpy())
