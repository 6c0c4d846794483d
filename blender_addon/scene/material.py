# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of a person: the video on the surface, lit by the scene or as it was filmed, shaded with normal maps.

A Principled shader stands in the open, not inside a group, because exporters look for one there.
"""

import bpy

from ..runfolder import Run
from .bank_object import UV_NAMES
from .node_tree import Formula, arrange, output
from .pictures import load_sequence, play_with_modifier, play_with_scene

GROUP_NAME = "HD Human Look"
GROUP_KEY = "hd_human_look"
SWITCH = "As Filmed"
"""Input of the group: 0 is lit by the scene, 1 shows the video's own colours in any light."""
ROUGHNESS, SPECULAR = 0.8, 0.2
"""Cloth and skin; the video's own highlights are painted on already."""
CLAY = (0.55, 0.5, 0.46, 1.0)


def add_material(
    run: Run,
    thing: bpy.types.Object,
    player: bpy.types.Modifier | None,
    person: int,
    *,
    texture: bool,
    normal_map: bool,
) -> bpy.types.Material:
    """Give a person its look.

    Args:
        run: Where the pictures lie.
        thing: The object.
        player: Its modifier, whose timing the pictures follow; without one they follow the scene's.
        person: Number.
        texture: Whether to show the video; else plain clay.
        normal_map: Whether to shade with the run's normal maps.

    Raises:
        RunError: Pictures are missing.
    """
    material = bpy.data.materials.new(thing.name)
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.clear()
    f = Formula(material.node_tree)
    surface = f.node("ShaderNodeBsdfPrincipled", {"Roughness": ROUGHNESS, "Specular IOR Level": SPECULAR})
    group = f.node("ShaderNodeGroup", node_tree=_look())
    f.put(group.inputs["Lit"], output(surface))
    end = f.node("ShaderNodeOutputMaterial")
    f.put(end.inputs["Surface"], output(group))
    if texture and run.textures:
        picture = _picture(f, output(f.node("ShaderNodeUVMap", uv_map=UV_NAMES[0])))
        picture.image, picture.extension, picture.label = load_sequence(run, run.textures), "EXTEND", "Video"
        _play(picture.image_user, run, thing, player)
        f.put(surface.inputs["Base Color"], output(picture, "Color"))
        f.put(group.inputs["Color"], output(picture, "Color"))
        group.inputs[SWITCH].default_value = 1.0
    else:
        surface.inputs["Base Color"].default_value = group.inputs["Color"].default_value = CLAY
    if normal_map and person in run.normal_maps:
        picture = _picture(f, output(f.node("ShaderNodeAttribute", attribute_name=UV_NAMES[1]), "Vector"))
        picture.image = load_sequence(run, run.normal_maps[person], data=True)
        picture.extension, picture.label = "EXTEND", "Normal map"
        _play(picture.image_user, run, thing, player)
        f.put(surface.inputs["Normal"], _object_normal(f, output(picture, "Color")))
    arrange(material.node_tree, width=280.0, height=320.0)
    thing.data.materials.append(material)
    return material


def _play(user: bpy.types.ImageUser, run: Run, thing: bpy.types.Object, player: bpy.types.Modifier | None) -> None:
    if player is None:
        play_with_scene(user, run)
    else:
        play_with_modifier(user, run, thing, player)


def _picture(f: Formula, place: bpy.types.NodeSocket) -> bpy.types.Node:
    return f.node("ShaderNodeTexImage", {"Vector": place})


def _object_normal(f: Formula, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """A normal of the map, right, up and towards the viewer as red, green and blue, in the object's axes.

    The object's y looks away from the camera, its z up. The back of a shell has the front's map, turned around.
    """
    split = f.node("ShaderNodeSeparateColor", {"Color": colour})
    red, green, blue = (output(split, name) for name in ("Red", "Green", "Blue"))
    inputs = {"Red": red, "Green": f.math("SUBTRACT", 1.0, blue), "Blue": green}
    turned = output(f.node("ShaderNodeCombineColor", inputs))
    normal = output(f.node("ShaderNodeNormalMap", {"Color": turned}, space="OBJECT"))
    true = output(f.node("ShaderNodeNewGeometry"), "True Normal")
    return f.vector("FACEFORWARD", normal, f.scaled(true, -1.0), true)


def _look() -> bpy.types.NodeTree:
    """The group that mixes lit and as filmed; shared by all people of the file."""
    for tree in bpy.data.node_groups:
        if tree.bl_idname == "ShaderNodeTree" and GROUP_KEY in tree and tree.library is None:
            return tree
    tree = bpy.data.node_groups.new(GROUP_NAME, "ShaderNodeTree")
    tree[GROUP_KEY] = True
    add = tree.interface.new_socket
    add("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    add("Lit", in_out="INPUT", socket_type="NodeSocketShader")
    add("Color", in_out="INPUT", socket_type="NodeSocketColor")
    tip = "0 is lit by the lamps of the scene, 1 shows the video's own colours whatever the light"
    switch = add(SWITCH, description=tip, in_out="INPUT", socket_type="NodeSocketFloat")
    switch.subtype, switch.min_value, switch.max_value = "FACTOR", 0.0, 1.0
    f = Formula(tree)
    given = f.node("NodeGroupInput").outputs
    glow = output(f.node("ShaderNodeEmission", {"Color": given["Color"]}))
    mix = f.node("ShaderNodeMixShader", {"Fac": given[SWITCH]})
    shaders = [socket for socket in mix.inputs if socket.type == "SHADER"]
    f.put(shaders[0], given["Lit"])
    f.put(shaders[1], glow)
    f.put(f.node("NodeGroupOutput").inputs["Shader"], output(mix))
    arrange(tree)
    return tree
