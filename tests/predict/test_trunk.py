"""The trunk: MobileNetV2's features, its shipped starting weights, and what the mask keeps out."""

import hashlib
import json

import pytest
import torch
from skimage import data
from torch import nn

from hd_core.errors import WeightsError
from hd_core.predict import weights
from hd_core.predict.config import CONFIGS, NetworkConfig
from hd_core.predict.layers import mask_pyramid
from hd_core.predict.network import build_network
from hd_core.predict.trunk import TRUNK_WIDTHS, ScaledConvolution

# Mean, spread and two values of every tap for the middle of scikit-image's astronaut, from torchvision's published
# weights run with plain batch normalisation in evaluation mode, outside this project's code.
GOLDEN = [
    (0.0041, 0.5120, 0.1359, 0.1507),
    (0.0064, 0.7571, -0.3974, -0.1704),
    (0.0434, 0.7837, -0.2702, 0.0143),
    (-0.0086, 0.6665, -0.8274, 0.3947),
    (0.0002, 0.2159, 0.2507, 0.0925),
]


@pytest.fixture(scope="module")
def trunk():
    network = build_network(CONFIGS["small"], seed=0)
    weights.start_from_photographs(network)
    return network.trunk.eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="module")
def astronaut():
    pixels = torch.from_numpy(data.astronaut()[:256, 128:384].copy())
    return (pixels.permute(2, 0, 1)[None].float() / 127.5 - 1).contiguous()


def test_a_photograph_gives_the_features_that_the_published_weights_give(trunk, astronaut):
    taps = trunk(astronaut, mask_pyramid(torch.ones(1, 1, 256, 256), 6))
    assert tuple(tap.shape[1] for tap in taps) == TRUNK_WIDTHS
    assert [tap.shape[2] for tap in taps] == [128, 64, 32, 16, 8]
    for tap, golden in zip(taps, GOLDEN, strict=True):
        found = (tap.mean(), tap.std(), tap[0, 3, 2, 5], tap[0, 7, 4, 1])
        assert torch.stack(found).tolist() == pytest.approx(golden, abs=0.01)


def test_pixels_off_the_mask_change_no_feature(trunk, astronaut):
    mask = torch.zeros(1, 1, 256, 256)
    mask[:, :, 40:200, 60:180] = 1
    masks = mask_pyramid(mask, 6)
    wild = torch.where(mask.bool(), astronaut, torch.randn(1, 3, 256, 256))
    for a, b in zip(trunk(astronaut, masks), trunk(wild, masks), strict=True):
        assert torch.equal(a, b)


def test_room_below_and_beside_changes_no_feature(trunk, astronaut):
    small = astronaut[:, :, :128, :128]
    roomy = nn.functional.pad(small, (0, 64, 0, 32))
    mask = torch.ones(1, 1, 128, 128)
    near = trunk(small, mask_pyramid(mask, 6))
    far = trunk(roomy, mask_pyramid(nn.functional.pad(mask, (0, 64, 0, 32)), 6))
    for a, b in zip(near, far, strict=True):
        assert (a - b[:, :, : a.shape[2], : a.shape[3]]).abs().max() < 1e-4


def test_scale_and_shift_are_a_batch_normalisation_at_rest():
    torch.manual_seed(3)
    plain, norm = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6).eval()
    for tensor in (norm.running_mean, norm.weight.data, norm.bias.data):
        tensor.normal_()
    norm.running_var.uniform_(0.5, 2)
    scaled = ScaledConvolution(4, 6, 3, stride=2)
    scaled.weight.data = plain.weight.data
    scaled.scale.data = norm.weight.data / torch.sqrt(norm.running_var + norm.eps)
    scaled.shift.data = norm.bias.data - norm.running_mean * scaled.scale.data
    x = torch.randn(2, 4, 10, 10)
    assert (scaled(x) - norm(plain(x))).abs().max() < 1e-5


def test_the_shipped_file_is_the_one_of_its_card():
    card = json.loads(weights.PHOTOGRAPHIC.with_suffix(".json").read_text())
    assert hashlib.sha256(weights.PHOTOGRAPHIC.read_bytes()).hexdigest() == card["sha256"]
    assert card["licence"] == "BSD-3-Clause"


def test_damaged_starting_weights_are_refused(monkeypatch, tmp_path):
    broken = tmp_path / "mobilenet_v2.safetensors"
    broken.write_bytes(weights.PHOTOGRAPHIC.read_bytes()[:-1] + b"x")
    broken.with_suffix(".json").write_bytes(weights.PHOTOGRAPHIC.with_suffix(".json").read_bytes())
    monkeypatch.setattr(weights, "PHOTOGRAPHIC", broken)
    with pytest.raises(WeightsError, match="sha256"):
        weights.start_from_photographs(build_network(CONFIGS["small"], seed=0))


def test_a_trunk_needs_its_five_levels():
    with pytest.raises(WeightsError, match="five levels"):
        NetworkConfig(widths=(16, 32), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16, trunk=True)
