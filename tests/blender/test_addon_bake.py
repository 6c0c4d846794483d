"""Bakes: plain meshes that look as the human did, in files that know nothing of the add-on."""

import math
import shutil

import bpy
import numpy as np
import pytest
from addon_outputs import (
    add_bank,
    choose,
    faces_shown,
    in_a_process_without_the_add_on,
    opened,
    refused,
    shapes,
    undone,
    varying_run,
)
from addon_scene import NUM_FRAMES, holds, notice
from addon_zip import enable, part
from scenes import render, shape_at

__all__ = ["varying_run"]
FRAMES = range(1, NUM_FRAMES + 1)
SUMS = "found['sums'] = [float(shape_at(bpy.data.objects['{name}'], f)['vertices'].sum()) for f in range(1, 9)]"
SIDE = 96


@pytest.fixture(autouse=True)
def parts(addon):
    """Every test needs the add-on."""


def baked(operator, **words):
    """Call a bake; the new object."""
    assert operator(**words) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def seen(folder, frame):
    """A picture through the run's camera."""
    scene = bpy.context.scene
    if not [thing for thing in scene.objects if thing.type == "CAMERA"]:
        part("scene.camera").add_camera(opened(folder["run"]))
    return render(SIDE, SIDE * 16 // 9, folder["out"], frame=frame)


class TestShapeKeys:
    def test_every_frame_is_the_banks_surface(self, varying_run):
        human = add_bank(varying_run)
        wanted = [faces_shown(one) for one in shapes(human, FRAMES)]
        thing = baked(bpy.ops.hd_human.bake_shape_keys)
        assert thing != human
        assert thing.modifiers[:] == []
        for frame, faces in zip(FRAMES, wanted, strict=True):
            np.testing.assert_allclose(faces_shown(shape_at(thing, frame)), faces, rtol=0, atol=1)

    def test_absent_cells_are_points_and_no_face_bridges_a_gap(self, varying_run):
        human = add_bank(varying_run)
        longest = [edges(shape_at(human, frame)).max() for frame in FRAMES]
        thing = baked(bpy.ops.hd_human.bake_shape_keys)
        for frame, longest_edge in zip(FRAMES, longest, strict=True):
            found = shape_at(thing, frame)
            assert edges(found).max() <= longest_edge + 1e-5
            points = edges(found).max(axis=1) < 1e-6  # keys are sums, good to single precision
            assert points.sum() == len(thing.data.polygons) - len(faces_shown(found))
            assert 0 < points.sum() < len(points)

    def test_it_looks_the_same_through_the_camera(self, varying_run, tmp_path):
        """The video, as filmed, on every pixel; the pictures change with the frame."""
        add_bank(varying_run)
        folder = {"run": varying_run, "out": tmp_path}
        wanted = [seen(folder, frame).astype(int) for frame in (1, NUM_FRAMES)]
        baked(bpy.ops.hd_human.bake_shape_keys)
        for frame, picture in zip((1, NUM_FRAMES), wanted, strict=True):
            found = seen(folder, frame).astype(int)
            assert (picture[..., 3] > 127).mean() > 0.05
            differs = np.abs(found - picture).max(axis=-1)
            assert (differs > 8).mean() < 0.002
        assert np.abs(wanted[0] - wanted[1]).max() > 50

    def test_it_plays_in_a_process_without_the_add_on_and_without_the_run(self, varying_run, tmp_path):
        human = add_bank(varying_run)
        thing = baked(bpy.ops.hd_human.bake_shape_keys)
        wanted = [float(one["vertices"].sum()) for one in shapes(thing, FRAMES)]
        bpy.data.objects.remove(human)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
        code = SUMS.format(name=thing.name)
        found = in_a_process_without_the_add_on(tmp_path / "scene.blend", code, tmp_path)
        assert found["sums"] == pytest.approx(wanted)
        assert len(set(wanted)) == NUM_FRAMES

    def test_nothing_of_it_depends_on_the_human(self, varying_run):
        human = add_bank(varying_run)
        thing = baked(bpy.ops.hd_human.bake_shape_keys)
        tree = thing.data.materials[0].node_tree
        assert not tree.animation_data or not tree.animation_data.drivers
        users = bpy.data.user_map(subset={human})[human]
        assert {one for one in users if isinstance(one, bpy.types.Material)} <= {human.data.materials[0]}

    def test_a_retimed_human_is_baked_as_it_plays(self, varying_run):
        human = add_bank(varying_run)
        nodes = part("scene.nodes")
        nodes.set_knob(nodes.player_of(human), "Speed", 0.5)
        wanted = [faces_shown(one) for one in shapes(human, range(1, 17))]
        thing = baked(bpy.ops.hd_human.bake_shape_keys)
        assert len(thing.data.shape_keys.key_blocks) == 16
        for frame in (1, 2, 3, 16):
            np.testing.assert_allclose(faces_shown(shape_at(thing, frame)), wanted[frame - 1], rtol=0, atol=1)
        for frame in (1, 2, 3, 4, 16):
            bpy.context.scene.frame_set(frame)
            (picture,) = pictures(thing, "frame.")
            user = picture.image_user
            step = min(max(frame - user.frame_start + 1, 1), user.frame_duration)
            assert step + user.frame_offset == (frame + 1) // 2

    def test_the_human_is_hidden_unless_it_shall_stay(self, varying_run):
        human = add_bank(varying_run)
        thing = baked(bpy.ops.hd_human.bake_shape_keys, hide_original=False)
        assert (human.hide_get(), human.hide_render) == (False, False)
        choose(human)
        bpy.data.objects.remove(thing)
        baked(bpy.ops.hd_human.bake_shape_keys)
        assert (human.hide_get(), human.hide_render) == (True, True)
        assert notice()[:2] == ("INFO", "Baked 8 frames to shape keys.")

    def test_too_long_a_clip_is_refused(self, varying_run, monkeypatch):
        monkeypatch.setattr(part("scene.keys"), "MAX_FRAMES", NUM_FRAMES - 1)
        add_bank(varying_run)
        assert "Shape keys are for short clips" in refused(bpy.ops.hd_human.bake_shape_keys)

    def test_faces_without_a_grid_are_refused(self, varying_run):
        bpy.ops.hd_human.add_cache(directory=str(varying_run), kind="USD")
        assert "no grid lies behind them" in refused(bpy.ops.hd_human.bake_shape_keys)

    def test_a_thick_human_is_refused(self, varying_run):
        human = add_bank(varying_run)
        nodes = part("scene.nodes")
        nodes.set_knob(nodes.player_of(human), "Thickness", 0.1)
        assert "Set its thickness to 0" in refused(bpy.ops.hd_human.bake_shape_keys)

    def test_an_error_half_way_leaves_the_scene_as_it_was(self, varying_run, monkeypatch):
        add_bank(varying_run)

        def fail(*_):
            raise part("records").RunError("Half way.", "Nothing to do.")

        monkeypatch.setattr(part("scene.bake"), "mark_frames", fail)
        assert refused(bpy.ops.hd_human.bake_shape_keys) == "Half way. Nothing to do."


class TestTopology:
    """The union of all frames' cells, on grids made by hand."""

    def plan(self, frames):
        quads = grid_quads(*frames[0].shape)
        planner = part("scene.constant").Planner(quads)
        for frame in frames:
            planner.see(frame.ravel())
        return quads, planner.plan()

    def frames(self):
        """A disc that wanders, an island that blinks beside it and one far away, and an empty frame."""
        y, x = np.mgrid[:20, :24]
        found = []
        for step in range(6):
            frame = (y - 10) ** 2 + (x - 6 - 2 * step) ** 2 < 20
            frame |= (y < 3) & (x < 3) & (step % 2 == 0)
            frame |= (y > 16) & (x > 20)
            found.append(frame)
        return [*found, np.zeros_like(found[0])]

    def test_cells_that_are_there_have_their_own_corners_and_others_are_a_point_of_what_is_there(self):
        frames = self.frames()
        quads, topology = self.plan(frames)
        for frame in frames[:-1]:
            there = frame.ravel()
            source = topology.sources(there)
            corners = source[topology.faces]
            shown = there[topology.cells]
            np.testing.assert_array_equal(corners[shown], topology.quads[shown])
            assert (corners[~shown] == corners[~shown][:, :1]).all()
            assert np.isin(source, quads[there]).all()
        assert (topology.sources(frames[-1].ravel()) == part("scene.constant").ABSENT).all()

    def test_only_cells_beside_a_gap_have_corners_of_their_own(self):
        frames = self.frames()
        _, topology = self.plan(frames)
        assert len(topology.cells) == np.any(frames, axis=0).sum()
        assert 0 < topology.own.sum() < len(topology.cells)
        still = np.ones((4, 5), bool)
        _, alone = self.plan([still, still])
        assert not alone.own.any()
        assert len(alone.vertex) == 5 * 6

    def test_a_cell_shrinks_to_the_nearest_of_a_straight_edge(self):
        wide, narrow = np.ones((3, 8), bool), np.zeros((3, 8), bool)
        narrow[:, :4] = True
        _, topology = self.plan([wide, narrow])
        corners = topology.sources(narrow.ravel())[topology.faces]
        column = corners[~narrow.ravel()] % 9
        assert (column == 4).all()


def grid_quads(height, width):
    index = np.arange((height + 1) * (width + 1)).reshape(height + 1, width + 1)
    corners = (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:])
    return np.stack(corners, axis=-1).reshape(-1, 4)


class TestMesh:
    def test_it_is_the_frame_with_all_its_attributes(self, varying_run):
        human = add_bank(varying_run)
        wanted = shape_at(human, 5)
        thing = baked(bpy.ops.hd_human.bake_mesh)
        assert thing.modifiers[:] == []
        assert thing.data.shape_keys is None
        for frame in (5, 1):
            found = shape_at(thing, frame)
            np.testing.assert_array_equal(found["vertices"], wanted["vertices"])
            np.testing.assert_array_equal(found["corners"], wanted["corners"])
            np.testing.assert_array_equal(found["uv"], wanted["uv"])
        assert {"UVMap", "crop"} <= set(thing.data.uv_layers.keys())

    def test_it_stands_where_the_human_stands(self, varying_run):
        human = add_bank(varying_run)
        human.location, human.rotation_euler = (1, 2, 3), (0, 0, 1)
        wanted = shape_at(human, 2)["vertices"]
        thing = baked(bpy.ops.hd_human.bake_mesh)
        np.testing.assert_allclose(shape_at(thing, 2)["vertices"], wanted, rtol=0, atol=1e-6)
        assert thing.users_collection == human.users_collection

    def test_it_looks_as_that_frame_in_every_frame(self, varying_run, tmp_path):
        add_bank(varying_run)
        folder = {"run": varying_run, "out": tmp_path}
        wanted = seen(folder, 5).astype(int)
        thing = baked(bpy.ops.hd_human.bake_mesh)
        assert [node.image.source for node in pictures(thing)] == ["FILE", "FILE"]
        assert np.abs(seen(folder, 1).astype(int) - wanted).max() <= 1

    def test_a_frame_without_the_person_is_refused(self, varying_run):
        human = add_bank(varying_run)
        nodes = part("scene.nodes")
        nodes.set_knob(nodes.player_of(human), "Hold Ends", value=False)
        bpy.context.scene.frame_set(99)
        assert "shows nothing in frame 99" in refused(bpy.ops.hd_human.bake_mesh)

    def test_a_missing_picture_is_an_error_that_names_it(self, varying_run, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(varying_run, folder)
        add_bank(folder)
        bpy.context.scene.frame_set(3)
        (folder / "textures" / "frame.0003.jpg").unlink()
        assert "frame.0003.jpg" in refused(bpy.ops.hd_human.bake_mesh)


class TestNormalMap:
    def test_in_object_space_it_is_the_runs_picture_with_its_channels_exchanged(self, varying_run):
        add_bank(varying_run)
        bpy.context.scene.frame_set(4)
        thing = baked(bpy.ops.hd_human.bake_normal_map)
        (node,) = (one for one in pictures(thing) if one.label == "Baked normal map")
        found = pixels(node.image)
        wanted = pixels(bpy.data.images.load(str(varying_run / "textures" / "normals.person01.0004.png")))
        np.testing.assert_allclose(found[..., 0], wanted[..., 0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(found[..., 1], 1 - wanted[..., 2], rtol=0, atol=0.5 / 255)
        np.testing.assert_allclose(found[..., 2], wanted[..., 1], rtol=0, atol=1e-6)
        assert node.image.packed_file
        assert node.image.colorspace_settings.name == "Non-Color"

    def test_its_normals_are_those_of_the_human(self, varying_run, tmp_path):
        """Lit by one lamp, the human and the baked mesh give the same picture."""
        human = add_bank(varying_run)
        bpy.context.scene.frame_set(4)
        (group,) = (one for one in human.data.materials[0].node_tree.nodes if one.bl_idname == "ShaderNodeGroup")
        group.inputs["As Filmed"].default_value = 0.0
        lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "SUN"))
        lamp.rotation_euler = (1.0, 0, 0.5)
        bpy.context.scene.collection.objects.link(lamp)
        folder = {"run": varying_run, "out": tmp_path}
        wanted = seen(folder, 4).astype(int)
        for space in ("OBJECT", "TANGENT"):
            choose(human)
            human.hide_render = False
            human.hide_set(state=False)
            thing = baked(bpy.ops.hd_human.bake_normal_map, space=space)
            found = seen(folder, 4).astype(int)
            inside = (wanted[..., 3] > 127) & (found[..., 3] > 127)
            error = np.abs(found - wanted).max(axis=-1)[inside]
            assert inside.mean() > 0.05
            assert np.median(error) <= 2
            assert np.quantile(error, 0.9) <= 12
            bpy.data.objects.remove(thing)

    @pytest.mark.parametrize("tilt", [0.0, 0.6])
    def test_a_tangent_map_of_a_flat_wall_is_the_normal_that_was_given(self, tmp_path, tilt):
        """On a wall that faces the viewer, right, up and towards the viewer are tangent, bitangent and normal."""
        thing = wall(tmp_path, (tilt, 0.0, math.sqrt(1 - tilt**2)))
        choose(thing)
        made = baked(bpy.ops.hd_human.bake_normal_map, space="TANGENT")
        (node,) = (one for one in pictures(made) if one.label == "Baked normal map")
        middle = pixels(node.image)[16, 16, :3]
        np.testing.assert_allclose(middle, (0.5 + tilt / 2, 0.5, 0.5 + math.sqrt(1 - tilt**2) / 2), rtol=0, atol=0.012)

    def test_a_tangent_map_without_a_normal_map_is_refused(self, varying_run):
        run = opened(varying_run)
        (human,) = part("scene.human").add_human(run, normal_map=False)
        choose(human)
        assert "would be flat" in refused(bpy.ops.hd_human.bake_normal_map, space="TANGENT")

    def test_without_a_normal_map_object_space_has_the_geometrys(self, varying_run):
        (human,) = part("scene.human").add_human(opened(varying_run), normal_map=False)
        choose(human)
        thing = baked(bpy.ops.hd_human.bake_normal_map, size=128)
        (node,) = (one for one in pictures(thing) if one.label == "Baked normal map")
        values = pixels(node.image)[..., :3] * 2 - 1
        lengths = np.linalg.norm(values, axis=-1)
        covered = lengths > 0.9
        assert covered.mean() > 0.1
        assert (values[covered][:, 1] < 0).mean() > 0.95  # towards the camera, which looks along +y
        assert tuple(node.image.size) == (128, 128)

    def test_beside_an_unsaved_file_there_is_no_place(self, varying_run):
        add_bank(varying_run)
        assert "Save it" in refused(bpy.ops.hd_human.bake_normal_map, keep="FILE")

    def test_beside_the_file_it_is_a_picture_with_a_relative_path(self, varying_run, tmp_path):
        add_bank(varying_run)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
        thing = baked(bpy.ops.hd_human.bake_normal_map, keep="FILE")
        (node,) = (one for one in pictures(thing) if one.label == "Baked normal map")
        assert node.image.filepath.startswith("//")
        assert (tmp_path / node.image.filepath[2:]).is_file()
        assert not node.image.packed_file


@pytest.mark.parametrize("name", ["bake_shape_keys", "bake_mesh", "bake_normal_map"])
class TestAnyBake:
    def test_without_a_human_it_says_so(self, name):
        assert refused(getattr(bpy.ops.hd_human, name)).startswith("No human is selected.")

    def test_only_what_was_asked_for_is_added(self, varying_run, name):
        human = add_bank(varying_run)
        before = holds()
        thing = baked(getattr(bpy.ops.hd_human, name), hide_original=False)
        after = holds()
        assert set(after["objects"]) - set(before["objects"]) == {thing.name}
        assert len(after["meshes"]) == len(before["meshes"]) + 1
        for kind in ("scenes", "node_groups", "collections", "cache_files", "cameras", "worlds"):
            assert after[kind] == before[kind]
        assert after["settings"] == before["settings"]
        assert thing.select_get()
        assert not human.select_get()

    def test_it_can_be_undone_in_one_step(self, varying_run, name):
        add_bank(varying_run)
        assert undone(getattr(bpy.ops.hd_human, name)) == {"objects", "meshes", "materials"}

    def test_a_linked_human_can_be_baked(self, varying_run, tmp_path, name):
        add_bank(varying_run)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        enable()
        with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (source, linked):
            linked.objects = [next(one for one in source.objects if one.endswith("person01"))]
        (human,) = linked.objects
        bpy.context.scene.collection.objects.link(human)
        choose(human)
        bpy.context.scene.frame_set(2)
        wanted = len(faces_shown(shape_at(human, 2)))
        thing = baked(getattr(bpy.ops.hd_human, name))
        assert thing.library is None
        assert len(faces_shown(shape_at(thing, 2))) == wanted


def pictures(thing, start=""):
    """Nodes of its material that show a picture."""
    nodes = thing.data.materials[0].node_tree.nodes
    return [
        node
        for node in nodes
        if node.bl_idname == "ShaderNodeTexImage" and node.image and node.image.name.startswith(start)
    ]


def pixels(image):
    values = np.array(image.pixels, np.float32)
    return values.reshape(image.size[1], image.size[0], 4)


def edges(found):
    """Lengths of the four sides of every face, (f, 4)."""
    corners = found["vertices"][found["corners"]].reshape(-1, 4, 3)
    return np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)


def wall(folder, normal):
    """A square that faces the viewer, shaded with one normal; right, up, towards the viewer."""
    image = bpy.data.images.new("given", 32, 32, is_data=True)
    colour = np.array([*(np.array(normal) / 2 + 0.5), 1], np.float32)
    image.pixels.foreach_set(np.tile(colour, 32 * 32))
    image.filepath_raw, image.file_format = str(folder / "normals.person01.0001.png"), "PNG"
    image.save()
    image.colorspace_settings.name = "Non-Color"
    mesh = bpy.data.meshes.new("wall")
    mesh.from_pydata([(0, 1, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1)], [], [(0, 1, 2, 3)])
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32))
    material = bpy.data.materials.new("wall")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    formula = part("scene.node_tree").Formula(tree)
    picture = formula.node("ShaderNodeTexImage")
    picture.image = image
    turned = part("scene.material")._object_normal(formula, picture.outputs["Color"])
    surface = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    tree.links.new(turned, surface.inputs["Normal"])
    mesh.materials.append(material)
    thing = bpy.data.objects.new("wall", mesh)
    thing["hd_human_run"] = str(folder)
    bpy.context.scene.collection.objects.link(thing)
    return thing
