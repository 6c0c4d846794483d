# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of its own in which a camera sways about a human while it plays.

Only the side that was filmed is there, so the camera does not go around: it swings to both sides of where the clip was
filmed from, once over the clip. Objects are shown in both scenes, not copied; the scene they come from stays as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..records import RunError
from .evaluated import world_shape
from .keys import curves_of
from .scratch import scratch_scene

CHECKED_FRAMES = 9
MARGIN = 1.15
LENS_MM, SENSOR_MM = 50.0, 36.0
BACKGROUND = (0.18, 0.18, 0.19, 1.0)
LIGHTS = (("key", 35.0, 40.0, 4.0), ("fill", -50.0, 15.0, 1.2), ("rim", 150.0, 35.0, 3.0))
"""Name, degrees to the side of the camera's first place, degrees up, and strength of each light."""


@dataclass(frozen=True, kw_only=True)
class Turntable:
    """How the camera moves and what it makes.

    Args:
        degrees: How far it swings to each side.
        width: Of the picture, px.
        height: Of the picture, px.
        transparent: Whether there is no background.
    """

    degrees: float = 35.0
    width: int = 1080
    height: int = 1350
    transparent: bool = False


def add_turntable(things: Sequence[bpy.types.Object], frames: range, wish: Turntable) -> bpy.types.Scene:
    """Add a scene with the objects, a swaying camera, light and a background.

    Raises:
        RunError: Nothing is seen in any of the frames; nothing was added.
    """
    source = bpy.context.scene
    low, high, eye = _extent(things, frames, source)
    scene = bpy.data.scenes.new(f"{things[0].name} turntable")
    _set_up(scene, source, frames, wish)
    for thing in things:
        scene.collection.objects.link(thing)
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    pivot = bpy.data.objects.new("turntable", None)
    pivot.empty_display_size, pivot.location = radius / 2, centre
    pivot.rotation_euler.z = heading = _heading(centre - eye)
    scene.collection.objects.link(pivot)
    scene.camera = _add_camera(scene, pivot, radius, wish)
    _sway(pivot, heading, frames, math.radians(wish.degrees))
    for name, around, up, strength in LIGHTS:
        light = _light(name, (heading + math.radians(around), math.radians(up)), strength)
        light.location = Vector(centre) + light.rotation_euler.to_matrix() @ Vector((0, 0, 3 * radius))
        scene.collection.objects.link(light)
    scene.frame_set(frames[0])
    return scene


def _extent(
    things: Sequence[bpy.types.Object], frames: range, source: bpy.types.Scene
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least and greatest corner over the clip, and where it was filmed from."""
    chosen = np.unique(np.linspace(frames[0], frames[-1], CHECKED_FRAMES).round().astype(int)).tolist()
    points = []
    with scratch_scene(source, things) as scratch:
        for frame in chosen:
            depsgraph = scratch.go_to(frame)
            for thing in things:
                shape = world_shape(thing, depsgraph)
                if len(shape.vertices):
                    points += [shape.vertices.min(axis=0), shape.vertices.max(axis=0)]
        eye = np.array(things[0].evaluated_get(depsgraph).matrix_world.translation)
    if not points:
        raise RunError(f"{things[0].name} shows nothing in frames {frames[0]} to {frames[-1]}.", "Choose other frames.")
    return np.min(points, axis=0), np.max(points, axis=0), eye


def _set_up(scene: bpy.types.Scene, source: bpy.types.Scene, frames: range, wish: Turntable) -> None:
    """Rate, range, picture and world of the new scene."""
    scene.render.fps, scene.render.fps_base = source.render.fps, source.render.fps_base
    scene.frame_start, scene.frame_end = frames[0], frames[-1]
    scene.render.engine = source.render.engine
    scene.render.resolution_x, scene.render.resolution_y = wish.width, wish.height
    scene.render.film_transparent = wish.transparent
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new(scene.name)
    scene.world.color = BACKGROUND[:3]
    if scene.world.node_tree is None:
        scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.bl_idname == "ShaderNodeBackground")
    background.inputs["Color"].default_value = BACKGROUND


def _heading(ahead: np.ndarray) -> float:
    """Turn about z that makes +y point this way."""
    return math.atan2(-ahead[0], ahead[1])


def _add_camera(scene: bpy.types.Scene, pivot: bpy.types.Object, radius: float, wish: Turntable) -> bpy.types.Object:
    """A camera behind the pivot's -y side, far enough to see a ball about it."""
    data = bpy.data.cameras.new("turntable")
    data.lens, data.sensor_width, data.sensor_height = LENS_MM, SENSOR_MM, SENSOR_MM
    data.sensor_fit = "HORIZONTAL" if wish.width <= wish.height else "VERTICAL"
    distance = MARGIN * radius / math.sin(math.atan(SENSOR_MM / 2 / LENS_MM))
    data.clip_start, data.clip_end = distance / 100, distance * 100
    camera = bpy.data.objects.new("turntable camera", data)
    camera.parent = pivot
    camera.matrix_basis = Matrix.Translation((0, -distance, 0)) @ Matrix.Rotation(math.pi / 2, 4, "X")
    scene.collection.objects.link(camera)
    return camera


def _sway(pivot: bpy.types.Object, heading: float, frames: range, swing: float) -> None:
    """Middle, right, middle, left, middle: once over the clip, softly at the ends."""
    last = frames[-1] + 1  # the frame that would come next is the first again, so that the clip loops
    for share, side in ((0, 0), (0.25, 1), (0.75, -1), (1, 0)):
        pivot.rotation_euler.z = heading + side * swing
        pivot.keyframe_insert("rotation_euler", index=2, frame=frames[0] + share * (last - frames[0]))
    pivot.rotation_euler.z = heading
    for curve in curves_of(pivot):
        for point in curve.keyframe_points:
            point.interpolation, point.easing = "SINE", "EASE_IN_OUT"
        for point, easing in zip(curve.keyframe_points, ("EASE_OUT", "EASE_IN_OUT", "EASE_IN"), strict=False):
            point.easing = easing


def _light(name: str, angles: tuple[float, float], strength: float) -> bpy.types.Object:
    """A sun that shines from an angle to the side and one up."""
    around, up = angles
    data = bpy.data.lights.new(f"turntable {name}", "SUN")
    data.energy, data.angle = strength, math.radians(10)
    light = bpy.data.objects.new(data.name, data)
    away = Vector((math.sin(around) * math.cos(up), -math.cos(around) * math.cos(up), math.sin(up)))
    light.rotation_euler = away.to_track_quat("Z", "Y").to_euler()
    return light
