"""Last stage: the scene of a run folder, written in every format that was asked for, and the passes."""

import hashlib
import json
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.body.decode import Decoded
from hd_core.body.record import read_bodies
from hd_core.errors import InputError, UsageError
from hd_core.export.exr import Correspondence, write_passes
from hd_core.export.table import WRITERS, write_scene
from hd_core.pipeline.body import body_record
from hd_core.pipeline.job import Job
from hd_core.pipeline.lazy import LazyList
from hd_core.pipeline.scale import read_scale
from hd_core.pipeline.sightings import read_times
from hd_core.pipeline.stages import scaled
from hd_core.progress import check_cancelled
from hd_core.records import camera_from_json, read_maps, read_mesh, read_view
from hd_core.runfolder import STAGES, RunFolder
from hd_core.synth.atlas.anny24 import IUV_CONVENTION, from_bytes
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
    digest = _scene_digest(run)
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
    """Write one EXR a frame: depth, normals, matte and confidence of the crop, with its intrinsics.

    Where the body was looked for, also which point of it every pixel shows, clothes and all.
    """
    run = job.run
    lock = read_scale(run, person_id)
    indices = run.frame_indices("mesh", person_id)
    for done, index in enumerate(indices):
        check_cancelled(job.progress)
        job.progress.step("passes", done, len(indices))
        path = run.path / "passes" / f"person{person_id:02d}.{index:06d}.exr"
        if path.exists():
            continue
        surface = scaled(read_maps(run.frame_path("integrate", person_id, index)), lock.scale, Gauge.METRIC)
        body = body_record(run, person_id, index)
        correspondence = None if body is None else _correspondence(read_bodies(body).clothed)
        view = read_view(run.frame_path("person", person_id, index))
        write_passes(path, surface, view, correspondence=correspondence)
    job.progress.step("passes", len(indices), len(indices))


def _correspondence(found: Decoded) -> Correspondence:
    part, u, v = from_bytes(found.iuv)
    return Correspondence(u=u, v=v, part=part, confidence=found.confidence, convention=IUV_CONVENTION)


def load_scene(run: RunFolder) -> Scene:
    """The scene of a run folder, everybody who has a mesh; meshes are read when a writer asks for them.

    Raises:
        InputError: The run has no meshes yet.
    """
    require_meshes(run)
    camera = camera_from_json(run.read_json("camera.json"))
    sequences = tuple(load_sequence(run, person) for person in meshed_people(run))
    return Scene(sequences=sequences, camera=camera, fps=run_fps(run))


def meshed_people(run: RunFolder) -> list[int]:
    """Those who have a mesh in at least one frame; somebody in whom every frame failed has none."""
    return [person for person in run.person_ids() if run.frame_indices("mesh", person)]


def require_meshes(run: RunFolder) -> None:
    """Refuse a run that has not come to its meshes; the message says how far it is.

    Raises:
        InputError: There is no mesh, or the stage was not begun.
    """
    for stage in STAGES:
        run.digest(stage)
    if meshed_people(run):
        return
    counts = {stage: sum(len(run.frame_indices(stage, one)) for one in run.person_ids()) for stage in STAGES}
    done = ", ".join(f"{stage} {count}" for stage, count in counts.items())
    raise InputError(
        f"The run in {run.path} is not finished: it holds no mesh (frames done: {done}).",
        "Go on with it by the command that began it; finished frames are kept.",
    )


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
        times_seconds=np.array(read_times(run), np.float64),
        frame_numbers=source["start_frame"] + np.arange(len(frames)),
        shares_faces=constant,
        texture_paths=() if texture == "none" else tuple(texture_paths(run, frames, texture, person_id)),
    )


def run_fps(run: RunFolder) -> Fraction:
    """Frame rate of the output: every step-th frame of the clip is one output frame."""
    source = run.options("person")["source"]
    step: int = source["frames"][2]
    return Fraction(source["fps"]) / step


def texture_paths(run: RunFolder, frames: range, texture: str, person_id: int) -> list[Path]:
    """Where the picture of each output frame lies: the clip's own, which all people share, or the person's atlas."""
    if texture == "atlas":
        return [atlas_path(run, person_id)] * len(frames)
    return frame_pictures(run, frames)


def atlas_path(run: RunFolder, person_id: int) -> Path:
    """The picture with all crops of one person."""
    return run.path / "textures" / f"atlas.person{person_id:02d}.png"


def frame_pictures(run: RunFolder, frames: range) -> list[Path]:
    """The clip's own pictures, one per output frame."""
    start = run.options("person")["source"]["start_frame"]
    return [run.path / "textures" / f"frame.{start + position:04d}.jpg" for position in range(len(frames))]


def file_record(root: Path, file: Path) -> dict[str, Any]:
    """Name below `root`, size and sha256 of a finished file."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"path": file.relative_to(root).as_posix(), "bytes": file.stat().st_size, "sha256": digest}


def _scene_digest(run: RunFolder) -> str:
    """Of the meshes, and of which frames have one: a frame that failed may come later."""
    frames = {person: run.frame_indices("mesh", person) for person in meshed_people(run)}
    return hashlib.sha256(json.dumps([run.digest("mesh"), frames], sort_keys=True).encode()).hexdigest()[:32]


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
