"""The whole line on closed-form scenes: what comes out is the surface that went in."""

import json

import numpy as np
import pytest
from pipeline_clips import FPS, digests, words, write_clip
from pxr import Usd, UsdGeom

from hd_core.cli.main import main
from hd_core.export.exr import read_passes
from hd_core.geometry.camera import BLENDER_FROM_CAM, camera_from_focal, project, unproject
from hd_core.records import camera_from_json, read_maps, read_mesh
from hd_core.synth.shapes import SHAPES

SIZE = 256


def run_line(clip, run, *more, size=SIZE):
    with pytest.raises(SystemExit) as end:
        main([*words(clip, run, *more, size=size), "--progress", "none"])
    assert end.value.code == 0
    return json.loads((run / "manifest.json").read_text())


@pytest.fixture(scope="module", params=["plane", "sphere", "wave", "arm_before_torso"])
def finished(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    clip = write_clip(folder / "clip", scene=request.param, num_frames=2, size=SIZE)
    whole_frame = ("--box", "0", "0", str(SIZE), str(SIZE), "--margin", "0")
    manifest = run_line(clip, folder / "run", "--formats", "usdc", "--passes", *whole_frame)
    return request.param, folder / "run", manifest


def test_the_surface_comes_back_within_half_a_millimetre_at_two_metres(finished):
    scene, run, _ = finished
    for number in range(2):
        surface = read_maps(run / "person01" / "surfaces" / f"{number:06d}.safetensors")
        truth = SHAPES[scene](surface.camera, time_seconds=float(number / FPS)).maps
        both = surface.mask & truth.mask
        assert both.sum() >= 0.97 * surface.mask.sum()
        assert np.abs(surface.depth - truth.depth)[both].mean() < 0.5e-3


def test_maps_of_another_grid_move_the_surface_by_a_tenth_of_a_millimetre(tmp_path):
    """In a crop of its own grid a pixel beside a step may fall to the other side; all others keep their place."""
    clip = write_clip(tmp_path / "clip", num_frames=1, size=SIZE)
    run_line(clip, tmp_path / "run")
    surface = read_maps(tmp_path / "run/person01/surfaces/000000.safetensors")
    truth = SHAPES["arm_before_torso"](surface.camera, time_seconds=0.0).maps
    error = np.abs(surface.depth - truth.depth)[surface.mask & truth.mask]
    assert np.median(error) < 1e-4
    assert (error < 5e-3).mean() > 0.97


def test_no_triangle_bridges_a_gap_and_the_matte_is_covered(finished):
    scene, _, manifest = finished
    summary = manifest["summary"]
    assert summary["bridging"]["max"] == 0
    limbs_of_a_ball = 0.003  # all around it the surface turns away, and triangles there are long in truth
    assert summary["stretched_rate"]["max"] <= (limbs_of_a_ball if scene == "sphere" else 0.001)
    assert summary["coverage"]["min"] >= 0.99


def test_unprojected_exr_depth_is_the_mesh_to_a_tenth_of_a_millimetre(finished):
    _, run, _ = finished
    passes = read_passes(run / "passes" / "person01.000000.exr")
    surface = read_maps(run / "person01" / "surfaces" / "000000.safetensors")
    mesh = read_mesh(run / "person01" / "mesh" / "000000.safetensors")
    points = unproject(surface.camera, np.where(surface.mask, passes["Z"], np.nan))
    place = project(surface.camera, mesh.vertices.astype(np.float64)) - 0.5
    pixel = np.rint(place).astype(int)
    at_centre = np.abs(place - pixel).max(axis=1) < 1e-3
    assert at_centre.sum() >= 0.99 * surface.mask.sum()
    column, row = pixel[at_centre].T
    np.testing.assert_allclose(mesh.vertices[at_centre], points[row, column], atol=1e-4)


def test_the_usd_file_holds_the_mesh_of_every_frame_in_blender_axes(finished):
    _, run, _ = finished
    stage = Usd.Stage.Open(str(run / "export" / "clip.usdc"))
    meshes = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert [prim.GetName() for prim in meshes] == ["person01"]
    assert stage.GetTimeCodesPerSecond() == float(FPS)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1, 2)
    for number in range(2):
        mesh = read_mesh(run / "person01" / "mesh" / f"{number:06d}.safetensors")
        points = np.array(UsdGeom.Mesh(meshes[0]).GetPointsAttr().Get(number + 1))
        np.testing.assert_allclose(points, mesh.vertices @ BLENDER_FROM_CAM.T, atol=1e-6)


def test_the_texture_coordinates_are_where_the_camera_sees_the_vertex(finished):
    _, run, _ = finished
    camera = camera_from_json(json.loads((run / "camera.json").read_text()))
    mesh = read_mesh(run / "person01" / "mesh" / "000001.safetensors")
    seen = project(camera, mesh.vertices.astype(np.float64))
    expected = np.stack([seen[:, 0] / camera.width, 1 - seen[:, 1] / camera.height], axis=-1)
    np.testing.assert_allclose(mesh.uv, expected, atol=1e-4)


def test_the_manifest_names_every_result_with_its_digest(finished):
    _, run, manifest = finished
    found = digests(run)
    listed = {entry["path"]: entry["sha256"] for entry in manifest["outputs"]}
    assert listed == {
        path: sha for path, sha in found.items() if path.split("/")[0] in ("export", "passes", "textures")
    }
    assert [frame["status"] for frame in manifest["people"][0]["frames"]] == ["ok", "ok"]


def test_constant_topology_writes_all_three_formats_and_keeps_its_faces(tmp_path):
    clip = write_clip(tmp_path / "clip", num_frames=4, size=96)
    manifest = run_line(clip, tmp_path / "run", "--topology", "constant", "--formats", "usdc", "glb", "pc2", size=96)
    names = {entry["path"] for entry in manifest["outputs"]}
    assert {"export/clip.usdc", "export/clip.glb", "export/clip.pc2"} <= names
    meshes = [read_mesh(run_path) for run_path in sorted((tmp_path / "run/person01/mesh").iterdir())]
    assert all(np.array_equal(mesh.faces, meshes[0].faces) for mesh in meshes)
    assert all(np.array_equal(mesh.uv, meshes[0].uv) for mesh in meshes)
    assert manifest["summary"]["bridging"]["max"] == 0


def test_running_the_stages_one_by_one_gives_the_bytes_of_the_main_job(tmp_path):
    clip = write_clip(tmp_path / "clip", num_frames=2, size=64)
    run_line(clip, tmp_path / "whole", size=64)
    parts = tmp_path / "parts"
    for command in (
        ["predict", *words(clip, parts, size=64)[1:]],
        ["integrate", str(parts)],
        ["mesh", str(parts)],
        ["export", str(parts)],
    ):
        with pytest.raises(SystemExit) as end:
            main([*command, "--progress", "none"])
        assert end.value.code == 0
    assert digests(parts) == digests(tmp_path / "whole")


def test_frames_keep_their_numbers_and_times_when_some_are_left_out(tmp_path):
    clip = write_clip(tmp_path / "clip", num_frames=7, size=64)
    manifest = run_line(clip, tmp_path / "run", "--frames", "1:6:2", "--start-frame", "1001", size=64)
    frames = manifest["people"][0]["frames"]
    assert [(f["index"], f["number"]) for f in frames] == [(1, 1001), (3, 1002), (5, 1003)]
    np.testing.assert_allclose([f["time_seconds"] for f in frames], np.array([1, 3, 5]) / 24, atol=1e-4)
    stage = Usd.Stage.Open(str(tmp_path / "run/export/clip.usdc"))
    assert stage.GetTimeCodesPerSecond() == 12
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001, 1003)


def test_one_body_height_sets_one_scale_for_the_clip(tmp_path):
    clip = write_clip(tmp_path / "clip", scene="sphere", num_frames=2, size=96)
    run_line(clip, tmp_path / "run", "--subject-height-m", "1.8", size=96)
    scale = json.loads((tmp_path / "run/scale.json").read_text())
    heights = []
    for path in sorted((tmp_path / "run/person01/mesh").iterdir()):
        y = read_mesh(path).vertices[:, 1]
        heights.append(y.max() - y.min())
    assert max(heights) == pytest.approx(1.8, rel=0.03)
    assert scale["people"]["1"]["source"] == "--subject-height-m"


def test_the_camera_is_that_of_the_maps_and_camera_json_says_so(tmp_path):
    clip = write_clip(tmp_path / "clip", scene="plane", num_frames=1, size=64)
    run_line(clip, tmp_path / "run", size=64)
    camera = json.loads((tmp_path / "run/camera.json").read_text())
    np.testing.assert_allclose(
        camera["intrinsics"], camera_from_focal(64, 64, focal_px=64 * 1.1).intrinsics, rtol=1e-12
    )
    assert camera["focal_source"] == "maps"
