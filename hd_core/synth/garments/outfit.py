"""What a person wears: garments with their cut, ease, fabric and print, innermost first."""

from dataclasses import dataclass

import numpy as np

from hd_core.synth.cloth.fabric import Fabric, sample_fabric
from hd_core.synth.garments.patterns import Pattern
from hd_core.synth.look.fabric import Print, sample_fabric_print


@dataclass(frozen=True, kw_only=True)
class Garb:
    """One garment of an outfit.

    Args:
        name: For people to read, "T-shirt".
        pattern: Its cut.
        ease_m: How far it stands off the skin, m.
        fabric: What it is made of.
        print: What it looks like.
    """

    name: str
    pattern: Pattern
    ease_m: float
    fabric: Fabric
    print: Print


def sample_outfit(cut: np.random.Generator, looks: np.random.Generator) -> tuple[Garb, ...]:
    """Draw something for the legs and something over it for the trunk; bare legs, tight and baggy ones included.

    Args:
        cut: Draws cuts, ease and fabrics.
        looks: Draws prints.
    """
    lower = [leggings, trousers, baggy_trousers, shorts, skirt, long_skirt][int(cut.choice(6, p=LOWER))]
    upper = [t_shirt, oversized_shirt, long_sleeves, sweater, tank_top][int(cut.choice(5, p=UPPER))]
    return lower(cut, looks), upper(cut, looks)


LOWER = (0.12, 0.30, 0.16, 0.17, 0.15, 0.10)
UPPER = (0.28, 0.18, 0.22, 0.16, 0.16)


def leggings(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Tight, to the calf or the ankle."""
    pattern = Pattern(kind="bottom", leg=cut.uniform(1.4, 1.95), waist_m=cut.uniform(0.08, 0.16))
    return _garb("leggings", pattern, cut.uniform(0.006, 0.009), "spandex", cut, looks)


def trousers(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Straight, to the ankle."""
    pattern = Pattern(kind="bottom", leg=cut.uniform(1.8, 1.97), waist_m=cut.uniform(0.06, 0.15))
    return _garb("trousers", pattern, cut.uniform(0.012, 0.028), _one_of(cut, "denim", "cotton", "wool"), cut, looks)


def baggy_trousers(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Wide, with much to fold."""
    pattern = Pattern(kind="bottom", leg=cut.uniform(1.75, 1.97), waist_m=cut.uniform(0.06, 0.14))
    return _garb("baggy trousers", pattern, cut.uniform(0.03, 0.055), _one_of(cut, "cotton", "jersey"), cut, looks)


def shorts(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """From hot pants to the knee."""
    pattern = Pattern(kind="bottom", leg=cut.uniform(0.25, 1.05), waist_m=cut.uniform(0.06, 0.15))
    return _garb("shorts", pattern, cut.uniform(0.01, 0.045), _one_of(cut, "cotton", "denim", "jersey"), cut, looks)


def skirt(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Above or about the knee."""
    pattern = Pattern(kind="skirt", hem_m=cut.uniform(-0.45, -0.15), waist_m=cut.uniform(0.09, 0.16))
    return _garb("skirt", pattern, cut.uniform(0.008, 0.03), _one_of(cut, "cotton", "silk", "denim"), cut, looks)


def long_skirt(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Down to the calf or the ankle."""
    pattern = Pattern(kind="skirt", hem_m=cut.uniform(-0.68, -0.45), waist_m=cut.uniform(0.09, 0.16))
    return _garb("long skirt", pattern, cut.uniform(0.01, 0.04), _one_of(cut, "cotton", "silk"), cut, looks)


def t_shirt(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Short sleeves, to the hips."""
    pattern = _top(cut, sleeve=(0.35, 0.85), hem_m=(0.0, 0.06))
    return _garb("T-shirt", pattern, cut.uniform(0.012, 0.03), _one_of(cut, "jersey", "cotton"), cut, looks)


def oversized_shirt(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Wide, sleeves to the elbow."""
    pattern = _top(cut, sleeve=(0.6, 1.1), hem_m=(-0.03, 0.04))
    return _garb("oversized shirt", pattern, cut.uniform(0.035, 0.06), _one_of(cut, "jersey", "cotton"), cut, looks)


def long_sleeves(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Sleeves to the wrist, close to the body."""
    pattern = _top(cut, sleeve=(1.5, 1.97), hem_m=(0.0, 0.08))
    return _garb("long sleeves", pattern, cut.uniform(0.008, 0.022), _one_of(cut, "jersey", "cotton"), cut, looks)


def sweater(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """Sleeves to the wrist, wide and heavy."""
    pattern = _top(cut, sleeve=(1.7, 1.97), hem_m=(-0.02, 0.05))
    return _garb("sweater", pattern, cut.uniform(0.025, 0.05), "wool", cut, looks)


def tank_top(cut: np.random.Generator, looks: np.random.Generator) -> Garb:
    """No sleeves; some end at the waist."""
    pattern = _top(cut, sleeve=(-0.05, 0.12), hem_m=(0.0, 0.18))
    return _garb("tank top", pattern, cut.uniform(0.007, 0.025), _one_of(cut, "jersey", "spandex"), cut, looks)


def _top(cut: np.random.Generator, *, sleeve: tuple[float, float], hem_m: tuple[float, float]) -> Pattern:
    return Pattern(
        kind="top",
        sleeve=cut.uniform(*sleeve),
        hem_m=cut.uniform(*hem_m),
        neck_m=cut.uniform(0.57, 0.60),
        scoop_m=cut.uniform(0.02, 0.09),
    )


def _garb(  # noqa: PLR0917 - read as a row of a table
    name: str, pattern: Pattern, ease_m: float, kind: str, cut: np.random.Generator, looks: np.random.Generator
) -> Garb:
    return Garb(
        name=name,
        pattern=pattern,
        ease_m=ease_m,
        fabric=sample_fabric(cut, kind),
        print=sample_fabric_print(looks, kind="denim" if kind == "denim" and looks.random() < 0.6 else None),
    )


def _one_of(cut: np.random.Generator, *names: str) -> str:
    return names[int(cut.integers(len(names)))]
