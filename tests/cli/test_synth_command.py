"""`hd-core synth`: what it refuses, what it leaves behind when it is stopped, and its lists."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hd_core.cli.main import main
from hd_core.synth import frozen
from hd_core.synth.body import model
from hd_core.synth.shards import read_clip

ROOT = Path(__file__).parents[2]


def hd_core(capfd, *arguments):
    """Exit code and the lines on stderr of one command."""
    with pytest.raises(SystemExit) as end:
        main(["synth", *map(str, arguments), "--workers", "0", "--progress", "none"])
    return end.value.code, capfd.readouterr().err.splitlines()


def assert_refused(found, code, *texts):
    exit_code, lines = found
    assert exit_code == code
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    for text in texts:
        assert text in lines[0]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--clips", "0"),
        ("--clips", "-3"),
        ("--first", "-1"),
        ("--frames", "0"),
        ("--size", "0"),
        ("--size", "31"),
        ("--size", "-256"),
        ("--size", "100000"),
        ("--seed", "-1"),
        ("--workers", "-1"),
    ],
)
def test_a_number_out_of_range_ends_with_2_and_writes_nothing(tmp_path, capfd, option, value):
    with pytest.raises(SystemExit) as end:
        main(["synth", "-o", str(tmp_path / "d"), option, value])
    assert_refused((end.value.code, capfd.readouterr().err.splitlines()), 2, value)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("words", [("--size", "big"), ("--split", "exam"), ("--colour", "blue")])
def test_words_that_mean_nothing_end_with_2(tmp_path, capfd, words):
    with pytest.raises(SystemExit) as end:
        main(["synth", "-o", str(tmp_path / "d"), *words])
    assert end.value.code == 2


def test_a_folder_of_other_options_names_the_option(tmp_path, capfd):
    (tmp_path / "train.json").write_text(json.dumps({"frames": 24, "size": 128, "seed": 0, "split": "train"}))
    assert_refused(hd_core(capfd, "-o", tmp_path, "--clips", "1"), 2, "size was 128, now 256", "Use another -o")


def test_a_folder_that_cannot_be_written_ends_with_3(tmp_path, capfd):
    (tmp_path / "file").touch()
    assert_refused(hd_core(capfd, "-o", tmp_path / "file" / "d", "--clips", "1"), 3, "Cannot write", "-o")


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "text"])
def test_a_missing_or_damaged_asset_is_named_with_the_way_to_get_it(tmp_path, capfd, monkeypatch, damage):
    path = tmp_path / "body.safetensors"
    data = model.BODY_FILE.read_bytes()
    if damage != "gone":
        path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "text": b"Dear diary, " * 99}[damage])
    monkeypatch.setattr(model, "BODY_FILE", path)
    model.load_body.cache_clear()
    found = hd_core(capfd, "-o", tmp_path / "d", "--clips", "1", "--size", "64", "--frames", "2")
    model.load_body.cache_clear()
    what = "Found no body.safetensors" if damage == "gone" else "body.safetensors is damaged"
    assert_refused(found, 3, what, "install the package again", "tools/export_body.py")
    assert not list((tmp_path / "d").rglob("*.npz"))


def test_an_unknown_test_list_and_options_that_it_sets_itself_are_refused(tmp_path, capfd, monkeypatch):
    assert_refused(hd_core(capfd, "-o", tmp_path, "--test-list", "test-v0"), 2, "no test list 'test-v0'")
    one = frozen.FrozenList(name="test-t", version="0", rule="", seed=7, frames=16, sizes=(256, 512), clips=())
    (tmp_path / "test-t.json").write_text(frozen.list_text(one))
    monkeypatch.setattr(frozen, "FOLDER", tmp_path)
    words = ("-o", tmp_path / "d", "--test-list", "test-t")
    assert_refused(hd_core(capfd, *words, "--size", "300"), 2, "256 or 512 px")
    assert_refused(hd_core(capfd, *words, "--seed", "8"), 2, "test-t has --seed 7; found 8")
    assert_refused(hd_core(capfd, *words, "--split", "val"), 2, "test-t has --split test; found val")


SLOW_CLIPS = """
import time
import numpy as np

def draw(recipe, options):
    time.sleep(0.1)
    return {"rgb": np.zeros((options.frames, options.size, options.size, 3), np.uint8)}, {}
"""
RUN = "import sys, slow_clips, hd_core.synth.clip as clip; clip.make_clip = slow_clips.draw;" + (
    "from hd_core.cli.main import main; main(sys.argv[1:])"
)


def start(folder, workers):
    """The command in a process of its own, with clips that need a tenth of a second and no person."""
    (folder / "slow_clips.py").write_text(SLOW_CLIPS)
    words = ["synth", "-o", str(folder / "d"), "--clips", "400", "--frames", "2", "--size", "64", "--progress", "none"]
    paths = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *words, "--workers", workers],
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, "0"), (signal.SIGINT, "1"), (signal.SIGTERM, "1")])
def test_a_run_that_is_asked_to_stop_ends_with_130_keeps_whole_clips_and_says_so_in_one_line(tmp_path, number, workers):
    with start(tmp_path, workers) as run:
        until = time.monotonic() + 90
        while not list(tmp_path.rglob("0*.npz")) and time.monotonic() < until:
            time.sleep(0.05)
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
    clips = list(tmp_path.rglob("0*.npz"))
    assert run.returncode == 130, said
    assert len(said.strip().splitlines()) == 1, said
    assert 1 <= len(clips) < 400
    assert not list(tmp_path.rglob(".partial-*"))
    for path in clips:
        assert len(read_clip(path)[0]["rgb"]) == 2


def test_recipes_are_listed_without_rendering_and_counted(tmp_path, capfd):
    with pytest.raises(SystemExit) as end:
        main(
            [
                *("synth", "-o", str(tmp_path), "--clips", "3", "--first", "5", "--split", "val", "--recipes"),
                *("--workers", "0", "--progress", "none"),
            ]
        )
    assert end.value.code == 0
    said = capfd.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "val_recipes.jsonl").read_text().splitlines()]
    assert [(line["split"], line["clip"]) for line in lines] == [("val", 5), ("val", 6), ("val", 7)]
    assert {"person", "motion", "camera", "light", "lens"} <= lines[0].keys()
    for title in ("garments", "prints", "motion", "framing", "light"):
        assert title in said
    assert not list(tmp_path.rglob("*.npz"))
