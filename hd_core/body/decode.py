"""From what the correspondence network says to parts and chart places: the points of the body that pixels show.

Where some part is likelier than none, a pixel belongs to the likeliest. Of that part's chart the place is taken whose
point of the template is nearest to the predicted one: the network's points hover over the skin, this lays them on it.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Integer, UInt8
from scipy.spatial import cKDTree

from hd_core.body.parts import part_centres
from hd_core.synth.atlas.anny24 import PART_NAMES, from_bytes, load_atlas, to_bytes

HALF_SPREAD_M = 0.05
"""The spread at which confidence is halved: about the mean error of a good network."""
_STEP = 4
"""Bytes between the chart places that are looked among; between them charts are taken for flat."""
_APART_M = 10.0
"""Parts are looked for that far from each other, so that only points of the right one are near."""
_INSIDE = 1e-6
_NOBODY = 0.5


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The points that pixels of a view show.

    Args:
        iuv: Part, u and v, bytes; zero off the mask and where no body was found.
        confidence: 0..1, zero there.
    """

    iuv: UInt8[np.ndarray, "h w 3"]
    confidence: Float32[np.ndarray, "h w"]


class FoundBodies(NamedTuple):
    """The points of both surfaces that a view's pixels show: of the clothed one that is seen, of the body under it."""

    clothed: Decoded
    body: Decoded


@dataclass(frozen=True, kw_only=True)
class Coarse:
    """What the network says of one surface, on a grid of its own; planes come last.

    Args:
        parts: Probabilities of the parts 0..24.
        offsets: For each part 1..24, where a pixel of it would lie, from the part's centre on the template, m.
        spread: Errors to be expected of them, m.
        mask: Cells that the network saw the person in.
        top: Row of the grid's first cell among the cells that the whole view is divided into.
        left: Its column.
        cell: Side of a cell, px of the view.
    """

    parts: Float32[np.ndarray, "a d 25"]
    offsets: Float32[np.ndarray, "a d 24 3"]
    spread: Float32[np.ndarray, "a d"]
    mask: Bool[np.ndarray, "a d"]
    top: int
    left: int
    cell: int


def decode(coarse: Coarse, mask: Bool[np.ndarray, "h w"]) -> Decoded:
    """Part and chart place of every pixel of a view's mask, and how far to trust them.

    Confidence is the probability of the part over 1 + (spread / `HALF_SPREAD_M`)^2.
    """
    rows, columns = np.nonzero(mask)
    cells, weights = _taps(coarse, rows, columns)
    mixed = _mixed(coarse.parts.reshape(-1, len(PART_NAMES)), cells, weights)
    somebody = weights.any(axis=0) & (mixed[:, 0] < _NOBODY)
    part = np.where(somebody, mixed[:, 1:].argmax(axis=1) + 1, 0)
    known = part > 0
    rows, columns, cells, weights, part = rows[known], columns[known], cells[:, known], weights[:, known], part[known]
    offsets = coarse.offsets.reshape(-1, len(PART_NAMES) - 1, 3)
    points = part_centres()[part - 1] + _mixed(offsets, cells, weights, part - 1)
    spread = _mixed(coarse.spread.reshape(-1, 1), cells, weights)[:, 0]
    iuv, confidence = np.zeros((*mask.shape, 3), np.uint8), np.zeros(mask.shape, np.float32)
    iuv[rows, columns] = to_bytes(part, *nearest_places(part, points))
    confidence[rows, columns] = mixed[known, part] / (1 + (spread / HALF_SPREAD_M) ** 2)
    return Decoded(iuv=iuv, confidence=confidence)


def nearest_places(
    part: Integer[np.ndarray, " n"], points: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Chart places u and v, 0..1, of the points of parts 1..24 that are nearest to given ones, m."""
    places = _places()
    row = places.tree.query(np.column_stack([points, part * _APART_M]))[1]
    beside = np.einsum("nij,nj->ni", places.chart_from_point[row], points - places.points[row])
    uv = places.uv[row] + np.clip(beside, -_STEP / 255, _STEP / 255)
    return np.clip(uv[:, 0], 0, 1), np.clip(uv[:, 1], 0, 1)


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Chart places of all parts, and the points of the template there."""

    tree: cKDTree
    points: Float[np.ndarray, "n 3"]
    uv: Float[np.ndarray, "n 2"]
    chart_from_point: Float[np.ndarray, "n 2 3"]


@functools.cache
def _places() -> _Places:
    """Every fourth byte of u and v that lies in its chart, and how the chart lies in space there."""
    atlas = load_atlas()
    first = np.arange(_STEP // 2, 256, _STEP, dtype=np.uint8)
    grid = np.meshgrid(np.arange(1, len(PART_NAMES), dtype=np.uint8), first, first, indexing="ij")
    part, u, v = from_bytes(np.stack(grid, axis=-1).reshape(-1, 3))
    face, weights = atlas.decode(part, u, v)
    _, found_u, found_v = atlas.encode(face, weights)
    on = np.hypot(found_u - u, found_v - v) < _INSIDE
    face, weights, part, uv = face[on], weights[on], part[on], np.column_stack([u, v])[on]
    points = atlas.canonical_points(face, weights)
    corners = atlas.vertices[atlas.faces[face]].astype(np.float64)
    charts = atlas.uv[face].astype(np.float64)
    in_space, in_chart = (np.stack([c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]], axis=-1) for c in (corners, charts))
    tree = cKDTree(np.column_stack([points, part * _APART_M]))
    return _Places(tree=tree, points=points, uv=uv, chart_from_point=in_chart @ np.linalg.pinv(in_space))


def _taps(
    coarse: Coarse, rows: Int[np.ndarray, " n"], columns: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, "4 n"], Float32[np.ndarray, "4 n"]]:
    """The four cells around each pixel and their weights: bilinear, none for cells off the mask, together 1."""
    height, width = coarse.mask.shape
    places = [(at + 0.5) / coarse.cell - 0.5 - first for at, first in ((rows, coarse.top), (columns, coarse.left))]
    low = [np.floor(place).astype(np.int64) for place in places]
    cells, weights = [], []
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row, column = low[0] + down, low[1] + across
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        cell = np.where(inside, row * width + column, 0)
        near = (1 - np.abs(places[0] - row)) * (1 - np.abs(places[1] - column))
        cells.append(cell)
        weights.append(near * (inside & coarse.mask.reshape(-1)[cell]))
    stacked = np.stack(weights)
    return np.stack(cells), (stacked / np.maximum(stacked.sum(axis=0), 1e-9)).astype(np.float32)


def _mixed(
    values: Float32[np.ndarray, "cells ..."],
    cells: Int[np.ndarray, "4 n"],
    weights: Float32[np.ndarray, "4 n"],
    which: Integer[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "n k"]:
    """Weighted sums over the cells of each pixel, of the row `which` of their values where there are rows."""
    terms = [values[cell] if which is None else values[cell, which] for cell in cells]
    return np.asarray(sum(weight[:, None] * term for weight, term in zip(weights, terms, strict=True)))
