"""Looks at a placed view are told in the view's own pixels and axes, whatever the placing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from train_scenes import ball_camera, ball_seen

from hd_core.geometry.crop import whole_frame
from hd_core.predict.network import Prediction
from hd_core.predict.planes import BODY_PLANES
from hd_core.train.adapting.looks import Look, checking_placing, look, mean_look, placed, straight, teaching_placings
from hd_core.types import BodyMaps, View

SIZE = 96
CENTRE, RADIUS = np.array([0.0, 0.0, 2.0]), 0.5


class Seer(nn.Module):
    """Knows that there is a ball on the camera's axis, and sees it by the rays it is given alone."""

    def __init__(self):
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))

    def forward(self, picture):
        x, y = picture[:, 4:5], picture[:, 5:6]
        on = picture[:, 3:4] > 0.5
        # The crop's size at unit distance, from the step between neighbouring rays.
        size = picture.shape[-1]
        steps = (x[..., 1:] - x[..., :-1])[on[..., 1:] & on[..., :-1]]
        extent = steps.median() * size
        rays = torch.cat([x, y, torch.ones_like(x)], 1)
        centre = torch.tensor(CENTRE, dtype=torch.float32)[None, :, None, None]
        a, b = rays.square().sum(1, keepdim=True), (rays * centre).sum(1, keepdim=True)
        root = (b.square() - a * float(CENTRE @ CENTRE - RADIUS**2)).clamp(min=0).sqrt()
        depth = (b - root) / a
        normal = nn.functional.normalize(rays * depth - centre, dim=1)
        relief = torch.where(on, torch.log(depth) / extent, 50.0)  # off the person it says anything
        return Prediction(normal, relief, torch.full_like(x, 0.1), torch.full_like(x, 0.1))


@pytest.fixture(scope="module")
def view():
    camera = ball_camera(SIZE)
    _, _, mask = ball_seen(camera, CENTRE, RADIUS)
    rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
    return View(rgb=rgb, alpha=mask.astype(np.float32), crop=whole_frame(camera), frame_index=0, time_seconds=0.0)


def inner(one: Look) -> np.ndarray:
    """Off the rim, where a ball is steeper than bilinear weights can follow."""
    return one.seen & (one.normal[..., 2] < -0.5)


@pytest.mark.parametrize("number", range(5))
def test_a_look_under_any_placing_says_what_the_straight_one_says(view, number):
    placing = [*teaching_placings(SIZE), checking_placing(SIZE)][number]
    plain, found = look(Seer(), view, straight(SIZE)), look(Seer(), view, placing)
    both = inner(plain) & inner(found)
    assert both.sum() > 0.6 * view.mask.sum()
    cosine = (plain.normal * found.normal).sum(-1)[both]
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 1.0
    apart = (found.relief - plain.relief)[both]
    assert np.abs(apart - np.median(apart)).max() < 2e-3
    assert np.ptp(found.relief[found.seen]) < 1


def test_the_straight_look_is_the_truth_of_the_ball(view):
    depth, normal, _ = ball_seen(view.crop.camera, CENTRE, RADIUS)
    found = look(Seer(), view, straight(SIZE))
    np.testing.assert_allclose(found.normal[view.mask], normal[view.mask], atol=1e-3)
    assert np.ptp((found.relief - np.log(np.nan_to_num(depth, nan=1.0)) * 1.3)[view.mask]) < 1e-4


def test_the_mean_of_looks_forgets_offsets_of_relief_and_pixels_that_one_did_not_see():
    shape, rng = (8, 8), np.random.default_rng(0)
    normal = np.broadcast_to(np.array([0, 0.6, -0.8], np.float32), (*shape, 3))
    relief, seen = rng.random(shape).astype(np.float32), np.ones(shape, bool)
    blind = seen.copy()
    blind[:3] = False
    other = Look(np.where(blind[..., None], normal, 5), np.where(blind, relief + 3, 99), np.full(shape, 0.2), blind)
    mean = mean_look([Look(normal, relief, np.full(shape, 0.4), seen), other])
    np.testing.assert_allclose(mean.normal, normal, atol=1e-6)
    np.testing.assert_allclose(mean.relief, relief, atol=1e-5)
    np.testing.assert_allclose(mean.spread[:3], 0.4, atol=1e-6)
    np.testing.assert_allclose(mean.spread[3:], 0.3, atol=1e-6)


def test_a_mirrored_placing_mirrors_about_the_middle():
    place = placed(10, mirror=True)
    np.testing.assert_allclose(place.turn @ np.array([2.0, 7.0]) * place.scale + place.shift, [8.0, 7.0])


class Listener(nn.Module):
    """Keeps what it is told of the body."""

    def __init__(self):
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))
        self.body = None

    def forward(self, picture, body=None):
        self.body = body
        one = torch.ones_like(picture[:, :1])
        return Prediction(torch.cat([0 * one, 0 * one, -one], 1), 0 * one, one, one)


def test_a_network_is_told_of_the_body_as_it_is_placed(view):
    iuv = np.zeros((SIZE, SIZE, 3), np.uint8)
    iuv[:, : SIZE // 2] = 3, 51, 102
    told, part = replace(view, body=BodyMaps(iuv=iuv)), BODY_PLANES.index("part")
    heard = Listener()
    look(heard, told, placed(SIZE, mirror=True))
    seen = heard.body[0, part].numpy()[view.mask & np.roll(view.mask, 2, axis=1)]
    columns = np.nonzero(view.mask & np.roll(view.mask, 2, axis=1))[1]
    # The right hand on the left is a left hand on the right in a mirror.
    np.testing.assert_array_equal(seen[columns >= SIZE // 2], 4)
    np.testing.assert_array_equal(seen[columns < SIZE // 2], 0)
    look(heard, view, straight(SIZE))
    assert heard.body is None
