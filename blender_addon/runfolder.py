# SPDX-License-Identifier: GPL-3.0-or-later
"""A run folder as the add-on sees it: read only, no lock, finished or still being written.

The only module of the add-on that knows file names inside a run folder.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .records import RunError

__all__ = ["SCHEMA", "Run", "RunError", "open_run"]

SCHEMA = 1
"""Newest layout of a run folder that this add-on reads."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What lies in a run folder.

    Args:
        path: The folder, absolute.
        clip_name: Name of the source without its suffix.
        fps: Frames per second of the output, numerator and denominator.
        frame_numbers: Number of each output frame, (n,).
        source_indices: Number of each output frame in the source, (n,).
        width: Of the full frame, px.
        height: Of the full frame, px.
        intrinsics: K of the full frame, px, pixel centres at half-integers, (3, 3).
        people: Their numbers, from 1; without those of whom no frame could be finished.
        start_frame: Number of the first output frame.
        textures: Picture of each output frame, or none.
        normal_maps: Normal map of each output frame, per person that has them.
        complete: Whether the job came to its end.
        num_done: Frames with a mesh.
        exports: Finished results: suffix with its dot, and the file (the first one of a file per frame).
        mesh_digest: Digest of the options the meshes were made with; empty before the first mesh.
    """

    path: Path
    clip_name: str
    fps: tuple[int, int]
    frame_numbers: np.ndarray
    source_indices: np.ndarray
    width: int
    height: int
    intrinsics: np.ndarray
    people: tuple[int, ...]
    start_frame: int
    textures: tuple[Path, ...]
    normal_maps: dict[int, tuple[Path, ...]]
    complete: bool
    num_done: int
    exports: dict[str, Path]
    mesh_digest: str

    @property
    def num_frames(self) -> int:
        """Frames of the output."""
        return len(self.frame_numbers)

    def bank_path(self, person: int) -> Path:
        """Depth bank of a person, there or not."""
        return self.path / "bank" / f"person{person:02d}.safetensors"

    def mesh_path(self, person: int, index: int) -> Path:
        """Mesh of a person in a source frame, there or not."""
        return self.path / f"person{person:02d}" / "mesh" / f"{index:06d}.safetensors"


def open_run(path: Path | str) -> Run:
    """Look into a run folder.

    Args:
        path: The folder, or a file directly in it.

    Raises:
        RunError: It is no run folder, of a newer schema, damaged, or its job has not come far enough to show anything.
    """
    folder = Path(path).expanduser().absolute()
    folder = folder.parent if folder.is_file() else folder
    state = _state(folder)
    try:
        return _read(folder, state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{folder / 'run.json'} does not say what a run folder should ({error}).",
            "Make the run again, with the hd-core that belongs to this add-on.",
        ) from error


def _state(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise RunError(f"{folder} does not exist.", "It was moved or deleted; choose the folder where it is now.")
    if not (folder / "run.json").is_file():
        raise RunError(
            f"{folder} is not a run folder: it holds no run.json.", "Choose the folder that hd-core was told to write."
        )
    state = _json(folder / "run.json")
    schema = state.get("schema")
    if not isinstance(schema, int):
        raise RunError(f"{folder / 'run.json'} is not one of hd-core's.", "Choose a folder that hd-core has written.")
    if schema > SCHEMA:
        raise RunError(
            f"{folder} was made by a newer hd-core (schema {schema}; this add-on reads {SCHEMA}).", "Update the add-on."
        )
    if "person" not in state.get("stages", {}) or not (folder / "camera.json").is_file():
        raise RunError(f"The job in {folder} has not looked at its video yet.", "Wait a moment, or resume the job.")
    return state


def _read(folder: Path, state: dict[str, Any]) -> Run:
    source = state["stages"]["person"]["options"]["source"]
    camera = _json(folder / "camera.json")
    indices = np.arange(*source["frames"], dtype=np.int64)
    numbers = source["start_frame"] + np.arange(len(indices))
    complete = (folder / "manifest.json").is_file()
    found = sorted(int(one.name[6:]) for one in folder.glob("person[0-9][0-9]*") if one.is_dir())
    people = tuple(person for person in found if not (complete and _failed(folder / f"person{person:02d}")))
    rate = Fraction(source["fps"]) / source["frames"][2]
    done = {mesh.stem for person in people for mesh in (folder / f"person{person:02d}" / "mesh").glob("[0-9]*")}
    maps = {one: _if_any(_pictures(folder, f"normals.person{one:02d}.{{:04d}}.png", numbers)) for one in people}
    mesh = state["stages"].get("mesh", {})
    return Run(
        path=folder,
        clip_name=Path(source["name"]).stem,
        fps=(rate.numerator, rate.denominator),
        frame_numbers=numbers,
        source_indices=indices,
        width=int(camera["width"]),
        height=int(camera["height"]),
        intrinsics=np.array(camera["intrinsics"], np.float64).reshape(3, 3),
        people=people,
        start_frame=int(source["start_frame"]),
        textures=_frames_or_atlas(folder, mesh, numbers),
        normal_maps={person: paths for person, paths in maps.items() if paths},
        complete=complete,
        num_done=len(done & {f"{index:06d}" for index in indices}),
        exports=_exports(folder),
        mesh_digest=mesh.get("digest", ""),
    )


def _failed(person: Path) -> bool:
    """Whether the person was cut out, and came to no mesh in any frame."""
    return any((person / "views").glob("[0-9]*")) and not any((person / "mesh").glob("[0-9]*"))


def _frames_or_atlas(folder: Path, mesh: dict[str, Any], numbers: np.ndarray) -> tuple[Path, ...]:
    """The video's pictures, also where they should be and are missing; an atlas is not one of them."""
    pictures = _pictures(folder, "frame.{:04d}.jpg", numbers)
    texture = mesh.get("options", {}).get("texture")
    return () if texture == "atlas" else pictures if texture == "frames" else _if_any(pictures)


def _pictures(folder: Path, pattern: str, numbers: np.ndarray) -> tuple[Path, ...]:
    """A picture per output frame, there or not."""
    return tuple(folder / "textures" / pattern.format(number) for number in numbers)


def _if_any(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    return paths if any(path.is_file() for path in paths) else ()


def _exports(folder: Path) -> dict[str, Path]:
    if not (folder / "export.json").is_file():
        return {}
    entries = _json(folder / "export.json")
    files = {Path(name).suffix: folder / entry["files"][0]["path"] for name, entry in sorted(entries.items())}
    return {suffix: path for suffix, path in files.items() if path.is_file()}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is missing or damaged.", "Resume the job, or copy the run folder again.") from error
    if not isinstance(found, dict):
        raise RunError(f"{path} is not one of hd-core's.", "Choose a folder that hd-core has written.")
    return found
