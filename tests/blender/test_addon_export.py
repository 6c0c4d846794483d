"""Files written by the add-on, opened again: one object per person, in every frame what the scene showed."""

import json
import shutil
import struct

import addon_outputs
import bpy
import numpy as np
import pytest
from addon_outputs import (
    add_bank,
    choose,
    constant_run,
    faces_shown,
    opened,
    refused,
    shapes,
    shown_points,
    varying_run,
)
from addon_scene import NUM_FRAMES, holds, notice
from addon_zip import enable, part
from scenes import meshes, set_rate, shape_at

__all__ = ["constant_run", "varying_run"]
FRAMES = range(1, NUM_FRAMES + 1)
SUFFIX = {"USD": ".usdc", "ABC": ".abc", "GLTF": ".glb", "PC2": ".pc2"}


@pytest.fixture(autouse=True)
def parts(addon):
    """Every test needs the add-on."""


def write(path, kind, **words):
    assert bpy.ops.hd_human.export(filepath=str(path), format=kind, **words) == {"FINISHED"}
    return path.with_name(path.name + ("" if path.suffix else SUFFIX[kind]))


def reopen(path, *, rate=(30, 1)):
    """The one animated object of a file, in an empty scene of its rate."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    set_rate(*rate)
    match path.suffix:
        case ".usdc" | ".usda" | ".usd":
            bpy.ops.wm.usd_import(filepath=str(path))
        case ".abc":
            bpy.ops.wm.alembic_import(filepath=str(path))
        case ".glb":
            bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
            bpy.ops.import_scene.gltf(filepath=str(path), merge_vertices=False)
        case ".pc2":
            bpy.ops.wm.ply_import(filepath=str(path.with_suffix(".ply")))
            (thing,) = meshes().values()
            cache = thing.modifiers.new("cache", "MESH_CACHE")
            cache.cache_format, cache.filepath, cache.frame_start = "PC2", str(path), 1
    (thing,) = meshes().values()
    return thing


def pixel(image, uv):
    """sRGB bytes of a picture at UV, linear between pixel centres."""
    width, height = image.size
    pixels = np.array(image.pixels).reshape(height, width, 4)[..., :3]
    x, y = np.clip(uv[:, 0] * width - 0.5, 0, width - 1.001), np.clip(uv[:, 1] * height - 0.5, 0, height - 1.001)
    column, row = x.astype(int), y.astype(int)
    right, up = (x - column)[:, None], (y - row)[:, None]
    lower = pixels[row, column] * (1 - right) + pixels[row, column + 1] * right
    upper = pixels[row + 1, column] * (1 - right) + pixels[row + 1, column + 1] * right
    return (lower * (1 - up) + upper * up) * 255


def srgb(linear):
    c = np.clip(linear, 0, 1)
    return np.where(c <= 0.0031308, c * 12.92, 1.055 * c ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("kind", ["USD", "ABC"])
class TestCaches:
    """USD and Alembic keep the outline of every frame."""

    def test_one_object_is_on_every_frame_what_the_scene_showed(self, varying_run, tmp_path, kind):
        wanted = shapes(add_bank(varying_run), FRAMES)
        thing = reopen(write(tmp_path / "person", kind))
        for frame, source in zip(FRAMES, wanted, strict=True):
            found = shape_at(thing, frame)
            np.testing.assert_allclose(found["vertices"], source["vertices"], rtol=0, atol=1e-5)
            np.testing.assert_array_equal(found["counts"], source["counts"])
            np.testing.assert_array_equal(found["corners"], source["corners"])
            np.testing.assert_allclose(found["uv"], source["uv"], rtol=0, atol=1e-6)
        assert len({one["vertices"].tobytes() for one in wanted}) == NUM_FRAMES

    def test_the_frame_range_is_the_clips_whatever_the_scenes(self, varying_run, tmp_path, kind):
        add_bank(varying_run)
        bpy.context.scene.frame_end = 3
        reopen(write(tmp_path / "person", kind))
        assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, NUM_FRAMES)

    def test_the_scenes_range_can_be_asked_for(self, varying_run, tmp_path, kind):
        wanted = shapes(add_bank(varying_run), [2, 4])
        bpy.context.scene.frame_start, bpy.context.scene.frame_end = 2, 4
        thing = reopen(write(tmp_path / "person", kind, frames="SCENE"))
        assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (2, 4)
        for frame, source in zip((2, 4), wanted, strict=True):
            np.testing.assert_allclose(shape_at(thing, frame)["vertices"], source["vertices"], rtol=0, atol=1e-5)

    def test_the_colours_are_the_videos_in_each_frame(self, varying_run, tmp_path, kind):
        add_bank(varying_run)
        thing = reopen(write(tmp_path / "person", kind))
        for frame in (1, 3, NUM_FRAMES):
            found = shape_at(thing, frame)
            image = bpy.data.images.load(str(varying_run / "textures" / f"frame.{frame:04d}.jpg"))
            wanted = pixel(image, found["uv"])
            assert found["domain"] == "CORNER"
            seen = srgb(found["colours"][:, :3])
            error = np.abs(seen - wanted)
            assert np.median(error) < 0.6  # bytes, and mixed before or after the curve of sRGB
            assert np.quantile(error, 0.95) < 4
            other = bpy.data.images.load(str(varying_run / "textures" / f"frame.{frame % NUM_FRAMES + 1:04d}.jpg"))
            assert np.abs(seen - pixel(other, found["uv"])).mean() > 2 * error.mean()

    def test_a_retimed_bank_is_written_as_it_plays(self, varying_run, tmp_path, kind):
        human = add_bank(varying_run)
        nodes = part("scene.nodes")
        player = nodes.player_of(human)
        nodes.set_knob(player, "Speed", 0.5)
        nodes.set_knob(player, "Start Frame", 11)
        frames = range(11, 11 + 2 * NUM_FRAMES)
        wanted = shapes(human, frames)
        thing = reopen(write(tmp_path / "person", kind))
        assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (frames[0], frames[-1])
        for frame, source in zip(frames, wanted, strict=True):
            np.testing.assert_allclose(shape_at(thing, frame)["vertices"], source["vertices"], rtol=0, atol=1e-5)

    def test_a_placed_object_is_written_where_it_stands(self, varying_run, tmp_path, kind):
        human = add_bank(varying_run)
        parent = bpy.data.objects.new("carousel", None)
        bpy.context.scene.collection.objects.link(parent)
        parent.rotation_euler, parent.location, parent.scale = (0, 0, 1), (1, 2, 3), (2, 2, 2)
        human.parent, human.location = parent, (0.5, 0, 0)
        wanted = shape_at(human, 4)
        thing = reopen(write(tmp_path / "person", kind))
        np.testing.assert_allclose(shape_at(thing, 4)["vertices"], wanted["vertices"], rtol=0, atol=2e-5)

    def test_two_people_are_two_objects(self, varying_run, tmp_path, kind):
        first, second = add_bank(varying_run), add_bank(varying_run)
        second.location.x = 2
        choose(first, second)
        write(tmp_path / "people", kind)
        bpy.ops.wm.read_factory_settings(use_empty=True)
        set_rate(30, 1)
        {"USD": bpy.ops.wm.usd_import, "ABC": bpy.ops.wm.alembic_import}[kind](
            filepath=str(tmp_path / f"people{SUFFIX[kind]}")
        )
        assert len(meshes()) == 2
        left = [one["vertices"][:, 0].min() for one in (shape_at(thing, 5) for thing in meshes().values())]
        assert abs(left[0] - left[1]) == pytest.approx(2, abs=1e-4)

    def test_a_usd_cache_is_written_on_with_its_colours(self, varying_run, tmp_path, kind):
        """Blender alone loses them on the way to Alembic (test_traps)."""
        bpy.ops.hd_human.add_cache(directory=str(varying_run), kind="USD")
        for image in [one for one in bpy.data.images if one.source == "SEQUENCE"]:
            bpy.data.images.remove(image)
        wanted = shape_at(bpy.context.view_layer.objects.active, 2)
        bytes_in = srgb(wanted["colours"][:, :3])[wanted["corners"]]
        found = shape_at(reopen(write(tmp_path / "person", kind)), 2)
        np.testing.assert_allclose(found["vertices"], wanted["vertices"], rtol=0, atol=1e-5)
        np.testing.assert_allclose(srgb(found["colours"][:, :3]), bytes_in, rtol=0, atol=0.6)


class TestRates:
    """Frames per second."""

    def test_usd_states_the_scenes_rate(self, varying_run, tmp_path):
        add_bank(varying_run)
        text = write(tmp_path / "person.usda", "USD").read_text()
        assert "timeCodesPerSecond = 30\n" in text
        assert "startTimeCode = 1\n" in text
        assert f"endTimeCode = {NUM_FRAMES}\n" in text

    def test_alembic_counts_seconds_at_the_scenes_rate(self, varying_run, tmp_path):
        wanted = shape_at(add_bank(varying_run), 4)["vertices"]
        thing = reopen(write(tmp_path / "person.abc", "ABC"), rate=(60, 1))
        np.testing.assert_allclose(shape_at(thing, 8)["vertices"], wanted, rtol=0, atol=1e-5)

    def test_gltf_counts_seconds_from_the_first_frame(self, varying_run, tmp_path):
        add_bank(varying_run)
        keys = keys_of(document(write(tmp_path / "person.glb", "GLTF")))
        np.testing.assert_allclose(keys, np.arange(NUM_FRAMES) / 30, rtol=0, atol=1e-6)


def document(path):
    """JSON and buffer of a .glb."""
    data = path.read_bytes()
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
    length, kind = struct.unpack("<I4s", data[12:20])
    assert kind == b"JSON"
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def keys_of(glb):
    content, buffer = glb
    accessor = content["accessors"][content["animations"][0]["samplers"][0]["input"]]
    view = content["bufferViews"][accessor["bufferView"]]
    return np.frombuffer(buffer, "<f4", accessor["count"], view["byteOffset"])


class TestOneTopology:
    """glTF and PC2 have the same faces in every frame: the union, what is absent shrunk to a point."""

    def test_a_pc2_moves_its_ply_to_the_surface_of_every_frame(self, varying_run, tmp_path):
        wanted = [faces_shown(one) for one in shapes(add_bank(varying_run), FRAMES)]
        thing = reopen(write(tmp_path / "person.pc2", "PC2"))
        for frame, faces in zip(FRAMES, wanted, strict=True):
            np.testing.assert_allclose(faces_shown(shape_at(thing, frame)), faces, rtol=0, atol=1)

    def test_a_glb_is_one_object_with_the_surface_of_every_frame(self, varying_run, tmp_path):
        wanted = [shown_points(one) for one in shapes(add_bank(varying_run), FRAMES)]
        thing = reopen(write(tmp_path / "person.glb", "GLTF"))
        assert len(thing.data.shape_keys.key_blocks) == NUM_FRAMES
        for frame, points in zip(FRAMES, wanted, strict=True):
            found = shown_points(shape_at(thing, frame - 1))  # glTF counts from zero seconds, Blender from frame 0
            far = [np.abs(points - one).sum(axis=1).min() for one in found[:: max(len(found) // 300, 1)]]
            assert max(far) <= 6  # in 1e-5 m
            assert len(found) == pytest.approx(len(points), rel=0.02)

    def test_a_glb_has_the_videos_colours_and_normals_of_length_one(self, varying_run, tmp_path):
        add_bank(varying_run)
        content, buffer = document(write(tmp_path / "person.glb", "GLTF"))
        (mesh,) = content["meshes"]
        (primitive,) = mesh["primitives"]
        assert set(primitive["attributes"]) == {"POSITION", "NORMAL", "COLOR_0"}
        assert all(set(target) == {"POSITION", "NORMAL", "COLOR_0"} for target in primitive["targets"])

        def array(index):
            accessor = content["accessors"][index]
            start = content["bufferViews"][accessor["bufferView"]]["byteOffset"]
            return np.frombuffer(buffer, "<f4", 3 * accessor["count"], start).reshape(-1, 3)

        base = {key: array(index) for key, index in primitive["attributes"].items()}
        for target in ({}, *primitive["targets"]):
            normals = base["NORMAL"] + (array(target["NORMAL"]) if target else 0)
            np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=0, atol=1e-5)
            colours = base["COLOR_0"] + (array(target["COLOR_0"]) if target else 0)
            assert colours.min() > -1e-6
            assert colours.max() < 1 + 1e-6
            assert len(np.unique(np.rint(srgb(colours)), axis=0)) > 100

    def test_a_constant_cache_keeps_its_own_vertices(self, constant_run, tmp_path):
        bpy.ops.hd_human.add_cache(directory=str(constant_run), kind="PC2")
        wanted = shapes(bpy.context.view_layer.objects.active, FRAMES)
        thing = reopen(write(tmp_path / "person.pc2", "PC2"))
        for frame, source in zip(FRAMES, wanted, strict=True):
            np.testing.assert_allclose(shape_at(thing, frame)["vertices"], source["vertices"], rtol=0, atol=1e-6)

    @pytest.mark.parametrize("kind", ["GLTF", "PC2"])
    def test_a_usd_cache_of_changing_faces_says_what_to_do(self, varying_run, tmp_path, kind):
        bpy.ops.hd_human.add_cache(directory=str(varying_run), kind="USD")
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "x"), format=kind)
        assert "change from frame to frame, and no grid lies behind them" in told
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("kind", ["GLTF", "PC2"])
    def test_a_thick_bank_says_what_to_do(self, varying_run, tmp_path, kind):
        human = add_bank(varying_run)
        nodes = part("scene.nodes")
        nodes.set_knob(nodes.player_of(human), "Thickness", 0.1)
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "x"), format=kind)
        assert "Set its thickness to 0" in told
        assert list(tmp_path.iterdir()) == []

    def test_gltf_states_its_limit(self, varying_run, tmp_path, monkeypatch):
        assert part("scene.export_constant").MAX_FRAMES == 250
        monkeypatch.setattr(part("scene.export_constant"), "MAX_FRAMES", NUM_FRAMES - 1)
        add_bank(varying_run)
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "x"), format="GLTF")
        assert f"{NUM_FRAMES - 1} at most; these are {NUM_FRAMES}" in told

    def test_gltf_states_its_limit_in_bytes(self, varying_run, tmp_path, monkeypatch):
        assert part("scene.export_constant").MAX_BYTES == 2**31
        monkeypatch.setattr(part("scene.export_constant"), "MAX_BYTES", 2**20)
        add_bank(varying_run)
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "x"), format="GLTF")
        assert "this one would be larger" in told
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", list(SUFFIX))
class TestAnyFormat:
    """What holds for all formats."""

    def test_the_scene_stays_as_it_was(self, varying_run, tmp_path, kind):
        human = add_bank(varying_run)
        bpy.context.scene.frame_set(5)
        before, shape = holds(), shape_at(human, 5)
        write(tmp_path / "person", kind)
        assert holds() == before
        assert human.select_get()
        np.testing.assert_array_equal(shape_at(human, 5)["vertices"], shape["vertices"])
        assert notice()[0] == "INFO"

    def test_nothing_but_the_file_is_written(self, varying_run, tmp_path, kind):
        add_bank(varying_run)
        write(tmp_path / "person", kind)
        expected = {"person" + SUFFIX[kind]} | ({"person.ply"} if kind == "PC2" else set())
        assert {path.name for path in tmp_path.iterdir()} == expected

    def test_what_does_not_move_is_an_error(self, varying_run, tmp_path, kind):
        human = add_bank(varying_run)
        nodes = part("scene.nodes")
        nodes.set_knob(nodes.player_of(human), "Speed", 0.0)
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "x"), format=kind)
        assert "does not move between frames 1 and 8" in told
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_not_there_is_named(self, varying_run, tmp_path, kind):
        add_bank(varying_run)
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "none" / "x"), format=kind)
        assert told.startswith(f"The folder {tmp_path / 'none'} does not exist.")

    def test_a_folder_of_the_files_name_is_an_error(self, varying_run, tmp_path, kind):
        add_bank(varying_run)
        target = tmp_path / f"x{SUFFIX[kind]}"
        target.mkdir()
        told = refused(bpy.ops.hd_human.export, filepath=str(target), format=kind)
        assert str(target) in told
        assert [path.name for path in tmp_path.iterdir()] == [target.name]

    def test_without_a_human_it_says_so(self, tmp_path, kind):
        told = refused(bpy.ops.hd_human.export, filepath=str(tmp_path / "x"), format=kind)
        assert told.startswith("No human is selected.")

    def test_a_linked_human_can_be_exported(self, varying_run, tmp_path, kind):
        human = add_bank(varying_run)
        wanted = shown_points(shape_at(human, 3))
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        enable()
        set_rate(30, 1)
        with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (source, linked):
            linked.objects = [human_name(source.objects)]
        (thing,) = linked.objects
        bpy.context.scene.collection.objects.link(thing)
        choose(thing)
        (tmp_path / "out").mkdir()
        copy = reopen(write(tmp_path / "out" / "person", kind))
        found = shown_points(shape_at(copy, 2 if kind == "GLTF" else 3))
        assert len(found) == pytest.approx(len(wanted), rel=0.02)
        np.testing.assert_allclose(found.mean(axis=0), wanted.mean(axis=0), rtol=0, atol=200)


@pytest.mark.parametrize("kind", ["USD", "ABC"])
class TestHandlers:
    """Objects that a handler moves: Blender alone writes them once and says nothing (test_traps)."""

    def test_a_mesh_that_is_rewritten_moves_in_the_file(self, varying_run, tmp_path, kind):
        thing = handler_driven(varying_run, rewrite)
        wanted = shapes(thing, FRAMES)
        path = write(tmp_path / "person", kind, frames="SCENE")
        bpy.app.handlers.frame_change_pre.clear()
        found = shapes(reopen(path), FRAMES)
        for one, source in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one["vertices"], source["vertices"], rtol=0, atol=1e-5)
        assert len({one["vertices"].tobytes() for one in found}) == NUM_FRAMES

    def test_meshes_that_are_swapped_are_an_error_and_yesterdays_file_stays(self, varying_run, tmp_path, kind):
        thing = handler_driven(varying_run, swap)
        assert len({one["vertices"].tobytes() for one in shapes(thing, FRAMES)}) == NUM_FRAMES
        target = tmp_path / f"person{SUFFIX[kind]}"
        target.write_bytes(b"the good file of yesterday")
        with pytest.raises(RuntimeError, match="without the animation: frame"):
            bpy.ops.hd_human.export(filepath=str(target), format=kind, frames="SCENE")
        assert target.read_bytes() == b"the good file of yesterday"
        assert [path.name for path in tmp_path.iterdir()] == [target.name]
        assert notice()[0] == "ERROR"


def human_name(names):
    return next(name for name in names if name.endswith("person01"))


def rewrite(thing, frame):
    thing.data.clear_geometry()
    thing.data.from_pydata([(0, 3, frame), (1, 3, frame), (0, 3, frame + 1)], [], [(0, 1, 2)])


def swap(thing, frame):
    thing.data = bpy.data.meshes[f"step {min(max(frame, 1), NUM_FRAMES)}"]


def handler_driven(folder, move):
    """An object that a handler moves, as other add-ons do it; the handler goes with the test."""
    bank = add_bank(folder)
    for frame in FRAMES:
        mesh = bpy.data.meshes.new(f"step {frame}")
        mesh.from_pydata([(0, 3, frame), (1, 3, frame), (0, 3, frame + 1)], [], [(0, 1, 2)])
    thing = bpy.data.objects.new("moved", bpy.data.meshes.new("moved"))
    thing["hd_human_run"] = bank["hd_human_run"]
    bpy.context.scene.collection.objects.link(thing)
    bpy.data.objects.remove(bank)
    choose(thing)

    def play(scene, _):
        for one in bpy.data.objects:
            if "hd_human_run" in one and one.type == "MESH":
                move(one, scene.frame_current)

    bpy.app.handlers.frame_change_pre.append(play)
    return thing


def test_unknown_suffixes_are_kept_and_the_formats_own_is_added(varying_run, tmp_path):
    add_bank(varying_run)
    assert write(tmp_path / "take.2", "PC2").name == "take.2"
    assert {path.name for path in tmp_path.iterdir()} == {"take.2.pc2", "take.2.ply"}


def test_a_human_whose_run_is_gone_is_exported_all_the_same(varying_run, tmp_path):
    """The bank is in the file; only the pictures are missing."""
    folder = tmp_path / "run"
    shutil.copytree(varying_run, folder)
    human = add_bank(folder)
    wanted = shape_at(human, 6)["vertices"]
    shutil.rmtree(folder)
    (tmp_path / "out").mkdir()
    found = shape_at(reopen(write(tmp_path / "out" / "person", "USD")), 6)
    np.testing.assert_allclose(found["vertices"], wanted, rtol=0, atol=1e-5)
    assert found["colours"] is None  # and not black


def test_the_run_that_is_exported_is_not_written_to(varying_run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in varying_run.rglob("*")}
    add_bank(varying_run)
    for kind in SUFFIX:
        write(tmp_path / "person", kind)
    assert {path: path.stat().st_mtime_ns for path in varying_run.rglob("*")} == before
    assert opened(varying_run).num_done == NUM_FRAMES
    assert addon_outputs.meshes_of(opened(varying_run))
