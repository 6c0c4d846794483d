# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth bank of one person: every frame's depth on one grid of pixels, as hd_core wrote it.

Depth of a frame is 0 where a grid vertex is absent and positive where it is a pixel of the person. A vertex on the
rim is -(k + z/64): k names one of 64 places between pixels, z is its depth (`rim_shift`).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .records import RunError, read_record
from .runfolder import Run

SCHEMA = 1
"""Newest layout of a bank that this add-on reads."""
FRAMES_PER_BLOCK = 24
"""Frames whose "is this quad there" shares one number; 24 bits are whole numbers in single precision."""
RIM_DEPTH = 64.0
"""Metres that a rim's fraction stands for."""
NUM_RIMS = 64
SHAPES = {
    "pixels": ("u", 2),
    "quads": ("q", 4),
    "depth": ("t", "u"),
    "kept": ("b", "q"),
    "view": ("t", 8),
    "frame_numbers": ("t",),
    "times_seconds": ("t",),
}
AGAIN = "Write it again: hd-core export RUN --bank, or the panel's Build button."


@dataclass(frozen=True, kw_only=True)
class Bank:
    """One person's bank; large arrays are mapped, not read.

    Args:
        person: Number, from 1.
        clip: Name of the clip.
        fps: Numerator and denominator.
        pixels: Column and row of each grid vertex in the crop, (u, 2).
        quads: Grid vertices of each cell, counter-clockwise for the camera, (q, 4).
        depth: See above, metres, (t, u).
        kept: Bit b of block k: whether the quad is there in frame 24 k + b, (b, q).
        view: Per frame ray scale, ray offset, uv scale, uv offset, x and y each, (t, 8).
        frame_numbers: Number of each output frame, (t,).
        crop_size: Width and height of the crop, px.
        mesh_digest: Of the meshes it was made from.
        steps: Like `kept`, where surfaces part in depth, (b, q); from `with_steps`.
    """

    person: int
    clip: str
    fps: tuple[int, int]
    pixels: np.ndarray
    quads: np.ndarray
    depth: np.ndarray
    kept: np.ndarray
    view: np.ndarray
    frame_numbers: np.ndarray
    crop_size: tuple[int, int]
    mesh_digest: str
    steps: np.ndarray | None = None

    @property
    def num_frames(self) -> int:
        """Output frames."""
        return len(self.depth)


def read_bank(path: Path) -> Bank:
    """Open a bank.

    Raises:
        RunError: It is missing, damaged, of a newer schema, or its parts do not fit each other.
    """
    if not path.is_file():
        raise RunError(
            f"The run has no depth bank for this person: {path} is missing.",
            "Write it: hd-core export RUN --bank, or the panel's Build button.",
        )
    arrays, header = read_record(path)
    if int(header.get("schema", 0)) > SCHEMA:
        raise RunError(
            f"{path} was made by a newer hd-core (schema {header['schema']}; this add-on reads {SCHEMA}).",
            "Update the add-on.",
        )
    try:
        return _checked(arrays, header)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} is no depth bank or a damaged one ({error}).", AGAIN) from error


def open_bank(run: Run, person: int) -> Bank:
    """The bank of a person of a run, made from the meshes that the run holds now.

    Raises:
        RunError: As `read_bank`, or it was made from other meshes, or of other frames.
    """
    path = run.bank_path(person)
    bank = read_bank(path)
    if bank.mesh_digest != run.mesh_digest:
        raise RunError(f"{path} belongs to meshes that have been made anew since.", AGAIN)
    if not np.array_equal(bank.frame_numbers, run.frame_numbers):
        raise RunError(f"{path} is of another clip: its frames are not those of the run.", AGAIN)
    return bank


def with_steps(bank: Bank) -> Bank:
    """The bank and, for every frame, the cells between four pixels that are not drawn: steps in depth.

    Where two surfaces never part, no frame draws the cells between them; these get a quad too.
    """
    new = _never_drawn(bank)
    quads = np.concatenate([bank.quads, new])
    kept = np.concatenate([bank.kept, np.zeros((len(bank.kept), len(new)), np.int32)], axis=1)
    steps = np.zeros_like(kept)
    for position, row in enumerate(bank.depth):
        block, bit = divmod(position, FRAMES_PER_BLOCK)
        steps[block] |= _all_corners(row > 0, quads).astype(np.int32) << bit
    return replace(bank, quads=quads, kept=kept, steps=steps & ~kept)


def _never_drawn(bank: Bank) -> np.ndarray:
    """Cells between four pixels of some frame that no frame draws, (n, 4)."""
    height, width = bank.pixels[:, ::-1].max(axis=0, initial=0) + 2
    number = np.full((height, width), -1, np.int64)
    number[bank.pixels[:, 1], bank.pixels[:, 0]] = np.arange(len(bank.pixels))
    cells = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], axis=-1).reshape(-1, 4)
    known = np.zeros(len(bank.pixels) + 1, bool)
    known[bank.quads.min(axis=1, initial=len(bank.pixels))] = True  # its top left corner names a cell
    cells = cells[(cells >= 0).all(axis=1)]
    cells = cells[~known[cells[:, 0]]]
    ever = np.zeros(len(cells), bool)
    for row in bank.depth:
        ever |= _all_corners(row > 0, cells)
    return cells[ever].astype(np.int32)


def _all_corners(there: np.ndarray, quads: np.ndarray) -> np.ndarray:
    return there[quads[:, 0]] & there[quads[:, 1]] & there[quads[:, 2]] & there[quads[:, 3]]


def rim_shift(k: np.ndarray) -> np.ndarray:
    """How far a rim vertex of kind k lies from its pixel, px to the right and down, (..., 2).

    Eight directions (k mod 8), and the share (k div 8 + 1/2) / 8 of the way to the next pixel.
    """
    angle = (k % 8) * (np.pi / 4)
    share = (k // 8 + 0.5) / 8
    return np.stack([np.rint(np.cos(angle)), np.rint(np.sin(angle))], axis=-1) * share[..., None]


def _checked(arrays: dict[str, np.ndarray], header: dict[str, Any]) -> Bank:
    sizes: dict[str, int] = {}
    for name, expected in SHAPES.items():
        shape = arrays[name].shape
        for length, wanted in zip(shape, expected, strict=True):
            if length != (sizes.setdefault(wanted, length) if isinstance(wanted, str) else wanted):
                raise ValueError(f"{name} has the shape {shape}")
    if sizes["b"] != -(-sizes["t"] // FRAMES_PER_BLOCK):
        raise ValueError(f"kept has {sizes['b']} blocks for {sizes['t']} frames")
    if sizes["q"] and not 0 <= arrays["quads"].min() <= arrays["quads"].max() < sizes["u"]:
        raise ValueError("quads name vertices that do not exist")
    width, height = header["crop_size"] if np.ndim(header["crop_size"]) else (header["crop_size"],) * 2
    numerator, denominator = header["fps"]
    large = {name: arrays[name] for name in ("depth", "kept", "pixels", "quads", "view", "frame_numbers")}
    return Bank(
        person=int(header["person_id"]),
        clip=str(header["clip"]),
        fps=(int(numerator), int(denominator)),
        crop_size=(int(width), int(height)),
        mesh_digest=str(header["mesh_digest"]),
        **large,
    )
