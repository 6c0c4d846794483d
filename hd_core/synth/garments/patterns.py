"""Patterns: which part of the helper surfaces a T-shirt, a pair of trousers or a skirt is.

A pattern is cut on the template, by how far down an arm or a leg a point lies and how high on the trunk, so one
pattern fits every body.
"""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.model import BodyModel, load_body
from hd_core.synth.body.skeleton import BONES, PARENTS, bone_index
from hd_core.synth.garments.slicing import BoundMesh, largest_part, refine, slice_mesh

ARM = ("Arm", "ForeArm", "Hand")
LEG = ("UpLeg", "Leg", "Foot")
NECK_HALF_WIDTH_M = 0.06
"""Beyond it a neckline rises to the shoulder."""
OFF_LIMB = -1.0
"""How far down a limb the trunk is: before its beginning."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """The cut of one garment.

    Args:
        kind: "top", "bottom" or "skirt".
        sleeve: Where sleeves end: 0 at the shoulder, 1 at the elbow, 2 at the wrist.
        leg: Where legs end: 0 at the hip, 1 at the knee, 2 at the ankle.
        hem_m: Height of the lower edge of a top or a skirt, m on the template (hips 0.07, knees -0.37).
        waist_m: Height of the upper edge of a bottom or a skirt.
        neck_m: Height of a top's neckline at the back.
        scoop_m: How much deeper the neckline is in front.
    """

    kind: str
    sleeve: float = 0.5
    leg: float = 2.0
    hem_m: float = 0.0
    waist_m: float = 0.12
    neck_m: float = 0.58
    scoop_m: float = 0.05


@dataclass(frozen=True, kw_only=True)
class LimbCoordinates:
    """How far down its limb every vertex of the base mesh lies; `OFF_LIMB` on the trunk."""

    arm: Float[np.ndarray, " v"]
    leg: Float[np.ndarray, " v"]


def cut_pattern(pattern: Pattern) -> BoundMesh:
    """The triangles of a garment, bound to the base mesh and refined once."""
    model = load_body()
    faces = model.faces["skirt" if pattern.kind == "skirt" else "tights"]
    return refine(largest_part(slice_mesh(faces, pattern_field(pattern, model))))


@functools.cache
def limb_coordinates() -> LimbCoordinates:
    """Of the shipped body."""
    model = load_body()
    return LimbCoordinates(arm=_along(model, ARM, "Arm"), leg=_along(model, LEG, "UpLeg"))


def pattern_field(pattern: Pattern, model: BodyModel) -> Float[np.ndarray, " v"]:
    """Not negative where the garment is."""
    limbs, (x, y, z) = limb_coordinates(), model.template.T.astype(np.float64)
    on_arm = limbs.arm > OFF_LIMB
    if pattern.kind == "skirt":
        return np.asarray(np.minimum(pattern.waist_m - z, z - pattern.hem_m))
    if pattern.kind == "bottom":
        return np.where(on_arm, OFF_LIMB, np.minimum(pattern.waist_m - z, pattern.leg - limbs.leg))
    neckline = pattern.neck_m - pattern.scoop_m * np.clip(-y / 0.1, 0, 1) + np.maximum(np.abs(x) - NECK_HALF_WIDTH_M, 0)
    trunk = np.minimum(neckline - z, z - pattern.hem_m)
    return np.where(on_arm, pattern.sleeve - limbs.arm, np.minimum(trunk, pattern.sleeve - OFF_LIMB))


def _along(model: BodyModel, chain: tuple[str, str, str], first: str) -> Float[np.ndarray, " v"]:
    """0 at the first joint of the chain, 1 at the second, 2 at the third and on beyond it, by projection."""
    heads = model.template[model.head_vertices].mean(axis=1).astype(np.float64)
    down = np.full(len(model.template), OFF_LIMB)
    dominant = model.bone_indices[:, 0]
    for side in ("Left", "Right"):
        joints = heads[[bone_index(side + name) for name in chain]]
        follows = np.isin(dominant, _below(bone_index(side + first)))
        points = model.template[follows].astype(np.float64)
        upper, lower = (_projected(points, joints[k], joints[k + 1]) for k in (0, 1))
        down[follows] = np.where(lower > 0, 1 + lower, np.minimum(upper, 1))
    return down


def _projected(
    points: Float[np.ndarray, "n 3"], start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"]
) -> Float[np.ndarray, " n"]:
    bone = end - start
    along: np.ndarray = (points - start) @ bone / (bone @ bone)
    return along


def _below(bone: int) -> list[int]:
    """A bone and all that hang on it."""
    found = [bone]
    for child in range(bone + 1, len(BONES)):
        if PARENTS[child] in found:
            found.append(child)
    return found
