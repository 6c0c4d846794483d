"""Other people's training data comes through to the last value, and training learns from it."""

import json
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from train_layout_scenes import SIDE, crop_camera, save_png, write_supervised, write_tiktok, write_video
from train_scenes import write_ball

from hd_core.cli.main import main
from hd_core.errors import InputError, UsageError
from hd_core.predict.planes import crop_extent, relief_from_depth
from hd_core.predict.weights import load_weights
from hd_core.progress import Silent
from hd_core.synth.shards import load_clip, read_clip
from hd_core.train.curves import read_lines
from hd_core.train.layouts import import_layout
from hd_core.train.loader import Samples
from hd_core.train.options import AugmentOptions, LossWeights, SittingOptions, TrainOptions
from hd_core.train.order import Order, video_clips
from hd_core.train.pack import read_frame
from hd_core.train.pairs import make_pair
from hd_core.train.placing import Placing
from hd_core.train.samples import Ticket, sample_at
from hd_core.train.trainer import Job, train

HERE = SittingOptions(device="cpu", loader=0, validate_every=4, validate_clips=1, log_every=1)

CALM = AugmentOptions(strength=0.0, rotation_deg=0.0, close_up=0.0)


def take_in(source, data, **changes):
    return import_layout(source, data, **({"frames": 3, "licence": "theirs", "progress": Silent()} | changes))


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    folder = tmp_path_factory.mktemp("supervised")
    frames = write_supervised(folder / "Tang_data")
    return folder, frames, take_in(folder / "Tang_data", folder / "data")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    frames, matches = write_video(folder / "tiktok_data")
    return folder, frames, matches, take_in(folder / "tiktok_data", folder / "data")


def test_every_value_of_the_layout_with_truth_is_in_the_clips(supervised):
    folder, frames, done = supervised
    assert (done.layout, done.clips, done.frames) == ("hdnet-supervised", 2, 4)
    for clip, mine in (("000000", frames[:3]), ("000001", frames[3:])):
        stored, header = load_clip(folder / "data" / "train" / f"{clip}.npz")
        assert header["names"] == [frame.name for frame in mine]
        for number, frame in enumerate(mine):
            assert np.array_equal(stored["rgb"][number], frame.rgb)
            assert np.array_equal(stored["alpha"][number], frame.mask > 100)
            v, u, part = np.moveaxis(frame.densepose, -1, 0)
            assert np.array_equal(stored["iuv"][number], np.stack([part, u, v], axis=-1))
            known = (frame.depth > 1) & (frame.depth < 8) & frame.ball
            assert (frame.ball & ~known).sum() == 4
            moved = frame.depth + 4 - np.median(frame.depth[known])
            assert np.array_equal(np.isfinite(stored["depth"][number]), known)
            assert np.abs(stored["depth"][number] - moved)[known].max() <= header["depth"]["step_m"] / 2 + 1e-6
            assert np.median(stored["depth"][number][known]) == pytest.approx(4, abs=1e-4)
            assert np.abs(stored["normal"][number] - frame.normal * frame.ball[..., None]).max() < 5e-5
    assert header["depth"]["step_m"] < 2e-5


def test_the_header_says_camera_gauge_convention_and_what_is_missing(supervised):
    _, header = read_clip(supervised[0] / "data" / "train" / "000000.npz", ())
    assert np.array(header["camera"]) == pytest.approx(crop_camera().intrinsics, abs=1e-4)
    f, cx, cy = (header["camera"][i][j] * 256 / SIDE for i, j in ((0, 0), (0, 2), (1, 2)))
    assert (f, cx - 0.5, cy - 0.5) == pytest.approx((314.0945, 34.4724, 139.0199), abs=1e-4)
    assert (header["gauge"], header["median_depth"], header["iuv_convention"]) == ("affine", 4.0, "densepose")
    assert header["missing"] == ["body_iuv"] and header["axes"] == "opencv" and header["licence"] == "theirs"


def test_a_sample_of_it_has_the_relief_and_normals_of_the_files(supervised):
    """One target pixel for one of the source."""
    folder, frames, _ = supervised
    packed = read_frame(folder / "data" / "train" / "000000.npz", folder / "data" / "packed", 1)
    as_is = Placing(turn=np.eye(2), scale=1.0, shift=np.array([packed.left, packed.top], float))
    sample, frame = sample_at(packed, as_is, size=SIDE), frames[1]
    known = (frame.depth > 1) & (frame.depth < 8) & frame.ball
    assert np.array_equal(sample.truth[0] > 0, known)
    assert sample.intrinsics == pytest.approx(crop_camera().intrinsics, abs=1e-3)
    moved = frame.depth + 4 - np.median(frame.depth[known])
    relief = relief_from_depth(moved, known, extent=crop_extent(crop_camera()))
    assert np.abs(sample.relief[0] - relief)[known].max() < 1e-3
    assert np.abs(np.moveaxis(sample.normal, 0, -1) - frame.normal)[known].max() < 1e-3


def test_every_value_of_the_layout_without_truth_is_in_the_clips(video):
    folder, frames, matches, done = video
    assert (done.layout, done.clips, done.frames) == ("hdnet-video", 2, 10)
    for clip in (0, 1):
        stored, header = load_clip(folder / "data" / "video" / f"00000{clip}.npz")
        mine = frames[clip : clip + 5]
        for number, frame in enumerate(mine):
            assert np.array_equal(stored["rgb"][number], frame.rgb)
            assert np.array_equal(stored["alpha"][number], frame.ball)
            assert np.array_equal(stored["iuv"][number], frame.densepose[..., ::-1])
            assert np.abs(stored["normal"][number] - frame.normal * frame.ball[..., None]).max() < 5e-5
            rows = stored["matches"][number].astype(int)
            rows = rows[rows[:, 0] > 0]
            expected = matches[17634 + clip, 17634 + clip + number] - [0, 1, 1, 1, 1] if number else np.zeros((0, 5))
            assert np.array_equal(rows, expected)
        assert np.isnan(stored["depth"]).all() and header["missing"] == ["body_iuv", "depth"]
        assert header["partners"] == 4 and header["normal_is"] == "predicted"


def test_given_matches_lie_on_the_same_pixels_of_the_source_however_samples_are_placed(video):
    folder, _, matches, _ = video
    samples = Samples(folder / "data" / "packed", size=64, augment=CALM)
    known = {tuple(row) for (first, _), rows in matches.items() if first == 17634 for row in (rows - 1)[:, 1:].tolist()}
    shard, seconds = folder / "data" / "video" / "000000.npz", set()
    for key in range(8):
        pair = samples.pair(Ticket(shard=shard, frame=3, key=(0, key), pair=True))
        there = pair.matches.weight > 0
        assert there.sum() > 30 and set(pair.matches.part[there]) <= {2, 24}
        source = []
        for side, places in ((0, pair.matches.first), (1, pair.matches.second)):
            y, x = np.divmod(places[there], 64)
            rays = np.linalg.inv(pair.intrinsics[side].astype(float)) @ [x + 0.5, y + 0.5, np.ones(len(x))]
            column, row = np.floor(crop_camera().intrinsics[:2] @ rays).astype(int)
            source += [row, column]
            assert (pair.picture[side, 3].ravel()[places[there]] > 0.5).all()
        found = set(zip(*(part.tolist() for part in source), strict=True))
        assert found <= known
        seconds |= found
    assert len(seconds) > 300  # of one partner there are 240


def test_given_matches_do_not_depend_on_the_window_to_which_frames_are_cut(video):
    """Two columns and three rows that show nobody are cut off: cameras and matches stay, since nothing else moved."""
    shard, packed = video[0] / "data" / "video" / "000000.npz", video[0] / "data" / "packed"
    frames = [read_frame(shard, packed, number) for number in (0, 2)]
    assert all((frame.left, frame.top) == (0, 0) for frame in frames)
    cut = []
    for frame in frames:
        assert not frame.arrays["alpha"][:3].any() and not frame.arrays["alpha"][:, :2].any()
        arrays = {name: a if name == "matches" else a[3:, 2:] for name, a in frame.arrays.items()}
        cut.append(replace(frame, arrays=arrays, left=2, top=3))
    whole, less = (
        make_pair(tuple(pair), size=64, augment=CALM, rng=np.random.default_rng(0)) for pair in (frames, cut)
    )
    assert less.intrinsics == pytest.approx(whole.intrinsics, abs=1e-4)
    assert (whole.matches.weight > 0).sum() > 100
    assert all(np.array_equal(a, b) for a, b in zip(whole.matches, less.matches, strict=True))


def test_sequences_of_the_public_data_set_become_clips_of_nearly_the_same_length(tmp_path):
    written = write_tiktok(tmp_path / "TikTok_dataset", {"00001": 7, "00340": 3})
    done = take_in(tmp_path, tmp_path / "data", frames=4)
    assert (done.layout, done.clips, done.frames, done.left_out) == ("tiktok", 3, 10, 0)
    clips = [load_clip(tmp_path / "data" / "video" / f"00000{number}.npz") for number in range(3)]
    assert [len(arrays["rgb"]) for arrays, _ in clips] == [4, 3, 3]
    frames = written["00001"] + written["00340"]
    for name, values in (("rgb", "rgb"), ("alpha", "mask"), ("iuv", "densepose")):
        found = np.concatenate([arrays[name] for arrays, _ in clips])
        expected = np.stack([getattr(frame, values) for frame in frames])
        if name == "alpha":
            expected = expected / 255
        assert np.array_equal(found, expected[..., ::-1] if name == "iuv" else expected)
    arrays, header = clips[2]
    assert header["names"] == ["00340/0001", "00340/0002", "00340/0003"] and "matches" not in arrays
    assert header["missing"] == ["body_iuv", "depth", "normal"] and header["camera_is"].startswith("assumed")
    assert header["camera"] == [[34.0, 0, 12.0], [0, 34.0, 20.0], [0, 0, 1]]


def test_frames_of_the_public_data_set_that_show_nobody_are_left_out_and_told(tmp_path):
    write_tiktok(tmp_path / "set", {"00001": 6})
    for number in (2, 4, 5, 6):
        save_png(tmp_path / "set/00001/masks" / f"{number:04d}.png", np.zeros((40, 24)))
    done = take_in(tmp_path / "set", tmp_path / "data")
    assert (done.clips, done.frames, done.left_out) == (1, 2, 2)
    _, header = read_clip(tmp_path / "data/video/000000.npz", ())
    assert header["names"] == ["00001/0001", "00001/0003"] and header["left_out"] == ["0002"]


def job_of(data, folder, **options) -> Job:
    return Job(data=data, folder=folder, options=TrainOptions(size=32, batch=2, warmup=2, **options), sitting=HERE)


@pytest.mark.parametrize("stage", ["normals", "depth", "joint"])
def test_training_learns_from_the_layout_with_truth(supervised, tmp_path, stage):
    train(job_of(supervised[0] / "data", tmp_path, stage=stage, steps=2), Silent())
    lines = [line for line in read_lines(tmp_path) if "loss" in line]
    assert len(lines) == 2 and all(np.isfinite(list(line.values())).all() for line in lines)
    assert lines[0]["normal"] > 0 and ("depth" in lines[0]) == (stage != "normals")


def test_stage_video_draws_its_pairs_from_the_layout_without_truth(supervised, video, tmp_path):
    """With the weight of everything else at zero, what moves the network is L_w on the given matches."""
    shutil.copytree(supervised[0] / "data", tmp_path / "data")
    take_in(video[0] / "tiktok_data", tmp_path / "data")
    only = LossWeights(
        **dict.fromkeys(("normal", "fold", "depth", "gradient", "depth_normal", "consistency", "spread"), 0.0)
    )
    train(
        job_of(tmp_path / "data", tmp_path / "out", stage="video", steps=2, pairs=1, loss=only, augment=CALM), Silent()
    )
    lines = [line for line in read_lines(tmp_path / "out") if "loss" in line]
    assert all(np.isfinite(line["loss"]) and line["gradient_norm"] > 0 and line["warp"] > 0 for line in lines)
    assert {path.name for path in (tmp_path / "data" / "packed").iterdir()} == {"train", "video"}
    _, card = load_weights(tmp_path / "out" / "weights.safetensors")
    assert card.licence == "Apache-2.0 AND theirs" and "synthetic" not in card.training_data
    assert "Tang_data (hdnet-supervised" in card.training_data and "tiktok_data (hdnet-video" in card.training_data


def test_pairs_of_the_public_data_set_come_beside_synthetic_truth(tmp_path):
    write_ball(tmp_path / "data", 0)
    write_tiktok(tmp_path / "set", {"00001": 4})
    take_in(tmp_path / "set", tmp_path / "data", frames=4)
    train(job_of(tmp_path / "data", tmp_path / "out", stage="video", steps=2, pairs=1), Silent())
    _, card = load_weights(tmp_path / "out" / "weights.safetensors")
    assert "synthetic humans (hd-core synth) and set (tiktok, licence: theirs)" in card.training_data


def test_single_pictures_alone_give_no_pairs(supervised, tmp_path):
    with pytest.raises(InputError, match="no video for pairs"):
        train(job_of(supervised[0] / "data", tmp_path, stage="video", steps=1), Silent())
    write_ball(tmp_path / "balls", 0)
    assert video_clips(tmp_path / "balls") == []


def test_an_import_done_again_gives_the_same_bytes_and_another_one_is_refused(supervised, tmp_path):
    folder, _, _ = supervised
    data = tmp_path / "data"
    for _ in range(2):
        take_in(folder / "Tang_data", data)
        assert (data / "train/000000.npz").read_bytes() == (folder / "data/train/000000.npz").read_bytes()
    with pytest.raises(UsageError, match="holds other clips"):
        take_in(folder / "Tang_data", data, frames=4)
    write_ball(tmp_path / "balls", 0)
    with pytest.raises(UsageError, match="holds other clips"):
        take_in(folder / "Tang_data", tmp_path / "balls")


def test_the_command_says_what_it_made(supervised, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["import-data", str(supervised[0] / "Tang_data"), "-o", str(tmp_path / "data"), "--progress", "none"])
    assert stopped.value.code == 0
    assert "hdnet-supervised: 1 clips of 4 frames" in capsys.readouterr().out
    about = json.loads((tmp_path / "data/train.json").read_text())
    assert (about["frames"], about["licence"], about["clips"]) == (8, "not stated", 1)


def test_pairs_come_from_all_videos_and_from_the_same_ones_after_a_break():
    clips, video = ["train/000000.npz", "train/000001.npz"], [f"video/{number:06d}.npz" for number in range(3)]

    def order() -> Order:
        return Order(Path("d"), lambda: clips, frames=2, batch=2, seed=3, pairs=1, video=video, video_frames=5)

    one, again, whole = order(), order(), []
    for batch in islice(one.batches(), 60):
        whole.append(batch)
        one.took()
        if len(whole) == 7:
            again.restore(one.state())
    assert {str(single.shard) for single, _ in whole} == {f"d/{clip}" for clip in clips}
    assert {str(pair.shard) for _, pair in whole} == {f"d/{clip}" for clip in video}
    assert {pair.frame for _, pair in whole} == set(range(5)) and all(pair.pair for _, pair in whole)
    assert list(islice(again.batches(), 10)) == whole[7:17]
