"""Samples by twos: which cells show the same point, what steadiness costs, and that a training by twos learns it."""

import json
import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from iuv_scenes import body_map, perfect
from train_scenes import write_ball

from hd_core.body.iuv_network import IuvPrediction
from hd_core.errors import UsageError
from hd_core.progress import Silent
from hd_core.train.checkpoint import load_checkpoint
from hd_core.train.curves import read_lines
from hd_core.train.iuv_losses import divergence, iuv_losses, place_offset, steady_loss
from hd_core.train.iuv_matching import CELLS, REACH_M, match_cells
from hd_core.train.iuv_samples import IuvBatch, IuvSamples, SamePoints
from hd_core.train.iuv_subject import CORRESPONDENCE
from hd_core.train.iuv_twins import TwinSamples, cells_seen, to_twin_batch
from hd_core.train.options import AugmentOptions, LossWeights, SittingOptions, TrainOptions
from hd_core.train.order import Order, training_clips
from hd_core.train.samples import Ticket
from hd_core.train.trainer import Job, train

STEADY = TrainOptions(stage="iuv", size=32, batch=2, steps=3, warmup=1, loss=LossWeights(steady=5.0))
HERE = SittingOptions(device="cpu", loader=0, validate_every=9, validate_clips=1, log_every=1)
SIDE = 5


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in (0, 1, 24):
        write_ball(folder, number)
    return folder


def scene(*, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Parts and true places of two frames: the second shows the points of the first in another order, each 1 cm on."""
    iuv, points = body_map(SIDE, seed=seed)
    order = np.random.default_rng(seed).permutation(SIDE * SIDE)
    parts = np.stack([iuv[..., 0], iuv[..., 0].reshape(-1)[order].reshape(SIDE, SIDE)])
    places = np.stack([points, (points.reshape(-1, 3)[order] + [0.006, 0, 0.008]).reshape(points.shape)])
    return torch.from_numpy(parts), torch.from_numpy(np.moveaxis(places, -1, 1).astype(np.float32))


def found_by(parts, places, **changes):
    return perfect(parts.numpy(), places.numpy(), **changes)


def all_matches(*, seed: int = 0) -> SamePoints:
    order = np.random.default_rng(seed).permutation(SIDE * SIDE)
    cells = torch.arange(SIDE * SIDE)[None]
    one = SamePoints(torch.from_numpy(order)[None], cells, torch.ones(1, SIDE * SIDE))
    return SamePoints(*(torch.stack([part, part], dim=1) for part in one))


def shifted(found, *by):
    """Every place of frame i moved by `by[i]`, m along x."""
    shift = torch.zeros(2, 1, 3, 1, 1)
    shift[:, 0, 0, 0, 0] = torch.tensor(by)
    return found._replace(offsets=found.offsets + shift)


def test_matches_are_the_nearest_of_the_same_part_within_reach_and_both_seen():
    """Against every pair of cells, one at a time."""
    rng = np.random.default_rng(3)
    parts = rng.integers(0, 4, (2, 2, 8, 8)).astype(np.uint8)
    places = rng.uniform(0, 0.08, (2, 2, 3, 8, 8)).astype(np.float32)
    seen = rng.random((2, 8, 8)) < 0.7
    found = match_cells(list(parts), list(places), list(seen), rng)
    for surface in range(2):
        expected = {}
        for cell in np.flatnonzero(seen[0].ravel() & (parts[0, surface].ravel() > 0)):
            part, place = parts[0, surface].ravel()[cell], places[0, surface].reshape(3, -1)[:, cell]
            others = seen[1].ravel() & (parts[1, surface].ravel() == part)
            away = np.linalg.norm(places[1, surface].reshape(3, -1).T - place, axis=1)
            away[~others] = np.inf
            if away.min() < REACH_M:
                expected[int(cell)] = int(away.argmin())
        on = found.weight[surface] > 0
        pairs = zip(found.first[surface, on].tolist(), found.second[surface, on].tolist(), strict=True)
        assert dict(pairs) == expected and 5 < len(expected) == on.sum()
        assert not found.first[surface, ~on].any() and not found.weight[surface, ~on].any()


def test_where_nobody_is_seen_there_is_no_match_and_no_loss():
    parts, places = np.ones((2, 2, 4, 4), np.uint8), np.zeros((2, 2, 3, 4, 4), np.float32)
    found = match_cells(list(parts), list(places), [np.zeros((4, 4), bool)] * 2, np.random.default_rng(0))
    assert found.first.shape == (2, CELLS) and not found.weight.any()
    tensors = SamePoints(*(torch.from_numpy(part[None]) for part in found))
    assert float(steady_loss(torch.ones(2, 3, 4, 4), torch.randn(2, 25, 4, 4), tensors, 0)) == 0


def test_who_errs_alike_in_both_frames_is_steady_and_a_difference_costs_its_metres():
    """Also where the true points are a centimetre apart, which is no error."""
    parts, places = scene()
    found = found_by(parts, places)
    for by, expected in (((0.0, 0.0), 0.0), ((0.2, 0.2), 0.0), ((0.2, 0.15), 0.05), ((0.0, -0.3), 0.3)):
        moved = shifted(found, *by)
        offset = place_offset(moved, parts, places)
        assert float(steady_loss(offset, moved.parts, all_matches(), 0)) == pytest.approx(expected, abs=1.1e-3)


def test_cells_that_match_nothing_may_differ():
    parts, places = scene()
    found = shifted(found_by(parts, places), 0.0, 0.4)
    matches = all_matches()
    kept = matches.weight.clone()
    kept[..., 3:] = 0
    lost = torch.ones(2, 1, SIDE, SIDE)
    lost[0].view(-1)[matches.first[0, 0, :3]] = 0
    lost[1].view(-1)[:3] = 0
    offset = place_offset(found, parts, places) * lost
    assert float(steady_loss(offset, found.parts, matches._replace(weight=kept), 0)) == pytest.approx(0, abs=1e-6)
    assert float(steady_loss(offset, found.parts, matches, 0)) > 0.2


def test_the_gradient_draws_both_frames_together():
    parts, places = scene()
    found = found_by(parts, places)
    offset = (place_offset(found, parts, places) + torch.tensor([0.1, 0.0])[:, None, None, None]).requires_grad_()
    steady_loss(offset, found.parts, all_matches(), 0).backward()
    share = 1 / SIDE**2 / math.sqrt(3)
    assert torch.allclose(offset.grad[0], torch.full_like(offset.grad[0], share), atol=1e-4)
    assert torch.allclose(offset.grad[1], -offset.grad[0].mean().expand_as(offset.grad[1]), atol=1e-4)


def test_parts_agree_where_distributions_are_the_same_and_differ_by_two_at_most():
    """Jensen-Shannon by its definition; certainty of two parts is worth log 2, whatever the logits."""
    a, b = torch.randn(1, 25, 7), torch.randn(1, 25, 7)
    p, q = a.softmax(1), b.softmax(1)
    middle = (p + q) / 2
    expected = ((p * (p / middle).log()).sum(1) + (q * (q / middle).log()).sum(1)) / 2
    assert torch.allclose(divergence(a, b), expected, atol=1e-6)
    assert torch.allclose(divergence(a, a + 5), torch.zeros(1, 7), atol=1e-6)
    sure = torch.zeros(2, 25, 1)
    sure[0, 3], sure[1, 8] = 90.0, 90.0
    assert float(divergence(sure[:1], sure[1:])) == pytest.approx(math.log(2), rel=1e-5)


def test_frames_that_take_a_point_for_different_parts_cost_a_tenth_of_a_metre_a_nat():
    parts, places = scene()
    found = found_by(parts, places, sure=60.0)
    other = found.parts[1].roll(1, dims=0)
    offset = place_offset(found, parts, places)
    loss = steady_loss(offset, torch.stack([found.parts[0], other]), all_matches(), 0)
    assert float(loss) == pytest.approx(0.1 * math.log(2), rel=1e-3)


def test_both_surfaces_count_the_same_each_by_its_own_matches():
    parts, places = scene()
    right = found_by(parts, places)
    wrong = shifted(right, 0.0, 0.4)
    matches = all_matches()
    batch = IuvBatch(
        picture=torch.zeros(2, 6, 2 * SIDE, 2 * SIDE),
        parts=torch.stack([parts, parts], dim=1),
        places=torch.stack([places, places], dim=1),
        mask=torch.ones(2, SIDE, SIDE),
        matches=matches,
    )
    for pair in ((right, wrong), (wrong, right)):
        assert float(iuv_losses(IuvPrediction(*pair), batch)["steady"]) == pytest.approx(0.2, abs=1e-3)
    matches.first[:, 1], matches.second[:, 1] = 0, 0  # the body's all meet in the first cell, and only that is wrong
    cost = (0.4 + 0.1 * math.log(2)) / 2  # the first cells of the frames are different parts
    there = torch.zeros(2, 1, 1, SIDE, SIDE)
    there[1, ..., 0, 0] = 0.4
    once = right._replace(offsets=right.offsets + torch.tensor([1.0, 0.0, 0.0])[:, None, None] * there)
    assert float(iuv_losses(IuvPrediction(right, once), batch)["steady"]) == pytest.approx(cost, abs=2e-3)
    matches.weight[:, 1] = 0
    assert float(iuv_losses(IuvPrediction(right, wrong), batch)["steady"]) == pytest.approx(0, abs=1e-6)
    assert "steady" not in iuv_losses(IuvPrediction(right, wrong), batch._replace(matches=None))


def test_twins_are_two_frames_placed_apart_and_mirrored_together(data):
    """On a ball that is lit from the left: in a mirror image it is lit from the right, in both samples or in none."""
    shard = data / "train" / "000000.npz"
    augment = AugmentOptions(strength=0.0, rotation_deg=0.0, close_up=0.0, flip=0.5)
    samples = IuvSamples(data / "packed", size=48, augment=augment)
    mirrored = set()
    for place in range(12):
        first, second = samples.twins(Ticket(shard, 0, (1, 0, place)), gap=1)
        assert not np.array_equal(first.picture, second.picture)
        sides = []
        for one in (first, second):
            rows, columns = np.nonzero(one.picture[3] > 0.5)
            sides.append(bool(np.corrcoef(columns, one.picture[:3].sum(0)[rows, columns])[0, 1] > 0))
        assert sides[0] == sides[1]
        mirrored.add(sides[0])
        both = (first, second)
        own = match_cells([o.parts for o in both], [o.places for o in both], [cells_seen(o) for o in both], rng(place))
        on = own.weight[0] > 0
        assert on.sum() > 50
        a, b = (
            first.places[0].reshape(3, -1)[:, own.first[0, on]],
            second.places[0].reshape(3, -1)[:, own.second[0, on]],
        )
        assert np.linalg.norm(a - b, axis=0).max() < REACH_M
    assert mirrored == {True, False}


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_batch_by_twos_holds_the_firsts_then_the_seconds_and_is_the_same_again(data):
    samples = IuvSamples(data / "packed", size=32, augment=AugmentOptions())
    twins = TwinSamples(samples, gap=1)
    tickets = [Ticket(data / "train" / f"00000{number}.npz", number, (5, 0, number)) for number in (0, 1)]
    made = [twins.sample(ticket) for ticket in tickets]
    batch = to_twin_batch(made, torch.device("cpu"))
    assert np.array_equal(batch.picture[1], made[1].first.picture)
    assert np.array_equal(batch.picture[2], made[0].second.picture)
    assert np.array_equal(batch.matches.second[1], made[1].matches.second)
    again = twins.sample(tickets[0])
    assert all(np.array_equal(a, b) for a, b in zip(again.second, made[0].second, strict=True))
    assert np.array_equal(again.matches.first, made[0].matches.first)


def test_a_clip_of_one_frame_shows_it_twice(data):
    samples = IuvSamples(data / "packed", size=32, augment=AugmentOptions(flip=0.0))
    first, second = samples.twins(Ticket(data / "train" / "000000.npz", 0, (1,)), gap=0)
    assert not np.array_equal(first.picture, second.picture) and set(np.unique(second.parts[0])) == {0, 2}


def test_a_training_by_twos_learns_from_as_many_samples_and_writes_how_steady_it_is(data, tmp_path):
    train(Job(data=data, folder=tmp_path, options=STEADY, sitting=HERE), Silent())
    losses = [line for line in read_lines(tmp_path) if "loss" in line]
    weights = STEADY.loss
    for line in losses:
        expected = sum(getattr(weights, name) * line[name] for name in ("part", "place", "spread", "steady"))
        assert line["loss"] == pytest.approx(expected, rel=1e-4) and line["steady"] > 0
    assert load_checkpoint(tmp_path)["order"]["place"] == [0, STEADY.steps]  # one of four tickets a step
    job = Job(data=data, folder=tmp_path, options=STEADY, sitting=HERE)
    order = Order(data, lambda: training_clips(data), frames=2, batch=1, seed=0)
    batch, pairs = next(CORRESPONDENCE.batches(job, order, torch.device("cpu")))
    assert len(batch.picture) == STEADY.batch and batch.matches is not None and pairs is None


def test_without_it_batches_are_single_frames_in_the_order_of_before(data, tmp_path):
    options = replace(STEADY, loss=LossWeights())
    job = Job(data=data, folder=tmp_path, options=options, sitting=HERE)
    order = Order(data, lambda: training_clips(data), frames=2, batch=2, seed=0)
    samples = IuvSamples(data / "packed", size=32, augment=options.augment)
    tickets = list(islice(order.batches(), 2))
    for (batch, _), own in zip(CORRESPONDENCE.batches(job, order, torch.device("cpu")), tickets, strict=False):
        assert batch.matches is None
        assert np.array_equal(batch.picture, np.stack([samples.sample(ticket).picture for ticket in own]))


def test_an_odd_batch_cannot_come_in_twos():
    with pytest.raises(UsageError, match="batch of 3.*even"):
        TrainOptions(stage="iuv", batch=3, loss=LossWeights(steady=1.0))
    assert not TrainOptions(stage="joint", batch=3, loss=LossWeights(steady=1.0)).in_twos


def test_a_training_from_before_there_was_steadiness_goes_on(data, tmp_path):
    options = replace(STEADY, loss=LossWeights(), steps=1)
    train(Job(data=data, folder=tmp_path, options=options, sitting=HERE), Silent())
    path = tmp_path / "train.json"
    before = json.loads(path.read_text())
    del before["loss"]["steady"]
    path.write_text(json.dumps(before))
    train(Job(data=data, folder=tmp_path, options=replace(options, steps=2), sitting=HERE), Silent())
    assert [line["step"] for line in read_lines(tmp_path) if "loss" in line] == [1, 2]
