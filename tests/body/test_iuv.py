"""Finding the body in a view: at its size, on its mask alone, the same twice, refused where weights are not whole."""

import json
from dataclasses import replace

import numpy as np
import pytest
from iuv_scenes import CARD, SMALL, deciding_weights
from predict_scenes import frame_camera, sphere, view_of

from hd_core.body.iuv import IUV_WEIGHTS, BodyFinder
from hd_core.body.iuv_network import IuvNet
from hd_core.errors import WeightsError
from hd_core.geometry.crop import whole_frame
from hd_core.predict.network import build_network
from hd_core.predict.weights import load_network, save_weights
from hd_core.synth.atlas.anny24 import flip_part


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return deciding_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def finder(weights):
    return BodyFinder.load(weights)


def ball_view(width=96, height=72):
    camera = frame_camera(width, height)
    return view_of(camera, np.isfinite(sphere(camera)[0]))


@pytest.mark.parametrize("target", ["clothed", "body"])
def test_maps_have_the_size_of_the_view_and_show_nothing_off_its_mask(finder, target):
    view = ball_view()
    body, confidence = finder.find_body(view, target=target)
    assert body.iuv.shape == (72, 96, 3) and body.iuv.dtype == np.uint8
    assert confidence.shape == (72, 96) and confidence.dtype == np.float32
    assert not body.iuv[~view.mask].any() and not confidence[~view.mask].any()
    shown = body.iuv[..., 0] > 0
    assert shown.any() and ((confidence > 0) == shown).all() and confidence.max() <= 1


def test_the_two_surfaces_are_found_by_read_outs_of_their_own_and_the_same_twice(finder):
    view = ball_view()
    (clothed, sure), (body, _) = (finder.find_body(view, target=target) for target in ("clothed", "body"))
    assert (clothed.iuv != body.iuv).any()
    again = finder.find_body(view)
    assert np.array_equal(again[0].iuv, clothed.iuv) and np.array_equal(again[1], sure)


def test_where_the_person_stands_in_the_view_changes_nothing_by_whole_coarse_pixels(finder):
    view = ball_view()
    moved = [np.roll(plane, (8, 8), axis=(0, 1)) for plane in (view.rgb, view.alpha)]
    k = view.crop.camera.intrinsics.copy()
    k[:2, 2] += 8
    crop = whole_frame(replace(view.crop.camera, intrinsics=k))
    beside = replace(view, rgb=moved[0], alpha=moved[1], crop=crop)
    first, second = finder.find_body(view)[0].iuv, finder.find_body(beside)[0].iuv
    same = (np.roll(first, (8, 8), axis=(0, 1)) == second).all(axis=-1)
    assert same.mean() > 0.999


def test_the_background_changes_nothing(finder):
    view = ball_view()
    other = np.where(view.mask[..., None], view.rgb, 255 - view.rgb)
    assert np.array_equal(finder.find_body(view)[0].iuv, finder.find_body(replace(view, rgb=other))[0].iuv)


def test_a_large_view_is_seen_at_the_size_of_the_samples_and_answered_at_its_own(weights):
    """Four copies of every pixel: what is found of the small view is found of the large one, in between as between."""
    view = ball_view(96, 72)
    wide = ball_view(192, 144)
    wide = replace(
        wide,
        rgb=view.rgb.repeat(2, axis=0).repeat(2, axis=1),
        alpha=view.alpha.repeat(2, axis=0).repeat(2, axis=1),
    )
    finder = BodyFinder.load(weights, mirrored=False)
    small, large = (finder.find_body(one)[0].iuv for one in (view, wide))
    assert large.shape == (144, 192, 3)
    assert (large[::2, ::2, 0] == small[..., 0])[view.mask].mean() > 0.95


def test_nobody_in_view_is_an_empty_map(finder):
    view = ball_view()
    nobody = replace(view, alpha=np.zeros_like(view.alpha))
    body, confidence = finder.find_body(nobody)
    assert not body.iuv.any() and not confidence.any() and finder.look(nobody) is None
    assert not any(found.iuv.any() or found.confidence.any() for found in finder.find_bodies(nobody))


def test_both_surfaces_of_one_run_are_those_of_two(finder):
    view = ball_view()
    for target, found in finder.find_bodies(view)._asdict().items():
        body, confidence = finder.find_body(view, target=target)
        assert np.array_equal(found.iuv, body.iuv) and np.array_equal(found.confidence, confidence)


def of_mirror(view):
    """The mirror image of a view, as a mirrored camera sees it."""
    camera = view.crop.camera
    k = camera.intrinsics.copy()
    k[0, 2] = camera.width - k[0, 2]
    rgb, alpha = (np.ascontiguousarray(plane[:, ::-1]) for plane in (view.rgb, view.alpha))
    return replace(view, rgb=rgb, alpha=alpha, crop=whole_frame(replace(camera, intrinsics=k)))


def test_who_looks_at_the_mirror_too_says_the_same_of_the_mirrored_person_with_the_sides_swapped(weights):
    """A network of random weights knows no symmetry, so only the mean of both can have it."""
    view = ball_view()
    for mirrored in (True, False):
        finder = BodyFinder.load(weights, mirrored=mirrored)
        for seen, other in zip(finder.look(view), finder.look(of_mirror(view)), strict=True):
            back = flip_part(np.arange(25))
            parts = other.parts[:, ::-1][..., back]
            offsets = other.offsets[:, ::-1][:, :, back[1:] - 1] * [-1, 1, 1]
            pairs = ((seen.parts, parts), (seen.offsets, offsets), (seen.spread, other.spread[:, ::-1]))
            off = [float(np.abs(a - b)[seen.mask].max()) for a, b in pairs]
            assert (max(off) < 1e-4) == mirrored


def test_who_looks_at_the_mirror_says_the_mean_of_two_who_do_not(weights):
    view = ball_view()
    finder = BodyFinder.load(weights, mirrored=False)
    straight, mirrored = finder.look(view).clothed, finder.look(of_mirror(view)).clothed
    both = BodyFinder.load(weights).look(view).clothed
    right_foot, left_foot = 6, 5
    mean = (straight.parts[..., right_foot] + mirrored.parts[:, ::-1, left_foot]) / 2
    assert np.abs(both.parts[..., right_foot] - mean)[both.mask].max() < 1e-5
    across = (straight.offsets[..., right_foot - 1, 0] - mirrored.offsets[:, ::-1, left_foot - 1, 0]) / 2
    assert np.abs(both.offsets[..., right_foot - 1, 0] - across)[both.mask].max() < 1e-5


def test_a_damaged_file_is_refused_by_its_digest(weights, tmp_path):
    path = tmp_path / "iuv.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(weights.with_suffix(".json").read_bytes())
    with pytest.raises(WeightsError, match="sha256"):
        BodyFinder.load(path)


def test_weights_of_hdnet_are_refused(tmp_path):
    path = tmp_path / "hdnet.safetensors"
    save_weights(path, build_network(SMALL, seed=0), CARD)
    with pytest.raises(WeightsError, match="another network"):
        BodyFinder.load(path)


def test_a_description_names_digest_and_origin(finder, weights):
    said = finder.describe()
    assert said["weights_sha256"] == json.loads(weights.with_suffix(".json").read_text())["sha256"]
    assert said["licence"] == "Apache-2.0" and said["device"] == "cpu"


def test_the_shipped_weights_are_whole_small_and_say_how_good_they_are():
    _, card = load_network(IuvNet, IUV_WEIGHTS)
    assert IUV_WEIGHTS.stat().st_size < 15e6
    assert card.licence == "Apache-2.0" and card.size == 224 and card.known_failures
    assert {"test_clothed_tight_auc10", "test_body_loose_auc30"} <= card.scores.keys()
