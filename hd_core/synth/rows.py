"""Which rows of a table of whole numbers are equal, a good deal faster than by comparing rows."""

import numpy as np
from jaxtyping import Int


def unique_rows(
    rows: Int[np.ndarray, "n c"],
) -> tuple[Int[np.ndarray, "u c"], Int[np.ndarray, " u"], Int[np.ndarray, " n"]]:
    """As `numpy.unique` of rows: those that differ in their order, the first place of each, and which each row is.

    Rows are numbered by their place in the box that they span, which must hold fewer than 2^63.
    """
    if not len(rows):
        return rows, np.zeros(0, np.int64), np.zeros(0, np.int64)
    offset = rows.astype(np.int64) - rows.min(axis=0)
    keys = np.ravel_multi_index(tuple(offset.T), tuple(offset.max(axis=0) + 1))
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], first, which
