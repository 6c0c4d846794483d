"""The published networks: their size, their filter, their normalisation, and a slow twin of the whole."""

import numpy as np
import pytest
import torch
from compat_scenes import network_tensors
from scipy import ndimage

from hd_core.predict.compat.network import Hourglass, standardised, twice
from hd_core.predict.compat.run import run_networks
from hd_core.predict.compat.weights import SCOPES, SIZES


@pytest.mark.parametrize(("kind", "parameters"), [("normal", 28_360_579), ("depth", 28_363_905)])
def test_the_networks_have_the_published_number_of_parameters(kind, parameters):
    with torch.device("meta"):
        network = Hourglass(*SIZES[kind])
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_pictures_grow_by_the_filter_of_tensorflow_1():
    found = twice(torch.tensor([[[[1.0, 3.0], [5.0, 11.0]]]]))[0, 0]
    assert found.tolist() == [[1, 2, 3, 3], [3, 5, 7, 7], [5, 8, 11, 11], [5, 8, 11, 11]]


def test_every_picture_is_normalised_by_its_own_biased_statistics():
    values = torch.tensor([[[[0.0, 2.0], [4.0, 6.0]]]])
    # mean 3, biased variance 5
    expected = (values - 3) / np.sqrt(5.001)
    assert torch.allclose(standardised(values), expected, atol=1e-6)


def slow_network(tensors, kind, picture):
    """The published graph in numpy, kernels in TensorFlow's own order."""

    def convolved(x, name):
        kernel, bias = tensors[f"{SCOPES[kind]}/{name}/weights"], tensors[f"{SCOPES[kind]}/{name}/biases"]
        out = np.zeros((*x.shape[:2], kernel.shape[3]))
        for o in range(kernel.shape[3]):
            for i in range(kernel.shape[2]):
                out[..., o] += ndimage.correlate(x[..., i], kernel[:, :, i, o].astype(float), mode="constant")
        return out + bias

    def layer(x, name):
        raw = convolved(x, name)
        unit = (raw - raw.mean((0, 1))) / np.sqrt(raw.var((0, 1)) + 1e-3)
        return np.maximum(unit + tensors[f"{SCOPES[kind]}/{name}/beta"], 0)

    def halved(x):
        return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, -1).max((1, 3))

    def doubled(x):
        for axis in (0, 1):
            after = np.concatenate([np.delete(x, 0, axis), np.take(x, [-1], axis)], axis)
            shape = list(x.shape)
            shape[axis] *= 2
            x = np.stack([x, (x + after) / 2], axis + 1).reshape(shape)
        return x

    a = layer(layer(layer(picture.astype(float), "conv1"), "conv2"), "conv3")
    b = layer(halved(a), "conv4")
    c = layer(halved(b), "conv5")
    d = layer(halved(c), "conv6")
    x = layer(layer(layer(halved(d), "conv7"), "conv8"), "conv9")
    for skip, first, second in (
        (d, "conv10", "conv11"),
        (c, "conv12", "conv13"),
        (b, "conv14", "conv15"),
        (a, "conv16", "conv17"),
    ):
        x = layer(layer(np.concatenate([doubled(x), skip], -1), first), second)
    return convolved(x, "conv18")


def loaded(kind, tensors, width=2):
    network = Hourglass(*SIZES[kind], width=width)
    state = {}
    for number in range(1, 19):
        scope = f"{SCOPES[kind]}/conv{number}"
        state[f"convolutions.conv{number}.weight"] = torch.from_numpy(tensors[f"{scope}/weights"]).permute(3, 2, 0, 1)
        state[f"convolutions.conv{number}.bias"] = torch.from_numpy(tensors[f"{scope}/biases"])
        if number < 18:
            state[f"betas.conv{number}"] = torch.from_numpy(tensors[f"{scope}/beta"])
    network.load_state_dict(state)
    return network


def scene(size=(32, 48), seed=1):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (*size, 3), np.uint8)
    mask = ndimage.gaussian_filter(rng.normal(size=size), 4) > 0
    return rgb, mask, rng.integers(0, 25, (*size, 3), np.uint8)


@pytest.mark.parametrize("kind", ["normal", "depth"])
def test_the_network_agrees_with_the_slow_twin(kind):
    tensors = network_tensors(kind)
    picture = np.random.default_rng(3).uniform(0, 255, (32, 48, SIZES[kind][0])).astype(np.float32)
    with torch.inference_mode():
        found = loaded(kind, tensors)(torch.from_numpy(picture).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    expected = slow_network(tensors, kind, picture)
    assert expected.std() > 0.1
    assert np.abs(found - expected).max() < 1e-3


def test_inference_is_white_off_the_mask_feeds_unit_normals_and_raw_bytes_and_masks_what_comes_out():
    tensors = {kind: network_tensors(kind, seed=4) for kind in SIZES}
    rgb, mask, densepose = scene()
    white = np.where(mask[..., None], rgb, 255)
    raw = slow_network(tensors["normal"], "normal", white)
    normal = raw / np.linalg.norm(raw, axis=-1, keepdims=True) * mask[..., None]
    depth = slow_network(tensors["depth"], "depth", np.concatenate([white, normal, densepose], -1))[..., 0] * mask
    networks = {kind: loaded(kind, tensors[kind]) for kind in SIZES}
    found_depth, found_normal = run_networks(networks, rgb, mask, densepose, torch.device("cpu"))
    assert np.abs(found_normal - normal).max() < 2e-3
    assert np.abs(found_depth - depth).max() < 5e-3 and np.abs(depth).max() > 0.3
    assert not found_depth[~mask].any() and not found_normal[~mask].any()
    assert np.abs(np.linalg.norm(found_normal[mask], axis=-1) - 1).max() < 1e-5
