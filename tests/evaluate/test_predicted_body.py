"""Maps of the body with the faults of found ones: how far, how often, and always the same for the same clip."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluate_scenes import archive

from hd_core.errors import UsageError
from hd_core.evaluate.command import run_evaluation
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.predicted_body import as_predicted, choose_map
from hd_core.evaluate.shards import shard_clip
from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import build_network
from hd_core.predict.protocol import PredictorOptions
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.progress import Silent

TINY = NetworkConfig(widths=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16)


def disc(size):
    """Part 5 at u = 100 and v = 200 in the middle of the picture."""
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    return np.where((np.hypot(x, y) < 0.3 * size)[..., None], [5, 100, 200], 0).astype(np.uint8)


@pytest.fixture(scope="module", params=[128, 256])
def found(request):
    true = disc(request.param)
    return true, [as_predicted(np.random.default_rng(seed), true) for seed in range(200)]


def test_maps_lie_one_to_three_pixels_of_256_beside_the_person(found):
    true, maps = found
    size, area = len(true), (true[..., 0] > 0).sum()
    places = [np.argwhere(iuv[..., 0]).mean(axis=0) for iuv in maps if (iuv[..., 0] > 0).sum() == area]
    away = np.array(places) - np.argwhere(true[..., 0]).mean(axis=0)
    far = np.hypot(*away.T) / (size / 256)
    grain = 0.75 * 256 / size  # they are moved by whole pixels
    assert len(places) > 30 and far.min() > 1 - grain and far.max() < 3 + grain and 1.6 < far.mean() < 2.4
    assert np.abs(away.mean(axis=0)).max() < 0.6 * size / 256  # to all sides


def test_maps_have_up_to_three_round_holes_and_one_in_seventeen_parts_is_missed(found):
    true, maps = found
    lost = np.array([1 - (iuv[..., 0] > 0).sum() / (true[..., 0] > 0).sum() for iuv in maps])
    missed = lost == 1
    assert 0.02 < missed.mean() < 0.11
    assert 0.15 < (lost[~missed] == 0).mean() < 0.35  # none of 0, 1, 2, 3 holes
    assert lost[~missed].max() < 3 * (0.05 / 0.3) ** 2 + 0.01 and lost[~missed].mean() > 0.01


def test_a_part_as_a_whole_is_a_little_off_in_its_chart(found):
    _, maps = found
    places = [iuv[iuv[..., 0] > 0] for iuv in maps if iuv.any()]
    assert all((place == place[0]).all() and place[0, 0] == 5 for place in places)
    off = np.stack([place[0, 1:] for place in places]) - np.array([100.0, 200.0])
    assert off.std(axis=0) == pytest.approx([5.1, 5.1], abs=0.8) and np.abs(off.mean(axis=0)).max() < 1
    assert abs(np.corrcoef(off.T)[0, 1]) < 0.2


def test_the_same_draws_make_the_same_map_and_leave_the_true_one_alone():
    true = disc(128)
    first, again = (as_predicted(np.random.default_rng(4), true) for _ in range(2))
    assert np.array_equal(first, again) and not np.array_equal(first, true)
    assert np.array_equal(true, disc(128)) and not as_predicted(np.random.default_rng(0), 0 * true).any()


def test_clothes_and_body_are_followed_as_often():
    names = [choose_map(np.random.default_rng(seed)) for seed in range(400)]
    assert set(names) == {"iuv", "body_iuv"} and 160 < names.count("iuv") < 240


def test_a_clip_tells_of_the_body_when_asked_and_the_same_wherever_it_lies(tmp_path):
    path = archive(tmp_path / "a.npz", frames=6)
    untold, told, again = shard_clip(path), shard_clip(path, body=True), shard_clip(path, body=True)
    moved = shard_clip(archive(tmp_path / "b.npz", frames=6), body=True)
    assert all(sample.view.body is None for sample in untold.samples)
    maps = [np.stack([sample.view.body.iuv for sample in clip.samples]) for clip in (told, again, moved)]
    assert np.array_equal(maps[0], maps[1]) and np.array_equal(maps[0], maps[2])
    assert not np.array_equal(maps[0][0], maps[0][1])  # every frame has faults of its own
    plain = replace(told.samples[1].view, body=None)
    assert np.array_equal(plain.rgb, untold.samples[1].view.rgb)


def test_a_clip_follows_the_clothes_or_the_body_throughout(tmp_path):
    followed = set()
    for clip in range(8):
        samples = shard_clip(archive(tmp_path / f"{clip}.npz", frames=3, clip=clip), body=True).samples
        parts = {int(sample.view.body.iuv[..., 0].max()) for sample in samples} - {0}
        assert len(parts) <= 1
        followed |= parts
    assert followed == {1, 2}


def tiny_weights(folder, *, body_share):
    card = WeightsCard(network=TINY, licence="none", training_data="none", command="none", body_share=body_share)
    save_weights(folder / f"{body_share}.safetensors", build_network(TINY, seed=1), card)
    return f"hdnet={folder / f'{body_share}.safetensors'}"


def test_an_evaluation_with_a_body_feeds_it_and_says_so(tmp_path):
    archive(tmp_path / "000000.npz")
    name = tiny_weights(tmp_path, body_share=0.5)
    scores = {}
    for body in (False, True):
        options = EvaluateOptions(body=body, surface_every=0)
        found, *_ = run_evaluation([name], tmp_path, options, PredictorOptions(), Silent())
        report = json.loads(json.dumps(found.report))
        assert report["options"]["body"] is body
        scores[body] = {key: entry["scores"] for key, entry in report["predictors"].items()}
    first = next(iter(scores[True]))
    assert scores[True][first] != scores[False][first]
    assert scores[True]["inflate"] == scores[False]["inflate"]


def test_a_body_for_nobody_who_reads_it_is_refused(tmp_path):
    archive(tmp_path / "000000.npz")
    for name in ("inflate", tiny_weights(tmp_path, body_share=0.0)):
        with pytest.raises(UsageError, match="None of these predictors reads"):
            run_evaluation([name], tmp_path, EvaluateOptions(body=True), PredictorOptions(), Silent())
