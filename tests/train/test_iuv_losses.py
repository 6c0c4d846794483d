"""Losses of correspondence against closed forms."""

import math

import numpy as np
import pytest
import torch
from iuv_scenes import body_map, perfect

from hd_core.body.iuv_network import IuvPrediction
from hd_core.body.parts import part_centres
from hd_core.train.iuv_losses import iuv_losses, part_loss, place_error
from hd_core.train.iuv_samples import IuvBatch
from hd_core.train.iuv_validate import area_under_curve
from hd_core.train.losses import _LEAST_SPREAD


def truth(side=6, *, seed=0):
    iuv, points = body_map(side, seed=seed)
    return iuv[None, ..., 0], np.moveaxis(points, -1, 0)[None].astype(np.float32)


def batch_of(parts, places, mask):
    parts, places = (torch.from_numpy(np.stack([each, each], axis=1)) for each in (parts, places))
    return IuvBatch(picture=torch.zeros(1, 6, 12, 12), parts=parts, places=places, mask=mask)


def test_knowing_nothing_costs_the_logarithm_of_25_and_being_sure_of_the_truth_nothing():
    parts, places = truth()
    mask = torch.ones(1, 6, 6)
    even, sure = perfect(parts, places, sure=0.0), perfect(parts, places, sure=40.0)
    target = torch.from_numpy(parts)
    assert float(part_loss(even.parts, target, mask)) == pytest.approx(math.log(25), rel=1e-6)
    assert float(part_loss(sure.parts, target, mask)) == pytest.approx(0, abs=1e-6)


def test_off_the_mask_no_part_is_wrong_and_on_it_none_is_a_part_like_others():
    parts = np.zeros((1, 2, 2), np.uint8)
    logits = torch.zeros(1, 25, 2, 2)
    logits[0, 0, 0] = 3.0
    logits[0, 5, 1] = 100.0
    mask = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    expected = -3 + math.log(math.exp(3) + 24)
    assert float(part_loss(logits, torch.from_numpy(parts), mask)) == pytest.approx(expected, rel=1e-5)


def test_the_error_of_a_place_is_its_distance_in_metres_for_the_true_part_alone():
    parts, places = truth()
    found = perfect(parts, places)
    own = torch.from_numpy(parts.astype(np.int64)) - 1
    moved = found.offsets + torch.tensor([0.03, 0.0, -0.04])[:, None, None]
    wild = torch.where(torch.arange(24)[None, :, None, None, None] == own[:, None, None], moved, 7.0)
    error = place_error(found._replace(offsets=wild), torch.from_numpy(parts), torch.from_numpy(places))
    assert torch.allclose(error, torch.full_like(error, 0.05), atol=1.1e-3)
    none = place_error(found, torch.from_numpy(parts), torch.from_numpy(places))
    assert none.max() < 1e-5


def test_the_gradient_pulls_a_place_straight_to_the_truth_and_leaves_other_parts_alone():
    parts = np.full((1, 1, 1), 9, np.uint8)
    places = part_centres()[8].copy()[None, :, None, None]
    found = perfect(parts, places)
    offsets = (found.offsets + torch.tensor([0.1, 0.0, 0.0])[:, None, None]).requires_grad_()
    place_error(found._replace(offsets=offsets), torch.from_numpy(parts), torch.from_numpy(places)).sum().backward()
    gradient = offsets.grad[0, :, :, 0, 0]
    assert torch.allclose(gradient[8], torch.tensor([1.0, 0.0, 0.0]), atol=1e-3)
    assert not torch.cat([gradient[:8], gradient[9:]]).any()


def test_only_where_the_map_knows_and_the_network_sees_does_a_place_count():
    parts, places = truth()
    mask = torch.zeros(1, 6, 6)
    mask[0, :3] = 1
    parts[0, 0] = 0
    shift = torch.zeros(1, 1, 1, 6, 6)
    shift[..., 1:3, :] = 0.2
    shift[..., 0, :], shift[..., 3:, :] = 5.0, 9.0
    found = perfect(parts, places, spread_m=0.2)
    found = found._replace(offsets=found.offsets + torch.nn.functional.pad(shift, (0, 0, 0, 0, 0, 2)))
    losses = iuv_losses(IuvPrediction(clothed=found, body=found), batch_of(parts, places, mask))
    assert float(losses["place"]) == pytest.approx(0.2, abs=1e-3)
    width = 0.2 + _LEAST_SPREAD
    assert float(losses["spread"]) == pytest.approx(0.2 / width + math.log(width), abs=1e-2)


def test_losses_are_the_means_of_both_surfaces():
    parts, places = truth()
    batch = batch_of(parts, places, torch.ones(1, 6, 6))
    right = perfect(parts, places)
    wrong = right._replace(offsets=right.offsets + torch.tensor([0.4, 0.0, 0.0])[:, None, None])
    for pair in ((right, wrong), (wrong, right)):
        assert float(iuv_losses(IuvPrediction(*pair), batch)["place"]) == pytest.approx(0.2, abs=1e-3)


def test_the_area_under_the_curve_is_that_of_the_curve():
    """Against the curve itself, integrated over a thousand thresholds; and by hand."""
    error = np.random.default_rng(0).exponential(0.1, 500)
    thresholds = (np.arange(1000) + 0.5) / 1000 * 0.3
    curve = (error[None] < thresholds[:, None]).mean()
    assert area_under_curve(error, 0.3) == pytest.approx(curve, abs=1e-3)
    assert area_under_curve(np.array([0.0, 0.05, 0.1, 9.0]), 0.1) == pytest.approx((1 + 0.5) / 4)
