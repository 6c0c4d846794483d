"""Each loss against what it must be by its formula."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from train_scenes import ball_camera, ball_seen

from hd_core.geometry.camera import pixel_rays
from hd_core.predict import planes
from hd_core.train.losses import (
    FOLD_SIGMA,
    angle,
    camera_rays,
    consistency_loss,
    crop_extent,
    fit_affine,
    fold_loss,
    folds,
    gradient_loss,
    inner_mask,
    masked_mean,
    normal_loss,
    normals_of_depth,
    relief_error,
    spread_loss,
)
from hd_core.types import Camera


def turned(degrees: np.ndarray, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of unit vectors at given angles, as planes."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((len(degrees), 3))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    side = np.cross(a, rng.standard_normal((len(degrees), 3)))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    t = np.radians(degrees)[:, None]
    b = np.cos(t) * a + np.sin(t) * side
    return tuple(torch.tensor(v.T[None, :, None], dtype=torch.float32) for v in (a, b))


def affine_camera(height: int = 24, width: int = 32) -> Camera:
    k = np.array([[40.0, 0, 11.3], [0, 44.0, 9.1], [0, 0, 1]])
    return Camera(width=width, height=height, intrinsics=k)


def as_k(camera: Camera) -> torch.Tensor:
    return torch.tensor(camera.intrinsics[None], dtype=torch.float32)


def plane(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.asarray(values)[None, None], dtype=torch.float32)


def test_angles_are_the_ones_that_were_turned_from_nothing_to_half_a_turn():
    degrees = np.array([0, 0.01, 0.5, 3, 45, 90, 135, 179.9, 180.0])
    found = torch.rad2deg(angle(*turned(degrees))).flatten().numpy()
    assert found == pytest.approx(degrees, abs=2e-3)


def test_angles_have_a_finite_gradient_where_they_vanish():
    a, b = turned(np.array([0.0, 180.0]))
    a.requires_grad_()
    angle(a, b).sum().backward()
    assert a.grad.isfinite().all()


def test_l_n_is_the_mean_angle_of_the_mask_and_forgets_the_rest():
    a, b = turned(np.array([10.0, 20, 90, 33]))
    mask = torch.tensor([1.0, 1, 0, 0])[None, None, None]
    assert torch.rad2deg(normal_loss(a, b, mask)) == pytest.approx(15, abs=1e-3)
    assert normal_loss(a, b, torch.zeros_like(mask)) == 0


def test_l_z_is_the_error_beyond_each_samples_mean():
    true = torch.zeros(2, 1, 1, 4)
    predicted = torch.tensor([[5.0, 7, 5, 7], [-2, -2, -2, 100]])[:, None, None]
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 0]])[:, None, None]
    error = relief_error(predicted, true, mask)
    assert error[:, 0, 0].tolist() == [[-1, 1, -1, 1], [0, 0, 0, 0]]
    assert masked_mean(error.abs(), mask) == pytest.approx(4 / 7)


def test_scale_and_shift_are_those_of_least_squares():
    rng = np.random.default_rng(1)
    predicted, true, mask = rng.normal(size=(6, 7)), rng.normal(size=(6, 7)), rng.random((6, 7)) < 0.6
    design = np.stack([predicted[mask], np.ones(mask.sum())], axis=1)
    scale, shift = np.linalg.lstsq(design, true[mask])[0]
    found = fit_affine(plane(predicted), plane(true), plane(mask)).numpy()[0, 0]
    assert found == pytest.approx(scale * predicted + shift, abs=1e-5)


def test_the_gradient_loss_vanishes_for_every_scale_and_shift_of_the_truth():
    rng = np.random.default_rng(2)
    true, mask = rng.normal(size=(16, 16)), rng.random((16, 16)) < 0.8
    assert gradient_loss(plane(3 * true - 7), plane(true), plane(mask)) == pytest.approx(0, abs=1e-5)


def test_the_gradient_loss_is_that_of_a_slow_twin():
    rng = np.random.default_rng(3)
    predicted, true, mask = rng.normal(size=(16, 16)), rng.normal(size=(16, 16)), rng.random((16, 16)) < 0.8
    fitted = fit_affine(plane(predicted), plane(true), plane(mask)).numpy()[0, 0].astype(float)
    means = []
    for stride in (1, 2, 4, 8):
        e, m = (fitted - true)[::stride, ::stride], mask[::stride, ::stride]
        down = [abs(e[i + 1, j] - e[i, j]) for i in range(len(e) - 1) for j in range(len(e)) if m[i + 1, j] and m[i, j]]
        right = [
            abs(e[i, j + 1] - e[i, j]) for i in range(len(e)) for j in range(len(e) - 1) if m[i, j + 1] and m[i, j]
        ]
        means += [np.mean(down) * 16 / stride, np.mean(right) * 16 / stride]
    assert gradient_loss(plane(predicted), plane(true), plane(mask)) == pytest.approx(np.mean(means), rel=1e-5)


@pytest.mark.parametrize("size", [128, 256])
def test_folds_are_what_a_gaussian_takes_away(size):
    rng = np.random.default_rng(4)
    x = np.arange(size) / size
    waves = [np.sin(2 * np.pi * (f * x[None] + g * x[:, None])) for f, g in rng.uniform(1, 12, (3, 2))]
    normal = np.stack(waves)
    mask = np.zeros((size, size))
    mask[size // 8 : -size // 8, size // 5 : -size // 5] = 1
    sigma = FOLD_SIGMA * size
    weight = ndimage.gaussian_filter(mask, sigma, mode="constant")
    exact = [
        wave - ndimage.gaussian_filter(wave * mask, sigma, mode="constant") / np.maximum(weight, 1e-4) for wave in waves
    ]
    found = folds(torch.tensor(normal[None], dtype=torch.float32), plane(mask)).numpy()[0]
    error = np.abs(found - np.stack(exact) * mask)
    assert error.mean() < 0.02 * np.abs(np.stack(exact) * mask).mean()


def test_the_fold_loss_does_not_see_what_is_constant_and_sees_all_of_what_is_fine():
    mask = torch.ones(1, 1, 128, 128)
    fine = torch.zeros(1, 3, 128, 128)
    fine[:, 0] = 0.3 * (1 - 2 * (torch.arange(128) % 2))
    zero, constant = torch.zeros_like(fine), torch.full_like(fine, 0.4)
    assert fold_loss(constant, zero, mask) == pytest.approx(0, abs=2e-4)
    assert fold_loss(fine + constant, zero, mask) == pytest.approx(0.3, abs=1e-3)


def test_rays_and_extent_are_those_of_the_rest_of_the_program():
    camera = affine_camera()
    like = torch.zeros(1, 1, camera.height, camera.width)
    assert camera_rays(as_k(camera), like)[0].movedim(0, -1).numpy() == pytest.approx(pixel_rays(camera), abs=1e-6)
    assert crop_extent(as_k(camera), like)[0] == pytest.approx(planes.crop_extent(camera), rel=1e-6)


def test_a_slanted_planes_depth_gives_its_normal_exactly():
    """Central differences stay in the plane, so the normal is exact to rounding; the original's tilts by 4.98."""
    camera = affine_camera()
    normal = np.array([0.48, -0.36, -0.8])
    depth = -3.0 / (pixel_rays(camera) @ normal)
    mask = np.ones(camera.shape, bool)
    relief = planes.relief_from_depth(depth, mask, extent=planes.crop_extent(camera))
    found = normals_of_depth(plane(relief), as_k(camera))[0, :, 1:-1, 1:-1]
    expected = torch.tensor(normal, dtype=torch.float32)[:, None, None].expand_as(found)
    assert torch.rad2deg(angle(found[None], expected[None])).max() < 0.05


def test_a_balls_depth_gives_its_normals_and_knows_where():
    camera = ball_camera(128)
    depth, normal, mask = ball_seen(camera, np.array([0.1, -0.05, 2.0]), 0.5)
    relief = plane(planes.relief_from_depth(depth, mask, extent=planes.crop_extent(camera)))
    inner = inner_mask(relief, plane(mask))
    error = torch.rad2deg(angle(normals_of_depth(relief, as_k(camera)), torch.tensor(normal.T[None]).mT.float()))
    steep = normal[..., 2] > -0.3
    assert inner.sum() > 0.9 * mask.sum()
    assert error[0, 0].numpy()[(inner[0, 0].numpy() > 0) & ~steep].mean() < 0.15


def test_stencils_stay_on_the_mask_and_cross_no_jump():
    rng = np.random.default_rng(5)
    relief, mask = np.cumsum(rng.normal(0, 0.25, (12, 12)), axis=1), rng.random((12, 12)) < 0.9
    expected = np.zeros((12, 12))
    for i in range(1, 11):
        for j in range(1, 11):
            cross = [(i, j), (i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
            steps = [abs(relief[place] - relief[i, j]) * 12 for place in cross]
            expected[i, j] = all(mask[place] for place in cross) and max(steps) < 8
    assert 10 < expected.sum() < 90
    assert np.array_equal(inner_mask(plane(relief), plane(mask))[0, 0].numpy(), expected)


@pytest.mark.parametrize(
    ("teach", "learns"), [("depth", (False, True)), ("normal", (True, False)), ("both", (True, True))]
)
def test_l_s_is_the_mean_angle_and_teaches_whom_it_is_told_to(teach, learns):
    normal, of_depth = (t.requires_grad_() for t in turned(np.array([10.0, 30, 50])))
    mask = torch.tensor([1.0, 1, 0])[None, None, None]
    loss = consistency_loss(normal, of_depth, mask, teach=teach)
    loss.backward()
    assert torch.rad2deg(loss.detach()) == pytest.approx(20, abs=1e-3)
    assert tuple(t.grad is not None and bool(t.grad.any()) for t in (normal, of_depth)) == learns


def test_the_likeliest_spread_is_the_mean_error_and_errors_learn_nothing_from_it():
    error = torch.tensor([0.1, 0.2, 0.6])[None, None, None].requires_grad_()
    mask = torch.ones(1, 1, 1, 3)
    spreads = torch.linspace(0.05, 1, 400)
    losses = torch.stack([spread_loss(error, torch.full_like(mask, float(s)), mask) for s in spreads])
    assert float(spreads[losses.argmin()]) == pytest.approx(0.3 - 0.005, abs=0.003)
    assert not losses.requires_grad
