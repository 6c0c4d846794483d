"""Hats: lofts up from a ring round the head, as wide as this head is, with a brim or without."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.fabric import sample_fabric_print
from hd_core.synth.wear.forms import grid_faces, loft, unit
from hd_core.synth.wear.looks import Cloth, Look, Stuff
from hd_core.synth.wear.piece import Piece, head_piece
from hd_core.synth.wear.skull import Skull, Whorl, template_skull

COLUMNS = 48
HAIR_M = 0.008
"""Between the scalp and a hat: hair that is pressed flat, and the cloth."""
KINDS = {"cap": 0.42, "beanie": 0.24, "bucket hat": 0.14, "fedora": 0.12, "sun hat": 0.08}
"""How often each is drawn."""


@dataclass(frozen=True, kw_only=True)
class Hat:
    """A hat on one head.

    Args:
        pieces: Its parts.
        tilt: Its frame.
        band_rad: Polar angle down to which it presses the hair flat.
    """

    pieces: tuple[Piece, ...]
    tilt: Whorl
    band_rad: float


@dataclass(frozen=True, kw_only=True)
class _Head:
    """Where a hat sits: a frame with the hat's up, and its ring there."""

    skull: Skull
    tilt: Whorl
    ring: Float[np.ndarray, "c 3"]
    up: Float[np.ndarray, "3"]
    azimuth: Float[np.ndarray, " c"]
    height_m: float

    @property
    def middle(self) -> Float[np.ndarray, "3"]:
        """Of the ring."""
        return np.asarray(self.ring.mean(axis=0))

    @property
    def out(self) -> Float[np.ndarray, "c 3"]:
        """Unit, level, away from the middle."""
        away = self.ring - self.middle
        return unit(away - (away @ self.up)[:, None] * self.up)

    def level(self, scale: float | np.ndarray, out_m: float | np.ndarray, up_m: float | np.ndarray) -> np.ndarray:
        """The ring drawn together about the middle, then moved out and up."""
        scale, out_m, up_m = (np.broadcast_to(value, len(self.ring))[:, None] for value in (scale, out_m, up_m))
        return np.asarray(self.middle + scale * (self.ring - self.middle) + out_m * self.out + up_m * self.up)


def sample_hat(rng: np.random.Generator, skull: Skull) -> Hat:
    """Draw a hat for a head."""
    kind = tuple(KINDS)[int(rng.choice(len(KINDS), p=list(KINDS.values())))]
    cloth = Cloth(sample_fabric_print(rng, kind="solid" if rng.random() < 0.6 else None))
    if kind in {"fedora", "sun hat"}:
        return _fedora(rng, skull, kind)
    return {"cap": _cap, "beanie": _beanie, "bucket hat": _bucket}[kind](rng, skull, cloth, kind)


def _seat(skull: Skull, band_rad: float, tilt: Whorl, *, off_m: float = HAIR_M) -> _Head:
    """The ring in which a plane cuts the head, and how high the head rises above it."""
    azimuth = 2 * np.pi * np.arange(COLUMNS) / COLUMNS
    ring = skull.points(tilt.rays(azimuth, np.full(COLUMNS, band_rad)), off_m=off_m)
    up = tilt.rays(np.zeros(1), np.zeros(1))[0]
    level = (ring @ up).mean()
    ring = ring + (level - ring @ up)[:, None] * up
    dome = skull.points(tilt.rays(*np.meshgrid(azimuth, np.linspace(0, 0.6, 6))), off_m=off_m)
    return _Head(skull=skull, tilt=tilt, ring=ring, up=up, azimuth=azimuth, height_m=float((dome @ up).max() - level))


def _cap(rng: np.random.Generator, skull: Skull, cloth: Look, kind: str) -> Hat:
    """A baseball cap; some are worn backwards."""
    head = _seat(skull, 1.18, Whorl(back_rad=rng.uniform(-0.02, 0.14)))
    rise = head.height_m + rng.uniform(0.004, 0.014)
    crown = [head.level(1.0, 0.0, -0.012), head.level(1.0, 0.001, 0.012)]
    for lean in np.linspace(0.15, 1.42, 10):
        high = 0.012 + (rise - 0.012) * np.sin(lean) / np.sin(1.42)
        crown.append(head.level(np.cos(lean), 0.001, high))
    points, faces = loft(np.stack(crown)[::-1], start=True)
    turned = np.pi if rng.random() < 0.3 else float(rng.normal(0, 0.1))
    brim = _peak(rng, head, turned)
    other: Look = cloth if rng.random() < 0.6 else Stuff(colour=rng.uniform(0.02, 0.6, 3), specular=0.02, roughness=0.9)
    return Hat(
        pieces=(_worn(kind, points, faces, head, cloth), _worn("peak", *brim, head, other)),
        tilt=head.tilt,
        band_rad=1.2,
    )


def _peak(rng: np.random.Generator, head: _Head, turned: float) -> tuple[np.ndarray, np.ndarray]:
    """The brim of a cap: a tongue that is bent down at its sides, 3 mm thick."""
    astray = np.linspace(-1.05, 1.05, 21)
    length = rng.uniform(0.06, 0.078) * np.sqrt(np.clip(1 - (astray / 1.06) ** 2, 0.004, 1)) + 0.004
    around = (astray + turned) % (2 * np.pi)
    base, out = (_turned(values, head.azimuth, around) for values in (head.ring, head.out))
    ahead = unit(out[len(out) // 2])
    bend, drop = rng.uniform(0.004, 0.03), rng.uniform(0.1, 0.3)
    rows = []
    for share in np.linspace(0, 1, 7):
        fall = -drop * share * length - bend * (astray / 1.05) ** 2 * (0.3 + 0.7 * share)
        rows.append(base + (share * length)[:, None] * (0.75 * ahead + 0.25 * out) + (fall - 0.004)[:, None] * head.up)
    top = np.stack(rows)
    rim = np.clip(
        np.minimum.reduce(np.meshgrid(*[np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (21, 7)])), 0, 1
    )
    under = top - 0.003 * rim[..., None] * head.up
    faces = grid_faces(7, 21)
    return np.concatenate([top.reshape(-1, 3), under.reshape(-1, 3)]), np.concatenate(
        [faces[:, ::-1] + np.int32(top.shape[0] * top.shape[1]), faces]
    )


def _beanie(rng: np.random.Generator, skull: Skull, cloth: Look, kind: str) -> Hat:
    """A knitted hat with a turned-up edge, close to the head or with room behind it."""
    band = rng.uniform(1.36, 1.55)
    head = _seat(skull, band, Whorl(back_rad=rng.uniform(0.15, 0.35)))
    slack, ribs = rng.uniform(0.0, 0.05) * (rng.random() < 0.6), 0.0006 * np.cos(24 * head.azimuth)
    back = np.clip(-np.cos(head.azimuth), 0, 1)
    peak = rng.uniform(0.0, 0.012) + 0.4 * slack
    edge = rng.uniform(0.045, 0.065)
    rows = [head.level(1.0, 0.001, 0.0), head.level(1.0, 0.007, 0.002), head.level(1.0, 0.008 + ribs, edge * 0.5)]
    for share in np.linspace(0.0, 0.97, 14):
        polar = (1 - share) * (band - 0.30)
        off = 0.009 + ribs * (1 - share) + slack * back * np.sin(np.pi * share) + peak * share**2
        rows.append(skull.points(head.tilt.rays(head.azimuth, np.full(COLUMNS, polar)), off_m=HAIR_M + off))
    rows.insert(3, rows[3] + 0.006 * head.out - 0.004 * head.up)
    points, faces = loft(np.stack(rows)[::-1], start=True)
    return Hat(pieces=(_worn(kind, points, faces, head, cloth),), tilt=head.tilt, band_rad=band)


def _bucket(rng: np.random.Generator, skull: Skull, cloth: Look, kind: str) -> Hat:
    """Straight sides, a flat top, and a brim that slopes down all round."""
    head = _seat(skull, 1.22, Whorl(back_rad=rng.uniform(0.0, 0.12)))
    rise, wide, slope = head.height_m + rng.uniform(0.005, 0.015), rng.uniform(0.045, 0.07), rng.uniform(0.5, 1.0)
    rows = [head.level(1.0, wide * share, -slope * wide * share) for share in np.linspace(1, 0, 6)]
    rows += [head.level(1 - 0.10 * share, 0.002, rise * share) for share in np.linspace(0.1, 0.9, 7)]
    rows += [head.level(scale, 0.0, rise * high) for scale, high in ((0.88, 0.97), (0.8, 1.0), (0.45, 1.01))]
    points, faces = loft(np.stack(rows)[::-1], start=True)
    return Hat(pieces=(_worn(kind, points, faces, head, cloth),), tilt=head.tilt, band_rad=1.2)


def _fedora(rng: np.random.Generator, skull: Skull, kind: str) -> Hat:
    """A felt or straw hat with a pinched crown, a ribbon and a brim that rolls."""
    head = _seat(skull, 1.20, Whorl(back_rad=rng.uniform(-0.05, 0.2), side_rad=float(rng.normal(0, 0.06))))
    straw = kind == "sun hat"
    colour = (
        np.array([0.5, 0.38, 0.2]) if straw or rng.random() < 0.3 else rng.uniform(0.01, 0.25) * rng.uniform(0.6, 1, 3)
    )
    felt = Stuff(colour=colour, specular=0.02, roughness=0.9, patches=0.12, grain_m=0.003)
    ribbon = Stuff(colour=rng.uniform(0.01, 0.3, 3), specular=0.04, roughness=0.4)
    rise = head.height_m + rng.uniform(0.015, 0.035)
    wide, roll = (rng.uniform(0.08, 0.13), -0.15) if straw else (rng.uniform(0.045, 0.065), rng.uniform(0.1, 0.35))
    along = np.abs(np.sin(head.azimuth))
    rows = []
    for share in np.linspace(1, 0, 8):
        lift = roll * wide * share**2 * (2 * along**2 - 0.9)
        rows.append(head.level(1.0, wide * share, lift))
    rows += [head.level(1 - 0.13 * share, 0.002, rise * share) for share in np.linspace(0.12, 0.92, 7)]
    groove = 0.0 if straw else rng.uniform(0.01, 0.025)
    for scale in (0.8, 0.68, 0.5, 0.3, 0.12):
        dent = groove * (1 - scale / 0.87) * (1 - 0.2 * along)
        rows.append(head.level(scale, 0.0, rise * (1.02 if scale < 0.75 else 0.99) - dent))
    points, faces = loft(np.stack(rows)[::-1], start=True)
    band = [head.level(1 - 0.13 * share, 0.0045, rise * share) for share in (0.02, 0.30)]
    inner = [head.level(1 - 0.13 * share, 0.001, rise * share) for share in (0.0, 0.32)]
    strip = loft(np.stack([inner[0], *band, inner[1]])[::-1])
    return Hat(
        pieces=(_worn(kind, points, faces, head, felt), _worn("ribbon", *strip, head, ribbon)),
        tilt=head.tilt,
        band_rad=1.2,
    )


def _turned(values: Float[np.ndarray, "c 3"], azimuth: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Values round the ring at other azimuths."""
    return np.stack([np.interp(around, azimuth, values[:, k], period=2 * np.pi) for k in range(3)], axis=-1)


def _worn(name: str, points: np.ndarray, faces: np.ndarray, head: _Head, look: Look) -> Piece:
    canonical = template_skull().points(unit(points - head.skull.middle))
    texture = points - head.middle + np.array([0.0, 0.0, 1.2])
    return head_piece(name, (points, faces), canonical=canonical, texture=texture, look=look)
