"""The camera of a USD file in real Blender, proved by a picture."""

import bpy
import pytest
from mathutils import Vector
from scenes import meshes, render


@pytest.mark.parametrize("name", ["landscape", "portrait"])
def test_the_usd_camera_sees_the_ball_where_k_says(exports, expected, tmp_path, name):
    """The principal point lies 18 and 25 (11 and 20) pixels off the middle; a wrong sign halves the overlap."""
    bpy.ops.wm.usd_import(filepath=str(exports / f"ball_{name}.usdc"))
    assert len(meshes()) == 1
    mask = expected.mask(name)
    height, width = mask.shape
    seen = render(width, height, tmp_path, frame=1)[..., 3] > 127
    overlap = (seen & mask).sum() / (seen | mask).sum()
    assert mask.sum() > 1000
    assert overlap > 0.99


def test_the_usd_camera_stands_at_the_origin_and_looks_along_y(exports):
    bpy.ops.wm.usd_import(filepath=str(exports / "ball_landscape.usdc"))
    (camera,) = (thing for thing in bpy.context.scene.objects if thing.type == "CAMERA")
    assert camera.matrix_world.translation.length == 0
    forward = camera.matrix_world.to_3x3() @ Vector((0, 0, -1))
    assert tuple(forward) == pytest.approx((0, 1, 0), abs=1e-6)
    assert camera.data.sensor_width == pytest.approx(36)
    assert camera.data.lens == pytest.approx(150 / 160 * 36)
