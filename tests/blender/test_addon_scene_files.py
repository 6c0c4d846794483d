"""A person in files: played by a Blender that lacks the add-on, exported, appended, undone, and failed half way."""

import json
import subprocess
import sys

import bpy
import numpy as np
import pytest
from addon_bank import rewrite, shown, turn

from blender_addon.records import RunError
from blender_addon.runfolder import open_run
from blender_addon.scene import human
from blender_addon.scene.footage import match_scene
from blender_addon.scene.human import add_human
from blender_addon.scene.nodes import player_of

KINDS = ("objects", "meshes", "node_groups", "materials", "images", "collections", "cameras")
PLAY = """
import json, sys
import bpy
assert not any(name.endswith("hd_human") or "blender_addon" in name for name in sys.modules)
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
assert not bpy.context.preferences.filepaths.use_scripts_auto_execute
thing = bpy.data.objects[sys.argv[2]]
image = next(n for n in thing.data.materials[0].node_tree.nodes if n.label == "Video")
found = []
for number in range(1, 6):
    bpy.context.scene.frame_set(number)
    scene = bpy.context.evaluated_depsgraph_get()
    mesh = thing.evaluated_get(scene).data
    nodes = thing.data.materials[0].evaluated_get(scene).node_tree.nodes
    offset = nodes[image.name].image_user.frame_offset
    found.append([len(mesh.vertices), [list(v.co) for v in mesh.vertices[:50]], offset])
print("FOUND" + json.dumps(found))
"""


def counts():
    return {kind: len(getattr(bpy.data, kind)) for kind in KINDS}


def test_a_saved_file_plays_in_a_process_that_has_no_add_on_and_trusts_no_scripts(runs, tmp_path):
    run = runs("fixed")
    (thing,) = add_human(run)
    turn(thing, Speed=-1.0)
    file = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), compress=True)
    expected = [shown(thing, number)["points"].copy() for number in range(1, 6)]
    words = [sys.executable, "-c", PLAY, str(file), thing.name]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    found = json.loads(done.stdout.split("FOUND")[1])
    for position, (count, first, offset) in enumerate(found):
        assert count == len(expected[position])
        np.testing.assert_array_equal(np.array(first, np.float32), expected[position][:50])
        assert 1 + offset == 5 - position  # the picture of the frame that is shown
    assert not np.array_equal(expected[0], expected[1])


def test_the_file_holds_no_handler_and_no_script(runs):
    add_human(runs("fixed"))
    handlers = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers) if name.startswith("frame_change")]
    assert not any(handlers)
    assert len(bpy.data.texts) == 0


def test_the_bank_is_seen_nowhere_and_goes_with_its_person(runs, tmp_path):
    (thing,) = add_human(runs("fixed"), texture=False, normal_map=False)
    assert [one.name for one in bpy.context.scene.objects] == [thing.name]
    assert len(bpy.data.objects) == 2
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "with.blend"), compress=True)
    bpy.data.objects.remove(thing)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "without.blend"), compress=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "without.blend"))
    assert [one.name for one in bpy.data.objects] == []


@pytest.mark.parametrize("link", [False, True])
def test_a_person_appended_or_linked_into_another_file_plays(runs, tmp_path, link):
    (thing,) = add_human(runs("fixed"), texture=False, normal_map=False)
    expected, name = [shown(thing, number)["points"].copy() for number in (1, 4)], thing.name
    file = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(file), link=link) as (_, wanted):
        wanted.objects = [name]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    for number, points in zip((1, 4), expected, strict=True):
        np.testing.assert_array_equal(shown(wanted.objects[0], number)["points"], points)


def export_usd(path):
    assert bpy.ops.wm.usd_export(filepath=str(path), export_animation=True) == {"FINISHED"}
    return lambda: bpy.ops.wm.usd_import(filepath=str(path))


def export_abc(path):
    scene = bpy.context.scene
    options = {"start": scene.frame_start, "end": scene.frame_end, "as_background_job": False}
    assert bpy.ops.wm.alembic_export(filepath=str(path), **options) == {"FINISHED"}
    return lambda: bpy.ops.wm.alembic_import(filepath=str(path))


@pytest.mark.parametrize(("suffix", "export"), [(".usdc", export_usd), (".abc", export_abc)])
def test_an_export_is_one_object_that_moves_and_wears_its_texture_coordinates(runs, tmp_path, suffix, export):
    run = runs("walking")
    match_scene(run)
    (thing,) = add_human(run)
    expected = [shown(thing, number) for number in range(1001, 1006)]
    expected = [(one["points"].copy(), one["uv"][one["corner"]].copy()) for one in expected]
    again = export(tmp_path / f"walk{suffix}")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    match_scene(run)
    again()
    (back,) = [one for one in bpy.context.scene.objects if one.type == "MESH"]
    matrix = np.array(back.matrix_world)
    for number, (points, uv) in zip(range(1001, 1006), expected, strict=True):
        found = shown(back, number)
        np.testing.assert_allclose(found["points"] @ matrix[:3, :3].T + matrix[:3, 3], points, atol=1e-5)
        np.testing.assert_allclose(found["uv"][found["corner"]], uv, atol=1e-6)


def two_people(folder):
    """Give a run a second person: the first one's bank again, a metre further away."""
    bank = folder / "bank"
    (folder / "person02").mkdir()
    (bank / "person02.safetensors").write_bytes((bank / "person01.safetensors").read_bytes())

    def further(arrays):
        depth = arrays["depth"]
        kind = np.floor(-depth)
        there = np.where(depth > 0, depth + 1, np.where(depth < 0, depth - 1 / 64, 0))
        assert (np.floor(-there)[depth < 0] == kind[depth < 0]).all()
        return arrays | {"depth": there.astype(np.float32)}

    rewrite(bank / "person02.safetensors", change_arrays=further, person_id=2)


def test_every_person_of_a_run_is_an_object_of_its_own(runs, tmp_path):
    folder = runs.copy("fixed", tmp_path / "run")
    two_people(folder)
    people = add_human(open_run(folder), collection_name="Crowd")
    assert [one["hd_human_person"] for one in people] == [1, 2]
    assert sorted(one.name for one in bpy.data.collections["Crowd"].objects) == ["fixed person01", "fixed person02"]
    first, second = (shown(one, 3)["points"] for one in people)
    np.testing.assert_allclose(second[:, 1], first[:, 1] + 1, atol=1e-4)
    np.testing.assert_allclose(second / second[:, 1:2], first / first[:, 1:2], atol=1e-6)
    assert people[0].data.materials[0] != people[1].data.materials[0]


def test_objects_remember_their_run(runs):
    run = runs("fixed")
    (thing,) = add_human(run)
    assert (thing["hd_human_run"], thing["hd_human_person"]) == (str(run.path), 1)


def test_a_missing_second_bank_leaves_the_file_as_it_was(runs, tmp_path):
    folder = runs.copy("fixed", tmp_path / "run")
    (folder / "person02").mkdir()
    before = counts()
    with pytest.raises(RunError, match="no depth bank"):
        add_human(open_run(folder))
    assert counts() == before


def test_an_error_in_the_middle_leaves_data_and_timeline_as_they_were(runs, monkeypatch):
    run = runs("walking")
    add_human(runs("fixed"))
    scene, before = bpy.context.scene, counts()
    scene.frame_end, scene.render.fps = 77, 25

    def fail(*_, **__):
        match_scene(run)
        raise MemoryError("no room for a material")

    monkeypatch.setattr(human, "add_material", fail)
    with pytest.raises(MemoryError):
        add_human(run)
    assert counts() == before
    assert (scene.frame_start, scene.frame_end, scene.render.fps, scene.render.fps_base) == (1, 77, 25, 1.0)


def test_a_run_without_people_is_refused(runs, tmp_path):
    folder = runs.copy("fixed", tmp_path / "run")
    (folder / "person01").rename(folder / "someone")
    with pytest.raises(RunError, match="No person was found"):
        add_human(open_run(folder))


def test_undo_takes_a_person_away_and_redo_brings_it_back(runs):
    bpy.ops.ed.undo_push(message="before")
    (thing,) = add_human(runs("fixed"))
    name, points = thing.name, shown(thing, 2)["points"].copy()
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert name not in bpy.data.objects
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(shown(bpy.data.objects[name], 2)["points"], points)


def test_the_file_survives_being_saved_and_opened_twice(runs, tmp_path):
    (thing,) = add_human(runs("walking"))
    name, points = thing.name, shown(thing, 1003)["points"].copy()
    for step in range(2):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / f"{step}.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / f"{step}.blend"))
    thing = bpy.data.objects[name]
    np.testing.assert_array_equal(shown(thing, 1003)["points"], points)
    turn(thing, Depth_Scale=0.0)
    assert np.ptp(shown(thing, 1003)["points"][:, 1]) < 1e-5
    assert player_of(thing).name == "HD Human"
