"""The depth bank of a run: `bank/person01.safetensors`, which Blender plays, and the normal maps beside it.

The only module that knows the layout of that file (docs/bank.md). The frames are gone through once; what stays in
memory of each is a number per vertex that it shows.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.mesh.bank import FRAMES_PER_BLOCK, Bank, BankFrame, bank_frame, view_row
from hd_core.mesh.options import MeshOptions
from hd_core.pipeline.bank_file import Rows, stream_record
from hd_core.pipeline.export import run_fps
from hd_core.pipeline.job import Job
from hd_core.pipeline.scale import read_scale
from hd_core.pipeline.sightings import read_times
from hd_core.pipeline.stages import scaled
from hd_core.progress import check_cancelled
from hd_core.records import is_whole, read_maps, read_view
from hd_core.runfolder import RunFolder
from hd_core.types import Gauge

SCHEMA = 1
TO_VIEWER = np.array([1, -1, -1], np.float32)
"""From camera axes to x right, y up, z towards the viewer."""
FLAT = (128, 128, 255)
"""A normal towards the viewer: the colour of a normal map where nobody is."""


def export_bank(job: Job, person_id: int) -> Path:
    """Write one person's bank and normal maps, unless the bank is there, whole, and of these meshes.

    Raises:
        InputError: The run has no meshes yet, a record is damaged, or a file cannot be written.
        CancelledError: The user asked to stop.
    """
    run = job.run
    clip = _Clip.of(run, person_id)
    path = run.path / "bank" / f"person{person_id:02d}.safetensors"
    fresh = not is_whole(path, clip.digest)
    if not fresh and all(picture.exists() for picture in clip.normal_maps):
        return path
    bank, views = _collect(job, clip)
    if fresh:
        job.log(event="bank", file=path.name)
        _write(job, path, clip, bank, views)
    return path


@dataclass(frozen=True, kw_only=True)
class _Clip:
    """What of a run makes a bank.

    Args:
        run: The folder.
        person_id: Whose.
        frames: Source frames, one per output frame.
        present: Those with a mesh.
        scale: Metres per unit of the surfaces.
        options: How meshes were cut.
    """

    run: RunFolder
    person_id: int
    frames: range
    present: frozenset[int]
    scale: float
    options: MeshOptions

    @classmethod
    def of(cls, run: RunFolder, person_id: int) -> "_Clip":
        run.digest("mesh")
        return cls(
            run=run,
            person_id=person_id,
            frames=range(*run.options("person")["source"]["frames"]),
            present=frozenset(run.frame_indices("mesh", person_id)),
            scale=read_scale(run, person_id).scale,
            options=MeshOptions(**run.options("mesh")["settings"]),
        )

    @property
    def digest(self) -> str:
        """Of the meshes, and of which frames have one: a frame that failed may come later."""
        text = json.dumps([SCHEMA, self.run.digest("mesh"), sorted(self.present)])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def normal_maps(self) -> list[Path]:
        """One per output frame."""
        first = self.run.options("person")["source"]["start_frame"]
        folder, name = self.run.path / "textures", f"normals.person{self.person_id:02d}"
        return [folder / f"{name}.{first + position:04d}.png" for position in range(len(self.frames))]

    def header(self) -> dict[str, Any]:
        """What the file says of itself."""
        fps = run_fps(self.run)
        return {
            "schema": SCHEMA,
            "person_id": self.person_id,
            "fps": [fps.numerator, fps.denominator],
            "camera": self.run.read_json("camera.json"),
            "crop_size": self.run.options("person")["size"],
            "mesh_digest": self.run.digest("mesh"),
            "clip": self.run.options("person")["source"]["name"],
        }


def _collect(job: Job, clip: _Clip) -> tuple[Bank, Float[np.ndarray, "t 8"]]:
    """Go through the frames: the bank, the views, and the normal maps on disk."""
    size = clip.run.options("person")["size"]
    bank, views = Bank((size, size)), np.full((len(clip.frames), 8), np.nan)
    for position, (index, picture) in enumerate(zip(clip.frames, clip.normal_maps, strict=True)):
        check_cancelled(job.progress)
        job.progress.step("bank", position, len(clip.frames))
        frame = None
        if index in clip.present:
            frame, views[position] = _read_frame(clip, index)
        bank.add(frame)
        _write_normal_map(picture, size, frame)
    job.progress.step("bank", len(clip.frames), len(clip.frames))
    return bank, _filled(views)


def _read_frame(clip: _Clip, index: int) -> tuple[BankFrame, Float[np.ndarray, " 8"]]:
    surface = read_maps(clip.run.frame_path("integrate", clip.person_id, index))
    view = read_view(clip.run.frame_path("person", clip.person_id, index))
    frame = bank_frame(scaled(surface, clip.scale, Gauge.METRIC), view, clip.options)
    return frame, view_row(view.crop)


def _filled(views: Float[np.ndarray, "t 8"]) -> Float[np.ndarray, "t 8"]:
    """Frames without the person have the view of the nearest one before, else after: no reader divides by zero."""
    known = np.flatnonzero(np.isfinite(views[:, 0]))
    if not len(known):
        return np.zeros_like(views)
    before = np.searchsorted(known, np.arange(len(views)), side="right") - 1
    return np.asarray(views[known[np.maximum(before, 0)]])


def _write_normal_map(path: Path, size: int, frame: BankFrame | None) -> None:
    """The crop's normals as colours: right is red, up is green, towards the viewer is blue."""
    colours = np.empty((size, size, 3), np.uint8)
    colours[:] = FLAT
    if frame is not None:
        there = frame.value != 0
        colours[there] = normal_colours(frame.normal[there])
    with atomic_path(path) as aside:
        Image.fromarray(colours).save(aside, compress_level=1)


def normal_colours(normal: Float32[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "n 3"]:
    """Unit normals in camera axes as colours of a normal map."""
    return np.asarray(np.rint(normal * (TO_VIEWER * 127.5) + np.float32(127.5)), np.uint8)


def _write(job: Job, path: Path, clip: _Clip, bank: Bank, views: Float[np.ndarray, "t 8"]) -> None:
    source = clip.run.options("person")["source"]
    small = {
        "times_seconds": np.array(read_times(clip.run), np.float64),
        "view": views,
        "frame_numbers": (source["start_frame"] + np.arange(len(bank))).astype(np.int32),
        "pixels": bank.pixels,
        "quads": bank.quads,
    }
    num_blocks = -(-len(bank) // FRAMES_PER_BLOCK)
    tensors = {name: Rows.of(array) for name, array in small.items()} | {
        "depth": Rows(np.dtype("<f4"), (len(bank), len(bank.pixels)), map(bank.depth, range(len(bank)))),
        "kept": Rows(np.dtype("<i4"), (num_blocks, len(bank.quads)), map(bank.kept, range(num_blocks))),
    }
    with atomic_path(path) as aside, aside.open("wb") as stream:
        for _ in stream_record(stream, tensors, digest=clip.digest, header=clip.header()):
            check_cancelled(job.progress)
