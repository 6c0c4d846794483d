"""A foot as a shoemaker knows it: smooth rings from the toes round the heel up the leg, and the print of the sole."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.wear.forms import unit
from hd_core.synth.wear.piece import off_the_skin
from hd_core.synth.wear.sections import girdle, smoothed

COLUMNS = 26
TOES, HEEL = 10, 7
"""Rings from the toes to the instep, and round the heel."""
STEP_M = 0.025
"""Between rings up the leg."""
UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Last:
    """One foot.

    Args:
        rings: From the toes to the top, m; column 0 is at the outer (left) side, a quarter turn on the sole.
        forward: Unit, towards the toes, level.
        ankle: Joint of the ankle, m.
        floor_m: Height of the sole.
        skin: Vertices of the foot and the leg below the knee.
    """

    rings: Float[np.ndarray, "r c 3"]
    forward: Float[np.ndarray, "3"]
    ankle: Float[np.ndarray, "3"]
    floor_m: float
    skin: Int[np.ndarray, " s"]

    def along(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n"]:
        """How far towards the toes points are: 0 at the heel, 1 at the tip."""
        place = points @ self.forward
        ends = self.rings[: TOES + HEEL + 1] @ self.forward
        return np.asarray((place - ends.min()) / (ends.max() - ends.min()))


def last_of(rest: RestBody, side: str, *, top_m: float, off_m: float) -> Last:
    """Measure a foot.

    Args:
        rest: The person.
        side: "Left" or "Right".
        top_m: How far above the ankle joint the rings go.
        off_m: How far they stay off the skin.
    """
    skin = np.flatnonzero(leg_skin(side))
    points = rest.vertices[skin].astype(np.float64)
    ankle = rest.heads[bone_index(side + "Foot")].astype(np.float64)
    forward = unit((rest.heads[bone_index(side + "ToeBase")] - ankle) * np.array([1.0, 1.0, 0.0]))
    left = np.cross(UP, -forward)
    below = points[points[:, 2] < ankle[2] + 0.03]
    floor = float(below[:, 2].min())
    tip, instep = float(((below - ankle) @ forward).max()), 0.045
    pivot = ankle + instep * forward + min(0.035, top_m) * UP
    rings = []
    for share in np.linspace(0.0, 1.0, TOES) ** 1.4:
        origin = ankle + (tip - 0.006 + share * (instep - tip + 0.006)) * forward
        rings.append(girdle(below, origin, left, -UP, count=COLUMNS, off_m=off_m))
    for turn in np.linspace(0, np.pi / 2, HEEL + 1)[1:]:
        outwards = -np.cos(turn) * UP - np.sin(turn) * forward
        behind = points[((points - pivot) @ outwards > -0.01) & (points[:, 2] < pivot[2] + 0.03)]
        rings.append(girdle(behind, pivot, left, outwards, count=COLUMNS, off_m=off_m + 0.002))
    shaft = [np.array([*ankle[:2], z]) for z in np.arange(pivot[2] + STEP_M / 2, ankle[2] + top_m, STEP_M)]
    rings += [girdle(points, at, left, -forward, count=COLUMNS, reach_m=0.03, off_m=off_m) for at in shaft]
    found = off_the_skin(smoothed(np.stack(rings), times=2), rest, 0.7 * off_m, among=skin)
    nose = found[:1].mean(axis=1, keepdims=True) + (off_m + 0.002) * forward
    tip_ring = nose + 0.55 * (found[:1] - found[:1].mean(axis=1, keepdims=True))
    return Last(rings=np.concatenate([tip_ring, found]), forward=forward, ankle=ankle, floor_m=floor, skin=skin)


def leg_skin(side: str) -> Bool[np.ndarray, " s"]:
    """Skin of the foot and of the leg below the knee."""
    bones = [bone_index(side + name) for name in ("Leg", "Foot", "ToeBase")]
    return np.asarray(np.isin(load_body().bone_indices[:NUM_SKIN_VERTICES, 0], bones))
