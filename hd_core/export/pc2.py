"""PC2 point caches: positions of one topology over time, read by Blender's Mesh Cache, 3ds Max and Maya.

The file is "POINTCACHE2" with a zero byte, then version 1, number of points (int32), first frame, frames per
sample (float32), number of samples (int32), then x, y, z as float32 per point and sample; little endian.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hd_core.errors import UsageError
from hd_core.export.axes import turned
from hd_core.export.naming import person_path
from hd_core.export.output import SILENT, FrameCounter, Output
from hd_core.export.ply import write_ply_mesh
from hd_core.geometry.camera import BLENDER_FROM_CAM
from hd_core.progress import Progress
from hd_core.types import MeshSequence, Scene


def write_pc2(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write per person a point cache, and beside it the first frame as `.ply`, which it moves.

    Samples are evenly spaced frame numbers; where the sequence leaves one out, the frame before is held. Both
    files are in Blender's axes. No texture.

    Raises:
        UsageError: The topology changes from frame to frame.
    """
    for sequence in scene.sequences:
        if not sequence.shares_faces and len(sequence) > 1:
            raise UsageError(
                f"{path.name} cannot hold {sequence.name}: its topology changes from frame to frame.",
                "Write .usdc or .abc, or make the mesh with constant topology.",
            )
    frames = FrameCounter(scene, progress)
    with Output() as output:
        for sequence in scene.sequences:
            target = person_path(scene, sequence, path)
            write_ply_mesh(output.add(target.with_suffix(".ply")), sequence[0])
            _write_cache(output.add(target), sequence, frames)
    return output.paths


def _write_cache(path: Path, sequence: MeshSequence, frames: FrameCounter) -> None:
    step, repeats = _samples(sequence)
    header = (b"POINTCACHE2\0", 1, len(sequence[0].vertices), float(sequence.frame_numbers[0]), step)
    with path.open("wb") as stream:
        stream.write(struct.pack("<12siiffi", *header, sum(repeats)))
        for positions, times in zip(_positions(sequence), repeats, strict=True):
            frames.begin()
            for _ in range(times):
                stream.write(positions)
            frames.end()


def _positions(sequence: MeshSequence) -> Iterator[bytes]:
    for position in range(len(sequence)):
        yield turned(sequence[position].vertices, BLENDER_FROM_CAM).astype("<f4").tobytes()


def _samples(sequence: MeshSequence) -> tuple[float, list[int]]:
    """Frames per sample, and for every mesh how many samples show it."""
    gaps = np.diff(sequence.frame_numbers)
    step = int(np.gcd.reduce(gaps)) if len(gaps) else 1
    return float(step), [*(gaps // step).tolist(), 1]
