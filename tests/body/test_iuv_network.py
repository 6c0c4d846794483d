"""The correspondence network: its shapes, what it must not see, and what it shares with HDNet."""

import pytest
import torch
from iuv_scenes import SMALL, small_network

from hd_core.body.iuv_network import REACH_M, IuvNet, build_iuv_network
from hd_core.predict.config import CONFIGS
from hd_core.predict.network import build_network
from hd_core.predict.planes import PICTURE_PLANES


def picture(size=32, *, seed=0):
    planes = torch.randn(2, len(PICTURE_PLANES), size, size, generator=torch.Generator().manual_seed(seed))
    planes[:, 3] = 0
    planes[:, 3, 4 : size - 4, 8 : size - 6] = 1
    return planes * torch.where(torch.arange(len(PICTURE_PLANES))[:, None, None] == 3, 1, planes[:, 3:4])


def test_all_is_said_at_half_the_resolution_and_spreads_are_positive():
    for found in small_network()(picture()):
        assert found.parts.shape == (2, 25, 16, 16)
        assert found.offsets.shape == (2, 24, 3, 16, 16)
        assert found.spread.shape == (2, 1, 16, 16) and (found.spread > 0).all()


def test_a_fresh_network_begins_at_the_parts_centres_and_with_even_parts():
    for found in small_network()(picture()):
        assert found.offsets.abs().mean() < 0.3 * REACH_M
        assert found.parts.softmax(1).amax() < 0.3


def test_what_lies_off_the_mask_changes_nothing_on_it():
    network, clean = small_network(), picture()
    dirty = clean.clone()
    off = clean[:, 3:4] == 0
    dirty[:, :3] = torch.where(off, torch.rand_like(clean[:, :3]), clean[:, :3])
    padded = torch.nn.functional.pad(clean, (0, 8, 0, 8))
    inside = torch.nn.functional.max_pool2d(clean[:, 3:4], 2)[:, 0] > 0
    for before, widened in zip(network(clean), network(padded), strict=True):
        assert torch.allclose(
            before.parts.movedim(1, -1)[inside], widened.parts[..., :16, :16].movedim(1, -1)[inside], atol=1e-4
        )
    # Colours off the mask are zeroed by `picture_planes`, not by the network: here the two must differ.
    assert not torch.equal(network(dirty).clothed.parts, network(clean).clothed.parts)


def test_both_surfaces_have_read_outs_of_their_own():
    found = small_network()(picture())
    assert not torch.equal(found.clothed.parts, found.body.parts)


def test_the_backbone_takes_over_every_weight_of_hdnet_that_it_shares_and_gives_its_features():
    hdnet, ours = build_network(SMALL, seed=3), small_network(seed=4)
    own = ours.state_dict()
    shared = {name: tensor for name, tensor in hdnet.state_dict().items() if name in own}
    ours.load_state_dict({**own, **shared})
    theirs = {name.split(".")[0] for name in hdnet.state_dict().keys() - shared.keys()}
    assert theirs == {"detail", "full", "norm", "normal_head", "depth_head"}
    assert {name.split(".")[0] for name in own.keys() - shared.keys()} == {"hidden", "clothed_head", "body_head"}
    assert torch.equal(ours.features(picture(), None)[0], hdnet.features(picture(), None)[0])


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, again, other = (small_network(seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["body_head.weight"], other["body_head.weight"])


@pytest.mark.parametrize("name", ["small"])
def test_the_read_outs_are_few_and_the_weights_fit_the_package(name):
    with torch.device("meta"):
        network = IuvNet(CONFIGS[name])
    heads = (network.hidden, network.clothed_head, network.body_head)
    assert sum(p.numel() for head in heads for p in head.parameters()) < 1e5
    assert 2 * sum(p.numel() for p in network.parameters()) < 15e6


def test_halves_move_no_point_by_more_than_some_millimetres():
    network = build_iuv_network(SMALL, seed=0)
    network.clothed_head.weight.data *= 20
    with torch.no_grad():
        exact = network(picture()).clothed.offsets
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(picture()).clothed.offsets
    assert exact.abs().max() > 0.2
    assert (exact - rough).abs().mean() < 0.01 * exact.abs().max()
