"""Frames without the person, given masks and boxes, and the texture atlas."""

import json

import numpy as np
import pytest
from PIL import Image
from pipeline_clips import words, write_clip

from hd_core.cli.main import main
from hd_core.pipeline.export import load_scene
from hd_core.records import read_mesh, read_view
from hd_core.runfolder import RunFolder


def run_line(arguments):
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--progress", "none"])
    return end.value.code


def clip_with_an_empty_frame(folder, empty=2, num_frames=5):
    """Frame `empty` shows the scene, but its maps know of nobody."""
    clip = write_clip(folder, num_frames=num_frames, size=64)
    path = clip.parent / "maps" / f"{empty:06d}.npz"
    arrays = dict(np.load(path))
    arrays["mask"][:] = 0
    np.savez(path, **arrays)
    return clip


@pytest.mark.parametrize("topology", ["varying", "constant"])
def test_a_frame_without_the_person_shows_nothing_and_keeps_its_place(tmp_path, topology):
    clip = clip_with_an_empty_frame(tmp_path / "clip")
    run = tmp_path / "run"
    assert run_line(words(clip, run, "--topology", topology, "--formats", "usdc", "npz", size=64)) == 0
    manifest = json.loads((run / "manifest.json").read_text())
    statuses = [frame["status"] for frame in manifest["people"][0]["frames"]]
    assert statuses == ["ok", "ok", "no_person", "ok", "ok"]
    with RunFolder.existing(run) as folder:
        sequence = load_scene(folder).sequences[0]
        assert len(sequence) == 5
        absent, present = sequence[2], sequence[1]
        assert len(present.faces) > 100
        corners = absent.vertices[absent.faces[:, :3]]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1)
        assert not area.any()
        if topology == "constant":
            np.testing.assert_array_equal(absent.faces, present.faces)
            assert not absent.valid.any()


def test_one_failing_frame_ends_with_4_and_the_rest_is_written(tmp_path, capfd):
    clip = write_clip(tmp_path / "clip", num_frames=3, size=64)
    path = clip.parent / "maps" / "000001.npz"
    arrays = dict(np.load(path))
    arrays["depth"][32, 32] = np.nan
    np.savez(path, **arrays)
    run = tmp_path / "run"
    assert run_line(words(clip, run, size=64)) == 4
    assert "1 frames failed, the first is 1" in capfd.readouterr().err
    frames = json.loads((run / "manifest.json").read_text())["people"][0]["frames"]
    assert [frame["status"] for frame in frames] == ["ok", "failed", "ok"]
    assert "not finite" in frames[1]["message"]
    assert (run / "export" / "clip.usdc").exists()


def test_a_given_mask_is_the_matte(tmp_path):
    clip = write_clip(tmp_path / "clip", num_frames=1, size=64)
    mask = np.zeros((64, 64), np.uint8)
    mask[10:50, 20:40] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    run = tmp_path / "run"
    arguments = ["reconstruct", clip, "-o", run, "--predictor", "constant", "--mask", tmp_path / "mask.png"]
    assert run_line([*arguments, "--size", "64", "--formats", "ply"]) == 0
    view = read_view(run / "person01/views/000000.safetensors")
    mesh = read_mesh(run / "person01/mesh/000000.safetensors")
    box = view.crop.box
    assert box.left < 20 < 40 < box.left + box.width
    assert box.top < 10 < 50 < box.top + box.height
    x, y = mesh.uv[:, 0] * 64, (1 - mesh.uv[:, 1]) * 64
    np.testing.assert_allclose([x.min(), x.max(), y.min(), y.max()], [20, 40, 10, 50], atol=0.6)


def test_an_alpha_channel_is_the_matte(tmp_path):
    picture = np.zeros((64, 48, 4), np.uint8)
    picture[..., :3] = 120
    picture[8:56, 12:36, 3] = 255
    Image.fromarray(picture).save(tmp_path / "cut_out.png")
    run = tmp_path / "run"
    arguments = ["reconstruct", tmp_path / "cut_out.png", "-o", run, "--predictor", "constant"]
    assert run_line([*arguments, "--size", "64", "--formats", "ply"]) == 0
    mesh = read_mesh(run / "person01/mesh/000000.safetensors")
    x, y = mesh.uv[:, 0] * 48, (1 - mesh.uv[:, 1]) * 64
    np.testing.assert_allclose([x.min(), x.max(), y.min(), y.max()], [12, 36, 8, 56], atol=0.6)


def test_the_atlas_shows_under_every_vertex_the_colour_of_the_vertex(tmp_path):
    clip = write_clip(tmp_path / "clip", num_frames=5, size=64)
    run = tmp_path / "run"
    assert run_line(words(clip, run, "--texture", "atlas", size=64)) == 0
    atlas = np.asarray(Image.open(run / "textures" / "atlas.person01.png"))
    height, width = atlas.shape[:2]
    for number in range(5):
        mesh = read_mesh(run / f"person01/mesh/{number:06d}.safetensors")
        column = (mesh.uv[:, 0] * width).astype(int).clip(0, width - 1)
        row = ((1 - mesh.uv[:, 1]) * height).astype(int).clip(0, height - 1)
        off = np.abs(atlas[row, column].astype(int) - mesh.colours).max(axis=1)
        assert np.median(off) <= 2


def test_a_fixed_crop_stands_still_and_a_following_one_moves(tmp_path):
    moving = []
    for left in (10, 40, 70):
        picture = np.zeros((64, 128, 4), np.uint8)
        picture[12:52, left : left + 20] = 255
        moving.append(picture)
    (tmp_path / "walk").mkdir()
    for number, picture in enumerate(moving):
        Image.fromarray(picture).save(tmp_path / "walk" / f"{number:04d}.png")
    lefts = {}
    for crop in ("fixed", "follow"):
        run = tmp_path / crop
        arguments = ["reconstruct", tmp_path / "walk", "-o", run, "--predictor", "constant", "--crop", crop]
        assert run_line([*arguments, "--size", "64", "--formats", "ply"]) == 0
        views = [read_view(path) for path in sorted((run / "person01/views").iterdir())]
        lefts[crop] = [view.crop.box.left for view in views]
    assert lefts["fixed"][0] == lefts["fixed"][1] == lefts["fixed"][2]
    assert lefts["follow"][2] - lefts["follow"][0] > 40
