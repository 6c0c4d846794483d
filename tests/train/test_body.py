"""What samples are told of the body: in the right place, of the right side, as often as asked, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from train_scenes import write_ball

from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import build_network
from hd_core.predict.planes import BODY_PLANES, KNOWN_PARTS
from hd_core.synth.atlas.anny24 import load_atlas
from hd_core.synth.correspondence import body_iuv
from hd_core.train.body import placed_iuv
from hd_core.train.devices import Devices
from hd_core.train.learner import Learner, disregard_body
from hd_core.train.loader import Samples, to_batch, to_pairs
from hd_core.train.options import AugmentOptions, TrainOptions
from hd_core.train.pack import read_frame
from hd_core.train.placing import Placing
from hd_core.train.samples import Ticket, make_sample, placed_surface
from hd_core.types import Camera

TINY = NetworkConfig(widths=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16)
PART, U, V, KNOWN = (BODY_PLANES.index(name) for name in ("part", "u", "v", "known"))


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    return read_frame(write_ball(data, 3, size=160), data / "packed", 1)


def told(frame, share, seed, **changes):
    augment = AugmentOptions(body=share, **changes)
    return make_sample(frame, size=64, augment=augment, rng=np.random.default_rng(seed))


def template_seen_from(degrees):
    """Part, u and v of the template, turned about the vertical, in the middle of a picture of 96 px."""
    t = np.radians(degrees)
    turn = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    look = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    body = load_atlas().vertices @ turn.T @ look.T
    body += np.array([0, 0.85 - body[:, 1].max(), 3])
    k = np.array([[160.0, 0, 48], [0, 160, 48], [0, 0, 1]])
    camera = Camera(width=96, height=96, intrinsics=k)
    return body_iuv(body.astype(np.float32), camera)


@pytest.mark.parametrize("degrees", [35, 160])
def test_a_mirrored_map_is_the_map_of_the_mirrored_person(degrees):
    """The template is its own mirror image: seen from the left it is what is seen from the right, mirrored."""
    from_left, from_right = template_seen_from(degrees), template_seen_from(-degrees)
    mirror = Placing(turn=np.diag([-1.0, 1.0]), scale=1.0, shift=np.array([96.0, 0.0]))
    found = placed_iuv(from_left, mirror, 96).astype(int)
    assert (from_right[..., 0] > 0).sum() > 1000 and len(np.unique(from_right[..., 0])) > 10
    off = np.abs(found - from_right).max(axis=-1)[from_right[..., 0] > 0]
    # Not every quad is cut along the mirrored diagonal, and a pixel on a seam may fall to either part.
    assert (off > 6).mean() < 0.002 and (off > 1).mean() < 0.05
    assert (found[..., 0] != np.flip(from_left, axis=1)[..., 0]).mean() > 0.05


def roll(degrees):
    t = np.radians(degrees)
    return np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])


@pytest.mark.parametrize(("turn", "scale"), [(roll(0), 1.0), (roll(25), 1.3), (np.diag([-1.0, 1]) @ roll(-10), 0.6)])
def test_a_placed_map_lies_where_the_placed_truth_lies(frame, turn, scale):
    """The ball wears its own normals as its chart: turned back they are u and v, and mirrored v is 1 - v."""
    middle = np.array([80.0 - frame.left, 80.0 - frame.top])
    placing = Placing(turn=turn, scale=scale, shift=64 - scale * turn @ middle)
    iuv = placed_iuv(frame.arrays["iuv"], placing, 128)
    surface = placed_surface(frame, placing, 128)
    assert np.array_equal(iuv[..., 0] == 2, surface.mask)
    source = 127 + 127 * surface.normal[..., :2] @ turn
    if np.linalg.det(turn) < 0:
        source[..., 1] = 255 - source[..., 1]
    inner = surface.mask & (surface.normal[..., 2] < -0.7)
    assert np.abs(iuv[..., 1:] - source)[inner].max() < 5 / min(scale, 1)  # of which a pixel's width is most


def test_samples_are_told_as_often_as_asked_and_nothing_else_of_them_changes(frame):
    count = 0
    for seed in range(100):
        never, seldom, always = (told(frame, share, seed) for share in (0.0, 0.3, 1.0))
        assert never.body is None and always.body is not None
        count += seldom.body is not None
        for other in (seldom, always):
            assert all(np.array_equal(a, b) for a, b in zip(never[:-1], other[:-1], strict=True))
    assert 18 < count < 43


def test_what_a_sample_is_told_are_parts_and_charts_of_clothes_or_body_on_its_matte(frame):
    parts = set()
    for seed in range(40):
        sample = told(frame, 1.0, seed)
        body, mask = sample.body, sample.picture[3] > 0.5
        assert body.shape == (8, 64, 64) and body.dtype == np.float32
        assert not body[:, ~mask].any() and not body[: BODY_PLANES.index("part")].any()
        assert np.array_equal(body[KNOWN], KNOWN_PARTS * mask)
        found = set(np.unique(body[PART])) - {0}
        assert len(found) <= 1 and body[U].min() >= 0 and body[V].max() <= 1
        parts |= found
    assert parts == {1, 2}


def test_without_draws_a_sample_is_told_nothing_and_other_charts_are_never_told_of(frame, tmp_path):
    assert make_sample(frame, size=64).body is None
    other = read_frame(write_ball(tmp_path, 0, convention="densepose"), tmp_path / "packed", 0)
    assert all(told(other, 1.0, seed).body is None for seed in range(5))


def test_a_sample_is_told_the_same_whenever_it_is_drawn(tmp_path):
    shard = write_ball(tmp_path, 0)
    samples = Samples(tmp_path / "packed", size=64, augment=AugmentOptions(body=1.0))
    first, again, other = (samples.sample(Ticket(shard=shard, frame=0, key=(0, k))).body for k in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    unspoiled, for_validation = samples.sample(Ticket(shard=shard, frame=0)), samples.told(Ticket(shard=shard, frame=0))
    assert np.array_equal(unspoiled.picture, for_validation.picture) and for_validation.body.any()
    assert np.array_equal(for_validation.body, samples.told(Ticket(shard=shard, frame=0)).body)


def test_a_batch_has_zeros_for_those_that_are_told_nothing(frame):
    cpu = torch.device("cpu")
    known, unknown = told(frame, 1.0, 0), told(frame, 0.0, 1)
    batch = to_batch([unknown, known], cpu)
    assert batch.body.shape == (2, 8, 64, 64) and not batch.body[0].any()
    assert torch.equal(batch.body[1], torch.from_numpy(known.body))
    assert to_batch([unknown, unknown], cpu).body is None


def learner_of(**changes):
    options = TrainOptions(size=64, warmup=1, learning_rate=1e-3, **changes)
    return Learner(options, Devices(device=torch.device("cpu")), build_network(TINY, seed=0))


def test_a_network_that_was_never_told_begins_by_disregarding_it_and_learns_not_to(frame):
    batch = to_batch([told(frame, 1.0, seed) for seed in range(2)], torch.device("cpu"))
    learner = learner_of()
    with torch.no_grad():
        kept = learner.network(batch.picture).normal
        assert not torch.equal(learner.network(batch.picture, batch.body).normal, kept)
        disregard_body(learner.network)
        assert torch.equal(learner.network(batch.picture).normal, kept)
        assert torch.equal(learner.network(batch.picture, batch.body).normal, kept)
    code = learner.network.part_code.weight.detach().clone()
    for _ in range(3):
        learner.learn(batch)
    with torch.no_grad():
        untold = learner.network(batch.picture).normal
        assert (learner.network(batch.picture, batch.body).normal - untold).abs().max() > 1e-4
    assert not torch.equal(learner.network.part_code.weight, code)


def test_pairs_of_frames_are_told_nothing(frame, tmp_path):
    shard = write_ball(tmp_path, 0, frames=3, size=160)
    pair = Samples(tmp_path / "packed", size=64, augment=AugmentOptions(body=1.0), gap=2).pair(
        Ticket(shard=shard, frame=0, key=(0, 1), pair=True)
    )
    cpu = torch.device("cpu")
    batch, pairs = to_batch([told(frame, 1.0, 0)], cpu), to_pairs([pair], cpu)
    learner = learner_of(stage="video")
    with torch.no_grad():
        with_body, without = (learner.losses(part, pairs) for part in (batch, batch._replace(body=None)))
    assert float(with_body["warp"]) == pytest.approx(float(without["warp"]), rel=1e-5)
    assert float(with_body["normal"]) != pytest.approx(float(without["normal"]), rel=1e-5)


def test_a_mirrored_sample_swaps_the_sides_of_what_it_is_told(frame):
    arms = dict(frame.arrays) | {
        name: np.where(frame.arrays["iuv"] == 2, np.uint8(16), 0) for name in ("iuv", "body_iuv")
    }
    armed = replace(frame, arrays=arms)
    for flip, part in ((0.0, 16), (1.0, 15)):
        found = {float(p) for seed in range(6) for p in np.unique(told(armed, 1.0, seed, flip=flip).body[PART])}
        assert found == {0, part}
