"""Garments for the trunk, closed all around: from tank tops to hooded sweaters; innermost first."""

import numpy as np

from hd_core.synth.garments.garb import FINE_SHARE, Garb, Tailor
from hd_core.synth.garments.patterns import Pattern
from hd_core.synth.garments.trims import Trim

Garbs = tuple[Garb, ...]
Bounds = tuple[float, float]


def t_shirt(tailor: Tailor) -> Garbs:
    """Short sleeves, to the hips; round or with a V."""
    pattern = top(tailor, sleeve=(0.35, 0.85), hem_m=(0.0, 0.06), vee=0.25)
    return (tailor.sew("T-shirt", pattern, (0.012, 0.03), "jersey", "cotton"),)


def oversized_shirt(tailor: Tailor) -> Garbs:
    """Wide, sleeves to the elbow."""
    pattern = top(tailor, sleeve=(0.6, 1.1), hem_m=(-0.06, 0.03), fine=tailor.chance(FINE_SHARE))
    return (tailor.sew("oversized shirt", pattern, (0.035, 0.06), "jersey", "cotton"),)


def long_sleeves(tailor: Tailor) -> Garbs:
    """Sleeves to the wrist, close to the body."""
    pattern = top(tailor, sleeve=(1.4, 1.97), hem_m=(0.0, 0.08), vee=0.2)
    return (tailor.sew("long sleeves", pattern, (0.008, 0.022), "jersey", "cotton"),)


def sweater(tailor: Tailor) -> Garbs:
    """Sleeves to the wrist, wide and heavy."""
    pattern = top(tailor, sleeve=(1.7, 1.97), hem_m=(-0.02, 0.05), vee=0.15)
    return (tailor.sew("sweater", pattern, (0.025, 0.05), "wool"),)


def tank_top(tailor: Tailor) -> Garbs:
    """No sleeves, broad or narrow straps; some end at the waist."""
    half = tailor.between(0.05, 0.095)
    pattern = top(
        tailor,
        sleeve=(1.0, 1.0),
        hem_m=(0.0, 0.16),
        neck_half_m=half,
        shoulder_m=half + tailor.between(0.025, 0.06),
        scoop_m=tailor.between(0.04, 0.12),
        back_scoop_m=tailor.between(0.0, 0.10),
    )
    return (tailor.sew("tank top", pattern, (0.007, 0.025), "jersey", "spandex"),)


def crop_top(tailor: Tailor) -> Garbs:
    """Ends above the waist, with or without sleeves."""
    sleeve = tailor.between(0.2, 1.9)
    pattern = top(tailor, sleeve=(sleeve, sleeve), hem_m=(0.17, 0.27), scoop_m=tailor.between(0.02, 0.1))
    return (tailor.sew("crop top", pattern, (0.007, 0.03), "jersey", "spandex", "cotton"),)


def turtleneck(tailor: Tailor) -> Garbs:
    """A high collar, most of them turned down."""
    pattern = top(tailor, sleeve=(1.5, 1.97), hem_m=(-0.02, 0.06), scoop_m=0.01, neck_m=0.595)
    garb = tailor.sew("turtleneck", pattern, (0.01, 0.04), "wool", "jersey")
    stand = tailor.between(0.03, 0.05)
    fold = tailor.between(0.6, 1.1) * stand if tailor.chance(0.6) else 0.0
    trim = Trim(gap_deg=0.0, stand_m=stand, fold_m=fold, width_m=tailor.between(0.0, 0.02), lean=0.1)
    return garb, tailor.add(garb, "collar", trim)


def polo_shirt(tailor: Tailor) -> Garbs:
    """Short sleeves and a small collar."""
    pattern = top(
        tailor, sleeve=(0.4, 0.9), hem_m=(0.0, 0.05), scoop_m=0.03, neck_m=0.59, vee_m=tailor.between(0.0, 0.05)
    )
    return collared(tailor, tailor.sew("polo shirt", pattern, (0.012, 0.03), "jersey", "cotton"))


def shirt(tailor: Tailor) -> Garbs:
    """Long sleeves and a collar; some are worn inside the trousers."""
    pattern = top(
        tailor,
        sleeve=(1.3, 1.97),
        hem_m=(-0.05, 0.04),
        scoop_m=0.03,
        neck_m=0.59,
        vee_m=tailor.between(0.0, 0.10),
        fine=tailor.chance(FINE_SHARE),
    )
    return collared(tailor, tailor.sew("shirt", pattern, (0.015, 0.045), "cotton", "silk", "denim"))


def blouse(tailor: Tailor) -> Garbs:
    """Sleeves that widen downwards, bells or those of a kimono."""
    sleeve = tailor.between(0.9, 1.9)
    pattern = top(
        tailor,
        sleeve=(sleeve, sleeve),
        hem_m=(-0.02, 0.14),
        vee=0.4,
        sleeve_flare_m=tailor.between(0.03, 0.05 + 0.05 * sleeve),
        flare_m=tailor.between(0.0, 0.05),
        freedom=tailor.between(2.0, 12.0),
        fine=tailor.chance(FINE_SHARE),
    )
    return (tailor.sew("blouse", pattern, (0.012, 0.035), "silk", "cotton"),)


def hoodie(tailor: Tailor) -> Garbs:
    """A heavy sweater with a hood, up or down."""
    pattern = top(tailor, sleeve=(1.75, 1.97), hem_m=(-0.02, 0.05), scoop_m=0.02, neck_m=0.585)
    return hooded(tailor, tailor.sew("hoodie", pattern, (0.025, 0.055), "wool", "cotton"))


def hooded(tailor: Tailor, garb: Garb) -> Garbs:
    """A garment and its hood."""
    if tailor.chance(0.4):
        trim = Trim(gap_deg=tailor.between(25.0, 50.0), width_m=0.012, stand_m=tailor.between(0.02, 0.05))
        return garb, tailor.add(garb, "hood up", trim)
    trim = Trim(
        gap_deg=tailor.between(8.0, 40.0),
        width_m=tailor.between(0.012, 0.025),
        stand_m=tailor.between(0.02, 0.045),
        fold_m=tailor.between(0.07, 0.12),
        wave_m=tailor.between(0.0, 0.012),
        phase=tailor.between(0.0, 6.3),
    )
    return garb, tailor.add(garb, "hood down", trim)


def collared(tailor: Tailor, garb: Garb) -> Garbs:
    """A garment and its collar."""
    gap = tailor.between(4.0, 14.0) + _opening_deg(garb.pattern.vee_m + garb.pattern.front_m)
    trim = Trim(
        gap_deg=min(gap, 60.0),
        width_m=tailor.between(0.004, 0.012),
        stand_m=tailor.between(0.018, 0.038),
        fold_m=tailor.between(0.035, 0.065),
        lean=tailor.between(0.1, 0.5),
    )
    return garb, tailor.add(garb, "collar", trim)


def _opening_deg(half_width_m: float) -> float:
    """How far around the neck an opening reaches to either side."""
    return float(np.degrees(np.arctan2(half_width_m, 0.09)))


def top(tailor: Tailor, *, sleeve: Bounds, hem_m: Bounds, vee: float = 0.0, **more: float | bool) -> Pattern:
    """The cut of a top; `vee` is the share that has a V-neck, `more` replaces what is drawn."""
    drawn = {
        "sleeve": tailor.between(*sleeve),
        "hem_m": tailor.between(*hem_m),
        "neck_m": tailor.between(0.57, 0.60),
        "scoop_m": tailor.between(0.02, 0.09),
        "vee_m": tailor.between(0.04, 0.13) if tailor.chance(vee) else 0.0,
    }
    return Pattern(kind="top", **{**drawn, **more})  # type: ignore[arg-type]
