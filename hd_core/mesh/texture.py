"""One picture for a whole clip: the crops of all frames as tiles of an atlas."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from hd_core.errors import InputError
from hd_core.types import Crop

MAX_SIDE_PX = 8192
"""Largest texture that today's viewers and engines take for sure."""


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """Where the tile of each frame lies; make it with `plan_atlas`.

    Args:
        num_frames: Tiles in use, row by row from the top left.
        columns: Tiles side by side.
        rows: Tiles one below the other.
        tile_width: px.
        tile_height: px.
    """

    num_frames: int
    columns: int
    rows: int
    tile_width: int
    tile_height: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture, px."""
        return self.rows * self.tile_height, self.columns * self.tile_width

    def blank(self) -> UInt8[np.ndarray, "h w 3"]:
        """An empty picture to paste into."""
        return np.zeros((*self.shape, 3), np.uint8)

    def paste(self, picture: UInt8[np.ndarray, "h w 3"], position: int, rgb: UInt8[np.ndarray, "a b 3"]) -> None:
        """Write a crop into its tile of `picture`, in place, resampled if the tile is smaller.

        Args:
            picture: From `blank`.
            position: Which frame, from 0.
            rgb: The whole crop.

        Raises:
            InputError: The atlas has no such tile, or the picture is of another atlas.
        """
        if picture.shape[:2] != self.shape:
            raise InputError(f"Found a picture of {picture.shape[:2]} px; expected {self.shape}.")
        top, left = self._corner(position)
        if rgb.shape[:2] != (self.tile_height, self.tile_width):
            size = (self.tile_width, self.tile_height)
            rgb = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))
        picture[top : top + self.tile_height, left : left + self.tile_width] = rgb

    def uv(self, position: int, crop: Crop, uv_full_frame: Float[np.ndarray, "v 2"]) -> Float[np.ndarray, "v 2"]:
        """Texture coordinates in the atlas, v upwards.

        They keep half a texel away from the tile's border, so that bilinear lookup never reaches its neighbour.

        Args:
            position: Which frame, from 0.
            crop: Crop of that frame.
            uv_full_frame: Coordinates in the full frame, v upwards.

        Raises:
            InputError: The atlas has no such tile.
        """
        top, left = self._corner(position)
        to_crop = crop.crop_from_full
        x = (to_crop[0, 0] * uv_full_frame[:, 0] * crop.full.width + to_crop[0, 2]) / crop.camera.width
        y = (to_crop[1, 1] * (1 - uv_full_frame[:, 1]) * crop.full.height + to_crop[1, 2]) / crop.camera.height
        x = np.clip(x * self.tile_width, 0.5, self.tile_width - 0.5)
        y = np.clip(y * self.tile_height, 0.5, self.tile_height - 0.5)
        height, width = self.shape
        return np.stack([(left + x) / width, 1 - (top + y) / height], axis=1).astype(np.float32)

    def _corner(self, position: int) -> tuple[int, int]:
        if not 0 <= position < self.num_frames:
            raise InputError(f"Found frame {position}; the atlas holds 0..{self.num_frames - 1}.")
        row, column = divmod(position, self.columns)
        return row * self.tile_height, column * self.tile_width


def plan_atlas(num_frames: int, *, crop_width: int, crop_height: int, max_side: int = MAX_SIDE_PX) -> Atlas:
    """The arrangement with the largest tiles (never larger than the crops), then the smallest picture.

    Args:
        num_frames: Tiles wanted.
        crop_width: px.
        crop_height: px.
        max_side: Largest width and height of the picture, px.

    Raises:
        InputError: Not even tiles of one pixel fit.
    """
    if num_frames < 1:
        raise InputError(f"Found {num_frames} frames for an atlas; expected at least one.")

    def quality(columns: int) -> tuple[float, int, int]:
        width, height = columns * crop_width, -(-num_frames // columns) * crop_height
        return -min(1.0, max_side / width, max_side / height), width * height, abs(width - height)

    columns = min(range(1, num_frames + 1), key=quality)
    scale = -quality(columns)[0]
    rows = -(-num_frames // columns)
    # the small addend keeps an exact fit such as 8192 / 3 * 3 from losing a pixel to rounding
    width, height = int(crop_width * scale + 1e-9), int(crop_height * scale + 1e-9)
    if min(width, height) < 1:
        raise InputError(
            f"{num_frames} frames do not fit into one picture of {max_side} px.",
            "Use one picture per frame instead.",
        )
    return Atlas(num_frames=num_frames, columns=columns, rows=rows, tile_width=width, tile_height=height)
