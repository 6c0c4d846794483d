# SPDX-License-Identifier: GPL-3.0-or-later
"""The knobs of the modifier that plays a bank; the only module that knows how Blender stores a modifier's inputs."""

from dataclasses import dataclass

import bpy

from .node_tree import arrange
from .player_tree import PlayerTree

TREE_NAME = "HD Human Depth Bank"
TREE_VERSION = 1
MODIFIER_NAME = "HD Human"
VERSION_KEY = "hd_human_version"


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One input of the modifier.

    Args:
        name: As shown.
        panel: Panel of the modifier it lies in.
        kind: Type of the socket.
        tip: Shown as its tooltip.
        settings: Default and range.
    """

    name: str
    panel: str
    kind: str
    tip: str
    settings: dict[str, object]


KNOBS = (
    Knob(
        name="Start Frame",
        panel="Playback",
        kind="NodeSocketInt",
        tip="Frame of the scene that shows the first frame of the clip",
        settings={"default_value": 1},
    ),
    Knob(
        name="Speed",
        panel="Playback",
        kind="NodeSocketFloat",
        tip="Frames of the clip per frame of the scene. 0.5 is slow motion, negative plays backwards from the end",
        settings={"default_value": 1.0, "min_value": -100.0, "max_value": 100.0},
    ),
    Knob(
        name="Frame Offset",
        panel="Playback",
        kind="NodeSocketFloat",
        tip="Frames of the clip to skip. Set Speed to 0 and animate this to choose every frame yourself",
        settings={"default_value": 0.0},
    ),
    Knob(
        name="Hold Ends",
        panel="Playback",
        kind="NodeSocketBool",
        tip="Before and after the clip show its first and last frame; otherwise nothing",
        settings={"default_value": True},
    ),
    Knob(
        name="Depth Scale",
        panel="Shape",
        kind="NodeSocketFloat",
        tip="Relief about the clip's mean depth, along the lines of sight. 1 is true to scale, 0 is flat",
        settings={"default_value": 1.0, "min_value": 0.0, "max_value": 10.0},
    ),
    Knob(
        name="Smoothing",
        panel="Shape",
        kind="NodeSocketInt",
        tip="How often depth is averaged with its neighbours on the surface. The outline stays where it is",
        settings={"default_value": 0, "min_value": 0, "max_value": 100},
    ),
    Knob(
        name="Thickness",
        panel="Shape",
        kind="NodeSocketFloat",
        tip="Closes the surface with a back this far behind it along the lines of sight. 0 leaves it open",
        settings={"default_value": 0.0, "min_value": 0.0, "max_value": 2.0, "subtype": "DISTANCE"},
    ),
    Knob(
        name="Cut Threshold",
        panel="Shape",
        kind="NodeSocketFloat",
        tip="Removes faces with an edge longer than this many pixels are wide there. 0 cuts only where the run did",
        settings={"default_value": 0.0, "min_value": 0.0, "max_value": 100.0},
    ),
    Knob(
        name="Fill Gaps",
        panel="Shape",
        kind="NodeSocketBool",
        tip="Continues what lies behind a depth step by a pixel, so that nothing shows through between arm and body",
        settings={"default_value": True},
    ),
    Knob(
        name="Bank",
        panel="Data",
        kind="NodeSocketObject",
        tip="The object that holds every frame's depth. It is never shown; the object cannot play without it",
        settings={},
    ),
)


def bank_tree() -> bpy.types.NodeTree:
    """The tree of this version; made if the file does not hold it yet."""
    for tree in bpy.data.node_groups:
        if tree.bl_idname == "GeometryNodeTree" and tree.get(VERSION_KEY) == TREE_VERSION and tree.library is None:
            return tree
    tree = bpy.data.node_groups.new(TREE_NAME, "GeometryNodeTree")
    tree[VERSION_KEY] = TREE_VERSION
    tree.is_modifier = True
    _declare(tree)
    PlayerTree(tree).write()
    arrange(tree)
    return tree


def add_player(grid: bpy.types.Object, cloud: bpy.types.Object, *, start_frame: int) -> bpy.types.Modifier:
    """Let a grid object play its cloud from a frame of the scene on."""
    modifier = grid.modifiers.new(MODIFIER_NAME, "NODES")
    modifier.node_group = bank_tree()
    set_knob(modifier, "Bank", cloud)
    set_knob(modifier, "Start Frame", start_frame)
    return modifier


def player_of(thing: bpy.types.Object) -> bpy.types.Modifier | None:
    """The modifier that plays a bank, if the object has one."""
    for modifier in thing.modifiers:
        if modifier.type == "NODES" and modifier.node_group and VERSION_KEY in modifier.node_group:
            return modifier
    return None


def set_knob(modifier: bpy.types.Modifier, name: str, value: object) -> None:
    """Set an input of the modifier by its name."""
    identifier = _identifier(modifier, name)
    if hasattr(modifier, "properties"):  # Blender 5.2
        getattr(modifier.properties.inputs, identifier).value = value
    else:
        modifier[identifier] = value
    modifier.id_data.update_tag()


def get_knob(modifier: bpy.types.Modifier, name: str) -> object:
    """Value of an input of the modifier by its name."""
    identifier = _identifier(modifier, name)
    if hasattr(modifier, "properties"):
        return getattr(modifier.properties.inputs, identifier).value
    return modifier[identifier]


def knob_path(modifier: bpy.types.Modifier, name: str) -> str:
    """Where an input of the modifier lies below its object; for keyframes, drivers and `layout.prop`."""
    identifier = _identifier(modifier, name)
    inside = f".properties.inputs.{identifier}.value" if hasattr(modifier, "properties") else f'["{identifier}"]'
    return f'modifiers["{modifier.name}"]{inside}'


def _identifier(modifier: bpy.types.Modifier, name: str) -> str:
    items = modifier.node_group.interface.items_tree
    return next(i.identifier for i in items if i.item_type == "SOCKET" and i.in_out == "INPUT" and i.name == name)


def _declare(tree: bpy.types.NodeTree) -> None:
    """Sockets and panels of the modifier."""
    add = tree.interface.new_socket
    add("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    add("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    names = dict.fromkeys(knob.panel for knob in KNOBS)
    panels = {name: tree.interface.new_panel(name, default_closed=name == "Data") for name in names}
    for knob in KNOBS:
        socket = add(knob.name, description=knob.tip, in_out="INPUT", socket_type=knob.kind, parent=panels[knob.panel])
        for setting, value in knob.settings.items():
            setattr(socket, setting, value)
        if hasattr(socket, "structure_type"):
            socket.structure_type = "SINGLE"
        elif hasattr(socket, "force_non_field"):
            socket.force_non_field = True
