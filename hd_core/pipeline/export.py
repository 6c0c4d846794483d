"""Last stage: the scene of a run folder, written in every format that was asked for, and the passes."""

import hashlib
from dataclasses import asdict
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.errors import UsageError
from hd_core.export.exr import write_passes
from hd_core.export.table import WRITERS, write_scene
from hd_core.pipeline.job import Job
from hd_core.pipeline.lazy import LazyList
from hd_core.pipeline.scale import ScaleLock
from hd_core.pipeline.stages import scaled
from hd_core.progress import check_cancelled
from hd_core.records import camera_from_json, read_maps, read_mesh, read_view
from hd_core.runfolder import RunFolder
from hd_core.types import Gauge, Mesh, MeshSequence, Scene


def check_formats(formats: tuple[str, ...], *, constant: bool) -> None:
    """Refuse a format before the work, not after it.

    Raises:
        UsageError: An unknown suffix, or one that needs the other topology.
    """
    for suffix in map(dotted, formats):
        if suffix not in WRITERS:
            raise UsageError(f"No writer for {suffix!r}.", f"Known: {', '.join(WRITERS)}.")
        if suffix == ".pc2" and not constant:
            raise UsageError(
                "A .pc2 holds one topology for all frames.", "Add --topology constant, or use usdc or abc."
            )


def dotted(suffix: str) -> str:
    """`usdc` and `.usdc` are the same wish."""
    return "." + suffix.lower().lstrip(".")


def export_run(job: Job, formats: tuple[str, ...]) -> list[Path]:
    """Write `export/NAME.SUFFIX` for each format; what is complete already stays. Returns the main files.

    Raises:
        InputError: The run has no meshes yet, or a file cannot be written.
        UsageError: A format cannot hold this scene.
    """
    run = job.run
    digest = run.digest("mesh")
    known = run.read_json("export.json") if (run.path / "export.json").exists() else {}
    name = Path(run.options("person")["source"]["name"]).stem
    written = []
    for suffix in map(dotted, formats):
        path = run.path / "export" / (name + suffix)
        entry = known.get(path.name)
        if entry is None or entry["digest"] != digest or not _still_there(run.path, entry["files"]):
            job.log(event="export", file=path.name)
            files = write_scene(load_scene(run), path, job.progress)
            known[path.name] = {"digest": digest, "files": [file_record(run.path, file) for file in files]}
            run.write_json("export.json", known)
        written.append(run.path / known[path.name]["files"][0]["path"])
    return written


def export_passes(job: Job, person_id: int) -> None:
    """Write one EXR a frame: depth, normals, matte and confidence of the crop, with its intrinsics."""
    run = job.run
    lock = ScaleLock(**run.read_json("scale.json"))
    indices = run.frame_indices("mesh", person_id)
    for done, index in enumerate(indices):
        check_cancelled(job.progress)
        job.progress.step("passes", done, len(indices))
        path = run.path / "passes" / f"person{person_id:02d}.{index:06d}.exr"
        if path.exists():
            continue
        surface = scaled(read_maps(run.frame_path("integrate", person_id, index)), lock.scale, Gauge.METRIC)
        write_passes(path, surface, read_view(run.frame_path("person", person_id, index)))
    job.progress.step("passes", len(indices), len(indices))


def load_scene(run: RunFolder) -> Scene:
    """The scene of a run folder; meshes are read when a writer asks for them.

    Raises:
        InputError: The run has no meshes yet.
    """
    run.digest("mesh")
    camera = camera_from_json(run.read_json("camera.json"))
    sequences = tuple(load_sequence(run, person) for person in run.person_ids())
    return Scene(sequences=sequences, camera=camera, fps=run_fps(run))


def load_sequence(run: RunFolder, person_id: int) -> MeshSequence:
    """One person's meshes; a frame without the person, or one that failed, is an empty or collapsed mesh."""
    source = run.options("person")["source"]
    frames = range(*source["frames"])
    present = set(run.frame_indices("mesh", person_id))
    constant = run.options("mesh")["topology"] == "constant"

    @lru_cache(maxsize=1)
    def absent() -> Mesh:
        if not constant:
            return Mesh(vertices=np.zeros((0, 3), np.float32), faces=np.zeros((0, 3), np.int32))
        return _collapsed(read_mesh(run.frame_path("mesh", person_id, min(present))))

    @lru_cache(maxsize=2)
    def mesh(position: int) -> Mesh:
        index = frames[position]
        return read_mesh(run.frame_path("mesh", person_id, index)) if index in present else absent()

    texture = run.options("mesh")["texture"]
    return MeshSequence(
        name=f"person{person_id:02d}",
        meshes=LazyList(len(frames), mesh),
        times_seconds=np.array(run.read_json("sightings.json")["times"], np.float64),
        frame_numbers=source["start_frame"] + np.arange(len(frames)),
        shares_faces=constant,
        texture_paths=() if texture == "none" else tuple(texture_paths(run, frames, texture)),
    )


def run_fps(run: RunFolder) -> Fraction:
    """Frame rate of the output: every step-th frame of the clip is one output frame."""
    source = run.options("person")["source"]
    step: int = source["frames"][2]
    return Fraction(source["fps"]) / step


def texture_paths(run: RunFolder, frames: range, texture: str) -> list[Path]:
    """Where the picture of each output frame lies."""
    start = run.options("person")["source"]["start_frame"]
    if texture == "atlas":
        return [run.path / "textures" / "atlas.png"] * len(frames)
    return [run.path / "textures" / f"frame.{start + position:04d}.jpg" for position in range(len(frames))]


def file_record(root: Path, file: Path) -> dict[str, Any]:
    """Name below `root`, size and sha256 of a finished file."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"path": file.relative_to(root).as_posix(), "bytes": file.stat().st_size, "sha256": digest}


def write_scale(run: RunFolder, lock: ScaleLock) -> None:
    """Remember the clip's scale."""
    run.write_json("scale.json", asdict(lock))


def _still_there(root: Path, files: list[dict[str, Any]]) -> bool:
    return all((root / f["path"]).is_file() and (root / f["path"]).stat().st_size == f["bytes"] for f in files)


def _collapsed(mesh: Mesh) -> Mesh:
    """The same topology with every face shrunk to one point: nothing is seen."""
    point = mesh.vertices[:1] if len(mesh.vertices) else np.zeros((1, 3), np.float32)
    vertices = np.repeat(point, len(mesh.vertices), axis=0)
    valid = np.zeros(len(vertices), bool)
    return Mesh(
        vertices=vertices,
        faces=mesh.faces,
        uv=mesh.uv,
        normals=mesh.normals,
        colours=mesh.colours,
        valid=valid,
    )
