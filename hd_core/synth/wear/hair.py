"""Hair that the head carries: a cap over the scalp with locks in relief, and what is tied up.

The hair's surface is closed: at the hairline the cap dips under the skin.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from hd_core.synth.body.identity import RestBody
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.wear.forms import loft, unit
from hd_core.synth.wear.hairdo import Hairdo
from hd_core.synth.wear.hats import Hat
from hd_core.synth.wear.looks import Look
from hd_core.synth.wear.piece import Piece, head_piece, skin_piece
from hd_core.synth.wear.relief import locks, roots, thickness, uneven, wrapped
from hd_core.synth.wear.skull import Skull, Whorl, hairline, scalp_vertices, template_skull

ROWS, COLUMNS = 22, 76
BUN_ROWS, BUN_COLUMNS = 16, 28
PRESSED_M = 0.003
"""Thickness of hair under a hat."""


def cap_of_hair(do: Hairdo, skull: Skull, rest: RestBody, look: Look, *, hat: Hat | None = None) -> Piece:
    """The hair on the scalp; at the nape it bends with the neck.

    Args:
        do: The hairdo.
        skull: The head.
        rest: The person.
        look: Its look.
        hat: What presses it flat; none if not given.
    """
    azimuth = 2 * np.pi * np.arange(COLUMNS) / COLUMNS
    share = ((np.arange(ROWS) + 0.5) / (ROWS - 0.5))[:, None]
    edge = hairline(do.whorl, azimuth) * (1 + 0.014 * uneven(azimuth, do.seed, 0.03))
    edge = edge + do.fringe_m / 0.1 * np.clip(1.4 - np.abs(wrapped(azimuth)) / 0.5, 0, 1)
    polar = share * edge
    rays = do.whorl.rays(np.broadcast_to(azimuth, polar.shape), polar)
    texture = rays * (0.09 + do.top_m) if do.kind == "afro" else roots(azimuth, 0.1 * polar, do.whorl)
    off = thickness(do, share, azimuth)
    if do.kind == "afro":  # the hairline's corners must not go up into the ball
        off = uniform_filter1d(off, 15, axis=1, mode="wrap")
    off = off * (1 + locks(do, texture))
    if hat is not None:
        flat = np.clip((hat.band_rad + 0.25 - hat.tilt.angles(rays)[1]) / 0.15, 0, 1)
        off = np.where(off > PRESSED_M, off + flat * (PRESSED_M - off), off)
    points, faces = loft(skull.points(rays, off_m=off), start=True)
    points[-1] = skull.points(do.whorl.rays(np.zeros(1), np.zeros(1)), off_m=float(off[0].mean()))[0]
    canonical, _ = loft(template_skull().points(rays), start=True)
    places, _ = loft(texture, start=True)
    piece = skin_piece("hair", (points, faces), rest, look, among=scalp_vertices(), texture=places)
    return replace(piece, ties=replace(piece.ties, canonical=canonical.astype(np.float32)))


def knot(do: Hairdo, skull: Skull, look: Look) -> Piece:
    """A bun at the back of the head or on top of it: a ball with strands wound round it."""
    rng = np.random.default_rng(do.seed)
    ray = Whorl(back_rad=0.0).rays(np.array(np.pi), np.array(rng.uniform(0.2, 1.3)))
    polar = (np.pi * (np.arange(BUN_ROWS) + 0.5) / BUN_ROWS)[:, None]
    azimuth = 2 * np.pi * np.arange(BUN_COLUMNS) / BUN_COLUMNS
    ring = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    ball = np.sin(polar)[..., None] * ring + np.cos(polar)[..., None] * np.array([0, 0, 0.85])
    coil = 0.06 * np.sin(2 * azimuth + 7 * polar) + 0.05 * layered_noise(ball * 4 + do.seed % 97)
    centre = skull.points(ray[None], off_m=do.top_m + 0.55 * do.length_m)[0]
    ball = do.length_m * ((ball * (1 + coil[..., None])) @ _frame(ray).T)
    points, faces = loft(centre + ball, start=True, end=True)
    wound = azimuth + 2 * polar
    strands = np.stack([0.05 * np.cos(wound), 0.05 * np.sin(wound), 0.1 + 0.05 * polar + 0 * azimuth], axis=-1)
    texture, _ = loft(strands, start=True, end=True)
    canonical = np.broadcast_to(template_skull().points(ray[None]), points.shape)
    return head_piece("bun", (points, faces), canonical=canonical, texture=texture, look=look)


def _frame(axis: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Columns of a right-handed frame whose third is the axis."""
    side = unit(np.cross(axis, np.array([1.0, 0.0, 0.01])))
    return np.stack([np.cross(side, axis), side, axis], axis=1)
