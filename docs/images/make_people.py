"""Draws several_people.png: two synthetic people who cross, each with the id and the matte found for it.

    python docs/images/make_people.py WORK

WORK gets the frames and the run; the networks of the person stage look at every frame (a minute or two).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from two_people import FPS, film_two_people

from hd_core.geometry.crop import paste_plane
from hd_core.pipeline.line import Plan, predict
from hd_core.pipeline.options import PersonOptions, PredictOptions, SourceOptions
from hd_core.records import read_view
from hd_core.runfolder import RunFolder

SHOWN = (1, 5, 7, 12)
COLOURS = ((255, 120, 60), (60, 150, 255))
TILE = (400, 300)


def main(work: Path) -> None:
    """Film, find, draw."""
    frames, run = work / "crossing", work / "run"
    frames.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(film_two_people(num_frames=16, height=480).pictures, start=1):
        Image.fromarray(picture).save(frames / f"{number:04d}.png")
    plan = Plan(
        source=SourceOptions(fps=str(FPS)),
        person=PersonOptions(person="all", tier="fast", size=256),
        predict=PredictOptions(predictor="flat"),
    )
    predict(frames, run, plan, overwrite=True)
    with RunFolder.existing(run) as folder:
        tiles = [np.asarray(_drawn(folder, index, frames)) for index in SHOWN]
    row = Image.fromarray(np.concatenate(tiles, axis=1))
    few = row.convert("P", palette=Image.Palette.ADAPTIVE, colors=200)
    few.save(Path(__file__).with_name("several_people.png"), optimize=True)


def _drawn(run: RunFolder, index: int, frames: Path) -> Image.Image:
    """A frame with the mattes laid over it and the ids above the heads."""
    picture = np.asarray(Image.open(frames / f"{index + 1:04d}.png"), np.float64)
    heads = []
    for person_id, colour in zip(run.person_ids(), COLOURS, strict=False):
        path = run.frame_path("person", person_id, index)
        if path.exists():
            view = read_view(path)
            cover = 0.55 * paste_plane(view.alpha, view.crop)[..., None]
            picture = picture * (1 - cover) + np.array(colour) * cover
            rows, columns = np.nonzero(cover[..., 0] > 0.3)
            heads.append((float(columns.mean()) - 10, max(float(rows.min()) - 34, 0), str(person_id), colour))
    image = Image.fromarray(picture.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for x, y, name, colour in heads:
        draw.text((x, y), name, fill=colour, font_size=30, stroke_width=2, stroke_fill=(0, 0, 0))
    return image.resize(TILE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
