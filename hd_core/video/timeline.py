"""Presentation times: from a container's ticks to seconds that start at zero and always increase."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Float

DEFAULT_RATE = Fraction(24)
"""Frames per second of pictures that have no time of their own."""


def seconds_of(ticks: Sequence[int], time_base: Fraction, interval: Fraction) -> Float[np.ndarray, " n"]:
    """Seconds since the first frame.

    A frame that is not later than the one before it has no time of its own: it is put evenly between its
    neighbours that have one, and past the last of those one `interval` after the other.

    Args:
        ticks: Presentation times in display order; may repeat.
        time_base: Seconds per tick.
        interval: Seconds between frames where nothing better is known.

    Returns:
        Strictly increasing, the first is 0.
    """
    values = np.asarray(ticks, np.int64)
    since_first = (values - values[0]) * time_base.numerator / time_base.denominator
    own = np.flatnonzero(np.diff(values, prepend=values[0] - 1) > 0)
    order = np.arange(len(values))
    seconds: np.ndarray = np.interp(order, own, since_first[own])
    seconds += np.maximum(order - own[-1], 0) * float(interval)
    return seconds


def mean_rate(seconds: Float[np.ndarray, " n"], declared: Fraction | None) -> Fraction | None:
    """Frames per second: the declared rate if the times bear it out within 1 %, else that of the times.

    Args:
        seconds: Times of the frames.
        declared: What the container says, if anything.

    Returns:
        None if there is neither a declared rate nor more than one frame.
    """
    if len(seconds) < 2:
        return declared
    measured = (len(seconds) - 1) / float(seconds[-1] - seconds[0])
    if declared and abs(measured / float(declared) - 1) < 0.01:
        return declared
    # 1001 is the denominator of the broadcast rates (30000/1001).
    if measured >= 1:
        return Fraction(measured).limit_denominator(1001)
    return 1 / Fraction(1 / measured).limit_denominator(1001)


def is_uneven(seconds: Float[np.ndarray, " n"], time_base: Fraction) -> bool:
    """Whether frames are unevenly spaced: an interval 2 % and more than one tick's rounding off the median."""
    if len(seconds) < 3:
        return False
    intervals = np.diff(seconds)
    middle = float(np.median(intervals))
    return bool(np.abs(intervals - middle).max() > max(0.02 * middle, 1.5 * float(time_base)))
