"""`hd-core adapt`: from a video with maps of the body to weights that `predict` takes; and what it refuses."""

import json

import numpy as np
import pytest
from adapt_scenes import ball_clip, tiny_weights
from PIL import Image
from pipeline_clips import write_clip

from hd_core.cli.main import main

SIZE = 64


def hd_core(capfd, *arguments):
    """Exit code and what was said."""
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--progress", "json"])
    out, err = capfd.readouterr()
    return end.value.code, [json.loads(line) for line in out.splitlines()], err.splitlines()


def assert_refused(found, code, *texts):
    exit_code, _, lines = found
    assert exit_code == code
    assert len(lines) == 1, lines
    for text in ("error: ", *texts):
        assert text in lines[0]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A video, masks, maps of the body, and weights."""
    folder = tmp_path_factory.mktemp("scene")
    video = write_clip(folder, num_frames=3, size=SIZE)
    for number in range(3):
        with np.load(folder / "maps" / f"{number:06d}.npz") as truth:
            mask = truth["mask"] > 0.5
        iuv = np.zeros((SIZE, SIZE, 3), np.uint8)
        rows, columns = np.nonzero(mask)
        iuv[rows, columns] = np.stack([columns, rows, np.full(len(rows), 2)], axis=-1)
        for name, picture in (("masks", (mask * 255).astype(np.uint8)), ("iuv", iuv)):
            (folder / name).mkdir(exist_ok=True)
            Image.fromarray(picture).save(folder / name / f"{number:03d}.png")
    return folder, video, tiny_weights(folder)


def test_a_video_with_maps_is_adapted_to_and_the_weights_are_used(scene, tmp_path, capfd):
    folder, video, weights = scene
    cut = ("--mask", folder / "masks", "--size", SIZE)
    told = ("--iuv", folder / "iuv", "--weights", weights, "--passes", 2, "--device", "cpu")
    code, events, errors = hd_core(capfd, "adapt", video, "-o", tmp_path / "a", *told, *cut)
    assert (code, errors) == (0, [])
    report = json.loads((tmp_path / "a" / "adapted.json").read_bytes())
    assert report["frames"] == 3 and report["finished"] and report["before"]["frames_deg"] is not None
    stages = {event["stage"] for event in events if event["event"] == "progress"}
    assert {"look", "learn"} <= stages
    assert not [event for event in events if event["event"] == "warning" and "No body" in event["message"]]
    adapted = tmp_path / "a" / "weights.safetensors"
    code, _, errors = hd_core(capfd, "predict", video, "-o", tmp_path / "run", "--weights", adapted, *cut)
    assert (code, errors) == (0, [])


def test_without_maps_it_says_in_one_line_what_is_missing(tmp_path, capfd, scene):
    folder, video, weights = scene
    cut = ("--mask", folder / "masks", "--size", SIZE)
    code, events, _ = hd_core(
        capfd, "adapt", video, "-o", tmp_path, "--weights", weights, "--passes", 1, "--device", "cpu", *cut
    )
    warnings = [event["message"] for event in events if event["event"] == "warning"]
    assert code == 0 and sum("--iuv" in text for text in warnings) == 1
    assert json.loads((tmp_path / "adapted.json").read_bytes())["before"]["frames_deg"] is None


def test_the_body_is_looked_for_in_every_frame_if_asked_to(tmp_path, capfd, scene):
    folder, video, weights = scene
    words = ("--find-body", "--mask", folder / "masks", "--size", SIZE, "--passes", 1, "--device", "cpu")
    code, events, _ = hd_core(capfd, "adapt", video, "-o", tmp_path, "--weights", weights, *words)
    assert code == 0
    sought = [event["done"] for event in events if event["event"] == "progress" and event["stage"] == "body"]
    assert sought == [0, 1, 2, 3]
    assert not [event for event in events if event["event"] == "warning" and "No body" in event["message"]]


def test_maps_are_given_or_looked_for_but_not_both(tmp_path, capfd, scene):
    folder, video, _ = scene
    words = ("--iuv", folder / "iuv", "--find-body", "--mask", folder / "masks", "--size", SIZE)
    assert_refused(hd_core(capfd, "adapt", video, "-o", tmp_path, *words), 2, "--find-body")


def test_a_clip_of_the_generator_is_adapted_to(tmp_path, capfd):
    clip, weights = ball_clip(tmp_path), tiny_weights(tmp_path)
    words = ("-o", tmp_path / "a", "--weights", weights, "--passes", 1, "--device", "cpu", "--no-body")
    code, _, errors = hd_core(capfd, "adapt", "--clip", clip, *words)
    assert (code, errors) == (0, [])
    assert json.loads((tmp_path / "a" / "adapted.json").read_bytes())["clip"] == "clip 000000 of hd-core synth"


def test_neither_video_nor_clip_or_both(tmp_path, capfd, scene):
    assert_refused(hd_core(capfd, "adapt", "-o", tmp_path), 2, "either a video or --clip")
    both = ("adapt", scene[1], "--clip", tmp_path / "a.npz", "-o", tmp_path)
    assert_refused(hd_core(capfd, *both), 2, "either a video or --clip")


def test_a_missing_clip_damaged_weights_and_too_few_maps(tmp_path, capfd, scene):
    folder, video, weights = scene
    assert_refused(hd_core(capfd, "adapt", "--clip", tmp_path / "no.npz", "-o", tmp_path / "a"), 3, "no.npz")
    (tmp_path / "w.safetensors").write_bytes(weights.read_bytes()[:-1])
    (tmp_path / "w.json").write_bytes(weights.with_suffix(".json").read_bytes())
    clip = ball_clip(tmp_path)
    found = hd_core(capfd, "adapt", "--clip", clip, "-o", tmp_path / "a", "--weights", tmp_path / "w.safetensors")
    assert_refused(found, 5, "sha256")
    (tmp_path / "iuv").mkdir()
    words = ("--iuv", tmp_path / "iuv", "--mask", folder / "masks", "--size", SIZE)
    assert_refused(hd_core(capfd, "adapt", video, "-o", tmp_path / "b", *words), 3, "holds no IUV pictures")
    (tmp_path / "iuv" / "000.png").touch()
    assert_refused(hd_core(capfd, "adapt", video, "-o", tmp_path / "b", *words), 3, "1 maps", "3 frames")


def test_a_number_out_of_range(tmp_path, capfd):
    assert_refused(hd_core(capfd, "adapt", "a.mp4", "-o", tmp_path, "--passes", 0), 2, "passes 0")
