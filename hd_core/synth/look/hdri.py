"""Photographed environments: equirectangular OpenEXR files.

They are read only under a licence that lets pictures made with them go anywhere.
"""

from pathlib import Path

import numpy as np
import OpenEXR
from jaxtyping import Float, Float32

from hd_core.errors import InputError
from hd_core.synth.licences import check_licence
from hd_core.synth.look.environment import HEIGHT, WIDTH, normalised

BRIGHTEST = 6e4


def load_environment(path: Path, *, licence: str, credit: str = "") -> Float32[np.ndarray, "64 128 3"]:
    """Read an equirectangular EXR file, average it down and scale it to mean luminance 1 over the sphere.

    Args:
        path: The file; twice as wide as high, top row up.
        licence: SPDX name of its licence, as its owner states it.
        credit: Who made it; needed under CC BY.

    Raises:
        InputError: The licence is unknown or not free enough, the credit is missing, or the file is no such picture.
    """
    check_licence(path, licence, credit)
    picture = _read(path)
    height, width = picture.shape[:2]
    if width != 2 * height or height < HEIGHT:
        raise InputError(
            f"{path} has {width} x {height} px; expected twice as wide as high, {WIDTH} x {HEIGHT} or more.",
            "Give an equirectangular environment.",
        )
    finite = np.clip(np.nan_to_num(picture, nan=0.0, posinf=BRIGHTEST), 0, BRIGHTEST)
    if not finite.any():
        raise InputError(f"{path} is black all over; expected light.")
    return normalised(_averaged(_averaged(finite, HEIGHT).swapaxes(0, 1), WIDTH).swapaxes(0, 1))


def _read(path: Path) -> Float[np.ndarray, "h w 3"]:
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: np.array(channel.pixels) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read as OpenEXR ({error}).", "Write or copy it again.") from error
    if not {"R", "G", "B"} <= set(channels):
        raise InputError(f"{path} holds the channels {', '.join(sorted(channels))}; expected R, G and B.")
    return np.stack([channels[name] for name in "RGB"], axis=-1).astype(np.float64)


def _averaged(picture: Float[np.ndarray, "n m 3"], count: int) -> Float[np.ndarray, "k m 3"]:
    """Mean of the rows in `count` equal parts; exact also where a part ends within a row."""
    total = np.concatenate([np.zeros_like(picture[:1]), np.cumsum(picture, axis=0)])
    edges = np.linspace(0, len(picture), count + 1)
    whole = np.minimum(edges.astype(int), len(picture) - 1)
    at_edges = total[whole] + (edges - whole)[:, None, None] * picture[whole]
    return np.asarray(np.diff(at_edges, axis=0) * count / len(picture))
