"""Bad input: one clear line on stderr, the right exit code, and nothing lost."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pipeline_clips import digests, words, write_clip

from hd_core.cli.main import main


def hd_core(capfd, *arguments):
    """Exit code and the lines on stderr of one command."""
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--progress", "none"])
    lines = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("warning:")]
    return end.value.code, lines


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), num_frames=3, size=64)


def assert_refused(found, code, *texts):
    exit_code, lines = found
    assert exit_code == code
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    for text in texts:
        assert text in lines[0]


def constant(video, run, *more):
    return ["reconstruct", video, "-o", run, "--predictor", "constant", *more]


def test_a_missing_file(tmp_path, capfd):
    assert_refused(hd_core(capfd, *constant(tmp_path / "no.mp4", tmp_path / "run")), 3, "no.mp4")


def test_an_empty_file(tmp_path, capfd):
    (tmp_path / "a.mp4").touch()
    assert_refused(hd_core(capfd, *constant(tmp_path / "a.mp4", tmp_path / "run")), 3, "a.mp4", "empty")


def test_a_text_file_called_mp4(tmp_path, capfd):
    (tmp_path / "a.mp4").write_text("Dear diary, today I danced.\n" * 50)
    assert_refused(hd_core(capfd, *constant(tmp_path / "a.mp4", tmp_path / "run")), 3, "a.mp4", "text")


def test_a_video_cut_short_before_its_index(clip, tmp_path, capfd):
    data = clip.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 3])
    assert_refused(hd_core(capfd, *constant(tmp_path / "cut.mp4", tmp_path / "run")), 3, "cut.mp4")


def test_a_picture_of_one_pixel(tmp_path, capfd):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert_refused(hd_core(capfd, *constant(tmp_path / "dot.png", tmp_path / "run")), 3, "1 x 1")


def test_a_clip_with_nobody_in_it(tmp_path, capfd):
    folder = tmp_path / "empty_room"
    folder.mkdir()
    wall = np.random.default_rng(0).integers(90, 110, (180, 240, 3), np.uint8)
    for number in range(3):
        Image.fromarray(wall).save(folder / f"{number:04d}.png")
    assert_refused(hd_core(capfd, *constant(folder, tmp_path / "run")), 3, "No person", "frames 0 to 2", "--mask")


def test_a_mask_of_another_size(clip, tmp_path, capfd):
    Image.new("L", (50, 20), 255).save(tmp_path / "mask.png")
    found = hd_core(capfd, *constant(clip, tmp_path / "run", "--mask", tmp_path / "mask.png"))
    assert_refused(found, 3, "50 x 20", "64 x 64")


def test_depth_with_nan_inside_its_mask(tmp_path, capfd):
    clip = write_clip(tmp_path / "c", num_frames=1, size=64)
    path = clip.parent / "maps" / "000000.npz"
    arrays = dict(np.load(path))
    arrays["depth"][32, 32] = np.nan
    np.savez(path, **arrays)
    assert_refused(hd_core(capfd, *words(clip, tmp_path / "run", size=64)), 3, "1 pixels", "not finite", "Frame 0")


def test_an_unknown_suffix(clip, tmp_path, capfd):
    found = hd_core(capfd, *words(clip, tmp_path / "run", "--formats", "fbx", size=64))
    assert_refused(found, 2, "'.fbx'", ".usdc")
    assert not (tmp_path / "run").exists()


def test_a_format_that_needs_the_other_topology_is_refused_before_the_work(clip, tmp_path, capfd):
    found = hd_core(capfd, *words(clip, tmp_path / "run", "--formats", "pc2", size=64))
    assert_refused(found, 2, "--topology constant")
    assert not (tmp_path / "run").exists()


def test_an_unwritable_folder(clip, capfd):
    assert_refused(hd_core(capfd, *words(clip, "/proc/nowhere/run", size=64)), 3, "Cannot write", "-o")


def test_weights_that_are_not_there(clip, tmp_path, capfd):
    found = hd_core(capfd, "reconstruct", clip, "-o", tmp_path / "run", "--weights", tmp_path / "no.safetensors")
    assert_refused(found, 5, "no.safetensors")


@pytest.mark.parametrize("frames", ["9:", "a:b", "2:1", "::-1"])
def test_frames_that_mean_nothing_here(clip, tmp_path, capfd, frames):
    assert_refused(hd_core(capfd, *words(clip, tmp_path / "run", "--frames", frames, size=64)), 2, "3")


def test_two_lenses_at_once(clip, tmp_path, capfd):
    found = hd_core(capfd, *words(clip, tmp_path / "run", "--focal-px", "70", "--fov-deg", "50", size=64))
    assert_refused(found, 2, "--focal-px", "--fov-deg")


def test_another_lens_than_that_of_the_maps(clip, tmp_path, capfd):
    found = hd_core(capfd, *words(clip, tmp_path / "run", "--focal-px", "50", size=64))
    assert_refused(found, 2, "70.4 px", "50.0")


def test_maps_that_were_replaced_after_the_run_are_noticed(tmp_path, capfd):
    clip = write_clip(tmp_path / "c", num_frames=1, size=64)
    assert hd_core(capfd, *words(clip, tmp_path / "run", size=64))[0] == 0
    path = clip.parent / "maps" / "000000.npz"
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"depth": arrays["depth"] + 0.1})
    assert_refused(hd_core(capfd, *words(clip, tmp_path / "run", size=64)), 2, "maps_sha256", "--overwrite")


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--size", "100", 2),
        ("--subject-height-m", "17", 2),
        ("--fps", "fast", 2),
        ("--predictor", "magic", 2),
        ("--keep-ratio", "0.0", 2),
        ("--prior-weight", "-1.0", 2),
        ("--distance-m", "-2.0", 2),
    ],
)
def test_an_option_out_of_range(clip, tmp_path, capfd, option, value, code):
    assert_refused(hd_core(capfd, *words(clip, tmp_path / "run", size=64), option, value), code, value)


def test_a_mesh_option_that_constant_topology_does_not_have(clip, tmp_path, capfd):
    more = ("--topology", "constant", "--keep-ratio", "0.5")
    assert_refused(hd_core(capfd, *words(clip, tmp_path / "run", *more, size=64)), 2, "--keep-ratio")


def test_a_word_that_is_no_option_ends_with_2(capfd):
    code, _ = hd_core(capfd, "reconstruct", "--colour", "blue")
    assert code == 2


def test_a_run_folder_of_other_options_names_the_option_and_keeps_every_file(clip, tmp_path, capfd):
    run = tmp_path / "run"
    assert hd_core(capfd, *words(clip, run, size=64)) == (0, [])
    before = digests(run)
    found = hd_core(capfd, *words(clip, run, "--keep-ratio", "0.5", size=64))
    assert_refused(found, 2, "keep_ratio", "--overwrite")
    assert digests(run) == before


def test_a_stage_without_the_one_before_it_names_that_one(clip, tmp_path, capfd):
    run = tmp_path / "run"
    assert hd_core(capfd, "predict", *words(clip, run, size=64)[1:])[0] == 0
    assert_refused(hd_core(capfd, "mesh", run), 3, "integrate")
    assert_refused(hd_core(capfd, "export", tmp_path / "none"), 3, "not a run folder")


def test_a_full_disk_is_one_line_and_the_job_goes_on_when_there_is_room(clip, tmp_path, capfd):
    """A file-size limit stands in for the disk: the system refuses the write in the same place."""
    run, expected = tmp_path / "run", tmp_path / "expected"
    limit = (
        "import resource, signal, sys; from hd_core.cli.main import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000));"
        "main(sys.argv[1:])"
    )
    found = subprocess.run(
        [sys.executable, "-c", limit, *words(clip, run, "--progress", "none", size=64)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in found.stderr.splitlines() if not line.startswith("warning:")]
    assert_refused((found.returncode, lines), 3, "Cannot write", "File too large")
    assert hd_core(capfd, *words(clip, run, size=64)) == (0, [])
    assert hd_core(capfd, *words(clip, expected, size=64)) == (0, [])
    assert digests(run) == digests(expected)


def test_an_error_on_a_pipe_is_json_with_its_exit_code(tmp_path, capfd):
    with pytest.raises(SystemExit) as end:
        main(["info", str(tmp_path / "no.mp4"), "--progress", "json"])
    said = capfd.readouterr()
    event = json.loads(said.out.splitlines()[-1])
    assert event["event"] == "error"
    assert event["exit_code"] == end.value.code == 3
    assert said.err.startswith("error: ")


def test_an_internal_error_is_one_line_that_asks_for_a_report(monkeypatch, tmp_path, capfd):
    def explode(path, **options):
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("hd_core.video.read.open_clip", explode)
    found = hd_core(capfd, "info", tmp_path / "a.mp4")
    assert_refused(found, 1, "Internal error: ZeroDivisionError: by accident", "--traceback")
