"""When each mesh is shown: the only module that turns frame numbers and seconds into time codes.

At a constant rate the time code of a mesh is its frame number. Where the frames' times are uneven (a quarter of
a frame off or more) it is `start + (t - t0) * fps`, with the scene's first frame at `start` and `t0`; such codes
are fractions. Seconds, where a format wants them, are time codes over fps.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from hd_core.types import Mesh, MeshSequence, Scene

UNEVEN_FRAMES = 0.25
"""Half the way to the next frame, less the rounding of containers that count in milliseconds."""


def time_codes(scene: Scene, sequence: MeshSequence) -> Float[np.ndarray, " n"]:
    """Time code of every mesh of a sequence: its frame number, or its time in frames at a variable rate."""
    if is_variable_rate(scene):
        return _codes_by_time(scene, sequence)
    return sequence.frame_numbers.astype(np.float64)


def is_variable_rate(scene: Scene) -> bool:
    """Whether some frame's time is too far from what its number and the frame rate say."""
    off = [np.abs(_codes_by_time(scene, one) - one.frame_numbers).max() for one in scene.sequences]
    return bool(max(off) >= UNEVEN_FRAMES)


def clip_range(scene: Scene) -> tuple[float, float]:
    """First and last time code over all people."""
    codes = [time_codes(scene, sequence) for sequence in scene.sequences]
    return min(float(c[0]) for c in codes), max(float(c[-1]) for c in codes)


def timeline(scene: Scene, sequence: MeshSequence) -> Iterator[tuple[float, Mesh]]:
    """Time codes and meshes in order, with nothing to see while others are in the clip and this person is not.

    Every mesh is read when its turn comes and not held.
    """
    for code, position in _shots(scene, sequence):
        yield code, _hidden(sequence) if position is None else sequence[position]


def timeline_codes(scene: Scene, sequence: MeshSequence) -> Float[np.ndarray, " n"]:
    """The time codes of `timeline`, without reading a mesh."""
    return np.array([code for code, _ in _shots(scene, sequence)])


def _shots(scene: Scene, sequence: MeshSequence) -> list[tuple[float, int | None]]:
    """Time codes and which mesh is shown; none before the person comes and after it leaves."""
    codes = time_codes(scene, sequence).tolist()
    start, end = clip_range(scene)
    before = sorted({start, max(codes[0] - 1, start)}) if codes[0] > start else []
    after = [min(codes[-1] + 1, end)] if codes[-1] < end else []
    shown: list[tuple[float, int | None]] = [(code, position) for position, code in enumerate(codes)]
    return [*((code, None) for code in before), *shown, *((code, None) for code in after)]


def _codes_by_time(scene: Scene, sequence: MeshSequence) -> Float[np.ndarray, " n"]:
    first = min(scene.sequences, key=lambda one: float(one.times_seconds[0]))
    start, t0 = float(first.frame_numbers[0]), float(first.times_seconds[0])
    codes: Float[np.ndarray, " n"] = start + (sequence.times_seconds - t0) * float(scene.fps)
    return codes


def _hidden(sequence: MeshSequence) -> Mesh:
    """A mesh that shows nothing: without vertices, or all in one point where the topology must stay."""
    if not sequence.shares_faces:
        return Mesh(vertices=np.zeros((0, 3), np.float32), faces=np.zeros((0, 3), np.int32))
    mesh = sequence[0]
    return replace(mesh, vertices=np.broadcast_to(mesh.vertices[:1], mesh.vertices.shape).copy())
