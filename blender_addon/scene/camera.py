# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera that filmed the clip, as a Blender camera: lens and shift from K.

It stands at the origin and looks along +y with z up, as the people do that are seen from it.
"""

import math

import bpy

from ..runfolder import Run
from .pictures import CLIP_KEY, RUN_KEY

FILM_WIDTH_MM = 36.0
CLIP_START_M, CLIP_END_M = 0.01, 1000.0


def add_camera(run: Run) -> bpy.types.Object:
    """Add the camera of a run to the scene, named after the clip.

    It sees what the run's camera saw if the picture has the clip's size (`footage.match_scene`).
    """
    k = run.intrinsics
    data = bpy.data.cameras.new(f"{run.clip_name} camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", FILM_WIDTH_MM
    data.lens = FILM_WIDTH_MM * k[0, 0] / run.width
    # the middle of the picture seen from the principal point, in picture widths; Blender counts upwards
    data.shift_x = (run.width / 2 - k[0, 2]) / run.width
    data.shift_y = (k[1, 2] - run.height / 2) * pixel_height(run) / run.width
    data.clip_start, data.clip_end = CLIP_START_M, CLIP_END_M
    camera = bpy.data.objects.new(f"{run.clip_name} camera", data)
    camera.rotation_euler = (math.pi / 2, 0, 0)
    camera[RUN_KEY], camera[CLIP_KEY] = str(run.path), run.clip_name
    bpy.context.scene.collection.objects.link(camera)
    return camera


def pixel_height(run: Run) -> float:
    """Height of a pixel over its width; not 1 for anamorphic clips."""
    return float(run.intrinsics[0, 0] / run.intrinsics[1, 1])
