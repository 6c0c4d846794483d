"""Bags: a backpack with straps over both shoulders, and a shoulder bag on a strap across the chest.

Straps lie over the clothes as these are at rest; the bag's body follows the spine or the hip.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, cKDTree

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.look.fabric import sample_fabric_print
from hd_core.synth.wear.forms import rounded_box, tube, unit
from hd_core.synth.wear.looks import Cloth, Look, Stuff
from hd_core.synth.wear.piece import Piece, off_the_skin, skin_piece

UP = np.array([0.0, 0.0, 1.0])
TRUNK = ("Hips", "LowerBack", "Spine", "Spine1", "LeftShoulder", "RightShoulder", "Neck", "LHipJoint", "RHipJoint")
STRAP_POINTS = 34
STRAP_OFF_M = 0.008


def backpack(rng: np.random.Generator, rest: RestBody, worn: Float[np.ndarray, "n 3"]) -> tuple[Piece, ...]:
    """A backpack with its straps.

    Args:
        rng: Source of all choices.
        rest: The person.
        worn: Points of the clothes in the rest pose; may be none.
    """
    trunk = np.concatenate([_trunk(rest), worn[np.abs(worn[:, 0]) < 0.16]])
    shoulders = (
        rest.heads[bone_index("LeftArm")].astype(np.float64),
        rest.heads[bone_index("RightArm")].astype(np.float64),
    )
    apart = float(shoulders[0][0] - shoulders[1][0])
    size = np.array([rng.uniform(0.38, 0.46) * apart, rng.uniform(0.055, 0.09), rng.uniform(0.17, 0.24)])
    middle = (shoulders[0] + shoulders[1]) / 2 - np.array([0, 0, size[2] * rng.uniform(0.85, 1.0)])
    behind = trunk[(np.abs(trunk[:, 2] - middle[2]) < 0.6 * size[2]) & (np.abs(trunk[:, 0]) < size[0])]
    middle[1] = np.quantile(behind[:, 1], 0.97) + 0.8 * size[1]
    points, faces = rounded_box(size, power=float(rng.uniform(3.0, 6.0)), rows=18)
    points = points * (1 + 0.02 * np.sin(points[:, [2]] * 40))
    bulge = np.clip(points[:, [1]] / size[1], 0, 1) * np.clip(-points[:, [2]] / size[2], 0, 1)
    points = points + bulge * np.array([[0, 0.25 * size[1], 0]]) + middle
    cloth = _bag_cloth(rng)
    belt = Stuff(colour=rng.uniform(0.01, 0.15, 3), specular=0.02, roughness=0.8)
    back = np.flatnonzero(_trunk_skin() & (rest.vertices[:NUM_SKIN_VERTICES, 1] > rest.heads[bone_index("Spine"), 1]))
    bag = skin_piece("backpack", (points, faces), rest, cloth, among=back, texture=_print_places(points))
    pieces = [_held(bag)]
    for shoulder in shoulders:
        x = 0.62 * shoulder[0] + 0.38 * middle[0]
        path = off_the_skin(_over_shoulder(trunk, x, middle, size), rest, 0.014, among=np.flatnonzero(_trunk_skin()))
        wide = np.stack([np.full(len(path), 0.022), np.full(len(path), 0.004)], axis=1)
        mesh = tube(path, wide, path - np.array([x, shoulder[1], middle[2]]), sides=8, closed=False)
        pieces.append(skin_piece("straps", mesh, rest, belt, among=np.flatnonzero(_trunk_skin())))
    return tuple(pieces)


def shoulder_bag(rng: np.random.Generator, rest: RestBody, worn: Float[np.ndarray, "n 3"]) -> tuple[Piece, ...]:
    """A bag at the hip, on a strap over the other shoulder; arguments as for `backpack`."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    trunk = np.concatenate([_trunk(rest), worn[np.abs(worn[:, 0]) < 0.19]])
    hip = rest.heads[bone_index("LeftUpLeg" if side > 0 else "RightUpLeg")].astype(np.float64)
    shoulder = rest.heads[bone_index("RightArm" if side > 0 else "LeftArm")].astype(np.float64)
    top = np.array([0.55 * shoulder[0], shoulder[1], shoulder[2] + 0.04])
    down = unit(hip + np.array([0.3 * side * 0.1, 0, 0.03]) - top)
    loop = _taut(trunk, top, down)
    wide = np.stack([np.full(len(loop), rng.uniform(0.008, 0.02)), np.full(len(loop), 0.002)], axis=1)
    leather = rng.random() < 0.5
    stuff: Look = Stuff(colour=rng.uniform(0.01, 0.3) * rng.uniform(0.4, 1, 3), roughness=0.45, grain_m=0.003)
    strap = tube(loop, wide, loop - loop.mean(axis=0), sides=6, closed=True)
    lowest = loop[loop[:, 2].argmin()]
    size = np.array([rng.uniform(0.03, 0.05), rng.uniform(0.09, 0.15), rng.uniform(0.07, 0.12)])
    points, faces = rounded_box(size, power=float(rng.uniform(3.5, 7.0)))
    outwards = np.array([side * (0.7 * size[0]), -0.02, -0.6 * size[2]])
    near = np.flatnonzero(_trunk_skin() | _thigh_skin(side))
    points = points + lowest + outwards
    look = stuff if leather else _bag_cloth(rng)
    bag = skin_piece("shoulder bag", (points, faces), rest, look, among=near, texture=_print_places(points))
    return _held(bag), skin_piece("straps", strap, rest, stuff, among=np.flatnonzero(_trunk_skin()))


def _over_shoulder(
    trunk: Float[np.ndarray, "n 3"], x: float, middle: Float[np.ndarray, "3"], size: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "p 3"]:
    """From the top of the bag over the shoulder down the chest and back under the arm to the bag's foot."""
    near = trunk[(np.abs(trunk[:, 0] - x) < 0.03) & (trunk[:, 2] > middle[2] - size[2])]
    hull = ConvexHull(near[:, 1:])
    centre = near[:, 1:].mean(axis=0)
    angle = np.linspace(np.radians(60), np.radians(215), STRAP_POINTS)
    turn = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    facing = turn @ hull.equations[:, :2].T
    room = -(hull.equations[:, :2] @ centre + hull.equations[:, 2])
    reach = np.where(facing > 1e-9, room / np.maximum(facing, 1e-9), np.inf).min(axis=1) + 0.006
    flat = centre + turn * reach[:, None]
    over = np.stack([np.full(len(flat), x), flat[:, 0], flat[:, 1]], axis=1)
    side, foot = np.sign(x), middle - np.array([0.0, 0.9 * size[1], 0.75 * size[2]])
    low = float(over[-1, 2]) - 0.04
    level = trunk[np.abs(trunk[:, 2] - low) < 0.03]
    flank = np.array([side * (np.abs(level[:, 0]).max() + 0.008), level[:, 1].mean(), low])
    front = np.array([0.75 * flank[0] + 0.25 * x, 0.5 * (flank[1] + over[-1, 1]) - 0.03, low + 0.015])
    stops = np.stack([over[-1], front, flank, foot + np.array([side * 0.8 * size[0], 0.0, 0.0])])
    under = np.stack([np.interp(np.linspace(0, 3, 16)[1:], np.arange(4), stops[:, k]) for k in range(3)], axis=1)
    path = np.concatenate([over, under])
    for _ in range(3):
        path[1:-1] = 0.25 * path[:-2] + 0.5 * path[1:-1] + 0.25 * path[2:]
    return np.asarray(path)


def _taut(
    trunk: Float[np.ndarray, "n 3"], top: Float[np.ndarray, "3"], down: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "p 3"]:
    """A loop round the trunk in the plane through a shoulder and the other hip, from front to back."""
    across = np.array([0.0, -1.0, 0.0])
    normal = np.cross(down, across)
    near = trunk[np.abs((trunk - top) @ unit(normal)) < 0.02]
    axes = np.stack([across - (across @ down) * down, down])
    axes[0] = unit(axes[0])
    flat = (near - top) @ axes.T
    hull = ConvexHull(flat)
    corners = flat[hull.vertices]
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    place = np.concatenate([[0.0], np.cumsum(lengths)])
    even = np.linspace(0, place[-1], 2 * STRAP_POINTS, endpoint=False)
    closed = np.concatenate([corners, corners[:1]])
    path = np.stack([np.interp(even, place, closed[:, k]) for k in range(2)], axis=1)
    place = path @ axes
    return np.asarray(top + place + STRAP_OFF_M * unit(place - place.mean(axis=0)))


def _trunk(rest: RestBody) -> Float[np.ndarray, "n 3"]:
    trunk: np.ndarray = rest.vertices[:NUM_SKIN_VERTICES][_trunk_skin()].astype(np.float64)
    return trunk


def _trunk_skin() -> np.ndarray:
    model = load_body()
    return np.asarray(np.isin(model.bone_indices[:NUM_SKIN_VERTICES, 0], [bone_index(name) for name in TRUNK]))


def _thigh_skin(side: float) -> np.ndarray:
    name = "LeftUpLeg" if side > 0 else "RightUpLeg"
    return np.asarray(load_body().bone_indices[:NUM_SKIN_VERTICES, 0] == bone_index(name))


def _bag_cloth(rng: np.random.Generator) -> Cloth:
    return Cloth(sample_fabric_print(rng, kind="solid" if rng.random() < 0.6 else None))


def _held(piece: Piece) -> Piece:
    """The same, but all of it follows what its middle follows: a bag does not bend with the back."""
    anchor = cKDTree(piece.rest).query(piece.rest.mean(axis=0))[1]
    ties = replace(
        piece.ties,
        bone_indices=np.repeat(piece.ties.bone_indices[anchor : anchor + 1], len(piece.rest), axis=0),
        bone_weights=np.repeat(piece.ties.bone_weights[anchor : anchor + 1], len(piece.rest), axis=0),
    )
    return replace(piece, ties=ties)


def _print_places(points: np.ndarray) -> np.ndarray:
    """Where a bag looks up its print: as a garment on the chest."""
    return np.asarray(points - points.mean(axis=0) + np.array([0.0, 0.0, 1.2]))
