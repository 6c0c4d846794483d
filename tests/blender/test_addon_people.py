"""Several people of one run: an object each, listed in the panel, asked for in the settings, seen while they come."""

import json
import shutil

import bpy
import pytest
from addon_bank import rewrite
from addon_layout import draw
from addon_scene import choose, humans
from addon_zip import part


def two_people(folder):
    """Give a run a second person: the first one's bank and records again."""
    shutil.copytree(folder / "person01", folder / "person02")
    bank = folder / "bank"
    (bank / "person02.safetensors").write_bytes((bank / "person01.safetensors").read_bytes())
    rewrite(bank / "person02.safetensors", person_id=2)
    return folder


@pytest.fixture
def crowd(addon, runs, tmp_path):
    """A run of two people, opened in the scene by the add-on's own operator."""
    folder = two_people(runs.copy("fixed", tmp_path / "run"))
    assert bpy.ops.hd_human.open_run(directory=str(folder)) == {"FINISHED"}
    return folder


def test_everybody_of_a_run_comes_as_an_object_of_one_collection(crowd):
    people = humans()
    assert [(one.name, one["hd_human_person"]) for one in people] == [("fixed person01", 1), ("fixed person02", 2)]
    assert {one.users_collection for one in people} == {(bpy.data.collections["fixed"],)}


def test_the_panel_lists_everybody_of_the_active_humans_run(crowd):
    panel = part("human_panels").HDHUMAN_PT_people
    bpy.context.view_layer.objects.active = humans()[1]
    assert panel.poll(bpy.context)
    rows = [row[1:] for row in draw(panel).rows if row[0] == "prop"]
    assert [value for _, value in rows if isinstance(value, str)] == ["fixed person01", "fixed person02"]
    assert len(rows) == 6
    bpy.context.view_layer.objects.active = None
    assert not panel.poll(bpy.context)


def test_one_alone_needs_no_list(addon, runs):
    assert bpy.ops.hd_human.open_run(directory=str(runs("fixed").path)) == {"FINISHED"}
    bpy.context.view_layer.objects.active = humans()[0]
    assert not part("human_panels").HDHUMAN_PT_people.poll(bpy.context)


@pytest.mark.parametrize(("choice", "said"), [("AUTO", None), ("BOX", None), ("ALL", "all")])
def test_the_choice_is_the_jobs(addon, tmp_path, choice, said):
    core = tmp_path / "hd-core"
    core.write_text("")
    settings = choose(tmp_path / "run", core=str(core))
    settings.person = choice
    wishes = part("operators.wishes").wishes_of(bpy.context.scene, device="cpu")
    options = part("job.jobfile").job_options(wishes)
    assert options.get("person") == said
    assert ("box" in options) is (choice == "BOX")
    assert json.loads(json.dumps(options)) == options


def test_somebody_in_whom_every_frame_failed_is_left_out_of_a_finished_run(addon, runs, tmp_path):
    folder = two_people(runs.copy("fixed", tmp_path / "run"))
    (folder / "bank" / "person02.safetensors").unlink()
    shutil.rmtree(folder / "person02" / "mesh")
    assert part("runfolder").open_run(folder).people == (1,)
    (folder / "manifest.json").unlink()
    assert part("runfolder").open_run(folder).people == (1, 2)


def test_the_preview_shows_whoever_is_being_worked_on(addon, runs, tmp_path):
    folder = two_people(runs.copy("fixed", tmp_path / "run"))
    newest = part("scene.preview").newest_of_all
    assert newest(folder, "mesh") == folder / "person02" / "mesh" / "000004.safetensors"
    shutil.rmtree(folder / "person02" / "mesh")
    assert newest(folder, "mesh") == folder / "person01" / "mesh" / "000004.safetensors"
    shutil.rmtree(folder / "person01")
    shutil.rmtree(folder / "person02")
    assert newest(folder, "mesh") is None
