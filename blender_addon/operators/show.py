# SPDX-License-Identifier: GPL-3.0-or-later
"""From a finished run to objects in the scene: what Build and Open share."""

import bpy

from ..properties import HDHUMAN_PG_settings
from ..runfolder import Run
from ..scene.caches import add_cache
from ..scene.camera import add_camera
from ..scene.footage import match_scene
from ..scene.human import RUN_KEY, add_human, undoing_on_error


def show_run(context: bpy.types.Context, run: Run, settings: HDHUMAN_PG_settings, *, playback: str) -> None:
    """Add the people of a run, select them, and fit the scene to the clip if that is wished.

    Raises:
        RunError: Something of the run cannot be used; the scene is as it was.
    """
    with undoing_on_error():
        in_file = playback == "BANK"
        things = add_human(run, precision=settings.precision) if in_file else add_cache(run, playback)
        if settings.match_scene:
            context.scene.camera = camera_of(context.scene, run, things[0].users_collection[0])
            match_scene(run)
    for thing in context.selected_objects:
        thing.select_set(state=False)
    for thing in things:
        thing.select_set(state=True)
    context.view_layer.objects.active = things[0] if things else None


def camera_of(scene: bpy.types.Scene, run: Run, collection: bpy.types.Collection | None = None) -> bpy.types.Object:
    """The run's camera in a scene; added if it is not there yet, to a collection if one is given."""
    cameras = (thing for thing in scene.objects if thing.type == "CAMERA" and thing.get(RUN_KEY) == str(run.path))
    known = next(cameras, None)
    if known:
        return known
    camera = add_camera(run)
    if collection:
        collection.objects.link(camera)
        scene.collection.objects.unlink(camera)
    return camera
