"""Trims: hoods, collars and scarves, grids of cloth drawn around the template's neck and head.

They are no part of the helper surfaces. Each vertex follows the skin vertices nearest to it and keeps its offset from
their mean.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.garments.slicing import BoundMesh

TRIMS = ("collar", "hood down", "hood up", "scarf")
"""Kinds of trims."""
NUM_SOURCES = 8
"""Skin vertices that a vertex of a trim follows."""
AXIS = (0.0, -0.026)
"""x and y of the neck's axis, m on the template."""
NECK_RADII = (0.060, 0.058)
"""Half the width and the depth of the ring on which trims are sewn."""
SEAM = (0.583, 0.28)
"""Height of that ring on the axis, and its rise per metre backwards."""
AROUND, ALONG = 72, 14
"""Columns of a closed ring, and rows."""
ARCHES, ACROSS = 22, 34
"""Arches of a hood that is up, and vertices of each."""
HOOD = ((0, 0.3, 0.6, 0.85, 1), (98, 72, 30, -8, -25), (0.27, 0.285, 0.25, 0.15, 0.075))
"""Places from the face to the nape, how far the arch there is turned up from lying back (degrees), and its height."""


@dataclass(frozen=True, kw_only=True)
class Trim:
    """Size and shape of a trim, m on the template.

    Args:
        gap_deg: Half the angle at the front that stays open; 0 closes the ring.
        width_m: Of the seam over that of the neck.
        stand_m: How far it goes up: the stand of a collar, the room in a hood, the thickness of a scarf.
        fold_m: How far it comes down again: of a collar, of a hood on the back.
        lean: How far it leans outwards, m per m of the way.
        wave_m: Height of the irregular waves in it.
        phase: Where these are, radians.
    """

    gap_deg: float = 20.0
    width_m: float = 0.0
    stand_m: float = 0.035
    fold_m: float = 0.05
    lean: float = 0.3
    wave_m: float = 0.0
    phase: float = 0.0


def trim_mesh(kind: str, trim: Trim) -> BoundMesh:
    """A trim's triangles; bound to the skin, which its vertices do not lie on."""
    points, faces, _ = _drawn(kind, trim)
    distance, sources = cKDTree(load_body().template[:NUM_SKIN_VERTICES]).query(points, k=NUM_SOURCES)
    shares = 1 / (distance + 0.01) ** 2
    return BoundMesh(sources=sources.astype(np.int64), shares=shares / shares.sum(axis=1, keepdims=True), faces=faces)


def trim_points(kind: str, trim: Trim) -> Float[np.ndarray, "g 3"]:
    """Where the trim's vertices lie around the template."""
    return _drawn(kind, trim)[0]


def trim_seam(kind: str, trim: Trim) -> Float[np.ndarray, " g"]:
    """How far along the cloth from the seam each vertex lies, 0 at the seam, 1 at the free edge."""
    return _drawn(kind, trim)[2]


Drawn = tuple[Float[np.ndarray, "g 3"], Int[np.ndarray, "f 3"], Float[np.ndarray, " g"]]


def _drawn(kind: str, trim: Trim) -> Drawn:
    return {"collar": _collar, "hood down": _hood_down, "hood up": _hood_up, "scarf": _scarf}[kind](trim)


def _ring(trim: Trim) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, "c 3"], Float[np.ndarray, "c 3"]]:
    """Angles from the back (0) to the front (pi), the seam's points there, and the way outwards."""
    half = np.pi - np.radians(trim.gap_deg)
    closed = trim.gap_deg <= 0
    angle = np.linspace(-half, half, AROUND, endpoint=not closed)
    out = np.stack([np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=1)
    seam = out * (np.array([*NECK_RADII, 0]) + trim.width_m)
    seam[:, 2] = SEAM[0] + SEAM[1] * seam[:, 1]
    seam[:, :2] += AXIS
    return angle, seam, out


def _swept(trim: Trim, profile: Float[np.ndarray, "c r 2"], seam: np.ndarray, out: np.ndarray) -> Drawn:
    """A grid from a profile (outwards, upwards) at every point of the seam."""
    up = np.array([0.0, 0.0, 1.0])
    points = seam[:, None] + profile[..., :1] * out[:, None] + profile[..., 1:] * up
    rows = profile.shape[1]
    along = np.broadcast_to(np.linspace(0, 1, rows), points.shape[:2])
    faces = _grid(len(seam), rows, closed=trim.gap_deg <= 0)
    return points.reshape(-1, 3), faces, along.ravel().copy()


def _grid(columns: int, rows: int, *, closed: bool) -> Int[np.ndarray, "f 3"]:
    """Triangles over columns x rows vertices, counter-clockwise from outside when columns go from right to left."""
    cell = np.arange(columns * rows).reshape(columns, rows)
    if closed:
        cell = np.concatenate([cell, cell[:1]])
    a, b, c, d = (part.ravel() for part in (cell[:-1, :-1], cell[1:, :-1], cell[1:, 1:], cell[:-1, 1:]))
    return np.concatenate([np.stack([a, d, b], 1), np.stack([b, d, c], 1)]).astype(np.int32)


def _collar(trim: Trim) -> Drawn:
    """Up along the neck, then folded outwards and down; longer towards its points at the front."""
    angle, seam, out = _ring(trim)
    tip = 1 + 0.35 * np.clip(np.abs(angle) / np.pi - 0.55, 0, None) / 0.45
    turn = np.linspace(0, 1, ALONG)
    rise = trim.stand_m / max(trim.stand_m + trim.fold_m, 1e-6)
    up = np.minimum(turn / max(rise, 1e-6), 1)
    down = np.clip((turn - rise) / max(1 - rise, 1e-6), 0, 1)
    outwards = trim.lean * trim.stand_m * up + (0.004 + 0.6 * trim.fold_m * down) * (down > 0)
    profile = np.empty((len(angle), ALONG, 2))
    profile[..., 0] = outwards
    profile[..., 1] = trim.stand_m * up - 0.85 * trim.fold_m * tip[:, None] * down
    return _swept(trim, profile, seam, out)


def _hood_down(trim: Trim) -> Drawn:
    """A bag behind the neck that gets flat towards the front."""
    angle, seam, out = _ring(trim)
    back = np.cos(angle / 2) ** 2
    size = 0.35 + 0.65 * back
    knots = np.linspace(0, 1, 7)
    reach = np.interp(np.linspace(0, 1, ALONG), knots, [0, 0.25, 0.7, 1.0, 1.0, 0.75, 0.3])
    height = np.interp(np.linspace(0, 1, ALONG), knots, [0, 0.9, 1.0, 0.35, -0.7, -1.35, -1.5])
    wave = trim.wave_m * np.sin(3 * angle + trim.phase) * back
    profile = np.empty((len(angle), ALONG, 2))
    profile[..., 0] = reach * (trim.fold_m * size + wave)[:, None]
    profile[..., 1] = np.where(height > 0, trim.stand_m * height, trim.fold_m * 0.75 * height) * size[:, None]
    return _swept(trim, profile, seam, out)


def _hood_up(trim: Trim) -> Drawn:
    """Arches over the head from ear to ear, the first around the face, the last around the nape."""
    share = np.linspace(0, 1, ARCHES)
    feet, tops, height = _arches(trim, share)
    turn = np.linspace(-np.pi / 2, np.pi / 2, ACROSS)
    middle = feet * (0, 1, 1)
    bulge = np.sin(np.pi * (1 - np.abs(np.sin(turn)))) ** 0.7 * np.minimum(height[:, None] / 0.2, 1)
    points = middle[:, None] + (np.cos(turn) ** 0.75)[None, :, None] * (tops - middle)[:, None]
    points[..., 0] = np.sin(turn) * (feet[:, :1] + (0.088 + 0.6 * trim.stand_m) * bulge)
    along = np.broadcast_to(1 - np.abs(np.linspace(-1, 1, ACROSS)), points.shape[:2])
    return points.reshape(-1, 3), _grid(ARCHES, ACROSS, closed=False), along.ravel().copy()


def _arches(
    trim: Trim, share: Float[np.ndarray, " a"]
) -> tuple[Float[np.ndarray, "a 3"], Float[np.ndarray, "a 3"], Float[np.ndarray, " a"]]:
    """Left foot and top of every arch of a hood, and its height, from the face (share 0) to the nape (1)."""
    angle = np.pi - np.radians(max(trim.gap_deg, 25)) * (1 - share) - share * np.pi
    feet = np.stack([np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=1)
    feet *= np.array([*NECK_RADII, 0]) + trim.width_m
    feet[:, 2] = SEAM[0] + SEAM[1] * feet[:, 1]
    feet[:, 1] += AXIS[1]
    lean = np.radians(np.interp(share, HOOD[0], HOOD[1]))
    height = np.interp(share, HOOD[0], HOOD[2]) + trim.stand_m
    tops = np.stack([0 * lean, height * np.cos(lean) + AXIS[1] - 0.01, height * np.sin(lean) + SEAM[0]], axis=1)
    return feet, tops, height


def _scarf(trim: Trim) -> Drawn:
    """A thick ring around the neck, its waves different all around."""
    closed = Trim(**{**vars(trim), "gap_deg": 0.0})
    angle, seam, out = _ring(closed)
    rows = 2 * ALONG
    turn = np.linspace(0, 2 * np.pi, rows)
    thick = trim.stand_m + trim.wave_m * (np.sin(2 * angle + trim.phase) + 0.6 * np.sin(5 * angle - 2 * trim.phase))
    ripple = 1 + 0.12 * np.sin(3 * turn[None] + 4 * angle[:, None] + trim.phase)
    profile = np.empty((AROUND, rows, 2))
    profile[..., 0] = 0.012 + (1 - np.cos(turn)) * thick[:, None] * 0.8 * ripple
    profile[..., 1] = 0.02 + trim.fold_m * np.sin(turn) * ripple * (thick / trim.stand_m)[:, None]
    return _swept(closed, profile, seam, out)
