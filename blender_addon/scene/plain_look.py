# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials of a human for meshes that were baked from it: the same look without its modifier.

The human's pictures are driven by its modifier, and its UV is computed by it frame by frame. On a baked mesh the
pictures play by the frames of the scene, or stand still, and UV that changes with the frame is computed by the
material, from the place of a point on its way from the camera.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .keys import hold_keys
from .node_tree import Formula, output
from .pictures import ALWAYS_PAST, stored_path
from .scratch import Scratch

SEQUENCES = {"SEQUENCE", "MOVIE"}
STEADY = 5e-5
"""What changes less than this, in picture widths, does not change."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """UV of a point (x, y, z) of the object: (x/y, z/y) * scale + offset.

    Args:
        frames: When.
        values: Scale u, scale v, offset u, offset v in each frame, (n, 4).
    """

    frames: Sequence[int]
    values: np.ndarray


def fit_projection(positions: np.ndarray, uv: np.ndarray, *, within: float) -> np.ndarray | None:
    """Scale and offset of a projection that gives this UV, (4,); none if no projection does.

    Args:
        positions: (v, 3).
        uv: (v, 2).
        within: How far UV may be off.
    """
    ahead = positions[:, 1] > 0
    if ahead.sum() < 3 or not ahead.all():
        return None
    ray = positions[:, [0, 2]].astype(np.float64) / positions[:, 1:2]
    spread = ray.std(axis=0)
    if (spread < 1e-9).any():
        return None
    scale = ((ray - ray.mean(axis=0)) * (uv - uv.mean(axis=0))).mean(axis=0) / spread**2
    offset = uv.mean(axis=0) - scale * ray.mean(axis=0)
    fits = (np.abs(ray * scale + offset - uv) <= within).all()
    return np.concatenate([scale, offset]) if fits else None


def plain_materials(
    thing: bpy.types.Object, scratch: Scratch, frames: Sequence[int], projections: dict[str, Projection] | None = None
) -> list[bpy.types.Material | None]:
    """Copies of an object's materials that need neither it nor its modifier.

    Args:
        thing: The object.
        scratch: A scene that it stands in.
        frames: Frames of the scene that they are for; if it is one, its pictures become stills.
        projections: UV layers to compute in the material.

    Returns:
        One per slot.
    """
    sources = [slot.material for slot in thing.material_slots]
    numbers = [_numbers(source, scratch, frames) for source in sources]
    found = []
    for source, shown in zip(sources, numbers, strict=True):
        copy = source.copy() if source else None
        found.append(copy)
        if copy is None or copy.node_tree is None:
            continue
        if copy.node_tree.animation_data:
            copy.node_tree.animation_data_clear()
        for name, pictures in shown.items():
            _set(copy.node_tree.nodes[name], frames, pictures)
        for layer, projection in (projections or {}).items():
            _project(copy.node_tree, layer, projection)
        hold_keys(copy.node_tree)
    return found


def _numbers(material: bpy.types.Material | None, scratch: Scratch, frames: Sequence[int]) -> dict[str, list[int]]:
    """Number of the picture in every frame, by the name of the node."""
    nodes = material.node_tree.nodes if material and material.node_tree else ()
    names = [
        node.name
        for node in nodes
        if node.bl_idname == "ShaderNodeTexImage" and node.image and node.image.source in SEQUENCES
    ]
    found: dict[str, list[int]] = {name: [] for name in names}
    for frame in frames if names else ():
        shown = material.evaluated_get(scratch.go_to(frame))
        for name in names:
            user = shown.node_tree.nodes[name].image_user
            step = min(max(frame - user.frame_start + 1, 1), max(user.frame_duration, 1))
            found[name].append(step + user.frame_offset)
    return found


def _set(node: bpy.types.Node, frames: Sequence[int], pictures: list[int]) -> None:
    """Let a node show these pictures."""
    user = node.image_user
    if len(frames) == 1 and node.image.source == "SEQUENCE":
        node.image = _still(node.image, pictures[0])
        return
    shift = {picture - frame for picture, frame in zip(pictures, frames, strict=True)}
    user.use_auto_refresh, user.use_cyclic = True, False
    if len(shift) == 1:
        user.frame_start, user.frame_duration, user.frame_offset = frames[0], len(frames), pictures[0] - 1
        return
    user.frame_start, user.frame_duration = ALWAYS_PAST, 1
    for frame, picture in zip(frames, pictures, strict=True):
        user.frame_offset = picture - 1
        user.keyframe_insert("frame_offset", frame=frame)


def _still(sequence: bpy.types.Image, number: int) -> bpy.types.Image:
    """One picture of a sequence as an image of its own."""
    first = Path(bpy.path.abspath(sequence.filepath, library=sequence.library))
    path = first.with_name(re.sub(r"\d+(?=\D*$)", lambda digits: f"{number:0{len(digits[0])}d}", first.name))
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.name = sequence.colorspace_settings.name
    image.alpha_mode = sequence.alpha_mode
    image.filepath = stored_path(path)
    return image


def _project(tree: bpy.types.NodeTree, layer: str, projection: Projection) -> None:
    """Compute a UV layer from the place of the point."""
    for node in [node for node in tree.nodes if _layer_of(node) == layer]:
        f = Formula(tree)
        place = output(f.node("ShaderNodeTexCoord"), "Object")
        x, y, z = f.parts(place)
        parts = []
        for axis, along in enumerate((x, z)):
            sum_ = f.math("MULTIPLY_ADD", f.math("DIVIDE", along, y))
            for operand, column in ((1, axis), (2, 2 + axis)):
                _animate(sum_.node.inputs[operand], projection.frames, projection.values[:, column])
            parts.append(sum_)
        uv = f.together(*parts)
        uv.node.label = f"{layer}, from the camera"
        for link in [link for socket in node.outputs for link in socket.links]:
            tree.links.new(uv, link.to_socket)
        tree.nodes.remove(node)


def _layer_of(node: bpy.types.Node) -> str | None:
    """The UV that a node reads."""
    names = {"ShaderNodeUVMap": "uv_map", "ShaderNodeAttribute": "attribute_name"}
    return getattr(node, names[node.bl_idname]) if node.bl_idname in names else None


def _animate(socket: bpy.types.NodeSocket, frames: Sequence[int], values: np.ndarray) -> None:
    """Set a value, with keys if it changes."""
    socket.default_value = float(values.mean())
    if np.ptp(values) <= STEADY:
        return
    for frame, value in zip(frames, values.tolist(), strict=True):
        socket.default_value = value
        socket.keyframe_insert("default_value", frame=frame)
