"""Equal rows are found as numpy finds them."""

import numpy as np
import pytest

from hd_core.synth.rows import unique_rows


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_rows_their_first_places_and_their_numbers_are_those_of_numpy(columns):
    rows = np.random.default_rng(columns).integers(-4, 5, (300, columns))
    expected = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    for found, known in zip(unique_rows(rows), expected, strict=True):
        assert np.array_equal(found, known.reshape(found.shape))


def test_no_rows_are_no_rows():
    unique, first, which = unique_rows(np.zeros((0, 2), np.int64))
    assert len(unique) == len(first) == len(which) == 0
