"""Which hair somebody has: kinds of hairdos and beards, how long, how thick, how wavy."""

from dataclasses import dataclass

import numpy as np

from hd_core.synth.body.identity import Identity
from hd_core.synth.wear.skull import Whorl

KINDS = ("bald", "buzz", "short", "bob", "long", "ponytail", "bun", "afro")
SHARES = {
    "male": (0.08, 0.15, 0.45, 0.07, 0.08, 0.05, 0.04, 0.08),
    "female": (0.01, 0.02, 0.13, 0.20, 0.32, 0.15, 0.10, 0.07),
}
"""How often each is drawn."""
BEARDED = 0.25
"""Share of men with a beard that stands out; stubble is painted on the skin."""
UNDER_HAT = ("bald", "buzz", "short", "bob", "long")
UNDER_HOOD = ("bald", "buzz", "short")
"""Hairdos that go under a hat, and under a hood."""
FLAT_M = 0.008
"""Thickness of hair under a hood."""


@dataclass(frozen=True, kw_only=True)
class Hairdo:
    """One person's hair, without its colour.

    Args:
        kind: One of `KINDS`.
        whorl: From where the hair goes.
        top_m: Thickness on top.
        side_m: Thickness at the sides and the back.
        length_m: Of what hangs, from where it leaves the head.
        opening_rad: Azimuth from the face at which hanging hair begins.
        wave_m: How far locks swing out of line.
        curl_m: Wavelength of waves or curls.
        lock_m: Width of a lock.
        fringe_m: How far hair comes down over the forehead.
        parting_rad: Azimuth of a parting; none if not given.
        beard_m: Thickness of a beard; 0 for none.
        seed: Of its irregularities.
    """

    kind: str
    whorl: Whorl
    top_m: float
    side_m: float
    length_m: float = 0.0
    opening_rad: float = 1.2
    wave_m: float = 0.0
    curl_m: float = 0.06
    lock_m: float = 0.014
    fringe_m: float = 0.0
    parting_rad: float | None = None
    beard_m: float = 0.0
    seed: int = 0


def sample_hairdo(rng: np.random.Generator, identity: Identity, *, tucked: bool = False, flat: bool = False) -> Hairdo:
    """Draw a hairdo; women's are longer more often, men's may come with a beard.

    Args:
        rng: Source of all choices.
        identity: The person.
        tucked: Whether something goes over it: nothing tied up or tall.
        flat: Whether that leaves no room for hair that hangs or stands off.
    """
    female = identity.gender > 0.5
    shares = np.array(SHARES["female" if female else "male"])
    if tucked or flat:
        shares = shares * np.isin(KINDS, UNDER_HOOD if flat else UNDER_HAT)
    kind = KINDS[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
    bearded = not female and rng.random() < BEARDED
    beard_m = float(rng.uniform(0.002, 0.02)) if bearded else 0.0
    top, side, low, high = _SIZES[kind]
    wavy = rng.random() < 0.45
    return Hairdo(
        kind=kind,
        whorl=Whorl(back_rad=float(rng.uniform(0.1, 0.5)), side_rad=float(rng.normal(0, 0.12))),
        top_m=min(float(rng.uniform(*top)), FLAT_M if flat else np.inf),
        side_m=min(float(rng.uniform(*side)), FLAT_M if flat else np.inf),
        length_m=float(rng.uniform(low, high)),
        opening_rad=float(rng.uniform(0.85, 1.15) if kind == "bob" else rng.uniform(0.85, 1.5)),
        wave_m=float(rng.uniform(0.001, 0.004)) if wavy else 0.0,
        curl_m=float(rng.uniform(0.04, 0.10)),
        lock_m=float(rng.uniform(0.008, 0.018)),
        fringe_m=float(rng.uniform(0.02, 0.05)) if rng.random() < 0.3 else 0.0,
        parting_rad=float(rng.normal(0, 0.4)) if rng.random() < 0.5 else None,
        beard_m=beard_m,
        seed=int(rng.integers(1 << 30)),
    )


_SIZES: dict[str, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    "bald": ((0.001, 0.001), (0.001, 0.001), 0.0, 0.0),
    "buzz": ((0.0015, 0.004), (0.0012, 0.0025), 0.0, 0.0),
    "short": ((0.012, 0.045), (0.004, 0.016), 0.0, 0.0),
    "bob": ((0.015, 0.026), (0.018, 0.028), 0.10, 0.19),
    "long": ((0.013, 0.025), (0.016, 0.026), 0.26, 0.55),
    "ponytail": ((0.006, 0.014), (0.005, 0.010), 0.16, 0.42),
    "bun": ((0.006, 0.014), (0.005, 0.010), 0.03, 0.045),
    "afro": ((0.035, 0.10), (0.03, 0.09), 0.0, 0.0),
}
"""Ranges of the thickness on top and at the sides, and of the length; of a bun, its radius. Metres."""
