"""Pictures by the run's own camera: outline, colours and normals against what the core says."""

import bpy
import numpy as np
import pytest
from addon_bank import nearest, shown, turn
from scenes import render

from blender_addon.records import RunError
from blender_addon.runfolder import open_run
from blender_addon.scene.camera import add_camera
from blender_addon.scene.footage import add_background, add_projected_plane, match_scene, relink
from blender_addon.scene.human import add_human

RUNS = ["fixed", "walking"]


def set_up(run, *, filmed=1.0, **options):
    """A run's people before its camera."""
    (thing,) = add_human(run, **options)
    match_scene(run)
    bpy.context.scene.camera = add_camera(run)
    look_of(thing).inputs["As Filmed"].default_value = filmed
    return thing


def look_of(thing):
    nodes = thing.data.materials[0].node_tree.nodes
    return next(node for node in nodes if node.bl_idname == "ShaderNodeGroup")


def inner(mask, *, by):
    """Pixels whose neighbours up to a distance are all inside."""
    for _ in range(by):
        around = np.pad(mask, 1)
        mask = mask & around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask


@pytest.mark.parametrize("name", RUNS)
def test_the_outline_by_cycles_is_the_matte(runs, name, tmp_path):
    run = runs(name)
    set_up(run)
    for position, number in list(enumerate(run.frame_numbers.tolist()))[::2]:
        seen = render(run.width, run.height, tmp_path, frame=number)[..., 3] > 127
        matte = runs.expected(name, position)["matte"] > 0.5
        assert (seen & matte).sum() / (seen | matte).sum() > 0.98


@pytest.mark.parametrize("name", RUNS)
def test_as_filmed_every_pixel_has_the_videos_colour_in_the_dark(runs, name, tmp_path):
    run = runs(name)
    set_up(run)
    for position, number in [(0, run.start_frame), (3, run.start_frame + 3)]:
        expected = runs.expected(name, position)
        pixels = render(run.width, run.height, tmp_path, frame=number)
        mask = inner(expected["matte"] > 0.5, by=2) & (pixels[..., 3] > 127)
        assert mask.sum() > 700
        off = np.abs(pixels[mask][:, :3].astype(int) - expected["picture"][mask])
        assert np.median(off) == 0
        assert np.quantile(off, 0.99) <= 3


def test_a_retimed_person_wears_the_picture_of_the_frame_that_is_shown(runs, tmp_path):
    run = runs("fixed")
    thing = set_up(run)
    forwards = [render(run.width, run.height, tmp_path, frame=number) for number in (2, 4)]
    assert np.abs(forwards[0].astype(int) - forwards[1]).max() > 50
    turn(thing, Speed=-1.0)
    np.testing.assert_array_equal(render(run.width, run.height, tmp_path, frame=2), forwards[1])
    turn(thing, Speed=1.0, Start_Frame=11)
    np.testing.assert_array_equal(render(run.width, run.height, tmp_path, frame=12), forwards[0])


def test_lit_is_black_without_a_lamp(runs, tmp_path):
    run = runs("fixed")
    set_up(run, filmed=0.0)
    pixels = render(run.width, run.height, tmp_path, frame=1)
    assert pixels[pixels[..., 3] > 127][:, :3].max() == 0


def test_shading_normals_are_those_of_the_core_in_the_objects_axes(runs, tmp_path):
    """The normal that the material shades with is shown as a colour and compared pixel by pixel."""
    run = runs("walking")
    thing = set_up(run)
    tree = thing.data.materials[0].node_tree
    surface = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    shift = tree.nodes.new("ShaderNodeVectorMath")
    shift.operation = "MULTIPLY_ADD"
    shift.inputs[1].default_value = shift.inputs[2].default_value = (0.5, 0.5, 0.5)
    tree.links.new(surface.inputs["Normal"].links[0].from_socket, shift.inputs[0])
    decode = tree.nodes.new("ShaderNodeGamma")  # the picture is written as sRGB; 2.2 undoes enough of it
    decode.inputs["Gamma"].default_value = 2.2
    tree.links.new(shift.outputs[0], decode.inputs["Color"])
    tree.links.new(decode.outputs["Color"], look_of(thing).inputs["Color"])
    pixels = render(run.width, run.height, tmp_path, frame=1003)
    expected = runs.expected("walking", 2)
    rows, columns = np.nonzero(inner(expected["matte"] > 0.5, by=3) & (pixels[..., 3] > 127))
    seen = pixels[rows, columns, :3] / 127.5 - 1
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    x, y, z = expected["pixels"].T.astype(float)
    picture = run.intrinsics @ np.stack([x / y, -z / y, np.ones(len(x))])
    centres = np.stack([columns + 0.5, rows + 0.5, np.zeros(len(rows))], axis=1)
    index, _ = nearest(centres, np.stack([picture[0], picture[1], np.zeros(len(x))], axis=1))
    angle = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", seen, expected["normals"][index]), -1, 1)))
    assert np.median(angle) < 2
    assert expected["normals"][index][:, 0].std() > 0.2  # not all alike


def test_the_scene_takes_the_clips_rate_range_size_and_pixels(runs):
    run = runs("walking")
    match_scene(run)
    scene, settings = bpy.context.scene, bpy.context.scene.render
    assert settings.fps / settings.fps_base == pytest.approx(30000 / 1001, rel=1e-6)
    assert (settings.fps, scene.frame_start, scene.frame_end, scene.frame_current) == (30, 1001, 1005, 1001)
    assert (settings.resolution_x, settings.resolution_y, settings.resolution_percentage) == (176, 112, 100)
    assert settings.pixel_aspect_x / settings.pixel_aspect_y == pytest.approx(143 / 130)
    match_scene(runs("fixed"))
    assert (settings.fps, settings.fps_base, scene.frame_start) == (24, 1.0, 1)
    assert settings.pixel_aspect_x == settings.pixel_aspect_y == 1


def test_the_background_is_the_picture_of_the_frame_in_srgb(runs):
    run = runs("walking")
    match_scene(run)
    camera = add_background(run)
    (background,) = camera.data.background_images
    assert camera.data.show_background_images
    assert background.image.colorspace_settings.name == "sRGB"
    assert (background.frame_method, background.display_depth) == ("STRETCH", "BACK")
    user = background.image_user
    assert (user.frame_start, user.frame_duration, user.frame_offset) == (1001, 5, 1000)
    assert user.use_auto_refresh
    assert bpy.path.abspath(background.image.filepath) == str(run.textures[0])


@pytest.mark.parametrize("name", RUNS)
def test_the_projected_plane_fills_the_picture_with_the_picture(runs, name, tmp_path):
    run = runs(name)
    match_scene(run)
    bpy.context.scene.camera = add_camera(run)
    add_projected_plane(run, bpy.context.scene.camera)
    pixels = render(run.width, run.height, tmp_path, frame=run.start_frame + 2)
    assert (pixels[..., 3] == 255).all()
    off = np.abs(pixels[..., :3].astype(int) - runs.expected(name, 2)["picture"])
    assert np.median(off) == 0
    assert np.quantile(off, 0.99) <= 3


def test_the_plane_stands_behind_the_person(runs, tmp_path):
    run = runs("fixed")
    thing = set_up(run)
    plane = add_projected_plane(run, bpy.context.scene.camera)
    bpy.context.view_layer.update()
    distance = min((plane.matrix_world @ vertex.co).y for vertex in plane.data.vertices)
    assert all(shown(thing, number)["points"][:, 1].max() < distance for number in range(1, 6))


def test_pictures_are_named_from_the_saved_file_and_in_full_without_one(runs, tmp_path):
    run = open_run(runs.copy("fixed", tmp_path / "run"))
    set_up(run)
    paths = {image.filepath for image in bpy.data.images if image.source == "SEQUENCE"}
    assert paths == {str(run.textures[0]), str(run.normal_maps[1][0])}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    set_up(run)
    paths = {image.filepath for image in bpy.data.images if image.source == "SEQUENCE"}
    assert paths == {"//run/textures/frame.0001.jpg", "//run/textures/normals.person01.0001.png"}


def test_normal_maps_are_numbers_and_the_video_is_srgb(runs):
    set_up(runs("fixed"))
    spaces = {image.filepath[-3:]: image.colorspace_settings.name for image in bpy.data.images}
    assert spaces["jpg"] == "sRGB"
    assert spaces["png"] == "Non-Color"


def test_relink_finds_a_run_that_was_moved_and_leaves_what_is_not_lost(runs, tmp_path):
    run = open_run(runs.copy("fixed", tmp_path / "run"))
    thing = set_up(run)
    before = render(run.width, run.height, tmp_path, frame=2)
    assert relink(run) == 0
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    moved = open_run(tmp_path / "elsewhere")
    assert relink(runs("walking")) == 0
    assert relink(moved) == 2
    assert thing["hd_human_run"] == str(moved.path)
    np.testing.assert_array_equal(render(run.width, run.height, tmp_path, frame=2), before)


def test_missing_pictures_are_said_and_nothing_is_added(runs, tmp_path):
    run = open_run(runs.copy("fixed", tmp_path / "run"))
    run.textures[3].unlink()
    before = [len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "node_groups", "materials", "images")]
    with pytest.raises(RunError, match="1 of 5 pictures are missing, the first is .*frame.0004.jpg"):
        add_human(run)
    assert [
        len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "node_groups", "materials", "images")
    ] == before
    assert add_human(run, texture=False)


def test_without_pictures_a_person_is_clay(runs, tmp_path):
    runs.copy("fixed", tmp_path / "run")
    state = (tmp_path / "run" / "run.json").read_text()
    (tmp_path / "run" / "run.json").write_text(state.replace('"texture": "frames"', '"texture": "none"'))
    for path in (tmp_path / "run" / "textures").iterdir():
        path.unlink()
    run = open_run(tmp_path / "run")
    assert (run.textures, run.normal_maps) == ((), {})
    set_up(run, filmed=1.0)
    pixels = render(run.width, run.height, tmp_path, frame=1)
    assert len(np.unique(pixels[pixels[..., 3] > 127], axis=0)) == 1
