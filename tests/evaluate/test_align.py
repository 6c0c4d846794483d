"""Depth fits: planted scale and shift come back, and nothing that is not open is fitted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hd_core.evaluate.align import fit_depth
from hd_core.types import Gauge

TRUE = np.random.default_rng(4).uniform(2, 5, 400)


@given(scale=st.floats(0.01, 50), shift=st.floats(-10, 10))
def test_a_planted_scale_and_shift_are_undone(scale, shift):
    found_scale, found_shift = fit_depth((TRUE - shift) / scale, TRUE, Gauge.AFFINE)
    assert found_scale == pytest.approx(scale, rel=1e-6)
    assert found_shift == pytest.approx(shift, abs=1e-5)


@given(scale=st.floats(0.01, 50))
def test_a_planted_scale_is_undone_and_no_shift_is_fitted(scale):
    assert fit_depth(TRUE / scale, TRUE, Gauge.SCALE) == (pytest.approx(scale, rel=1e-9), 0.0)


def test_metric_depth_is_taken_as_it_is():
    assert fit_depth(TRUE * 3 + 1, TRUE, Gauge.METRIC) == (1.0, 0.0)


@pytest.mark.parametrize("gauge", [Gauge.AFFINE, Gauge.SCALE])
def test_the_fit_agrees_with_a_general_least_squares_solver_on_noise(gauge):
    rng = np.random.default_rng(5)
    found = 0.4 * TRUE + 0.3 + rng.normal(0, 0.2, TRUE.size)
    columns = [found, np.ones_like(found)] if gauge is Gauge.AFFINE else [found]
    solved = np.linalg.lstsq(np.stack(columns, axis=-1), TRUE, rcond=None)[0]
    scale, shift = fit_depth(found, TRUE, gauge)
    assert scale == pytest.approx(solved[0], rel=1e-9)
    assert shift == pytest.approx(solved[1] if gauge is Gauge.AFFINE else 0.0, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("found", [np.full(400, 7.3, np.float32), -TRUE, 10 - 2 * TRUE])
def test_depth_that_is_flat_or_runs_backwards_is_worth_the_mean(found):
    scale, shift = fit_depth(found, TRUE, Gauge.AFFINE)
    assert scale == 0 and shift == pytest.approx(TRUE.mean())


def test_no_pixels_leave_everything_as_it_is():
    assert fit_depth(np.zeros(0), np.zeros(0), Gauge.AFFINE) == (1.0, 0.0)
