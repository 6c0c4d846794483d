"""What is worn open over something else: jackets, coats, cardigans, shirts, vests; and scarves."""

from hd_core.synth.garments.garb import Garb, Tailor
from hd_core.synth.garments.patterns import Pattern
from hd_core.synth.garments.trims import Trim
from hd_core.synth.garments.uppers import Bounds, Garbs, collared, hooded


def jacket(tailor: Tailor) -> Garbs:
    """To the hips, with a collar."""
    pattern = _open(tailor, hem_m=(-0.02, 0.14), sleeve=(1.75, 1.97))
    return collared(tailor, tailor.sew("jacket", pattern, (0.02, 0.045), "denim", "wool", "cotton"))


def coat(tailor: Tailor) -> Garbs:
    """Long, from the thigh to the calf."""
    pattern = _open(tailor, hem_m=(-0.58, -0.15), sleeve=(1.8, 1.97), kind="dress")
    return collared(tailor, tailor.sew("coat", pattern, (0.02, 0.045), "wool", "cotton", "denim"))


def cardigan(tailor: Tailor) -> Garbs:
    """Soft, without a collar, short or long."""
    long = tailor.chance(0.4)
    pattern = _open(
        tailor, hem_m=(-0.45, -0.12) if long else (-0.05, 0.1), sleeve=(1.3, 1.97), kind="dress" if long else "top"
    )
    return (tailor.sew("cardigan", pattern, (0.015, 0.04), "wool", "jersey"),)


def open_shirt(tailor: Tailor) -> Garbs:
    """A shirt that is not buttoned, any sleeves."""
    pattern = _open(tailor, hem_m=(-0.06, 0.05), sleeve=(0.5, 1.95))
    return collared(tailor, tailor.sew("open shirt", pattern, (0.018, 0.04), "cotton", "silk", "denim"))


def zip_hoodie(tailor: Tailor) -> Garbs:
    """With a hood, up or down."""
    pattern = _open(tailor, hem_m=(-0.02, 0.06), sleeve=(1.75, 1.97))
    return hooded(tailor, tailor.sew("zip hoodie", pattern, (0.02, 0.045), "wool", "cotton"))


def vest(tailor: Tailor) -> Garbs:
    """No sleeves."""
    pattern = _open(tailor, hem_m=(0.0, 0.12), sleeve=(1.0, 1.0), shoulder_m=tailor.between(0.115, 0.15))
    return (tailor.sew("vest", pattern, (0.012, 0.035), "denim", "wool", "cotton"),)


def kimono(tailor: Tailor) -> Garbs:
    """Light and long, with wide sleeves."""
    pattern = _open(
        tailor, hem_m=(-0.6, -0.15), sleeve=(1.0, 1.7), kind="dress", sleeve_flare_m=tailor.between(0.05, 0.13)
    )
    return (tailor.sew("kimono", pattern, (0.015, 0.035), "silk", "cotton"),)


def scarf(tailor: Tailor) -> Garb:
    """A thick ring around the neck."""
    trim = Trim(
        gap_deg=0.0,
        width_m=tailor.between(0.005, 0.02),
        stand_m=tailor.between(0.016, 0.03),
        fold_m=tailor.between(0.025, 0.045),
        wave_m=tailor.between(0.002, 0.006),
        phase=tailor.between(0.0, 6.3),
    )
    return tailor.sew("scarf", Pattern(kind="scarf", trim=trim), (0.0, 0.0), "wool", "cotton", "silk")


def _open(
    tailor: Tailor,
    *,
    hem_m: Bounds,
    sleeve: Bounds,
    kind: str = "top",
    sleeve_flare_m: float = 0.0,
    shoulder_m: float = 0.0,
) -> Pattern:
    """The cut of something with an open front, from nearly closed to wide open."""
    return Pattern(
        kind=kind,
        sleeve=tailor.between(*sleeve),
        hem_m=tailor.between(*hem_m),
        waist_m=tailor.between(0.12, 0.3),
        neck_m=tailor.between(0.585, 0.6),
        scoop_m=tailor.between(0.01, 0.04),
        vee_m=tailor.between(0.0, 0.08),
        front_m=float(0.006 * (0.09 / 0.006) ** tailor.cut.random()),
        front_spread=tailor.between(0.0, 0.12),
        flare_m=tailor.between(0.0, 0.07),
        freedom=tailor.between(3.0, 30.0),
        sleeve_flare_m=sleeve_flare_m,
        shoulder_m=shoulder_m,
    )
