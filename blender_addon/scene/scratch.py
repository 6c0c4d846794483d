# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that leaves nothing behind: a scene of its own, and what was made in it removed afterwards.

Exporters, importers and bakes act on a scene. Given the user's they would move its frame, fill it with what they
import and see whatever else stands there; here they get an empty one that holds the wanted objects alone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy

KINDS = (
    "actions",
    "cache_files",
    "cameras",
    "collections",
    "images",
    "lights",
    "materials",
    "meshes",
    "node_groups",
    "objects",
    "scenes",
    "texts",
    "textures",
    "worlds",
)
"""Collections of `bpy.data` in which importers, bakes and this add-on make data."""


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A scene to work in.

    Args:
        scene: The scene.
    """

    scene: bpy.types.Scene

    @property
    def view_layer(self) -> bpy.types.ViewLayer:
        """Its only view layer."""
        return self.scene.view_layers[0]

    def add(self, thing: bpy.types.Object) -> None:
        """Show an object here too; it stays where else it is."""
        self.scene.collection.objects.link(thing)

    def go_to(self, frame: float) -> bpy.types.Depsgraph:
        """Evaluate at a frame, which may be a fraction."""
        self.scene.frame_set(int(frame // 1), subframe=frame % 1)
        return self.view_layer.depsgraph

    def acting(self, active: bpy.types.Object | None = None):  # noqa: ANN201 - a type that Blender does not name
        """A context in which operators act on this scene, and on the active object if one is given."""
        fields = {"scene": self.scene, "view_layer": self.view_layer}
        if active is not None:
            for thing in self.scene.objects:
                thing.select_set(thing == active, view_layer=self.view_layer)
            self.view_layer.objects.active = active
            fields |= {"object": active, "active_object": active}
            fields |= {"selected_objects": [active], "selected_editable_objects": [active]}
        return bpy.context.temp_override(**fields)


@contextmanager
def scratch_scene(like: bpy.types.Scene, things: Iterable[bpy.types.Object] = ()) -> Iterator[Scratch]:
    """A scene with the rate and the frames of another and only these objects.

    When the block ends, what was made in it is removed, except what then stands in another scene or has a fake user.
    """
    before = _all_data()
    scene = bpy.data.scenes.new("HD Human scratch")
    try:
        scene.render.fps, scene.render.fps_base = like.render.fps, like.render.fps_base
        scene.frame_start, scene.frame_end = like.frame_start, like.frame_end
        scratch = Scratch(scene=scene)
        for thing in things:
            scratch.add(thing)
        yield scratch
    finally:
        bpy.data.scenes.remove(scene)
        _remove_unused(before)


def known_to(operator: Callable, options: dict[str, object]) -> dict[str, object]:
    """Those options of an operator that this version of Blender has."""
    known = operator.get_rna_type().properties.keys()
    return {name: value for name, value in options.items() if name in known}


def _all_data() -> set[int]:
    return {data.session_uid for kind in KINDS for data in getattr(bpy.data, kind, ())}


def _made_since(before: set[int]) -> list[bpy.types.ID]:
    return [data for kind in KINDS for data in getattr(bpy.data, kind, ()) if data.session_uid not in before]


def _remove_unused(before: set[int]) -> None:
    """Remove what is new and in no scene, then what only that used."""
    while unused := [data for data in _made_since(before) if _is_idle(data)]:
        bpy.data.batch_remove(unused)


def _is_idle(data: bpy.types.ID) -> bool:
    if isinstance(data, bpy.types.Object):
        return not data.users_scene and not data.use_fake_user
    return data.users - data.use_fake_user == 0
