# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame of a human as a mesh with a normal map of its own, for renderers, games and sculpting.

In the axes of the object the map is the run's own picture of normals with its channels exchanged, to the last bit.
Tangent space, and humans without such pictures, are baked by Cycles.
"""

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..records import RunError
from .bake import bake_mesh
from .bank_object import UV_NAMES
from .material import SWITCH
from .node_tree import Formula, arrange, output
from .scratch import scratch_scene
from .undoing import undoing_on_error

SPACES = ("OBJECT", "TANGENT")


@dataclass(frozen=True, kw_only=True)
class NormalMap:
    """What to bake.

    Args:
        space: One of `SPACES`.
        size: Side of the picture, px, where the run does not state one.
        folder: Where the picture goes; packed into the .blend if none.
    """

    space: str
    size: int
    folder: Path | None


def bake_normal_map(thing: bpy.types.Object, frame: int, wish: NormalMap) -> bpy.types.Object:
    """Add a plain mesh of a frame whose material has a baked normal map.

    Raises:
        RunError: The frame shows nothing, there is no UV or nothing to bake, or the picture cannot be written; nothing
            was added.
    """
    with undoing_on_error():
        baked = bake_mesh(thing, frame)
        if not baked.data.uv_layers:
            raise RunError(f"{thing.name} has no UV.", "Unwrap it first.")
        tree = _tree(baked)
        source = _normal_picture(tree)
        layer = UV_NAMES[1] if UV_NAMES[1] in baked.data.uv_layers else baked.data.uv_layers[0].name
        if source is None and wish.space == "TANGENT":
            raise RunError(
                f"{thing.name} has no normal map, so a tangent map of it would be flat.",
                "Bake in object space, or write the run's normal maps: hd-core export RUN --bank.",
            )
        name = f"{baked.name} normals {wish.space.lower()}"
        if source is not None and wish.space == "OBJECT":
            image = _exchanged(source, name)
        else:
            image = bpy.data.images.new(name, *_size(source, wish.size), alpha=False, is_data=True)
            _bake(baked, layer, image, wish.space)
        _keep(image, wish.folder)
        _wear(tree, layer, image, wish.space)
        if source is not None and not source.users:
            bpy.data.images.remove(source)
    return baked


def _tree(baked: bpy.types.Object) -> bpy.types.NodeTree:
    """The node tree of its material, made if there is none."""
    if not baked.material_slots or baked.material_slots[0].material is None:
        baked.data.materials.clear()
        baked.data.materials.append(bpy.data.materials.new(baked.name))
    material = baked.material_slots[0].material
    if material.node_tree is None:
        material.use_nodes = True
    return material.node_tree


def _normal_picture(tree: bpy.types.NodeTree) -> bpy.types.Image | None:
    """The run's picture of normals, right, up and towards the viewer, if the material shows it."""
    for node in tree.nodes:
        if node.bl_idname == "ShaderNodeTexImage" and node.image:
            name = Path(node.image.filepath).name
            if node.image.colorspace_settings.name == "Non-Color" and name.startswith("normals.person"):
                return node.image
    return None


def _exchanged(source: bpy.types.Image, name: str) -> bpy.types.Image:
    """Red, green and blue for x, y and z of the object: right, away from the viewer, up."""
    pixels = np.zeros(len(source.pixels), np.float32)
    source.pixels.foreach_get(pixels)
    red, green, blue, alpha = pixels.reshape(-1, 4).T
    image = bpy.data.images.new(name, *source.size, alpha=False, is_data=True)
    image.pixels.foreach_set(np.stack([red, 1 - blue, green, alpha], axis=1).ravel())
    image.update()
    return image


def _size(source: bpy.types.Image | None, side: int) -> tuple[int, int]:
    return tuple(source.size) if source else (side, side)


def _bake(baked: bpy.types.Object, layer: str, image: bpy.types.Image, space: str) -> None:
    """Let Cycles bake the normals that the material shows."""
    tree = baked.material_slots[0].material.node_tree
    target = tree.nodes.new("ShaderNodeTexImage")
    target.image = image
    for node in tree.nodes:
        node.select = node == target
    tree.nodes.active = target
    baked.data.uv_layers.active = baked.data.uv_layers[layer]
    with scratch_scene(bpy.context.scene, [baked]) as scratch:
        scratch.scene.render.engine = "CYCLES"
        scratch.scene.cycles.samples, scratch.scene.cycles.device = 1, "CPU"
        switch = _set_switch(tree, 0.0)
        with scratch.acting(baked):
            bpy.ops.object.bake(type="NORMAL", normal_space=space, margin=8, use_clear=True, target="IMAGE_TEXTURES")
        _set_switch(tree, switch)
    tree.nodes.remove(target)


def _keep(image: bpy.types.Image, folder: Path | None) -> None:
    """Save it in a folder, or pack it."""
    image.file_format = "PNG"
    if folder is None:
        image.pack()
        return
    path = folder / f"{image.name}.png"
    image.filepath_raw = str(path)
    try:
        image.save()
    except RuntimeError as error:
        raise RunError(f"{path} cannot be written.", "Choose another folder, or pack it into the .blend.") from error
    if bpy.data.filepath:
        image.filepath_raw = bpy.path.relpath(str(path))


def _wear(tree: bpy.types.NodeTree, layer: str, image: bpy.types.Image, space: str) -> None:
    """Shade with the map and nothing else, lit by the scene."""
    surface = next((node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)
    f = Formula(tree)
    if surface is None:
        surface = f.node("ShaderNodeBsdfPrincipled")
        f.put(f.node("ShaderNodeOutputMaterial").inputs["Surface"], output(surface))
    _cut(tree, surface.inputs["Normal"])
    picture = f.node("ShaderNodeTexImage", {"Vector": output(f.node("ShaderNodeUVMap", uv_map=layer))})
    picture.image, picture.label = image, "Baked normal map"
    normal = f.node("ShaderNodeNormalMap", {"Color": output(picture, "Color")}, space=space, uv_map=layer)
    f.put(surface.inputs["Normal"], output(normal))
    _set_switch(tree, 0.0)
    arrange(tree, width=280.0, height=320.0)


def _cut(tree: bpy.types.NodeTree, socket: bpy.types.NodeSocket) -> None:
    """Remove what feeds a socket and nothing else."""
    waiting = [link.from_node for link in socket.links]
    for link in list(socket.links):
        tree.links.remove(link)
    while waiting:
        node = waiting.pop()
        if any(one.is_linked for one in node.outputs):
            continue
        waiting += [link.from_node for one in node.inputs for link in one.links]
        waiting = list(dict.fromkeys(one for one in waiting if one != node))
        tree.nodes.remove(node)


def _set_switch(tree: bpy.types.NodeTree, value: float) -> float:
    """Set whether the look is as filmed (1) or lit (0), and return what it was."""
    was = 0.0
    for node in tree.nodes:
        if node.bl_idname == "ShaderNodeGroup" and SWITCH in node.inputs:
            was = node.inputs[SWITCH].default_value
            node.inputs[SWITCH].default_value = value
    return was
