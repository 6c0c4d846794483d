"""Weights and their card: what is written comes back, and everything else is refused in one clear line."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from hd_core.errors import WeightsError
from hd_core.predict import weights
from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import build_network
from hd_core.predict.weights import WeightsCard, load_weights, save_weights

TINY = NetworkConfig(widths=(16, 32), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16)


@pytest.fixture
def network():
    return build_network(TINY, seed=1)


@pytest.fixture
def path(tmp_path, network):
    save_weights(tmp_path / "w.safetensors", network, card())
    return tmp_path / "w.safetensors"


def card():
    return WeightsCard(
        network=TINY,
        licence="Apache-2.0",
        training_data="synthetic humans, CC0",
        command="hd-core train normals --seed 1",
        scores={"normal_mean_deg": 12.5},
        known_failures=("hands", "skirts seen from behind"),
        body_share=0.3,
    )


def rewrite_card(path, **changes):
    file = path.with_suffix(".json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def replace_tensors(path, tensors):
    path.write_bytes(save(tensors))
    rewrite_card(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_weights_come_back_to_half_precision_and_the_card_whole(path, network):
    loaded, found = load_weights(path)
    assert found.scores == {"normal_mean_deg": 12.5}
    assert found.known_failures == ("hands", "skirts seen from behind") and found.body_share == 0.3
    assert (found.licence, found.training_data, found.command) == (
        "Apache-2.0",
        "synthetic humans, CC0",
        "hd-core train normals --seed 1",
    )
    for name, tensor in network.state_dict().items():
        again = loaded.state_dict()[name]
        assert again.dtype is torch.float32
        assert torch.equal(again, tensor.half().float())


def test_a_loaded_network_is_ready_to_predict_and_not_to_learn(path):
    loaded, _ = load_weights(path)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_the_file_holds_halves_and_the_card_its_digest(path, network):
    stored = load(path.read_bytes())
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    data = json.loads(path.with_suffix(".json").read_text())
    assert data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert data["schema"] == 1 and data["network"]["widths"] == [16, 32]
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert 2 * parameters < path.stat().st_size < 2 * parameters + 8000


def test_the_same_weights_give_the_same_bytes(tmp_path, network):
    first, second = (save_weights(tmp_path / name, network, card()) for name in ("a.safetensors", "b.safetensors"))
    assert first == second
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_weight_that_is_no_half_is_refused_before_anything_is_written(tmp_path, network):
    with torch.no_grad():
        network.stem.convolution.weight[0, 0, 0, 0] = 1e6
    with pytest.raises(WeightsError, match=r"stem\.convolution\.weight .* not finite"):
        save_weights(tmp_path / "w.safetensors", network, card())
    assert list(tmp_path.iterdir()) == []


def test_missing_packaged_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "PACKAGED", tmp_path / "hdnet.safetensors")
    with pytest.raises(
        WeightsError,
        match="are missing.* Install hd-core again.* --weights FILE, or use --predictor maps",
    ) as caught:
        load_weights()
    assert caught.value.exit_code == 5


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights at .*mine\.safetensors"):
        load_weights(tmp_path / "mine.safetensors")


def test_the_packaged_weights_are_looked_for_beside_the_code():
    assert weights.PACKAGED.parts[-3:] == ("hd_core", "weights", "hdnet.safetensors")


def test_a_missing_card_is_refused(path):
    path.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match=r"has no card w\.json beside it"):
        load_weights(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', "not json"])
def test_a_card_that_is_none_is_refused(path, text):
    path.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsError, match="is not the card of a set of weights"):
        load_weights(path)


def test_a_card_of_another_schema_is_refused(path):
    rewrite_card(path, schema=2)
    with pytest.raises(WeightsError, match="has schema 2; this hd_core reads 1"):
        load_weights(path)


@pytest.mark.parametrize("position", [0, 9, 5000, -1])
def test_one_changed_bit_is_refused_by_digest(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"has sha256 [0-9a-f]{12}\.\.\.; its card says"):
        load_weights(path)


def test_a_file_that_is_no_safetensors_is_refused_even_if_its_card_vouches_for_it(path):
    path.write_bytes(b"hello")
    rewrite_card(path, sha256=hashlib.sha256(b"hello").hexdigest())
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        load_weights(path)


def test_weights_of_another_network_are_refused_with_the_first_difference(path):
    rewrite_card(path, network={**TINY.to_json(), "full_width": 32})
    with pytest.raises(WeightsError, match=r"another network .* (\d+) tensors differ, the first is depth_head\.weight"):
        load_weights(path)


def test_a_tensor_too_few_or_too_many_is_refused(path):
    tensors = load(path.read_bytes())
    replace_tensors(path, {name: tensor for name, tensor in tensors.items() if name != "norm.bias"})
    with pytest.raises(WeightsError, match=r"1 tensors differ, the first is norm\.bias \(absent in the file"):
        load_weights(path)
    replace_tensors(path, {**tensors, "extra": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"extra \(\(1,\) in the file, absent by the card\)"):
        load_weights(path)


def test_every_refusal_is_one_line_with_exit_code_5(path):
    rewrite_card(path, network={"widths": [16, 32]})
    with pytest.raises(WeightsError) as caught:
        load_weights(path)
    assert caught.value.exit_code == 5 and "\n" not in str(caught.value)


def test_predictions_before_and_after_saving_agree_to_half_precision(path, network):
    loaded, _ = load_weights(path)
    picture = torch.from_numpy(np.random.default_rng(0).random((1, 6, 32, 32), np.float32))
    with torch.no_grad():
        before, after = network.eval()(picture).normal, loaded(picture).normal
    mask = (picture[:, 3:4] > 0.5).expand_as(before)
    assert 0 < (before - after)[mask].abs().max() < 0.02
