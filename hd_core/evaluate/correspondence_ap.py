"""COCO's average precision and recall, with any overlap between what was found and who is there.

Source: the protocol of COCO's person keypoints (Lin et al., 2014; cocodataset.org, "keypoint evaluation"), which
DensePose takes over with GPS or GPSm as the overlap: people found are matched in the order of their scores, each with
the person of the greatest overlap that is not taken yet; precision is read at 101 recalls from its monotone envelope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MOST_FOUND = 20
"""People found in a picture that count, those of the highest scores."""
MEDIUM, LARGE = (32.0**2, 96.0**2), (96.0**2, np.inf)
"""Areas of people, px."""
ON_IGNORED = 0.8
"""Somebody found whose box overlaps by more with an ignored person's is not held against the finder."""
_ALMOST_ONE = 1 - 1e-10


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What was found in a picture, and who is there.

    Args:
        scores: Of those found.
        found_px: Their areas.
        overlap: Of those found with those there, 0..1.
        person_px: Areas of those there.
        ignored: Those there whose finding counts neither way.
        box_iou: Of the boxes of those found and those there; needed where somebody is ignored.
    """

    scores: Float[np.ndarray, " d"]
    found_px: Float[np.ndarray, " d"]
    overlap: Float[np.ndarray, "d p"]
    person_px: Float[np.ndarray, " p"]
    ignored: Bool[np.ndarray, " p"]
    box_iou: Float[np.ndarray, "d p"]


class Precision(NamedTuple):
    """Results, 0..1; not a number where nobody counts.

    Args:
        ap: Mean over all thresholds.
        by_threshold: AP at each.
        ar: Mean over the thresholds of the share of people found.
    """

    ap: float
    by_threshold: Float[np.ndarray, " t"]
    ar: float


def single(score: float, found_px: float, overlap: float, person_px: float) -> Picture:
    """A picture of one person in which at most one was found: none if `found_px` is 0."""
    count = int(found_px > 0)
    return Picture(
        scores=np.full(count, score),
        found_px=np.full(count, found_px),
        overlap=np.full((count, 1), overlap),
        person_px=np.array([person_px]),
        ignored=np.zeros(1, bool),
        box_iou=np.zeros((count, 1)),
    )


def average_precision(
    pictures: Sequence[Picture],
    *,
    area_px: tuple[float, float] = (0.0, np.inf),
    thresholds: Float[np.ndarray, " t"] = THRESHOLDS,
) -> Precision:
    """AP and AR over pictures.

    Args:
        pictures: Any number.
        area_px: People of other sizes are ignored, and so is who was found alone at another size.
        thresholds: Overlaps from which a person counts as found.
    """
    people = sum(int(_counted(picture, area_px).sum()) for picture in pictures)
    if not people:
        return Precision(float("nan"), np.full(len(thresholds), np.nan), float("nan"))
    kept = [_best(picture) for picture in pictures]
    scores = np.concatenate([picture.scores[rows] for picture, rows in zip(pictures, kept, strict=True)])
    order = np.argsort(-scores, kind="stable")
    precisions, recalls = [], []
    for threshold in thresholds:
        states = [_match(picture, rows, area_px, threshold) for picture, rows in zip(pictures, kept, strict=True)]
        state = np.concatenate(states)[order]
        hits, misses = np.cumsum(state > 0), np.cumsum(state < 0)
        precisions.append(_precision_at_recalls(hits, misses, people))
        recalls.append(hits[-1] / people if len(hits) else 0.0)
    by_threshold = np.array(precisions)
    return Precision(float(by_threshold.mean()), by_threshold, float(np.mean(recalls)))


def _counted(picture: Picture, area_px: tuple[float, float]) -> Bool[np.ndarray, " p"]:
    return ~picture.ignored & (picture.person_px >= area_px[0]) & (picture.person_px <= area_px[1])


def _best(picture: Picture) -> np.ndarray:
    return np.argsort(-picture.scores, kind="stable")[:MOST_FOUND]


def _match(picture: Picture, rows: np.ndarray, area_px: tuple[float, float], threshold: float) -> np.ndarray:
    """For those found: 1 a hit, -1 a false alarm, 0 neither."""
    counted = _counted(picture, area_px)
    order = np.argsort(~counted, kind="stable")
    taken = np.zeros(len(counted), bool)
    state = np.zeros(len(rows), np.int64)
    for place, row in enumerate(rows.tolist()):
        best, least = -1, min(threshold, _ALMOST_ONE)
        for person in order:
            if taken[person] and not picture.ignored[person]:
                continue
            if best >= 0 and counted[best] and not counted[person]:
                break
            if picture.overlap[row, person] >= least:
                best, least = int(person), picture.overlap[row, person]
        if best >= 0:
            taken[best] = True
            state[place] = int(counted[best])
        else:
            state[place] = -int(not _forgiven(picture, row, area_px))
    return state


def _forgiven(picture: Picture, row: int, area_px: tuple[float, float]) -> bool:
    other_size = not area_px[0] <= picture.found_px[row] <= area_px[1]
    return bool(other_size or (picture.box_iou[row, picture.ignored] > ON_IGNORED).any())


def _precision_at_recalls(hits: np.ndarray, misses: np.ndarray, people: int) -> float:
    if not len(hits):
        return 0.0
    precision = hits / np.maximum(hits + misses, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(hits / people, RECALLS, side="left")
    return float(np.append(envelope, 0.0)[place].mean())
