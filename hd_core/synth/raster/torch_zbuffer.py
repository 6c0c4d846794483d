"""The rasteriser in torch, for many meshes at once on any device: the same faces at every pixel as `zbuffer`.

Every triangle is expanded to the pixels of its bounding box; those inside race for their pixel by an atomic minimum
over (depth, number) packed in 64 bits (as in Laine and Karras 2011, "High-performance software rasterization on
GPUs", without their tiles). All steps are those of `screen` and `zbuffer` in the same order, one rounding each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, Int64, UInt8

from hd_core.errors import InputError
from hd_core.synth.raster.fragments import AlphaTest, check_alpha_test
from hd_core.synth.raster.screen import GRID_BITS, HALF, NEAR_M, ONE, check_view
from hd_core.synth.raster.torch_screen import TorchTriangles, place_batch
from hd_core.types import Camera

EMPTY = torch.iinfo(torch.int64).max
NUMBER_BITS = 32


@dataclass(frozen=True, kw_only=True)
class TorchFragments:
    """As `fragments.Fragments`, one entry per mesh."""

    face: Int32[torch.Tensor, "b h w"]
    barycentric: Float32[torch.Tensor, "b h w 3"]
    depth: Float32[torch.Tensor, "b h w"]


def rasterise_batch(
    positions: Sequence[Float[torch.Tensor, "_ 3"]],
    faces: Sequence[Int[torch.Tensor, "_ 3"]],
    cameras: Sequence[Camera],
    *,
    near: float = NEAR_M,
    cull_back: bool = False,
    alpha_tests: Sequence[AlphaTest | None] | None = None,
    max_fragments: int = 1 << 22,
) -> TorchFragments:
    """Find the nearest surface behind every pixel centre, for several meshes on one device.

    Args:
        positions: Vertices of every mesh, camera axes, metres, finite.
        faces: Rows of each mesh's positions; front faces wind counter-clockwise as the camera sees them.
        cameras: One per mesh, all of one size.
        near: Nothing nearer than this is drawn, metres along +z.
        cull_back: Whether faces seen from behind are left out.
        alpha_tests: Holes in faces, one entry per mesh.
        max_fragments: Pixels of bounding boxes that are worked on at a time; about 150 bytes each.

    Raises:
        InputError: The lists disagree, the cameras differ in size, or the picture is too large.
    """
    tests = [None] * len(cameras) if alpha_tests is None else list(alpha_tests)
    _check(positions, faces, cameras, tests, near)
    height, width = cameras[0].shape
    triangles = place_batch(positions, faces, cameras, near=near)
    key = torch.full((len(cameras), height, width), EMPTY, dtype=torch.int64, device=triangles.corner.device)
    holes = [_Holes.of(test, key.device) for test in tests]
    edges = _Edges.of(triangles.corner)
    for boxes in _bounding_boxes(triangles, height, width, cull_back, max_fragments):
        _race(key, triangles, edges, boxes, holes)
    return _resolve(key, triangles, edges)


@dataclass(frozen=True, kw_only=True)
class _Edges:
    """Edge functions of triangles, opposite to every corner: at pixel (0, 0), and their steps.

    Args:
        start: Less 1 for edges whose own points are outside by the top-left rule, so that inside is >= 0.
        rule: What was taken off.
    """

    start: Int64[torch.Tensor, "3 t"]
    right: Int64[torch.Tensor, "3 t"]
    down: Int64[torch.Tensor, "3 t"]
    rule: Int64[torch.Tensor, "3 t"]

    @classmethod
    def of(cls, corner: Int64[torch.Tensor, "t 3 2"]) -> "_Edges":
        sign = torch.where(_area(corner) > 0, 1, -1)
        x, y = corner.permute(2, 1, 0)
        dx, dy = (sign * (value[[2, 0, 1]] - value[[1, 2, 0]]) for value in (x, y))
        rule = (~((dy < 0) | ((dy == 0) & (dx > 0)))).long()
        start = dx * (HALF - y[[1, 2, 0]]) - dy * (HALF - x[[1, 2, 0]]) - rule
        return cls(start=start, right=-dy * ONE, down=dx * ONE, rule=rule)

    def at(
        self, number: Int64[torch.Tensor, " p"], column: Int64[torch.Tensor, " p"], row: Int64[torch.Tensor, " p"]
    ) -> Int64[torch.Tensor, "3 p"]:
        """Edge functions at pixel centres, less `rule`."""
        value = self.start.index_select(1, number)
        value += self.right.index_select(1, number) * column
        return value.add_(self.down.index_select(1, number) * row)


@dataclass(frozen=True, kw_only=True)
class _Holes:
    """An alpha test on the device."""

    uv: Float64[torch.Tensor, "f 3 2"]
    texture: UInt8[torch.Tensor, "th tw"]
    threshold: int

    @classmethod
    def of(cls, test: AlphaTest | None, device: torch.device) -> "_Holes | None":
        if test is None:
            return None
        uv = torch.as_tensor(np.asarray(test.uv, dtype=np.float64), device=device)
        texture = torch.as_tensor(np.array(test.texture), device=device)
        return cls(uv=uv, texture=texture, threshold=test.threshold)

    def at(self, face: Int[torch.Tensor, " p"], share: Float64[torch.Tensor, "p 3"]) -> Bool[torch.Tensor, " p"]:
        """Whether the test removes points of faces."""
        corners = self.uv[face.long()]
        position = _dot3(share[:, :, None], corners).clamp(0.0, 1.0)
        rows, columns = self.texture.shape
        u, v = torch.nan_to_num(position).unbind(-1)
        column = torch.floor(u * columns).long().clamp(max=columns - 1)
        row = torch.floor((1.0 - v) * rows).long().clamp(max=rows - 1)
        return (self.texture[row, column] < self.threshold) & ~torch.isnan(corners[:, 0, 0])


def _check(
    positions: Sequence[torch.Tensor],
    faces: Sequence[torch.Tensor],
    cameras: Sequence[Camera],
    tests: Sequence[AlphaTest | None],
    near: float,
) -> None:
    counts = {len(positions), len(faces), len(cameras), len(tests)}
    if len(counts) != 1 or not cameras:
        raise InputError(f"Found lists of {sorted(counts)} entries; expected one entry per mesh, and at least one.")
    if len({camera.shape for camera in cameras}) != 1:
        raise InputError("Found cameras of different sizes; expected one size for the whole batch.")
    check_view(cameras[0], near)
    for rows, test in zip(faces, tests, strict=True):
        check_alpha_test(test, len(rows))


def _bounding_boxes(
    triangles: TorchTriangles,
    height: int,
    width: int,
    cull_back: bool,  # noqa: FBT001 - passed on
    max_fragments: int,
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Triangle number, column and row of all pixels in the bounding boxes, some triangles at a time."""
    low, high = triangles.corner.amin(dim=1), triangles.corner.amax(dim=1)
    last = torch.tensor([width - 1, height - 1], device=low.device)
    first = ((low + (HALF - 1)) >> GRID_BITS).clamp(min=0)
    size = torch.minimum((high - HALF) >> GRID_BITS, last) - first + 1
    area = _area(triangles.corner)
    drawn = (size > 0).all(dim=-1) & ((area < 0) if cull_back else (area != 0))
    numbers = drawn.nonzero()[:, 0]
    size, first = size[numbers], first[numbers]
    count = size[:, 0] * size[:, 1]
    ends = count.cumsum(0).cpu().numpy()
    start = 0
    while start < len(ends):
        done = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, done + max_fragments, side="right")), start + 1)
        part = slice(start, stop)
        total = int(ends[stop - 1]) - done
        which = torch.repeat_interleave(count[part], output_size=total)
        within = torch.arange(total, device=low.device) - (count[part].cumsum(0) - count[part])[which]
        across = size[part, 0][which]
        row = torch.div(within, across, rounding_mode="floor")
        yield numbers[part][which], first[part, 0][which] + within - row * across, first[part, 1][which] + row
        start = stop


def _area(corner: torch.Tensor) -> torch.Tensor:
    """Twice the signed area of triangles on the grid; negative is counter-clockwise for the camera."""
    (ax, ay), (bx, by), (cx, cy) = (point.unbind(-1) for point in corner.unbind(-2))
    area: torch.Tensor = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    return area


def _dot3(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Sum over the second axis, which has length 3, from the left."""
    product = a * b
    total: torch.Tensor = product[:, 0] + product[:, 1] + product[:, 2]
    return total


def _share(triangles: TorchTriangles, number: torch.Tensor, scaled: torch.Tensor) -> Float64[torch.Tensor, "p 3"]:
    """Barycentric coordinates in the face from edge functions over depths; through the piece if it was cut."""
    share = scaled / (scaled[:, 0] + scaled[:, 1] + scaled[:, 2])[:, None]
    if not len(triangles.weights):
        return share
    cut = triangles.cut[number]
    through = _dot3(share[:, :, None], triangles.weights[cut.clamp(min=0)])
    return torch.where((cut < 0)[:, None], share, through)


def _race(
    key: torch.Tensor,
    triangles: TorchTriangles,
    edges: _Edges,
    boxes: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    holes: Sequence[_Holes | None],
) -> None:
    """Let fragments compete for their pixels: smaller depth first, then smaller number."""
    number, column, row = boxes
    biased = edges.at(number, column, row)
    inside = (biased[0] | biased[1] | biased[2]).ge(0).nonzero()[:, 0]
    number, column, row = number[inside], column[inside], row[inside]
    value = (biased[:, inside] + edges.rule[:, number]).T
    whole = (value[:, 0] + value[:, 1] + value[:, 2]).double()
    scaled = value.double() * triangles.inverse[number]
    depth = (whole / (scaled[:, 0] + scaled[:, 1] + scaled[:, 2])).float()
    mesh = triangles.mesh[number]
    pixel = (mesh * key.shape[1] + row) * key.shape[2] + column
    packed = (depth.view(torch.int32).long() << NUMBER_BITS) | number
    if any(holes):
        share = _share(triangles, number, scaled)
        removed = torch.zeros(len(number), dtype=torch.bool, device=key.device)
        for i, hole in enumerate(holes):
            if hole is not None:
                own = mesh == i
                removed[own] = hole.at(triangles.face[number[own]], share[own])
        pixel, packed = pixel[~removed], packed[~removed]
    key.view(-1).scatter_reduce_(0, pixel, packed, "amin")


def _resolve(key: torch.Tensor, triangles: TorchTriangles, edges: _Edges) -> TorchFragments:
    """Unpack the winners and compute their barycentric coordinates."""
    count, height, width = key.shape
    key = key.view(-1)
    pixel = (key != EMPTY).nonzero()[:, 0]
    number = key[pixel] & ((1 << NUMBER_BITS) - 1)
    row, column = torch.div(pixel, width, rounding_mode="floor") % height, pixel % width
    value = (edges.at(number, column, row) + edges.rule[:, number]).T
    share = _share(triangles, number, value.double() * triangles.inverse[number])
    face = torch.full_like(key, -1, dtype=torch.int32)
    barycentric = torch.zeros((len(key), 3), dtype=torch.float32, device=key.device)
    depth = torch.full((len(key),), torch.nan, dtype=torch.float32, device=key.device)
    face[pixel], barycentric[pixel] = triangles.face[number], share.float()
    depth[pixel] = (key[pixel] >> NUMBER_BITS).int().view(torch.float32)
    return TorchFragments(
        face=face.view(count, height, width),
        barycentric=barycentric.view(count, height, width, 3),
        depth=depth.view(count, height, width),
    )
