"""What worn things look like: printed cloth, plain stuff such as leather, rubber, metal and glass, and hair."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.complexion import Hair
from hd_core.synth.look.fabric import Print
from hd_core.synth.look.noise import layered_noise

Coords = Float[np.ndarray, "*n 3"]
STRAND_M = (0.0045, 0.02)
"""Width of a strand and of a lock."""


@runtime_checkable
class Look(Protocol):
    """What shading asks of a material."""

    @property
    def specular(self) -> float:
        """Reflectance at normal incidence."""

    @property
    def roughness(self) -> float:
        """Of the highlight, 0..1."""

    @property
    def sheen(self) -> float:
        """Light that fibres on end send back at grazing angles."""

    def albedo(self, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Linear albedo at places of the material."""

    def bumped(self, normal: Coords, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Normals for shading only."""


@dataclass(frozen=True)
class Cloth:
    """A printed cloth, as garments have it, as a look."""

    print: Print

    @property
    def specular(self) -> float:
        """Reflectance at normal incidence."""
        return self.print.finish.specular

    @property
    def roughness(self) -> float:
        """Of the highlight, 0..1."""
        return self.print.finish.roughness

    @property
    def sheen(self) -> float:
        """Light that fibres on end send back at grazing angles."""
        return self.print.finish.sheen

    def albedo(self, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Linear albedo at places of the material."""
        return self.print.albedo(coords, footprint_m=footprint_m)

    def bumped(self, normal: Coords, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Normals for shading only."""
        return self.print.bumped(normal, coords, footprint_m=footprint_m)


@dataclass(frozen=True, kw_only=True)
class Stuff:
    """A material of one colour with some wear.

    Args:
        colour: Linear albedo.
        specular: Reflectance at normal incidence: 0.04 plastic and leather, 0.5 and more metal.
        roughness: 0.15 lacquer and glass, 0.5 leather, 0.8 rubber.
        patches: How uneven its colour is.
        grain_m: Size of its bumps; none if 0.
        shift: Offset of its noise.
        sheen: Light that fibres on end send back at grazing angles.
    """

    colour: Float[np.ndarray, "3"]
    specular: float = 0.04
    roughness: float = 0.5
    patches: float = 0.1
    grain_m: float = 0.0
    shift: Float[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    sheen: float = 0.0

    def albedo(self, coords: Coords, *, footprint_m: float = 0.0) -> Coords:  # noqa: ARG002 - of every look
        """Linear albedo at places of the material."""
        uneven = self.patches * layered_noise(coords / 0.03 + self.shift, octaves=2)
        return np.asarray(np.clip(self.colour * np.exp(uneven)[..., None], 0, 1))

    def bumped(self, normal: Coords, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Normals for shading only: tilted by the grain where a pixel can show it."""
        if not self.grain_m or footprint_m > self.grain_m:
            return normal
        tilt = 0.15 * np.stack([layered_noise(coords / self.grain_m + self.shift + 9.7 * k) for k in range(3)], axis=-1)
        tilted = normal + tilt
        return np.asarray(tilted / np.linalg.norm(tilted, axis=-1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class Strands:
    """Hair: streaks along the strands, darker at the roots, lighter at the tips.

    Coordinates are (x, y) round the strand's root and its length so far, all m.

    Args:
        hair: Colour and how much strands differ.
        tips: How much lighter the tips are.
        over: Albedo of what is seen between the hairs, for stubble; dense hair if not given.
        density: Share of the surface that hair covers.
        length: How much longer than wide streaks are; 1 for curls.
    """

    hair: Hair
    tips: float = 0.2
    over: Float[np.ndarray, "3"] | None = None
    density: float = 1.0
    length: float = 8.0

    @property
    def specular(self) -> float:
        """Reflectance at normal incidence."""
        return self.hair.specular if self.over is None else 0.03

    @property
    def roughness(self) -> float:
        """Of the highlight."""
        return self.hair.roughness if self.over is None else 0.6

    @property
    def sheen(self) -> float:
        """Light that fibres on end send back at grazing angles."""
        return 0.03

    def albedo(self, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Linear albedo; strands finer than a pixel melt into locks."""
        fade = float(np.clip(1.6 - footprint_m / STRAND_M[0], 0, 1))
        stretch = np.array([1.0, 1.0, 1 / self.length])
        fine = fade * layered_noise(coords * stretch / STRAND_M[0] + self.hair.shift, octaves=2)
        locks = layered_noise(coords * stretch / STRAND_M[1] + self.hair.shift, octaves=2)
        lighter = self.tips * np.clip(coords[..., 2] / 0.3, 0, 1) - 0.25 * np.clip(1 - coords[..., 2] / 0.06, 0, 1)
        strands = np.clip(self.hair.colour * np.exp(self.hair.contrast * (fine + locks) + lighter)[..., None], 0, 1)
        if self.over is None:
            return np.asarray(strands)
        return np.asarray(self.density * strands + (1 - self.density) * self.over)

    def bumped(self, normal: Coords, coords: Coords, *, footprint_m: float = 0.0) -> Coords:
        """Normals for shading only: single strands, as far as a pixel can show them."""
        fade = float(np.clip(1.6 - footprint_m / STRAND_M[0], 0, 1))
        if fade == 0 or self.over is not None:
            return normal
        place = coords * np.array([1.0, 1.0, 1 / self.length]) / STRAND_M[0] + self.hair.shift
        tilt = 0.3 * fade * np.stack([layered_noise(place + 9.7 * k) for k in range(3)], axis=-1)
        tilted = normal + tilt - (tilt * normal).sum(-1, keepdims=True) * normal
        return np.asarray(tilted / np.linalg.norm(tilted, axis=-1, keepdims=True))
