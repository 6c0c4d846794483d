"""Where the fit of a body begins: each body part turned on its own, as its points' places in the picture ask for.

Pose from orthography and scaling with iterations (DeMenthon & Davis, IJCV 1995), on dense points and in closed form:
depth is not seen, so it is taken from the last turn, with a small share of the predicted one, which tells a limb that
comes nearer from one that goes away.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.skeleton import BONES, PARENTS
from hd_core.train.adapting.figure import Figure
from hd_core.train.adapting.spots import Spots

ROUNDS = 12
TRUST = 0.15
"""Share of the predicted depth."""
LEAST_POINTS = 12
_ROOT = "Hips"
PARTS_OF_BONE: dict[str, tuple[int, ...]] = {
    _ROOT: (1, 2),
    "RightHand": (3,),
    "LeftHand": (4,),
    "LeftFoot": (5,),
    "RightFoot": (6,),
    "RightUpLeg": (7, 9),
    "LeftUpLeg": (8, 10),
    "RightLeg": (11, 13),
    "LeftLeg": (12, 14),
    "LeftArm": (15, 17),
    "RightArm": (16, 18),
    "LeftForeArm": (19, 21),
    "RightForeArm": (20, 22),
    "Head": (23, 24),
}
"""Bones that have parts of their own; the others begin straight."""

Points = Float[np.ndarray, "n 3"]


class FirstPose(NamedTuple):
    """Local rotations of all bones, and where the root's head is in the camera's axes, m; for each frame."""

    rotations: Float[np.ndarray, "f 31 3 3"]
    root: Float[np.ndarray, "f 3"]


class Turn(NamedTuple):
    """x -> scale rotation x + shift."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]

    def apply(self, points: Points) -> Points:
        """Move points."""
        return np.asarray(self.scale * points @ self.rotation.T + self.shift)


def first_pose(spots: Spots, figure: Figure) -> FirstPose:
    """A pose for every frame, part by part."""
    frames = [_frame_pose(spots, figure, frame) for frame in range(len(spots.part))]
    rotations, roots = zip(*frames, strict=True)
    return FirstPose(rotations=np.stack(rotations), root=np.stack(roots))


def _frame_pose(spots: Spots, figure: Figure, frame: int) -> tuple[np.ndarray, np.ndarray]:
    points = np.einsum("nk,nkc->nc", spots.shares[frame], figure.vertices[spots.corners[frame]]).astype(np.float64)
    rays = np.concatenate([spots.place[frame], np.ones((len(points), 1))], axis=1)
    logarithm = spots.extent[frame] * spots.relief[frame].astype(np.float64)
    turns: dict[str, Turn] = {}
    for bone, parts in PARTS_OF_BONE.items():
        own = np.isin(spots.part[frame], parts)
        if own.sum() >= LEAST_POINTS:
            turns[bone] = turn_of_part(points[own], rays[own], logarithm[own])
    root = turns.setdefault(_ROOT, turn_of_part(points, rays, logarithm))
    turned = np.empty((len(BONES), 3, 3))
    local = np.empty_like(turned)
    for number, (bone, parent) in enumerate(zip(BONES, PARENTS, strict=True)):
        above = turned[parent] if parent >= 0 else np.eye(3)
        turned[number] = turns[bone].rotation if bone in turns else above
        local[number] = above.T @ turned[number]
    # A person as large as the figure stands 1 / scale as far away as the depth that the turn assumed.
    return local, root.apply(figure.heads[:1].astype(np.float64))[0] / root.scale


def turn_of_part(points: Points, rays: Points, log_depth: Float[np.ndarray, " n"]) -> Turn:
    """The similarity that puts a part's points on their rays, deaf to outliers.

    Args:
        points: At rest.
        rays: Through their pixels, z = 1.
        log_depth: Predicted, up to a constant.
    """
    depth, weight = np.exp(log_depth), np.ones(len(points))
    for _ in range(ROUNDS):
        turn = _similarity(points, rays * depth[:, None], weight)
        there = turn.apply(points)
        z = np.maximum(there[:, 2], 1e-3)
        miss = np.linalg.norm(there[:, :2] / z[:, None] - rays[:, :2], axis=1)
        usual = np.average(miss, weights=weight) + 1e-9
        weight = 1 / (1 + (miss / (2 * usual)) ** 2) ** 2
        depth = np.exp((1 - TRUST) * np.log(z) + TRUST * log_depth)
    return turn


def _similarity(a: Points, b: Points, weight: Float[np.ndarray, " n"]) -> Turn:
    """Umeyama's closed form (TPAMI 1991), never a reflection."""
    share = weight / weight.sum()
    mean_a, mean_b = share @ a, share @ b
    off_a, off_b = a - mean_a, b - mean_b
    u, singular, vh = np.linalg.svd((off_b * share[:, None]).T @ off_a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vh))])
    rotation = u * sign @ vh
    scale = max(float(singular @ sign), 1e-9) / max(float(share @ (off_a**2).sum(1)), 1e-12)
    return Turn(scale, rotation, mean_b - scale * rotation @ mean_a)
