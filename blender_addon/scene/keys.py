# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as shape keys: each key shown alone in its frame, none of them blended into the next.

The mesh itself is the first frame; every later frame is a key whose value jumps to 1 and back. Blending is not wanted:
vertices stay on pixels, so what lies between two frames is a fade of two surfaces and no motion.
"""

from collections.abc import Iterable, Iterator

import bpy
import numpy as np

from ..records import RunError

MAX_FRAMES = 120
"""Every undo step copies all keys; with more of them Blender becomes hard to work in."""


def check_length(num_frames: int) -> None:
    """Refuse a clip that is too long before any work is done.

    Raises:
        RunError: It is.
    """
    if num_frames > MAX_FRAMES:
        raise RunError(
            f"Shape keys are for short clips: {num_frames} frames, and {MAX_FRAMES} at most.",
            "Choose fewer frames, or the depth bank or a USD cache, which take any length.",
        )


def add_keys(thing: bpy.types.Object, first: int, later: Iterable[tuple[int, np.ndarray]]) -> None:
    """Animate a mesh object whose mesh is its first frame.

    Args:
        thing: The object.
        first: Number of the first frame.
        later: Number and positions, (v, 3), of every later frame, in order.
    """
    thing.shape_key_add(name=f"{first:04d}", from_mix=False)
    last = None
    for frame, positions in later:
        key = thing.shape_key_add(name=f"{frame:04d}", from_mix=False)
        key.data.foreach_set("co", np.ascontiguousarray(positions, np.float32).ravel())
        for at, value in ((frame - 1, 0.0), (frame, 1.0), (frame + 1, 0.0)):
            key.value = value
            key.keyframe_insert("value", frame=at)
        last = key
    if last is None:
        return
    last.keyframe_delete("value", frame=frame + 1)
    hold_keys(thing.data.shape_keys)


def hold_keys(data: bpy.types.ID) -> None:
    """Let every keyed value of a data-block jump from key to key."""
    if data.animation_data and data.animation_data.action:
        for curve in curves_of(data):
            for point in curve.keyframe_points:
                point.interpolation = "CONSTANT"


def curves_of(data: bpy.types.ID) -> Iterator[bpy.types.FCurve]:
    """Animation curves of a data-block; Blender 5 keeps them in layers of the action."""
    action = data.animation_data.action
    if hasattr(action, "fcurves"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves
