"""A normal map of anybody's to a surface: photometric stereo, scans, painted normals; no person, no run folder.

PNG of 8 or 16 bits (0..1 stands for -1..1), EXR, NPY or NPZ. The normals need not be exactly unit, but what is no
normal at all is left out of the mask and counted.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import OpenEXR
from jaxtyping import Bool, Float, Int

from hd_core.atomic import write_bytes
from hd_core.errors import InputError, UsageError
from hd_core.export.ply import write_ply_mesh
from hd_core.export.table import write_scene
from hd_core.geometry.camera import camera_from_focal, unproject
from hd_core.integrate.bilateral import BilateralIntegrator
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.orthographic import integrate_orthographic
from hd_core.pipeline.normal_map_options import NormalMapOptions
from hd_core.pipeline.options import SurfaceOptions
from hd_core.predict.maps_files import read_file
from hd_core.types import Camera, Gauge, Mesh, MeshSequence, Scene, SurfaceMaps

ORTHOGRAPHIC = "orthographic"
SHORTEST, LONGEST = 0.5, 1.5
"""Lengths between which a stored vector counts as a normal."""
CUT = 0.5
"""Discontinuity from which a pixel is at a cut; a square with three such corners has no face."""
EXR_NORMALS = (["N.X", "N.Y", "N.Z"], ["R", "G", "B"], ["X", "Y", "Z"])


@dataclass(frozen=True, kw_only=True)
class Integration:
    """A surface of a normal map.

    Args:
        depth: Along z; NaN off the mask.
        points: The same in space, camera axes.
        normal: As integrated, camera axes.
        mask: Pixels with a surface.
        discontinuity: 0..1.
        measures: Iterations, residual, energy and what was left out.
        camera: Of a picture in perspective; None if orthographic.
    """

    depth: Float[np.ndarray, "h w"]
    points: Float[np.ndarray, "h w 3"]
    normal: Float[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    discontinuity: Float[np.ndarray, "h w"]
    measures: dict[str, float]
    camera: Camera | None


def integrate_normal_map(path: Path, options: NormalMapOptions, surface: SurfaceOptions) -> Path:
    """Read, integrate and write; returns the file that was written.

    Raises:
        InputError: A file is missing, damaged, or holds no normals.
        UsageError: An option does not fit.
    """
    if surface.integrator != "bilateral":
        raise UsageError(f"{surface.integrator} integrates run folders only.", "Leave out --integrator.")
    target = options.output or path.with_suffix(".ply")
    if target.resolve() == path.resolve():
        raise UsageError(f"{target} is the normal map itself.", "Choose another --output.")
    try:
        write_integration(target, integrate_file(path, options, surface.settings))
    except MemoryError as error:
        raise InputError(f"{path} is too large for the memory.", "Make it smaller, or crop it to its mask.") from error
    return target


def integrate_file(path: Path, options: NormalMapOptions, how: IntegrateOptions) -> Integration:
    """Read and integrate.

    Raises:
        InputError: A file is missing, damaged, or holds no normals.
        UsageError: An option does not fit.
    """
    stored = read_normals(path)
    normal, mask = unit_normals(stored, axes=options.axes)
    left_out = 0
    if options.mask is not None:
        wanted = _plane(options.mask, "mask", mask.shape) > 0.5
        left_out = int((wanted & ~mask).sum())
        mask = mask & wanted
    _refuse_nonsense(path, normal, mask)
    prior = None
    if options.depth_prior is not None:
        prior = _plane(options.depth_prior, "depth", mask.shape)
        left_out += int((mask & ~np.isfinite(prior)).sum())
        mask = mask & np.isfinite(prior)
    normal = np.where(mask[..., None], normal, 0).astype(np.float32)
    camera = camera_of(options.camera, mask.shape)
    if camera is None:
        found = _parallel(normal, mask, prior, options.pixel_width, how)
    else:
        found = _in_perspective(normal, mask, prior, camera, how)
    return replace(found, measures={**found.measures, "left_out_px": float(left_out)})


def read_normals(path: Path) -> Float[np.ndarray, "h w 3"]:
    """Stored normals as numbers from -1 to 1, axes as stored.

    Raises:
        InputError: The file is missing, damaged or holds none.
    """
    for channels in EXR_NORMALS if path.suffix == ".exr" else EXR_NORMALS[:1]:
        found = read_file(path, ("normal",), {"normal": channels})
        if "normal" in found:
            stored = found["normal"]
            if stored.dtype.kind in "ui":
                return stored.astype(np.float32) / np.iinfo(stored.dtype).max * 2 - 1
            return stored.astype(np.float32)
    raise InputError(f"{path} holds no normals.", "Expected channels N.X N.Y N.Z, R G B or X Y Z, or a key normal.")


def unit_normals(
    stored: Float[np.ndarray, "h w 3"], *, axes: str
) -> tuple[Float[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
    """Unit normals in camera axes, and where there are any."""
    length = np.linalg.norm(stored.astype(np.float64), axis=-1)
    mask = (length > SHORTEST) & (length < LONGEST)  # also false where it is no number
    signs = np.array([1, -1, -1] if axes == "opengl" else [1, 1, 1])
    normal = np.where(mask[..., None], stored, 0) * (signs / np.where(mask, length, 1)[..., None])
    return normal.astype(np.float32), mask


def camera_of(named: str, shape: tuple[int, ...]) -> Camera | None:
    """The camera that an option names; None for parallel rays.

    Raises:
        UsageError: It is neither of the three.
        InputError: The file holds no K.
    """
    if named == ORTHOGRAPHIC:
        return None
    height, width = shape
    if Path(named).is_file():
        try:
            intrinsics = np.loadtxt(named, dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{named} is no table of numbers.", "Write K as three rows of three.") from error
        if intrinsics.shape != (3, 3):
            raise InputError(f"{named} holds {intrinsics.shape}.", "Write K as three rows of three.")
        return Camera(width=width, height=height, intrinsics=intrinsics)
    try:
        return camera_from_focal(width, height, focal_px=float(named))
    except ValueError as error:
        raise UsageError(
            f"--camera {named} is neither {ORTHOGRAPHIC}, a number nor a file.", "Give a focal length in px."
        ) from error


def write_integration(path: Path, found: Integration) -> None:
    """Write a depth picture (.exr) or a mesh (.ply, .glb and what else `hd-core export` knows).

    Raises:
        UsageError: The suffix is unknown.
        InputError: The file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".exr":
        _write_exr(path, found)
    elif suffix == ".ply":
        write_ply_mesh(path, grid_mesh(found))
    else:
        mesh = grid_mesh(found)
        sequence = MeshSequence(name=path.stem, meshes=[mesh], times_seconds=np.zeros(1), frame_numbers=np.ones(1, int))
        height, width = found.mask.shape
        camera = found.camera or camera_from_focal(width, height, focal_px=float(max(width, height)))
        write_scene(Scene(sequences=(sequence,), camera=camera, fps=Fraction(1)), path)


def grid_mesh(found: Integration) -> Mesh:
    """A vertex a pixel, two triangles for every four, none across a cut."""
    mask, number = found.mask, np.full(found.mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    at_cut = (found.discontinuity > CUT).astype(np.int64)
    corners = [np.s_[:-1, :-1], np.s_[1:, :-1], np.s_[1:, 1:], np.s_[:-1, 1:]]
    whole = np.logical_and.reduce([mask[corner] for corner in corners])
    whole &= sum(at_cut[corner] for corner in corners) < 3
    a, b, c, d = (number[corner][whole] for corner in corners)
    faces: Int[np.ndarray, "f 3"] = np.stack([a, b, c, a, c, d], axis=1).reshape(-1, 3).astype(np.int32)
    return Mesh(vertices=found.points[mask].astype(np.float32), faces=faces, normals=found.normal[mask])


def _parallel(
    normal: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    prior: Float[np.ndarray, "h w"] | None,
    pixel_width: float,
    how: IntegrateOptions,
) -> Integration:
    if not 0 < pixel_width < np.inf:
        raise UsageError(f"--pixel-width is {pixel_width}; expected more than 0.")
    found = integrate_orthographic(normal, mask, how, prior=None if prior is None else prior / pixel_width)
    depth = found.depth * np.float32(pixel_width)
    height, width = mask.shape
    x, y = (np.arange(width) + 0.5 - width / 2) * pixel_width, (np.arange(height) + 0.5 - height / 2) * pixel_width
    points = np.stack([*np.broadcast_arrays(x, y[:, None]), depth], axis=-1)
    return Integration(
        depth=depth, points=points, normal=normal, mask=mask, discontinuity=found.discontinuity,
        measures=found.measures, camera=None,
    )  # fmt: skip


def _in_perspective(
    normal: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    prior: Float[np.ndarray, "h w"] | None,
    camera: Camera,
    how: IntegrateOptions,
) -> Integration:
    known = np.ones(mask.shape) if prior is None else prior
    maps = SurfaceMaps(
        camera=camera,
        depth=np.where(mask, known, np.nan).astype(np.float32),
        normal=normal,
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.AFFINE if prior is None else Gauge.METRIC,
    )
    found = BilateralIntegrator(how).integrate(maps)
    depth = found.surface.depth
    return Integration(
        depth=depth, points=unproject(camera, depth), normal=normal, mask=mask, discontinuity=found.discontinuity,
        measures=found.measures, camera=camera,
    )  # fmt: skip


def _plane(path: Path, name: str, shape: tuple[int, ...]) -> Float[np.ndarray, "h w"]:
    """A mask as 0..1 or a depth, of the size of the normals."""
    found = read_file(path, (name,), {})
    if name not in found:
        raise InputError(f"{path} holds no {name}.", "Check the file.")
    values = found[name]
    if values.shape != shape:
        raise InputError(f"{path} is of {values.shape}, the normals of {shape}.", "Make them the same size.")
    if name == "mask" and values.dtype.kind in "ui":
        return values / np.float32(np.iinfo(values.dtype).max)
    return values.astype(np.float32)


def _refuse_nonsense(path: Path, normal: Float[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> None:
    if not mask.any():
        raise InputError(f"{path} holds no normals of unit length.", "Check the file and its mask.")
    away = float((normal[mask][:, 2] > 0).mean())
    if away > 0.5:
        raise InputError(f"{100 * away:.0f} % of the normals of {path} face away.", "Try the other --axes.")


def _write_exr(path: Path, found: Integration) -> None:
    planes = {
        "Z": found.depth.astype(np.float32),
        "A": found.mask.astype(np.float16),
        "discontinuity": found.discontinuity.astype(np.float16),
    } | {f"N.{axis}": found.normal[..., i].astype(np.float16) for i, axis in enumerate("XYZ")}
    channels = {name: OpenEXR.Channel(np.ascontiguousarray(plane)) for name, plane in planes.items()}
    buffer = BytesIO()
    with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels) as file:
        file.write(buffer)
    write_bytes(path, buffer.getvalue())
