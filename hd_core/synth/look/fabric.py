"""Cloth as it looks: a pattern that is flat in geometry, and a weave that only the light sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.patterns import PATTERNS, Pattern, faded

_SHARES = {"solid": 3.0, "letters": 2.0, "logo": 2.0, "stripes": 1.5, "denim": 1.5}
"""How often a kind is drawn, relative to the others' 1."""


@dataclass(frozen=True, kw_only=True)
class Print:
    """The look of one garment.

    Args:
        kind: Name of its pattern, one of `PATTERNS`.
        pattern: Albedo of a position.
        specular: Reflectance of the fibres at normal incidence.
        roughness: 1 is cotton, 0.3 is satin.
        weave_m: Wavelength of the weave or knit.
        bump: Slope of the weave, for shading only; 0 is smooth.
        shift: Offset of the weave's noise.
    """

    kind: str
    pattern: Pattern
    specular: float
    roughness: float
    weave_m: float
    bump: float
    shift: Float[np.ndarray, "3"]

    def albedo(self, coords: Float[np.ndarray, "*n c"], *, footprint_m: float = 0.0) -> Float[np.ndarray, "*n 3"]:
        """Linear albedo at canonical positions.

        Args:
            coords: On the body in its rest pose (metres, Z up, facing -Y), or in the plane of the cloth (x across,
                y up). A print seen from behind (Y > 0) is not mirrored.
            footprint_m: Width of a pixel on the cloth; finer detail melts into its mean.

        Raises:
            InputError: Neither two nor three coordinates.
        """
        flat = _lifted(coords)
        return np.asarray(np.clip(self.pattern(flat, footprint_m), 0, 1).reshape(*coords.shape[:-1], 3))

    def bumped(
        self, normal: Float[np.ndarray, "*n 3"], coords: Float[np.ndarray, "*n c"], *, footprint_m: float = 0.0
    ) -> Float[np.ndarray, "*n 3"]:
        """Normals for shading, tilted by the weave; the true geometry keeps its own.

        Args:
            normal: Unit.
            coords: As for `albedo`.
            footprint_m: Width of a pixel on the cloth.
        """
        place = _lifted(coords) / self.weave_m + self.shift
        tilts = [faded(layered_noise(place + 31.7 * axis), 2 * self.weave_m, footprint_m) for axis in range(3)]
        tilt = self.bump * np.stack(tilts, axis=-1).reshape(normal.shape)
        tilted = normal + tilt - (tilt * normal).sum(-1, keepdims=True) * normal
        return np.asarray(tilted / np.linalg.norm(tilted, axis=-1, keepdims=True))


def sample_fabric_print(rng: np.random.Generator, *, kind: str | None = None) -> Print:
    """Draw the look of a garment.

    Args:
        rng: Source of all choices.
        kind: One of `PATTERNS`; drawn if not given.

    Raises:
        InputError: Unknown kind.
    """
    names = tuple(PATTERNS)
    shares = np.array([_SHARES.get(name, 1.0) for name in names])
    if kind is None:
        kind = names[int(rng.choice(len(names), p=shares / shares.sum()))]
    if kind not in PATTERNS:
        raise InputError(f"Found the pattern {kind!r}; expected one of {', '.join(names)}.")
    shiny = rng.random() < 0.15
    return Print(
        kind=kind,
        pattern=PATTERNS[kind](rng),
        specular=float(rng.uniform(0.03, 0.08) if shiny else rng.uniform(0.005, 0.03)),
        roughness=float(rng.uniform(0.3, 0.5) if shiny else rng.uniform(0.6, 1.0)),
        weave_m=float(np.exp(rng.uniform(np.log(0.0015), np.log(0.012)))),
        bump=float(rng.uniform(0.0, 0.25)),
        shift=rng.uniform(0, 100, 3),
    )


def _lifted(coords: Float[np.ndarray, "*n c"]) -> Float[np.ndarray, "n 3"]:
    """Positions as (across, depth, up); flat coordinates lie on the front."""
    flat = coords.reshape(-1, coords.shape[-1]).astype(np.float64)
    if flat.shape[1] == 3:
        return flat
    if flat.shape[1] != 2:
        raise InputError(f"Found {flat.shape[1]} coordinates per point; expected 2 or 3.")
    return np.stack([flat[:, 0], np.zeros(len(flat)), flat[:, 1]], axis=-1)
