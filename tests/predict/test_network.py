"""The laws of the network itself, with random weights."""

import pytest
import torch

from hd_core.errors import WeightsError
from hd_core.predict.config import CONFIGS, NetworkConfig
from hd_core.predict.network import HdNet, build_network
from hd_core.predict.planes import BODY_PLANES, NUM_PARTS, PICTURE_PLANES

TINY = NetworkConfig(widths=(16, 32, 32), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1), full_width=16)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def ellipse(height, width):
    y = torch.linspace(-1, 1, height)[:, None]
    x = torch.linspace(-1, 1, width)[None]
    return ((x / 0.5) ** 2 + (y / 0.9) ** 2 < 1).float()


def picture_of(mask, *, seed=0, focal=1.2):
    """Planes of a random picture of that mask, the background removed."""
    height, width = mask.shape
    x = ((torch.arange(width) + 0.5) / width - 0.5) / focal
    y = ((torch.arange(height) + 0.5) / height - 0.5) / focal
    rays = torch.stack([x[None].expand(height, width), y[:, None].expand(height, width)])
    colours = noise(3, height, width, seed=seed).clamp(-1, 1)
    return torch.cat([colours * mask, mask[None], rays * mask])[None]


def body_of(mask, *, seed=5):
    height, width = mask.shape
    planes = noise(len(BODY_PLANES), height, width, seed=seed)
    part = torch.randint(1, NUM_PARTS, (height, width), generator=torch.Generator().manual_seed(seed))
    planes[BODY_PLANES.index("part")] = part.float()
    planes[BODY_PLANES.index("known")] = 1
    return (planes * mask)[None]


@pytest.fixture(scope="module")
def small():
    return build_network(CONFIGS["small"], seed=0).eval()


@pytest.fixture(scope="module")
def tiny():
    return build_network(TINY, seed=0).eval()


@pytest.mark.parametrize("size", [(256, 256), (384, 384), (512, 512), (64, 96)])
def test_one_set_of_weights_works_at_every_multiple_of_32(small, size):
    mask = ellipse(*size)
    with torch.inference_mode():
        found = small(picture_of(mask))
    assert found.normal.shape == (1, 3, *size)
    assert found.relief.shape == found.normal_spread.shape == found.relief_spread.shape == (1, 1, *size)
    assert all(values.isfinite().all() for values in found)
    assert found.normal_spread.min() >= 0 and found.relief_spread.min() >= 0


def test_normals_are_unit_and_face_the_camera_at_every_pixel_and_lens(tiny):
    for focal in (0.4, 1.2, 5.0):
        picture = picture_of(ellipse(32, 32), focal=focal)
        with torch.no_grad():
            normal = tiny(picture).normal[0].double()
        rays = torch.cat([picture[0, 4:6], torch.ones(1, 32, 32)])
        assert (normal.norm(dim=0) - 1).abs().max() < 1e-5
        assert (normal * rays).sum(0).max() < 0


def test_a_normal_towards_the_camera_stays_so_wherever_the_pixel_is(tiny):
    """With read-outs of zero and a bias along the ray, normals are the reversed rays: a known value."""
    network = build_network(TINY, seed=0)
    torch.nn.init.zeros_(network.normal_head.weight)
    picture = picture_of(torch.ones(32, 32), focal=0.6)
    with torch.no_grad():
        normal = network(picture).normal[0]
    rays = torch.cat([picture[0, 4:6], torch.ones(1, 32, 32)])
    assert (normal + rays / rays.norm(dim=0)).abs().max() < 1e-6


def test_the_turn_of_the_axes_is_the_smallest_rotation(tiny):
    """Rodrigues' formula about the axis between the camera's axis and the ray, as an independent twin."""
    from hd_core.predict.network import _facing  # noqa: PLC0415

    raw, ray = noise(1, 3, 8, 8), noise(1, 2, 8, 8, seed=4)
    found = _facing(raw, ray)[0].flatten(1).T.double()
    local = torch.cat([raw[:, :2], -torch.nn.functional.softplus(raw[:, 2:]) - 1e-3], 1)[0].flatten(1).T.double()
    local = local / local.norm(dim=1, keepdim=True)
    direction = torch.cat([ray, torch.ones(1, 1, 8, 8)], 1)[0].flatten(1).T.double()
    direction = direction / direction.norm(dim=1, keepdim=True)
    axis = torch.linalg.cross(torch.tensor([[0.0, 0, 1]]).double().expand_as(direction), direction)
    sine, cosine = axis.norm(dim=1, keepdim=True), direction[:, 2:]
    axis = axis / sine
    expected = (
        local * cosine
        + torch.linalg.cross(axis, local) * sine
        + axis * (axis * local).sum(1, keepdim=True) * (1 - cosine)
    )
    assert (found - expected).abs().max() < 1e-5


def test_padding_changes_nothing_on_the_person_even_at_the_border(tiny):
    mask = torch.ones(32, 32)
    mask[:10, :7] = 0
    picture = picture_of(mask)
    padded = torch.nn.functional.pad(picture, (0, 32, 0, 16))
    with torch.no_grad():
        small_found, large_found = tiny(picture), tiny(padded)
    for name, values in small_found._asdict().items():
        wide = getattr(large_found, name)[..., :32, :32]
        assert (values - wide)[..., mask.bool()].abs().max() < 2e-5, name


def test_an_absent_body_is_a_body_of_zeros(tiny):
    picture = picture_of(ellipse(32, 32))
    with torch.no_grad():
        absent, zeros = tiny(picture), tiny(picture, torch.zeros(1, len(BODY_PLANES), 32, 32))
        known = tiny(picture, body_of(ellipse(32, 32)))
    assert torch.equal(absent.normal, zeros.normal) and torch.equal(absent.relief, zeros.relief)
    assert (absent.normal - known.normal).abs().max() > 1e-3


def test_body_parts_are_names_not_numbers(tiny):
    """Swapping two rows of the code and the two parts of the map gives the same prediction."""
    mask = torch.ones(32, 32)
    picture, body = picture_of(mask), body_of(mask)
    part = BODY_PLANES.index("part")
    swapped = body.clone()
    swapped[:, part] = torch.where(body[:, part] == 3, 17, torch.where(body[:, part] == 17, 3, body[:, part]))
    twin = build_network(TINY, seed=0)
    with torch.no_grad():
        twin.part_code.weight[[3, 17]] = twin.part_code.weight[[17, 3]]
        assert torch.equal(tiny(picture, body).normal, twin(picture, swapped).normal)
        assert not torch.equal(tiny(picture, body).normal, tiny(picture, swapped).normal)


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_a_gradient_reaches_every_parameter(name):
    config = TINY if name == "tiny" else CONFIGS["small"]
    network = build_network(config, seed=0).train()
    mask = ellipse(64, 64)
    found = network(picture_of(mask), body_of(mask))
    target = noise(1, 3, 64, 64, seed=8)
    loss = (found.normal * target * mask).sum() + (found.relief * target[:, :1] * mask).sum()
    (loss + found.normal_spread.sum() + found.relief_spread.sum()).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert silent == []


def test_it_trains_under_autocast():
    network = build_network(TINY, seed=0).train()
    mask = ellipse(32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network(picture_of(mask), body_of(mask))
        loss = found.normal[:, 2].mean() + found.relief.square().mean()
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
    assert found.normal.dtype is torch.float32


def test_two_steps_of_descent_lower_the_loss():
    network = build_network(TINY, seed=0).train()
    mask = ellipse(32, 32)
    picture, aim = picture_of(mask), torch.nn.functional.normalize(torch.tensor([0.6, 0.3, -1]), dim=0)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02)
    losses = []
    for _ in range(3):
        loss = (1 - torch.einsum("bchw,c->bhw", network(picture).normal, aim))[:, mask.bool()].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] > losses[1] > losses[2]


def test_a_seed_gives_the_same_parameters_and_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, second, other = (build_network(TINY, seed=seed).state_dict() for seed in (4, 4, 5))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.convolution.weight"], other["stem.convolution.weight"])


def test_convolutions_start_with_the_variance_that_keeps_signals_alive():
    weight = build_network(CONFIGS["small"], seed=0).encoder[4][0].first.convolution.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


def test_first_predictions_of_a_fresh_network_are_neither_flat_nor_wild(small):
    mask = ellipse(128, 128)
    with torch.no_grad():
        found = small(picture_of(mask))
    tilt = torch.rad2deg(torch.acos((-found.normal[0, 2][mask.bool()]).clamp(-1, 1)))
    assert 1 < tilt.median() < 45
    assert found.relief.abs().max() < 3


def count(config):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in HdNet(config).parameters())


def test_small_is_small_and_large_is_larger():
    assert count(CONFIGS["small"]) < 12e6
    assert count(CONFIGS["small"]) < count(CONFIGS["large"]) < 60e6
    assert {config.multiple for config in CONFIGS.values()} == {32}


def test_inputs_are_what_the_planes_say(tiny):
    assert tiny.stem.convolution.in_channels == 4 * len(PICTURE_PLANES) + len(BODY_PLANES) - 1 + 3
    assert not tiny.part_code.weight[0].any()


@pytest.mark.parametrize(
    "change",
    [
        {"widths": (16,)},
        {"encoder_blocks": (1, 1)},
        {"decoder_blocks": (1, 1, 1)},
        {"widths": (16, 33, 32)},
        {"full_width": 8},
        {"group_size": 0},
    ],
)
def test_a_shape_that_does_not_add_up_is_refused(change):
    fields = {**TINY.to_json(), **change}
    with pytest.raises(WeightsError, match="expected"):
        NetworkConfig.from_json(fields)


def test_a_shape_survives_json_and_unknown_fields_are_refused():
    assert NetworkConfig.from_json(TINY.to_json()) == TINY
    with pytest.raises(WeightsError, match="may need another hd_core"):
        NetworkConfig.from_json({**TINY.to_json(), "attention": True})
