"""The solver in torch against the compiled one: its parts, whole pictures, batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from integrate_scenes import arm_before_torso, blurred, masked, sphere, wave, with_noise, without_depth

from hd_core.integrate.bilateral import BilateralIntegrator, solve_by_multigrid
from hd_core.integrate.energy import Lens, Problem
from hd_core.integrate.multigrid import Multigrid
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.torch_bilateral import TorchIntegrator, solve_batch
from hd_core.integrate.torch_multigrid import TorchMultigrid

EXACT = IntegrateOptions(solve_drop=0.0)


def pair_of_grids(rng, shape):
    """The same weights of nine decades in both."""
    mask = np.zeros(shape, bool)
    mask[1:-2, 1:-2] = rng.random((shape[0] - 3, shape[1] - 3)) < 0.9
    plain, batched = Multigrid(mask, np.float64), TorchMultigrid(2, shape, torch.zeros(0, dtype=torch.float64))
    right, down = (10 ** rng.uniform(-9, 0, shape) for _ in range(2))
    right[:, :-1] *= mask[:, :-1] & mask[:, 1:]
    down[:-1] *= mask[:-1] & mask[1:]
    for grid in (plain.finest, batched.finest):
        for plane, values in ((grid.weights[0], right), (grid.weights[1], down), (grid.mass, 1e-5 * mask)):
            plane[...] = torch.from_numpy(values) if isinstance(plane, torch.Tensor) else values
    plain.rebuild()
    batched.rebuild()
    return plain, batched, mask


def test_levels_and_cycles_are_those_of_the_compiled_multigrid(rng):
    plain, batched, mask = pair_of_grids(rng, (37, 42))
    for a, b in zip(plain.levels, batched.levels, strict=True):
        np.testing.assert_allclose(b.mass[1].numpy(), a.mass, atol=1e-14)
        np.testing.assert_allclose(b.weights[:, 1].numpy(), a.weights, atol=1e-14)
    force = np.where(mask, rng.standard_normal(mask.shape), 0)
    expected = plain.cycle(force)
    found = batched.cycle(torch.from_numpy(np.stack([2 * force, force]))).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found[1], expected, atol=1e-9 * scale)
    np.testing.assert_allclose(found[0], 2 * expected, atol=2e-9 * scale)


@pytest.mark.parametrize(
    "make",
    [
        lambda: blurred(arm_before_torso(0.5), 6),
        lambda: without_depth(wave(0.5)),
        lambda: blurred(with_noise(sphere(0.5), 5, np.random.default_rng(2)), 6),
    ],
    ids=["arm, blurred depth", "wave, no depth", "noisy sphere"],
)
@pytest.mark.parametrize("options", [IntegrateOptions(), EXACT], ids=["quick", "exact"])
def test_torch_gives_what_the_compiled_solver_gives(make, options):
    maps = make()
    found, expected = TorchIntegrator(options).integrate(maps), BilateralIntegrator(options).integrate(maps)
    off = np.abs(found.surface.depth / expected.surface.depth - 1)[maps.mask]
    # In single precision and with quick solves, a pixel at a cut may be shared out differently.
    assert (off > 1e-4).mean() <= (1e-3 if options.solve_drop else 0)
    assert off.max() < (1e-3 if options.solve_drop else 1e-4)
    np.testing.assert_allclose(
        found.discontinuity, expected.discontinuity, atol=0.05 if not options.solve_drop else 0.2
    )
    assert found.measures.keys() == expected.measures.keys()
    assert found.measures["energy"] == pytest.approx(expected.measures["energy"], rel=1e-2, abs=1e-6)


def test_problems_of_a_batch_do_not_meddle_with_each_other(rng):
    """Of different sizes, with and without a prior, one with a single pixel."""
    problems = [problem(rng, 30, 24, has_prior=True), problem(rng, 21, 33, has_prior=False), problem(rng, 9, 9)]
    lonely = np.zeros((9, 9), bool)
    lonely[4, 4] = True
    problems[2] = replace(problems[2], mask=lonely)
    together = solve_batch(problems, EXACT)
    for one, expected in zip(together, (solve_by_multigrid(p, EXACT) for p in problems), strict=True):
        np.testing.assert_allclose(one.u, expected.u, atol=2e-3)
        np.testing.assert_allclose(one.discontinuity, expected.discontinuity, atol=1e-3)


def test_an_empty_mask_comes_back_empty():
    maps = masked(sphere(0.1), np.zeros((24, 20), bool))
    assert np.isnan(TorchIntegrator(IntegrateOptions()).integrate(maps).surface.depth).all()


def problem(rng, height, width, *, has_prior=True):
    y, x = np.mgrid[:height, :width]
    slope = 0.3 * np.sin(x / 4), 0.3 * np.cos(y / 5)
    normal = np.stack([*slope, -np.ones((height, width))], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    mask = rng.random((height, width)) < 0.9
    prior = np.where(mask & has_prior, rng.standard_normal((height, width)), 0)
    return Problem(
        normal=normal,
        lens=Lens.orthographic(),
        mask=mask,
        prior=prior,
        trust=np.full((height, width), 1e-4 if has_prior else 1e-10),
        has_prior=has_prior,
    )


@pytest.fixture
def rng():
    return np.random.default_rng(11)
