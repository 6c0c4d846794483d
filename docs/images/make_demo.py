"""Draws demo.jpg from a finished demo: `make demo && .venv/bin/python docs/images/make_demo.py out/demo`."""

import sys
from pathlib import Path

from PIL import Image

from hd_core.report.sheet import HEADER, TILE

ROWS = (1, 4)
WIDTH = 1600


def main(run: Path) -> None:
    """Keep the header and two rows of the contact sheet."""
    sheet = Image.open(run / "contact_sheet.png")
    picture = Image.new("RGB", (sheet.width, HEADER + TILE * len(ROWS)))
    picture.paste(sheet.crop((0, 0, sheet.width, HEADER)), (0, 0))
    for position, row in enumerate(ROWS):
        top = HEADER + row * TILE
        picture.paste(sheet.crop((0, top, sheet.width, top + TILE)), (0, HEADER + position * TILE))
    small = picture.resize((WIDTH, picture.height * WIDTH // picture.width), Image.Resampling.LANCZOS)
    small.save(Path(__file__).with_name("demo.jpg"), quality=90, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
