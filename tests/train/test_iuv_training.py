"""Training of correspondences as a whole: what a sample holds, where it begins, that it learns, resumes and says so."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from train_scenes import write_ball

from hd_core.body.iuv import BodyFinder
from hd_core.body.iuv_network import IuvNet
from hd_core.errors import InputError
from hd_core.predict.weights import load_network, load_weights
from hd_core.progress import Silent
from hd_core.synth.atlas.anny24 import flip_part, load_atlas
from hd_core.train.curves import read_lines
from hd_core.train.iuv_samples import IuvSamples, iuv_sample_at, template_points, to_iuv_batch
from hd_core.train.options import AugmentOptions, SittingOptions, TrainOptions
from hd_core.train.pack import read_frame
from hd_core.train.placing import usual_placing
from hd_core.train.samples import Ticket
from hd_core.train.trainer import Job, train

TINY = TrainOptions(stage="iuv", size=32, batch=2, steps=6, warmup=2)
HERE = SittingOptions(device="cpu", loader=0, validate_every=4, validate_clips=1, log_every=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in (0, 1, 24):
        write_ball(folder, number)
    return folder


def job_of(data: Path, folder: Path, **changes) -> Job:
    return replace(Job(data=data, folder=folder, options=TINY, sitting=HERE), **changes)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Path:
    """A training in one sitting."""
    folder = tmp_path_factory.mktemp("whole")
    train(job_of(data, folder), Silent())
    return folder


class Impatient(Silent):
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self, stage: str, done: int, total: int) -> None:
        self._left -= 1

    def cancelled(self) -> bool:
        return self._left <= 0


def test_many_sittings_make_the_weights_of_one(data, whole, tmp_path):
    """Each goes on from the checkpoint alone, as after a kill (`test_training`, whose sitting this is)."""
    for steps in (1, 2, 10):
        train(job_of(data, tmp_path), Impatient(steps))
    assert digest(tmp_path) == digest(whole)


def test_a_sitting_leaves_weights_that_find_bodies_and_a_card_and_curves_that_say_how_well(whole):
    lines = read_lines(whole)
    losses = [line for line in lines if "loss" in line]
    assert [line["step"] for line in losses] == [1, 2, 3, 4, 5, 6]
    assert {"part", "place", "spread"} <= losses[0].keys() and "normal" not in losses[0]
    scores = [line for line in lines if "body_part_accuracy" in line]
    assert [line["step"] for line in scores] == [4, 6]
    _, card = load_network(IuvNet, whole / "weights.safetensors")
    assert card.licence == "Apache-2.0" and "6 steps of 2 at 32 px" in card.training_data and card.size == 32
    assert card.body_share == 0
    assert card.scores["validation_body_part_accuracy"] == pytest.approx(scores[-1]["body_part_accuracy"], abs=1e-3)
    assert "iuv" in BodyFinder.load(whole / "weights.safetensors").describe()["finder"]


def test_it_begins_with_the_shipped_hdnet_and_goes_on_from_its_own_weights(data, whole, tmp_path):
    frozen = replace(TINY, steps=1, learning_rate=1e-12, ema=0.0, weight_decay=0.0)
    train(job_of(data, tmp_path / "afresh", options=frozen), Silent())
    begun, card = load_network(IuvNet, tmp_path / "afresh" / "weights.safetensors")
    hdnet, theirs = load_weights()
    ours = begun.state_dict()
    shared = [name for name in hdnet.state_dict() if name in ours]
    assert len(shared) > 200 and all(torch.allclose(ours[n], hdnet.state_dict()[n], atol=1e-6) for n in shared)
    assert card.training_data.startswith(theirs.training_data) and "then synthetic humans" in card.training_data
    train(
        job_of(data, tmp_path / "on", options=frozen, begin_with=whole / "weights.safetensors"),
        Silent(),
    )
    before, after = (load_network(IuvNet, f / "weights.safetensors")[0] for f in (whole, tmp_path / "on"))
    assert all(torch.allclose(p, after.state_dict()[name], atol=1e-6) for name, p in before.state_dict().items())


def test_what_it_learns_grows(data, tmp_path):
    """Sixty steps on a ball whose every pixel is chest, or back: parts and places are found."""
    options = replace(TINY, size=64, steps=30, warmup=5, learning_rate=2e-3, ema=0.5)
    options = replace(options, augment=AugmentOptions(strength=0.0, rotation_deg=0.0, close_up=0.0, flip=0.0))
    scores = train(job_of(data, tmp_path, options=options), Silent())
    losses = [line["loss"] for line in read_lines(tmp_path) if "loss" in line]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert scores is not None and scores["clothed_part_accuracy"] > 0.95 and scores["body_part_accuracy"] > 0.95


def test_clips_with_other_charts_are_refused(data, tmp_path):
    shard = write_ball(tmp_path, 0, convention="densepose")
    with pytest.raises(InputError, match="densepose.*anny24"):
        IuvSamples(tmp_path / "packed", size=32, augment=AugmentOptions()).sample(Ticket(shard, 0))


def test_a_sample_holds_part_and_point_of_the_source_pixel_under_the_middle_of_each_cell(data):
    """Unspoiled, at half the size, against the clip's own map looked up one cell at a time."""
    shard, size = data / "train" / "000000.npz", 48
    frame = read_frame(shard, data / "packed", 0)
    placing = usual_placing(frame.arrays["depth"] > 0, size=size)
    sample = iuv_sample_at(frame, placing, size=size)
    atlas = load_atlas()
    for number, name in enumerate(("iuv", "body_iuv")):
        for row, column in ((12, 12), (9, 14), (15, 8), (0, 0)):
            x, y = placing.source_from_target @ [2 * column + 1, 2 * row + 1, 1]
            part, u, v = frame.arrays[name][int(np.floor(y)), int(np.floor(x))] if row else (0, 0, 0)
            assert sample.parts[number, row, column] == part
            if part:
                face, weights = atlas.decode(np.array([part]), np.array([u / 255]), np.array([v / 255]))
                point = atlas.canonical_points(face, weights)[0]
                assert np.allclose(sample.places[number, :, row, column], point, atol=1e-6)
    assert set(np.unique(sample.parts[0])) == {0, 2} and set(np.unique(sample.parts[1])) == {0, 1}
    assert not sample.places[:, :, sample.parts[0] == 0].any()


def test_a_mirrored_sample_shows_mirrored_points(data):
    """The same frame seen by a mirrored camera: other parts, x turned round, all else as it was."""
    frame = read_frame(data / "train" / "000001.npz", data / "packed", 0)
    usual = usual_placing(frame.arrays["depth"] > 0, size=48)
    turn = np.diag([-1.0, 1.0])
    mirrored = replace(usual, turn=turn @ usual.turn, shift=turn @ usual.shift + [48, 0])
    plain, other = (iuv_sample_at(frame, placing, size=48) for placing in (usual, mirrored))
    assert np.array_equal(flip_part(plain.parts), other.parts[..., ::-1])
    on = plain.parts[0] > 0
    seen, turned = plain.places[0][:, on], other.places[0][..., ::-1][:, on] * np.array([[-1], [1], [1]])
    assert np.quantile(np.linalg.norm(seen - turned, axis=0), 0.9) < 8e-3


def test_maps_of_bytes_become_points_of_the_template_and_nothing_none():
    iuv = np.zeros((1, 2, 3, 3), np.uint8)
    iuv[0, 0, 1] = (23, 128, 128)
    points = template_points(iuv)
    assert points.shape == (1, 3, 2, 3)
    assert not points[0, :, 1].any() and points[0, 2, 0, 1] > 0.5  # a head is above the middle of the body
    assert points[0, 0, 0, 1] <= 1e-3  # its right half to the right: -x


def test_a_cell_is_seen_if_any_of_its_pixels_is(data):
    sample = IuvSamples(data / "packed", size=32, augment=AugmentOptions()).sample(Ticket(data / "train/000000.npz", 0))
    batch = to_iuv_batch([sample], torch.device("cpu"))
    alpha = sample.picture[3] > 0.5
    expected = alpha.reshape(16, 2, 16, 2).any(axis=(1, 3))
    assert np.array_equal(batch.mask[0].numpy() > 0, expected) and expected.any() and not expected.all()
