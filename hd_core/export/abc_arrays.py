"""numpy arrays as the arrays of Alembic's Python binding."""

import imath
import numpy as np
from alembic3d import Abc, AbcCoreAbstract, AbcGeom
from jaxtyping import Float, Int, UInt8

VERTEX = AbcGeom.GeometryScope.kVertexScope


def mesh_sample(
    points: Float[np.ndarray, "v 3"], counts: Int[np.ndarray, " f"], indices: Int[np.ndarray, " c"]
) -> AbcGeom.OPolyMeshSchemaSample:
    """Positions and faces of one mesh at one time."""
    return AbcGeom.OPolyMeshSchemaSample(
        _vectors3(points), imath.IntArrayFromBuffer(indices), imath.IntArrayFromBuffer(counts)
    )


def uv_sample(uv: Float[np.ndarray, "v 2"]) -> AbcGeom.OV2fGeomParamSample:
    """Texture coordinates per vertex."""
    array = imath.V2fArrayFromBuffer(np.ascontiguousarray(uv, np.float32))
    return AbcGeom.OV2fGeomParamSample(array, VERTEX)


def normal_sample(normals: Float[np.ndarray, "v 3"]) -> AbcGeom.ON3fGeomParamSample:
    """Normals per vertex."""
    return AbcGeom.ON3fGeomParamSample(_vectors3(normals), VERTEX)


def colour_sample(colours: UInt8[np.ndarray, "v 3"]) -> AbcGeom.OC4fGeomParamSample:
    """Colours per vertex, opaque: bytes over 255, not made linear."""
    array = imath.C4fArray(len(colours))
    scaled = (colours / 255).astype(np.float32)
    for name, plane in zip("rgb", scaled.T, strict=True):
        getattr(array, name)[:] = imath.FloatArrayFromBuffer(np.ascontiguousarray(plane))
    array.a[:] = imath.FloatArrayFromBuffer(np.ones(len(colours), np.float32))
    return AbcGeom.OC4fGeomParamSample(array, VERTEX)


def add_times(archive: Abc.OArchive, seconds: Float[np.ndarray, " n"]) -> int:
    """Make sample times known to an archive.

    Args:
        archive: Where to.
        seconds: Increasing.

    Returns:
        Their number in the archive. The binding also takes the times themselves where this number goes, but
        forgets them before it uses them.
    """
    step = float(seconds[1] - seconds[0]) if len(seconds) > 1 else 1.0
    even = np.abs(seconds - (seconds[0] + step * np.arange(len(seconds)))).max() < 1e-9
    if even:
        return int(archive.addTimeSampling(AbcCoreAbstract.TimeSampling(step, float(seconds[0]))))
    times = AbcCoreAbstract.TimeVector()
    times.extend(seconds.tolist())
    kind = AbcCoreAbstract.TimeSamplingType(AbcCoreAbstract.AcyclicFlag.kAcyclic)
    return int(archive.addTimeSampling(AbcCoreAbstract.TimeSampling(kind, times)))


def _vectors3(values: Float[np.ndarray, "v 3"]) -> imath.V3fArray:
    return imath.V3fArrayFromBuffer(np.ascontiguousarray(values, np.float32))
