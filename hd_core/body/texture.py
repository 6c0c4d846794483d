"""A clip's pictures gathered in the charts of the body, and pictures painted with what was gathered.

Every pixel whose point of the body is known is a sample of that point's colour. A texel is their mean over all frames,
weighted by trust, and robust: samples far from the mean of the round before count little (weights of Geman and McClure,
1987), so that a frame whose points are wrong, or whose light is odd, does not blur what the others agree on. Tiles lie
as in the texture pictures of DensePose's tools: six rows, four columns, parts down the columns, v upwards.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from scipy import ndimage

from hd_core.synth.atlas.anny24 import PART_NAMES

SIDE = 128
"""Texels to a side of a tile: about the pixels of a torso in a view of 512 px."""
ROWS, COLUMNS = 6, 4
WIDTH = 0.1
"""Difference of colour, of 1, at which a sample counts a quarter."""
LEVELS = 3
"""Texels between samples are filled from grids of half the size, at most so many times; beyond that are holes."""
_TILES = len(PART_NAMES) - 1
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Texture:
    """Colours of the body's surface.

    Args:
        colour: 0..1, sRGB; zero in holes.
        known: Texels that were seen, or lie close to some that were.
    """

    colour: Float32[np.ndarray, "24 s s 3"]
    known: Bool[np.ndarray, "24 s s"]


class TextureGatherer:
    """One round over all frames of a clip.

    Args:
        around: The texture of the round before, for a robust mean; None for a plain one.
        side: Texels to a side of a tile.
    """

    def __init__(self, around: Texture | None = None, *, side: int = SIDE) -> None:
        self._around, self._side = around, side
        self._sums = np.zeros((_TILES * side * side, 4))

    def add(
        self, rgb: UInt8[np.ndarray, "h w 3"], iuv: UInt8[np.ndarray, "h w 3"], trust: Float[np.ndarray, "h w"]
    ) -> None:
        """Add a frame.

        Args:
            rgb: The picture.
            iuv: Part, u and v, bytes.
            trust: 0 and up; of each pixel.
        """
        on = (iuv[..., 0] > 0) & (trust > 0)
        texel, colour = _texel(iuv[on], self._side), rgb[on] / 255.0
        weight = trust[on].astype(np.float64)
        if self._around is not None:
            mean = self._around.colour.reshape(-1, 3)[texel]
            off = ((colour - mean) ** 2).sum(axis=1) / WIDTH**2
            weight *= np.where(self._around.known.ravel()[texel], 1 / (1 + off) ** 2, 1.0)
        for channel, values in enumerate((*colour.T, np.ones(len(texel)))):
            self._sums[:, channel] += np.bincount(texel, weight * values, minlength=len(self._sums))

    def texture(self) -> Texture:
        """What was gathered so far."""
        sums = self._sums.reshape(_TILES, self._side, self._side, 4)
        filled = _filled(sums, LEVELS)
        known = filled[..., 3] > 0
        colour = filled[..., :3] / np.maximum(filled[..., 3:], _LEAST)
        return Texture(colour=np.where(known[..., None], colour, 0).astype(np.float32), known=known)


def paint(
    texture: Texture, iuv: UInt8[np.ndarray, "h w 3"]
) -> tuple[Float32[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
    """The picture that a texture gives, 0..1, and where it knows a colour.

    Args:
        texture: Of the person.
        iuv: Which point of the body each pixel shows.
    """
    on, picture = iuv[..., 0] > 0, np.zeros(iuv.shape, np.float32)
    texel = _texel(iuv[on], texture.known.shape[-1])
    picture[on] = texture.colour.reshape(-1, 3)[texel]
    known = on.copy()
    known[on] = texture.known.ravel()[texel]
    return picture, known


def psnr_db(
    painted: Float32[np.ndarray, "h w 3"], rgb: UInt8[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]
) -> float:
    """Peak signal over the error of the known pixels, dB; higher is better. Not a number without any."""
    if not known.any():
        return float("nan")
    error = float(np.square(painted[known] - rgb[known] / 255.0).mean())
    return float(-10 * np.log10(max(error, 1e-12)))


def sheet(texture: Texture) -> UInt8[np.ndarray, "a b 4"]:
    """All tiles in one picture; alpha is 0 in holes."""
    side = texture.known.shape[-1]
    tiles = np.concatenate([texture.colour, texture.known[..., None]], axis=-1)
    laid = tiles.reshape(COLUMNS, ROWS, side, side, 4).transpose(1, 2, 0, 3, 4)
    return np.asarray(np.rint(255 * laid.reshape(ROWS * side, COLUMNS * side, 4)), np.uint8)


def _texel(iuv: UInt8[np.ndarray, "n 3"], side: int) -> Int[np.ndarray, " n"]:
    part, u, v = iuv.astype(np.int64).T
    texel: np.ndarray = ((part - 1) * side + (255 - v) * side // 256) * side + u * side // 256
    return texel


def _filled(sums: Float[np.ndarray, "t s s 4"], levels: int) -> Float[np.ndarray, "t s s 4"]:
    """Sums of weighted colours and weights; where there are none, those of the next coarser grid."""
    side = sums.shape[1]
    if levels == 0 or side % 2:
        return sums
    coarse = sums.reshape(len(sums), side // 2, 2, side // 2, 2, 4).sum(axis=(2, 4))
    wide = ndimage.zoom(_filled(coarse, levels - 1), (1, 2, 2, 1), order=1, mode="nearest", grid_mode=True)
    return np.asarray(np.where(sums[..., 3:] > 0, sums, wide))
