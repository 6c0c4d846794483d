"""Draws atlas.jpg: the 24 parts on the body, front and back, and their charts, with lines of equal u and v.

Run: python docs/images/make_atlas.py.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hd_core.geometry.camera import camera_from_focal
from hd_core.synth.atlas.anny24 import PART_NAMES, load_atlas, part_colours
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

HEIGHT, SCALE = 760, 2
"""Of the picture, px, and how much larger it is drawn before it is made smaller."""
BODY, CHART, COLUMNS = 426, 124, 6
LINES = 10
"""Of equal u, and of equal v, to a chart."""
AWAY_M, TALL_M = 9.0, 1.85
PAPER = 255


def main() -> None:
    """Two views of the body, then the charts by number."""
    sheet = Image.new("RGB", ((2 * BODY + COLUMNS * CHART) * SCALE, HEIGHT * SCALE), (PAPER,) * 3)
    for column, turn in enumerate((0.0, np.pi)):
        sheet.paste(Image.fromarray(body_view(turn)), (column * BODY * SCALE, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11 * SCALE)
    for part in range(1, len(PART_NAMES)):
        row, column = divmod(part - 1, COLUMNS)
        x, y = (2 * BODY + column * CHART) * SCALE, (12 + row * (HEIGHT - 12) // 4) * SCALE
        sheet.paste(Image.fromarray(chart_view(part)), (x, y + 34 * SCALE))
        draw.text((x + 4, y), f"{part}\n{PART_NAMES[part]}", fill="black", font=font, spacing=2)
        draw.text((x + CHART * SCALE // 2 - 8, y + (34 + CHART - 10) * SCALE), "u", fill="black", font=font)
        draw.text((x + 2, y + (34 + CHART // 2 - 8) * SCALE), "v", fill="black", font=font)
    small = sheet.resize((sheet.width // SCALE, sheet.height // SCALE), Image.Resampling.LANCZOS)
    small.save(Path(__file__).with_name("atlas.jpg"), quality=88, optimize=True)


def body_view(turn: float) -> np.ndarray:
    """The template turned about its axis, in the colours of its parts."""
    atlas = load_atlas()
    z_up = atlas.vertices.astype(np.float64)
    centre = (z_up.max(axis=0) + z_up.min(axis=0)) / 2
    x, y, z = (z_up - centre).T
    cos, sin = np.cos(turn), np.sin(turn)
    # The person faces -y and the camera looks along +y: x right, -z down, y away.
    seen = np.stack([cos * x - sin * y, -z, AWAY_M + sin * x + cos * y], axis=1)
    width, height = BODY * SCALE, HEIGHT * SCALE
    camera: Camera = camera_from_focal(width, height, focal_px=height * AWAY_M / TALL_M)
    found = rasterise(seen, atlas.faces, camera)
    on = found.face >= 0
    part, u, v = atlas.encode(found.face[on], found.barycentric[on].astype(np.float64))
    corners = seen[atlas.faces[found.face[on]]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = np.abs(normal[:, 2]) / np.linalg.norm(normal, axis=1)
    picture = np.full((height, width, 3), PAPER, np.uint8)
    picture[on] = coloured(part, u, v, shade=0.55 + 0.45 * facing)
    return picture


def chart_view(part: int) -> np.ndarray:
    """One chart: u to the right, v upwards; grey where it has nothing."""
    side, margin = CHART * SCALE, 14 * SCALE
    inside = side - 2 * margin
    steps = (np.arange(inside) + 0.5) / inside
    u, v = (plane.ravel() for plane in np.meshgrid(steps, steps[::-1]))
    atlas = load_atlas()
    parts = np.full(len(u), part)
    _, on_u, on_v = atlas.encode(*atlas.decode(parts, u, v))
    covered = np.hypot(on_u - u, on_v - v) < 1e-6
    square = np.full((inside * inside, 3), 232, np.uint8)
    square[covered] = coloured(parts[covered].astype(np.uint8), u[covered], v[covered], shade=np.ones(covered.sum()))
    picture = np.full((side, side, 3), PAPER, np.uint8)
    picture[margin:-margin, margin:-margin] = square.reshape(inside, inside, 3)
    return picture


def coloured(part: np.ndarray, u: np.ndarray, v: np.ndarray, *, shade: np.ndarray) -> np.ndarray:
    """Colours of parts, with dark lines of equal u and light ones of equal v."""
    colour = part_colours()[part] * shade[:, None]
    colour[part == 0] = 90
    for values, line in ((u, 0.25), (v, 1.0)):
        near = np.abs((values * LINES) % 1 - 0.5) > 0.5 - 0.055
        target = 255 * line if line == 1.0 else colour[near] * line
        colour[near] = 0.25 * colour[near] + 0.75 * target
    return np.clip(colour, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
