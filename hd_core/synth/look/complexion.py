"""Skin and hair: colours over the whole human range, with the uneven places that keep them from looking painted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.face import FaceMarks, Paint, lips, sample_paint
from hd_core.synth.look.noise import layered_noise

PALEST = np.array([0.660, 0.430, 0.320])
DARKEST = np.array([0.075, 0.037, 0.022])
"""Linear albedo at both ends of the range of human skin."""
_BLOOD = np.array([0.15, 0.75, 0.60])
"""How strongly more blood near the surface swallows each colour."""
_HAIR = {
    "black": ((0.010, 0.008, 0.007), 3.0),
    "dark_brown": ((0.030, 0.018, 0.011), 3.0),
    "brown": ((0.080, 0.045, 0.024), 2.0),
    "blond": ((0.330, 0.215, 0.105), 1.0),
    "red": ((0.200, 0.060, 0.020), 0.5),
    "grey": ((0.300, 0.290, 0.280), 0.7),
    "white": ((0.600, 0.580, 0.550), 0.3),
}
"""Linear albedo and how often it is drawn."""


@dataclass(frozen=True, kw_only=True)
class Skin:
    """One person's skin.

    Args:
        tone: Linear albedo of calm skin.
        melanin: 0 palest .. 1 darkest.
        flush: How red cheeks and nose are, 0..1.
        lips: How red the lips are, 0..1.
        freckles: Their strength, 0..1.
        specular: Reflectance at normal incidence.
        roughness: Of the highlight; sweat makes it small.
        shift: Offset of the person's noise.
        paint: Brows, make-up, tattoos, irises.
    """

    tone: Float[np.ndarray, "3"]
    melanin: float
    flush: float
    lips: float
    freckles: float
    specular: float
    roughness: float
    shift: Float[np.ndarray, "3"]
    paint: Paint

    def albedo(
        self, coords: Float[np.ndarray, "*n 3"], *, marks: FaceMarks | None = None, footprint_m: float = 0.0
    ) -> Float[np.ndarray, "*n 3"]:
        """Linear albedo at canonical positions (metres).

        Args:
            coords: On the body in its rest pose.
            marks: Where lips, cheeks and nose are; without them the skin is even.
            footprint_m: Width of a pixel on the skin; freckles finer than it fade.
        """
        blood = 0.12 * layered_noise(coords / 0.06 + self.shift, octaves=3)
        spots = np.zeros(coords.shape[:-1])
        if marks is not None:
            cheeks = sum(_bump(coords, cheek, 0.022) for cheek in marks.cheeks)
            blood = blood + self.flush * (cheeks + 0.7 * _bump(coords, marks.nose, 0.013))
            blood = blood + 1.3 * self.lips * lips(coords.reshape(-1, 3), marks.mouth).reshape(spots.shape)
            spots = np.clip(cheeks + _bump(coords, marks.nose, 0.03), 0, 1)
        shade = 0.06 * layered_noise(coords / 0.015 + self.shift, octaves=3)
        fade = float(np.clip(2 - footprint_m / 0.002, 0, 1))
        specks = np.clip(3 * layered_noise(coords / 0.0025 + self.shift) - 0.9, 0, 1) * spots * fade
        darker = shade - 0.35 * self.freckles * specks
        bare = np.clip(self.tone * np.exp(darker[..., None] - blood[..., None] * _BLOOD), 0, 1)
        if marks is None:
            return np.asarray(bare)
        painted = self.paint.over(bare.reshape(-1, 3), coords.reshape(-1, 3).astype(np.float64), marks, footprint_m)
        return np.asarray(painted.reshape(bare.shape))


@dataclass(frozen=True, kw_only=True)
class Hair:
    """One person's hair.

    Args:
        kind: Name of its colour.
        colour: Linear albedo.
        contrast: How much strands differ.
        shift: Offset of its noise.
        specular: Reflectance at normal incidence.
        roughness: Of the highlight.
    """

    kind: str
    colour: Float[np.ndarray, "3"]
    contrast: float
    shift: Float[np.ndarray, "3"]
    specular: float = 0.05
    roughness: float = 0.45

    def albedo(self, coords: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Linear albedo at canonical positions (metres): strands that run mostly downwards."""
        strands = layered_noise(coords / np.array([0.004, 0.004, 0.06]) + self.shift, octaves=3)
        locks = layered_noise(coords / np.array([0.03, 0.03, 0.12]) + self.shift, octaves=2)
        return np.asarray(np.clip(self.colour * np.exp(self.contrast * (strands + locks))[..., None], 0, 1))


def skin_tone(melanin: float, warmth: float = 0.0) -> Float[np.ndarray, "3"]:
    """Linear albedo of skin from palest to darkest.

    Absorption grows evenly with melanin (Beer and Lambert) but for blue, which even a little melanin swallows: so the
    tones in the middle are the most saturated.

    Args:
        melanin: 0..1.
        warmth: -1 rosy .. 1 golden.
    """
    tone = PALEST ** (1 - melanin) * DARKEST**melanin
    saturated = melanin * (1 - melanin) * np.array([0.9, 0.1, -0.8])
    return np.asarray(tone * np.exp(saturated + 0.04 * warmth * np.array([0.0, 0.6, -1.4])))


def sample_skin(rng: np.random.Generator) -> Skin:
    """Draw one person's skin, all tones alike often."""
    melanin = float(rng.uniform())
    return Skin(
        tone=skin_tone(melanin, float(np.clip(rng.normal(0, 0.6), -1.5, 1.5))),
        melanin=melanin,
        flush=float(rng.uniform(0.05, 0.5)),
        lips=float(rng.uniform(0.3, 1.0)),
        freckles=float(rng.uniform() ** 3),
        specular=float(rng.uniform(0.025, 0.045)),
        roughness=float(rng.uniform(0.35, 0.65)),
        shift=rng.uniform(0, 100, 3),
        paint=sample_paint(rng, melanin=melanin),
    )


def sample_hair(rng: np.random.Generator) -> Hair:
    """Draw one person's hair: mostly dark, some fair, red or grey, one in twenty dyed."""
    contrast, shift = float(rng.uniform(0.2, 0.7)), rng.uniform(0, 100, 3)
    if rng.random() < 0.05:
        return Hair(kind="dyed", colour=rng.uniform(0.02, 0.6, 3), contrast=contrast, shift=shift)
    shares = np.array([share for _, share in _HAIR.values()])
    kind = tuple(_HAIR)[int(rng.choice(len(_HAIR), p=shares / shares.sum()))]
    colour = np.array(_HAIR[kind][0]) * np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.05, 3))
    return Hair(kind=kind, colour=colour, contrast=contrast, shift=shift)


def _bump(coords: Float[np.ndarray, "*n 3"], centre: Float[np.ndarray, "3"], radius_m: float) -> np.ndarray:
    return np.asarray(np.exp(-((coords - centre) ** 2).sum(-1) / (2 * radius_m**2)))
