"""What is painted on skin and eyes: brows, lashes, make-up, the shadow of a beard, tattoos, irises."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.drawings import Ink, draw_letters, draw_logo
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.palette import linear_from_oklab

Places = Float[np.ndarray, "n 3"]
Shares = Float[np.ndarray, " n"]

EYE_WHITE = np.array([0.42, 0.39, 0.37])
IRIS_M, PUPIL_M = 0.0059, 0.0024
_IRISES = (
    ((0.025, 0.013, 0.006), 4, 9),
    ((0.07, 0.04, 0.016), 3, 1),
    ((0.06, 0.08, 0.04), 2, 0),
    ((0.08, 0.12, 0.17), 4, 0),
)
"""Dark brown, hazel, green, blue: linear albedo, and how often it comes with the palest and with the darkest skin."""
_LIMBS = (
    ((0.20, 0.0, 0.48), (0.30, 0.0, 0.37)),
    ((0.33, -0.03, 0.34), (0.41, -0.15, 0.26)),
    ((0.16, 0.0, -0.45), (0.20, 0.0, -0.65)),
    ((0.02, 0.0, 0.40), (0.10, 0.0, 0.56)),
)
"""Where tattoos go, as lines on the template, m: upper arm, forearm, calf, chest and back."""
TATTOO_INK = np.array([0.035, 0.045, 0.055])


@dataclass(frozen=True, kw_only=True)
class FaceMarks:
    """Where the features of a face lie in canonical coordinates, metres."""

    mouth: Float[np.ndarray, "3"]
    cheeks: Float[np.ndarray, "2 3"]
    nose: Float[np.ndarray, "3"]
    eyes: Float[np.ndarray, "2 3"]


@dataclass(frozen=True, kw_only=True)
class Tattoo:
    """One drawing under the skin.

    Args:
        ink: The drawing.
        centre: On the template, m.
        half_m: Half of its width.
        behind: Whether it is on the side that faces +Y.
        strength: 0..1.
    """

    ink: Ink
    centre: Float[np.ndarray, "3"]
    half_m: float
    behind: bool
    strength: float

    def share(self, places: Places, wide: float) -> Shares:
        """Share of ink at places, drawn along Y onto one side."""
        off = (places - self.centre) / self.half_m
        side = 1.0 if self.behind else -1.0
        drawn = self.ink(-side * off[:, 0], off[:, 2], wide=wide / self.half_m).sum(axis=-1)
        return np.asarray(self.strength * drawn * ((places[:, 1] - self.centre[1]) * side > 0))


@dataclass(frozen=True, kw_only=True)
class Paint:
    """What one person has on skin and eyes.

    Args:
        brow: Linear albedo of brows and lashes.
        thickness_m: Of the brows.
        lashes: Darkness of the rim of the eyes, 0..1.
        lid: Colour on the lids.
        lid_share: How much of it, 0..1.
        lips: Colour on the lips.
        lips_share: How much of it.
        stubble: Shadow of a beard, 0..1.
        tattoos: Drawings.
        iris: Linear albedo.
    """

    brow: Float[np.ndarray, "3"]
    thickness_m: float
    lashes: float
    lid: Float[np.ndarray, "3"]
    lid_share: float
    lips: Float[np.ndarray, "3"]
    lips_share: float
    stubble: float
    tattoos: tuple[Tattoo, ...]
    iris: Float[np.ndarray, "3"]

    def over(self, albedo: Places, places: Places, marks: FaceMarks, wide: float) -> Places:
        """Paint over skin at canonical places; `wide` is a pixel's width, m."""
        painted = albedo
        for tattoo in self.tattoos:
            painted = _blend(painted, TATTOO_INK, tattoo.share(places, wide))
        painted = _blend(painted, 0.45 * painted, self.stubble * _beard(places, marks, wide))
        painted = _blend(painted, self.lips, self.lips_share * lips(places, marks.mouth))
        for eye in marks.eyes:
            off = places - eye
            painted = _blend(painted, self.lid, self.lid_share * _lid(off))
            hairs = np.minimum(self.brow, 0.4 * painted)  # darker than the skin, however dark that is
            painted = _blend(painted, hairs, self.lashes * _rim(off))
            painted = _blend(painted, hairs, _brow(off * [np.sign(eye[0]), 1, 1], self.thickness_m))
        return painted

    def eyes(self, places: Places, marks: FaceMarks) -> Places:
        """Albedo of the eyeballs: white, iris and pupil, which face -Y on the template; darker towards the lids."""
        right, left = marks.eyes[np.argsort(marks.eyes[:, 0])]
        off = places - np.where(places[:, :1] > 0, left, right)
        away = np.where(off[:, 1] < 0, np.hypot(off[:, 0], off[:, 2]), 1.0)
        white = EYE_WHITE * np.clip(1.25 - away / 0.013, 0.35, 1)[:, None]
        coloured = _blend(white, self.iris, np.clip((IRIS_M - away) / 0.0008 + 0.5, 0, 1))
        return _blend(coloured, np.full(3, 0.004), np.clip((PUPIL_M - away) / 0.0006 + 0.5, 0, 1))


def sample_paint(rng: np.random.Generator, *, melanin: float = 0.5) -> Paint:
    """Draw what a person has on skin and eyes: a third wears make-up, a quarter some stubble, one in six tattoos.

    Args:
        rng: Source of all choices.
        melanin: Of the skin, 0..1; light eyes go with little of it.
    """
    made_up, stubbly = rng.random() < 0.33, rng.random() < 0.37
    shares = np.array([(1 - melanin) * pale + melanin * dark for _, pale, dark in _IRISES])
    number = int(rng.integers(1, 7)) if rng.random() < 0.16 else 0
    return Paint(
        brow=np.array([0.025, 0.016, 0.011]) * rng.uniform(0.4, 4.0),
        thickness_m=float(rng.uniform(0.0022, 0.0045)),
        lashes=float(rng.uniform(0.5, 0.95) if made_up else rng.uniform(0.1, 0.5)),
        lid=_make_up(rng),
        lid_share=float(rng.uniform(0.2, 0.7)) if made_up else 0.0,
        lips=np.array([0.35, 0.03, 0.04]) * rng.uniform(0.4, 1.2, 3),
        lips_share=float(rng.uniform(0.2, 0.9)) if made_up else 0.0,
        stubble=float(rng.uniform(0.1, 0.6)) if stubbly and not made_up else 0.0,
        tattoos=tuple(_sample_tattoo(rng) for _ in range(number)),
        iris=np.array(_IRISES[int(rng.choice(len(_IRISES), p=shares / shares.sum()))][0]) * rng.uniform(0.7, 1.4),
    )


def lips(places: Places, mouth: Float[np.ndarray, "3"]) -> Shares:
    """An ellipsoid 5 cm wide, 1.6 cm high and 3 cm deep with a soft rim."""
    off = np.sqrt((((places - mouth) / np.array([0.025, 0.015, 0.008])) ** 2).sum(-1))
    return np.asarray(np.clip((1.15 - off) / 0.3, 0, 1))


def _sample_tattoo(rng: np.random.Generator) -> Tattoo:
    limb = int(rng.integers(len(_LIMBS)))
    first, last = np.array(_LIMBS[limb])
    centre = (first + rng.random() * (last - first)) * [rng.choice([-1, 1]), 1, 1]
    return Tattoo(
        ink=draw_letters(rng) if rng.random() < 0.35 else draw_logo(rng),
        centre=centre,
        half_m=float(rng.uniform(0.02, 0.05 if limb < 3 else 0.09)),
        behind=bool(rng.random() < 0.5),
        strength=float(rng.uniform(0.4, 0.9)),
    )


def _make_up(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    hue, chroma = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.12)
    lab = np.array([rng.uniform(0.25, 0.7), chroma * np.cos(hue), chroma * np.sin(hue)])
    return np.asarray(np.clip(linear_from_oklab(lab), 0.01, 0.8))


def _blend(base: Places, top: np.ndarray, share: Shares) -> Places:
    return np.asarray(base + share[:, None] * (top - base))


def _brow(off: Places, thickness_m: float) -> Shares:
    """An arch over the eye from 1.5 cm inside of its middle to 2.3 cm outside, thinner outwards; x runs outwards."""
    outwards = off[:, 0]
    arch = 0.0225 - 6.0 * (outwards - 0.006) ** 2
    thick = thickness_m * np.clip(1.25 - (outwards + 0.015) / 0.05, 0.3, 1.25)
    along = np.clip((outwards + 0.016) / 0.004, 0, 1) * np.clip((0.024 - outwards) / 0.006, 0, 1)
    fine = 0.75 + 0.4 * layered_noise(off * [900.0, 300.0, 300.0])
    across = np.clip(1.5 - np.abs(off[:, 2] - arch) / thick, 0, 1)
    return np.asarray(np.clip(along * across * fine, 0, 1) * (off[:, 1] < 0.02))


def _lid(off: Places) -> Shares:
    """The upper lid up to below the brow."""
    away = np.sqrt((off[:, 0] / 0.02) ** 2 + ((off[:, 2] - 0.006) / 0.011) ** 2)
    return np.asarray(np.clip((1.15 - away) / 0.4, 0, 1) * (off[:, 2] > -0.002) * (off[:, 1] < 0.015))


def _rim(off: Places) -> Shares:
    """The skin that touches the eyeball."""
    away = np.linalg.norm(off, axis=-1)
    return np.asarray(np.clip((0.0172 - away) / 0.0015, 0, 1) * (off[:, 1] < 0.005))


def _beard(places: Places, marks: FaceMarks, wide: float) -> Shares:
    """Chin, jaw and upper lip, but for the lips, with the grain of stubble."""
    off = (places - marks.mouth - np.array([0, 0.02, -0.012])) / np.array([0.065, 0.06, 0.042])
    region = np.clip((1.1 - np.linalg.norm(off, axis=-1)) / 0.35, 0, 1)
    grain = np.clip(2 - wide / 0.001, 0, 1) * layered_noise(places / 0.0011)
    return np.asarray(np.clip(region * (1 - lips(places, marks.mouth)) * (0.75 + 0.4 * grain), 0, 1))
