# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels of the active human: its look, its playback, and its ways out. They draw what is and change nothing."""

import bpy
from bpy.app.translations import pgettext_iface

from . import messages
from .inputs import draw_inputs
from .operators.watch import absolute
from .scene.human import PERSON_KEY, RUN_KEY
from .scene.material import SWITCH
from .scene.nodes import player_of
from .sidebar import Sidebar

SHADER_INPUTS = {
    SWITCH: SWITCH,
    "Roughness": "Roughness",
    "Specular IOR Level": "Specular",
    "Strength": "Normal Strength",
}
"""Inputs of the material's shaders that an artist turns, and what the panel calls them."""


class _OfHuman(Sidebar):
    """Base of the panels that are about the active human."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One is active."""
        return active_human(context) is not None


class HDHUMAN_PT_people(_OfHuman, bpy.types.Panel):
    """Everybody of the active human's clip"""

    bl_idname = "HDHUMAN_PT_people"
    bl_label = "People"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The active human is not alone."""
        return len(people_beside(context)) > 1

    def draw(self, context: bpy.types.Context) -> None:
        """A row for each: the name, and whether the scene and renders show it."""
        column = self.layout.column(align=True)
        for thing in people_beside(context):
            row = column.row(align=True)
            row.prop(thing, "name", text="", icon="RADIOBUT_ON" if thing == context.active_object else "RADIOBUT_OFF")
            row.prop(
                thing, "hide_viewport", text="", icon="RESTRICT_VIEW_ON" if thing.hide_viewport else "RESTRICT_VIEW_OFF"
            )
            row.prop(
                thing, "hide_render", text="", icon="RESTRICT_RENDER_ON" if thing.hide_render else "RESTRICT_RENDER_OFF"
            )


class HDHUMAN_PT_shading(_OfHuman, bpy.types.Panel):
    """How the active human looks"""

    bl_idname = "HDHUMAN_PT_shading"
    bl_label = "Shading"

    def draw(self, context: bpy.types.Context) -> None:
        """The material's own inputs."""
        layout = self.split()
        slot = active_human(context).active_material
        if slot is None:
            layout.label(text="No material", icon="INFO")
            return
        layout.prop(slot, "name", text="Material", icon="MATERIAL")
        for socket in _adjustable(slot):
            layout.prop(socket, "default_value", text=SHADER_INPUTS[socket.name])
        layout.operator("hd_human.bake_normal_map", icon="NODE_TEXTURE")


class HDHUMAN_PT_playback(_OfHuman, bpy.types.Panel):
    """How the active human moves: the inputs of its modifier"""

    bl_idname = "HDHUMAN_PT_playback"
    bl_label = "Playback"

    def draw(self, context: bpy.types.Context) -> None:
        """All inputs; they can be keyed."""
        layout, human = self.split(), active_human(context)
        layout.use_property_decorate = True
        if not absolute(human[RUN_KEY]).is_dir():
            text = pgettext_iface("Its run folder is not on this machine: {}. Find it, so that its pictures show.")
            messages.draw_text(layout, text.format(human[RUN_KEY]), icon="INFO", width=context.region.width)
            layout.operator("hd_human.relink", icon="FILE_FOLDER")
        if human.library or (human.data and human.data.library):
            messages.draw_text(
                layout,
                "This human is linked from another file. Make a library override of it, or append it, to change it.",
                icon="LINKED",
                width=context.region.width,
            )
            return
        modifier = player_of(human)
        if modifier is None:
            layout.label(text="Plays from a cache", icon="FILE_CACHE")
        else:
            draw_inputs(layout, modifier, title=self.bl_label)


class HDHUMAN_PT_export(_OfHuman, bpy.types.Panel):
    """The active human for other programs, and as plain meshes"""

    bl_idname = "HDHUMAN_PT_export"
    bl_label = "Export and Bake"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002 - Blender's signature
        """One button each."""
        column = self.layout.column(align=True)
        column.operator_context = "INVOKE_DEFAULT"
        column.operator("hd_human.export", icon="EXPORT")
        column.operator_menu_enum("hd_human.add_cache", "kind", icon="FILE_CACHE")
        column = self.layout.column(align=True)
        column.operator("hd_human.bake_shape_keys", icon="SHAPEKEY_DATA")
        column.operator("hd_human.bake_mesh", icon="MESH_DATA")
        column = self.layout.column(align=True)
        column.operator("hd_human.render_turntable", icon="RENDER_ANIMATION")


def active_human(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active object, if it is a human of ours."""
    active = context.active_object
    return active if active and RUN_KEY in active else None


def people_beside(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The people of the active human's run that stand in its collection, by number; nobody if none is active."""
    active = active_human(context)
    if active is None or PERSON_KEY not in active:
        return []
    around = [thing for collection in active.users_collection for thing in collection.objects]
    people = {thing.name: thing for thing in around if PERSON_KEY in thing and thing.get(RUN_KEY) == active[RUN_KEY]}
    return sorted(people.values(), key=lambda thing: (thing[PERSON_KEY], thing.name))


def _adjustable(material: bpy.types.Material) -> list[bpy.types.NodeSocket]:
    """Inputs of the material's shaders that an artist turns, and that nothing is linked to."""
    nodes = material.node_tree.nodes if material.node_tree else ()
    found = [node.inputs[name] for name in SHADER_INPUTS for node in nodes if name in node.inputs]
    return [socket for socket in found if not socket.is_linked]


CLASSES = (HDHUMAN_PT_people, HDHUMAN_PT_shading, HDHUMAN_PT_playback, HDHUMAN_PT_export)
