"""Data sets: the same bytes whoever makes them, whole or absent, split cleanly, and picky about broken clips."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hd_core import __version__
from hd_core.errors import CancelledError, InputError, OutputError, UsageError
from hd_core.progress import Silent
from hd_core.synth.generate import RejectedClipError, clip_path, generate
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import SPLITS, Part, Recipe
from hd_core.synth.shards import decode_depth, is_complete, load_clip, read_clip, write_clip

OPTIONS = DatasetOptions(frames=2, size=32, seed=5)


def draw(recipe, options):
    """A clip of noise: all that matters here is that it hangs on the recipe alone."""
    noise = recipe.rng(Part.MOTION).integers(0, 256, (options.frames, options.size, options.size), np.uint8)
    return {"rgb": noise}, {"kind": "noise"}


def draw_that_breaks_every_third_clip_once(recipe, options):
    if recipe.clip % 3 == 0 and recipe.attempt == 0:
        raise RejectedClipError("the cloth exploded")
    return draw(recipe, options)


def draw_that_never_works(recipe, options):
    raise RejectedClipError("the cloth exploded")


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.npz"))}


def test_a_clip_comes_back_bit_for_bit_with_its_header(tmp_path):
    arrays = {"a": np.arange(12, dtype=np.float16).reshape(3, 4), "b": np.array([True, False])}
    write_clip(tmp_path / "c.npz", arrays, {"x": 1})
    back, header = read_clip(tmp_path / "c.npz")
    assert header == {"x": 1}
    for name, value in arrays.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].dtype == value.dtype
    assert np.load(tmp_path / "c.npz")["a"].shape == (3, 4)


def test_only_the_arrays_that_are_asked_for_are_unpacked_and_an_unknown_one_is_named(tmp_path):
    path = tmp_path / "c.npz"
    write_clip(path, {"a": np.arange(3), "b": np.arange(4)}, {"x": 1})
    assert set(read_clip(path, ("b",))[0]) == {"b"}
    with pytest.raises(InputError, match="has no c; it holds a, b"):
        read_clip(path, ("a", "c"))


def test_a_loaded_clip_is_in_metres_unit_normals_and_shares(tmp_path):
    """Codes by hand: 0 is off the person, 1 the nearest depth, 101 a hundred steps behind it."""
    header = {"depth": {"near_m": 2.0, "step_m": 0.01}, "normal_step": 1 / 32767}
    code = np.array([[[0, 1], [101, 51]]], np.uint16)
    normal = np.zeros((1, 2, 2, 3), np.int16)
    normal[0, 0, 1] = [0, 0, -32767]
    normal[0, 1, 0] = [19660, 0, -26214]
    alpha = np.array([[[0, 255], [51, 102]]], np.uint8)
    write_clip(tmp_path / "c.npz", {"depth": code, "normal": normal, "alpha": alpha, "n": np.arange(2)}, header)
    arrays, back = load_clip(tmp_path / "c.npz")
    assert back == header
    np.testing.assert_allclose(arrays["depth"], [[[np.nan, 2.0], [3.0, 2.5]]], rtol=1e-7)
    np.testing.assert_allclose(arrays["normal"][0], [[[0, 0, 0], [0, 0, -1]], [[0.6, 0, -0.8], [0, 0, 0]]], atol=3e-5)
    assert np.linalg.norm(arrays["normal"][0, 1, 0]) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(arrays["alpha"], [[[0, 1], [0.2, 0.4]]], rtol=1e-6)
    np.testing.assert_array_equal(arrays["n"], [0, 1])
    assert all(arrays[name].dtype == np.float32 for name in ("depth", "normal", "alpha"))
    np.testing.assert_allclose(decode_depth(code, header)[0, 1], [3.0, 2.5])


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_clip_is_not_complete_and_reading_it_is_one_line(tmp_path, damage):
    path = tmp_path / "c.npz"
    write_clip(path, {"a": np.arange(1000)}, {"recipe": {"clip": 1}})
    assert is_complete(path, {"clip": 1})
    assert not is_complete(path, {"clip": 2})
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 255
    path.write_bytes(b"" if damage == "empty" else bytes(data) if damage == "flip" else bytes(data[:-30]))
    assert not is_complete(path, {"clip": 1})
    with pytest.raises(InputError, match="missing or damaged"):
        read_clip(path)


def test_every_part_of_every_clip_of_every_split_has_draws_of_its_own():
    draws = {
        (split, clip, part): tuple(Recipe(split=split, seed=1, clip=clip).rng(part).integers(0, 2**62, 2))
        for split in SPLITS
        for clip in range(20)
        for part in Part
    }
    assert len(set(draws.values())) == len(draws)


def test_a_redrawn_clip_is_another_one_and_the_same_recipe_is_the_same():
    recipe = Recipe(split="val", seed=1, clip=3)
    first = recipe.rng(Part.LIGHT).random(4)
    assert not np.array_equal(recipe.redrawn().rng(Part.LIGHT).random(4), first)
    np.testing.assert_array_equal(Recipe(split="val", seed=1, clip=3).rng(Part.LIGHT).random(4), first)


def test_an_unknown_split_names_the_known_ones():
    with pytest.raises(UsageError, match="Known: train, val, test"):
        Recipe(split="training", seed=0, clip=0)


def test_one_process_and_two_and_a_run_in_pieces_make_the_same_bytes(tmp_path):
    generate(tmp_path / "alone", range(7), OPTIONS, draw, workers=0, progress=Silent())
    generate(tmp_path / "pool", range(7), OPTIONS, draw, workers=2, progress=Silent())
    for piece in (range(4, 7), range(2), range(7)):
        generate(tmp_path / "pieces", piece, OPTIONS, draw, workers=0, progress=Silent())
    assert digests(tmp_path / "alone") == digests(tmp_path / "pool") == digests(tmp_path / "pieces")
    assert len(digests(tmp_path / "alone")) == 7


def test_a_broken_draw_is_drawn_anew_and_counted_and_remembered(tmp_path):
    summary = generate(
        tmp_path, range(6), OPTIONS, draw_that_breaks_every_third_clip_once, workers=0, progress=Silent()
    )
    assert summary.rejection_rate == pytest.approx(2 / 8)
    _, header = read_clip(clip_path(tmp_path, OPTIONS, 3))
    assert header["attempt"] == 1
    assert header["rejections"] == ["clip 3: the cloth exploded"]
    _, sound = read_clip(clip_path(tmp_path, OPTIONS, 1))
    assert (sound["attempt"], sound["rejections"]) == (0, [])


def test_a_clip_that_never_comes_out_ends_the_run_with_its_reason(tmp_path):
    with pytest.raises(InputError, match="Clip 0 was rejected 6 times, last: clip 0: the cloth exploded"):
        generate(tmp_path, range(2), OPTIONS, draw_that_never_works, workers=0, progress=Silent())


def test_what_is_there_is_kept_and_what_is_damaged_is_made_again(tmp_path):
    generate(tmp_path, range(3), OPTIONS, draw, workers=0, progress=Silent())
    expected = digests(tmp_path)
    victim = clip_path(tmp_path, OPTIONS, 1)
    victim.write_bytes(victim.read_bytes()[:-9])
    summary = generate(tmp_path, range(3), OPTIONS, draw, workers=0, progress=Silent())
    assert (summary.written, summary.kept) == (1, 2)
    assert digests(tmp_path) == expected


def test_a_folder_of_other_options_is_refused_by_name_and_another_split_is_welcome(tmp_path):
    generate(tmp_path, range(1), OPTIONS, draw, workers=0, progress=Silent())
    other = DatasetOptions(frames=2, size=64, seed=5)
    with pytest.raises(UsageError, match="size was 32, now 64"):
        generate(tmp_path, range(1), other, draw, workers=0, progress=Silent())
    test = DatasetOptions(frames=2, size=64, seed=5, split="test")
    generate(tmp_path, range(1), test, draw, workers=0, progress=Silent())
    assert json.loads((tmp_path / "test.json").read_text())["size"] == 64


def test_clips_of_another_version_are_not_mixed_with_ours(tmp_path):
    generate(tmp_path, range(1), OPTIONS, draw, workers=0, progress=Silent())
    card = json.loads((tmp_path / "train.json").read_text())
    (tmp_path / "train.json").write_text(json.dumps(card | {"version": "0.0.9"}))
    with pytest.raises(UsageError, match=f"version was '0.0.9', now '{__version__}'"):
        generate(tmp_path, range(1), OPTIONS, draw, workers=0, progress=Silent())


def test_cancelling_keeps_finished_clips_and_leaves_no_half_one(tmp_path):
    class AfterTwo(Silent):
        done = 0

        def step(self, stage, done, total):
            self.done = done

        def cancelled(self):
            return self.done >= 2

    with pytest.raises(CancelledError):
        generate(tmp_path, range(5), OPTIONS, draw, workers=0, progress=AfterTwo())
    assert len(digests(tmp_path)) == 2
    assert not list(tmp_path.rglob(".partial-*"))


def test_one_draw_only_leaves_a_rejected_clip_out_and_reports_it(tmp_path):
    summary = generate(
        tmp_path,
        [0, 4, 6],
        OPTIONS,
        draw_that_breaks_every_third_clip_once,
        workers=0,
        progress=Silent(),
        attempts=1,
    )
    assert (summary.written, summary.missing) == (1, (0, 6))
    assert [path.stem for path in tmp_path.rglob("*.npz")] == ["000004"]


def test_a_disk_that_fills_up_in_the_middle_of_a_clip_is_one_line_and_the_run_goes_on_when_there_is_room(
    tmp_path, monkeypatch
):
    generate(tmp_path / "expected", range(4), OPTIONS, draw, workers=0, progress=Silent())
    one = clip_path(tmp_path / "expected", OPTIONS, 0).stat().st_size
    left, write = [int(2.5 * one)], zipfile.ZipFile.writestr

    def write_while_there_is_room(archive, info, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(archive, info, data)

    with monkeypatch.context() as full:
        full.setattr(zipfile.ZipFile, "writestr", write_while_there_is_room)
        with pytest.raises(OutputError, match=r"The disk is full: 000002\.npz could not be written") as error:
            generate(tmp_path / "d", range(4), OPTIONS, draw, workers=0, progress=Silent())
    assert "run the same command again" in error.value.hint
    assert sorted(path.name for path in (tmp_path / "d" / "train").iterdir()) == ["000000.npz", "000001.npz"]
    assert generate(tmp_path / "d", range(4), OPTIONS, draw, workers=0, progress=Silent()).kept == 2
    assert digests(tmp_path / "d") == digests(tmp_path / "expected")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a small file system, as Linux does it")
def test_a_really_full_disk_is_told_by_the_workers_too_and_leaves_no_half_clip(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        with pytest.raises(OutputError, match="The disk is full"):
            generate(disk, range(30), OPTIONS, draw, workers=1, progress=Silent())
        left = list(disk.rglob("*.npz"))
        assert left
        assert all(is_complete(path, json.loads(json.dumps(read_clip(path)[1]["recipe"]))) for path in left)
        assert not list(disk.rglob(".partial-*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Cannot write"):
        generate(tmp_path / "file" / "data", range(1), OPTIONS, draw, workers=0, progress=Silent())


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00\xff"])
def test_a_damaged_card_of_the_data_set_says_what_to_do(tmp_path, text):
    generate(tmp_path, range(1), OPTIONS, draw, workers=0, progress=Silent())
    (tmp_path / "train.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"train\.json") as error:
        generate(tmp_path, range(1), OPTIONS, draw, workers=0, progress=Silent())
    assert "Delete it" in error.value.hint


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"size": 31}, {"size": -5}, {"size": 5000}, {"seed": -1}])
def test_nonsense_options_are_refused_with_what_was_found(wrong):
    with pytest.raises(UsageError, match=str(next(iter(wrong.values())))):
        DatasetOptions(**wrong)


SLOW_RUN = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import slow_clips
    from hd_core.progress import Silent
    from hd_core.synth.generate import generate
    from hd_core.synth.options import DatasetOptions

    if __name__ == "__main__":
        options = DatasetOptions(frames=2, size=32, seed=5)
        generate(Path({folder!r}), range(40), options, slow_clips.draw, workers={workers}, progress=Silent())
"""
SLOW_CLIPS = """
    import os, time
    import numpy as np
    from pathlib import Path

    def draw(recipe, options):
        Path(os.environ["PIDS"], str(os.getpid())).touch()
        time.sleep(0.05)
        noise = recipe.rng(3).integers(0, 256, (options.frames, options.size, options.size), np.uint8)
        return {"rgb": noise}, {"kind": "noise"}
"""


@pytest.fixture
def slow_run(tmp_path):
    """Starts a run of forty slow clips in a process of its own."""
    (tmp_path / "slow_clips.py").write_text(textwrap.dedent(SLOW_CLIPS))
    (tmp_path / "pids").mkdir()

    def start(workers):
        code = SLOW_RUN.format(tests=str(tmp_path), folder=str(tmp_path / "d"), workers=workers)
        (tmp_path / "run.py").write_text(textwrap.dedent(code))
        paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        environment = {**os.environ, "PIDS": str(tmp_path / "pids"), "PYTHONPATH": paths}
        with (tmp_path / "said").open("w") as said:
            return subprocess.Popen([sys.executable, str(tmp_path / "run.py")], env=environment, stderr=said)

    return start


def wait_for(condition, seconds=30.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks processes up in /proc")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_run_leaves_no_worker_behind_and_the_next_one_makes_the_same_bytes(tmp_path, slow_run, workers):
    run = slow_run(workers)
    done = tmp_path / "d" / "train"
    assert wait_for(lambda: len(list(done.glob("*.npz"))) >= 3), (tmp_path / "said").read_text()
    run.send_signal(signal.SIGKILL)
    run.wait()
    workers_seen = [int(path.name) for path in (tmp_path / "pids").iterdir()]
    assert workers_seen
    assert wait_for(lambda: not any(alive(pid) for pid in workers_seen), 10)
    kept = digests(tmp_path / "d")
    (done / ".partial-000039.npz").write_bytes(b"half a clip")
    summary = generate(tmp_path / "d", range(40), OPTIONS, draw, workers=0, progress=Silent())
    generate(tmp_path / "expected", range(40), OPTIONS, draw, workers=0, progress=Silent())
    assert summary.kept == len(kept) < 40
    assert digests(tmp_path / "d") == digests(tmp_path / "expected")
    assert not list((tmp_path / "d").rglob(".partial-*"))


def draw_that_is_killed(recipe, options):
    if recipe.clip == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(recipe, options)


def test_a_killed_worker_is_one_line_that_speaks_of_memory(tmp_path):
    with pytest.raises(InputError, match="A worker process was killed") as error:
        generate(tmp_path, range(6), OPTIONS, draw_that_is_killed, workers=1, progress=Silent())
    assert "--workers" in error.value.hint
    assert len(digests(tmp_path)) == 2
