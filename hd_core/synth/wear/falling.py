"""Hair that hangs at rest: from where it leaves the head straight down, out of the body's way.

A sheet starts under the cap of hair that lies on the head, follows the scalp as far as the head is wide, then hangs.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.wear.forms import unit
from hd_core.synth.wear.hairdo import Hairdo
from hd_core.synth.wear.hats import Hat
from hd_core.synth.wear.looks import Look
from hd_core.synth.wear.mane import Mane, sheet_garment
from hd_core.synth.wear.piece import tie_to_bone
from hd_core.synth.wear.relief import ROOT_M, eased, locks, roots, thickness, uneven
from hd_core.synth.wear.skull import Skull, Whorl, hairline, template_skull

ROWS, HELD = 26, 8
"""Rows of a sheet that hang, and above them those that the head holds."""
COLUMNS_PER_RAD = 12.5
TAIL_ROWS, TAIL_COLUMNS = 18, 7
THICK_M = 0.012
"""Most of a sheet."""
PROUD_M = 0.004
"""How much hanging hair stands out from the cap that it grows out of."""
FRONT_RAD, BEHIND_RAD, OVERLAP_RAD = 1.2, 1.65, 0.15
"""Hair that begins nearer to the face than the first falls before the shoulders, too; the rest begins at the second."""
SPREAD_M = 0.07
"""How much wider a lock that lies on the chest gets."""
NECK_M = 0.105
"""How far above the joint of the shoulder hair ends that does not reach it."""
GAP_M = 0.012
"""Between hanging hair and the skin at rest."""
CROWN_RAD = 0.3
"""Where sheets start, from the top."""
LEVEL = Whorl(back_rad=0.0)
BACK, FRONT, UP = np.array([0.0, 1.0, 0.0]), np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class _Wearer:
    """Whose hair it is."""

    do: Hairdo
    skull: Skull
    rest: RestBody
    look: Look
    start_rad: float
    side_m: float


def hanging(do: Hairdo, skull: Skull, rest: RestBody, look: Look, *, hat: Hat | None = None) -> tuple[Mane, ...]:
    """What hangs: nothing, a ponytail, one sheet that ends above the shoulders, or one behind and two before them.

    Args:
        do: The hairdo.
        skull: The head.
        rest: The person.
        look: Its look.
        hat: From under which it comes; none if not given.
    """
    start, side = (CROWN_RAD, do.side_m) if hat is None else (hat.band_rad + 0.12, 0.6 * do.side_m)
    one = _Wearer(do=do, skull=skull, rest=rest, look=look, start_rad=start, side_m=side)
    full, opening = 2 * np.pi, do.opening_rad
    if do.kind == "ponytail":
        return (_tail(one),)
    if do.kind == "bob":
        return (_sheet("bob", one, (opening, full - opening)),)
    if do.kind != "long":
        return ()
    behind = max(opening, BEHIND_RAD)
    sheets = [_sheet("long hair", one, (behind, full - behind), away=BACK)]
    if opening < FRONT_RAD:
        inner = BEHIND_RAD + OVERLAP_RAD
        sheets.append(_sheet("left lock", one, (opening, inner), away=FRONT))
        sheets.append(_sheet("right lock", one, (-inner, -opening), away=FRONT))
    return tuple(sheets)


def _sheet(name: str, one: _Wearer, ends: tuple[float, float], *, away: np.ndarray | None = None) -> Mane:
    """A sheet between two azimuths; `away` is where it goes where the body is in its way, outwards if not given."""
    do, columns = one.do, max(10, round(COLUMNS_PER_RAD * (ends[1] - ends[0])))
    azimuth = np.linspace(*ends, columns)
    thick = min(THICK_M, 0.6 * one.side_m)
    leave = np.maximum(_leaving(one.skull, azimuth, one.side_m), one.start_rad + 0.1)
    polar = one.start_rad + (leave - one.start_rad) * np.linspace(0, 1, HELD)[:, None]
    rays = LEVEL.rays(np.broadcast_to(azimuth, polar.shape), polar)
    top = one.skull.points(rays, off_m=_lying(one, rays) - thick)
    fall, down = _fallen(one, top[-1], azimuth, away)
    rings = np.concatenate([top, fall])
    texture = roots(azimuth, np.concatenate([0.1 * polar, 0.1 * leave + down]), LEVEL)
    row, column = np.arange(len(rings))[:, None], np.arange(columns)
    ending = np.clip((len(rings) - 1 - row) / 5.0, 0, 1) ** 0.6 * np.clip(row / 3.0, 0, 1)
    body = thick * ending * np.sqrt(np.clip(np.minimum(column, column[::-1]) / 3.0, 0, 1))
    canonical = np.broadcast_to(template_skull().points(rays[-1]), rings.shape)
    return Mane(
        name=name,
        garment=sheet_garment(rings, held=HELD, free_m=0.10),
        rows=len(rings),
        ties=tie_to_bone("Head", canonical.reshape(-1, 3)),
        outer_m=_flat(body * (1 + locks(do, texture))),
        inner_m=_flat(0.35 * body),
        texture=texture.reshape(-1, 3).astype(np.float32),
        look=one.look,
    )


def _lying(one: _Wearer, rays: Float[np.ndarray, "r c 3"]) -> Float[np.ndarray, "r c"]:
    """How far off the scalp the outside of a sheet is where the head holds it: it rises out of the cap."""
    around, below = one.do.whorl.angles(rays)
    cap = thickness(one.do, below / hairline(one.do.whorl, around), around)
    if one.start_rad > CROWN_RAD:  # flat under a hat
        cap = np.minimum(cap, one.side_m)
    row = np.arange(len(rays))[:, None]
    cap = np.where(row < len(rays) - 3, cap, np.maximum(cap, one.side_m))
    return np.asarray(cap + PROUD_M * np.minimum(row / 3, 1))


def _fallen(
    one: _Wearer, top: Float[np.ndarray, "c 3"], azimuth: Float[np.ndarray, " c"], away: np.ndarray | None
) -> tuple[Float[np.ndarray, "r c 3"], Float[np.ndarray, "r c"]]:
    """Rows that hang below a row, and how far down they are."""
    length = one.do.length_m
    if away is None:
        shoulder = float(one.rest.heads[bone_index("LeftArm"), 2])
        length = min(length, float(top[:, 2].min()) - shoulder - NECK_M)
    ragged = max(length, 0.03) * (1 + 0.10 * uneven(azimuth, one.do.seed + 1, 0.03))
    down = (np.arange(1, ROWS + 1) / ROWS)[:, None] * ragged
    middle = one.skull.middle * np.array([1.0, 1.0, 0.0])
    inwards = 1 - 0.14 * eased(down / 0.12)
    fall = middle + (top - middle) * np.stack([inwards, inwards, np.ones_like(down)], axis=-1) - down[..., None] * UP
    if away is FRONT:
        spread = np.linspace(-0.5, 0.5, len(top)) * SPREAD_M * eased(down / 0.15)
        fall = fall + spread[..., None] * np.array([1.0, 0.0, 0.0])
    out = unit((top - middle) * np.array([1.0, 1.0, 0.0])) if away is None else away
    return _clear(fall, one.rest, np.broadcast_to(out, fall.shape)), down


def _tail(one: _Wearer) -> Mane:
    """A ponytail: a narrow sheet with so much hair on both sides that its cross section is round."""
    do, rng = one.do, np.random.default_rng(one.do.seed)
    ray = LEVEL.rays(np.array(np.pi), np.array(rng.uniform(0.5, 1.6)))
    root = one.skull.points(ray[None], off_m=do.side_m - 0.004)[0]
    down = np.linspace(0, 1, TAIL_ROWS)[:, None] * do.length_m
    width = 0.022 * (0.55 + np.minimum(down / 0.06, 1) * (1 - 0.6 * (down / do.length_m) ** 3))
    out = 0.045 * (1 - np.exp(-down / 0.04))
    path = root + out * unit(ray + 0.35 * UP) - (down - 0.4 * out) * UP
    path = _clear(path[:, None], one.rest, np.broadcast_to(BACK, (TAIL_ROWS, 1, 3)))
    across = np.linspace(-1, 1, TAIL_COLUMNS)
    rings = path - (width * across)[..., None] * np.array([1.0, 0.0, 0.0])
    row = np.arange(TAIL_ROWS)[:, None]
    ending = np.clip((TAIL_ROWS - 1 - row) / 6.0, 0, 1) ** 0.6 * np.clip(row / 2.0, 0, 1) ** 0.5
    body = width * np.sqrt(1 - across**2) * ending
    places = [np.broadcast_to(part, body.shape) for part in (0.02 * across, np.array(ROOT_M), 0.12 + down)]
    texture = np.stack(places, axis=-1)
    lumps = 1 + locks(do, texture)
    canonical = np.broadcast_to(template_skull().points(ray[None]), rings.shape)
    return Mane(
        name="ponytail",
        garment=sheet_garment(rings, held=1, free_m=0.05),
        rows=TAIL_ROWS,
        ties=tie_to_bone("Head", canonical.reshape(-1, 3)),
        outer_m=_flat(body * lumps),
        inner_m=_flat(0.9 * body * lumps),
        texture=texture.reshape(-1, 3).astype(np.float32),
        look=one.look,
    )


def _leaving(skull: Skull, azimuth: Float[np.ndarray, " c"], off_m: float) -> Float[np.ndarray, " c"]:
    """Polar angle at which hair leaves the head: where the head is widest in each direction."""
    polar = np.radians(np.arange(55.0, 96.0, 2.0))
    rays = LEVEL.rays(*np.broadcast_arrays(azimuth, polar[:, None]))
    out = np.linalg.norm((skull.points(rays, off_m=off_m) - skull.middle)[..., :2], axis=-1)
    widest = polar[out.argmax(axis=0)]
    return np.asarray(np.convolve(np.pad(widest, 3, mode="edge"), np.ones(7) / 7, mode="valid"))


def _clear(
    points: Float[np.ndarray, "r c 3"], rest: RestBody, away: Float[np.ndarray, "r c 3"]
) -> Float[np.ndarray, "r c 3"]:
    """Move what is in the body or too near to it out of it, in given directions."""
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, load_body().faces["body"]).astype(np.float64)
    tree, moved = cKDTree(skin), points.copy()
    for _ in range(8):
        _, near = tree.query(moved)
        gap = ((moved - skin[near]) * normals[near]).sum(axis=-1)
        moved = moved + np.clip(GAP_M - gap, 0, 0.05)[..., None] * away
        moved[1:-1] = 0.25 * moved[:-2] + 0.5 * moved[1:-1] + 0.25 * moved[2:]
    return np.asarray(moved)


def _flat(values: Float[np.ndarray, "r c"]) -> np.ndarray:
    return values.ravel().astype(np.float32)
