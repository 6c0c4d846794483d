"""One frame's maps and matte to one mesh: the short story of the other modules of this folder.

Silhouette guarantee: no triangle joins pixels that `cut` keeps apart, and every part of the matte that carries a
surface is covered up to its contour.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hd_core.errors import InputError
from hd_core.mesh.attributes import frame_uv, sample_rgb
from hd_core.mesh.cells import Filling, fill_cells, make_rims
from hd_core.mesh.cut import find_links, footprint, large_pieces
from hd_core.mesh.decimate import thin
from hd_core.mesh.faces import as_triangles, better_diagonal, boundary_edges, edges_of, mixed, split, used
from hd_core.mesh.lattice import Lattice, make_lattice
from hd_core.mesh.measures import bridging, picture_area, stretched_rate
from hd_core.mesh.options import MeshOptions
from hd_core.mesh.outline import relax, smooth_outline
from hd_core.mesh.place import Placement, place_vertices
from hd_core.mesh.thickness import close_shell
from hd_core.types import Mesh, SurfaceMaps, View


def check_pair(surface: SurfaceMaps, view: View) -> None:
    """Refuse maps that a mesh cannot be made of.

    Raises:
        InputError: The maps are not of the view's camera, or a depth is not in front of the camera.
    """
    camera, crop = surface.camera, view.crop.camera
    same = camera.shape == crop.shape and np.allclose(camera.intrinsics, crop.intrinsics, rtol=1e-6)
    if not same:
        raise InputError(
            f"The maps are of a {camera.width} x {camera.height} px camera, the view of another "
            f"({crop.width} x {crop.height} px).",
            "Mesh maps with the view they were predicted from.",
        )
    nearest = float(surface.depth[surface.mask].min(initial=np.inf))
    if nearest <= 0:
        raise InputError(
            f"Found a depth of {nearest:.4g} m; expected depths in front of the camera.",
            "Integrate an affine depth map first; that fixes its offset.",
        )


def build_mesh(surface: SurfaceMaps, view: View, options: MeshOptions | None = None) -> tuple[Mesh, dict[str, float]]:
    """Mesh one person in one frame.

    The first vertices are the kept mask pixels in row-major order, each exactly `unproject(depth)` in single
    precision; rims and joints follow. (With `keep_ratio` below 1, pixels inside flat parts are missing.)

    Args:
        surface: Depth and normals in the crop.
        view: The same crop's picture and matte.
        options: How to mesh.

    Returns:
        The mesh in camera axes, and the measures for the manifest: `num_vertices`, `num_faces`, `num_islands`,
        `stretched_rate`, `bridging`, `coverage` (area in the picture over pixels of the matte above 0.5), and
        with decimation `decimation_max_m`, `decimation_rms_m`.

    Raises:
        InputError: Maps and view do not belong together, or a depth is not positive.
    """
    options = options or MeshOptions()
    check_pair(surface, view)
    front = _front(surface, view, options)
    mesh = _carry(view, front, options)
    measures = _measures(view, surface, front)
    if options.thickness_m:
        mesh = close_shell(mesh, thickness_m=options.thickness_m)
    return mesh, {"num_vertices": float(len(mesh.vertices)), "num_faces": float(len(mesh.faces)), **measures}


@dataclass(frozen=True, kw_only=True)
class _Front:
    """The open surface before it becomes a `Mesh`."""

    placement: Placement
    quads: Int[np.ndarray, "q 4"]
    triangles: Int[np.ndarray, "t 3"]
    measures: dict[str, float]


def _front(surface: SurfaceMaps, view: View, options: MeshOptions) -> _Front:
    links = find_links(surface, options)
    kept, num_islands = large_pieces(surface.mask, links, min_px=options.min_island_px)
    lattice = make_lattice(kept, links)
    rims = make_rims(lattice)
    filling = fill_cells(lattice, rims)
    placement = place_vertices(surface, view.alpha, lattice, rims, filling)
    placement = _settled(surface, placement, filling)
    quads, triangles, errors = _faces(surface, lattice, filling, options)
    measures = {
        "num_islands": float(num_islands),
        "bridging": float(bridging(lattice, placement.owner, filling.triangulated)),
        **errors,
    }
    quads = better_diagonal(placement.points, quads)
    return _Front(placement=placement, quads=quads, triangles=triangles, measures=measures)


def _settled(surface: SurfaceMaps, placement: Placement, filling: Filling) -> Placement:
    """The placement with a calm outline and without stretched edges."""
    placement = smooth_outline(placement, boundary_edges(filling.triangulated))
    quads = better_diagonal(placement.points, filling.quads)
    edges = edges_of(np.concatenate([split(quads), filling.triangles]))
    return relax(placement, edges, footprint(surface.camera, placement.base))


def _faces(
    surface: SurfaceMaps, lattice: Lattice, filling: Filling, options: MeshOptions
) -> tuple[Int[np.ndarray, "q 4"], Int[np.ndarray, "t 3"], dict[str, float]]:
    """Quads and triangles, thinned if asked for, and the errors of that."""
    if options.keep_ratio == 1:
        return np.concatenate([filling.full, filling.quads]), filling.triangles, {}
    num_faces = 2 * (len(filling.full) + len(filling.quads)) + len(filling.triangles)
    less = int(np.ceil(num_faces * (1 - options.keep_ratio)))
    thinned = thin(surface, lattice, filling.full, num_faces_less=less)
    quads = np.concatenate([thinned.quads, filling.quads])
    triangles = np.concatenate([thinned.triangles, filling.triangles])
    errors = {"decimation_max_m": thinned.max_error_m, "decimation_rms_m": thinned.rms_error_m}
    return quads, triangles, errors


def _carry(view: View, front: _Front, options: MeshOptions) -> Mesh:
    """The finished front with everything that vertices carry; vertices without a face are left out."""
    faces = mixed(front.quads, front.triangles)
    if not options.quads:
        faces = as_triangles(faces)
    place = front.placement
    keep = used(len(place.x), faces)
    renumber = np.append(np.cumsum(keep) - 1, -1)  # the -1 of a triangle stays -1
    x, y = place.x[keep], place.y[keep]
    return Mesh(
        vertices=place.points[keep].astype(np.float32),
        faces=renumber[faces].astype(np.int32),
        uv=frame_uv(view.crop, x, y),
        normals=place.normal[keep].astype(np.float32),
        colours=sample_rgb(view.rgb, x, y),
    )


def _measures(view: View, surface: SurfaceMaps, front: _Front) -> dict[str, float]:
    """Stretched triangles and coverage of the open front."""
    place = front.placement
    triangles = np.concatenate([split(front.quads), front.triangles])
    matte_px = int(view.mask.sum())
    area = picture_area(place.x, place.y, triangles)
    stretched = stretched_rate(surface.camera, place.points, triangles, place.x, place.y)
    return {
        **front.measures,
        "stretched_rate": stretched,
        "coverage": area / matte_px if matte_px else float(area == 0),
    }
