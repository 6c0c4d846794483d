"""Colours that belong together: palettes drawn in Oklab, where equal steps look equal."""

import numpy as np
from jaxtyping import Float

MIN_STEP = 0.16
"""Smallest Oklab distance between two colours of a palette; 1 is black to white."""
DARKEST, LIGHTEST = 0.015, 0.90
"""Albedo of the blackest and the whitest dyed cloth."""

_CONES_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_RGB_FROM_CONES = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def linear_from_oklab(lab: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Linear Rec. 709 light of Oklab colours (Ottosson, "A perceptual color space for image processing", 2020)."""
    return np.asarray(((lab @ _CONES_FROM_LAB.T) ** 3) @ _RGB_FROM_CONES.T)


def oklab_from_linear(linear: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Oklab colours of linear Rec. 709 light; undoes `linear_from_oklab`."""
    cones = np.cbrt(linear @ np.linalg.inv(_RGB_FROM_CONES).T)
    return np.asarray(cones @ np.linalg.inv(_CONES_FROM_LAB).T)


def sample_palette(rng: np.random.Generator, count: int) -> Float[np.ndarray, "k 3"]:
    """Draw albedos of cloth, linear, that can be told apart: neutral, muted, vivid, pastel or of one hue.

    Args:
        rng: Source of all choices.
        count: Number of colours, 1..6.
    """
    mood = rng.choice(len(_MOODS), p=[0.25, 0.25, 0.25, 0.10, 0.15])
    lightness, chroma, spread = _MOODS[int(mood)]
    hue = rng.uniform(0, 2 * np.pi)
    chosen: list[np.ndarray] = []
    step = MIN_STEP
    while len(chosen) < count:
        if rng.random() < 0.25:
            colour = _dyed(rng.uniform(0.12, 0.97), rng.uniform(0, 0.02), rng.uniform(0, 2 * np.pi))
        else:
            colour = _dyed(rng.uniform(*lightness), rng.uniform(*chroma), hue + rng.normal(0, spread))
        lab = oklab_from_linear(colour)
        if all(np.linalg.norm(lab - oklab_from_linear(other)) >= step for other in chosen):
            chosen.append(colour)
        else:
            step *= 0.99  # a crowded palette gives way slowly instead of searching for ever
    return np.stack(chosen)


def sample_plain(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """Draw the albedo of plain cloth: half of it white, cream, grey or pastel, where folds are seen best."""
    if rng.random() < 0.5:
        return _dyed(
            rng.uniform(0.72, 0.97), rng.choice([rng.uniform(0, 0.02), rng.uniform(0.02, 0.08)]), 7 * rng.random()
        )
    return np.asarray(sample_palette(rng, 1)[0])


_MOODS = (
    ((0.12, 0.97), (0.0, 0.03), 3.0),
    ((0.25, 0.80), (0.03, 0.09), 1.0),
    ((0.35, 0.85), (0.13, 0.26), 2.0),
    ((0.78, 0.95), (0.03, 0.09), 2.0),
    ((0.15, 0.92), (0.06, 0.20), 0.15),
)
"""Ranges of lightness and chroma, and the spread of hues, rad."""


def _dyed(lightness: float, chroma: float, hue: float) -> Float[np.ndarray, "3"]:
    lab = np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])
    return np.asarray(np.clip(linear_from_oklab(lab), DARKEST, LIGHTEST))
