# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of the scene an object of ours plays in, however it plays."""

from collections.abc import Iterable

import bpy

from ..records import RunError
from .bank_object import SIZES
from .human import RUN_KEY
from .nodes import get_knob, player_of

FRAMES_KEY = "hd_human_frames"
"""First and last frame, for objects that play a file or shape keys."""


def mark_frames(thing: bpy.types.Object, frames: range) -> None:
    """Let an object remember its frames."""
    thing[FRAMES_KEY] = [frames[0], frames[-1]]


def frames_of(things: Iterable[bpy.types.Object], scene: bpy.types.Scene) -> range:
    """From the first to the last frame in which any of the objects changes; the scene's if none of them says."""
    ranges = [found for thing in things if (found := _frames(thing)) is not None]
    if not ranges:
        return range(scene.frame_start, scene.frame_end + 1)
    return range(min(one[0] for one in ranges), max(one[-1] for one in ranges) + 1)


def humans(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected objects of ours, else the active one, else all of the scene if they are of one run.

    Raises:
        RunError: There are none.
    """
    ours = [thing for thing in context.scene.objects if thing.type == "MESH" and RUN_KEY in thing]
    chosen = [thing for thing in ours if thing.select_get()]
    if not chosen and len({thing[RUN_KEY] for thing in ours}) == 1:
        chosen = [thing for thing in ours if thing.visible_get()]
    if not chosen:
        raise RunError("No human is selected.", "Select the object that was built or opened, then try again.")
    return chosen


def _frames(thing: bpy.types.Object) -> range | None:
    player = player_of(thing)
    if player:
        return _played(player)
    if FRAMES_KEY in thing:
        first, last = thing[FRAMES_KEY]
        return range(first, last + 1)
    return None


def _played(player: bpy.types.Modifier) -> range | None:
    """Frames of the scene in which a bank runs from its first to its last frame; none if its speed is animated."""
    cloud = get_knob(player, "Bank")
    speed = abs(get_knob(player, "Speed"))
    data = player.id_data.animation_data
    if cloud is None or speed == 0 or (data and (data.action or data.drivers)):
        return None
    num_frames = round(cloud.data.vertices[SIZES].co[2])
    shown = max(round((num_frames - get_knob(player, "Frame Offset")) / speed), 1)
    start = get_knob(player, "Start Frame")
    return range(start, start + shown)
