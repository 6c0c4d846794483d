# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of a Geometry Nodes modifier in a panel, whatever this Blender calls them.

Up to 5.1 they are custom properties of the modifier, from 5.2 on they have a place of their own.
"""

import bpy

HIDDEN_TYPES = {"NodeSocketGeometry", "NodeSocketObject", "NodeSocketMaterial"}
"""What plays the sequence and not what a user changes."""


def input_sockets(modifier: bpy.types.NodesModifier) -> list[bpy.types.NodeTreeInterfaceSocket]:
    """What a user can change, in the order of the node group."""
    items = modifier.node_group.interface.items_tree
    return [
        item
        for item in items
        if item.item_type == "SOCKET"
        and item.in_out == "INPUT"
        and item.socket_type not in HIDDEN_TYPES
        and not item.hide_in_modifier
    ]


def draw_inputs(layout: bpy.types.UILayout, modifier: bpy.types.NodesModifier, *, title: str) -> None:
    """A field for each, under the headings that the node group gives them, but for the title that they stand under."""
    heading, column = title, layout
    for socket in input_sockets(modifier):
        if socket.parent.name != heading:
            heading = socket.parent.name
            column = layout.column()
            if heading:
                column.label(text=heading)
        owner, name = place_of(modifier, socket.identifier)
        column.prop(owner, name, text=socket.name)


def place_of(modifier: bpy.types.NodesModifier, identifier: str) -> tuple[bpy.types.bpy_struct, str]:
    """The struct and the property that hold an input's value."""
    places = getattr(modifier, "properties", None)
    if places is not None and hasattr(places, "inputs"):
        return getattr(places.inputs, identifier), "value"
    return modifier, f'["{identifier}"]'
