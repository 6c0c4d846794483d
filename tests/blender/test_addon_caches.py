"""Runs played by a USD file, a PC2 file and shape keys: what the core wrote, on every frame, and clear words if not."""

import shutil

import bpy
import numpy as np
import pytest
from addon_outputs import (
    add_bank,
    constant_run,
    faces_shown,
    in_a_process_without_the_add_on,
    meshes_of,
    opened,
    refused,
    shapes,
    undone,
    varying_run,
)
from addon_scene import NUM_FRAMES, holds, notice, real_core
from addon_zip import MODULE, part
from scenes import shape_at

__all__ = ["constant_run", "varying_run"]
FRAMES = range(1, NUM_FRAMES + 1)
SUMS = "found['sums'] = [float(shape_at(bpy.data.objects['{name}'], f)['vertices'].sum()) for f in range(1, 9)]"


@pytest.fixture(autouse=True)
def parts(addon):
    """Every test needs the add-on, and no core unless it names one."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.core = "/nowhere/hd-core"


def add(folder, kind):
    """Through the operator, as a script does."""
    assert bpy.ops.hd_human.add_cache(directory=str(folder), kind=kind) == {"FINISHED"}
    thing = bpy.context.view_layer.objects.active
    assert thing.select_get()
    return thing


def check_against_the_core(thing, run, *, within):
    for frame, (vertices, faces, _) in zip(FRAMES, meshes_of(run), strict=True):
        found = shape_at(thing, frame)
        np.testing.assert_allclose(found["vertices"], vertices, rtol=0, atol=within)
        np.testing.assert_array_equal(found["corners"], faces[faces >= 0])


class TestUsd:
    def test_every_frame_is_the_cores_mesh_in_one_object(self, varying_run):
        thing = add(varying_run, "USD")
        meshes = [one for one in bpy.context.scene.objects if one.type == "MESH"]
        assert meshes == [thing]
        assert thing.parent is None
        check_against_the_core(thing, opened(varying_run), within=1e-6)

    def test_the_scene_has_the_clips_rate_and_range(self, varying_run):
        bpy.context.scene.render.fps = 60
        add(varying_run, "USD")
        scene = bpy.context.scene
        assert (scene.render.fps, scene.render.fps_base) == opened(varying_run).fps == (30, 1)
        assert (scene.frame_start, scene.frame_end) == (1, NUM_FRAMES)

    def test_nothing_but_the_person_is_left_of_the_import(self, varying_run):
        before = holds()
        thing = add(varying_run, "USD")
        after = holds()
        assert set(after["objects"]) - set(before["objects"]) == {thing.name}
        assert after["scenes"] == before["scenes"]
        assert len(after["cache_files"]) == 1
        assert after["cameras"] == before["cameras"]
        assert len(after["materials"]) == len(before["materials"]) + 1

    def test_the_video_plays_on_it_frame_by_frame(self, varying_run):
        thing = add(varying_run, "USD")
        nodes = thing.data.materials[0].node_tree.nodes
        (picture,) = (node for node in nodes if node.bl_idname == "ShaderNodeTexImage")
        assert picture.image.source == "SEQUENCE"
        assert picture.image.filepath == str(varying_run / "textures" / "frame.0001.jpg")
        user = picture.image_user
        assert (user.frame_start, user.frame_duration, user.frame_offset) == (1, NUM_FRAMES, 0)
        assert user.use_auto_refresh
        assert picture.inputs["Vector"].links[0].from_node.uv_map in thing.data.uv_layers

    def test_paths_are_relative_in_a_saved_file(self, varying_run, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(varying_run, folder)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
        add(folder, "USD")
        assert [cache.filepath for cache in bpy.data.cache_files] == ["//run/export/dancer.usdc"]
        assert [image.filepath for image in bpy.data.images if image.source == "SEQUENCE"] == [
            "//run/textures/frame.0001.jpg"
        ]

    def test_without_the_file_and_without_the_core_it_says_how_to_write_it(self, varying_run, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(varying_run, folder)
        shutil.rmtree(folder / "export")
        told = refused(bpy.ops.hd_human.add_cache, directory=str(folder), kind="USD")
        assert f"hd-core export {folder} --formats usdc" in told
        assert notice()[0] == "ERROR"

    def test_with_the_core_the_missing_file_is_written_first(self, varying_run, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(varying_run, folder)
        shutil.rmtree(folder / "export")
        (folder / "export.json").unlink()
        bpy.context.preferences.addons[MODULE].preferences.core = real_core()
        thing = add(folder, "USD")
        check_against_the_core(thing, opened(folder), within=1e-6)

    def test_a_file_of_other_people_is_refused(self, varying_run, exports, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(varying_run, folder)
        shutil.copy(exports / "ball_landscape.usdc", folder / "export" / "dancer.usdc")
        (folder / "export" / "dancer.usdc").write_bytes((exports / "ball_landscape.usdc").read_bytes())
        shutil.move(folder / "person01", folder / "person02")
        told = refused(bpy.ops.hd_human.add_cache, directory=str(folder), kind="USD")
        assert "does not hold person02" in told


class TestPc2:
    def test_every_frame_is_the_cores_mesh(self, constant_run):
        thing = add(constant_run, "PC2")
        assert [one.type for one in thing.modifiers] == ["MESH_CACHE"]
        check_against_the_core(thing, opened(constant_run), within=1e-6)

    def test_it_carries_uv_and_colours(self, constant_run):
        thing = add(constant_run, "PC2")
        run = opened(constant_run)
        arrays, _ = part("records").read_record(run.mesh_path(1, 0))
        found = shape_at(thing, 1)
        np.testing.assert_allclose(found["uv"], np.asarray(arrays["uv"])[found["corners"]], rtol=0, atol=1e-6)
        np.testing.assert_allclose(found["srgb"][:, :3] * 255, np.asarray(arrays["colours"]), rtol=0, atol=0.01)

    def test_a_run_of_changing_faces_says_what_to_do(self, varying_run):
        told = refused(bpy.ops.hd_human.add_cache, directory=str(varying_run), kind="PC2")
        assert "faces that change from frame to frame" in told
        assert "--topology constant" in told

    @pytest.mark.parametrize("length", [0, 20, 32, 1000])
    def test_a_damaged_cache_is_refused(self, constant_run, tmp_path, length):
        folder = tmp_path / "run"
        shutil.copytree(constant_run, folder)
        path = folder / "export" / "dancer.pc2"
        path.write_bytes(path.read_bytes()[:length])
        told = refused(bpy.ops.hd_human.add_cache, directory=str(folder), kind="PC2")
        assert told == f"{path} is no PC2 cache, or a damaged one. Export it again."

    def test_a_cache_of_another_mesh_is_refused(self, constant_run, exports, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(constant_run, folder)
        shutil.copy(exports / "constant.pc2", folder / "export" / "dancer.pc2")
        told = refused(bpy.ops.hd_human.add_cache, directory=str(folder), kind="PC2")
        assert "hd-core export RUN --formats pc2" in told

    def test_it_plays_in_a_process_without_the_add_on(self, constant_run, tmp_path):
        thing = add(constant_run, "PC2")
        wanted = [float(one["vertices"].sum()) for one in shapes(thing, FRAMES)]
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
        code = SUMS.format(name=thing.name)
        found = in_a_process_without_the_add_on(tmp_path / "scene.blend", code, tmp_path)
        assert found["sums"] == pytest.approx(wanted)
        assert len(set(wanted)) == NUM_FRAMES


class TestShapeKeys:
    def test_a_run_of_constant_faces_is_exactly_the_cores(self, constant_run):
        thing = add(constant_run, "SHAPE_KEYS")
        assert len(thing.data.shape_keys.key_blocks) == NUM_FRAMES
        check_against_the_core(thing, opened(constant_run), within=1e-6)

    def test_a_run_of_changing_faces_is_the_depth_banks_surface(self, varying_run):
        bank = add_bank(varying_run)
        wanted = [faces_shown(one) for one in shapes(bank, FRAMES)]
        thing = add(varying_run, "SHAPE_KEYS")
        assert thing != bank
        for frame, faces in zip(FRAMES, wanted, strict=True):
            np.testing.assert_allclose(faces_shown(shape_at(thing, frame)), faces, rtol=0, atol=1)

    def test_the_bank_it_was_made_of_is_gone(self, varying_run):
        before = holds()
        thing = add(varying_run, "SHAPE_KEYS")
        after = holds()
        assert set(after["objects"]) - set(before["objects"]) == {thing.name}
        assert len(after["meshes"]) == len(before["meshes"]) + 1
        assert after["node_groups"] == ["HD Human Look"]

    @pytest.mark.parametrize("run", ["constant_run", "varying_run"])
    def test_too_long_a_clip_is_refused_before_any_work(self, request, monkeypatch, run):
        folder = request.getfixturevalue(run)
        monkeypatch.setattr(part("scene.keys"), "MAX_FRAMES", NUM_FRAMES - 1)
        told = refused(bpy.ops.hd_human.add_cache, directory=str(folder), kind="SHAPE_KEYS")
        assert told.startswith(f"Shape keys are for short clips: {NUM_FRAMES} frames, and {NUM_FRAMES - 1} at most.")

    def test_the_limit_is_120_frames(self):
        keys = part("scene.keys")
        keys.check_length(120)
        with pytest.raises(part("records").RunError):
            keys.check_length(121)

    def test_a_frame_without_the_person_shows_nothing(self, constant_run, tmp_path):
        folder = tmp_path / "run"
        shutil.copytree(constant_run, folder)
        (folder / "person01" / "mesh" / "000003.safetensors").unlink()
        thing = add(folder, "SHAPE_KEYS")
        assert len(faces_shown(shape_at(thing, 4))) == 0
        assert len(faces_shown(shape_at(thing, 3))) > 1000

    def test_between_two_frames_the_first_one_stays(self, constant_run):
        thing = add(constant_run, "SHAPE_KEYS")
        for frame in (1, 4):
            np.testing.assert_allclose(
                shape_at(thing, frame + 0.75)["vertices"], shape_at(thing, frame)["vertices"], rtol=0, atol=1e-6
            )


def test_two_caches_of_a_run_do_not_share_anything_that_could_be_taken_away(varying_run):
    first, second = add(varying_run, "USD"), add(varying_run, "USD")
    wanted = shape_at(second, 3)["vertices"]
    bpy.data.objects.remove(first)
    np.testing.assert_array_equal(shape_at(second, 3)["vertices"], wanted)


@pytest.mark.parametrize("kind", ["USD", "PC2", "SHAPE_KEYS"])
def test_it_can_be_undone_in_one_step(constant_run, kind):
    made = undone(bpy.ops.hd_human.add_cache, directory=str(constant_run), kind=kind)
    assert made == {"objects", "meshes", "materials"} | ({"cache_files"} if kind == "USD" else set())


@pytest.mark.parametrize("kind", ["USD", "PC2", "SHAPE_KEYS"])
def test_no_folder_and_a_folder_that_is_no_run_are_told_apart(tmp_path, kind):
    told = refused(bpy.ops.hd_human.add_cache, directory=str(tmp_path), kind=kind)
    assert "is not a run folder" in told
    told = refused(bpy.ops.hd_human.add_cache, directory=str(tmp_path / "none"), kind=kind)
    assert "does not exist" in told
