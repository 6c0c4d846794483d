"""Cloth as it looks: a pattern that is flat in geometry, on a fabric whose relief only the light sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.look.finish import Finish, sample_finish
from hd_core.synth.look.patterns import PATTERNS
from hd_core.synth.look.strokes import Pattern, Points
from hd_core.synth.splits import allowed

PLAIN_SHARE = 0.34
"""Of garments; the rest shares out the other kinds."""
_SHARES = {"solid": 0.0, "letters": 2.0, "logo": 2.0, "stripes": 1.5, "denim": 1.5, "painted_folds": 0.5}
"""How often a kind is drawn, relative to the others' 1."""
CUT_ALONG = ("letters", "logo", "photo", "gradient", "blocks")
"""Kinds that lie straight on the body; others may run in any direction."""
HALF_DEPTH_M = 0.12
"""Of a chest: a pattern goes on around the flanks as if the cloth were cut flat, front and back alike."""
EVERYWHERE = ("solid", "denim", "letters", "logo")
"""Kinds that every split has: plain cloth, and drawings, whose words are split themselves; others have one split."""


@dataclass(frozen=True, kw_only=True)
class Print:
    """The look of one garment.

    Args:
        kind: Name of its pattern, one of `PATTERNS`.
        pattern: Albedo of a position.
        finish: What the cloth is made of.
        turn: Of the pattern on the cloth, rad.
    """

    kind: str
    pattern: Pattern
    finish: Finish
    turn: float

    def albedo(self, coords: Float[np.ndarray, "*n c"], *, footprint_m: float = 0.0) -> Float[np.ndarray, "*n 3"]:
        """Linear albedo at canonical positions.

        Args:
            coords: On the body in its rest pose (metres, Z up, facing -Y), or in the plane of the cloth (x across,
                y up). A print seen from behind (Y > 0) is not mirrored.
            footprint_m: Width of a pixel on the cloth; finer detail melts into its mean.

        Raises:
            InputError: Neither two nor three coordinates.
        """
        places = _lifted(coords)
        colours = self.pattern(places if self.kind in CUT_ALONG else self._laid(places), footprint_m)
        colours = np.clip(colours, 0, 1) * self.finish.furrows(places, footprint_m)[:, None]
        return np.asarray(colours.reshape(*coords.shape[:-1], 3))

    def bumped(
        self, normal: Float[np.ndarray, "*n 3"], coords: Float[np.ndarray, "*n c"], *, footprint_m: float = 0.0
    ) -> Float[np.ndarray, "*n 3"]:
        """Normals for shading, tilted by the weave; the true geometry keeps its own.

        Args:
            normal: Unit.
            coords: As for `albedo`.
            footprint_m: Width of a pixel on the cloth.
        """
        flat = normal.reshape(-1, 3)
        return np.asarray(self.finish.tilted(flat, _lifted(coords), footprint_m).reshape(normal.shape))

    def _laid(self, places: Points) -> Points:
        """Places on the flat cloth: around the flanks the way across goes on, and the cloth is turned."""
        flank = np.tanh(places[:, 0] / 0.05) * np.maximum(HALF_DEPTH_M - np.abs(places[:, 1]), 0)
        across, up = places[:, 0] + flank, places[:, 2]
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.stack([cos * across - sin * up, places[:, 1], sin * across + cos * up], axis=-1)


def sample_fabric_print(rng: np.random.Generator, *, kind: str | None = None) -> Print:
    """Draw the look of a garment.

    Args:
        rng: Source of all choices.
        kind: One of `PATTERNS`; drawn from those of the split if not given.

    Raises:
        InputError: Unknown kind.
    """
    if kind is None:
        kind = "solid" if rng.random() < PLAIN_SHARE else _figured_kind(rng)
    if kind not in PATTERNS:
        raise InputError(f"Found the pattern {kind!r}; expected one of {', '.join(PATTERNS)}.")
    turn = rng.uniform(0, 2 * np.pi) if rng.random() < 0.2 else rng.normal(0, 0.05)
    return Print(kind=kind, pattern=PATTERNS[kind](rng), finish=sample_finish(rng), turn=float(turn))


def _figured_kind(rng: np.random.Generator) -> str:
    names = print_kinds(rng)
    shares = np.array([_SHARES.get(name, 1.0) for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def print_kinds(rng: np.random.Generator) -> tuple[str, ...]:
    """Kinds of prints that a generator's split has."""
    own = allowed([name for name in PATTERNS if name not in EVERYWHERE], rng, catalogue="print")
    return tuple(name for name in PATTERNS if name in EVERYWHERE or name in own)


def _lifted(coords: Float[np.ndarray, "*n c"]) -> Float[np.ndarray, "n 3"]:
    """Positions as (across, depth, up); flat coordinates lie on the front."""
    flat = coords.reshape(-1, coords.shape[-1]).astype(np.float64)
    if flat.shape[1] == 3:
        return flat
    if flat.shape[1] != 2:
        raise InputError(f"Found {flat.shape[1]} coordinates per point; expected 2 or 3.")
    return np.stack([flat[:, 0], np.zeros(len(flat)), flat[:, 1]], axis=-1)
