"""The stage beside the line: which point of the body every pixel of a view shows, and who is told of it.

It reads views and nothing else, so a run without it is the same run. Only a predictor that is told of the body
(`tell`) depends on it, and says so among its own options.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from hd_core.body.record import read_bodies, write_bodies
from hd_core.errors import UsageError
from hd_core.pipeline.body_options import BodyOptions
from hd_core.pipeline.job import Job
from hd_core.pipeline.sightings import read_people
from hd_core.predict.options import PredictorOptions
from hd_core.predict.protocol import Predictor
from hd_core.records import read_view
from hd_core.runfolder import RunFolder
from hd_core.types import BodyMaps, SurfaceMaps, View

STAGE = "body"


class BodyStage:
    """Finds the body in all views of a run; makes the network before the run folder is touched.

    Args:
        options: What is wanted.
        settings: Device and threads.
    """

    def __init__(self, options: BodyOptions, settings: PredictorOptions) -> None:
        from hd_core.body.iuv import BodyFinder  # noqa: PLC0415 - brings torch, which not every run needs

        self._window = options.iuv_frames
        self._finder = BodyFinder.load(
            options.iuv_weights, device=settings.device, threads=settings.threads, mirrored=options.iuv_mirrored
        )

    def begin(self, job: Job) -> str:
        """Enter the stage; returns its digest, refuses a folder made with other options."""
        return job.run.begin(STAGE, {**self._finder.describe(), "frames_beside": self._window})

    def run(self, job: Job) -> None:
        """Views to maps of the body."""
        job.each_person(lambda person: self._person(job, person))

    def _person(self, job: Job, person_id: int) -> None:
        from hd_core.body.steady import SteadyFinder  # noqa: PLC0415 - brings torch

        run = job.run
        indices = run.frame_indices("person", person_id)

        def view(place: int) -> View:
            return read_view(run.frame_path("person", person_id, indices[place]))

        finder = SteadyFinder(self._finder, view, _follows(run, indices), window=self._window)
        places = {index: place for place, index in enumerate(indices)}

        def work(index: int, path: Path, digest: str) -> None:
            write_bodies(path, finder.find(places[index]), digest=digest)

        job.each_frame(STAGE, person_id, indices, work)


def tell(predictor: Predictor, run: RunFolder) -> Predictor:
    """The predictor, told of the body under the clothes as the run's records have it.

    Args:
        predictor: One that reads it.
        run: Where the records lie.
    """
    return cast("Predictor", _ToldPredictor(predictor, run))


class _ToldPredictor:
    def __init__(self, predictor: Predictor, run: RunFolder) -> None:
        self._predictor, self._run = predictor, run

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the predictor's own
        return getattr(self._predictor, name)

    def predict(self, view: View) -> SurfaceMaps:
        """Depth and normals of a view of the run."""
        # All of it: told of the sure pixels alone, HDNet is less good (docs/correspondence.md).
        body = read_bodies(self._run.frame_path(STAGE, view.person_id, view.frame_index)).body
        return self._predictor.predict(replace(view, body=BodyMaps(iuv=body.iuv)))


def _follows(run: RunFolder, indices: list[int]) -> list[bool]:
    """For every frame of a person whether the one before it in the clip is the one before it here, in the same shot."""
    step, cuts = run.options("person")["source"]["frames"][2], read_people(run).cuts
    before = [None, *indices[:-1]]
    return [
        last is not None and index - last == step and not any(last < cut <= index for cut in cuts)
        for last, index in zip(before, indices, strict=True)
    ]


def check_reads_body(predictor: Any) -> None:  # noqa: ANN401 - any predictor; few read a body
    """Refuse to tell a predictor of the body that would not listen.

    Raises:
        UsageError: It does not read a body.
    """
    if not getattr(predictor, "reads_body", False):
        raise UsageError(
            f"--body-input tells the predictor of the body; {predictor.name!r} does not read one.",
            "Leave it out, or take --predictor hdnet with weights that learned to.",
        )


def body_record(run: RunFolder, person_id: int, index: int) -> Path | None:
    """The record of a frame, if the body was looked for in this run and the frame did not fail."""
    path = run.frame_path(STAGE, person_id, index)
    return path if run.options(STAGE) and path.exists() else None
