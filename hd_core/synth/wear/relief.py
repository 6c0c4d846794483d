"""How thick hair is on the scalp, and its locks: shared by hair that lies and hair that hangs."""

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.noise import layered_noise
from hd_core.synth.wear.hairdo import Hairdo
from hd_core.synth.wear.skull import Whorl

ROOT_M = 0.09
"""Radius of the circle on which roots are laid out for looks, as wide as the head: strands run down from it."""
SUNK_M = 0.003
"""How deep the border of the hair is under the skin."""
UNPARTED = ("afro", "buzz", "bald")


def roots(
    azimuth: Float[np.ndarray, "*n"], length: Float[np.ndarray, "r c"], whorl: Whorl
) -> Float[np.ndarray, "r c 3"]:
    """Where hair looks up its streaks: the place of its root on a circle, and its length so far."""
    circle = np.stack([np.sin(azimuth), -np.cos(azimuth)], axis=-1) * ROOT_M
    turned = circle + np.array([whorl.side_rad, whorl.back_rad]) * 0.1
    return np.concatenate([np.broadcast_to(turned, (*length.shape, 2)), length[..., None]], axis=-1)


def thickness(
    do: Hairdo, share: Float[np.ndarray, "r _"], azimuth: Float[np.ndarray, "*c"]
) -> Float[np.ndarray, "r c"]:
    """From the top over the sides down to the border, which is under the skin.

    Args:
        do: The hairdo.
        share: 0 at the whorl, 1 at the hairline.
        azimuth: Round the whorl.
    """
    if do.kind == "afro":
        return np.asarray(do.top_m * np.sqrt(np.clip(1 - share**3, 0, 1)) - SUNK_M * share**8 + 0 * azimuth)
    front = np.clip(np.cos(azimuth), 0, 1) ** 2
    side = eased((share - 0.35) / 0.45) * (1 - 0.55 * front)  # what is above the forehead belongs to the top
    full = do.top_m + (do.side_m - do.top_m) * side
    if do.parting_rad is not None and do.kind not in UNPARTED:
        astray = wrapped(azimuth - do.parting_rad) * np.sin(1.8 * share)
        full = full * (1 - 0.5 * np.exp(-((astray / 0.09) ** 2)) * (1 - share**4))
    power = 4 + 3 * np.abs(np.sin(azimuth / 2))  # a softer edge at the forehead
    return np.asarray(full * (1 - share**power) - SUNK_M * share**power)


def locks(do: Hairdo, texture: Float[np.ndarray, "r c 3"]) -> Float[np.ndarray, "r c"]:
    """Relief of locks over the thickness, about -0.35..0.35: ridges along the strands, or curls all over."""
    shift = np.array([do.seed % 101, do.seed % 89, do.seed % 83], float)
    if do.kind == "afro":
        return np.asarray(0.12 * layered_noise(texture / 0.016 + shift, octaves=2))
    bend = do.wave_m * np.sin(2 * np.pi * texture[..., 2] / do.curl_m + 3 * layered_noise(texture / 0.05 + shift))
    place = texture * np.array([1.0, 1.0, 0.1]) + 4 * bend[..., None] * np.array([1.0, 1.0, 0.0])
    ridges = layered_noise(place / do.lock_m + shift, octaves=2)
    return np.asarray(0.3 * ridges + 20 * bend)


def uneven(azimuth: Float[np.ndarray, " c"], seed: int, size_m: float) -> Float[np.ndarray, " c"]:
    """Noise round the head, -1..1."""
    circle = np.stack([np.sin(azimuth), np.cos(azimuth), 0 * azimuth], axis=1) * ROOT_M
    return layered_noise(circle / size_m + seed % 97, octaves=2)


def wrapped(angle: Float[np.ndarray, "*c"]) -> Float[np.ndarray, "*c"]:
    """The same direction within -pi..pi."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def eased(share: Float[np.ndarray, "*c"]) -> Float[np.ndarray, "*c"]:
    """0 below 0, 1 above 1, smooth in between."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
