"""The surface of cloth under light: how it gleams, and its weave, ribs or wrinkles, which only the light sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.strokes import Points, Shares, bands, faded

FINISHES = {
    "cotton": 0.42,
    "twill": 0.10,
    "knit": 0.17,
    "sport": 0.12,
    "satin": 0.08,
    "leather": 0.05,
    "velvet": 0.06,
}
"""How often each is drawn."""
_RANGES = {
    "cotton": ((0.005, 0.03), (0.7, 1.0), (0.0, 0.05), (0.0015, 0.006), (0.0, 0.15)),
    "twill": ((0.005, 0.03), (0.7, 1.0), (0.0, 0.05), (0.0015, 0.004), (0.05, 0.2)),
    "knit": ((0.004, 0.02), (0.8, 1.0), (0.05, 0.2), (0.003, 0.012), (0.1, 0.3)),
    "sport": ((0.03, 0.06), (0.35, 0.6), (0.0, 0.05), (0.0015, 0.004), (0.0, 0.08)),
    "satin": ((0.06, 0.2), (0.25, 0.45), (0.0, 0.1), (0.002, 0.006), (0.0, 0.06)),
    "leather": ((0.04, 0.07), (0.22, 0.5), (0.0, 0.02), (0.004, 0.018), (0.08, 0.25)),
    "velvet": ((0.002, 0.01), (0.9, 1.0), (0.2, 0.6), (0.003, 0.01), (0.0, 0.1)),
}
"""Reflectance, roughness, sheen, wavelength (m) and slope of the relief."""


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What cloth is made of, for the light.

    Args:
        name: One of `FINISHES`.
        specular: Reflectance of the fibres at normal incidence.
        roughness: 1 is cotton, 0.3 is satin.
        sheen: Light that fibres on end send back at grazing angles.
        weave_m: Wavelength of the relief.
        bump: Slope of the relief; 0 is smooth.
        octaves: Of its noise.
        rib_m: Period of ribs or twill lines; 0 has none.
        rib_depth: How dark their furrows are.
        rib_turn: Direction of the lines, rad; 0 is upright.
        shift: Offset of the noise.
    """

    name: str
    specular: float
    roughness: float
    sheen: float
    weave_m: float
    bump: float
    octaves: int
    rib_m: float
    rib_depth: float
    rib_turn: float
    shift: Float[np.ndarray, "3"]

    def furrows(self, places: Points, footprint_m: float) -> Shares:
        """Share of light that is left between ribs and lines, 0..1."""
        if not self.rib_m:
            return np.ones(len(places))
        along = places[:, 0] * np.cos(self.rib_turn) + places[:, 2] * np.sin(self.rib_turn)
        return 1 - self.rib_depth * bands(along, self.rib_m, 0.35, max(footprint_m, 0.3 * self.rib_m))

    def tilted(self, normal: Points, places: Points, footprint_m: float) -> Points:
        """Normals turned by the relief."""
        place = places / self.weave_m + self.shift
        waves = [layered_noise(place + 31.7 * axis, octaves=self.octaves) for axis in range(3)]
        tilt = self.bump * np.stack([faded(wave, 2 * self.weave_m, footprint_m) for wave in waves], axis=-1)
        turned = normal + tilt - (tilt * normal).sum(-1, keepdims=True) * normal
        return np.asarray(turned / np.linalg.norm(turned, axis=-1, keepdims=True))


def sample_finish(rng: np.random.Generator, *, name: str | None = None) -> Finish:
    """Draw what cloth is made of.

    Args:
        rng: Source of all choices.
        name: One of `FINISHES`; drawn if not given.
    """
    if name is None:
        name = str(rng.choice(list(FINISHES), p=list(FINISHES.values())))
    specular, roughness, sheen, weave_m, bump = (float(rng.uniform(*limits)) for limits in _RANGES[name])
    ribbed = name == "twill" or (name == "knit" and rng.random() < 0.6)
    return Finish(
        name=name,
        specular=specular,
        roughness=roughness,
        sheen=sheen,
        weave_m=weave_m,
        bump=bump,
        octaves=3 if name == "leather" else 1,
        rib_m=float(rng.uniform(0.0015, 0.004) if name == "twill" else rng.uniform(0.003, 0.012)) if ribbed else 0.0,
        rib_depth=float(rng.uniform(0.1, 0.45)),
        rib_turn=float(np.pi / 4 if name == "twill" else rng.choice([0.0, 0.0, np.pi / 2])),
        shift=rng.uniform(0, 100, 3),
    )
