"""manifest.json: what was made of what, frame by frame and file by file; no clock in it, so that it repeats."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hd_core import __version__
from hd_core.errors import InputError
from hd_core.person.people import People
from hd_core.person.sighting import Sighting
from hd_core.pipeline.export import file_record
from hd_core.pipeline.job import Job
from hd_core.pipeline.scale import read_scales, scales_to_json
from hd_core.pipeline.sightings import read_people, read_times
from hd_core.ranges import frame_ranges
from hd_core.records import read_measures
from hd_core.runfolder import BESIDE, FOLDER_OF_STAGE, SCHEMA, RunFolder

MEASURED = ("predict", "integrate", "mesh")
KEPT = ("export", "passes", "bank", "textures", "iuv/clothed", "iuv/body")
"""Folders whose files are results; records of the stages are means."""
Entry = dict[str, Any]


def write_manifest(job: Job) -> Entry:
    """Write manifest.json from what lies in the folder; returns it."""
    run = job.run
    found, ids = read_people(run), run.person_ids()
    people = [_person(job, person, found) for person in ids]
    manifest = {
        "schema": SCHEMA,
        "hd_core": __version__,
        "source": run.options("person")["source"],
        "stages": {stage: run.options(stage) for stage in ("person", *_measured(run))},
        "scale": scales_to_json(read_scales(run)),
        "cuts": list(found.cuts),
        "people": people,
        "not_chosen": [person for person in found.ids if person not in ids],
        "summary": _summary(people, _frames_of(run)),
        "outputs": _outputs(run),
    }
    run.write_json("manifest.json", manifest)
    return manifest


def _person(job: Job, person_id: int, found: People) -> Entry:
    """One person: where in the clip, how large in the picture, and every frame."""
    seen = [sighting for sighting in found.of(person_id) if sighting is not None]
    here = [sighting.frame_index for sighting in seen]
    return {
        "id": person_id,
        "name": f"person{person_id:02d}",
        "present": frame_ranges(here, _frames_of(job.run)),
        "box_px": _box_measures(seen),
        "frames": _frames(job, person_id),
    }


def _frames(job: Job, person_id: int) -> list[Entry]:
    run = job.run
    start: int = run.options("person")["source"]["start_frame"]
    times = read_times(run)
    seen = set(run.frame_indices("person", person_id))
    entries = []
    for position, index in enumerate(_frames_of(run)):
        entry: Entry = {"index": index, "number": start + position, "time_seconds": times[position]}
        entries.append(entry | (_made(job, person_id, index) if index in seen else {"status": "no_person"}))
    return entries


def _made(job: Job, person_id: int, index: int) -> Entry:
    """What became of a frame the person is in."""
    message = job.failures.get((person_id, index))
    measures: dict[str, float] = {}
    for stage in _measured(job.run):
        path = job.run.frame_path(stage, person_id, index)
        if message is None and path.exists():
            measures |= dict(sorted(_measures(job.run, stage, person_id, index).items()))
        elif message is None:
            message = f"{stage}: no record in {FOLDER_OF_STAGE[stage]}/; that stage has not finished it"
    return {"status": "ok", "measures": measures} if message is None else {"status": "failed", "message": message}


def _measures(run: RunFolder, stage: str, person_id: int, index: int) -> dict[str, float]:
    path = run.frame_path(stage, person_id, index)
    try:
        return read_measures(path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is damaged.", "Run the job again; it makes this frame anew.") from error


def _summary(people: Sequence[Entry], frames: range) -> Entry:
    """Counts over all people; a frame is without a person if nobody at all is in it."""
    listed = [frame for person in people for frame in person["frames"]]
    statuses = [frame["status"] for frame in listed]
    somebody = {frame["index"] for frame in listed if frame["status"] != "no_person"}
    nobody = [index for index in frames if index not in somebody]
    summary: Entry = {
        "ok": statuses.count("ok"),
        "no_person": len(nobody),
        "failed": statuses.count("failed"),
        "no_person_frames": frame_ranges(nobody, frames),
        "absent": {str(person["id"]): frame_ranges(_absent(person["frames"]), frames) for person in people},
    }
    for name in ("stretched_rate", "bridging", "coverage"):
        values = [f["measures"][name] for f in listed if name in f.get("measures", {})]
        if values:
            summary[name] = {"mean": float(np.mean(values)), "min": min(values), "max": max(values)}
    return summary


def _absent(frames: Iterable[Entry]) -> list[int]:
    return [frame["index"] for frame in frames if frame["status"] == "no_person"]


def _box_measures(seen: Sequence[Sighting]) -> Entry:
    """Smallest, median and largest width and height of a person's box, px."""
    sides = {"width": [s.box.width for s in seen], "height": [s.box.height for s in seen]}
    return {
        name: {"min": min(values), "median": float(np.median(values)), "max": max(values)}
        for name, values in sides.items()
        if values
    }


def _measured(run: RunFolder) -> tuple[str, ...]:
    return (*MEASURED, *(stage for stage in BESIDE if run.options(stage)))


def _frames_of(run: RunFolder) -> range:
    return range(*run.options("person")["source"]["frames"])


def _outputs(run: RunFolder) -> list[Entry]:
    files = [path for name in KEPT for path in sorted((run.path / name).glob("*")) if path.is_file()]
    return [file_record(run.path, path) for path in files]
