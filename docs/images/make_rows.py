"""Draws NAME.jpg from rows of a finished run's contact sheet: `python docs/images/make_rows.py RUN NAME ROW...`.

`demo.jpg`: `make demo && .venv/bin/python docs/images/make_rows.py out/demo demo 1 4`.
`squats.jpg`: `hd-core reconstruct squats.mp4 -o out/squats`, then `make_rows.py out/squats squats 1 3`.
"""

import sys
from pathlib import Path

from PIL import Image

from hd_core.report.sheet import HEADER, TILE

WIDTH = 1600


def main(run: Path, name: str, rows: list[int]) -> None:
    """Keep the header and some rows of the contact sheet."""
    sheet = Image.open(run / "contact_sheet.png")
    picture = Image.new("RGB", (sheet.width, HEADER + TILE * len(rows)))
    picture.paste(sheet.crop((0, 0, sheet.width, HEADER)), (0, 0))
    for position, row in enumerate(rows):
        top = HEADER + row * TILE
        picture.paste(sheet.crop((0, top, sheet.width, top + TILE)), (0, HEADER + position * TILE))
    small = picture.resize((WIDTH, picture.height * WIDTH // picture.width), Image.Resampling.LANCZOS)
    small.save(Path(__file__).with_name(f"{name}.jpg"), quality=90, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(row) for row in sys.argv[3:]])
