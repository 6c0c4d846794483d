"""What a garment hides of the skin and of the cloth under it, whatever it does; the rest has to be drawn."""

import numpy as np
from jaxtyping import Bool

from hd_core.synth.body.model import NUM_SKIN_VERTICES
from hd_core.synth.garments.bolts import Places, base_places
from hd_core.synth.garments.patterns import Pattern, pattern_field

SKIN_MARGIN, CLOTH_MARGIN = 0.04, 0.12
"""Hidden is what lies under a garment by this much, so that nothing is missing at a hem that rides up."""
WIDE_M = 0.03
"""A sleeve or a leg that flares more than this is open to the eye, "sees in" so many halves of the limb:"""
SEEN_IN = 0.6


def hidden_skin(pattern: Pattern) -> Bool[np.ndarray, " s"]:
    """Skin vertices that cannot be seen; a skirt hides none, one sees under it."""
    return covers(pattern, base_places(), margin=SKIN_MARGIN)[:NUM_SKIN_VERTICES]


def covers(pattern: Pattern, at: Places, *, margin: float) -> Bool[np.ndarray, " n"]:
    """Whether places lie well under a garment: not at an edge, under a skirt, at an open front or in a wide sleeve."""
    depth = pattern_field(pattern, at) - margin
    if pattern.kind == "skirt":
        return np.zeros(len(at.x), bool)
    on_arm, on_leg = at.on_arm, at.on_leg
    if pattern.front_m:
        depth[~on_arm] = -1
    if pattern.kind == "dress":
        depth[~on_arm] = np.minimum(depth, at.z - pattern.waist_m)[~on_arm]
    if pattern.sleeve_flare_m > WIDE_M:
        depth[on_arm] -= SEEN_IN
    if pattern.flare_m > WIDE_M and pattern.kind in {"bottom", "overall"}:
        depth[on_leg] -= SEEN_IN
    return np.asarray(depth > 0)
