"""Draws axes.png: the three sets of axes of docs/conventions.md. Run: python docs/images/make_axes.py."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hd_core.geometry.camera import BLENDER_FROM_CAM, YUP_FROM_CAM

SETS = {
    "camera (OpenCV)": np.eye(3),
    "Blender, USD, PLY": BLENDER_FROM_CAM,
    "glTF, OBJ, Alembic": YUP_FROM_CAM,
}
COLOURS = {"x": (214, 60, 60), "y": (70, 160, 60), "z": (60, 100, 214)}
SIZE, SCALE = 300, 2
PAPER_FROM_CAM = np.array([[100.0, 0, 62], [0, 100, -48]])
"""An oblique view: x to the right, y down, z into the picture, up and to the right."""


def main() -> None:
    """Draw every set from the same place, so that equal directions are equal arrows."""
    sheet = Image.new("RGB", (SIZE * 3 * SCALE, SIZE * SCALE), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15 * SCALE)
    for column, (title, axes_from_cam) in enumerate(SETS.items()):
        origin = np.array([SIZE * column + 120, 165])
        draw.text((SCALE * (SIZE * column + 20), 12 * SCALE), title, fill="black", font=font)
        for name, direction in zip("xyz", axes_from_cam, strict=True):
            arrow(draw, origin, origin + PAPER_FROM_CAM @ direction, name, font)
        draw.ellipse([*(SCALE * (origin - 4)), *(SCALE * (origin + 4))], fill="black")
    sheet.resize((SIZE * 3, SIZE), Image.Resampling.LANCZOS).save(Path(__file__).with_name("axes.png"))


def arrow(draw: ImageDraw.ImageDraw, start: np.ndarray, end: np.ndarray, name: str, font: object) -> None:
    """A coloured arrow with its name beyond the tip."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    draw.line([*(SCALE * start), *(SCALE * end)], fill=COLOURS[name], width=4 * SCALE)
    tip = [end + along * 9, end - along * 6 + across * 7, end - along * 6 - across * 7]
    draw.polygon([tuple(SCALE * corner) for corner in tip], fill=COLOURS[name])
    place = SCALE * (end + along * 20)
    draw.text(tuple(place), f"+{name}", fill=COLOURS[name], font=font, anchor="mm")


if __name__ == "__main__":
    main()
