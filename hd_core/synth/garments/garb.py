"""One garment of an outfit: its cut, ease, fabric and print."""

from dataclasses import dataclass, replace

import numpy as np

from hd_core.synth.cloth.fabric import Fabric, sample_fabric
from hd_core.synth.garments.patterns import Pattern
from hd_core.synth.garments.trims import Trim
from hd_core.synth.look.fabric import Print, sample_fabric_print

UNDER_TRIM_M = 0.004
"""Room between a trim and the garment that it belongs to."""
STIFF_TRIM = 1e-4
"""Greatest stretch compliance of a trim, m/N."""
FINE_SHARE = 0.35
"""Share of the loose garments that are divided once more, for small folds; they take four times as long."""
OVER_M = 0.012
"""Room that a garment takes which is worn under another one."""


@dataclass(frozen=True, kw_only=True)
class Garb:
    """One garment of an outfit.

    Args:
        name: For people to read, "T-shirt".
        pattern: Its cut.
        ease_m: How far it stands off the skin, m.
        fabric: What it is made of.
        print: What it looks like.
        under_m: Room for what is worn under it, m.
    """

    name: str
    pattern: Pattern
    ease_m: float
    fabric: Fabric
    print: Print
    under_m: float = 0.0


class Tailor:
    """Draws garments.

    Args:
        cut: Draws cuts, ease and fabrics.
        looks: Draws prints.
        under_m: Room for what is worn under the garments, m.
    """

    def __init__(self, cut: np.random.Generator, looks: np.random.Generator, *, under_m: float = 0.0) -> None:
        self.cut, self.looks, self.under_m = cut, looks, under_m

    def over(self) -> "Tailor":
        """The same for what is worn over these garments."""
        return Tailor(self.cut, self.looks, under_m=self.under_m + OVER_M)

    def between(self, low: float, high: float) -> float:
        """A number of a range."""
        return float(self.cut.uniform(low, high))

    def chance(self, share: float) -> bool:
        """Whether something happens that does so this often."""
        return bool(self.cut.random() < share)

    def one_of(self, *names: str) -> str:
        """One of some names."""
        return names[int(self.cut.integers(len(names)))]

    def sew(self, name: str, pattern: Pattern, ease_m: tuple[float, float], *kinds: str) -> Garb:
        """A garment of a cut, an ease within bounds, and one of some kinds of fabric."""
        ease = self.between(*ease_m)
        kind = self.one_of(*kinds)
        fabric = sample_fabric(self.cut, kind)
        print_ = sample_fabric_print(
            self.looks, kind="denim" if kind == "denim" and self.looks.random() < 0.6 else None
        )
        return Garb(name=name, pattern=pattern, ease_m=ease, fabric=fabric, print=print_, under_m=self.under_m)

    def add(self, garb: Garb, kind: str, trim: Trim) -> Garb:
        """A trim of the same cloth as a garment that it is sewn to; double, so it does not stretch."""
        pattern = Pattern(kind=kind, trim=trim)
        room = garb.under_m + UNDER_TRIM_M
        soft = garb.fabric
        fabric = replace(
            soft,
            stretch_compliance=min(soft.stretch_compliance, STIFF_TRIM),
            bend_compliance=soft.bend_compliance / 4,
            slack=1.0,
        )
        return Garb(name=kind, pattern=pattern, ease_m=garb.ease_m, fabric=fabric, print=garb.print, under_m=room)
