# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture that an object shows, as a colour of its corners that changes with the frame.

Alembic has no materials, and Blender writes no picture that changes with the frame to USD, and no colour to Alembic
but bytes per corner. So the object gets a last modifier for the time of an export: it looks the picture up at the UV
of every corner, frame by frame, or turns the colours that the mesh already has into such bytes. An object with a
modifier is also one that Blender's exporters write on every frame.
"""

from dataclasses import dataclass
from pathlib import Path

import bpy

from .bank_object import UV_NAMES


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as a material shows it.

    Args:
        image: A still, a sequence or a movie.
        user: Which of its pictures in which frame.
        driver: What moves `frame_offset` of `user`, if it is driven.
        uv: The layer it lies on; empty for the active one.
    """

    image: bpy.types.Image
    user: bpy.types.ImageUser
    driver: bpy.types.Driver | None
    uv: str

    @property
    def moves(self) -> bool:
        """Whether it changes with the frame."""
        return self.image.source in {"SEQUENCE", "MOVIE"}


def picture_of(thing: bpy.types.Object) -> Picture | None:
    """The picture that the object takes its colour from; none if there is none, or its file is gone."""
    for slot in thing.material_slots:
        if slot.material and slot.material.node_tree:
            for node in slot.material.node_tree.nodes:
                if node.bl_idname == "ShaderNodeTexImage" and node.image and _is_colour(node) and _is_there(node.image):
                    return _picture(slot.material.node_tree, node)
    return None


def add_tint(thing: bpy.types.Object, name: str, picture: Picture | None, colours: str | None) -> bool:
    """Give the evaluated mesh a colour per corner, in bytes, and take away the UV that only our material needs.

    Args:
        thing: What wears it; changed.
        name: Of the attribute.
        picture: Where the colour comes from.
        colours: Attribute that it comes from if there is no picture.

    Returns:
        Whether there was something to take colours from.
    """
    tree = bpy.data.node_groups.new("tint", "GeometryNodeTree")
    for direction in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    remove = tree.nodes.new("GeometryNodeRemoveAttribute")
    remove.inputs["Name"].default_value = UV_NAMES[1]
    tree.links.new(tree.nodes.new("NodeGroupInput").outputs["Geometry"], remove.inputs["Geometry"])
    shape = remove.outputs["Geometry"]
    colour = _colour(tree, thing, picture, colours)
    if colour is not None:
        store = tree.nodes.new("GeometryNodeStoreNamedAttribute")
        store.data_type, store.domain = "BYTE_COLOR", "CORNER"
        store.inputs["Name"].default_value = name
        tree.links.new(colour, next(one for one in store.inputs if one.enabled and one.name == "Value"))
        tree.links.new(shape, store.inputs["Geometry"])
        shape = store.outputs["Geometry"]
    tree.links.new(shape, tree.nodes.new("NodeGroupOutput").inputs["Geometry"])
    thing.modifiers.new("tint", "NODES").node_group = tree
    return colour is not None


def _colour(
    tree: bpy.types.NodeTree, thing: bpy.types.Object, picture: Picture | None, colours: str | None
) -> bpy.types.NodeSocket | None:
    if picture is not None:
        layers = thing.data.uv_layers
        return _looked_up(tree, picture, picture.uv or (layers.active.name if layers.active else UV_NAMES[0]))
    return _named(tree, colours, "FLOAT_COLOR") if colours else None


def _looked_up(tree: bpy.types.NodeTree, picture: Picture, uv: str) -> bpy.types.NodeSocket:
    node = tree.nodes.new("GeometryNodeImageTexture")
    node.extension = "EXTEND"
    node.inputs["Image"].default_value = picture.image
    tree.links.new(_named(tree, uv, "FLOAT_VECTOR"), node.inputs["Vector"])
    if picture.moves:
        tree.links.new(_number(tree, picture), node.inputs["Frame"])
    return node.outputs["Color"]


def _number(tree: bpy.types.NodeTree, picture: Picture) -> bpy.types.NodeSocket:
    """Number of the picture that is shown: 1 in the first frame, up to the duration, and the offset."""
    user = picture.user
    offset = tree.nodes.new("ShaderNodeValue").outputs[0]
    offset.default_value = user.frame_offset
    if picture.driver:
        _drive_alike(offset, picture.driver)
    number = tree.nodes.new("GeometryNodeInputSceneTime").outputs["Frame"]
    steps = (("ADD", 1 - user.frame_start), ("MAXIMUM", 1), ("MINIMUM", max(user.frame_duration, 1)), ("ADD", offset))
    for operation, operand in steps:
        math = tree.nodes.new("ShaderNodeMath")
        math.operation = operation
        tree.links.new(number, math.inputs[0])
        if isinstance(operand, bpy.types.NodeSocket):
            tree.links.new(operand, math.inputs[1])
        else:
            math.inputs[1].default_value = operand
        number = math.outputs["Value"]
    return number


def _drive_alike(socket: bpy.types.NodeSocket, driver: bpy.types.Driver) -> None:
    """Drive a socket's value as something else is driven."""
    copy = socket.driver_add("default_value").driver
    copy.type = driver.type
    for variable in driver.variables:
        twin = copy.variables.new()
        twin.name, twin.type = variable.name, variable.type
        for target, original in zip(twin.targets, variable.targets, strict=True):
            if variable.type == "SINGLE_PROP":
                target.id_type = original.id_type
            target.id, target.data_path = original.id, original.data_path
    copy.expression = driver.expression


def _named(tree: bpy.types.NodeTree, name: str, kind: str) -> bpy.types.NodeSocket:
    node = tree.nodes.new("GeometryNodeInputNamedAttribute")
    node.data_type = kind
    node.inputs["Name"].default_value = name
    return next(socket for socket in node.outputs if socket.enabled and socket.name == "Attribute")


def _is_colour(node: bpy.types.Node) -> bool:
    """Whether the picture is one of colours: it feeds something, and is not data such as normals."""
    space = node.image.colorspace_settings
    return space.name != "Non-Color" and not getattr(space, "is_data", False) and node.outputs["Color"].is_linked


def _is_there(image: bpy.types.Image) -> bool:
    """Whether its file is; a missing one would be black."""
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    return bool(image.packed_file) or image.source == "GENERATED" or path.is_file()


def _picture(tree: bpy.types.NodeTree, node: bpy.types.Node) -> Picture:
    path = f'nodes["{bpy.utils.escape_identifier(node.name)}"].image_user.frame_offset'
    drivers = tree.animation_data.drivers if tree.animation_data else ()
    links = node.inputs["Vector"].links
    return Picture(
        image=node.image,
        user=node.image_user,
        driver=next((curve.driver for curve in drivers if curve.data_path == path), None),
        uv=links[0].from_node.uv_map if links and links[0].from_node.bl_idname == "ShaderNodeUVMap" else "",
    )
