"""Times against hand-made tables."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hd_core.video.timeline import is_uneven, mean_rate, seconds_of


def test_ticks_become_seconds_since_the_first_frame():
    seconds = seconds_of([9000, 12003, 15006], Fraction(1, 90000), Fraction(1, 30))
    np.testing.assert_array_equal(seconds, [0.0, 3003 / 90000, 6006 / 90000])


@pytest.mark.parametrize(
    ("ticks", "expected"),
    [
        ([0, 0, 2], [0, 1, 2]),
        ([0, 3, 3, 3, 6], [0, 3, 4, 5, 6]),
        ([0, 1, 1, 1], [0, 1, 11, 21]),
        ([5, 5, 5], [0, 10, 20]),
        ([7], [0]),
    ],
)
def test_repeated_times_are_spread_evenly_and_go_on_by_one_interval_at_the_end(ticks, expected):
    np.testing.assert_allclose(seconds_of(ticks, Fraction(1), Fraction(10)), expected, atol=1e-12)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40).map(sorted))
def test_times_always_increase_and_first_occurrences_keep_theirs(ticks):
    seconds = seconds_of(ticks, Fraction(1, 50), Fraction(1, 25))
    assert seconds[0] == 0
    assert (np.diff(seconds) > 0).all()
    for value in set(ticks):
        assert seconds[ticks.index(value)] == pytest.approx((value - ticks[0]) / 50)


def test_the_declared_rate_stands_unless_the_times_contradict_it():
    ntsc = np.arange(100) * 1001 / 30000
    assert mean_rate(ntsc, Fraction(30000, 1001)) == Fraction(30000, 1001)
    assert mean_rate(ntsc, None) == Fraction(30000, 1001)
    assert mean_rate(ntsc, Fraction(60)) == Fraction(30000, 1001)
    assert mean_rate(np.zeros(1), Fraction(12)) == 12
    assert mean_rate(np.zeros(1), None) is None
    assert mean_rate(np.array([0.0, 5000.0]), None) == Fraction(1, 5000)


def test_rounding_to_milliseconds_is_even_and_a_dropped_frame_is_not():
    rounded = np.round(np.arange(100) * 1001 / 30)
    assert not is_uneven(rounded / 1000, Fraction(1, 1000))
    assert is_uneven(np.delete(rounded, 50) / 1000, Fraction(1, 1000))
    assert not is_uneven(np.array([0.0, 1.0]), Fraction(1, 1000))
