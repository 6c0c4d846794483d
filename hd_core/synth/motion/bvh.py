"""Reading BVH files: the tree of joints, their offsets, and what they do in every frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.motion.rotations import about

_AXES = {"X": np.array([1.0, 0, 0]), "Y": np.array([0.0, 1, 0]), "Z": np.array([0.0, 0, 1])}


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A captured motion on its own skeleton, in its own axes and units.

    Args:
        names: Joints, parents before children.
        parents: Index of each joint's parent; -1 for a root.
        offsets: From the parent's to the joint's rest place.
        tips: Where each joint's bone ends relative to it: its first child's offset or its end site's.
        turns: Turn of each joint relative to its parent; identity is the rest pose.
        root: Place of the root.
        fps: Frames per second.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[np.ndarray, "j 3"]
    tips: Float[np.ndarray, "j 3"]
    turns: Float[np.ndarray, "t j 3 3"]
    root: Float[np.ndarray, "t 3"]
    fps: float


class _Tree:
    """The HIERARCHY part while it is being read."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[tuple[int, str]] = []
        self.tips: dict[int, list[float]] = {}

    def read(self, words: list[str]) -> int:
        """Read up to MOTION and return the index of the word after it."""
        stack: list[int] = []
        position = 0
        while words[position] != "MOTION":
            word = words[position]
            if word in ("ROOT", "JOINT"):
                self.names.append(words[position + 1])
                self.parents.append(stack[-1] if stack else -1)
                stack.append(len(self.names) - 1)
                position += 3  # the name and the brace
            elif word == "End":
                position = self._read_end(words, position, stack[-1])
            elif word == "OFFSET":
                self.offsets.append([float(value) for value in words[position + 1 : position + 4]])
                position += 4
            elif word == "CHANNELS":
                count = int(words[position + 1])
                self.channels += [(stack[-1], name) for name in words[position + 2 : position + 2 + count]]
                position += 2 + count
            else:
                if word == "}":
                    stack.pop()
                position += 1
        return position + 1

    def _read_end(self, words: list[str], position: int, joint: int) -> int:
        """Read "End Site { OFFSET x y z }"."""
        self.tips[joint] = [float(value) for value in words[position + 4 : position + 7]]
        return position + 8

    def ends(self) -> Float[np.ndarray, "j 3"]:
        """Where every bone ends, relative to its joint."""
        return np.array(
            [
                self.offsets[self.parents.index(joint)]
                if joint in self.parents
                else self.tips.get(joint, [0.0, 0.0, 0.0])
                for joint in range(len(self.names))
            ]
        )


def read_bvh(path: Path) -> Clip:
    """Read a BVH file (Biovision hierarchy: text, angles in degrees, applied in the order of the channels).

    Raises:
        InputError: The file cannot be read as BVH, or its numbers do not fill whole frames.
    """
    tree = _Tree()
    try:
        words = path.read_text(encoding="ascii", errors="replace").split()
        begin = tree.read(words)
        if words[begin] != "Frames:" or words[begin + 2 : begin + 4] != ["Frame", "Time:"]:
            raise ValueError("no line of frames and frame time after MOTION")
        frames, seconds = int(words[begin + 1]), float(words[begin + 4])
        values = np.array(words[begin + 5 :], dtype=np.float64).reshape(frames, len(tree.channels))
    except (OSError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} cannot be read as BVH: {error}.", "Export it again with HIERARCHY and MOTION."
        ) from error
    if seconds <= 0 or not np.isfinite(values).all():
        raise InputError(f"{path} has a frame time of {seconds} s or numbers that are not finite.")
    turns = np.tile(np.eye(3), (frames, len(tree.names), 1, 1))
    root = np.tile(np.array(tree.offsets[0]), (frames, 1))
    for (joint, channel), column in zip(tree.channels, values.T, strict=True):
        if channel.endswith("rotation"):
            turns[:, joint] = turns[:, joint] @ about(_AXES[channel[0]], np.radians(column))
        elif joint == 0:
            root[:, "XYZ".index(channel[0])] = column
    return Clip(
        names=tuple(tree.names),
        parents=tuple(tree.parents),
        offsets=np.array(tree.offsets),
        tips=tree.ends(),
        turns=turns,
        root=root,
        fps=1 / seconds,
    )
