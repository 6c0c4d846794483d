"""manifest.json: what was made of what, frame by frame and file by file; no clock in it, so that it repeats."""

from typing import Any

import numpy as np

from hd_core import __version__
from hd_core.pipeline.export import file_record
from hd_core.pipeline.job import Job
from hd_core.records import read_measures
from hd_core.runfolder import SCHEMA, RunFolder

MEASURED = ("predict", "integrate", "mesh")
KEPT = ("export", "passes", "bank", "textures")
"""Folders whose files are results; records of the stages are means."""


def write_manifest(job: Job) -> dict[str, Any]:
    """Write manifest.json from what lies in the folder; returns it."""
    run = job.run
    people = [{"id": person, "frames": _frames(job, person)} for person in run.person_ids()]
    manifest = {
        "schema": SCHEMA,
        "hd_core": __version__,
        "source": run.options("person")["source"],
        "stages": {stage: run.options(stage) for stage in ("person", *MEASURED)},
        "scale": run.read_json("scale.json"),
        "people": people,
        "summary": _summary(people),
        "outputs": _outputs(run),
    }
    run.write_json("manifest.json", manifest)
    return manifest


def _frames(job: Job, person_id: int) -> list[dict[str, Any]]:
    run = job.run
    source = run.options("person")["source"]
    times = run.read_json("sightings.json")["times"]
    seen = set(run.frame_indices("person", person_id))
    entries = []
    for position, index in enumerate(range(*source["frames"])):
        entry: dict[str, Any] = {
            "index": index,
            "number": source["start_frame"] + position,
            "time_seconds": times[position],
            "status": "no_person" if index not in seen else "ok",
        }
        if index in job.failures:
            entry |= {"status": "failed", "message": job.failures[index]}
        elif index in seen:
            paths = [run.frame_path(stage, person_id, index) for stage in MEASURED]
            entry["measures"] = {k: v for path in paths for k, v in sorted(read_measures(path).items())}
        entries.append(entry)
    return entries


def _summary(people: list[dict[str, Any]]) -> dict[str, Any]:
    frames = [frame for person in people for frame in person["frames"]]
    statuses = [frame["status"] for frame in frames]
    summary: dict[str, Any] = {name: statuses.count(name) for name in ("ok", "no_person", "failed")}
    for name in ("stretched_rate", "bridging", "coverage"):
        values = [f["measures"][name] for f in frames if name in f.get("measures", {})]
        if values:
            summary[name] = {"mean": float(np.mean(values)), "min": min(values), "max": max(values)}
    return summary


def _outputs(run: RunFolder) -> list[dict[str, Any]]:
    files = [path for name in KEPT for path in sorted((run.path / name).glob("*")) if path.is_file()]
    return [file_record(run.path, path) for path in files]
