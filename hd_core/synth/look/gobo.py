"""What stands in the way of the key light, far from the person: leaves, blinds, the bars of a window.

Its edges lie on the person like a print, and like a print they are not geometry.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.parallel import frames_towards


@dataclass(frozen=True, kw_only=True)
class Gobo:
    """A screen across parallel light.

    Args:
        kind: What it is.
        across: Two unit vectors across the light, world axes.
        size_m: Of a hole with what is beside it.
        open_share: Of the light that passes on the whole, 0..1.
        soft: Width of an edge over the size.
        shift: Offset, sizes.
    """

    kind: Literal["leaves", "blinds", "window"]
    across: Float[np.ndarray, "2 3"]
    size_m: float
    open_share: float
    soft: float
    shift: Float[np.ndarray, "2"]

    def share(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n"]:
        """Share of the light that reaches points (world axes, m) past the screen, 0..1."""
        place = points @ self.across.T / self.size_m + self.shift
        if self.kind == "leaves":
            flat = np.concatenate([2 * place, np.zeros_like(place[..., :1])], axis=-1)
            # The noise is spread about zero with a deviation of 0.3: its quantiles give the open share.
            height = layered_noise(flat, octaves=2) / 0.3 + 2.4 * (self.open_share - 0.5)
            return np.asarray(np.clip(0.3 * height / self.soft + 0.5, 0, 1))
        shares = _open(place, self.open_share if self.kind == "blinds" else np.sqrt(self.open_share), self.soft)
        return np.asarray(shares[..., 1] if self.kind == "blinds" else shares[..., 0] * shares[..., 1])


def sample_gobo(rng: np.random.Generator, towards_light: Float[np.ndarray, "3"]) -> Gobo:
    """Draw a screen; mostly leaves."""
    kind: Literal["leaves", "blinds", "window"] = "leaves"
    if rng.random() > 0.6:
        kind = "blinds" if rng.random() < 0.5 else "window"
    sizes = {"leaves": (0.06, 0.35), "blinds": (0.04, 0.15), "window": (0.3, 0.9)}
    turn = rng.normal(0, 0.15) if kind != "leaves" else 0.0
    open_share = float(rng.uniform(0.35, 0.7) if kind != "window" else rng.uniform(0.6, 0.9))
    right, up = frames_towards(towards_light[None] / np.linalg.norm(towards_light))[0, :2]
    return Gobo(
        kind=kind,
        across=np.stack([np.cos(turn) * right + np.sin(turn) * up, np.cos(turn) * up - np.sin(turn) * right]),
        size_m=float(rng.uniform(*sizes[kind])),
        open_share=open_share,
        # An edge wider than what it bounds would let less through than stated.
        soft=float(rng.uniform(0.05, 0.5) if kind != "window" else rng.uniform(0.2, 1) * (1 - np.sqrt(open_share))),
        shift=rng.uniform(0, 100, 2),
    )


def _open(place: Float[np.ndarray, "*n 2"], share: float, soft: float) -> Float[np.ndarray, "*n 2"]:
    """Periodic openings of a share of the period, with soft edges."""
    off = np.abs((place + 0.5) % 1 - 0.5)
    return np.asarray(np.clip((share / 2 - off) / soft + 0.5, 0, 1))
