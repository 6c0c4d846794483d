"""The per-frame stages after the person: maps, surfaces, meshes. Each reads records and writes records."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hd_core.integrate.protocol import Integrator
from hd_core.mesh.build import build_mesh
from hd_core.mesh.options import MeshOptions
from hd_core.mesh.texture import Atlas
from hd_core.mesh.topology import Topology, build_constant, full_cells, plan_topology
from hd_core.pipeline.job import Job
from hd_core.pipeline.scale import ScaleLock
from hd_core.predict.protocol import Predictor
from hd_core.records import read_maps, read_view, write_maps, write_mesh
from hd_core.types import Gauge, Mesh, SurfaceMaps, View


def predict_frames(job: Job, person_id: int, predictor: Predictor) -> None:
    """Views to maps."""

    def work(index: int, path: Path, digest: str) -> None:
        view = read_view(job.run.frame_path("person", person_id, index))
        maps = predictor.predict(view)
        write_maps(path, maps, digest=digest, measures={"mask_px": float(maps.mask.sum())})

    job.each_frame("predict", person_id, job.run.frame_indices("person", person_id), work)


def integrate_frames(job: Job, person_id: int, integrator: Integrator) -> None:
    """Maps to surfaces; a surface of unknown scale is brought to a median depth of 1."""

    def work(index: int, path: Path, digest: str) -> None:
        found = integrator.integrate(read_maps(job.run.frame_path("predict", person_id, index)))
        surface = found.surface
        if surface.gauge is Gauge.SCALE and surface.mask.any() and _prior_has_no_scale(job):
            surface = scaled(surface, 1 / float(np.median(surface.depth[surface.mask])), Gauge.SCALE)
        cut = float((found.discontinuity > 0.5).sum())
        measures = {**found.measures, "discontinuous_px": cut}
        write_maps(path, surface, digest=digest, measures=measures, discontinuity=found.discontinuity)

    job.each_frame("integrate", person_id, job.run.frame_indices("predict", person_id), work, several=True)


def scaled(surface: SurfaceMaps, factor: float, gauge: Gauge) -> SurfaceMaps:
    """The surface seen by the same camera from `factor` times as far."""
    return replace(surface, depth=(surface.depth * factor).astype(np.float32), gauge=gauge)


class Mesher:
    """Surfaces to meshes in metres.

    Args:
        job: Where they lie.
        person_id: Whose.
        options: How meshes are built.
        lock: The clip's scale.
        constant: The same topology in every frame.
    """

    def __init__(self, job: Job, person_id: int, options: MeshOptions, lock: ScaleLock, *, constant: bool) -> None:
        self._job, self._person_id, self._options, self._lock = job, person_id, options, lock
        self._indices = job.run.frame_indices("integrate", person_id)
        self._topology: Topology | None = None
        if constant and job.missing("mesh", person_id, self._indices, job.run.digest("mesh")):
            self._topology = plan_topology(full_cells(self._pair(index)[0], options) for index in self._indices)

    def run(self, atlas: Atlas | None = None) -> None:
        """Write every missing mesh; with an atlas, texture coordinates are in it and not in the frame."""
        positions = {index: position for position, index in enumerate(self._indices)}

        def work(index: int, path: Path, digest: str) -> None:
            mesh, measures = self._mesh(*self._pair(index))
            if atlas is not None and mesh.uv is not None:
                mesh = replace(mesh, uv=atlas.uv(positions[index], self._view(index).crop, mesh.uv))
            write_mesh(path, mesh, digest=digest, measures=measures)

        self._job.each_frame("mesh", self._person_id, self._indices, work, several=True)

    def _mesh(self, surface: SurfaceMaps, view: View) -> tuple[Mesh, dict[str, float]]:
        if self._topology is not None:
            return build_constant(surface, view, self._topology, self._options)
        return build_mesh(surface, view, self._options)

    def _view(self, index: int) -> View:
        return read_view(self._job.run.frame_path("person", self._person_id, index))

    def _pair(self, index: int) -> tuple[SurfaceMaps, View]:
        surface = read_maps(self._job.run.frame_path("integrate", self._person_id, index))
        return scaled(surface, self._lock.scale, Gauge.METRIC), self._view(index)


def _prior_has_no_scale(job: Job) -> bool:
    return bool(job.run.options("predict").get("gauge") == Gauge.AFFINE.value)
