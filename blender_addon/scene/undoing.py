# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving a file as it was when something goes wrong half way."""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

KINDS = (
    "objects",
    "meshes",
    "curves",
    "cameras",
    "lights",
    "worlds",
    "materials",
    "images",
    "node_groups",
    "collections",
    "movieclips",
    "actions",
    "texts",
    "cache_files",
)
SETTINGS = ("frame_start", "frame_end", "frame_current", "camera")
RENDER = (
    "fps",
    "fps_base",
    "resolution_x",
    "resolution_y",
    "resolution_percentage",
    "pixel_aspect_x",
    "pixel_aspect_y",
)


@contextmanager
def undoing_on_error() -> Iterator[None]:
    """Remove the data made inside, and put the scene's timeline and picture size back, if an error leaves it."""
    scene = bpy.context.scene
    known = {kind: {one.as_pointer() for one in getattr(bpy.data, kind)} for kind in KINDS}
    settings = {name: getattr(scene, name) for name in SETTINGS}
    render = {name: getattr(scene.render, name) for name in RENDER}
    try:
        yield
    except BaseException:
        new = [one for kind in KINDS for one in getattr(bpy.data, kind) if one.as_pointer() not in known[kind]]
        bpy.data.batch_remove(new)
        for name, value in render.items():
            setattr(scene.render, name, value)
        for name, value in settings.items():
            setattr(scene, name, value)
        raise
