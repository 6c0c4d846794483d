"""The sidebar: what it shows before, during and after a job, with every name and icon known to this Blender."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from addon_layout import Context, Layout, draw
from addon_zip import part

BUTTONS = ["hd_human.open_folder", "hd_human.build", "hd_human.resume", "hd_human.open_run"]
SETTINGS = ("HDHUMAN_PT_build", "HDHUMAN_PT_person", "HDHUMAN_PT_predictor", "HDHUMAN_PT_options")


@pytest.fixture
def panels(addon):
    """The panels' module."""
    return part("panels")


class Job:
    """As much of a session as a panel looks at."""

    def __init__(self, **report):
        self.report = part("job.session").Report(**report)
        self.run = Path("/run")

    def stop(self):
        pass


@pytest.fixture
def job(panels):
    """Let a job with such a report run."""
    running = part("running")

    def begin(**report):
        running.begin(Job(**report))

    yield begin
    running.end()


def test_every_panel_is_in_the_tab_of_the_3d_view(panels):
    for panel in panels.CLASSES:
        assert (panel.bl_space_type, panel.bl_region_type, panel.bl_category) == ("VIEW_3D", "UI", "HD Human")


def test_before_a_job_there_are_settings_and_buttons_to_start_one(panels):
    shown = draw(panels.HDHUMAN_PT_build)
    assert shown.texts("operator") == BUTTONS
    assert all(row[2] for row in shown.rows if row[0] == "operator")
    assert shown.texts("prop") == ["Source", "Video", "Frames", "Quality", "Output"]
    assert shown.texts("progress") == shown.texts("label") == []


def test_the_rest_of_the_settings_lie_in_panels_below_that_are_closed_at_first(panels):
    drawn = {name: draw(getattr(panels, name)).texts("prop") for name in SETTINGS[1:]}
    assert drawn == {
        "HDHUMAN_PT_person": ["Person", "Subject Height", "Subject Height", "Field of View", "Field of View"],
        "HDHUMAN_PT_predictor": ["Predictor", "Weights"],
        "HDHUMAN_PT_options": ["Playback", "Depth", "Match Scene", "Live Preview", "Start Over"],
    }
    for name in SETTINGS[1:]:
        panel = getattr(panels, name)
        assert (panel.bl_parent_id, panel.bl_options) == ("HDHUMAN_PT_build", {"DEFAULT_CLOSED"})


def test_the_way_to_the_preferences_is_in_the_header(panels):
    layout = Layout()
    panels.HDHUMAN_PT_build.draw_header_preset(SimpleNamespace(layout=layout), Context())
    assert layout.texts("operator") == ["preferences.addon_show"]
    assert panels.ADDON in bpy.context.preferences.addons


@pytest.mark.parametrize(
    ("settings", "there", "gone"),
    [
        ({"source": "SEQUENCE"}, {"Images"}, {"Video", "Movie Clip"}),
        ({"source": "CLIP"}, {"Movie Clip"}, {"Video", "Images"}),
        ({"predictor": "maps"}, {"Maps"}, {"Weights"}),
        ({"predictor": "inflate"}, set(), {"Maps", "Weights"}),
        ({"quality": "CUSTOM"}, {"Crop", "Matte"}, set()),
        ({"person": "BOX"}, {"Left", "Top", "Width", "Height"}, set()),
        ({"playback": "USD"}, set(), {"Depth"}),
    ],
    ids=str,
)
def test_only_what_matters_for_the_choice_is_shown(panels, settings, there, gone):
    for name, value in settings.items():
        setattr(bpy.context.scene.hd_human, name, value)
    shown = {text for name in SETTINGS for text in draw(getattr(panels, name)).texts("prop")}
    assert there <= shown
    assert not gone & shown


def test_during_a_job_there_is_progress_and_cancel_and_nothing_to_start_another(panels, job):
    steps = ("find", "person", "predict", "integrate", "mesh")
    job(steps=steps, stage="integrate", done=12, total=48, eta_seconds=95.0, warnings=["Scale: assumed."])
    shown = draw(panels.HDHUMAN_PT_build)
    assert shown.texts("operator") == ["hd_human.open_folder", "hd_human.cancel"]
    assert all(row[2] for row in shown.rows if row[0] == "operator")
    assert [row[1:] for row in shown.rows if row[0] == "progress"] == [("Integrating 12/48, 1:35 left", 0.25)]
    assert shown.texts("label") == ["Step 4 of 5", "Scale: assumed."]


def test_before_the_core_has_spoken_and_while_it_stops_the_panel_says_so(panels, job):
    job()
    assert draw(panels.HDHUMAN_PT_build).texts("progress") == ["Starting"]
    part("running").end()
    job(status=part("job.session").Status.STOPPING, stage="mesh", done=1, total=2)
    shown = draw(panels.HDHUMAN_PT_build)
    assert shown.texts("progress") == ["Stopping"]
    assert ("operator", "hd_human.cancel", False) in shown.rows


def test_what_went_wrong_and_what_to_do_stay_in_the_panel_and_fit_its_width(panels):
    message, hint = "No space left on device: run/person01/mesh/000003.safetensors.", "Free space; ask hd-core. " * 3
    part("running").tell("ERROR", message, hint)
    shown = draw(panels.HDHUMAN_PT_build)
    lines = shown.texts("label")
    assert "hd_human.doctor" in shown.texts("operator")
    part("running").tell("ERROR", "No video is chosen.", "Choose one under Source.")
    assert "hd_human.doctor" not in draw(panels.HDHUMAN_PT_build).texts("operator")
    assert "".join(lines).replace(" ", "") == (message + hint).replace(" ", "")
    assert max(len(line) for line in lines) * part("messages").PIXELS_PER_LETTER <= 300


def test_panels_of_the_human_are_shown_only_with_one(panels):
    for panel in (
        part("human_panels").HDHUMAN_PT_shading,
        part("human_panels").HDHUMAN_PT_playback,
        part("human_panels").HDHUMAN_PT_export,
    ):
        assert draw(panel) is None
    mesh = bpy.data.meshes.new("other")
    thing = bpy.data.objects.new("other", mesh)
    bpy.context.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    assert draw(part("human_panels").HDHUMAN_PT_playback) is None
    thing["hd_human_run"] = "/run"
    assert draw(part("human_panels").HDHUMAN_PT_playback).texts("label") == ["Plays from a cache"]
    assert draw(part("human_panels").HDHUMAN_PT_shading).texts("label") == ["No material"]


@pytest.fixture
def human(panels, made_run):
    """A finished run in the scene, active."""
    bpy.ops.hd_human.open_run(directory=str(made_run))
    return bpy.context.active_object


def test_the_humans_modifier_is_laid_open_under_its_headings(panels, human):
    shown = draw(part("human_panels").HDHUMAN_PT_playback)
    knobs = [knob for knob in part("scene.nodes").KNOBS if knob.kind != "NodeSocketObject"]
    assert shown.texts("label") == list(dict.fromkeys(knob.panel for knob in knobs if knob.panel != "Playback"))
    assert shown.texts("prop") == [knob.name for knob in knobs]
    values = [row[2] for row in shown.rows if row[0] == "prop"]
    assert values[:2] == [1, 1.0]


def test_what_the_panel_draws_is_what_the_modifier_plays(panels, human):
    modifier = part("scene.nodes").player_of(human)
    (speed,) = [one for one in part("inputs").input_sockets(modifier) if one.name == "Speed"]
    owner, name = part("inputs").place_of(modifier, speed.identifier)
    part("scene.nodes").set_knob(modifier, "Speed", 0.5)
    assert owner.path_resolve(name) == 0.5


def test_the_look_and_the_ways_out_are_offered(panels, human):
    shown = draw(part("human_panels").HDHUMAN_PT_shading)
    assert shown.texts("prop")[:4] == ["Material", "As Filmed", "Roughness", "Specular"]
    assert draw(part("human_panels").HDHUMAN_PT_export).texts("operator") == [
        "hd_human.export", "hd_human.add_cache", "hd_human.bake_shape_keys", "hd_human.bake_mesh",
        "hd_human.render_turntable",
    ]  # fmt: skip


def test_a_linked_human_is_not_offered_for_change(panels, human, tmp_path):
    name = human.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = [name]
    (linked,) = wanted.objects
    bpy.context.scene.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    shown = draw(part("human_panels").HDHUMAN_PT_playback)
    assert " ".join(shown.texts("label")) == (
        "This human is linked from another file. Make a library override of it, or append it, to change it."
    )
    assert shown.texts("prop") == []


def test_a_human_of_another_machine_says_where_its_run_is_not(panels, human):
    human["hd_human_run"] = "/other/machine/run"
    shown = draw(part("human_panels").HDHUMAN_PT_playback)
    text = "Its run folder is not on this machine: /other/machine/run. Find it, so that its pictures show."
    assert " ".join(shown.texts("label")).startswith(text)
    assert shown.texts("operator") == ["hd_human.relink"]


def test_footage_offers_both_ways(panels):
    assert draw(panels.HDHUMAN_PT_footage).texts("operator") == ["hd_human.import_footage"] * 2


def test_the_preferences_show_the_core_and_what_the_doctor_found(addon):
    preferences = part("preferences")
    part("running").diagnose([("numpy", True, "2.1, for arrays"), ("torch", False, "for the network: not installed.")])

    cls, layout = preferences.HDHUMAN_AP_preferences, Layout()
    cls.draw(SimpleNamespace(layout=layout, bl_rna=cls.bl_rna, core="", device="auto"), Context())
    assert layout.texts("prop") == ["hd-core", "Compute"]
    assert layout.texts("operator") == ["hd_human.doctor"]
    lines = layout.texts("label")
    assert lines[0].startswith("torch: for the network")
    assert lines[-1] == "numpy: 2.1, for arrays"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (5.4, "0:05"), (95, "1:35"), (3599.6, "1:00:00"), (3720, "1:02:00")]
)
def test_durations_are_clock_faces(addon, seconds, text):
    assert part("messages").duration(seconds) == text
