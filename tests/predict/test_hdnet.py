"""The HDNet predictor around its network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from predict_scenes import crop_of, frame_camera, sphere, sphere_view, view_of

from hd_core.errors import UsageError, WeightsError
from hd_core.predict import weights
from hd_core.predict.config import CONFIGS, NetworkConfig
from hd_core.predict.hdnet import HdNetPredictor, cpu_threads, find_device
from hd_core.predict.network import build_network
from hd_core.predict.planes import PICTURE_PLANES, body_planes, crop_extent, picture_planes
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.types import BodyMaps, Gauge, View

TINY = NetworkConfig(widths=(16, 32, 32), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1), full_width=16)


def predictor_of(config=TINY, *, threads=0, body_share=0.0):
    about = {"licence": "Apache-2.0", "training_data": "none", "command": "random", "sha256": "0" * 64}
    card = WeightsCard(network=config, body_share=body_share, **about)
    return HdNetPredictor(build_network(config, seed=2), card, device=torch.device("cpu"), threads=threads)


def repainted(view, rgb):
    return View(rgb=rgb, alpha=view.alpha, crop=view.crop, frame_index=0, time_seconds=0.0)


def test_the_background_changes_no_bit_of_the_person():
    view = sphere_view()
    predictor = predictor_of()
    for colour in ((255, 255, 255), (0, 0, 0), (200, 30, 90)):
        painted = np.where(view.mask[..., None], view.rgb, np.array(colour, np.uint8))
        found, expected = predictor.predict(repainted(view, painted)), predictor.predict(view)
        assert np.array_equal(found.normal, expected.normal)
        assert np.array_equal(found.depth, expected.depth, equal_nan=True)
        assert np.array_equal(found.confidence, expected.confidence)


def test_the_person_changes_the_prediction():
    view = sphere_view()
    predictor = predictor_of()
    assert (
        np.abs(predictor.predict(repainted(view, 255 - view.rgb)).normal - predictor.predict(view).normal).max() > 1e-3
    )


def test_the_gauge_is_scale_and_the_median_depth_is_one():
    maps = predictor_of().predict(sphere_view())
    assert maps.gauge is Gauge.SCALE
    assert np.median(maps.depth[maps.mask]) == pytest.approx(1, abs=1e-6)


def test_the_same_picture_with_a_longer_lens_has_less_depth_by_the_stated_law():
    """log z is (S / f) times the relief: with the network's ray inputs held back, depth follows the lens alone."""
    predictor = predictor_of()
    network = predictor._network
    with torch.no_grad():
        network.stem.convolution.weight[:, 16:24] = 0  # the two rays, folded in fours
        network.detail.weight[:, 4:6] = 0
    depths = {}
    for factor in (1.0, 3.0):
        camera = frame_camera()
        k = np.diag([factor, factor, 1]) @ camera.intrinsics
        k[:2, 2] = camera.intrinsics[:2, 2]
        lens = type(camera)(width=96, height=72, intrinsics=k)
        view = view_of(lens, np.isfinite(sphere(camera)[0]))
        depths[factor] = predictor.predict(view).depth[view.mask].astype(np.float64)
    assert np.ptp(np.log(depths[1.0])) > 0.01
    assert np.allclose(np.log(depths[1.0]), 3 * np.log(depths[3.0]), atol=1e-5)


def test_what_is_known_of_the_body_is_read_by_weights_that_learned_to_and_by_no_others():
    camera = frame_camera(101, 67)
    view = view_of(camera, np.isfinite(sphere(camera)[0]))
    iuv = np.random.default_rng(0).integers(1, 25, (67, 101, 3), np.uint8)
    told = replace(view, body=BodyMaps(iuv=iuv))
    for share in (0.0, 0.3):
        predictor = predictor_of(body_share=share)
        known, unknown = predictor.predict(told), predictor.predict(view)
        assert predictor.reads_body == (share > 0) == (not np.array_equal(known.normal, unknown.normal))
        away = replace(view, body=BodyMaps(iuv=np.where(view.mask[..., None], iuv, np.uint8(7))))
        assert np.array_equal(known.normal, predictor.predict(away).normal)


def test_a_crop_of_odd_size_is_padded_and_given_back_at_its_size():
    camera = frame_camera(101, 67)
    view = view_of(camera, np.isfinite(sphere(camera)[0]))
    maps = predictor_of(CONFIGS["small"]).predict(view)
    assert maps.depth.shape == (67, 101)
    assert np.array_equal(np.isfinite(maps.depth), view.mask)


def test_padding_is_neutral():
    """A crop of 64 px, and the same pixels in a crop of 63 + 1 px that the predictor pads itself."""
    camera = frame_camera()
    alpha = np.zeros((64, 64))
    alpha[5:60, 8:50] = 1
    view = view_of(camera, alpha, crop=crop_of(camera, left=0.0, top=0.0, size=64.0, side=64))
    odd = crop_of(camera, left=0.0, top=0.0, size=63.0, side=63)
    smaller = View(rgb=view.rgb[:63, :63], alpha=view.alpha[:63, :63], crop=odd, frame_index=0, time_seconds=0.0)
    predictor = predictor_of()
    whole, cut = predictor.predict(view), predictor.predict(smaller)
    assert np.abs(whole.normal[:63, :63] - cut.normal).max() < 1e-5
    ratio = crop_extent(view.crop.camera) / crop_extent(odd.camera)
    log_whole, log_cut = np.log(whole.depth[:63, :63][cut.mask]), np.log(cut.depth[cut.mask])
    assert np.allclose(log_whole, ratio * log_cut, atol=1e-5)


@pytest.mark.parametrize("told", [False, True])
def test_only_the_part_with_the_person_is_computed_and_gives_what_the_whole_view_gives(told):
    camera = frame_camera(128, 128)
    alpha = np.zeros((128, 128))
    alpha[41:86, 37:63] = 1
    view = view_of(camera, alpha)
    iuv = np.random.default_rng(0).integers(0, 25, (128, 128, 3), np.uint8)
    view = replace(view, body=BodyMaps(iuv=iuv)) if told else view
    predictor = predictor_of(CONFIGS["small"], body_share=0.3)
    shapes = []
    predictor._network.register_forward_pre_hook(lambda _, planes: shapes.append(planes[0].shape))
    maps = predictor.predict(view)
    assert shapes == [(1, len(PICTURE_PLANES), 64, 32)]
    planes = [picture_planes(view), body_planes(view)][: 1 + told]
    with torch.inference_mode():
        whole = predictor._network(*(torch.from_numpy(part)[None] for part in planes))
    expected = np.moveaxis(whole.normal[0].numpy(), 0, -1)
    assert np.abs(maps.normal - expected)[view.mask].max() < 2e-5


def test_confidence_is_one_half_where_the_spread_is_what_is_usual():
    predictor = predictor_of()
    with torch.no_grad():
        for head, usual in ((predictor._network.normal_head, 0.25), (predictor._network.depth_head, 1e-4)):
            head.weight[-1] = 0
            head.bias[-1] = float(np.log(np.expm1(usual)))
    maps = predictor.predict(sphere_view())
    assert maps.confidence[maps.mask] == pytest.approx(0.5, abs=1e-4)


def test_the_process_keeps_its_threads(monkeypatch):
    before = torch.get_num_threads()
    seen = []
    predictor = predictor_of(threads=1 if before > 1 else 2)
    forward = predictor._network.forward
    monkeypatch.setattr(predictor._network, "forward", lambda x: (seen.append(torch.get_num_threads()), forward(x))[1])
    predictor.predict(sphere_view())
    assert seen == [1 if before > 1 else 2]
    assert torch.get_num_threads() == before


def test_threads_are_given_back_after_an_error_and_untouched_by_zero():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="planted"), cpu_threads(before + 1):
        raise RuntimeError("planted")
    assert torch.get_num_threads() == before
    with cpu_threads(0):
        assert torch.get_num_threads() == before


def test_predicting_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    predictor_of().predict(sphere_view())
    assert torch.equal(torch.get_rng_state(), before)


def test_run_json_learns_the_digest_of_the_weights(tmp_path):
    network = build_network(TINY, seed=2)
    card = WeightsCard(network=TINY, licence="CC0-1.0", training_data="spheres", command="none")
    written = save_weights(tmp_path / "w.safetensors", network, card)
    predictor = load_predictor("hdnet", PredictorOptions(weights=tmp_path / "w.safetensors"))
    record = predictor.describe()
    assert record["weights_sha256"] == written.sha256
    assert record["training_data"] == "spheres" and record["device"] == "cpu"
    assert predictor.licence == "CC0-1.0"


def test_without_weights_the_refusal_has_exit_code_5(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "PACKAGED", tmp_path / "hdnet.safetensors")
    with pytest.raises(WeightsError, match="are missing.* --weights FILE") as caught:
        load_predictor("hdnet", PredictorOptions())
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu:x", "cpu:3", ""])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(UsageError, match=r"no device .* Usable: cpu"):
        find_device(name)


def test_auto_finds_a_device_that_works():
    device = find_device("auto")
    assert torch.ones(2, device=device).sum().item() == 2
    assert find_device("cpu") == torch.device("cpu")
