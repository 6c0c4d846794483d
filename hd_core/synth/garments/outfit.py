"""What a person wears: garments with their cut, ease, fabric and print, innermost first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from hd_core.synth.garments import lowers, outers, uppers
from hd_core.synth.garments.garb import Garb, Tailor
from hd_core.synth.garments.uppers import Garbs
from hd_core.synth.splits import allowed

LOWER: Mapping[Callable[[Tailor], Garb], float] = {
    lowers.leggings: 0.10,
    lowers.trousers: 0.26,
    lowers.baggy_trousers: 0.12,
    lowers.wide_trousers: 0.08,
    lowers.cargo_trousers: 0.06,
    lowers.shorts: 0.19,
    lowers.skirt: 0.08,
    lowers.long_skirt: 0.05,
    lowers.pleated_skirt: 0.03,
    lowers.pencil_skirt: 0.03,
}
"""For the legs, and how often each is drawn."""
UPPER: Mapping[Callable[[Tailor], Garbs], float] = {
    uppers.t_shirt: 0.22,
    uppers.oversized_shirt: 0.10,
    uppers.long_sleeves: 0.12,
    uppers.sweater: 0.09,
    uppers.tank_top: 0.10,
    uppers.crop_top: 0.06,
    uppers.turtleneck: 0.05,
    uppers.polo_shirt: 0.05,
    uppers.shirt: 0.08,
    uppers.blouse: 0.05,
    uppers.hoodie: 0.08,
}
"""For the trunk."""
ONE_PIECE: Mapping[Callable[[Tailor], Garb], float] = {
    lowers.strap_dress: 0.33,
    lowers.sleeve_dress: 0.33,
    lowers.tight_dress: 0.16,
    lowers.jumpsuit: 0.18,
}
"""Instead of both."""
OUTER: Mapping[Callable[[Tailor], Garbs], float] = {
    outers.jacket: 0.24,
    outers.coat: 0.16,
    outers.cardigan: 0.16,
    outers.open_shirt: 0.18,
    outers.zip_hoodie: 0.12,
    outers.vest: 0.08,
    outers.kimono: 0.06,
}
"""Open, over what is on the trunk."""
ONE_PIECE_SHARE, DUNGAREES_SHARE, OUTER_SHARE, SCARF_SHARE, TUCKED_SHARE = 0.18, 0.03, 0.20, 0.03, 0.15
SHORTEST_TUCKED_M = 0.06
"""A top must reach down to here to be worn inside trousers."""
RARE = ("cargo_trousers", "pleated_skirt", "pencil_skirt", "blouse", "polo_shirt", "jumpsuit", "vest", "kimono")
"""Cuts that not every split has."""
Made = TypeVar("Made")


def sample_outfit(cut: np.random.Generator, looks: np.random.Generator) -> tuple[Garb, ...]:
    """Draw what somebody wears; bare legs, tight and baggy garments, dresses and open layers included.

    Args:
        cut: Draws cuts, ease and fabrics.
        looks: Draws prints.
    """
    tailor = Tailor(cut, looks)
    worn: tuple[Garb, ...]
    if tailor.chance(ONE_PIECE_SHARE):
        worn = (_draw(tailor, ONE_PIECE)(tailor),)
    elif tailor.chance(DUNGAREES_SHARE):
        worn = (*_under(uppers.t_shirt(tailor)), lowers.dungarees(tailor.over()))
    else:
        worn = _two_pieces(tailor)
    if tailor.chance(OUTER_SHARE) and not _hooded(worn):
        worn = (*_under(worn), *_draw(tailor, OUTER)(tailor.over()))
    if tailor.chance(SCARF_SHARE) and not _hooded(worn):
        worn = (*worn, outers.scarf(tailor.over()))
    return worn


def covers_head(garbs: Sequence[Garb]) -> bool:
    """Whether a hood is up: there is no room for a hat or much hair."""
    return any(garb.pattern.kind == "hood up" for garb in garbs)


def _two_pieces(tailor: Tailor) -> tuple[Garb, ...]:
    lower, upper = _draw(tailor, LOWER)(tailor), _draw(tailor, UPPER)(tailor)
    shirt = upper[0]
    if shirt.pattern.hem_m < SHORTEST_TUCKED_M and not shirt.pattern.flare_m and tailor.chance(TUCKED_SHARE):
        inside = replace(shirt.pattern, tucked=True, waist_m=lower.pattern.waist_m, hem_m=lower.pattern.waist_m - 0.07)
        return replace(shirt, pattern=inside), replace(lower, under_m=0.004), *upper[1:]
    over = replace(shirt.pattern, waist_m=lower.pattern.waist_m, hips_m=lower.ease_m)
    return lower, replace(shirt, pattern=over), *upper[1:]


def _under(worn: tuple[Garb, ...]) -> tuple[Garb, ...]:
    """The same so close to the body that an outer layer finds room."""
    return tuple(
        replace(garb, ease_m=min(garb.ease_m, 0.014), pattern=replace(garb.pattern, sleeve_flare_m=0.0))
        if garb.pattern.kind in {"top", "dress", "overall"}
        else garb
        for garb in worn
    )


def _hooded(worn: tuple[Garb, ...]) -> bool:
    return any(garb.pattern.kind in {"hood up", "hood down"} for garb in worn)


def _draw(tailor: Tailor, shares: Mapping[Callable[[Tailor], Made], float]) -> Callable[[Tailor], Made]:
    """One of the cuts that the split has."""
    rare = allowed(RARE, tailor.cut, catalogue="cut")
    cuts = [cut for cut in shares if cut.__name__ not in RARE or cut.__name__ in rare]
    weight = np.array([shares[cut] for cut in cuts])
    return cuts[int(tailor.cut.choice(len(cuts), p=weight / weight.sum()))]
