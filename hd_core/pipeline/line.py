"""The straight line: video -> person -> maps -> surface -> mesh -> sequence -> file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.errors import FramesError
from hd_core.integrate.protocol import load_integrator
from hd_core.mesh.texture import Atlas, plan_atlas
from hd_core.pipeline.bank import export_bank
from hd_core.pipeline.export import (
    check_formats,
    export_passes,
    export_run,
    texture_paths,
    write_scale,
)
from hd_core.pipeline.job import Job
from hd_core.pipeline.manifest import write_manifest
from hd_core.pipeline.options import (
    ExportOptions,
    MeshStageOptions,
    PersonOptions,
    PredictOptions,
    SourceOptions,
    SurfaceOptions,
)
from hd_core.pipeline.person import PERSON_ID, ViewMaker
from hd_core.pipeline.scale import lock_scale
from hd_core.pipeline.source import camera_record, digest_folder, open_source, source_camera, source_record
from hd_core.pipeline.stages import Mesher, integrate_frames, predict_frames
from hd_core.predict.protocol import load_predictor
from hd_core.progress import Progress, Silent
from hd_core.records import read_maps, read_view
from hd_core.report.page import write_report
from hd_core.runfolder import RunFolder
from hd_core.video.source import digest_source


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All options of the main job."""

    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    mesh: MeshStageOptions = field(default_factory=MeshStageOptions)
    export: ExportOptions = field(default_factory=ExportOptions)


def reconstruct(
    video: Path, out: Path, plan: Plan, *, progress: Progress | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """The main job: from a video to animated mesh files in a run folder.

    Args:
        video: Video, image, folder or pattern.
        out: Run folder; an unfinished one is gone on with.
        plan: All options.
        progress: Who is told.
        overwrite: Discard what the folder holds of other options.

    Returns:
        The manifest.

    Raises:
        HdError: With the remedy; what was finished is kept.
        FramesError: The files are written, but some frames failed.
    """
    check_formats(plan.export.formats, constant=plan.mesh.topology == "constant")
    predict = _PredictJob(video, plan.source, plan.person, plan.predict)
    with RunFolder(out, overwrite=overwrite) as run:
        job = Job(run, progress or Silent())
        predict.begin(job, constant=plan.mesh.topology == "constant")
        begin_integrate(job, plan.surface)
        begin_mesh(job, plan.mesh)
        predict.run(job)
        integrate(job, plan.surface)
        mesh(job, plan.mesh)
        return finish(job, plan.export)


def predict(
    video: Path,
    out: Path,
    plan: Plan,
    *,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> None:
    """The first two stages alone: views and maps of every frame.

    Raises:
        HdError: With the remedy.
    """
    job_of_clip = _PredictJob(video, plan.source, plan.person, plan.predict)
    with RunFolder(out, overwrite=overwrite) as run:
        job = Job(run, progress or Silent())
        job_of_clip.begin(job, constant=plan.mesh.topology == "constant")
        job_of_clip.run(job)
        _raise_failures(job)


def integrate_run(
    folder: Path, options: SurfaceOptions, *, progress: Progress | None = None, overwrite: bool = False
) -> None:
    """The integrate stage alone, on a run folder with maps.

    Raises:
        HdError: With the remedy.
    """
    with RunFolder.existing(folder, overwrite=overwrite) as run:
        job = Job(run, progress or Silent())
        begin_integrate(job, options)
        integrate(job, options)
        _raise_failures(job)


def mesh_run(
    folder: Path, options: MeshStageOptions, *, progress: Progress | None = None, overwrite: bool = False
) -> None:
    """The mesh stage alone, on a run folder with surfaces.

    Raises:
        HdError: With the remedy.
    """
    with RunFolder.existing(folder, overwrite=overwrite) as run:
        job = Job(run, progress or Silent())
        begin_mesh(job, options)
        mesh(job, options)
        _raise_failures(job)


def export_stage(folder: Path, options: ExportOptions, *, progress: Progress | None = None) -> list[Path]:
    """The export stage alone, on a run folder with meshes; returns the main files.

    Raises:
        HdError: With the remedy.
    """
    with RunFolder.existing(folder) as run:
        run.digest("mesh")
        check_formats(options.formats, constant=run.options("mesh")["topology"] == "constant")
        job = Job(run, progress or Silent())
        finish(job, options)
        return export_run(job, options.formats)


def begin_integrate(job: Job, options: SurfaceOptions) -> None:
    """Enter the stage; refuses a folder made with other options."""
    job.run.begin("integrate", asdict(options))


def integrate(job: Job, options: SurfaceOptions) -> None:
    """Maps to surfaces."""
    integrator = load_integrator(options.integrator, options.settings)
    for person in job.run.person_ids():
        integrate_frames(job, person, integrator)


def begin_mesh(job: Job, options: MeshStageOptions) -> None:
    """Enter the stage; refuses a folder made with other options."""
    job.run.begin("mesh", asdict(options))


def mesh(job: Job, options: MeshStageOptions) -> None:
    """Surfaces to meshes, in metres by one scale for the clip."""
    run = job.run
    surfaces = (
        read_maps(run.frame_path("integrate", person, index))
        for person in run.person_ids()
        for index in run.frame_indices("integrate", person)
    )
    lock = lock_scale(surfaces, subject_height_m=options.subject_height_m)
    if "assumed" in lock.source:
        job.warn(f"Scale: {lock.source}.")
    write_scale(run, lock)
    for person in run.person_ids():
        atlas = _atlas(job, person) if options.texture == "atlas" else None
        Mesher(job, person, options.settings, lock, constant=options.topology == "constant").run(atlas)


def finish(job: Job, options: ExportOptions) -> dict[str, Any]:
    """Write the files, the report and the manifest.

    Raises:
        FramesError: The files are written, but some frames failed.
    """
    export_run(job, options.formats)
    if options.passes:
        for person in job.run.person_ids():
            export_passes(job, person)
    if options.bank:
        for person in job.run.person_ids():
            export_bank(job, person)
    manifest = write_manifest(job)
    write_report(job.run, manifest)
    _raise_failures(job)
    return manifest


class _PredictJob:
    """Everything up to the maps; opens source and predictor before the run folder is touched."""

    def __init__(self, video: Path, source: SourceOptions, person: PersonOptions, predict: PredictOptions) -> None:
        self._predictor = load_predictor(predict.predictor, predict.settings)
        self._clip, self._frames = open_source(video, source)
        known = getattr(self._predictor, "camera", None)
        self._camera, self._focal_source = source_camera(self._clip, source, known)
        self._source, self._person, self._predict = source, person, predict
        self._digest = digest_source(video)

    def begin(self, job: Job, *, constant: bool) -> None:
        """Enter both stages; refuses a folder made with other options."""
        crop = self._person.crop
        self._follow = crop == "follow" or (crop == "auto" and not constant)
        mask = self._person.mask
        options = asdict(self._person) | {
            "source": source_record(self._clip, self._frames, self._digest, self._source),
            "camera": self._camera.intrinsics.tolist(),
            "mask": mask and digest_source(mask),
            "crop": "follow" if self._follow else "fixed",
        }
        origin: dict[str, Any] = dict(self._predictor.describe())
        if self._predict.settings.maps is not None:
            origin["maps_sha256"] = digest_folder(self._predict.settings.maps)
        if self._matte_source() is not None and mask is None:
            options["matte"] = origin
        job.run.begin("person", options)
        predictor = {
            "predictor": self._predict.predictor,
            "gauge": self._predictor.gauge.value,
            "licence": self._predictor.licence,
            **origin,
        }
        job.run.begin("predict", predictor)
        job.run.write_json("camera.json", camera_record(self._camera, self._focal_source))
        if self._focal_source.startswith("assumed"):
            job.warn(f"Focal length {self._focal_source}; state it with --focal-px or --fov-deg.")

    def run(self, job: Job) -> None:
        """Views, then maps."""
        maker = ViewMaker(job, self._clip, self._frames, self._camera, self._person, matte_source=self._matte_source())
        maker.run(follow=self._follow, texture_paths=texture_paths(job.run, self._frames, "frames"))
        predict_frames(job, PERSON_ID, self._predictor)

    def _matte_source(self) -> Any:  # noqa: ANN401 - a predictor that may also be a MatteSource
        return self._predictor if getattr(self._predictor, "has_matte", False) else None


def _atlas(job: Job, person_id: int) -> Atlas:
    """Pack the crops of all frames into one picture."""
    indices = job.run.frame_indices("integrate", person_id)
    views = (read_view(job.run.frame_path("person", person_id, index)) for index in indices)
    size = job.run.options("person")["size"]
    atlas = plan_atlas(len(indices), crop_width=size, crop_height=size)
    picture = atlas.blank()
    for position, view in enumerate(views):
        atlas.paste(picture, position, view.rgb)
    with atomic_path(job.run.path / "textures" / "atlas.png") as aside:
        Image.fromarray(picture).save(aside)
    return atlas


def _raise_failures(job: Job) -> None:
    if job.failures:
        frame, message = next(iter(sorted(job.failures.items())))
        raise FramesError(
            f"{len(job.failures)} frames failed, the first is {frame}: {message}",
            "The rest is written; manifest.json names them.",
        )
