"""Checkpoints converted: the networks come back with every weight in place, and damage is refused."""

import json

import numpy as np
import pytest
import torch
from compat_scenes import ITERATIONS, model_folder, network_tensors, write_bundle

from hd_core.errors import InputError, UsageError, WeightsError
from hd_core.predict.compat.weights import SCOPES, convert_checkpoints, load_compat
from hd_core.predict.protocol import PredictorOptions, load_predictor


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tensors = model_folder(folder / "model")
    card = convert_checkpoints(folder / "model", folder / "w.safetensors")
    return folder, tensors, card


def test_every_weight_lands_where_it_belongs(converted):
    folder, tensors, _ = converted
    networks, _ = load_compat(folder / "w.safetensors")
    for kind, network in networks.items():
        for number in (1, 9, 10, 18):
            scope = f"{SCOPES[kind]}/conv{number}"
            layer = network.convolutions[f"conv{number}"]
            kernel = tensors[kind][f"{scope}/weights"]
            for place in np.ndindex(kernel.shape):
                row, column, inputs, outputs = place
                assert layer.weight[outputs, inputs, row, column] == kernel[place]
                if sum(place) > 6:
                    break
            assert np.array_equal(layer.bias.numpy(), tensors[kind][f"{scope}/biases"])
            if number < 18:
                assert np.array_equal(network.betas[f"conv{number}"].numpy(), tensors[kind][f"{scope}/beta"])
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_card_names_the_checkpoints_and_pins_the_bytes(converted):
    folder, _, card = converted
    written = json.loads((folder / "w.json").read_text())
    assert written["checkpoints"] == {kind: f"model_{step}.ckpt" for kind, step in ITERATIONS.items()}
    assert written["width"] == card.width == 2 and "not stated" in written["licence"]
    again = convert_checkpoints(folder / "model", folder / "again.safetensors")
    assert again.sha256 == card.sha256


def test_a_damaged_file_is_refused_by_its_digest(converted, tmp_path):
    folder, _, _ = converted
    data = bytearray((folder / "w.safetensors").read_bytes())
    data[-3] ^= 1
    (tmp_path / "w.safetensors").write_bytes(bytes(data))
    (tmp_path / "w.json").write_bytes((folder / "w.json").read_bytes())
    with pytest.raises(WeightsError, match="its card says"):
        load_compat(tmp_path / "w.safetensors")


def test_weights_without_their_card_are_refused(converted, tmp_path):
    folder, _, _ = converted
    (tmp_path / "w.safetensors").write_bytes((folder / "w.safetensors").read_bytes())
    with pytest.raises(WeightsError, match="no card"):
        load_compat(tmp_path / "w.safetensors")


def test_a_folder_with_one_network_or_with_two_of_a_kind_is_refused(tmp_path):
    write_bundle(tmp_path / "a" / "m.ckpt", network_tensors("normal"))
    with pytest.raises(InputError, match="0 checkpoints of the depth network"):
        convert_checkpoints(tmp_path, tmp_path / "w.safetensors")
    write_bundle(tmp_path / "b" / "m.ckpt", network_tensors("normal"))
    with pytest.raises(InputError, match="2 checkpoints of the normal network"):
        convert_checkpoints(tmp_path, tmp_path / "w.safetensors")
    assert not (tmp_path / "w.safetensors").exists()


def test_a_checkpoint_of_another_network_is_refused_and_nothing_is_written(tmp_path):
    tensors = network_tensors("normal")
    name = f"{SCOPES['normal']}/conv5/weights"
    tensors[name] = tensors[name][..., :-1]
    write_bundle(tmp_path / "n" / "m.ckpt", tensors)
    write_bundle(tmp_path / "d" / "m.ckpt", network_tensors("depth"))
    with pytest.raises(WeightsError, match="not the normal network"):
        convert_checkpoints(tmp_path, tmp_path / "w.safetensors")
    assert not (tmp_path / "w.safetensors").exists()


def test_the_predictor_says_where_weights_come_from(converted):
    with pytest.raises(UsageError, match="convert-hdnet"):
        load_predictor("hdnet_compat", PredictorOptions())
    folder, _, card = converted
    record = load_predictor("hdnet_compat", PredictorOptions(weights=folder / "w.safetensors")).describe()
    assert record["weights_sha256"] == card.sha256 and record["torch"] == torch.__version__
