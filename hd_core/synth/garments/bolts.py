"""Bolts of cloth: the surfaces around the body that garments are cut from, refined, and where on the body they lie."""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hd_core.mesh.faces import boundary_edges
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel, load_body
from hd_core.synth.body.skeleton import BONES, PARENTS, bone_index
from hd_core.synth.garments.slicing import BoundMesh, join, largest_part, refine, slice_bound, whole

ARM = ("Arm", "ForeArm", "Hand")
LEG = ("UpLeg", "Leg", "Foot")
OFF_LIMB = -1.0
"""How far down a limb the trunk is: before its beginning."""
ON_LIMB = OFF_LIMB + 1e-6
"""Means of many such places may come out a little above."""
SKIRT_TOP = (0.175, 0.176)
"""Height of the upper edge of the helper skirt at y = 0, and its rise per metre backwards, template."""
SEAM_GAP_M = 0.03
"""Between the upper part of a dress and its skirt, before they are sewn together."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where points of the template lie, one value each.

    Args:
        x: To the person's left, m.
        y: Backwards, m.
        z: Up, m; the hip joints are at 0.05, the knees at -0.37.
        arm: How far down an arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist; `OFF_LIMB` on the trunk.
        leg: The same of the legs: hip, knee, ankle.
    """

    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    z: Float[np.ndarray, " n"]
    arm: Float[np.ndarray, " n"]
    leg: Float[np.ndarray, " n"]

    @property
    def on_arm(self) -> Bool[np.ndarray, " n"]:
        """Whether a point is at least partly bound to an arm."""
        return np.asarray(self.arm > ON_LIMB)

    @property
    def on_leg(self) -> Bool[np.ndarray, " n"]:
        """The same of the legs."""
        return np.asarray(self.leg > ON_LIMB)

    def on(self, mesh: BoundMesh) -> "Places":
        """The places of a bound mesh's vertices, from those of its base mesh."""
        values = mesh.apply(np.stack([self.x, self.y, self.z, self.arm, self.leg], axis=1)).T
        return Places(x=values[0], y=values[1], z=values[2], arm=values[3], leg=values[4])


@functools.cache
def base_places() -> Places:
    """Of the vertices of the base mesh."""
    model = load_body()
    x, y, z = model.template.T.astype(np.float64)
    return Places(x=x, y=y, z=z, arm=_along(model, ARM, "Arm"), leg=_along(model, LEG, "UpLeg"))


@functools.cache
def bolt(name: str, refinements: int) -> BoundMesh:
    """A surface to cut from.

    Args:
        name: "tights" (trunk, arms and legs), "skirt", or "gown" (the tights' upper half sewn to the skirt).
        refinements: How often every triangle is divided in four; edges are 3 cm long before.
    """
    if refinements:
        return refine(bolt(name, refinements - 1))
    return _gown() if name == "gown" else whole(load_body().faces[name])


@functools.cache
def skin_limbs() -> Int[np.ndarray, " s"]:
    """Limb of every skin vertex: 0 trunk and head, then the left and the right arm, the left and the right leg."""
    model = load_body()
    dominant = model.bone_indices[:NUM_SKIN_VERTICES, 0]
    limbs = np.zeros(NUM_SKIN_VERTICES, np.int64)
    for number, bone in enumerate(("LeftArm", "RightArm", "LeftUpLeg", "RightUpLeg")):
        limbs[np.isin(dominant, _below(bone_index(bone)))] = number + 1
    return limbs


def _gown() -> BoundMesh:
    """The trunk and arms down to the skirt's upper edge, and the skirt, sewn together."""
    tights, skirt = bolt("tights", 0), bolt("skirt", 0)
    at = base_places().on(tights)
    above = at.z - SKIRT_TOP[0] - SKIRT_TOP[1] * at.y - SEAM_GAP_M
    upper = largest_part(slice_bound(tights, np.where(at.on_arm, 1.0, above)))
    high, low = base_places().on(upper), base_places().on(skirt)
    waist = _ring(upper, high, ~high.on_arm & (high.z < 0.4))
    return join(upper, skirt, _seam(waist, _ring(skirt, low, low.z > 0), len(upper.sources)))


Ring = tuple[list[int], list[float]]
"""Vertices around the body, the first once more at the end, and how far each has turned from the first."""


def _ring(mesh: BoundMesh, places: Places, among: Bool[np.ndarray, " g"]) -> Ring:
    """The edge of a mesh at some vertices, walked from the back over the right, the front and the left."""
    follows = {int(a): int(b) for a, b in boundary_edges(mesh.faces) if among[a] and among[b]}
    angle = np.arctan2(places.x, -(places.y + 0.04))
    walk = [min(follows, key=lambda at: float(angle[at]))]
    while (after := follows[walk[-1]]) != walk[0]:
        walk.append(after)
    turned = np.unwrap(angle[[*walk, walk[0]]])
    if turned[-1] < turned[0]:
        return [walk[0], *walk[:0:-1], walk[0]], [*(turned[::-1] - turned[-1])]
    return [*walk, walk[0]], [*(turned - turned[0])]


def _seam(upper: Ring, lower: Ring, offset: int) -> Int[np.ndarray, "f 3"]:
    """Triangles between two rings; the numbers of the lower one's vertices begin at `offset`."""
    (above, at_above), (below, at_below) = upper, lower
    triangles, i, j = [], 0, 0
    while i + 1 < len(above) or j + 1 < len(below):
        down = j + 1 < len(below) and (i + 1 == len(above) or at_below[j + 1] <= at_above[i + 1])
        here = above[i], offset + below[j]
        j, i = (j + 1, i) if down else (j, i + 1)
        triangles.append([*here, offset + below[j] if down else above[i]])
    return np.array(triangles)


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
