"""What a run tells the world of the bodies it found: IUV pictures of whole frames, and a sheet to look at."""

import numpy as np
from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.body.decode import Decoded, FoundBodies
from hd_core.body.formats import IuvMap
from hd_core.body.formats_png import merge_people, write_inds, write_iuv
from hd_core.body.picture import iuv_row
from hd_core.body.place import in_frame
from hd_core.body.record import read_bodies
from hd_core.errors import InputError
from hd_core.pipeline.body import STAGE, body_record
from hd_core.pipeline.body_texture import write_body_textures
from hd_core.pipeline.job import Job
from hd_core.pipeline.options import ExportOptions
from hd_core.progress import check_cancelled
from hd_core.records import camera_from_json, read_view
from hd_core.runfolder import IUV_SHEET, RunFolder
from hd_core.types import Crop

FOLDER = "iuv"
ROWS, SIDE = 8, 256


def write_body_files(job: Job, options: ExportOptions) -> None:
    """What was asked for, and the sheet of any run that has looked for the body.

    Raises:
        InputError: It has not, but what was asked for needs it.
    """
    if options.of_body and not job.run.options(STAGE):
        raise InputError(f"The body was not looked for in {job.run.path}.", "Run hd-core reconstruct with --iuv on it.")
    if options.iuv_pictures:
        write_iuv_pictures(job)
    if options.body_texture:
        write_body_textures(job)
    if job.run.options(STAGE):
        write_iuv_sheet(job.run)


def write_iuv_pictures(job: Job) -> None:
    """For every output frame an IUV picture of each surface, and who is where if there are several people.

    They lie in `iuv/clothed` and `iuv/body`, numbered as the output; a frame in which nobody was found is empty.
    """
    run = job.run
    source = run.options("person")["source"]
    frames, several = range(*source["frames"]), len(run.person_ids()) > 1
    nobody = np.zeros((*camera_from_json(run.read_json("camera.json")).shape, 3), np.uint8)
    for position, index in enumerate(frames):
        check_cancelled(job.progress)
        job.progress.step("iuv pictures", position, len(frames))
        people = _people(run, index)
        for surface in FoundBodies._fields:
            folder, name = run.path / FOLDER / surface, f"frame.{source['start_frame'] + position:04d}"
            found: list[Decoded] = [getattr(one, surface) for one, _ in people]
            maps = [in_frame(one.iuv, crop) for one, (_, crop) in zip(found, people, strict=True)] or [nobody]
            scores = np.array([_mean_confidence(one) for one in found] or [0.0])
            merged, who = merge_people([IuvMap(iuv=iuv, convention="anny24") for iuv in maps], scores)
            write_iuv(folder / f"{name}_IUV.png", merged)
            if several:
                write_inds(folder / f"{name}_INDS.png", who)
    job.progress.step("iuv pictures", len(frames), len(frames))


def write_iuv_sheet(run: RunFolder) -> None:
    """Some frames of every person, each beside what was found in it; nothing if nobody was found."""
    rows = []
    for person in run.person_ids():
        indices = [index for index in run.frame_indices("person", person) if body_record(run, person, index)]
        for place in np.unique(np.linspace(0, len(indices) - 1, min(ROWS, len(indices))).astype(int)):
            index = indices[place]
            view = read_view(run.frame_path("person", person, index))
            rows.append(iuv_row(view.rgb, read_bodies(run.frame_path(STAGE, person, index)), side=SIDE))
    if rows:
        with atomic_path(run.path / IUV_SHEET) as aside:
            Image.fromarray(np.concatenate(rows)).save(aside)


def _people(run: RunFolder, index: int) -> list[tuple[FoundBodies, Crop]]:
    """What was found of everybody in a source frame, and where their crops lie."""
    paths = {person: body_record(run, person, index) for person in run.person_ids()}
    return [
        (read_bodies(path), read_view(run.frame_path("person", person, index)).crop)
        for person, path in paths.items()
        if path is not None
    ]


def _mean_confidence(found: Decoded) -> float:
    on = found.iuv[..., 0] > 0
    return float(found.confidence[on].mean()) if on.any() else 0.0
