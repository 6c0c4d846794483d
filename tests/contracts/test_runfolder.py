"""The run folder: complete or absent files, and refusals that name the option that changed."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from hd_core.atomic import PARTIAL, atomic_path, write_bytes
from hd_core.errors import InputError, OutputError, UsageError
from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import make_crop
from hd_core.records import (
    is_whole,
    read_maps,
    read_measures,
    read_mesh,
    read_record,
    read_view,
    write_maps,
    write_mesh,
    write_record,
    write_view,
)
from hd_core.runfolder import RunFolder
from hd_core.types import Box, Gauge, Mesh, SurfaceMaps, View

FULL = camera_from_focal(40, 30, focal_px=33.0)


def some_view():
    rng = np.random.default_rng(3)
    crop = make_crop(FULL, Box(left=-1.5, top=2.25, width=20.0, height=20.0), width=16, height=16)
    return View(
        rgb=rng.integers(0, 256, (16, 16, 3), np.uint8),
        alpha=rng.integers(0, 256, (16, 16)).astype(np.float32) / 255,
        crop=crop,
        frame_index=7,
        time_seconds=0.28,
    )


def some_maps(view):
    rng = np.random.default_rng(4)
    normal = rng.normal(size=(16, 16, 3)) - [0, 0, 4]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return SurfaceMaps(
        camera=view.crop.camera,
        depth=np.where(view.mask, rng.uniform(1, 3, (16, 16)), np.nan).astype(np.float32),
        normal=np.where(view.mask[..., None], normal, 0).astype(np.float32),
        mask=view.mask,
        confidence=view.mask.astype(np.float32),
        gauge=Gauge.SCALE,
    )


def test_a_view_comes_back_bit_for_bit_with_the_camera_of_its_crop(tmp_path):
    view = some_view()
    write_view(tmp_path / "v.safetensors", view, digest="d")
    back = read_view(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(back.rgb, view.rgb)
    np.testing.assert_array_equal(back.alpha, view.alpha)
    np.testing.assert_array_equal(back.crop.camera.intrinsics, view.crop.camera.intrinsics)
    assert (back.frame_index, back.time_seconds, back.person_id) == (7, 0.28, 1)


def test_maps_come_back_with_exact_depth_and_normals_to_a_fortieth_of_a_degree(tmp_path):
    maps = some_maps(some_view())
    write_maps(tmp_path / "m.safetensors", maps, digest="d", measures={"mask_px": 5.0})
    back = read_maps(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.depth, maps.depth)
    cosine = (back.normal * maps.normal).sum(-1)[maps.mask].clip(-1, 1)
    assert np.degrees(np.arccos(cosine)).max() < 0.05
    assert back.gauge is Gauge.SCALE
    assert read_measures(tmp_path / "m.safetensors") == {"mask_px": 5.0}


def test_a_mesh_comes_back_bit_for_bit_and_without_what_it_never_had(tmp_path):
    mesh = Mesh(
        vertices=np.eye(3, dtype=np.float32),
        faces=np.array([[0, 1, 2]], np.int32),
        colours=np.arange(9, dtype=np.uint8).reshape(3, 3),
    )
    write_mesh(tmp_path / "m.safetensors", mesh, digest="d", measures={})
    back = read_mesh(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.vertices, mesh.vertices)
    np.testing.assert_array_equal(back.colours, mesh.colours)
    assert back.uv is None
    assert back.normals is None


def test_the_same_record_is_the_same_bytes(tmp_path):
    for name in "ab":
        write_record(tmp_path / name, {"y": np.ones(3), "x": np.zeros(2)}, digest="d", header={"k": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "missing", "other options"])
def test_a_record_that_is_cut_or_changed_or_of_other_options_is_not_whole(tmp_path, damage):
    path = tmp_path / "r.safetensors"
    write_record(path, {"x": np.arange(1000.0)}, digest="d", header={})
    assert is_whole(path, "d")
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[:-5])
    elif damage == "flip":
        path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "missing":
        path.unlink()
    assert not is_whole(path, "other" if damage == "other options" else "d")


def test_reading_a_cut_record_is_one_clear_line(tmp_path):
    path = tmp_path / "r.safetensors"
    write_record(path, {"x": np.arange(1000.0)}, digest="d", header={})
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="missing or damaged"):
        read_record(path)


def test_a_writer_that_fails_leaves_neither_the_file_nor_its_beginning(tmp_path):
    path = tmp_path / "deep" / "file.bin"
    with pytest.raises(RuntimeError), atomic_path(path) as aside:
        aside.write_bytes(b"half")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []


def test_a_full_disk_is_one_line_with_a_remedy_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")

    def full(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="disk is full: file.bin .* Free some space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]


def test_an_unwritable_place_says_so():
    with pytest.raises(OutputError, match="Choose another output"):
        RunFolder(Path("/proc/no/such/place"))


def test_the_same_options_go_on_and_other_options_are_refused_by_name(tmp_path):
    with RunFolder(tmp_path / "run") as run:
        first = run.begin("person", {"size": 256, "tier": "fast"})
    with RunFolder(tmp_path / "run") as run:
        assert run.begin("person", {"tier": "fast", "size": 256}) == first
        with pytest.raises(UsageError, match=r"person: size was 256, now 384") as caught:
            run.begin("person", {"size": 384, "tier": "fast"})
    assert caught.value.exit_code == 2


def test_a_changed_early_stage_changes_the_digest_of_every_later_one(tmp_path):
    digests = []
    for size in (256, 384):
        with RunFolder(tmp_path / str(size)) as run:
            run.begin("person", {"size": size})
            digests.append(run.begin("predict", {"predictor": "constant"}))
    assert digests[0] != digests[1]


def test_overwriting_a_stage_discards_it_and_what_came_after_and_nothing_before(tmp_path):
    with RunFolder(tmp_path) as run:
        for stage in ("person", "predict", "integrate"):
            digest = run.begin(stage, {"a": 1})
            write_record(run.frame_path(stage, 1, 0), {"x": np.ones(1)}, digest=digest, header={})
        write_bytes(run.path / "export" / "a.ply", b"x")
    with RunFolder(tmp_path, overwrite=True) as run:
        run.begin("person", {"a": 1})
        run.begin("predict", {"a": 2})
        assert run.frame_indices("person", 1) == [0]
        assert run.frame_indices("predict", 1) == []
        assert run.frame_indices("integrate", 1) == []
        assert not (run.path / "export").exists()
        with pytest.raises(InputError, match="holds no 'integrate' stage"):
            run.digest("integrate")


def test_a_stage_out_of_order_is_refused_and_names_the_one_to_run_first(tmp_path):
    with RunFolder(tmp_path) as run, pytest.raises(InputError, match="Run the 'predict' stage"):
        run.begin("person", {})
        run.begin("integrate", {})


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(UsageError, match=r"holds other files \(thesis.doc"):
        RunFolder(tmp_path)
    assert (tmp_path / "thesis.doc").read_text() == "mine"


def test_two_jobs_cannot_share_a_folder_and_a_dead_one_does_not_hold_it(tmp_path):
    with RunFolder(tmp_path), pytest.raises(UsageError, match="in use by another job"):
        RunFolder(tmp_path)
    RunFolder(tmp_path).close()


def test_a_newer_schema_is_refused(tmp_path):
    with RunFolder(tmp_path) as run:
        run.begin("person", {})
        run.write_json("run.json", {"schema": 99, "stages": {}})
    with pytest.raises(UsageError, match="schema 99; this hd_core reads 1"):
        RunFolder(tmp_path)


def test_what_a_killed_job_left_half_written_is_swept_away(tmp_path):
    half = tmp_path / "person01" / "maps" / f"{PARTIAL}000001.safetensors"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    (tmp_path / "run.json").write_text('{"schema": 1, "stages": {}}')
    RunFolder(tmp_path).close()
    assert not half.exists()


def test_a_folder_that_is_no_run_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="holds no run.json"):
        RunFolder.existing(tmp_path)
