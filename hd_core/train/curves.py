"""A training's curves: one JSON line at a time while it runs, and a picture of them."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from hd_core.atomic import atomic_path

NAME = "curve.jsonl"
WIDTH, HEIGHT, EDGE = 900, 260, 44
INK, GRID = (30, 30, 30), (225, 225, 225)
COLOURS = ((0, 90, 180), (200, 60, 20), (20, 130, 60), (130, 60, 150))


def add_line(folder: Path, values: Mapping[str, float | int]) -> None:
    """Append one line; losses and validations share the file and differ in their names."""
    with (folder / NAME).open("a") as file:
        file.write(json.dumps({name: round(value, 6) for name, value in values.items()}) + "\n")


def read_lines(folder: Path) -> list[dict[str, float | int]]:
    """All lines."""
    path = folder / NAME
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def draw_curves(folder: Path, panels: Sequence[Sequence[str]]) -> None:
    """Draw values over steps to `curve.png`, a panel for each group of names; logarithmic, smoothed by tenths."""
    lines = read_lines(folder)
    sheet = Image.new("RGB", (WIDTH, HEIGHT * len(panels)), "white")
    for row, names in enumerate(panels):
        series = {name: _points(lines, name) for name in names}
        panel = _panel({name: _smooth(points) for name, points in series.items() if points})
        sheet.paste(panel, (0, row * HEIGHT))
    with atomic_path(folder / "curve.png") as aside:
        sheet.save(aside)


def _points(lines: Sequence[Mapping[str, float | int]], name: str) -> list[tuple[int, float]]:
    return [(int(line["step"]), float(line[name])) for line in lines if line.get(name, 0) > 0]


def _smooth(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means over up to 120 stretches of equal length."""
    size = math.ceil(len(points) / 120)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def _panel(series: Mapping[str, list[tuple[int, float]]]) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    points = [point for line in series.values() for point in line]
    if not points:
        return image
    last = max(step for step, _ in points)
    low, high = min(v for _, v in points) / 1.1, max(v for _, v in points) * 1.1

    def place(step: int, value: float) -> tuple[float, float]:
        across = EDGE + (WIDTH - 2 * EDGE) * step / max(last, 1)
        up = math.log(value / low) / math.log(high / low)
        return across, HEIGHT - EDGE / 2 - (HEIGHT - EDGE) * up

    for tick in range(5):
        value = low * (high / low) ** (tick / 4)
        y = place(0, value)[1]
        draw.line((EDGE, y, WIDTH - EDGE, y), fill=GRID)
        draw.text((2, y - 6), f"{value:.3g}", fill=INK)
    for row, (name, line) in enumerate(series.items()):
        colour = COLOURS[row % len(COLOURS)]
        draw.line([place(*point) for point in line], fill=colour, width=2)
        draw.text((WIDTH - EDGE - 150, 8 + 13 * row), f"{name} {line[-1][1]:.4g}", fill=colour)
    draw.text((WIDTH - EDGE - 60, HEIGHT - 14), f"step {last}", fill=INK)
    return image
