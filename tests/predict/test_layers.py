"""What lies off the mask changes nothing on it."""

import pytest
import torch
from torch import nn

from hd_core.predict.layers import GlobalContext, MaskedGroupNorm, Widen, mask_pyramid, masked_mean


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def norm_of(channels=32, group_size=16):
    norm = MaskedGroupNorm(channels, group_size)
    with torch.no_grad():
        norm.weight.copy_(noise(channels, seed=1))
        norm.bias.copy_(noise(channels, seed=2))
    return norm


def box_mask(*, rows=slice(3, 9), columns=slice(2, 12), batch=2):
    mask = torch.zeros(batch, 1, 16, 16)
    mask[:, :, rows, columns] = 1
    return mask


def test_on_a_full_mask_it_is_the_ordinary_group_norm():
    norm, x = norm_of(), noise(2, 32, 16, 16) * 3 + 1
    expected = nn.functional.group_norm(x, 2, norm.weight, norm.bias, eps=1e-5)
    assert (norm(x, torch.ones(2, 1, 16, 16)) - expected).abs().max() < 1e-5


def test_on_a_box_it_is_the_ordinary_group_norm_of_the_box_and_zero_off_it():
    norm, x, mask = norm_of(), noise(2, 32, 16, 16) * 3 + 1, box_mask()
    found = norm(x, mask)
    expected = nn.functional.group_norm(x[:, :, 3:9, 2:12], 2, norm.weight, norm.bias, eps=1e-5)
    assert (found[:, :, 3:9, 2:12] - expected).abs().max() < 1e-5
    assert not (found * (1 - mask)).any()


def test_values_off_the_mask_change_no_bit():
    norm, x, mask = norm_of(), noise(2, 32, 16, 16), box_mask()
    wild = torch.where(mask.bool(), x, 1e6 * noise(2, 32, 16, 16, seed=9))
    assert torch.equal(norm(x, mask), norm(wild, mask))


def test_samples_do_not_see_each_other():
    norm, x, mask = norm_of(), noise(2, 32, 16, 16), box_mask()
    mask[1, :, :, :4] = 1
    assert torch.allclose(norm(x, mask)[1:], norm(x[1:], mask[1:]), atol=1e-6)


def test_its_gradient_is_that_of_the_ordinary_group_norm_of_the_box():
    norm, mask = norm_of(), box_mask()
    x = (noise(2, 32, 16, 16) * 3 + 1).requires_grad_()
    pull = noise(2, 32, 16, 16, seed=7)
    inputs = (x, norm.weight, norm.bias)
    found = torch.autograd.grad((norm(x, mask) * pull).sum(), inputs)
    box = nn.functional.group_norm(x[:, :, 3:9, 2:12], 2, norm.weight, norm.bias, eps=1e-5)
    expected = torch.autograd.grad((box * pull[:, :, 3:9, 2:12]).sum(), inputs)
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max() < 1e-4 * b.abs().max().clamp(min=1)


@pytest.mark.parametrize("pixels", [0, 1])
def test_tiny_masks_give_finite_values_and_gradients(pixels):
    norm, x = norm_of(), noise(1, 32, 16, 16).requires_grad_()
    mask = torch.zeros(1, 1, 16, 16)
    mask[0, 0, 5, 5] = pixels
    found = norm(x, mask)
    found.sum().backward()
    assert found.isfinite().all() and x.grad.isfinite().all() and norm.weight.grad.isfinite().all()
    assert found.abs().max() < 4 * norm.weight.abs().max() + norm.bias.abs().max()
    assert bool(found.any()) == bool(pixels)


def test_a_large_constant_does_not_drown_the_variation():
    norm, x = norm_of(), noise(1, 32, 64, 64)
    mask = torch.ones(1, 1, 64, 64)
    assert (norm(x + 30, mask) - norm(x, mask)).abs().max() < 2e-3


def test_statistics_are_taken_in_single_precision_under_autocast():
    norm, x, mask = norm_of(), noise(1, 32, 16, 16) + 8, box_mask(batch=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = norm(x, mask)
    assert found.dtype is torch.float32
    assert torch.equal(found, norm(x, mask))


def test_the_mean_is_over_the_mask():
    x, mask = noise(2, 3, 16, 16), box_mask()
    expected = x[:, :, 3:9, 2:12].mean((2, 3))
    assert torch.allclose(masked_mean(x, mask), expected, atol=1e-6)
    assert not masked_mean(x, mask * 0).any()


def test_a_coarse_pixel_is_on_if_any_pixel_in_it_is():
    mask = torch.zeros(1, 1, 8, 8)
    mask[0, 0, 5, 6] = 1
    levels = mask_pyramid(mask, 4)
    assert [level.max().item() for level in levels] == [1, 1, 1, 1]
    sizes = [(level.shape[-1], level.nonzero().tolist()) for level in levels]
    assert sizes == [(8, [[0, 0, 5, 6]]), (4, [[0, 0, 2, 3]]), (2, [[0, 0, 1, 1]]), (1, [[0, 0, 0, 0]])]


def test_context_adds_the_mixed_mean_on_the_mask_only():
    layer, x, mask = GlobalContext(3), noise(2, 3, 16, 16), box_mask()
    with torch.no_grad():
        layer.mix.weight.copy_(2 * torch.eye(3))
        layer.mix.bias.zero_()
    added = layer(x, mask) - x
    assert torch.allclose(added[:, :, 5, 5], 2 * x[:, :, 3:9, 2:12].mean((2, 3)), atol=1e-5)
    assert not (added * (1 - mask)).any()


def test_widening_does_not_dim_the_edge_of_the_person():
    layer = Widen(1, 1)
    with torch.no_grad():
        layer.mix.weight.fill_(1)
    fine = box_mask(batch=1)
    coarse = mask_pyramid(fine, 2)[1]
    widened = layer(7 * coarse, coarse, fine)
    assert torch.allclose(widened, 7 * fine, atol=1e-5)
