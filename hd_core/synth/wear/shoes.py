"""Shoes and socks: an upper over the foot, cut to its kind, on a sole that stands out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES
from hd_core.synth.garments.slicing import slice_mesh
from hd_core.synth.wear.forms import joined, loft, tube
from hd_core.synth.wear.last import COLUMNS, TOES, UP, Last, last_of
from hd_core.synth.wear.looks import Look, Stuff
from hd_core.synth.wear.piece import Piece, skin_piece
from hd_core.synth.wear.sections import girdle

SOCK_OFF_M = 0.0025
SOLE_COLUMNS = 36


@dataclass(frozen=True, kw_only=True)
class Shoe:
    """A kind of shoe.

    Args:
        name: For people to read.
        share: How often it is drawn.
        top_m: Range of the height of its upper edge above the ankle joint; below 0 it is low.
        off_m: Thickness of the upper.
        sole_m: Range of the height of the sole.
        heel_m: How much higher the sole is under the heel.
        proud_m: How far the sole stands out.
        cut: "whole", "low" (open over the instep) or "straps".
        laces: Whether it has laces.
        white: Share of white soles; the others are dark or have a colour.
        rough: Range of the roughness of the upper.
    """

    name: str
    share: float
    top_m: tuple[float, float]
    off_m: float
    sole_m: tuple[float, float]
    heel_m: float = 0.0
    proud_m: float = 0.004
    cut: str = "whole"
    laces: bool = False
    white: float = 0.1
    rough: tuple[float, float] = (0.35, 0.8)


SHOES = (
    Shoe(name="sneakers", share=0.36, top_m=(-0.004, 0.014), off_m=0.006, sole_m=(0.02, 0.035), laces=True, white=0.7),
    Shoe(name="high tops", share=0.10, top_m=(0.05, 0.09), off_m=0.006, sole_m=(0.02, 0.03), laces=True, white=0.7),
    Shoe(name="boots", share=0.12, top_m=(0.06, 0.25), off_m=0.008, sole_m=(0.015, 0.035), heel_m=0.012, laces=True),
    Shoe(name="loafers", share=0.12, top_m=(-0.012, 0.004), off_m=0.005, sole_m=(0.008, 0.014), heel_m=0.01),
    Shoe(name="flats", share=0.11, top_m=(-0.005, 0.005), off_m=0.004, sole_m=(0.005, 0.01), cut="low", proud_m=0.002),
    Shoe(name="sandals", share=0.10, top_m=(0.02, 0.03), off_m=0.004, sole_m=(0.01, 0.03), cut="straps"),
)
BAREFOOT = 0.09
SOCKLESS = ("flats", "sandals")


def sample_footwear(rng: np.random.Generator, rest: RestBody, *, covered: bool) -> tuple[Piece, ...]:
    """Draw shoes and socks, or none, for both feet.

    Args:
        rng: Source of all choices.
        rest: The person.
        covered: Whether trousers reach down to the ankles: there is no room for shafts and long socks under them.
    """
    if rng.random() < BAREFOOT:
        return ()
    shares = np.array([shoe.share for shoe in SHOES])
    shoe = SHOES[int(rng.choice(len(SHOES), p=shares / shares.sum()))]
    top = rng.uniform(*shoe.top_m)
    sole_m, socks = rng.uniform(*shoe.sole_m), shoe.name not in SOCKLESS and rng.random() < 0.8
    sock_top = float(rng.uniform(0.04, 0.30) if rng.random() < 0.6 else 0.04)
    if covered:
        top, sock_top = min(top, 0.045), 0.07
    upper, sole = _leather(rng, shoe), _rubber(rng, shoe)
    sock = Stuff(colour=_cloth_colour(rng), specular=0.01, roughness=0.9, patches=0.15, grain_m=0.004)
    laces = Stuff(colour=_cloth_colour(rng), specular=0.01, roughness=0.9)
    pieces: list[Piece] = []
    for side in ("Left", "Right"):
        last = last_of(rest, side, top_m=top, off_m=shoe.off_m)
        pieces += _made(shoe, last, rest, sole_m=sole_m, looks=(upper, sole, laces))
        if socks and sock_top > top + 0.01:
            pieces.append(_sock(rest, side, sock_top, sock))
    return tuple(pieces)


def _made(shoe: Shoe, last: Last, rest: RestBody, *, sole_m: float, looks: tuple[Look, Look, Look]) -> list[Piece]:
    upper, sole, laces = looks
    rings = last.rings
    if shoe.cut == "whole":  # the edge is turned in
        middle = rings[-1:].mean(axis=1, keepdims=True)
        rings = np.concatenate([rings, middle + 0.95 * (rings[-1:] - middle) + 0.003 * UP, _inside(rings, middle)])
    points, faces = loft(rings, start=True)
    if shoe.cut != "whole":
        points, faces = _cut(points, faces, _opening(shoe, last, points))
    hides = _under(last, rest) if shoe.cut == "whole" else None
    pieces = [_piece(shoe.name, points, faces, last, rest, upper, hides)]
    pieces.append(_piece("soles", *_sole(shoe, last, sole_m), last, rest, sole))
    if shoe.laces:
        pieces.append(_piece("laces", *_laces(last), last, rest, laces))
    return pieces


def _inside(rings: Float[np.ndarray, "r c 3"], middle: Float[np.ndarray, "1 1 3"]) -> Float[np.ndarray, "1 c 3"]:
    return np.asarray(middle + 0.9 * (rings[-1:] - middle) - 0.02 * UP)


def _opening(shoe: Shoe, last: Last, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Not negative where there is leather."""
    along, height = last.along(points), points[:, 2] - last.floor_m
    top = last.ankle[2] - last.floor_m
    if shoe.cut == "low":
        edge = 0.5 * top + 0.30 * top * np.clip((0.35 - along) / 0.3, 0, 1) + 0.9 * np.clip((along - 0.72) / 0.3, 0, 1)
        return np.asarray(edge - height)
    toe = 0.10 - np.abs(along - 0.72)
    instep = 0.055 - np.abs(along + 0.8 * (height - 0.6 * top) - 0.42)
    heel = 0.014 - np.abs(height - 0.95 * top) + 0.3 * np.clip(0.25 - along, -1, 0)
    return np.asarray(np.maximum.reduce([toe, instep, heel * 3, 0.012 - height]))


def _cut(points: np.ndarray, faces: np.ndarray, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    part = slice_mesh(faces, field)
    return part.apply(points), part.faces


def _under(last: Last, rest: RestBody) -> Bool[np.ndarray, " s"]:
    """Skin that the upper covers whatever the foot does."""
    top = last.rings[-1, :, 2].min() - 0.02
    hidden = np.zeros(NUM_SKIN_VERTICES, bool)
    hidden[last.skin] = rest.vertices[last.skin, 2] < top
    return hidden


def _sole(shoe: Shoe, last: Last, sole_m: float) -> tuple[np.ndarray, np.ndarray]:
    """A slab under the print of the foot, higher under the heel, bent up a little under the toes."""
    foot = last.rings[: TOES + 8].reshape(-1, 3)
    low = foot[foot[:, 2] < last.floor_m + 0.03]
    flat = low * np.array([1.0, 1.0, 0.0])
    left = np.cross(UP, -last.forward)
    outline = girdle(flat, np.zeros(3), left, last.forward, count=SOLE_COLUMNS, reach_m=1.0)
    middle = outline.mean(axis=0)
    ray = outline - middle
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    along = last.along(outline)
    waist = 1 - 0.10 * np.exp(-(((along - 0.42) / 0.13) ** 2))
    lifted = 0.5 * sole_m * np.clip((along - 0.75) / 0.25, 0, 1) ** 2
    arch = shoe.heel_m * np.clip((along - 0.28) / 0.04, 0, 1)
    floor = last.floor_m - sole_m - shoe.heel_m + lifted + arch
    rim = last.floor_m + np.full(len(outline), 0.008)
    profile = (
        (0.85, -0.004, 0.0),
        (1.0, -0.003, 0.0),
        (1.0, 0.0, 0.12),
        (1.0, 0.002, 0.9),
        (1.0, 0.0, 1.0),
        (0.9, -0.004, 1.0),
    )
    rings = []
    for scale, out, share in profile:
        place = middle + (outline - middle) * (scale * waist)[:, None] + ray * (shoe.proud_m + out)
        rings.append(place + (floor + share * (rim - floor))[:, None] * UP)
    return loft(np.stack(rings)[::-1], start=True, end=True)


def _laces(last: Last) -> tuple[np.ndarray, np.ndarray]:
    """Bars over the instep."""
    over = np.arange(-4, 5) + 3 * COLUMNS // 4
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for ring in last.rings[TOES - 3 : TOES + 2]:
        path = ring[over] + 0.003 * (ring[over] - ring.mean(axis=0)) / np.linalg.norm(ring[over] - ring.mean(axis=0))
        path = path + 0.002 * UP
        found.append(
            tube(path, np.full((len(path), 2), 0.0022), np.broadcast_to(UP, path.shape), sides=6, closed=False)
        )
    return joined(found)


def _sock(rest: RestBody, side: str, top_m: float, look: Look) -> Piece:
    last = last_of(rest, side, top_m=top_m, off_m=SOCK_OFF_M)
    points, faces = loft(last.rings[TOES - 2 :])
    return _piece("socks", points, faces, last, rest, look, _under(last, rest))


def _piece(  # noqa: PLR0917 - a mesh is two arrays
    name: str,
    points: np.ndarray,
    faces: np.ndarray,
    last: Last,
    rest: RestBody,
    look: Look,
    hides: Bool[np.ndarray, " s"] | None = None,
) -> Piece:
    texture = points - last.ankle
    return skin_piece(name, (points, faces), rest, look, among=last.skin, texture=texture, hides=hides)


def _leather(rng: np.random.Generator, shoe: Shoe) -> Stuff:
    dark = rng.random() < (0.35 if shoe.laces and shoe.heel_m == 0 else 0.7)
    white = not dark and rng.random() < 0.35
    colour = rng.uniform(0.01, 0.06, 3) if dark else np.full(3, rng.uniform(0.6, 0.8)) if white else _cloth_colour(rng)
    if dark and rng.random() < 0.4:
        colour = np.array([0.12, 0.055, 0.025]) * rng.uniform(0.4, 1.6)
    return Stuff(
        colour=colour,
        specular=0.04,
        roughness=float(rng.uniform(*shoe.rough)),
        patches=float(rng.uniform(0.05, 0.25)),
        grain_m=0.003,
        shift=rng.uniform(0, 100, 3),
    )


def _rubber(rng: np.random.Generator, shoe: Shoe) -> Stuff:
    white = rng.random() < shoe.white
    colour = np.full(3, rng.uniform(0.55, 0.8)) if white else rng.uniform(0.01, 0.12) * rng.uniform(0.7, 1.3, 3)
    return Stuff(colour=colour, specular=0.03, roughness=0.7, patches=0.08, shift=rng.uniform(0, 100, 3))


def _cloth_colour(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    if rng.random() < 0.5:
        return np.full(3, rng.choice([0.02, 0.05, 0.3, 0.7])) * rng.uniform(0.9, 1.1, 3)
    return np.asarray(rng.uniform(0.02, 0.6, 3))
