"""What patterns are drawn with: soft bands, and details that melt away when a pixel is wider than they are."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.noise import layered_noise

Points = Float[np.ndarray, "n 3"]
Shares = Float[np.ndarray, " n"]
Colours = Float[np.ndarray, "n 3"]
Pattern = Callable[[Points, float], Colours]
"""Positions (across, into the body, up; metres) and a pixel's width, metres, to albedo."""


def mixed(base: Float[np.ndarray, "... 3"], top: Float[np.ndarray, "... 3"], share: Shares) -> Colours:
    """From `base` to `top` by a share 0..1."""
    return np.asarray(base + share[:, None] * (top - base))


def band(position: Shares, half: float, wide: float) -> Shares:
    """1 where |position| < half, else 0, with edges as soft as a pixel."""
    return np.asarray(np.clip((half - np.abs(position)) / max(wide, 1e-6) + 0.5, 0, 1))


def bands(position: Shares, period: float, share: float, wide: float) -> Shares:
    """Periodic bands that cover `share` of the period; they melt into that share when a pixel covers them."""
    within = band((position / period + 0.5) % 1 - 0.5, share / 2, wide / period)
    return np.asarray(within + (share - within) * min(max(2 * wide / period - 1, 0), 1))


def faded(wave: Shares, period: float, wide: float) -> Shares:
    """A detail of mean zero that disappears when a pixel is wider than half its period."""
    return np.asarray(wave * min(max(2 - 4 * wide / period, 0), 1))


def noise(p: Points, length: float, shift: Float[np.ndarray, "3"], octaves: int = 3) -> Shares:
    """Layered noise of a wavelength of about twice the length, m."""
    return layered_noise(p / length + shift, octaves=octaves)
