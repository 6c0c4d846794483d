"""Schedule, average, curves and the lines a checkpoint keeps, against their closed forms."""

import math
from dataclasses import replace

import pytest
import torch
from PIL import Image

from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import build_network
from hd_core.train.average import MovingAverage
from hd_core.train.checkpoint import keep_lines
from hd_core.train.curves import add_line, draw_curves, read_lines
from hd_core.train.learner import learning_rate
from hd_core.train.objective import weighted_sum
from hd_core.train.options import LossWeights, TrainOptions

SMALL = NetworkConfig(widths=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16)


def test_the_rate_rises_straight_and_falls_along_a_cosine_to_a_fiftieth():
    options = TrainOptions(steps=1100, warmup=100, learning_rate=2.0)
    rates = {step: learning_rate(options, step) for step in (0, 49, 99, 100, 350, 600, 1100, 5000)}
    half = 2 * (0.02 + 0.98 / 2)
    quarter = 2 * (0.02 + 0.98 * (1 + math.cos(math.pi / 4)) / 2)
    expected = {0: 0.02, 49: 1.0, 99: 2.0, 100: 2.0, 350: quarter, 600: half, 1100: 0.04, 5000: 0.04}
    assert rates == pytest.approx(expected, rel=1e-9)


def test_an_old_average_forgets_by_its_decay_and_a_young_one_faster():
    network = build_network(SMALL, seed=0)
    average = MovingAverage(network, 0.9)
    first = next(network.parameters()).detach().clone()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    moved = next(average.network.parameters())
    average.update(network, 1)
    assert (moved - first).flatten()[0] == pytest.approx(1 - 2 / 11, abs=1e-5)
    young = float((moved - first).flatten()[0])
    average.update(network, 10_000)
    assert (moved - first).flatten()[0] == pytest.approx(1 - 0.9 * (1 - young), abs=1e-5)
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_what_is_minimised_is_the_sum_by_the_weights():
    parts = {"normal": torch.tensor(0.5), "warp": torch.tensor(0.1), "spread": torch.tensor(-2.0)}
    weights = replace(LossWeights(), normal=2.0, warp=3.0, spread=0.1)
    assert float(weighted_sum(parts, weights)) == pytest.approx(1.0 + 0.3 - 0.2)


def test_lines_after_the_checkpoint_and_half_a_line_are_dropped(tmp_path):
    for step in (10, 20, 30):
        add_line(tmp_path, {"step": step, "loss": 1 / step})
    path = tmp_path / "curve.jsonl"
    path.write_text(path.read_text() + '{"step": 15, "lo')
    keep_lines(path, 20)
    assert [line["step"] for line in read_lines(tmp_path)] == [10, 20]
    keep_lines(tmp_path / "absent.jsonl", 20)


def test_curves_fall_where_values_fall(tmp_path):
    for step in range(1, 400):
        add_line(tmp_path, {"step": step, "loss": 100 / step})
    draw_curves(tmp_path, [["loss"], ["nothing of that name"]])
    picture = Image.open(tmp_path / "curve.png").convert("RGB")
    assert picture.size == (900, 520)
    blue = [[y for y in range(260) if picture.getpixel((x, y)) == (0, 90, 180)] for x in (60, 200, 400, 700)]
    tops = [column[0] for column in blue]
    assert tops == sorted(tops) and tops[-1] - tops[0] > 60
