# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest finished frame of a running job in the viewport; taken away when the job ends.

Until there are meshes the depth maps themselves are shown, as sheets, from the first predicted frame on. Every tick may
cost 50 ms at most, so there are two frames a second at most, one person (the one being worked on), and what is large
is shown thinned. Blender's
objects are found by mark each time: undo may have taken them away.
"""

import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..records import RunError, read_record
from .evaluated import new_mesh

NAME = "HD Human Preview"
MARK = "hd_human_preview"
"""Custom property that the preview object alone has."""
FOLDERS = {"predict": "maps", "integrate": "surfaces", "mesh": "mesh", "export": "mesh", "bank": "mesh"}
"""Where the records of a stage lie, below the person's folder."""
SECONDS_BETWEEN = 0.5
MAX_VERTICES = 80_000
"""A mesh with more is thinned to a quarter or less; this many take about 25 ms."""
SHEET_SIDE = 256
"""Longest side of a sheet, vertices."""
MAX_JUMP = 0.05
"""Depth difference within a quad, over the depth, beyond which a sheet is cut."""
ASSUMED_HEIGHT_M = 1.70
"""As the core assumes, until it knows the scale."""


class Preview:
    """Shows the frames of one run as they land.

    Args:
        run: Run folder.
        height_m: Body height, metres. Until the core has fixed the scale, each frame is drawn this tall.
    """

    def __init__(self, run: Path, *, height_m: float = ASSUMED_HEIGHT_M) -> None:
        self._run = run
        self._height = height_m
        self._shown: Path | None = None
        self._next = 0.0

    def update(self, scene: bpy.types.Scene, stage: str) -> bool:
        """Show the newest frame of a stage if there is a newer one and it is time; whether it was."""
        now = time.monotonic()
        if now < self._next or stage not in FOLDERS:
            return False
        self._next = now + SECONDS_BETWEEN
        newest = newest_of_all(self._run, FOLDERS[stage])
        if newest is None or newest == self._shown:
            return False
        try:
            vertices, faces = self._shape(*read_record(newest))
        except (RunError, KeyError):
            return False
        self._shown = newest
        _show(scene, vertices, faces)
        return True

    def _shape(self, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        if "faces" not in arrays:
            metric = header["gauge"] == "metric"
            return sheet(
                arrays["depth"],
                arrays["mask"],
                header["camera"]["intrinsics"],
                height_m=None if metric else self._height,
            )
        vertices, faces = np.asarray(arrays["vertices"]), np.asarray(arrays["faces"])
        return thinned(vertices, faces, arrays["uv"]) if len(vertices) > MAX_VERTICES else (vertices, faces)


def newest_of_all(run: Path, folder: str) -> Path | None:
    """The newest record of the person being worked on: people come one after the other in a stage."""
    people = sorted(run.glob("person[0-9][0-9]*"), key=lambda path: (len(path.name), path.name), reverse=True)
    found = (newest_record(person / folder) for person in people)
    return next((record for record in found if record), None)


def newest_record(folder: Path) -> Path | None:
    """The record with the highest number; what is still being written starts with a dot."""
    names = [path.name for path in folder.glob("[0-9]*.safetensors")]
    return folder / max(names) if names else None


def sheet(
    depth: np.ndarray, mask: np.ndarray, intrinsics: list[list[float]], *, height_m: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """A depth map as a sheet of quads, cut where it jumps, (v, 3) and (f, 4).

    Args:
        depth: Along the optical axis, (h, w).
        mask: Where the person is, (h, w).
        intrinsics: K of the map, px.
        height_m: Height the sheet is scaled to; None if depth is in metres.
    """
    step = -(-max(depth.shape) // SHEET_SIDE)
    z = np.asarray(depth[::step, ::step])
    seen = np.asarray(mask[::step, ::step]) & (z > 0)
    rows, columns = np.nonzero(seen)
    (fx, _, cx), (_, fy, cy), _ = intrinsics
    rays = [(columns * step + 0.5 - cx) / fx, (rows * step + 0.5 - cy) / fy, np.ones(len(rows))]
    vertices = np.stack(rays, axis=1) * z[seen][:, None]
    if height_m is not None and len(vertices):
        vertices *= height_m / max(np.ptp(vertices[:, 1]), 1e-9)
    number = np.full(z.shape, -1)
    number[seen] = np.arange(len(rows))
    corners = (np.s_[:-1, :-1], np.s_[1:, :-1], np.s_[1:, 1:], np.s_[:-1, 1:])
    faces = np.stack([number[corner] for corner in corners], axis=-1).reshape(-1, 4)
    depths = np.stack([z[corner] for corner in corners], axis=-1).reshape(-1, 4)
    near, far = depths.min(axis=1), depths.max(axis=1)
    return vertices, faces[(faces >= 0).all(axis=1) & (far - near <= MAX_JUMP * near)]


def thinned(vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One vertex for each cell of a grid over the picture, and the faces that are left, (v, 3) and (f, 3).

    Cells hold four vertices on average where they are evenly spread; a face with two corners in one cell vanishes.
    """
    low, high = uv.min(axis=0), uv.max(axis=0)
    side = max(int(np.sqrt(len(vertices) / 4)), 1)
    place = ((uv - low) / np.maximum(high - low, 1e-9) * (side - 1)).astype(np.int64)
    cell = place[:, 0] * side + place[:, 1]
    last = np.full(side * side, -1)
    last[cell] = np.arange(len(vertices))
    kept = last[last >= 0]
    number = np.zeros(side * side, np.int64)
    number[last >= 0] = np.arange(len(kept))
    corners = number[cell][faces[:, :3]]
    whole = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    return vertices[kept], corners[whole]


def remove_preview() -> None:
    """Take the preview and its mesh away, if they are there."""
    for thing in [thing for thing in bpy.data.objects if thing.get(MARK)]:
        mesh = thing.data
        bpy.data.objects.remove(thing)
        if mesh.users == 0:
            bpy.data.meshes.remove(mesh)


def _show(scene: bpy.types.Scene, vertices: np.ndarray, faces: np.ndarray) -> None:
    places = np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=1)  # Blender's axes
    mesh = new_mesh(NAME, places, faces)
    thing = next((thing for thing in scene.objects if thing.get(MARK)), None)
    if thing is None:
        thing = bpy.data.objects.new(NAME, mesh)
        thing[MARK] = True
        thing.hide_select = True
        scene.collection.objects.link(thing)
        return
    before = thing.data
    thing.data = mesh
    if before.users == 0:
        bpy.data.meshes.remove(before)
