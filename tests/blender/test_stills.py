"""Files of one frame, and of constant topology, in real Blender."""

import bpy
import numpy as np
import pytest
from scenes import meshes, set_rate, shape_at

STILL_SCENES = ["patch", "two_people"]


def linear(colours):
    c = colours / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def each_file(expected, scene, suffix):
    files = expected[scene]["per_frame"][suffix]
    assert len(files) == sum(len(frames) for frames in expected[scene]["people"].values())
    return [(entry["file"], expected(scene, entry["person"], entry["position"])) for entry in files]


def only_shape():
    (thing,) = meshes().values()
    return shape_at(thing, 1)


@pytest.mark.parametrize("scene", STILL_SCENES)
def test_a_ply_opens_with_default_settings_where_it_was(exports, expected, scene):
    for name, mesh in each_file(expected, scene, ".ply"):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        assert bpy.ops.wm.ply_import(filepath=str(exports / name)) == {"FINISHED"}
        found = only_shape()
        np.testing.assert_allclose(found["vertices"], mesh["vertices"], rtol=0, atol=1e-5)
        np.testing.assert_array_equal(found["counts"], mesh["counts"])
        np.testing.assert_array_equal(found["corners"], mesh["corners"])
        np.testing.assert_allclose(found["uv"], mesh["uv"][mesh["corners"]], rtol=0, atol=1e-6)
        assert found["domain"] == "POINT"
        np.testing.assert_allclose(found["srgb"][:, :3] * 255, mesh["colours"], rtol=0, atol=0.5)


@pytest.mark.parametrize("scene", STILL_SCENES)
def test_an_obj_opens_with_default_settings_where_it_was(exports, expected, scene):
    for name, mesh in each_file(expected, scene, ".obj"):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        assert bpy.ops.wm.obj_import(filepath=str(exports / name)) == {"FINISHED"}
        found = only_shape()
        np.testing.assert_allclose(found["vertices"], mesh["vertices"], rtol=0, atol=1e-5)
        np.testing.assert_array_equal(found["counts"], mesh["counts"])
        np.testing.assert_array_equal(found["corners"], mesh["corners"])
        np.testing.assert_allclose(found["uv"], mesh["uv"][mesh["corners"]], rtol=0, atol=1e-5)
        assert found["domain"] == "POINT"
        np.testing.assert_allclose(found["srgb"][:, :3] * 255, mesh["colours"], rtol=0, atol=0.5)


def open_glb(path):
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    assert bpy.ops.import_scene.gltf(filepath=str(path), merge_vertices=False) == {"FINISHED"}


def triangles(mesh):
    """Corners of the expected faces with quads split as a, b, c and a, c, d."""
    parts = np.split(mesh["corners"], np.cumsum(mesh["counts"])[:-1])
    return [(p[0], p[k], p[k + 1]) for p in parts for k in range(1, len(p) - 1)]


@pytest.mark.parametrize("scene", STILL_SCENES)
def test_a_glb_of_one_frame_stands_where_it_was(exports, expected, scene):
    for name, mesh in each_file(expected, scene, ".glb"):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        open_glb(exports / name)
        found = only_shape()
        corners = np.array(triangles(mesh)).ravel()
        np.testing.assert_allclose(found["vertices"][found["corners"]], mesh["vertices"][corners], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found["uv"], mesh["uv"][corners], rtol=0, atol=1e-5)
        per_corner = found["colours"] if found["domain"] == "CORNER" else found["colours"][found["corners"]]
        np.testing.assert_allclose(per_corner[:, :3], linear(mesh["colours"])[corners], rtol=0, atol=2e-3)


@pytest.mark.parametrize("scene", ["constant", "line_constant"])
def test_a_glb_of_constant_topology_is_one_object_that_is_right_on_every_frame(exports, expected, scene):
    set_rate(*expected[scene]["fps"])
    open_glb(exports / f"{scene}.glb")
    (thing,) = meshes().values()
    frames = expected[scene]["people"]["person01"]
    corners = np.array(triangles(expected(scene, "person01", 0))).ravel()
    assert len(thing.data.shape_keys.key_blocks) == 1 + len(frames) - 1
    for position in range(len(frames)):
        mesh = expected(scene, "person01", position)
        found = shape_at(thing, position)  # glTF counts from zero seconds, Blender from frame 0
        np.testing.assert_allclose(found["vertices"][found["corners"]], mesh["vertices"][corners], rtol=0, atol=1e-5)


@pytest.mark.parametrize("scene", ["constant", "line_constant"])
def test_a_pc2_moves_its_base_mesh_on_every_frame(exports, expected, scene):
    bpy.ops.wm.ply_import(filepath=str(exports / f"{scene}.ply"))
    (thing,) = meshes().values()
    cache = thing.modifiers.new("cache", "MESH_CACHE")
    cache.cache_format, cache.filepath = "PC2", str(exports / f"{scene}.pc2")
    cache.frame_start = 1
    for position, frame in enumerate(expected[scene]["people"]["person01"]):
        mesh = expected(scene, "person01", position)
        np.testing.assert_allclose(shape_at(thing, frame)["vertices"], mesh["vertices"], rtol=0, atol=1e-5)
