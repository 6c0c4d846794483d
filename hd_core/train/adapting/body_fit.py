"""Bodies fitted to maps of the body: shape, bones and place whose points fall on the pixels that show them.

As in SMPLify (Bogo et al., ECCV 2016), but to dense points of known identity, with a robust distance in the picture
that narrows (Geman & McClure), and with the predicted relief as a weak word on depth. All frames at once: one shape,
and poses that change little from frame to frame.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from hd_core.synth.body.skeleton import BONES, PARENTS
from hd_core.train.adapting.figure import WAYS, load_figure
from hd_core.train.adapting.first_pose import FirstPose, first_pose
from hd_core.train.adapting.spots import Spots

ROUNDS = 300
WIDE, NARROW = 0.08, 0.012
"""Distance at which a point counts half, crop sizes: at first, and from three fifths of the rounds on."""
RELIEF = 0.05
"""Weight of the predicted relief."""
POSE, SHAPE, CHANGE = 1e-3, 1e-3, 0.02
"""Weights of turns away from the first pose, of unusual shapes, and of changes between neighbouring frames."""
_CENTRAL = ("Hips", "LowerBack", "Spine", "Spine1", "Neck", "Head")
_PAIRED = ("UpLeg", "Leg", "Foot", "Shoulder", "Arm", "ForeArm", "Hand")
BENDS = (*_CENTRAL, *(side + bone for side in ("Left", "Right") for bone in _PAIRED))
"""Bones that turn; the others follow."""
_NEAREST_M = 0.2


class Bodies(NamedTuple):
    """Vertices of the skin in each frame, camera axes, m; and the median distance of the points, crop sizes."""

    vertices: Float32[np.ndarray, "f v 3"]
    miss: Float32[np.ndarray, " f"]


class _Seen(NamedTuple):
    """Spots on the figure, as the fit needs them: at rest, along the ways, following bones; in the picture."""

    rest: Float[Tensor, "f n 3"]
    ways: Float[Tensor, "f n s 3"]
    bones: Float[Tensor, "f n 31"]
    place: Float[Tensor, "f n 2"]
    relief: Float[Tensor, "f n"]
    extent: Float[Tensor, "f 1"]


class _Posed(NamedTuple):
    """Maps of the bones, x -> turn x + shift, and their local rotations."""

    turn: Float[Tensor, "f 31 3 3"]
    shift: Float[Tensor, "f 31 3"]
    local: Float[Tensor, "f 31 3 3"]


class _Person:
    """What is looked for: turns and places by frame, and one shape."""

    def __init__(self, first: FirstPose) -> None:
        figure, frames = load_figure(), len(first.root)
        self._rotations = torch.from_numpy(first.rotations).float()
        self._root = torch.from_numpy(first.root).float()
        self._heads, self._head_ways = torch.from_numpy(figure.heads), torch.from_numpy(figure.head_ways)
        self._bends = torch.tensor([[float(bone in BENDS)] for bone in BONES])
        self.turns = torch.zeros(frames, len(BONES), 3, requires_grad=True)
        self.moves = torch.zeros(frames, 3, requires_grad=True)
        self.shape = torch.zeros(WAYS, requires_grad=True)

    def pose(self) -> _Posed:
        """Forward kinematics, as `synth.body.skeleton.forward_kinematics`."""
        local = self._rotations @ turn_by(self.turns * self._bends)
        heads = self._heads + torch.einsum("s,sbc->bc", self.shape, self._head_ways)
        turns: list[Tensor] = []
        places: list[Tensor] = []
        for bone, parent in enumerate(PARENTS):
            if parent < 0:
                turns.append(local[:, bone])
                places.append(self._root + self.moves)
                continue
            turns.append(turns[parent] @ local[:, bone])
            places.append(places[parent] + turns[parent] @ (heads[bone] - heads[parent]))
        turn = torch.stack(turns, 1)
        shift = torch.stack(places, 1) - (turn @ heads[:, :, None])[..., 0]
        return _Posed(turn, shift, local)


def fit_bodies(spots: Spots, *, rounds: int = ROUNDS) -> Bodies:
    """Fit one person to the spots of all frames, which are in order of time."""
    seen, person = _seen(spots), _Person(first_pose(spots, load_figure()))
    groups = [{"params": [person.turns, person.shape], "lr": 0.05}, {"params": [person.moves], "lr": 0.03}]
    optimiser = torch.optim.Adam(groups)
    with torch.enable_grad():
        for done in range(rounds):
            share = done / rounds
            for group in optimiser.param_groups:
                group["lr"] = group.setdefault("first", group["lr"]) * (1 - 0.9 * share)
            loss = _loss(seen, person, WIDE * (NARROW / WIDE) ** min(share / 0.6, 1.0))
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
    with torch.no_grad():
        posed = person.pose()
        miss, _ = _misses(seen, person, posed)
        return Bodies(_all_vertices(person, posed).numpy(), miss.median(1).values.numpy())


def turn_by(vectors: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3 3"]:
    """Rotations about vectors by their length, rad (Rodrigues)."""
    angle = (vectors.square().sum(-1, keepdim=True) + 1e-16).sqrt()
    x, y, z = (vectors / angle).unbind(-1)
    nil = torch.zeros_like(x)
    cross = torch.stack([nil, -z, y, z, nil, -x, -y, x, nil], -1).reshape(*x.shape, 3, 3)
    sine, cosine = torch.sin(angle)[..., None], torch.cos(angle)[..., None]
    turn: Tensor = torch.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)
    return turn


def _seen(spots: Spots) -> _Seen:
    figure, corners = load_figure(), spots.corners
    return _Seen(
        *(
            torch.from_numpy(np.ascontiguousarray(array, np.float32))
            for array in (
                np.einsum("fnk,fnkc->fnc", spots.shares, figure.vertices[corners]),
                np.einsum("fnk,sfnkc->fnsc", spots.shares, figure.ways[:, corners]),
                np.einsum("fnk,fnkb->fnb", spots.shares, figure.bone_weights[corners]),
                spots.place,
                spots.relief,
                spots.extent[:, None],
            )
        )
    )


def _loss(seen: _Seen, person: _Person, width: float) -> Float[Tensor, ""]:
    posed = person.pose()
    miss, relief = _misses(seen, person, posed)
    square, count = miss.square(), len(miss)
    near = (1 / (1 + square / width**2).square()).detach()
    beyond = relief - seen.relief
    beyond = beyond - ((near * beyond).sum(1) / near.sum(1))[:, None]
    off = (near * (beyond.square() + 1e-4).sqrt()).sum(1) / near.sum(1)
    changes = (posed.local[1:] - posed.local[:-1]).square().sum()
    return (
        (square / (square + width**2)).mean(1).sum()
        + RELIEF * off.sum()
        + POSE * person.turns.square().sum()
        + SHAPE * count * person.shape.square().sum()
        + CHANGE * changes
    )


def _misses(seen: _Seen, person: _Person, posed: _Posed) -> tuple[Float[Tensor, "f n"], Float[Tensor, "f n"]]:
    """Distances in the picture, and relief up to a constant; both in crop sizes."""
    rest = seen.rest + torch.einsum("fnsc,s->fnc", seen.ways, person.shape)
    points = _skinned(rest, seen.bones, posed)
    z = points[..., 2].clamp(min=_NEAREST_M)
    off = (points[..., :2] / z[..., None] - seen.place) / seen.extent[..., None]
    return (off.square().sum(-1) + 1e-12).sqrt(), torch.log(z) / seen.extent


def _skinned(rest: Float[Tensor, "*f n 3"], bones: Float[Tensor, "*f n 31"], posed: _Posed) -> Float[Tensor, "f n 3"]:
    """Linear blend skinning."""
    maps = torch.cat([posed.turn, posed.shift[..., None]], -1).flatten(2)
    blend = bones @ maps
    blend = blend.reshape(*blend.shape[:-1], 3, 4)
    moved: Tensor = (blend[..., :3] @ rest[..., None])[..., 0] + blend[..., 3]
    return moved


def _all_vertices(person: _Person, posed: _Posed) -> Float[Tensor, "f v 3"]:
    figure = load_figure()
    ways = torch.from_numpy(figure.ways)
    rest = torch.from_numpy(figure.vertices) + torch.einsum("s,svc->vc", person.shape, ways)
    return _skinned(rest, torch.from_numpy(figure.bone_weights), posed)
