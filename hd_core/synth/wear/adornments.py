"""Glasses, headphones, wrist watches and bracelets: small rigid things."""

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.wear.forms import joined, loft, tube, unit
from hd_core.synth.wear.looks import Look, Stuff
from hd_core.synth.wear.piece import Mesh, Piece, head_piece, off_the_skin, skin_piece, tie_to_skin
from hd_core.synth.wear.sections import girdle
from hd_core.synth.wear.skull import Skull

RIM_POINTS = 20
UP = np.array([0.0, 0.0, 1.0])


def glasses(rng: np.random.Generator, rest: RestBody) -> tuple[Piece, ...]:
    """Frames before the eyes; more than a third of them dark glasses. Clear lenses are not made: nothing shows them."""
    left, right = _eyes(rest)
    apart = float(np.linalg.norm(left - right))
    dark = rng.random() < 0.4
    wide, high = rng.uniform(0.39, 0.46) * apart, rng.uniform(0.27, 0.40) * apart
    power, thick = rng.uniform(2.0, 4.5), rng.uniform(0.0009, 0.0024)
    middle = (left + right) / 2
    front = _face_front(rest, middle) - 0.002
    metal = thick < 0.0013
    frame = Stuff(
        colour=rng.uniform(0.02, 0.5, 3) if rng.random() < 0.4 else np.full(3, 0.02),
        specular=0.4 if metal else 0.05,
        roughness=0.25 if metal else 0.2,
    )
    angle = 2 * np.pi * np.arange(RIM_POINTS) / RIM_POINTS
    lens_x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power) * wide
    lens_z = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power) * high
    frames, lenses = [], []
    for eye in (left, right):
        centre = np.array([eye[0] * 1.04 - middle[0] * 0.04, front, eye[2] - 0.1 * high])
        rim = centre + lens_x[:, None] * np.array([1.0, 0, 0]) + lens_z[:, None] * UP
        rim[:, 1] += 1.6 * (rim[:, 0] - middle[0]) ** 2 / apart * 0.5
        frames.append(tube(rim, np.full((RIM_POINTS, 2), thick), np.broadcast_to([0, 1.0, 0], rim.shape), closed=True))
        if dark:
            bulge = np.array([0, -0.003, 0])
            lenses.append(
                loft(np.stack([rim, rim.mean(axis=0) + 0.6 * (rim - rim.mean(axis=0)) + bulge])[:, ::-1], end=True)
            )
        side = 1.0 if eye[0] > middle[0] else -1.0
        hinge = rim[np.argmax(side * rim[:, 0])] + 0.3 * high * UP
        frames.append(_temple(hinge, side, rest, thick))
    nose = np.linspace(-1, 1, 7)
    reach = float(np.abs(left[0] * 1.04 - middle[0] * 1.04)) - wide
    bridge = np.stack(
        [middle[0] + nose * reach, front - 0.002 + 0 * nose, middle[2] + 0.1 * high + 0.004 * (1 - nose**2)], axis=1
    )
    frames.append(tube(bridge, np.full((7, 2), thick), np.broadcast_to([0, 1.0, 0], bridge.shape), closed=False))
    pieces = [_on_head("glasses", frames, rest, frame)]
    if dark:
        tint = Stuff(colour=rng.uniform(0.005, 0.03, 3), specular=0.06, roughness=0.12, patches=0.0)
        pieces.append(_on_head("dark lenses", lenses, rest, tint))
    return tuple(pieces)


def headphones(rng: np.random.Generator, skull: Skull, rest: RestBody, *, over_m: float) -> tuple[Piece, ...]:
    """A band over the head and a cushioned cup on either ear.

    Args:
        rng: Source of all choices.
        skull: The head.
        rest: The person.
        over_m: Thickness of the hair under the band.
    """
    ears = _ears(rest)
    shell = Stuff(colour=np.full(3, 0.02) if rng.random() < 0.6 else rng.uniform(0.02, 0.7, 3), roughness=0.3)
    pad = Stuff(colour=np.full(3, 0.015), specular=0.04, roughness=0.55)
    size, thick = rng.uniform(0.034, 0.042), rng.uniform(0.012, 0.018)
    hard: list[Mesh] = []
    soft: list[Mesh] = []
    for ear in ears:
        out = np.array([np.sign(ear[0]), 0.0, 0.0])
        for scale, back, front, into in ((1.0, 0.0, thick, soft), (0.92, thick, 2 * thick, hard)):
            into.append(_disc(ear - 0.004 * out, out, scale * size, back, front))
    lean = np.linspace(-np.pi / 2, np.pi / 2, 25)
    rays = np.stack([np.sin(lean), np.full_like(lean, 0.05), np.cos(lean)], axis=1)
    path = skull.points(unit(rays), off_m=over_m + 0.008)
    for end, ear in ((0, min(ears, key=lambda e: e[0])), (-1, max(ears, key=lambda e: e[0]))):
        path[end] = ear + np.array([np.sign(ear[0]) * 1.2 * thick, 0.0, 0.3 * size])
    path[1:-1] = 0.25 * path[:-2] + 0.5 * path[1:-1] + 0.25 * path[2:]
    widths = np.stack([np.full(25, 0.010), np.full(25, 0.004)], axis=1)
    hard.append(tube(path, widths, path - skull.middle, sides=8, closed=False))
    return (_on_head("headphones", hard, rest, shell), _on_head("ear pads", soft, rest, pad))


def wristwear(rng: np.random.Generator, rest: RestBody) -> tuple[Piece, ...]:
    """A watch or a bracelet on one wrist."""
    side = "Left" if rng.random() < 0.7 else "Right"
    hand, elbow = (rest.heads[bone_index(side + name)].astype(np.float64) for name in ("Hand", "ForeArm"))
    along = unit(elbow - hand)
    across = unit(np.cross(along, np.array([0.0, 1.0, 0.3])))
    top = np.cross(along, across)
    model = load_body()
    bones = [bone_index(side + name) for name in ("Hand", "ForeArm")]
    arm = np.flatnonzero(np.isin(model.bone_indices[:NUM_SKIN_VERTICES, 0], bones))
    skin = rest.vertices[arm].astype(np.float64)
    place = hand + 0.022 * along
    loop = girdle(
        skin[np.linalg.norm(skin - place, axis=1) < 0.07], place, across, top, count=24, reach_m=0.014, off_m=0.0025
    )
    width = rng.uniform(0.006, 0.011)
    strap = Stuff(colour=rng.uniform(0.01, 0.3, 3), specular=0.05, roughness=float(rng.uniform(0.3, 0.8)))
    band = tube(
        loop,
        np.stack([np.full(24, 0.0015), np.full(24, width)], axis=1),
        np.broadcast_to(along, loop.shape),
        closed=True,
    )
    pieces = [skin_piece("strap", band, rest, strap, among=arm)]
    if rng.random() < 0.7:
        at = int(np.argmax(loop @ (top if rng.random() < 0.8 else -top)))
        out = unit(loop[at] - loop.mean(axis=0))
        dial = _disc(loop[at], out, rng.uniform(0.015, 0.021), 0.0, rng.uniform(0.005, 0.01))
        case = Stuff(colour=rng.uniform(0.02, 0.6) * np.ones(3), specular=0.3, roughness=0.2)
        pieces.append(skin_piece("watch", dial, rest, case, among=arm))
    return tuple(pieces)


def _eyes(rest: RestBody) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Middles of the left and the right eye."""
    used = np.unique(load_body().faces["eyes"])
    left = load_body().template[used, 0] > 0
    points = rest.vertices[used].astype(np.float64)
    return points[left].mean(axis=0), points[~left].mean(axis=0)


def _face_front(rest: RestBody, middle: Float[np.ndarray, "3"]) -> float:
    """How far in front brows and cheekbones reach, where glasses sit: behind the tip of the nose."""
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    near = (np.abs(skin[:, 2] - middle[2]) < 0.025) & (np.abs(skin[:, 0] - middle[0]) < 0.05)
    off_nose = np.abs(skin[:, 0] - middle[0]) > 0.018
    return float(skin[near & off_nose, 1].min()) - 0.010


def _ears(rest: RestBody) -> list[Float[np.ndarray, "3"]]:
    """The outermost points of both ears, at their middle height."""
    template = load_body().template[:NUM_SKIN_VERTICES]
    found = []
    for side in (1.0, -1.0):
        ear = (side * template[:, 0] > 0.078) & (template[:, 2] > 0.66)
        points = rest.vertices[:NUM_SKIN_VERTICES][ear].astype(np.float64)
        middle = points.mean(axis=0)
        middle[0] = side * (np.abs(points[:, 0]).max() - 0.006)
        found.append(middle)
    return found


def _temple(hinge: Float[np.ndarray, "3"], side: float, rest: RestBody, thick: float) -> Mesh:
    """The arm of glasses, from its hinge over the ear and down behind it."""
    ear = next(ear for ear in _ears(rest) if np.sign(ear[0]) == side)
    over = ear + np.array([-side * 0.006, 0.0, 0.026])
    ends = np.stack(
        [hinge, hinge + np.array([side * 0.004, 0.008, 0.0]), over, over + np.array([-side * 0.004, 0.022, -0.022])]
    )
    share = np.linspace(0, 1, 12)
    stops = np.array([0.0, 0.08, 0.75, 1.0])
    path = np.stack([np.interp(share, stops, ends[:, k]) for k in range(3)], axis=1)
    path[1:-1] = off_the_skin(path[1:-1], rest, 0.002 + thick)
    return tube(
        path,
        np.stack([np.full(12, thick), np.full(12, 1.6 * thick)], axis=1),
        np.broadcast_to(UP, path.shape),
        closed=False,
    )


def _disc(
    centre: Float[np.ndarray, "3"], out: Float[np.ndarray, "3"], radius: float, back: float, front: float
) -> Mesh:
    """A flat round box with soft edges."""
    side = unit(np.cross(out, np.array([0.01, 1.0, 0.02])))
    angle = 2 * np.pi * np.arange(20) / 20
    turn = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(out, side)
    profile = ((0.85, 1.0), (0.96, 0.95), (1.0, 0.8), (1.0, 0.2), (0.96, 0.05), (0.85, 0.0))
    rings = [centre + radius * scale * turn + (back + share * (front - back)) * out for scale, share in profile]
    return loft(np.stack(rings), start=True, end=True)


def _on_head(name: str, parts: list[Mesh], rest: RestBody, look: Look) -> Piece:
    points, faces = joined(parts)
    head = np.flatnonzero(load_body().bone_indices[:NUM_SKIN_VERTICES, 0] == bone_index("Head"))
    canonical = tie_to_skin(points, rest, among=head).canonical
    return head_piece(name, (points, faces), canonical=canonical, texture=points, look=look)
