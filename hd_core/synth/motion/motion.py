"""What a motion is, and what can be done to any: mirror it, bend its time, change its rate, keep it in a file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from hd_core.atomic import atomic_path
from hd_core.errors import InputError
from hd_core.synth.body.face import FACE_SWAP
from hd_core.synth.body.skeleton import BONES
from hd_core.synth.motion.rig import MIRROR, SWAP
from hd_core.synth.motion.rotations import from_quaternion, to_quaternion

_TRACKS = ("hands", "face")


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A person's movement, frame by frame.

    Args:
        rotations: One turn per bone, as `forward_kinematics` takes them.
        root: Translation of the root, m.
        fps: Frames per second.
        families: What it is made of, for people to read.
        beats_per_minute: Tempo; 0 where none is known.
        hands: Curls and spread of the fingers, left hand first, as `body.hands.bend_fingers` takes them; none if only
            the finger bones move.
        face: Shares of `body.face.SHAPES`; none for a still face.
    """

    rotations: Float[np.ndarray, "t 31 3 3"]
    root: Float[np.ndarray, "t 3"]
    fps: float
    families: tuple[str, ...] = ()
    beats_per_minute: float = 0.0
    hands: Float[np.ndarray, "_ 2 6"] | None = None
    face: Float[np.ndarray, "_ k"] | None = None

    def __post_init__(self) -> None:
        if self.rotations.shape[1:] != (len(BONES), 3, 3) or self.root.shape != (len(self.rotations), 3):
            raise InputError(
                f"Found rotations of {self.rotations.shape} and a root of {self.root.shape}; "
                f"expected (t, {len(BONES)}, 3, 3) and (t, 3)."
            )
        if not self.fps > 0:
            raise InputError(f"Found {self.fps} frames per second; expected more than 0.")
        for name, track in (("hands", self.hands), ("face", self.face)):
            if track is not None and len(track) != len(self.rotations):
                raise InputError(f"Found {len(track)} frames of {name}; expected {len(self.rotations)}.")

    def __len__(self) -> int:
        return len(self.rotations)


def mirror(motion: Motion) -> Motion:
    """Left does what right did: the motion seen in a mirror between the two."""
    sign = MIRROR[:, None] * MIRROR
    return replace(
        motion,
        rotations=(motion.rotations[:, SWAP] * sign).astype(motion.rotations.dtype),
        root=(motion.root * MIRROR).astype(motion.root.dtype),
        hands=None if motion.hands is None else motion.hands[:, ::-1],
        face=None if motion.face is None else motion.face[:, FACE_SWAP],
    )


def sample_at(motion: Motion, frames: Float[np.ndarray, " n"]) -> Motion:
    """The motion at fractional frames; whole frames come back as they are, and speed is continuous between.

    Quaternions of one sign are interpolated by cubic splines and brought back to unit length; a hinge stays on its
    axis, because such quaternions span a plane. Frames beyond the ends are those of the ends.

    Args:
        motion: What to sample.
        frames: Where, in frames from its first.
    """
    at = np.clip(frames, 0, len(motion) - 1)
    hands, face = (None if track is None else _between(track, at) for track in (motion.hands, motion.face))
    if len(motion) == 1:
        turned, root = (track[at.astype(np.int64)] for track in (motion.rotations, motion.root))
        return replace(motion, rotations=turned, root=root, hands=hands, face=face)
    q = to_quaternion(motion.rotations)
    flips = np.where(np.sum(q[1:] * q[:-1], axis=-1, keepdims=True) < 0, -1.0, 1.0)
    q[1:] *= np.cumprod(flips, axis=0)
    times = np.arange(len(motion))
    turned = from_quaternion(np.asarray(CubicSpline(times, q)(at))).astype(np.float32)
    root = np.asarray(CubicSpline(times, motion.root.astype(np.float64))(at)).astype(np.float32)
    return replace(motion, rotations=turned, root=root, hands=hands, face=face)


def _between(track: np.ndarray, at: Float[np.ndarray, " n"]) -> np.ndarray:
    """Values at fractional frames, linearly."""
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(track) - 1)
    share = (at - low).reshape(-1, *[1] * (track.ndim - 1))
    return cast(np.ndarray, (track[low] * (1 - share) + track[high] * share).astype(track.dtype))


def resample(motion: Motion, fps: float) -> Motion:
    """The same motion at another rate; it begins at the same instant and ends within one frame of the old end."""
    if not fps > 0:
        raise InputError(f"Found {fps} frames per second; expected more than 0.")
    last = (len(motion) - 1) / motion.fps
    frames = np.arange(int(np.floor(last * fps + 1e-6)) + 1) * (motion.fps / fps)
    return replace(sample_at(motion, frames), fps=float(fps))


def time_warp(motion: Motion, rng: np.random.Generator, *, strength: float = 0.25) -> Motion:
    """Hurry here and dwell there: time is bent by a smooth rising map with both ends fixed.

    Args:
        motion: What to bend.
        rng: Where chance comes from.
        strength: Speed stays within 1 - strength and 1 + strength of the old; 0 changes nothing, below 1.
    """
    if not 0 <= strength < 1:
        raise InputError(f"Found a time warp of strength {strength}; expected 0 up to, but not including, 1.")
    share = np.linspace(0.0, 1.0, len(motion))
    waves = np.arange(1, 4)
    weights = rng.uniform(-1, 1, size=3)
    weights *= strength / max(float(np.abs(weights).sum()), 1e-9)
    bent = share + np.sin(np.pi * waves * share[:, None]) @ (weights / (np.pi * waves))
    return sample_at(motion, bent * (len(motion) - 1))


def save_motion(path: Path, motion: Motion) -> None:
    """Write a motion as a compressed .npz file of plain arrays, whole or not at all."""
    with atomic_path(path) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file,
            rotations=motion.rotations.astype(np.float32),
            root=motion.root.astype(np.float32),
            fps=np.float64(motion.fps),
            beats_per_minute=np.float64(motion.beats_per_minute),
            families=np.array(motion.families, dtype=np.str_),
            **{name: track for name in _TRACKS if (track := getattr(motion, name)) is not None},
        )


def load_motion(path: Path) -> Motion:
    """Read what `save_motion` wrote.

    Raises:
        InputError: The file is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Motion(
                rotations=cast(np.ndarray, stored["rotations"]),
                root=cast(np.ndarray, stored["root"]),
                fps=float(stored["fps"]),
                families=tuple(str(name) for name in stored["families"]),
                beats_per_minute=float(stored["beats_per_minute"]),
                **{name: cast(np.ndarray, stored[name]) for name in _TRACKS if name in stored},
            )
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no motion file: {error}.", "Write one with save_motion.") from error
