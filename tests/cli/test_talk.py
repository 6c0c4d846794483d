"""How commands talk: JSON lines on a pipe, plans without traces, facts about clips and runs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_clips import words, write_clip

from hd_core import __version__
from hd_core.cli.main import main
from hd_core.pipeline.dry import disk_bytes
from hd_core.pipeline.line import Plan
from hd_core.pipeline.options import PersonOptions


def hd_core(capfd, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code, capfd.readouterr().out


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), num_frames=3, size=64)


@pytest.fixture(scope="module")
def run(clip):
    with pytest.raises(SystemExit):
        main([*words(clip, clip.parent / "run", size=64), "--progress", "none"])
    return clip.parent / "run"


def test_progress_on_a_pipe_is_one_json_object_a_line_and_every_stage_ends_complete(clip, tmp_path, capfd):
    code, out = hd_core(capfd, *words(clip, tmp_path / "run", size=64))
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    steps = [event for event in events if event["event"] == "progress"]
    last = {step["stage"]: (step["done"], step["total"]) for step in steps}
    assert last == dict.fromkeys(("find", "person", "predict", "integrate", "mesh", "export"), (3, 3))
    for stage in last:
        done = [step["done"] for step in steps if step["stage"] == stage]
        assert done == sorted(done)
    paths = [event["path"] for event in events if event["event"] == "result" and "path" in event]
    assert any(path.endswith("clip.usdc") for path in paths)


def test_a_dry_run_prints_the_plan_and_an_estimate_and_writes_nothing(clip, tmp_path, capfd):
    more = ("--dry-run", "--formats", "usdc", "glb", "--progress", "none")
    code, out = hd_core(capfd, *words(clip, tmp_path / "run", *more, size=64))
    assert code == 0
    assert "3 of 3 frames, 64 x 64 px" in out
    assert ".usdc .glb" in out
    assert re.search(r"disk +about \d+ MB", out)
    assert not (tmp_path / "run").exists()


def test_the_disk_estimate_is_within_a_factor_of_two(run, clip):
    plan = Plan(person=PersonOptions(size=64))
    parts = disk_bytes(plan, 3, 64 * 64)
    for part, folder in {"views": "views", "maps": "maps", "surfaces": "surfaces", "mesh": "mesh"}.items():
        found = sum(path.stat().st_size for path in Path(run / "person01" / folder).iterdir())
        assert 0.5 < found / parts[part] < 2, part


def test_info_tells_what_a_clip_is(clip, capfd):
    code, out = hd_core(capfd, "info", clip)
    assert code == 0
    assert re.search(r"frames +3\n", out)
    assert re.search(r"size +64 x 64 px", out)
    assert re.search(r"rate +24 frames/s \(24\)", out)


def test_info_tells_how_far_a_run_is_and_what_it_made(run, capfd):
    code, out = hd_core(capfd, "info", run)
    assert code == 0
    assert re.search(r"integrate +3 frames", out)
    assert "export/clip.usdc" in out


def test_doctor_names_every_part_and_finds_this_machine_ready(capfd, tmp_path):
    code, out = hd_core(capfd, "doctor", "--folder", tmp_path)
    assert code == 0
    for part in ("python", "onnxruntime", "usd-core", "modnet", "blazepose_full", "disk"):
        assert re.search(rf"^ok +{part} ", out, re.MULTILINE)


def test_doctor_says_what_is_missing_and_how_to_get_it(capfd, monkeypatch, tmp_path):
    monkeypatch.setattr("hd_core.cli.doctor.PARTS", {"no_such_library": "magic"})
    code, out = hd_core(capfd, "doctor", "--folder", tmp_path)
    assert code == 2
    assert re.search(r"MISSING +no_such_library +for magic: .* Install hd-core again", out)


def test_the_report_shows_every_frame_and_its_pictures_are_there(run):
    page = (run / "report.html").read_text()
    assert page.count("<tr><td>") >= 3 + 1
    assert 'href="export/clip.usdc"' in page
    sheet = Image.open(run / "contact_sheet.png")
    assert sheet.size == (8 * 256, 22 + 3 * 256)
    assert len(np.unique(np.asarray(sheet.resize((64, 24))).reshape(-1, 3), axis=0)) > 100


def test_the_version_is_the_packages(capfd):
    assert hd_core(capfd, "--version") == (0, f"hd-core {__version__}\n")


def test_synth_makes_clips_a_sheet_and_a_film_and_keeps_what_is_there(tmp_path, capfd):
    words_of_it = (
        "synth",
        "-o",
        tmp_path,
        "--clips",
        2,
        "--frames",
        2,
        "--size",
        96,
        "--workers",
        0,
        "--progress",
        "none",
    )
    code, out = hd_core(capfd, *words_of_it, "--preview")
    assert code == 0
    assert "2 clips made, 0 were there" in out
    with np.load(tmp_path / "train" / "000001.npz") as arrays:
        assert arrays["rgb"].shape == (2, 96, 96, 3)
    with Image.open(tmp_path / "train_sheet.jpg") as sheet, Image.open(tmp_path / "train_strips.jpg") as strips:
        assert sheet.size == (2 * 2 * 192, 192)  # two people, picture and normals side by side
        assert strips.size == (2 * 160, 2 * 4 * 160)  # two frames; picture, normals, depth and IUV below each other
    assert (tmp_path / "train.mp4").stat().st_size > 1000
    assert "0 clips made, 2 were there" in hd_core(capfd, *words_of_it)[1]
