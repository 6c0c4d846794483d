"""What may be known beside the maps: declared cuts and how far the normals can be trusted."""

from dataclasses import replace

import numpy as np
import pytest
from integrate_scenes import arm_before_torso, mean_error_mm, plane, with_noise, without_depth

from hd_core.errors import InputError
from hd_core.integrate.bilateral import BilateralIntegrator
from hd_core.integrate.fuse import Extras
from hd_core.integrate.options import IntegrateOptions


def integrate(maps, **extras):
    return BilateralIntegrator(IntegrateOptions()).integrate(maps, Extras(**extras))


def test_a_declared_outline_separates_the_arm_from_the_torso_exactly():
    """Every part then has its own scale only, which the true depth of each restores."""
    truth = arm_before_torso()
    arm = (truth.depth < 1.9).astype(np.int64)
    blunt = replace(truth, depth=np.where(truth.mask, np.where(arm == 1, 1.71, 2.02), np.nan).astype(np.float32))
    found = integrate(blunt, parts=arm).surface
    for part in (0, 1):
        inside = truth.mask & (arm == part)
        z, true = found.depth[inside], truth.depth[inside]
        assert np.abs(z * np.median(true / z) - true).mean() < 2e-3
    assert mean_error_mm(integrate(truth, parts=arm).surface, truth) < 0.05


def test_normals_that_nobody_trusts_do_not_bend_their_neighbours():
    truth = plane()
    rng = np.random.default_rng(8)
    bad = np.zeros(truth.mask.shape, bool)
    bad[60:180, 80:120] = True
    wild = with_noise(truth, 25, rng)
    maps = replace(truth, normal=np.where(bad[..., None], wild.normal, truth.normal).astype(np.float32))
    maps = without_depth(maps)
    trust = np.where(bad, 0.02, 1)
    errors = [
        mean_error_mm(integrate(maps, normal_confidence=c).surface, truth, aligned=True)
        for c in (np.ones_like(trust), trust)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_extras_of_another_size_or_range_are_refused():
    truth = plane(0.1)
    with pytest.raises(InputError, match=r"parts of \(3, 4\)"):
        integrate(truth, parts=np.zeros((3, 4), np.int64))
    with pytest.raises(InputError, match="outside 0..1"):
        integrate(truth, normal_confidence=np.full(truth.mask.shape, 1.5))
