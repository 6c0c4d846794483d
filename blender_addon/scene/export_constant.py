# SPDX-License-Identifier: GPL-3.0-or-later
"""glTF and PC2: the same faces in every frame, written by us; what is absent from a frame is shrunk to a point."""

import itertools
import re
from pathlib import Path

import numpy as np

from .. import pc2
from ..glb import MAX_BYTES, MAX_FRAMES, Frame, Glb
from ..ply import write_ply
from ..records import RunError
from .export_job import TINT, Export, aside_of, stand_ins, still_error, tint
from .unified import Unified

BYTES_PER_VERTEX = 3 * 12
"""Position, normal and colour in one frame."""


def write_glb(job: Export) -> list[Path]:
    """Write an animated .glb: a morph target per frame, with normals and the video as vertex colours.

    Raises:
        RunError: It would be too long or too large, nothing moves, or the faces change and no grid lies behind them.
    """
    if len(job.frames) > MAX_FRAMES:
        raise RunError(
            f"glTF plays frames as morph targets, {MAX_FRAMES} at most; these are {len(job.frames)}.",
            "Choose fewer frames, or write USD or Alembic, which take any number.",
        )
    rate = job.scene.render.fps / job.scene.render.fps_base
    document, size = Glb(), 0
    with stand_ins(job) as (scratch, copies), aside_of(job.path) as aside:
        for copy in copies:
            tint(copy)
            still = Unified(copy, scratch, job.frames, colours=TINT, in_world=True)
            size += BYTES_PER_VERTEX * len(job.frames) * (int(still.faces.max()) + 1)
            if size > MAX_BYTES:
                raise RunError(
                    f"A .glb holds {MAX_BYTES >> 30} GiB; this one would be larger.",
                    "Choose fewer frames, or write USD or Alembic.",
                )
            seen = _Movement(job, copy.name)
            frames = (
                Frame(
                    seconds=(moment.frame - job.frames[0]) / rate,
                    positions=seen.note(moment.positions),
                    normals=moment.normals,
                    colours=moment.colours,
                )
                for moment in still.moments()
            )
            document.add_person(copy.name, triangles_of(still.faces), frames)
            seen.check()
        document.write(aside)
    return [job.path]


def write_pc2(job: Export) -> list[Path]:
    """Write a point cache per object, and beside it the first frame as .ply, which it moves.

    Raises:
        RunError: Nothing moves, or the faces change and no grid lies behind them.
    """
    written = []
    with stand_ins(job) as (scratch, copies):
        for copy in copies:
            part = "" if len(copies) == 1 else "." + re.sub(r"[^\w.-]+", "_", copy.name)
            path = job.path.with_name(job.path.stem + part + job.path.suffix)
            still = Unified(copy, scratch, job.frames, in_world=True)
            seen = _Movement(job, copy.name)
            with aside_of(path.with_suffix(".ply")) as base, aside_of(path) as aside:
                moments = still.moments()
                first = next(moments)
                write_ply(base, first.positions, still.faces, next(iter(first.uvs.values()), None))
                samples = (seen.note(moment.positions) for moment in itertools.chain([first], moments))
                pc2.write(aside, job.frames[0], len(first.positions), samples)
                pc2.read_header(aside)
                seen.check()
            written += [path, path.with_suffix(".ply")]
    return written


class _Movement:
    """Watches positions go by and knows whether they ever changed."""

    def __init__(self, job: Export, name: str) -> None:
        self._job, self._name = job, name
        self._first: np.ndarray | None = None
        self._moved = False

    def note(self, positions: np.ndarray) -> np.ndarray:
        """Look at a frame and pass it on."""
        if self._first is None:
            self._first = positions
        self._moved |= not np.array_equal(positions, self._first)
        return positions

    def check(self) -> None:
        """Complain if nothing moved.

        Raises:
            RunError: It did not.
        """
        if not self._moved and len(self._job.frames) > 1:
            raise still_error(self._name, self._job.frames)


def triangles_of(faces: np.ndarray) -> np.ndarray:
    """Quads split along their first diagonal, (t, 3)."""
    halves = np.stack([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    return halves[(halves >= 0).all(axis=1)]
