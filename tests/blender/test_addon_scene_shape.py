"""The depth bank in Blender against the core's own meshes, and every knob of its modifier against a known value."""

import importlib.util
from pathlib import Path

import bpy
import numpy as np
import pytest
from addon_bank import nearest, read, rewrite, shown, turn

from blender_addon.bank import open_bank
from blender_addon.runfolder import open_run
from blender_addon.scene.human import add_human
from blender_addon.scene.nodes import KNOBS, bank_tree, get_knob, knob_path, player_of

RUNS = ["fixed", "walking"]


def add(run, **options):
    """The person alone, without what fills gaps: exactly what the bank holds."""
    (thing,) = add_human(run, texture=False, normal_map=False, **options)
    turn(thing, Fill_Gaps=False)
    return thing


def positions(run):
    """Positions in the clip and frames of the scene, forwards and back again."""
    steps = list(enumerate(run.frame_numbers.tolist()))
    return [*steps, *reversed(steps)]


@pytest.mark.parametrize("name", RUNS)
def test_every_frame_shows_the_vertices_of_the_core_and_the_rims_of_the_bank(runs, name):
    run = runs(name)
    thing = add(run)
    for position, number in positions(run):
        found, expected = shown(thing, number), runs.expected(name, position)
        assert len(found["points"]) == len(expected["pixels"]) + len(expected["rims"])
        assert found["num_quads"] == expected["num_quads"]
        index, off = nearest(expected["pixels"], found["points"])
        assert off.max() <= 1e-6
        assert len(np.unique(index)) == len(index)
        rims = np.setdiff1d(np.arange(len(found["points"])), index)
        assert nearest(expected["rims"], found["points"][rims])[1].max() <= 1e-4  # a rim's depth has a 0.1 mm step
        assert np.abs(found["uv"][index] - expected["pixels_uv"]).max() <= 1e-6


@pytest.fixture(scope="module")
def benchmark():
    """The benchmark's clip and its plain reading of a bank."""
    path = Path(__file__).parents[2] / "benchmarks" / "blender.py"
    spec = importlib.util.spec_from_file_location("benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_clip_of_more_frames_than_three_blocks_of_bits_shows_every_one(benchmark, tmp_path):
    """24 frames share a number and three numbers a point: 100 frames need two points a quad, 34 a vertex."""
    benchmark.write_run(tmp_path, size=32, num_frames=100)
    run = open_run(tmp_path)
    thing, bank = add(run), open_bank(run, 1)
    seen = []
    for position in range(100):
        found = shown(thing, 1 + position)
        points, quads, is_pixel = benchmark.expected(bank, position)
        np.testing.assert_array_equal(np.sort(found["corner"].reshape(-1, 4)), np.sort(quads))
        assert np.abs(found["points"] - points)[is_pixel].max() <= 1e-6
        seen.append(quads.tobytes())
    assert len(set(seen)) > 50
    for position in (0, 23, 24, 47, 72, 99):
        turn(thing, Fill_Gaps=False)
        num_quads = shown(thing, 1 + position)["num_quads"]
        turn(thing, Fill_Gaps=True)
        assert shown(thing)["num_quads"] == num_quads + len(step_cells(bank, position)) > num_quads


def test_a_frame_without_the_person_shows_nothing(runs, tmp_path):
    folder = runs.copy("fixed", tmp_path / "run")

    def gone(arrays):
        arrays["depth"][2] = 0
        return arrays | {"kept": arrays["kept"] & ~np.int32(1 << 2)}

    rewrite(folder / "bank" / "person01.safetensors", change_arrays=gone)
    thing = add(open_run(folder))
    turn(thing, Fill_Gaps=True)
    counts = [len(shown(thing, number)["points"]) for number in range(1, 6)]
    assert counts[2] == 0
    assert min(counts[:2] + counts[3:]) > 4000


@pytest.mark.parametrize("name", RUNS)
def test_texture_coordinates_of_the_rims_are_where_the_camera_sees_them(runs, name):
    run = runs(name)
    thing = add(run)
    for _, number in positions(run)[:5]:
        found = shown(thing, number)
        x, y, z = found["points"].T.astype(float)
        seen = run.intrinsics @ np.stack([x / y, -z / y, np.ones(len(x))])
        uv = np.stack([seen[0] / run.width, 1 - seen[1] / run.height], axis=1)
        assert np.abs(found["uv"] - uv).max() <= 1e-6


def test_the_crop_coordinate_is_where_the_crops_pixel_lies(runs):
    run = runs("walking")
    thing, bank = add(run), open_bank(run, 1)
    for position, number in positions(run)[:5]:
        found = shown(thing, number)
        crop = read(found["mesh"].attributes["crop"].data, "vector", 3)[:, :2]
        is_pixel = nearest(runs.expected("walking", position)["pixels"], found["points"])[0]
        place = crop[is_pixel] * [bank.crop_size[0], -bank.crop_size[1]] + [0, bank.crop_size[1]] - 0.5
        there = set(map(tuple, bank.pixels[bank.depth[position] > 0].tolist()))
        assert np.abs(place - np.rint(place)).max() < 1e-3
        assert set(map(tuple, np.rint(place).astype(int).tolist())) <= there


def test_faces_look_at_the_camera_and_are_smooth(runs):
    found = shown(add(runs("fixed")), 3)
    normals, centres = read(found["mesh"].polygons, "normal", 3), read(found["mesh"].polygons, "center", 3)
    assert (np.einsum("fk,fk->f", normals, centres) < 0).mean() > 0.99
    assert not any(one.name.startswith("sharp") for one in found["mesh"].attributes)


def test_fine_depths_are_within_a_tenth_of_a_millimetre_and_on_the_grid_of_the_rounding(runs):
    run = runs("walking")
    thing = add(run, precision="fine")
    for position, number in positions(run)[:5]:
        found, expected = shown(thing, number), runs.expected("walking", position)
        index, off = nearest(expected["pixels"], found["points"])
        assert 1e-6 < off.max() <= 1e-4
        depth = found["points"][index, 1] * 2.0**14
        assert (depth == np.rint(depth)).all()
        assert found["num_quads"] == expected["num_quads"]


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, [0, 0, 0, 1, 2, 3, 4, 4, 4]),
        ({"Start_Frame": 1003}, [0, 0, 0, 0, 0, 1, 2, 3, 4]),
        ({"Speed": 2.0}, [0, 0, 0, 2, 4, 4, 4, 4, 4]),
        ({"Speed": 0.5}, [0, 0, 0, 0, 1, 1, 2, 2, 3]),
        ({"Speed": 1 / 3}, [0, 0, 0, 0, 0, 1, 1, 1, 2]),
        ({"Speed": -1.0}, [4, 4, 4, 3, 2, 1, 0, 0, 0]),
        ({"Speed": 0.0, "Frame_Offset": 3.0}, [3, 3, 3, 3, 3, 3, 3, 3, 3]),
        ({"Hold_Ends": False}, [None, None, 0, 1, 2, 3, 4, None, None]),
    ],
)
def test_timing_picks_the_frame_that_it_says(runs, knobs, expected):
    run = runs("walking")
    thing = add(run)
    known = [shown(thing, number)["points"].copy() for number in run.frame_numbers.tolist()]
    turn(thing, **knobs)
    for number, position in zip(range(999, 1008), expected, strict=True):
        points = shown(thing, number)["points"]
        wanted = known[position] if position is not None else np.zeros((0, 3))
        np.testing.assert_array_equal(points, wanted)


def test_between_two_frames_the_nearer_one_is_shown(runs):
    run = runs("fixed")
    thing = add(run)
    second, third = shown(thing, 2)["points"].copy(), shown(thing, 3)["points"].copy()
    bpy.context.scene.frame_set(2, subframe=0.4)
    np.testing.assert_array_equal(shown(thing)["points"], second)
    bpy.context.scene.frame_set(2, subframe=0.6)
    np.testing.assert_array_equal(shown(thing)["points"], third)


def test_depth_scale_stretches_relief_about_the_clips_mean_along_the_rays(runs):
    run = runs("fixed")
    thing, bank = add(run), open_bank(run, 1)
    mean = np.mean(bank.depth[bank.depth > 0], dtype=np.float64)
    plain = shown(thing, 2)["points"].copy()
    for scale in (0.0, 0.5, 3.0):
        turn(thing, Depth_Scale=scale)
        depth = mean + (plain[:, 1] - mean) * scale
        np.testing.assert_allclose(shown(thing)["points"], plain * (depth / plain[:, 1])[:, None], atol=2e-6)
    turn(thing, Depth_Scale=1.0)
    np.testing.assert_array_equal(shown(thing)["points"], plain)


def test_no_depth_scale_turns_the_surface_over_behind_the_camera(runs):
    thing = add(runs("fixed"))
    turn(thing, Depth_Scale=10.0)
    assert shown(thing, 2)["points"][:, 1].min() >= 0.01 - 1e-6


def neighbours(found):
    """Pairs of vertices joined by an edge, and which vertices lie on an open edge."""
    edges = read(found["mesh"].edges, "vertices", 2, np.int32)
    faces = read(found["mesh"].loops, "edge_index", 1, np.int32)[:, 0]
    on_rim = np.zeros(len(found["points"]), bool)
    on_rim[edges[np.bincount(faces, minlength=len(edges)) == 1]] = True
    return edges, on_rim


def test_smoothing_blurs_depth_over_edges_along_the_rays_and_leaves_the_outline(runs):
    run = runs("fixed")
    thing = add(run)
    plain = shown(thing, 2)
    points = plain["points"].copy()
    edges, on_rim = neighbours(plain)
    turn(thing, Smoothing=1)
    smooth = shown(thing)["points"]
    np.testing.assert_array_equal(smooth[on_rim], points[on_rim])
    rays = points / points[:, 1:2]
    np.testing.assert_allclose(smooth / smooth[:, 1:2], rays, atol=1e-6)
    total, count = points[:, 1].astype(float), np.ones(len(points))
    for one, other in (edges.T, edges.T[::-1]):
        np.add.at(total, one, points[other, 1])
        np.add.at(count, one, 1)
    blurred = (total / count)[~on_rim]
    moved = np.abs(points[~on_rim, 1] - blurred).max()
    assert moved > 1e-3
    assert np.abs(smooth[~on_rim, 1] - blurred).max() < 1e-5


@pytest.mark.parametrize("name", RUNS)
def test_with_gaps_filled_a_thick_surface_is_watertight_too(runs, name):
    thing = add(runs(name))
    turn(thing, Fill_Gaps=True, Thickness=0.02)
    for number in runs(name).frame_numbers.tolist():
        closed = shown(thing, number)
        faces = read(closed["mesh"].loops, "edge_index", 1, np.int32)[:, 0]
        assert (np.bincount(faces, minlength=len(closed["mesh"].edges)) % 2 == 0).all()


def test_walls_of_a_thick_surface_wear_the_colour_of_the_inside_of_the_outline(runs):
    """Half of a pixel on the outline is backdrop; walls show pixels further in."""
    run = runs("fixed")
    thing = add(run)
    turn(thing, Thickness=0.06)
    found = shown(thing, 2)
    uv = read(found["mesh"].uv_layers["UVMap"].uv, "vector", 2).reshape(-1, 4, 2)
    corners = found["points"][found["corner"].reshape(-1, 4)]
    x, y, z = np.moveaxis(corners, -1, 0)
    seen = np.stack([(x / y * 150 + 56) / 112, 1 - (-z / y * 150 + 64) / 128], axis=-1)
    moved = np.abs(uv - seen).max(axis=(1, 2)) > 1e-5
    area = np.abs(np.cross(seen[:, 2] - seen[:, 0], seen[:, 3] - seen[:, 1]))
    assert moved[area < 1e-9].mean() > 0.99  # walls are seen edge on
    assert not moved[area > 1e-9].any()
    picture = runs.expected("fixed", 1)["matte"]
    column, row = np.floor(uv[moved].reshape(-1, 2) * [112, -128] + [0, 128]).astype(int).T
    rim_column, rim_row = np.floor(seen[moved].reshape(-1, 2) * [112, -128] + [0, 128]).astype(int).T
    assert picture[row, column].mean() > picture[rim_row, rim_column].mean() + 0.1


def test_thickness_closes_the_surface_with_a_back_along_the_rays(runs):
    run = runs("walking")
    thing = add(run)
    front = shown(thing, 1002)
    points, num_quads = front["points"].copy(), front["num_quads"]
    edges, _ = neighbours(front)
    faces = read(front["mesh"].loops, "edge_index", 1, np.int32)[:, 0]
    num_open = int((np.bincount(faces, minlength=len(edges)) == 1).sum())
    turn(thing, Thickness=0.06)
    closed = shown(thing)
    assert len(closed["points"]) == 2 * len(points)
    assert closed["num_quads"] == 2 * num_quads + num_open
    assert nearest(points, closed["points"])[1].max() == 0
    distance = np.linalg.norm(points, axis=1, keepdims=True)
    back = points * (1 + 0.06 / distance)
    assert nearest(back, closed["points"])[1].max() < 1e-6
    edges, _ = neighbours(closed)
    faces = read(closed["mesh"].loops, "edge_index", 1, np.int32)[:, 0]
    uses = np.bincount(faces, minlength=len(edges))
    assert (uses % 2 == 0).all()  # watertight; where the front touches itself in a point its walls meet four at an edge
    assert signed_volume(closed) > 0


def signed_volume(found):
    quads = found["corner"].reshape(-1, 4)
    a, b, c, d = (found["points"][quads[:, k]].astype(float) for k in range(4))
    return (np.einsum("ij,ij->i", a, np.cross(b, c)) + np.einsum("ij,ij->i", a, np.cross(c, d))).sum() / 6


@pytest.mark.parametrize("threshold", [1.5, 3.0])
def test_cut_threshold_removes_exactly_the_faces_with_a_longer_edge(runs, threshold):
    run = runs("fixed")
    thing, bank = add(run), open_bank(run, 1)
    found = shown(thing, 2)
    corners = found["points"][found["corner"].reshape(-1, 4)].astype(float)
    ends = np.roll(corners, -1, axis=1)
    pixel = np.sqrt(bank.view[1, 0] * bank.view[1, 1])
    length = np.linalg.norm(corners - ends, axis=2) / (np.minimum(corners[..., 1], ends[..., 1]) * pixel)
    expected = int((length.max(axis=1) < threshold).sum())
    assert expected < found["num_quads"]
    turn(thing, Cut_Threshold=threshold)
    assert shown(thing)["num_quads"] == expected


def step_cells(bank, position):
    """Cells between four pixels that are not drawn, by going through the pixels one by one."""
    number_of = {tuple(pixel): index for index, pixel in enumerate(bank.pixels.tolist())}
    drawn = (bank.kept[position // 24] >> (position % 24) & 1) == 1
    drawn = {min(quad) for quad in bank.quads[drawn].tolist()}
    cells = []
    for (x, y), index in number_of.items():
        cell = [number_of.get((x + dx, y + dy), -1) for dx, dy in ((0, 0), (0, 1), (1, 1), (1, 0))]
        if index not in drawn and -1 not in cell and (bank.depth[position][cell] > 0).all():
            cells.append(cell)
    return np.array(cells)


def test_filled_gaps_continue_the_far_surface_below_the_near_one(runs):
    """The arm is 0.2 m before the torso: its corners of cells that join the two go back to where the torso is."""
    run = runs("fixed")
    thing, bank = add(run), open_bank(run, 1)
    for position, number in positions(run)[:5]:
        plain = shown(thing, number)
        points, num_quads = plain["points"].copy(), plain["num_quads"]
        turn(thing, Fill_Gaps=True)
        filled = shown(thing)
        turn(thing, Fill_Gaps=False)
        cells = step_cells(bank, position)
        assert filled["num_quads"] == num_quads + len(cells) > num_quads + 50
        strips = filled["points"][len(points) :]
        np.testing.assert_array_equal(filled["points"][: len(points)], points)
        assert len(strips) == len(np.unique(cells))
        depth = bank.depth[position][cells]
        joins = np.ptp(depth, axis=1) > 0.15
        lone = np.setdiff1d(cells[joins], cells[~joins])  # corners of such cells only
        before = bank.depth[position][np.unique(cells)]
        is_lone = np.isin(np.unique(cells), lone)
        on_torso = before > 1.9
        np.testing.assert_array_equal(strips[is_lone & on_torso, 1], before[is_lone & on_torso])
        moved = strips[is_lone & ~on_torso]
        assert len(moved) > 20
        assert moved[:, 1].min() > 1.95
        rays = (bank.pixels[np.unique(cells)] * bank.view[position, :2] + bank.view[position, 2:4])[is_lone & ~on_torso]
        np.testing.assert_allclose(moved[:, [0, 2]] / moved[:, 1:2], rays * [1, -1], atol=1e-6)


def test_every_knob_has_a_tooltip_a_panel_and_a_sensible_default(runs):
    thing = add(runs("fixed"))
    tree = player_of(thing).node_group
    sockets = {i.name: i for i in tree.interface.items_tree if i.item_type == "SOCKET" and i.in_out == "INPUT"}
    assert set(sockets) == {"Geometry", *(knob.name for knob in KNOBS)}
    for knob in KNOBS:
        assert sockets[knob.name].description == knob.tip
        assert sockets[knob.name].parent.name == knob.panel
        for setting, value in knob.settings.items():
            assert getattr(sockets[knob.name], setting) == value
    usual = {"Start Frame": 1, "Speed": 1.0, "Hold Ends": True, "Depth Scale": 1.0, "Smoothing": 0, "Thickness": 0.0}
    assert {name: get_knob(player_of(thing), name) for name in usual} == usual


def test_people_of_one_file_share_the_tree(runs):
    first, second = add(runs("fixed")), add(runs("walking"))
    assert player_of(first).node_group == player_of(second).node_group == bank_tree()


def test_a_knob_can_be_keyframed(runs):
    thing = add(runs("fixed"))
    plain = [shown(thing, number)["points"].copy() for number in range(1, 6)]
    turn(thing, Speed=0.0)
    for number in (1, 5):
        turn(thing, Frame_Offset=float(5 - number))
        thing.keyframe_insert(data_path=knob_path(player_of(thing), "Frame Offset"), frame=number)
    np.testing.assert_array_equal(shown(thing, 1)["points"], plain[4])
    np.testing.assert_array_equal(shown(thing, 5)["points"], plain[0])
