"""An outfit on a person: every garment fitted over those below it, and what each of them hides left out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel
from hd_core.synth.garments.bolts import base_places
from hd_core.synth.garments.cover import CLOTH_MARGIN, covers, hidden_skin
from hd_core.synth.garments.fit import Fitted, fit
from hd_core.synth.garments.garb import Garb
from hd_core.synth.garments.patterns import cut_pattern


def dress(garbs: Sequence[Garb], model: BodyModel, rest: RestBody) -> tuple[Fitted, ...]:
    """Cut and fit what a person wears.

    Args:
        garbs: Innermost first.
        model: The shared body.
        rest: The person.
    """
    worn = []
    for number, garb in enumerate(garbs):
        mesh = cut_pattern(garb.pattern)
        one = fit(garb.pattern, mesh, model, rest, ease_m=garb.ease_m, under_m=garb.under_m)
        at = base_places().on(mesh)
        under = np.zeros(len(at.x), bool)
        if garb.pattern.trim is None:
            for outer in garbs[number + 1 :]:
                under |= covers(outer.pattern, at, margin=CLOTH_MARGIN)
        worn.append(replace(one, shown=~under[mesh.faces].all(axis=1)))
    return tuple(worn)


def skin_under(garbs: Sequence[Garb]) -> Bool[np.ndarray, " s"]:
    """Skin vertices that an outfit hides, whatever it does."""
    hidden = np.zeros(NUM_SKIN_VERTICES, bool)
    for garb in garbs:
        hidden |= hidden_skin(garb.pattern)
    return hidden
