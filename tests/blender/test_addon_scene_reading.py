"""Run folders and banks read without Blender: what is found, and what is said when something is wrong."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from addon_bank import rewrite

from blender_addon import bank as bank_module
from blender_addon.bank import open_bank, read_bank, rim_shift
from blender_addon.records import RunError, read_record
from blender_addon.runfolder import open_run


@pytest.fixture
def copied(runs, tmp_path):
    return runs.copy("walking", tmp_path / "run")


def change_json(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_a_run_says_what_its_job_was_told(runs):
    run = runs("walking")
    assert (run.clip_name, run.fps, run.start_frame, run.people) == ("walking", (30000, 1001), 1001, (1,))
    assert run.frame_numbers.tolist() == [1001, 1002, 1003, 1004, 1005]
    assert run.source_indices.tolist() == [0, 1, 2, 3, 4]
    assert (run.width, run.height, run.num_frames, run.num_done, run.complete) == (176, 112, 5, 5, True)
    np.testing.assert_array_equal(run.intrinsics, [[130, 0, 80], [0, 143, 60], [0, 0, 1]])
    assert [path.name for path in run.textures] == [f"frame.{number}.jpg" for number in range(1001, 1006)]
    assert [path.name for path in run.normal_maps[1]] == [f"normals.person01.{n}.png" for n in range(1001, 1006)]
    assert run.exports == {".usdc": run.path / "export" / "walking.usdc"}
    assert run.mesh_path(1, 3).is_file()


def test_a_run_is_opened_by_any_file_in_it_too(runs):
    run = runs("fixed")
    for name in ("run.json", "manifest.json", "report.html"):
        assert open_run(run.path / name).path == run.path
    assert open_run(str(run.path)).path == run.path


def test_reading_a_run_writes_nothing_into_it(copied):
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*")}
    open_bank(open_run(copied), 1)
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*")} == before


def test_a_record_is_what_safetensors_wrote(runs):
    """The header's own offsets, read byte by byte."""
    path = runs("fixed").bank_path(1)
    arrays, header = read_record(path)
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    begin, end = json.loads(raw[8 : 8 + size])["depth"]["data_offsets"]
    assert arrays["depth"].tobytes() == raw[8 + size + begin : 8 + size + end]
    assert isinstance(arrays["depth"], np.memmap)
    assert header["person_id"] == 1


def test_rims_are_drawn_in_eight_directions_by_sixteenths():
    shift = rim_shift(np.arange(64))
    assert shift[0].tolist() == [1 / 16, 0]
    assert shift[1].tolist() == [1 / 16, 1 / 16]
    assert shift[2].tolist() == [0, 1 / 16]
    assert shift[8 * 7 + 4].tolist() == [-15 / 16, 0]
    assert shift[8 * 3 + 5].tolist() == [-7 / 16, -7 / 16]


def says(path, what, hint=""):
    with pytest.raises(RunError) as caught:
        open_bank(open_run(path), 1)
    assert what in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


def test_a_folder_that_is_not_there(tmp_path):
    says(tmp_path / "nowhere", "does not exist", "moved")


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "holiday.txt").write_text("sun")
    says(tmp_path, "is not a run folder")


@pytest.mark.parametrize("text", ["{}", "[1, 2]", '"run"', '{"schema": "one"}'])
def test_a_run_json_of_another_program(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    says(tmp_path, "is not one of hd-core's")


def test_a_run_json_cut_short(copied):
    (copied / "run.json").write_text((copied / "run.json").read_text()[:100])
    says(copied, "missing or damaged", "copy")


def test_a_run_of_a_newer_hd_core(copied):
    change_json(copied / "run.json", schema=2)
    says(copied, "newer hd-core (schema 2; this add-on reads 1)", "Update the add-on")


def test_a_run_whose_job_has_only_begun(copied):
    (copied / "camera.json").unlink()
    says(copied, "has not looked at its video yet", "resume")


def test_a_run_json_without_its_source(copied):
    change_json(copied / "run.json", stages={"person": {"options": {}}})
    says(copied, "does not say what a run folder should")


def test_a_half_written_run_can_be_looked_at_and_says_how_far_it_is(copied):
    (copied / "manifest.json").unlink()
    (copied / "person01" / "mesh" / "000004.safetensors").unlink()
    run = open_run(copied)
    assert (run.complete, run.num_done, run.num_frames) == (False, 4, 5)


def test_a_run_without_a_bank(copied):
    (copied / "bank" / "person01.safetensors").unlink()
    says(copied, "has no depth bank", "hd-core export RUN --bank, or the panel's Build button")


@pytest.mark.parametrize("keep", [0, 4, 8, 100, 0.5, -1])
def test_a_bank_cut_short(copied, keep):
    path = copied / "bank" / "person01.safetensors"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(keep * len(raw)) if isinstance(keep, float) else keep])
    says(copied, "damaged")


def test_a_bank_of_noise(copied):
    path = copied / "bank" / "person01.safetensors"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 4096, np.uint8).tobytes())
    says(copied, "damaged")


def test_a_bank_of_a_newer_hd_core(copied):
    rewrite(copied / "bank" / "person01.safetensors", schema=2)
    says(copied, "newer hd-core", "Update the add-on")


def test_a_bank_of_older_meshes(copied):
    rewrite(copied / "bank" / "person01.safetensors", mesh_digest="of yesterday")
    says(copied, "meshes that have been made anew since", "--bank")


def test_a_bank_of_another_clip(copied):
    def later(arrays):
        return arrays | {"frame_numbers": arrays["frame_numbers"] + 1}

    rewrite(copied / "bank" / "person01.safetensors", change_arrays=later)
    says(copied, "another clip", "--bank")


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a | {"quads": a["quads"] + len(a["pixels"])},
        lambda a: a | {"quads": -a["quads"]},
        lambda a: a | {"depth": a["depth"][:, :-1].copy()},
        lambda a: a | {"kept": np.concatenate([a["kept"]] * 2)},
        lambda a: a | {"view": a["view"][:, :6].copy()},
        lambda a: a | {"pixels": a["pixels"].ravel()},
        lambda a: {name: value for name, value in a.items() if name != "view"},
    ],
)
def test_a_bank_whose_parts_do_not_fit(copied, change):
    rewrite(copied / "bank" / "person01.safetensors", change_arrays=change)
    says(copied, "no depth bank or a damaged one", "--bank")


def test_a_rewritten_bank_is_read_as_it_was(copied):
    path = copied / "bank" / "person01.safetensors"
    before = {name: np.array(value) for name, value in read_record(path)[0].items()}
    rewrite(path)
    after, _ = read_record(path)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert read_bank(path).num_frames == 5


@pytest.mark.parametrize("module", ["records", "runfolder", "bank"])
def test_what_reads_needs_nothing_of_blender(module):
    tree = ast.parse((Path(bank_module.__file__).parent / f"{module}.py").read_text())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name.split(".")[0] in ("bpy", "mathutils", "hd_core", "scene") for name in imported)
