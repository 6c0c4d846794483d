"""The contact sheet: a row of pictures per frame, input to shaded mesh, for a look and not for numbers."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from hd_core.report.raster import BACKGROUND, shade_mesh, view_frame
from hd_core.types import Mesh, SurfaceMaps, View

TILE = 256
COLUMNS = ("input", "matte", "depth", "discontinuities", "normals", "mesh", "from the left", "from the right")
HEADER = 22
TURN_DEG = 40.0
"""Far enough to see a rubber sheet, not so far that the missing back is all one sees."""


def sheet_row(
    view: View, surface: SurfaceMaps, discontinuity: Float[np.ndarray, "h w"], mesh: Mesh
) -> UInt8[np.ndarray, "a b 3"]:
    """The pictures of one frame, side by side."""
    frame = view_frame(mesh) if len(mesh.vertices) else None
    tiles = [
        _fit(view.rgb),
        _fit(_on_magenta(view)),
        _fit(depth_picture(surface)),
        _fit(_grey(discontinuity, surface)),
        _fit(normal_picture(surface)),
        *(shade_mesh(mesh, size=TILE, turn_deg=turn, frame=frame) for turn in (0.0, TURN_DEG, -TURN_DEG)),
    ]
    return np.concatenate(tiles, axis=1)


def contact_sheet(rows: list[tuple[str, UInt8[np.ndarray, "a b 3"]]]) -> Image.Image:
    """Rows with their captions under a header that names the columns."""
    width = rows[0][1].shape[1]
    sheet = Image.new("RGB", (width, HEADER + TILE * len(rows)), (20, 20, 20))
    draw = ImageDraw.Draw(sheet)
    for position, name in enumerate(COLUMNS):
        draw.text((position * TILE + 6, 5), name, fill=(235, 235, 235))
    for position, (caption, row) in enumerate(rows):
        sheet.paste(Image.fromarray(row), (0, HEADER + position * TILE))
        draw.text((6, HEADER + position * TILE + 5), caption, fill=(255, 230, 120))
    return sheet


def depth_picture(surface: SurfaceMaps) -> UInt8[np.ndarray, "h w 3"]:
    """Near is light, far is dark, over the frame's own range; for the eye only."""
    picture = np.full((*surface.mask.shape, 3), BACKGROUND, np.uint8)
    if surface.mask.any():
        inside = surface.depth[surface.mask]
        near, far = np.percentile(inside, [1, 99])
        level = 1 - np.clip((inside - near) / max(far - near, 1e-9), 0, 1)
        picture[surface.mask] = (60 + 195 * level[:, None]).astype(np.uint8)
    return picture


def normal_picture(surface: SurfaceMaps) -> UInt8[np.ndarray, "h w 3"]:
    """OpenGL tint as artists know it: right is red, up is green, towards the viewer is blue."""
    picture = np.full((*surface.mask.shape, 3), BACKGROUND, np.uint8)
    tint = (surface.normal[surface.mask] * [1, -1, -1] + 1) / 2
    picture[surface.mask] = np.clip(tint * 255, 0, 255).astype(np.uint8)
    return picture


def _on_magenta(view: View) -> UInt8[np.ndarray, "h w 3"]:
    alpha = view.alpha[..., None]
    picture: np.ndarray = (view.rgb * alpha + np.array([255, 0, 255]) * (1 - alpha)).astype(np.uint8)
    return picture


def _grey(unit: Float[np.ndarray, "h w"], surface: SurfaceMaps) -> UInt8[np.ndarray, "h w 3"]:
    level = np.where(surface.mask, 60 + 195 * np.clip(unit, 0, 1), BACKGROUND)
    return np.repeat(level[..., None], 3, axis=-1).astype(np.uint8)


def _fit(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "a b 3"]:
    return np.asarray(Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.LANCZOS))
