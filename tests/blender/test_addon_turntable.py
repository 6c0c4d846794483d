"""The turntable: a scene of its own that shows the whole clip from both sides, and another that stays as it was."""

import math

import bpy
import numpy as np
import pytest
from addon_outputs import add_bank, choose, in_a_process_without_the_add_on, refused, undone, varying_run
from addon_scene import NUM_FRAMES, holds, notice
from addon_zip import part
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from scenes import shape_at

__all__ = ["varying_run"]
FRAMES = range(1, NUM_FRAMES + 1)


@pytest.fixture(autouse=True)
def parts(addon):
    """Every test needs the add-on."""


def make(**words):
    """Through the operator; the new scene."""
    before = set(bpy.data.scenes)
    assert bpy.ops.hd_human.render_turntable(**words) == {"FINISHED"}
    (scene,) = set(bpy.data.scenes) - before
    return scene


def shown(scene, thing):
    """An object as it is in a scene that no window shows."""
    return thing.evaluated_get(scene.view_layers[0].depsgraph)


def views(scene, frames):
    """Where the camera stands and its heading about z, seen from the pivot, per frame."""
    found = []
    for frame in frames:
        scene.frame_set(int(frame), subframe=frame % 1)
        away = shown(scene, scene.camera).matrix_world.translation - scene.camera.parent.location
        found.append((math.atan2(away.x, -away.y), away.length, away.z))
    return np.array(found)


def test_the_scene_it_comes_from_stays_as_it_was(varying_run):
    human = add_bank(varying_run)
    bpy.context.scene.frame_set(3)
    before, place = holds(), human.matrix_world.copy()
    make()
    after = holds()
    assert after["settings"] == before["settings"]
    assert after["layer"] == before["layer"]
    assert after["meshes"] == before["meshes"]
    assert after["materials"] == before["materials"]
    assert human.matrix_world == place
    assert human.select_get()
    assert len(after["scenes"]) == len(before["scenes"]) + 1
    assert notice()[0] == "INFO"


def test_it_has_the_human_a_camera_light_and_a_world_of_its_own(varying_run):
    human = add_bank(varying_run)
    scene = make()
    kinds = sorted(thing.type for thing in scene.objects)
    assert kinds == ["CAMERA", "EMPTY", "LIGHT", "LIGHT", "LIGHT", "MESH"]
    assert human.name in scene.objects
    assert scene.world.users == 1
    assert scene.world != bpy.context.scene.world


def test_rate_and_range_are_the_clips_and_the_size_is_as_asked(varying_run):
    add_bank(varying_run)
    bpy.context.scene.frame_end = 3
    scene = make(width=100, height=50, transparent=True)
    assert (scene.render.fps, scene.render.fps_base) == (30, 1)
    assert (scene.frame_start, scene.frame_end) == (1, NUM_FRAMES)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (100, 50)
    assert scene.render.film_transparent
    assert (make(frames="SCENE").frame_start, make(frames="SCENE").frame_end) == (1, 3)


@pytest.mark.parametrize("degrees", [35, 10])
def test_the_camera_swings_to_both_sides_of_where_the_clip_was_filmed_from(varying_run, degrees):
    human = add_bank(varying_run)
    scene = make(angle=math.radians(degrees))
    pivot = scene.camera.parent.location
    filmed_from = human.matrix_world.translation - pivot
    middle = math.atan2(filmed_from.x, -filmed_from.y)
    found = views(scene, np.linspace(1, NUM_FRAMES + 1, 33))
    turned = np.degrees(found[:, 0] - middle)
    assert turned[[0, 16, 32]] == pytest.approx([0, 0, 0], abs=1e-3)  # the loop closes
    assert (turned.max(), turned.min()) == pytest.approx((degrees, -degrees), abs=1e-3)
    assert (turned.argmax(), turned.argmin()) == (8, 24)
    assert np.ptp(found[:, 1]) < 1e-4  # a circle
    assert np.ptp(found[:, 2]) < 1e-4  # that lies level
    assert np.abs(np.diff(turned)).max() < degrees / 8 * 1.8  # softly


@pytest.mark.parametrize("size", [(1080, 1350), (1920, 1080), (100, 100)])
def test_the_camera_sees_all_of_the_person_in_every_frame(varying_run, size):
    add_bank(varying_run).name = "person"
    scene = make(width=size[0], height=size[1])
    seen = []
    for frame in FRAMES:
        points = shape_at(bpy.data.objects["person"], frame)["vertices"]
        scene.frame_set(frame)
        extremes = np.concatenate([points.argmin(axis=0), points.argmax(axis=0)])
        chosen = [Vector(point) for point in (*points[extremes], *points[:: max(len(points) // 200, 1)])]
        seen += [world_to_camera_view(scene, shown(scene, scene.camera), point) for point in chosen]
    seen = np.array(seen)
    assert seen[:, :2].min() > 0.02
    assert seen[:, :2].max() < 0.98
    assert seen[:, 2].min() > 0
    assert np.ptp(seen[:, 0]) > 0.3 or np.ptp(seen[:, 1]) > 0.3  # and not from far away


def test_it_renders_the_person_on_its_background(varying_run, tmp_path):
    add_bank(varying_run)
    scene = make(width=48, height=60, transparent=True)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 1, False, "CPU"
    scene.frame_start, scene.frame_end = 3, 4
    scene.render.filepath = str(tmp_path / "turn_")
    bpy.ops.render.render(animation=True, scene=scene.name)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["turn_0003.png", "turn_0004.png"]
    pictures = [np.array(bpy.data.images.load(str(tmp_path / name)).pixels).reshape(60, 48, 4) for name in names]
    for picture in pictures:
        alpha = picture[..., 3]
        assert 0.05 < (alpha > 0.5).mean() < 0.9
        rows, columns = np.nonzero(alpha > 0.5)
        assert abs(columns.mean() - 23.5) < 10
        assert abs(rows.mean() - 29.5) < 12
    assert not np.array_equal(*pictures)


def test_it_moves_in_a_process_without_the_add_on(varying_run, tmp_path):
    human = add_bank(varying_run)
    scene = make()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    code = (
        f"scene = bpy.data.scenes[{scene.name!r}]\n"
        "found['turns'], found['sums'] = [], []\n"
        "for frame in (1, 3, 7):\n"
        "    scene.frame_set(frame)\n"
        "    depsgraph = scene.view_layers[0].depsgraph\n"
        "    found['turns'].append(scene.camera.evaluated_get(depsgraph).matrix_world.translation.x)\n"
        f"    mesh = bpy.data.objects[{human.name!r}].evaluated_get(depsgraph).data\n"
        "    found['sums'].append(sum(vertex.co.y for vertex in mesh.vertices))\n"
    )
    found = in_a_process_without_the_add_on(tmp_path / "scene.blend", code, tmp_path)
    assert len({round(one, 3) for one in found["turns"]}) == 3
    assert len({round(one, 3) for one in found["sums"]}) == 3


def test_it_can_be_undone_in_one_step(varying_run):
    add_bank(varying_run)
    assert undone(bpy.ops.hd_human.render_turntable) == {"objects", "scenes", "cameras"}


def test_without_a_human_it_says_so():
    assert refused(bpy.ops.hd_human.render_turntable).startswith("No human is selected.")


def test_frames_in_which_nothing_is_seen_are_refused(varying_run):
    human = add_bank(varying_run)
    nodes = part("scene.nodes")
    nodes.set_knob(nodes.player_of(human), "Hold Ends", value=False)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 100, 110
    assert "shows nothing in frames 100 to 110" in refused(bpy.ops.hd_human.render_turntable, frames="SCENE")


def test_two_people_are_seen_together(varying_run):
    first, second = add_bank(varying_run), add_bank(varying_run)
    second.location.x = 2.0
    bpy.context.view_layer.update()
    choose(first, second)
    scene = make()
    centre = scene.camera.parent.location
    alone = shape_at(first, 1)["vertices"].mean(axis=0)
    assert centre.x == pytest.approx(alone[0] + 1.0, abs=0.3)
    assert {first.name, second.name} <= set(scene.objects.keys())
