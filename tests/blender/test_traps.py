"""What Blender does that our design rests on; if one of these changes, so may the design."""

import bpy
import numpy as np
import pytest
from scenes import meshes, set_rate, shape_at

FRAMES = range(1, 5)


def triangle(height):
    return [(0, 0, height), (1, 0, height), (0, 1, height)], [], [(0, 1, 2)]


def object_with(name="played"):
    thing = bpy.data.objects.new(name, bpy.data.meshes.new(name))
    bpy.context.scene.collection.objects.link(thing)
    return thing


def rewrite(mesh, height):
    mesh.clear_geometry()
    mesh.from_pydata(*triangle(height))


def heights(path, kind):
    """Number of objects of an exported copy, and the height of the first on every frame."""
    bpy.app.handlers.frame_change_post.clear()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    {"abc": bpy.ops.wm.alembic_import, "usdc": bpy.ops.wm.usd_import}[kind](filepath=str(path))
    things = list(meshes().values())
    return len(things), [float(shape_at(things[0], frame)["vertices"][0, 2]) for frame in FRAMES]


def export(path, kind):
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = FRAMES[0], FRAMES[-1]
    if kind == "abc":
        bpy.ops.wm.alembic_export(filepath=str(path), start=FRAMES[0], end=FRAMES[-1], vcolors=True)
    else:
        bpy.ops.wm.usd_export(filepath=str(path), export_animation=True)


@pytest.mark.parametrize("kind", ["abc", "usdc"])
def test_meshes_swapped_by_a_handler_are_exported_as_still_objects(tmp_path, kind):
    thing = object_with()
    shown = [bpy.data.meshes.new(f"frame {frame}") for frame in FRAMES]
    for frame, mesh in zip(FRAMES, shown, strict=True):
        mesh.from_pydata(*triangle(frame))

    def swap(scene, _):
        thing.data = shown[scene.frame_current - FRAMES[0]]

    bpy.app.handlers.frame_change_post.append(swap)
    export(tmp_path / f"out.{kind}", kind)
    _, found = heights(tmp_path / f"out.{kind}", kind)
    assert len(set(found)) == 1


@pytest.mark.parametrize("kind", ["abc", "usdc"])
@pytest.mark.parametrize(("modifier", "animated"), [(False, False), (True, True)])
def test_a_mesh_rewritten_by_a_handler_is_exported_still_unless_it_has_a_modifier(tmp_path, kind, modifier, animated):
    thing = object_with()
    if modifier:
        thing.modifiers.new("none", "DISPLACE").strength = 0.0

    def play(scene, _):
        rewrite(thing.data, float(scene.frame_current))

    bpy.app.handlers.frame_change_post.append(play)
    bpy.context.scene.frame_set(1)
    export(tmp_path / f"out.{kind}", kind)
    count, found = heights(tmp_path / f"out.{kind}", kind)
    assert count == 1
    assert (found == [1, 2, 3, 4]) == animated
    assert (len(set(found)) > 1) == animated


@pytest.mark.parametrize(
    ("domain", "kind", "survives"),
    [
        ("CORNER", "BYTE_COLOR", True),
        ("POINT", "BYTE_COLOR", False),
        ("CORNER", "FLOAT_COLOR", False),
        ("POINT", "FLOAT_COLOR", False),
    ],
)
def test_blender_writes_only_byte_colours_per_corner_to_alembic(tmp_path, domain, kind, survives):
    thing = object_with()
    rewrite(thing.data, 0)
    layer = thing.data.color_attributes.new("tint", kind, domain)
    for item in layer.data:
        item.color = (1, 0, 0, 1)
    export(tmp_path / "out.abc", "abc")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.alembic_import(filepath=str(tmp_path / "out.abc"))
    (copy,) = meshes().values()
    assert bool(copy.data.color_attributes) == survives


def test_a_usd_written_on_to_alembic_stays_one_animated_object_and_loses_its_colours(exports, expected, tmp_path):
    set_rate(*expected["varying"]["fps"])
    bpy.ops.wm.usd_import(filepath=str(exports / "varying.usdc"))
    assert shape_at(meshes()["person01"], 1001)["colours"] is not None
    bpy.ops.wm.alembic_export(filepath=str(tmp_path / "copy.abc"), start=1001, end=1005, vcolors=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    set_rate(*expected["varying"]["fps"])
    bpy.ops.wm.alembic_import(filepath=str(tmp_path / "copy.abc"))
    (copy,) = meshes().values()
    for position, frame in enumerate(range(1001, 1006)):
        found = shape_at(copy, frame)
        np.testing.assert_allclose(found["vertices"], expected("varying", "person01", position)["vertices"], atol=1e-5)
        assert found["colours"] is None
