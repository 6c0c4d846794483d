"""Animated files in real Blender: one object per person, and on every frame what was exported."""

import bpy
import numpy as np
import pytest
from scenes import meshes, render, set_rate, shape_at

CONSTANT_RATE = ["varying", "constant", "two_people", "empty_between", "ntsc", "line", "line_constant"]


def open_usd(exports, scene, expected):
    set_rate(*expected[scene]["fps"])
    assert bpy.ops.wm.usd_import(filepath=str(exports / f"{scene}.usdc")) == {"FINISHED"}


def open_abc(exports, scene, expected):
    set_rate(*expected[scene]["fps"])
    assert bpy.ops.wm.alembic_import(filepath=str(exports / f"{scene}.abc")) == {"FINISHED"}


OPEN = {".usdc": open_usd, ".abc": open_abc}


def check_shape(found, mesh):
    np.testing.assert_allclose(found["vertices"], mesh["vertices"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found["counts"], mesh["counts"])
    np.testing.assert_array_equal(found["corners"], mesh["corners"])
    np.testing.assert_allclose(found["uv"], mesh["uv"][mesh["corners"]], rtol=0, atol=1e-6)


def linear(colours):
    c = colours / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def check_usd_colours(found, mesh):
    assert (found["domain"], found["kind"]) == ("POINT", "FLOAT_COLOR")
    np.testing.assert_allclose(found["colours"][:, :3], linear(mesh["colours"]), rtol=0, atol=1e-6)


def check_abc_colours(found, mesh):
    """Alembic's colours arrive as bytes per corner, the same bytes that went in."""
    assert (found["domain"], found["kind"]) == ("CORNER", "BYTE_COLOR")
    np.testing.assert_array_equal(np.rint(found["srgb"][:, :3] * 255), mesh["colours"][mesh["corners"]])


CHECK_COLOURS = {".usdc": check_usd_colours, ".abc": check_abc_colours}


@pytest.mark.parametrize("scene", CONSTANT_RATE)
@pytest.mark.parametrize("suffix", OPEN)
def test_each_person_is_one_object_that_is_right_on_every_frame(exports, expected, suffix, scene):
    OPEN[suffix](exports, scene, expected)
    people = expected[scene]["people"]
    assert sorted(meshes()) == sorted(people)
    frames = sorted({frame for numbers in people.values() for frame in numbers})
    timeline = bpy.context.scene
    assert (timeline.frame_start, timeline.frame_end) == (frames[0], frames[-1])
    for person, numbers in people.items():
        for frame in [*frames, *reversed(frames)]:
            found = shape_at(meshes()[person], frame)
            if frame not in numbers:
                assert len(found["vertices"]) == 0
                continue
            mesh = expected(scene, person, numbers.index(frame))
            assert len(found["vertices"]) == len(mesh["vertices"])
            if len(mesh["vertices"]):
                check_shape(found, mesh)
                CHECK_COLOURS[suffix](found, mesh)


@pytest.mark.parametrize("suffix", OPEN)
def test_faces_and_normals_look_at_the_camera(exports, expected, suffix):
    OPEN[suffix](exports, "patch", expected)
    found = shape_at(meshes()["person01"], 1)
    assert (np.einsum("fk,fk->f", found["face_normals"], found["centres"]) < 0).all()
    mesh = expected("patch", "person01", 0)
    cosines = np.einsum("ck,ck->c", found["normals"], mesh["normals"][mesh["corners"]])
    assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < 0.1


@pytest.mark.parametrize("suffix", OPEN)
def test_uneven_times_show_each_mesh_at_its_time(exports, expected, suffix):
    OPEN[suffix](exports, "irregular", expected)
    # Frame 10 at 1.5 s, then 0.0625, 0.25 and 0.75 s later, at 25 frames a second.
    for position, frame in enumerate((10, 11.5625, 16.25, 28.75)):
        check_shape(shape_at(meshes()["person01"], frame), expected("irregular", "person01", position))


@pytest.mark.parametrize("suffix", OPEN)
def test_transforms_are_the_identity(exports, expected, suffix):
    OPEN[suffix](exports, "varying", expected)
    (thing,) = meshes().values()
    np.testing.assert_allclose(np.array(thing.matrix_world), np.eye(4), atol=1e-6)


def test_usd_leaves_the_scene_at_its_own_rate_and_still_shows_the_right_frames(exports, expected):
    """Neither importer sets the rate of the scene; whoever imports has to."""
    assert bpy.ops.wm.usd_import(filepath=str(exports / "ntsc.usdc")) == {"FINISHED"}
    assert bpy.context.scene.render.fps == 24
    check_shape(shape_at(meshes()["person01"], 1004), expected("ntsc", "person01", 3))


def test_alembic_in_a_scene_of_another_rate_lands_on_other_frames(exports, expected):
    """Alembic holds seconds: frame 1004 of 29.97 a second is frame 804 of 24."""
    assert bpy.ops.wm.alembic_import(filepath=str(exports / "ntsc.abc")) == {"FINISHED"}
    assert bpy.context.scene.frame_start == pytest.approx(1001 * 24 * 1001 / 30000, abs=1)
    assert bpy.context.scene.frame_end < 1001
    check_shape(shape_at(meshes()["person01"], 1004 * 24 * 1001 / 30000), expected("ntsc", "person01", 3))


def test_vertex_colours_are_the_material_of_a_usd_without_pictures(exports, expected):
    open_usd(exports, "varying", expected)
    (material,) = meshes()["person01"].data.materials
    (link,) = material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links
    assert link.from_node.attribute_name == "displayColor"


def test_a_picture_per_frame_plays_once_the_image_is_told_to_be_a_sequence(exports, expected, tmp_path):
    """Blender takes the first picture only; its name carries the number, so the others are found by theirs."""
    open_usd(exports, "textured", expected)
    (material,) = meshes()["person01"].data.materials
    nodes, links = material.node_tree.nodes, material.node_tree.links
    (link,) = nodes["Principled BSDF"].inputs["Base Color"].links
    picture = link.from_node
    assert picture.image.filepath.endswith("frame 0000.png")
    assert (picture.image.source, picture.image.colorspace_settings.name) == ("FILE", "sRGB")
    glow = nodes.new("ShaderNodeEmission")  # shows the picture's own bytes, whatever the light
    links.new(picture.outputs["Color"], glow.inputs["Color"])
    links.new(glow.outputs["Emission"], nodes["Material Output"].inputs["Surface"])
    middle = (34, 38)  # row and column inside the first triangle, whose UV lies in the lower left quadrant
    assert render(64, 48, tmp_path, frame=2)[middle].tolist() == [10, 10, 250, 255]
    picture.image.source = "SEQUENCE"
    user = picture.image_user
    user.frame_start, user.frame_offset, user.frame_duration = 1, -1, 3
    user.use_auto_refresh = True
    blue = [int(render(64, 48, tmp_path, frame=frame)[middle][2]) for frame in (1, 2, 3)]
    assert blue == [250, 242, 234]
