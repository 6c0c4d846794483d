"""The straight line: video -> person -> maps -> surface -> mesh -> sequence -> file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hd_core.errors import FramesError
from hd_core.integrate.protocol import load_integrator
from hd_core.pipeline.bank import export_bank
from hd_core.pipeline.body import BodyStage, check_reads_body, tell
from hd_core.pipeline.body_files import write_body_files
from hd_core.pipeline.body_options import BodyOptions
from hd_core.pipeline.export import (
    check_formats,
    export_passes,
    export_run,
    frame_pictures,
    meshed_people,
    require_meshes,
)
from hd_core.pipeline.frames import usual_jobs
from hd_core.pipeline.given import Pictures, matte_source
from hd_core.pipeline.job import Job
from hd_core.pipeline.manifest import write_manifest
from hd_core.pipeline.meshing import make_meshes
from hd_core.pipeline.options import (
    ExportOptions,
    MeshStageOptions,
    PersonOptions,
    PredictOptions,
    SourceOptions,
    SurfaceOptions,
    WorkOptions,
)
from hd_core.pipeline.person import ViewMaker
from hd_core.pipeline.source import camera_record, digest_folder, open_source, source_camera, source_record
from hd_core.pipeline.stages import integrate_frames, predict_frames
from hd_core.predict.protocol import load_predictor
from hd_core.progress import Progress, Silent
from hd_core.report.page import write_report
from hd_core.runfolder import RunFolder
from hd_core.video.source import digest_source


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All options of the main job."""

    source: SourceOptions = field(default_factory=SourceOptions)
    person: PersonOptions = field(default_factory=PersonOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)
    body: BodyOptions = field(default_factory=BodyOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    mesh: MeshStageOptions = field(default_factory=MeshStageOptions)
    export: ExportOptions = field(default_factory=ExportOptions)
    work: WorkOptions = field(default_factory=WorkOptions)


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
    predict = _PredictJob(video, plan)
    with RunFolder(out, overwrite=overwrite) as run:
        job = _job(run, progress, plan.work)
        predict.begin(job, constant=plan.mesh.topology == "constant")
        begin_integrate(job, plan.surface)
        begin_mesh(job, plan.mesh)
        predict.run(job)
        integrate(job, plan.surface)
        make_meshes(job, plan.mesh)
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
    job_of_clip = _PredictJob(video, plan)
    with RunFolder(out, overwrite=overwrite) as run:
        job = Job(run, progress or Silent())
        job_of_clip.begin(job, constant=plan.mesh.topology == "constant")
        job_of_clip.run(job)
        write_body_files(job, plan.export)
        _raise_failures(job)


def integrate_run(
    folder: Path,
    options: SurfaceOptions,
    *,
    work: WorkOptions | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> None:
    """The integrate stage alone, on a run folder with maps.

    Raises:
        HdError: With the remedy.
    """
    with RunFolder.existing(folder, overwrite=overwrite) as run:
        job = _job(run, progress, work)
        begin_integrate(job, options)
        integrate(job, options)
        _raise_failures(job)


def mesh_run(
    folder: Path,
    options: MeshStageOptions,
    *,
    work: WorkOptions | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> None:
    """The mesh stage alone, on a run folder with surfaces.

    Raises:
        HdError: With the remedy.
    """
    with RunFolder.existing(folder, overwrite=overwrite) as run:
        job = _job(run, progress, work)
        begin_mesh(job, options)
        make_meshes(job, options)
        _raise_failures(job)


def export_stage(folder: Path, options: ExportOptions, *, progress: Progress | None = None) -> list[Path]:
    """The export stage alone, on a run folder with meshes; returns the main files.

    Raises:
        HdError: With the remedy.
    """
    with RunFolder.existing(folder) as run:
        require_meshes(run)
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
    job.each_person(lambda person: integrate_frames(job, person, integrator))


def begin_mesh(job: Job, options: MeshStageOptions) -> None:
    """Enter the stage; refuses a folder made with other options."""
    job.run.begin("mesh", asdict(options))


def finish(job: Job, options: ExportOptions) -> dict[str, Any]:
    """Write the files, the report and the manifest.

    Raises:
        FramesError: The files are written, but some frames failed.
    """
    export_run(job, options.formats)
    for person in meshed_people(job.run):
        if options.passes:
            export_passes(job, person)
        if options.bank:
            export_bank(job, person)
    write_body_files(job, options)
    manifest = write_manifest(job)
    write_report(job.run, manifest)
    _raise_failures(job)
    return manifest


def _job(run: RunFolder, progress: Progress | None, work: WorkOptions | None) -> Job:
    jobs = (work or WorkOptions()).jobs or usual_jobs()
    return Job(run, progress or Silent(), jobs=jobs)


class _PredictJob:
    """Everything up to the maps; opens source and predictor before the run folder is touched."""

    def __init__(self, video: Path, plan: Plan) -> None:
        source, person, predict = plan.source, plan.person, plan.predict
        self._predictor = load_predictor(predict.predictor, predict.settings)
        self._clip, self._frames = open_source(video, source)
        known = getattr(self._predictor, "camera", None)
        self._camera, self._focal_source = source_camera(self._clip, source, known)
        self._source, self._person, self._predict = source, person, predict
        self._digest = digest_source(video)
        if plan.body.body_input:
            check_reads_body(self._predictor)
        self._tells = plan.body.body_input
        self._body = BodyStage(plan.body, predict.settings) if plan.body.wanted or plan.export.of_body else None
        self._pictures = Pictures(self._clip, self._camera, person, matte_source(self._predictor))

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
        if mask is None and matte_source(self._predictor) is not None:
            options["matte"] = origin
        job.run.begin("person", options)
        predictor = {
            "predictor": self._predict.predictor,
            "gauge": self._predictor.gauge.value,
            "licence": self._predictor.licence,
            **origin,
        }
        if self._body is not None:
            body = self._body.begin(job)
            predictor |= {"told_of_body": body} if self._tells else {}
        job.run.begin("predict", predictor)
        job.run.write_json("camera.json", camera_record(self._camera, self._focal_source))
        if self._focal_source.startswith("assumed"):
            job.warn(f"Focal length {self._focal_source}; state it with --focal-px or --fov-deg.")

    def run(self, job: Job) -> None:
        """Views, then maps."""
        maker = ViewMaker(job, self._pictures, self._frames, self._person)
        maker.run(follow=self._follow, texture_paths=frame_pictures(job.run, self._frames))
        if self._body is not None:
            self._body.run(job)
        predictor = tell(self._predictor, job.run) if self._tells else self._predictor
        job.each_person(lambda person: predict_frames(job, person, predictor))


def _raise_failures(job: Job) -> None:
    if job.failures:
        (person, frame), message = min(job.failures.items())
        whose = f" of person{person:02d}" if len(job.run.person_ids()) > 1 else ""
        raise FramesError(
            f"{len(job.failures)} frames failed, the first is {frame}{whose}: {message}",
            "The rest is written; manifest.json names them.",
        )
