"""A person's skin by a few hundred points, so that arms can be kept out of the body whatever its build."""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

import functools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, Int32

from hd_core.compiled import compiled
from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import BONES
from hd_core.synth.body.skinning import skin_points, smooth_normals

_GRID_M = {"hand": 0.02, "rest": 0.04}
_HAND = ("Hand", "Thumb", "FingerBase", "HandFinger1")
_ARM = (*_HAND, "ForeArm")
_NEAR_M = 0.15
"""Skin further off than this from a point of an arm says nothing about it."""
BODY, LEFT_UPPER, RIGHT_UPPER, LEFT_ARM, RIGHT_ARM = range(5)
"""What a point belongs to; upper arms are apart because they always touch the body."""


@dataclass(frozen=True, kw_only=True)
class Flesh:
    """Some points of a person's skin.

    Args:
        points: At rest, m.
        normals: Unit, outwards.
        parts: `BODY`, or which part of which arm.
        bone_indices: Bones that each point follows, strongest first.
        bone_weights: Their shares.
    """

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    parts: Int32[np.ndarray, " n"]
    bone_indices: np.ndarray
    bone_weights: Float32[np.ndarray, "n 8"]


def flesh_of(rest: RestBody) -> Flesh:
    """The skin of a person at rest."""
    model = load_body()
    chosen, parts = _chosen()
    normals = smooth_normals(rest.vertices[:NUM_SKIN_VERTICES], model.faces["body"])
    return Flesh(
        points=rest.vertices[chosen],
        normals=normals[chosen],
        parts=parts,
        bone_indices=model.bone_indices[chosen],
        bone_weights=model.bone_weights[chosen],
    )


def part_of_bone(name: str) -> int:
    """Which part of the skin a bone carries."""
    left = name.startswith("Left") or name == "LThumb"
    plain = name.removeprefix("Left").removeprefix("Right")
    if plain in _ARM or plain in ("LThumb", "RThumb"):
        return LEFT_ARM if left else RIGHT_ARM
    if plain == "Arm":
        return LEFT_UPPER if left else RIGHT_UPPER
    return BODY


@functools.cache
def _chosen() -> tuple[np.ndarray, Int32[np.ndarray, " n"]]:
    """One vertex of the skin in each cell of a grid, finer at the hands, and its part."""
    model = load_body()
    bones = model.bone_indices[:NUM_SKIN_VERTICES, 0]
    parts = np.array([part_of_bone(name) for name in BONES], np.int32)[bones]
    fine = np.array([name.endswith(_HAND) for name in BONES])[bones]
    used = np.unique(model.faces["body"])
    picked = []
    for here, step in ((fine, _GRID_M["hand"]), (~fine, _GRID_M["rest"])):
        vertices = used[here[used]]
        cells = np.floor(model.template[vertices] / step).astype(np.int64)
        picked.append(vertices[np.unique(cells, axis=0, return_index=True)[1]])
    chosen = np.concatenate(picked)
    chosen = chosen[np.lexsort((chosen, model.bone_indices[chosen, 0]))]  # one run for each bone
    return chosen, parts[chosen]


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Where forearm and hand of one arm are deepest inside the rest of the person, frame by frame.

    Args:
        point: The deepest point, m.
        out: The way out, unit.
        depth: How deep, m, with the clearance in it; 0 where nothing is touched.
    """

    point: Float[np.ndarray, "t 3"]
    out: Float[np.ndarray, "t 3"]
    depth: Float[np.ndarray, " t"]


def arm_contacts(
    flesh: Flesh, posed: Float[np.ndarray, "t 31 4 4"], *, clearance_m: float = 0.0, floor_m: float = -np.inf
) -> dict[str, Contact]:
    """The contacts of both arms, "Left" and "Right".

    A point is inside if it lies behind the skin point that is nearest to it; its depth is how far behind.

    Args:
        flesh: The skin.
        posed: Rigid map of each bone and frame.
        clearance_m: Skin nearer than this counts as touched already.
        floor_m: Height of the floor, which is touched like skin.
    """
    points = skin_points(flesh.points, flesh.bone_indices, flesh.bone_weights, posed)
    turns = np.ascontiguousarray(posed[..., :3, :3], dtype=np.float32)
    bones = flesh.bone_indices[:, 0].astype(np.int64)
    contacts = {}
    for side, arm, upper in (("Left", LEFT_ARM, LEFT_UPPER), ("Right", RIGHT_ARM, RIGHT_UPPER)):
        theirs = (flesh.parts != arm) & (flesh.parts != upper)
        ends = np.flatnonzero(np.diff(np.where(theirs, bones, -1), prepend=-2, append=-2))
        runs = np.array([(a, b) for a, b in pairwise(ends) if theirs[a]])
        found = np.zeros((len(points), 7), np.float32)
        mine = np.flatnonzero(flesh.parts == arm)
        for frame in range(len(points)):
            _search(points[frame], turns[frame], bones, flesh.normals, mine, runs, clearance_m, found[frame])
            lowest = points[frame, mine[points[frame, mine, 2].argmin()]]
            if floor_m + clearance_m - lowest[2] > found[frame, 6]:
                found[frame] = (*lowest, 0.0, 0.0, 1.0, floor_m + clearance_m - lowest[2])
        wide = found.astype(np.float64)
        contacts[side] = Contact(point=wide[:, :3], out=wide[:, 3:6], depth=wide[:, 6])
    return contacts


@compiled
def _search(
    points: np.ndarray,
    turns: np.ndarray,
    bones: np.ndarray,
    normals: np.ndarray,
    mine: np.ndarray,
    runs: np.ndarray,
    clearance: float,
    found: np.ndarray,
) -> None:
    """The deepest of all points of an arm: place, way out, depth. Runs of skin that are too far are passed over."""
    spheres = np.zeros((len(runs), 4), np.float32)
    for r in range(len(runs)):
        _enclose(points[runs[r, 0] : runs[r, 1]], spheres[r])
    out = np.empty(3, np.float32)
    for i in mine:
        nearest = _nearest(points, i, runs, spheres)
        if nearest < 0:
            continue
        depth = clearance
        for k in range(3):
            out[k] = 0
            for m in range(3):
                out[k] += turns[bones[nearest], k, m] * normals[nearest, m]
            depth += (points[nearest, k] - points[i, k]) * out[k]
        if depth > found[6]:
            found[:3], found[3:6], found[6] = points[i], out, depth


@compiled
def _nearest(points: np.ndarray, i: int, runs: np.ndarray, spheres: np.ndarray) -> int:
    """Which point of the runs is nearest to point i; -1 if none is near."""
    best, nearest = float(_NEAR_M), -1
    for r in range(len(runs)):
        if _apart(points[i], spheres[r]) - spheres[r, 3] >= best:
            continue
        for j in range(runs[r, 0], runs[r, 1]):
            far = _apart(points[i], points[j])
            if far < best:
                best, nearest = far, j
    return nearest


@compiled
def _enclose(points: np.ndarray, sphere: np.ndarray) -> None:
    """Centre and radius of a sphere around points."""
    for k in range(3):
        sphere[k] = points[:, k].mean()
    for i in range(len(points)):
        sphere[3] = max(sphere[3], _apart(points[i], sphere))


@compiled
def _apart(a: np.ndarray, b: np.ndarray) -> float:
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return float(np.sqrt(x * x + y * y + z * z))
