"""A large view, seen at its size and at half of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from predict_scenes import frame_camera, sphere, view_of

from hd_core.geometry.camera import pixel_rays
from hd_core.predict.config import NetworkConfig
from hd_core.predict.hdnet import HdNetPredictor
from hd_core.predict.network import build_network
from hd_core.predict.scales import agree, halved, pyramid
from hd_core.predict.weights import WeightsCard
from hd_core.types import BodyMaps

TINY = NetworkConfig(widths=(16, 32, 32), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1), full_width=16)


def sphere_of(width, height):
    camera = frame_camera(width, height)
    return view_of(camera, np.isfinite(sphere(camera)[0]))


def predictor_of(size):
    about = {"licence": "Apache-2.0", "training_data": "none", "command": "random", "sha256": "0" * 64}
    card = WeightsCard(network=TINY, size=size, **about)
    return HdNetPredictor(build_network(TINY, seed=2), card, device=torch.device("cpu"))


@pytest.mark.parametrize(
    ("side", "sizes"),
    [(64, [64]), (94, [94]), (96, [96, 48]), (128, [128, 64]), (192, [192, 96, 48]), (256, [256, 128, 64])],
)
def test_views_are_halved_down_to_about_what_the_network_learned_at(side, sizes):
    assert [max(view.alpha.shape) for view in pyramid(sphere_of(side, side), 64)] == sizes


def test_a_halved_pixel_looks_through_the_middle_of_its_four():
    view = sphere_of(96, 72)
    half = halved(view)
    expected = pixel_rays(view.crop.camera).reshape(36, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.allclose(pixel_rays(half.crop.camera), expected, atol=1e-12)


def test_halving_an_odd_view_keeps_its_rays():
    view = sphere_of(101, 67)
    half = halved(view)
    assert half.alpha.shape == (34, 51)
    expected = pixel_rays(view.crop.camera)[:66, :100].reshape(33, 2, 50, 2, 3).mean(axis=(1, 3))
    assert np.allclose(pixel_rays(half.crop.camera)[:33, :50], expected, atol=1e-12)


def test_colours_of_the_background_do_not_bleed_into_the_person():
    view = sphere_of(96, 72)
    person = view.mask[..., None]
    half = halved(replace(view, rgb=np.where(person, np.array([200, 100, 50], np.uint8), np.uint8(255))))
    assert (half.rgb[half.mask] == [200, 100, 50]).all()


def test_a_half_pixel_is_the_mean_of_its_four():
    view = sphere_of(96, 72)
    rgb = np.random.default_rng(0).integers(0, 256, (72, 96, 3), np.uint8)
    half = halved(replace(view, rgb=rgb, alpha=np.ones((72, 96))))
    assert np.array_equal(half.rgb[3, 5], np.rint(rgb[6:8, 10:12].reshape(4, 3).mean(axis=0)))
    alpha = np.zeros((72, 96))
    alpha[6, 10] = 0.4
    assert halved(replace(view, alpha=alpha)).alpha[3, 5] == pytest.approx(0.1)


def test_what_is_known_of_the_body_is_halved_with_the_view():
    view = sphere_of(96, 72)
    iuv = np.random.default_rng(0).integers(0, 25, (72, 96, 3), np.uint8)
    assert np.array_equal(halved(replace(view, body=BodyMaps(iuv=iuv))).body.iuv, iuv[::2, ::2])


def planes(normal, relief, shape):
    found = torch.empty(5, *shape)
    found[:3] = torch.nn.functional.normalize(torch.tensor(normal), dim=0)[:, None, None]
    found[3], found[4] = relief, 0.5
    return found


def test_two_sights_meet_half_way_and_a_constant_of_relief_means_nothing():
    fine, coarse = planes([0.0, 0.6, -0.8], 0.25, (8, 8)), planes([0.0, -0.6, -0.8], 7.0, (4, 4))
    found = agree(fine, coarse, torch.ones(8, 8, dtype=torch.bool), torch.ones(4, 4, dtype=torch.bool))
    assert torch.allclose(found[:3], torch.tensor([0.0, 0.0, -1.0])[:, None, None].expand(3, 8, 8), atol=1e-6)
    assert torch.allclose(found[3], torch.full((8, 8), 0.25), atol=1e-5)


def test_a_slope_only_the_half_sees_counts_half():
    fine, coarse = planes([0.0, 0.0, -1.0], 0.0, (8, 16)), planes([0.0, 0.0, -1.0], 0.0, (4, 8))
    coarse[3] = torch.arange(8) * 2.0 + 0.5  # at fine pixels 0.25 0.75 ...: one a fine pixel, but at the border
    found = agree(fine, coarse, torch.ones(8, 16, dtype=torch.bool), torch.ones(4, 8, dtype=torch.bool))
    steps = found[3].diff(dim=1)[:, 1:-1]
    assert torch.allclose(steps, torch.full_like(steps, 0.5), atol=1e-5)


def test_where_the_half_sees_nobody_the_view_speaks_alone():
    fine, coarse = planes([0.0, 0.6, -0.8], 0.25, (8, 8)), planes([0.0, -0.6, -0.8], 7.0, (4, 4))
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[:, 0] = True
    found = agree(fine, coarse, torch.ones(8, 8, dtype=torch.bool), mask)
    assert torch.equal(found[:, :, 4:], fine[:, :, 4:])
    assert not torch.equal(found[:3, :, :2], fine[:3, :, :2])
    assert torch.equal(agree(fine, coarse, torch.ones(8, 8, dtype=torch.bool), mask & False), fine)


def test_a_large_view_is_predicted_from_both_of_its_sizes():
    view = sphere_of(128, 128)
    known, single = predictor_of(64), predictor_of(128)
    assert np.array_equal(predictor_of(96).predict(view).normal, single.predict(view).normal)
    both, fine, coarse = known.predict(view), single.predict(view), single.predict(halved(view))
    middle = np.s_[60:68, 60:68]
    wide = np.kron(coarse.normal, np.ones((2, 2, 1)))
    between = fine.normal[middle] + wide[middle]
    between /= np.linalg.norm(between, axis=-1, keepdims=True)
    error = np.degrees(np.arccos(np.clip((both.normal[middle] * between).sum(axis=-1), -1, 1)))
    apart = np.degrees(np.arccos(np.clip((fine.normal[middle] * wide[middle]).sum(axis=-1), -1, 1)))
    assert apart.mean() > 3 * error.mean()
    assert np.median(both.depth[both.mask]) == pytest.approx(1, abs=1e-6)


def test_the_background_changes_no_bit_of_a_large_view_either():
    view = sphere_of(128, 128)
    predictor = predictor_of(64)
    painted = replace(view, rgb=np.where(view.mask[..., None], view.rgb, np.uint8(77)))
    found, expected = predictor.predict(painted), predictor.predict(view)
    assert np.array_equal(found.normal, expected.normal)
    assert np.array_equal(found.depth, expected.depth, equal_nan=True)
