"""Stand-ins for the person networks on a clip of coloured rectangles: a red, a green and a blue person.

What the line does with several people is tested with them at no cost; that the networks find people is tested where
the networks are.
"""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from hd_core.cli.main import main
from hd_core.person.finder import PeopleFinder
from hd_core.person.matte import Matter as NetworkMatter
from hd_core.person.people import People
from hd_core.person.sighting import Sighting
from hd_core.person.steady import SteadyMattes as RealSteadyMattes
from hd_core.types import Box

WIDTH, HEIGHT, NUM_FRAMES = 160, 96, 8
RED, GREEN = 0, 1
"""Channels: persons 1 and 2."""
GREEN_FROM, HOLE_AT = 3, 5
"""Green enters there; there a hole is in red's matte, for one frame only."""


def red_box(index):
    return 10 + 8 * index, 16, 24, 64


def green_box(index):
    return 140 - 5 * index, 30, 16, 40


def write_crowd(folder: Path) -> Path:
    """Pictures in which red walks to the right, and green, farther away, to the left."""
    folder.mkdir(parents=True)
    for index in range(NUM_FRAMES):
        picture = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
        boxes = [(GREEN, green_box(index))] if index >= GREEN_FROM else []
        for channel, (left, top, width, height) in [*boxes, (RED, red_box(index))]:
            picture[top : top + height, left : left + width] = np.eye(3)[channel] * 200 + 20
        if index == HOLE_AT:
            left, top, *_ = red_box(index)
            picture[top + 20 : top + 30, left + 8 : left + 16] = (60, 60, 220)
        Image.fromarray(picture).save(folder / f"{index:04d}.png")
    return folder


def run_line(*arguments):
    """Exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--progress", "none"])
    return end.value.code


def reconstruct(clip, run, *more):
    """Exit code of the main job on such a clip."""
    words = ["reconstruct", clip, "-o", run, "--predictor", "constant", "--size", "64"]
    return run_line(*words, *more)


def manifest_of(run):
    return json.loads((run / "manifest.json").read_text())


class Finder(PeopleFinder):
    """Finds the rectangles by their colours; remembers how often it was asked to look."""

    looks = 0
    cuts = ()

    def __init__(self, *, everybody, box=None):
        self.everybody, self.box, self.seen = everybody, box, []
        self.others = self.left_out = 0

    def look(self, frame):
        Finder.looks += 1
        found = []
        for channel in (RED, GREEN):
            rows, columns = np.nonzero((frame.rgb[..., channel] > 100) & (frame.rgb[..., 2] < 100))
            if len(rows):
                left, top = float(columns.min()), float(rows.min())
                box = Box(left=left, top=top, width=columns.max() + 1.0 - left, height=rows.max() + 1.0 - top)
                found.append((channel, box))
        self.seen.append((frame, found))
        self.others = max(self.others, 0 if self.everybody else len(found) - 1)

    def finish(self):
        wanted = {RED, GREEN} if self.everybody else {self._one()}
        frames = tuple(
            tuple(
                Sighting(
                    frame_index=frame.index,
                    time_seconds=frame.time_seconds,
                    person_id=channel + 1 if self.everybody else 1,
                    box=box,
                    score=1.0,
                )
                for channel, box in found
                if channel in wanted
            )
            for frame, found in self.seen
        )
        return People(sightings=frames, cuts=Finder.cuts)

    def _one(self):
        if self.box is None:
            return RED
        inside = [
            channel
            for channel, box in self.seen[0][1]
            if abs(box.left + box.width / 2 - self.box.left - self.box.width / 2) < self.box.width / 2
        ]
        return inside[0] if inside else -1


class Matter(NetworkMatter):
    """All pixels of the colour in the middle of the box; told of the others, it must have been told of all."""

    told: ClassVar[list[int]] = []

    def __init__(self, tier):
        self.tier = tier

    def alpha(self, rgb, *, crop=None, box=None, others=()):
        Matter.told.append(len(others))
        x, y = (crop.crop_from_full @ [box.left + box.width / 2, box.top + 3, 1])[:2].astype(int)
        channel = int(rgb[y.clip(0, 63), x.clip(0, 63)].argmax())
        return ((rgb[..., channel] > 100) & (rgb[..., 2] < 100)).astype(np.float32)


class SteadyMattes(RealSteadyMattes):
    """The median of three frames, one frame late; the first and the last of a stretch stay as they are."""

    def __init__(self):
        self.held = []

    def push(self, frame_index, crop, alpha, *, rgb=None):
        self.held.append((frame_index, alpha))
        if len(self.held) < 2:
            return []
        if len(self.held) == 2:
            return [self.held[0]]
        (_, before), (index, here), (_, after) = self.held
        del self.held[0]
        return [(index, np.median([before, here, after], axis=0).astype(np.float32))]

    def flush(self):
        rest = self.held[-1:]
        self.held = []
        return rest


def stand_in(monkeypatch):
    """Put them in place of the networks."""
    Finder.looks, Finder.cuts, Matter.told = 0, (), []
    monkeypatch.setattr("hd_core.pipeline.find.PeopleFinder", Finder)
    monkeypatch.setattr("hd_core.pipeline.person.Matter", Matter)
    monkeypatch.setattr("hd_core.pipeline.cutting.SteadyMattes", SteadyMattes)
