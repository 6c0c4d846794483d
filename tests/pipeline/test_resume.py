"""A job that is killed at any moment and run again gives the bytes of one that was left in peace."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from pipeline_clips import digests, words, write_clip

HD_CORE = [sys.executable, "-m", "hd_core.cli.main"]
MORE = ("--formats", "usdc", "glb", "pc2", "ply", "--topology", "constant", "--passes", "--progress", "none")
KILLS = 20


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), num_frames=8, size=96)


@pytest.fixture(scope="module")
def undisturbed(clip, tmp_path_factory):
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    began = time.perf_counter()
    subprocess.run([*HD_CORE, *words(clip, run, *MORE)], check=True, capture_output=True)
    return digests(run), time.perf_counter() - began


def test_twenty_kills_at_random_moments_change_no_byte(clip, undisturbed, tmp_path):
    expected, seconds = undisturbed
    rng = random.Random(7)
    kills, finished = 0, 0
    run = tmp_path / "run"
    while kills < KILLS or not run.exists():
        job = subprocess.Popen(
            [*HD_CORE, *words(clip, run, *MORE)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            job.wait(timeout=rng.uniform(0.2, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            os.kill(job.pid, signal.SIGKILL)
            job.wait()
            kills += 1
        else:
            assert job.returncode == 0
            assert digests(run) == expected
            finished += 1
            shutil.rmtree(run)
    subprocess.run([*HD_CORE, *words(clip, run, *MORE)], check=True, capture_output=True)
    assert digests(run) == expected


def test_a_damaged_record_is_made_again_and_nothing_else(clip, undisturbed, tmp_path):
    expected, _ = undisturbed
    run = tmp_path / "run"
    subprocess.run([*HD_CORE, *words(clip, run, *MORE)], check=True, capture_output=True)
    record = run / "person01" / "surfaces" / "000003.safetensors"
    record.write_bytes(record.read_bytes()[:-7])
    untouched = run / "person01" / "surfaces" / "000004.safetensors"
    before = untouched.stat().st_mtime_ns
    subprocess.run([*HD_CORE, *words(clip, run, *MORE)], check=True, capture_output=True)
    assert digests(run) == expected
    assert untouched.stat().st_mtime_ns == before


def test_ctrl_c_stops_with_130_says_so_in_one_line_and_loses_nothing(clip, undisturbed, tmp_path):
    expected, _ = undisturbed
    run = tmp_path / "run"
    job = subprocess.Popen([*HD_CORE, *words(clip, run, *MORE)], stderr=subprocess.PIPE, text=True)
    while not (run / "sightings.json").exists():
        assert job.poll() is None
        time.sleep(0.01)
    job.send_signal(signal.SIGINT)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 130
    assert said.strip().splitlines()[-1].startswith("error: Cancelled.")
    subprocess.run([*HD_CORE, *words(clip, run, *MORE)], check=True, capture_output=True)
    assert digests(run) == expected
