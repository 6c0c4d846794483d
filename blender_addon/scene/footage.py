# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip itself in the scene: its rate, range and size, and its pictures behind the people."""

from fractions import Fraction

import bpy
import numpy as np

from ..bank import read_bank
from ..records import RunError
from ..runfolder import Run
from .camera import add_camera, pixel_height
from .node_tree import Formula, arrange, output
from .pictures import CLIP_KEY, RUN_KEY, load_sequence, play_with_scene, relink

__all__ = ["add_background", "add_projected_plane", "match_scene", "relink"]

BEHIND = 1.05
"""The plane stands this much further away than the furthest part of anybody."""
WITHOUT_BANK_M = 10.0


def match_scene(run: Run) -> None:
    """Give the scene the clip's rate, frame range and picture size, and a view that shows its colours unchanged."""
    scene, render = bpy.context.scene, bpy.context.scene.render
    rate = Fraction(*run.fps)
    render.fps = max(1, round(rate))
    render.fps_base = float(render.fps / rate)
    first, last = int(run.frame_numbers[0]), int(run.frame_numbers[-1])
    scene.frame_start, scene.frame_end = first, last
    if not first <= scene.frame_current <= last:
        scene.frame_set(first)
    render.resolution_x, render.resolution_y, render.resolution_percentage = run.width, run.height, 100
    tall = pixel_height(run)
    render.pixel_aspect_x, render.pixel_aspect_y = (1.0, tall) if tall >= 1 else (1 / tall, 1.0)
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0


def add_background(run: Run, camera: bpy.types.Object | None = None) -> bpy.types.Object:
    """Show the clip's pictures behind everything when looking through a camera.

    Args:
        run: Whose pictures.
        camera: The run's camera; added if there is none yet.

    Returns:
        The camera.

    Raises:
        RunError: The run has no pictures, or some are missing.
    """
    image = load_sequence(run, _pictures(run))
    camera = camera or add_camera(run)
    background = camera.data.background_images.new()
    background.source, background.image = "IMAGE", image
    background.alpha, background.display_depth, background.frame_method = 1.0, "BACK", "STRETCH"
    play_with_scene(background.image_user, run)
    camera.data.show_background_images = True
    return camera


def add_projected_plane(
    run: Run, camera: bpy.types.Object | None = None, *, distance: float | None = None
) -> bpy.types.Object:
    """Stand the clip's pictures behind the people: a plane that fills the camera's view exactly, and renders.

    Args:
        run: Whose pictures.
        camera: The run's camera, which the plane is fixed to; added if there is none yet.
        distance: From the camera, metres; by default just behind everybody.

    Raises:
        RunError: The run has no pictures, or some are missing.
    """
    image = load_sequence(run, _pictures(run))
    camera = camera or add_camera(run)
    name = f"{run.clip_name} footage"
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(_corners(run, distance or _behind(run)).tolist(), [], [(0, 1, 2, 3)])
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32))
    mesh.materials.append(_screen(run, image, name))
    plane = bpy.data.objects.new(name, mesh)
    plane[RUN_KEY], plane[CLIP_KEY] = str(run.path), run.clip_name
    plane.parent = camera
    bpy.context.scene.collection.objects.link(plane)
    return plane


def _pictures(run: Run) -> tuple:
    if not run.textures:
        raise RunError(
            f"The run of {run.clip_name} holds no pictures of its video.", "Build it with frames as the texture."
        )
    return run.textures


def _corners(run: Run, distance: float) -> np.ndarray:
    """Corners of the picture in the camera's own axes (y up, looking along -z), from the lower left on, (4, 3)."""
    positions = [(0, run.height, 1), (run.width, run.height, 1), (run.width, 0, 1), (0, 0, 1)]
    rays = np.linalg.solve(run.intrinsics, np.array(positions, float).T).T
    return rays * [1, -1, -1] * distance


def _behind(run: Run) -> float:
    """Just behind the furthest pixel of anybody, metres."""
    furthest = 0.0
    for person in run.people:
        if run.bank_path(person).is_file():
            depth = read_bank(run.bank_path(person)).depth
            furthest = max(furthest, max((float(row.max(initial=0)) for row in depth), default=0.0))
    return furthest * BEHIND or WITHOUT_BANK_M


def _screen(run: Run, image: bpy.types.Image, name: str) -> bpy.types.Material:
    """A material that glows with the picture."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.clear()
    f = Formula(material.node_tree)
    place = output(f.node("ShaderNodeUVMap", uv_map="UVMap"))
    picture = f.node("ShaderNodeTexImage", {"Vector": place}, image=image, extension="EXTEND")
    play_with_scene(picture.image_user, run)
    glow = output(f.node("ShaderNodeEmission", {"Color": output(picture, "Color")}))
    f.put(f.node("ShaderNodeOutputMaterial").inputs["Surface"], glow)
    arrange(material.node_tree, width=280.0)
    return material
