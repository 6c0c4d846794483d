"""Our network as ONNX: the same numbers as torch at sizes it was not recorded at, and nothing but what it can do."""

import hashlib
import json

import numpy as np
import onnxruntime
import pytest
import torch
from predict_scenes import sphere_view
from torch import nn

from hd_core.cli.main import main
from hd_core.errors import WeightsError
from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import Prediction, build_network
from hd_core.predict.onnx_export import TOLERANCE, differences, export_onnx, onnx_of
from hd_core.predict.planes import PICTURE_PLANES, picture_planes
from hd_core.predict.weights import WeightsCard, save_weights

TINY = {"encoder_blocks": (1,) * 5, "decoder_blocks": (1,) * 4, "full_width": 8, "group_size": 8}
TRUNK = NetworkConfig(widths=(8, 8, 16, 16, 24), trunk=True, **TINY)
PLAIN = NetworkConfig(widths=(8, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16, group_size=4)


def network_of(config):
    """A network whose every parameter is drawn anew, so that none is at its neutral value."""
    network = build_network(config, seed=5).eval().requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.named_parameters():
        if tensor.ndim < 2:
            tensor.add_(torch.empty_like(tensor).uniform_(-0.3, 0.3, generator=generator))
        elif "head" in name:
            tensor.mul_(3)
    return network


@pytest.fixture(scope="module", params=[PLAIN, TRUNK], ids=["plain", "trunk"])
def pair(request):
    network = network_of(request.param)
    return network, onnx_of(network)


def both(network, data, planes):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == list(Prediction._fields)
    with torch.inference_mode():
        wanted = [one.numpy() for one in network(torch.from_numpy(planes)[None])]
    return session.run(None, {"picture": planes[None]}), wanted


@pytest.mark.parametrize("shape", [(64, 64), (96, 160), (32, 224)])
def test_onnx_says_what_torch_says_at_every_size(pair, shape):
    network, data = pair
    rng = np.random.default_rng(3)
    planes = rng.uniform(-1, 1, (len(PICTURE_PLANES), *shape)).astype(np.float32)
    planes[3] = 0
    planes[3, 5:29, 7:25] = 1
    found, wanted = both(network, data, planes)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < TOLERANCE
        assert np.ptp(other) > 100 * TOLERANCE  # equal, and not by being constant


def test_an_empty_mask_is_the_same_nothing(pair):
    network, data = pair
    found, wanted = both(network, data, np.zeros((len(PICTURE_PLANES), 64, 96), np.float32))
    for one, other in zip(found, wanted, strict=True):
        assert np.isfinite(one).all() and np.abs(one - other).max() < TOLERANCE


def test_a_view_goes_through_the_file_as_through_the_network(pair):
    network, data = pair
    planes = np.pad(picture_planes(sphere_view()), ((0, 0), (0, 24), (0, 0)))
    found, wanted = both(network, data, planes)
    assert max(np.abs(one - other).max() for one, other in zip(found, wanted, strict=True)) < TOLERANCE


def test_the_comparison_sees_a_weight_that_is_off(pair):
    network, data = pair
    assert max(differences(network, data).values()) < TOLERANCE
    network.depth_head.bias += 0.01
    off = differences(network, data)
    network.depth_head.bias -= 0.01
    assert off["relief"] == pytest.approx(0.01, rel=0.01) and off["normal"] < TOLERANCE


def test_an_operation_without_a_translation_is_named():
    network = network_of(PLAIN)
    network.norm.forward = lambda x, _: torch.special.erfcx(x)
    with pytest.raises(WeightsError, match=r"aten\.special_erfcx\.default, which has no ONNX here"):
        onnx_of(network)
    network.detail = nn.Conv2d(6, 16, 3, padding=1)
    network.norm.forward = lambda x, _: x**3
    with pytest.raises(WeightsError, match="a power of 3"):
        onnx_of(network)


def test_the_command_writes_the_file_and_says_what_its_tensors_are(tmp_path, capsys):
    network = network_of(PLAIN)
    card = WeightsCard(network=PLAIN, licence="Apache-2.0", training_data="none", command="random")
    written = save_weights(tmp_path / "w.safetensors", network, card)
    words = ["export-onnx", "--weights", tmp_path / "w.safetensors", "-o", tmp_path / "net.onnx", "--progress", "none"]
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    assert ended.value.code == 0
    assert "largest difference from torch: normal" in capsys.readouterr().out
    data = (tmp_path / "net.onnx").read_bytes()
    said = json.loads((tmp_path / "net.json").read_text())
    assert said["sha256"] == hashlib.sha256(data).hexdigest() and said["weights_sha256"] == written.sha256
    assert said["multiple"] == 4 and said["input"]["planes"] == list(PICTURE_PLANES)
    assert max(said["largest_difference_from_torch"].values()) < TOLERANCE
    # The predictor onnx does not take it: it feeds pictures, not planes.
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "onnx", "--data", str(tmp_path), "--weights", str(tmp_path / "net.onnx")])
    assert ended.value.code != 0


def test_a_file_that_differs_from_torch_is_not_kept(tmp_path, monkeypatch):
    network = network_of(PLAIN)
    card = WeightsCard(network=PLAIN, licence="Apache-2.0", training_data="none", command="random")
    save_weights(tmp_path / "w.safetensors", network, card)
    network.depth_head.bias += 0.01
    other = onnx_of(network)
    monkeypatch.setattr("hd_core.predict.onnx_export.onnx_of", lambda _: other)
    with pytest.raises(WeightsError, match=r"differs from torch's by 0\.01\d? in relief"):
        export_onnx(tmp_path / "w.safetensors", tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_the_same_network_gives_the_same_bytes():
    first, second = (hashlib.sha256(onnx_of(network_of(PLAIN))).digest() for _ in range(2))
    assert first == second
