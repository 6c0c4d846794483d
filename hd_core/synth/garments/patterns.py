"""Patterns: which part of a bolt of cloth a T-shirt, a pair of trousers, a dress or a coat is.

A pattern is cut on the template, by how far down an arm or a leg a point lies and how high on the trunk, so one
pattern fits every body.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.garments.bolts import OFF_LIMB, Places, base_places, bolt
from hd_core.synth.garments.slicing import BoundMesh, largest_part, slice_bound
from hd_core.synth.garments.trims import TRIMS, Trim, trim_mesh

BOLTS = {"top": "tights", "bottom": "tights", "overall": "tights", "skirt": "skirt", "dress": "gown"}
"""Kinds of pattern and what they are cut from; trims are made on their own."""
LONG_TOP_M = 0.09
"""A top whose hem lies lower than this is cut from the gown: the tights follow the seat and the legs."""
FRONT_M = -0.02
"""The front of the body lies before this."""
STRAP_M = 0.022
"""Half the width of a strap of dungarees."""
STRAP_PLACE = (0.085, 0.42)
"""Distance of the straps of dungarees from the middle, and the height at which they begin, m on the template."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """The cut of one garment; lengths in m on the template.

    Args:
        kind: "top", "bottom", "skirt", "dress", "overall" (top and bottom in one), or one of `TRIMS`.
        sleeve: Where sleeves end: 0 at the shoulder, 1 at the elbow, 2 at the wrist.
        leg: Where legs end: 0 at the hip, 1 at the knee, 2 at the ankle.
        hem_m: Height of the lower edge of a top, a skirt or a dress (hips 0.07, knees -0.37).
        waist_m: Height of the upper edge of a bottom or a skirt; where a dress or a top is narrowest.
        neck_m: Height of the neckline at the back.
        scoop_m: How much deeper the neckline is in front.
        back_scoop_m: How much deeper it is at the back.
        vee_m: How much deeper still it is in the middle of the front.
        neck_half_m: Half the width of the neckline; beyond it, it rises to the shoulder.
        shoulder_m: A sleeveless garment ends this far from the middle at the shoulder; no limit if 0.
        front_m: Half the width at the neck of an open front; closed if 0.
        front_spread: How much wider an open front becomes downwards, per metre.
        bib_m: Half the width of the bib of dungarees; what is above the waist is whole if 0.
        flare_m: How much farther than its ease a skirt, a leg or a hem stands off at its lower end; a skirt with a
            flare below 0 is narrow.
        sleeve_flare_m: The same of sleeves.
        pleats: Number of pleats of a skirt.
        pleat_m: Their depth.
        pocket_m: How far pockets on the thighs stand out.
        hips_m: Ease of what a top is worn over on the hips, below `waist_m`.
        tucked: A top that is worn inside what is below it.
        freedom: How much less than usual hem and front edges are tied to the body.
        fine: Divided once more, for small folds.
        trim: Size and shape of a trim.
    """

    kind: str
    sleeve: float = 0.5
    leg: float = 2.0
    hem_m: float = 0.0
    waist_m: float = 0.12
    neck_m: float = 0.58
    scoop_m: float = 0.05
    back_scoop_m: float = 0.0
    vee_m: float = 0.0
    neck_half_m: float = 0.06
    shoulder_m: float = 0.0
    front_m: float = 0.0
    front_spread: float = 0.0
    bib_m: float = 0.0
    flare_m: float = 0.0
    sleeve_flare_m: float = 0.0
    pleats: int = 0
    pleat_m: float = 0.0
    pocket_m: float = 0.0
    hips_m: float = 0.0
    tucked: bool = False
    freedom: float = 1.0
    fine: bool = False
    trim: Trim | None = None

    def __post_init__(self) -> None:
        if (self.kind in TRIMS) != (self.trim is not None) or self.kind not in {*BOLTS, *TRIMS}:
            known = ", ".join((*BOLTS, *TRIMS))
            raise InputError(f"Found the pattern {self.kind!r}; expected one of {known}, the last with a trim.")

    @property
    def cloth(self) -> str:
        """The bolt that it is cut from."""
        falls = self.kind == "top" and self.hem_m < LONG_TOP_M and not self.tucked
        return "gown" if falls else BOLTS.get(self.kind, "")


def cut_pattern(pattern: Pattern) -> BoundMesh:
    """The triangles of a garment, bound to the base mesh."""
    if pattern.trim is not None:
        return trim_mesh(pattern.kind, pattern.trim)
    cloth = bolt(pattern.cloth, 2 if pattern.fine else 1)
    return largest_part(slice_bound(cloth, pattern_field(pattern, base_places().on(cloth))))


def pattern_field(pattern: Pattern, at: Places) -> Float[np.ndarray, " n"]:
    """Not negative where the garment is; of metres on the trunk, of limbs' halves on the limbs; -1 for trims."""
    on_arm = at.on_arm
    if pattern.trim is not None:
        return np.full(len(at.x), OFF_LIMB)
    if pattern.kind == "skirt":
        return np.where(on_arm, OFF_LIMB, np.minimum(pattern.waist_m - at.z, at.z - pattern.hem_m))
    if pattern.kind == "bottom":
        return np.where(on_arm, OFF_LIMB, np.minimum(pattern.waist_m - at.z, pattern.leg - at.leg))
    end = pattern.leg - at.leg if pattern.kind == "overall" else at.z - pattern.hem_m
    trunk = np.minimum(_neckline(pattern, at) - at.z, end)
    trunk = np.minimum(trunk, pattern.sleeve - OFF_LIMB)
    arm = pattern.sleeve - at.arm
    if pattern.shoulder_m:
        trunk, arm = (np.minimum(part, _armhole(pattern, at)) for part in (trunk, arm))
    if pattern.front_m:
        trunk = np.minimum(trunk, _front(pattern, at))
    if pattern.bib_m:
        trunk, arm = np.minimum(trunk, _bib(pattern, at)), np.full(len(at.x), OFF_LIMB)
    return np.where(on_arm, arm, trunk)


def front_gap(pattern: Pattern, at: Places) -> Float[np.ndarray, " n"]:
    """Half the width of the open front at every height."""
    return np.asarray(pattern.front_m + pattern.front_spread * np.maximum(pattern.neck_m - at.z, 0))


def _front(pattern: Pattern, at: Places) -> Float[np.ndarray, " n"]:
    """Distance from the edge of an open front; far from it at the back."""
    return np.where(at.y < FRONT_M, np.abs(at.x) - front_gap(pattern, at), 1.0)


def _neckline(pattern: Pattern, at: Places) -> Float[np.ndarray, " n"]:
    """Height of the neckline; it rises towards the shoulders so that it ends on them."""
    ahead, behind = np.clip(-at.y / 0.1, 0, 1), np.clip((at.y + 0.02) / 0.06, 0, 1)
    aside = np.abs(at.x)
    vee = pattern.vee_m * np.clip(1 - aside / max(pattern.neck_half_m, 0.01), 0, 1)
    line = pattern.neck_m - (pattern.scoop_m + vee) * ahead - pattern.back_scoop_m * behind
    steep = (6 if pattern.shoulder_m else 1) + (pattern.scoop_m * ahead + pattern.back_scoop_m * behind) / 0.05
    return np.asarray(line + steep * np.maximum(aside - pattern.neck_half_m, 0))


def _armhole(pattern: Pattern, at: Places) -> Float[np.ndarray, " n"]:
    """Straight down from the shoulder, then out to below the armpit."""
    return np.asarray(pattern.shoulder_m + np.maximum(0.455 - at.z, 0) * 1.6 - np.abs(at.x))


def _bib(pattern: Pattern, at: Places) -> Float[np.ndarray, " n"]:
    """Everything below the waist, a bib before the chest, and two straps over the shoulders."""
    aside = np.abs(at.x)
    place, start = STRAP_PLACE
    bib = np.where(at.y < FRONT_M, np.minimum(pattern.bib_m - aside, start - at.z), -1.0)
    strap = np.minimum(STRAP_M - np.abs(aside - place), at.z - pattern.waist_m)
    return np.asarray(np.maximum(np.maximum(pattern.waist_m - at.z, bib), strap))
