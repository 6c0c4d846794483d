"""Garments for the legs, and dresses and overalls, which are worn instead of something for the legs."""

from hd_core.synth.garments.garb import FINE_SHARE, Garb, Tailor
from hd_core.synth.garments.patterns import Pattern


def leggings(tailor: Tailor) -> Garb:
    """Tight, to the calf or the ankle."""
    pattern = Pattern(kind="bottom", leg=tailor.between(1.3, 1.95), waist_m=tailor.between(0.08, 0.18))
    return tailor.sew("leggings", pattern, (0.006, 0.009), "spandex")


def trousers(tailor: Tailor) -> Garb:
    """Straight, to the ankle."""
    pattern = Pattern(kind="bottom", leg=tailor.between(1.75, 1.97), waist_m=tailor.between(0.06, 0.17))
    return tailor.sew("trousers", pattern, (0.012, 0.028), "denim", "cotton", "wool")


def baggy_trousers(tailor: Tailor) -> Garb:
    """Wide all the way, with much to fold."""
    pattern = Pattern(
        kind="bottom",
        leg=tailor.between(1.75, 1.97),
        waist_m=tailor.between(0.06, 0.16),
        fine=tailor.chance(FINE_SHARE),
    )
    return tailor.sew("baggy trousers", pattern, (0.03, 0.05), "cotton", "jersey", "denim")


def wide_trousers(tailor: Tailor) -> Garb:
    """Flared: from the knee, or palazzo trousers from the hip."""
    pattern = Pattern(
        kind="bottom",
        leg=tailor.between(1.4, 1.95),
        waist_m=tailor.between(0.08, 0.18),
        flare_m=tailor.between(0.025, 0.085),
        freedom=tailor.between(1.0, 6.0),
        fine=tailor.chance(FINE_SHARE),
    )
    return tailor.sew("wide trousers", pattern, (0.01, 0.03), "cotton", "silk", "denim", "wool")


def cargo_trousers(tailor: Tailor) -> Garb:
    """Roomy, with pockets on the thighs."""
    pattern = Pattern(
        kind="bottom",
        leg=tailor.between(1.1, 1.95),
        waist_m=tailor.between(0.06, 0.14),
        pocket_m=tailor.between(0.012, 0.03),
    )
    return tailor.sew("cargo trousers", pattern, (0.02, 0.045), "cotton", "denim")


def shorts(tailor: Tailor) -> Garb:
    """From hot pants to the knee."""
    pattern = Pattern(
        kind="bottom",
        leg=tailor.between(0.25, 1.05),
        waist_m=tailor.between(0.06, 0.16),
        flare_m=tailor.between(0.0, 0.02),
    )
    return tailor.sew("shorts", pattern, (0.01, 0.045), "cotton", "denim", "jersey")


def skirt(tailor: Tailor) -> Garb:
    """From a mini to the knee, straight or flared."""
    pattern = Pattern(
        kind="skirt",
        hem_m=tailor.between(-0.42, -0.12),
        waist_m=tailor.between(0.09, 0.16),
        flare_m=tailor.between(0.0, 0.1),
        freedom=tailor.between(1.0, 15.0),
        fine=tailor.chance(FINE_SHARE),
    )
    return tailor.sew("skirt", pattern, (0.008, 0.03), "cotton", "silk", "denim")


def long_skirt(tailor: Tailor) -> Garb:
    """Down to the calf or the ankle."""
    hem = tailor.between(-0.68, -0.42)
    pattern = Pattern(
        kind="skirt",
        hem_m=hem,
        waist_m=tailor.between(0.09, 0.16),
        flare_m=_least_flare(hem) + tailor.between(0.0, 0.11),
        freedom=tailor.between(1.0, 15.0),
        fine=tailor.chance(FINE_SHARE),
    )
    return tailor.sew("long skirt", pattern, (0.01, 0.03), "cotton", "silk")


def pleated_skirt(tailor: Tailor) -> Garb:
    """Pleats all around, from few to many."""
    pattern = Pattern(
        kind="skirt",
        hem_m=tailor.between(-0.6, -0.15),
        waist_m=tailor.between(0.10, 0.16),
        flare_m=tailor.between(0.02, 0.08),
        pleats=int(tailor.cut.integers(14, 29)),
        pleat_m=tailor.between(0.012, 0.03),
        freedom=tailor.between(1.0, 6.0),
        fine=True,
    )
    return tailor.sew("pleated skirt", pattern, (0.008, 0.015), "cotton", "silk", "wool")


def pencil_skirt(tailor: Tailor) -> Garb:
    """Narrow, to the knee."""
    pattern = Pattern(
        kind="skirt",
        hem_m=tailor.between(-0.48, -0.25),
        waist_m=tailor.between(0.10, 0.16),
        flare_m=tailor.between(-0.05, -0.01),
    )
    return tailor.sew("pencil skirt", pattern, (0.006, 0.01), "cotton", "wool", "jersey")


def strap_dress(tailor: Tailor) -> Garb:
    """Straps, a deep back on some; short to ankle-long, close or flared."""
    half = tailor.between(0.055, 0.09)
    pattern = Pattern(
        kind="dress",
        sleeve=1.0,
        neck_m=tailor.between(0.56, 0.585),
        neck_half_m=half,
        shoulder_m=half + tailor.between(0.02, 0.05),
        scoop_m=tailor.between(0.07, 0.14),
        back_scoop_m=tailor.between(0.05, 0.16),
        **_skirt_of_dress(tailor),  # type: ignore[arg-type]
    )
    return tailor.sew("strap dress", pattern, (0.007, 0.02), "cotton", "silk", "jersey")


def sleeve_dress(tailor: Tailor) -> Garb:
    """Any sleeves, bells among them."""
    sleeve = tailor.between(0.25, 1.95)
    pattern = Pattern(
        kind="dress",
        sleeve=sleeve,
        neck_m=tailor.between(0.565, 0.6),
        scoop_m=tailor.between(0.02, 0.09),
        vee_m=tailor.between(0.03, 0.13) if tailor.chance(0.4) else 0.0,
        sleeve_flare_m=tailor.between(0.02, 0.09) if tailor.chance(0.3) else 0.0,
        **_skirt_of_dress(tailor),  # type: ignore[arg-type]
    )
    return tailor.sew("dress", pattern, (0.008, 0.035), "cotton", "silk", "jersey", "wool")


def tight_dress(tailor: Tailor) -> Garb:
    """Close to the body down to the knee at most."""
    pattern = Pattern(
        kind="dress",
        sleeve=tailor.between(0.2, 1.95),
        neck_m=tailor.between(0.565, 0.6),
        scoop_m=tailor.between(0.02, 0.1),
        hem_m=tailor.between(-0.4, -0.15),
        waist_m=tailor.between(0.12, 0.2),
        flare_m=tailor.between(-0.05, 0.0),
    )
    return tailor.sew("tight dress", pattern, (0.006, 0.01), "spandex", "jersey")


def jumpsuit(tailor: Tailor) -> Garb:
    """Top and trousers in one, from a playsuit to a boiler suit."""
    pattern = Pattern(
        kind="overall",
        sleeve=tailor.between(0.3, 1.95),
        leg=tailor.between(0.5, 1.95),
        neck_m=tailor.between(0.57, 0.6),
        scoop_m=tailor.between(0.02, 0.08),
        vee_m=tailor.between(0.0, 0.12),
        flare_m=tailor.between(0.0, 0.04),
    )
    return tailor.sew("jumpsuit", pattern, (0.012, 0.04), "cotton", "denim", "silk")


def dungarees(tailor: Tailor) -> Garb:
    """Trousers with a bib and straps, over a shirt."""
    pattern = Pattern(
        kind="overall",
        sleeve=1.0,
        leg=tailor.between(0.6, 1.95),
        neck_m=0.6,
        scoop_m=0.0,
        neck_half_m=0.04,
        waist_m=tailor.between(0.16, 0.26),
        bib_m=tailor.between(0.09, 0.125),
    )
    return tailor.sew("dungarees", pattern, (0.015, 0.04), "denim", "cotton")


def _skirt_of_dress(tailor: Tailor) -> dict[str, float | bool]:
    """The lower half of a dress: length, where it widens and how much."""
    hem = tailor.between(-0.68, -0.14)
    return {
        "hem_m": hem,
        "waist_m": tailor.between(0.12, 0.26),
        "flare_m": _least_flare(hem) + tailor.between(0.0, 0.11),
        "freedom": tailor.between(1.0, 15.0),
        "fine": tailor.chance(FINE_SHARE),
    }


def _least_flare(hem_m: float) -> float:
    """What is longer than to the middle of the thigh must be wider, or nobody could lunge in it."""
    return 0.28 * max(-0.28 - hem_m, 0.0)
