"""The whole evaluation of correspondence: clips in, every finder asked for both surfaces, numbers out."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from hd_core.errors import InputError, UsageError
from hd_core.evaluate.correspondence import STATURE_M, distances_between, distances_to_truth, mask_iou
from hd_core.evaluate.correspondence_clips import (
    CorrespondenceClip,
    choose_points,
    read_correspondence,
    with_own_mask,
)
from hd_core.evaluate.correspondence_found import Finder, Found, Timed
from hd_core.evaluate.correspondence_options import TARGETS, CorrespondenceOptions, Target
from hd_core.evaluate.correspondence_scores import FrameMeasure, curve_of, scores_of
from hd_core.evaluate.correspondence_time import Followed, follow, places_at
from hd_core.evaluate.dataset import find_archives, spread_evenly
from hd_core.evaluate.own_mask import OwnMask
from hd_core.progress import Progress, check_cancelled
from hd_core.synth.atlas.anny24 import PART_NAMES, from_bytes
from hd_core.types import View

TIMED = 16
"""Views that finders are timed on, of as many clips."""
Measures = dict[Target, dict[str, list[tuple[tuple[str, ...], FrameMeasure]]]]
"""By target and finder: the frames, each with its groups."""


@dataclass(frozen=True)
class CorrespondenceResult:
    """Results.

    Args:
        report: Plain values, ready for JSON.
        curves: RCP by target and finder.
    """

    report: dict[str, Any]
    curves: dict[Target, dict[str, Float[np.ndarray, " t"]]]


def evaluate_correspondence(
    data: Path, finders: Mapping[str, Finder], options: CorrespondenceOptions, progress: Progress
) -> CorrespondenceResult:
    """Measure finders on clips of `hd-core synth`.

    Args:
        data: A clip, a folder of clips, or a data folder with a folder `test...`.
        finders: By the name they are reported under.
        options: What is measured, with one of the masks.
        progress: Who is told.

    Raises:
        UsageError: The options ask for both masks; `CorrespondenceOptions.masks` has them one by one.
        InputError: There are no clips, or one cannot be read.
        CancelledError: The user asked to stop.
    """
    if options.mask == "both":
        raise UsageError("Found both masks; expected one at a time.", "Measure with each of them.")
    paths = find_archives(data)
    if not paths:
        raise InputError(f"{data} holds no clips of hd-core synth.", "Make some: hd-core synth -o DATA.")
    paths = [paths[pick] for pick in spread_evenly(len(paths), options.clips)]
    own = OwnMask() if options.mask == "own" else None
    measures: Measures = {target: {name: [] for name in finders} for target in TARGETS}
    seconds: dict[str, list[float]] = defaultdict(list)
    mattes, views = list[float](), list[View]()
    for number, path in enumerate(paths):
        check_cancelled(progress)
        given = read_correspondence(path)
        clip = given if own is None else with_own_mask(given, own)
        mattes += [] if own is None else _mattes(clip, given)
        views += clip.views[: int(clip.views[0].mask.any() and len(views) < TIMED)]
        for target in TARGETS:
            _measure_clip(clip, target, finders=finders, options=options, measures=measures[target], seconds=seconds)
        progress.step("evaluate", number + 1, len(paths))
    about = {
        "data": {"folder": str(paths[0].parent), "clips": len(paths), "names": [path.stem for path in paths]},
        "options": asdict(options),
        "stature_m": STATURE_M,
        "finders": {name: finder.describe() for name, finder in finders.items()},
    }
    targets = {target: _report(measures[target]) for target in TARGETS}
    times: dict[str, Any] = {name: 1000 * float(np.mean(values)) for name, values in seconds.items()}
    timed = {"milliseconds_per_frame": times, "frames_per_second": _speeds(finders, views) if options.speed else {}}
    matte = {"matte_iou": float(np.mean(mattes))} if mattes else {}
    curves = {
        target: {name: curve_of([frame for _, frame in frames]) for name, frames in measures[target].items()}
        for target in TARGETS
    }
    return CorrespondenceResult({**about, **timed, **matte, "targets": targets}, curves)


def _mattes(clip: CorrespondenceClip, given: CorrespondenceClip) -> list[float]:
    """How far the mattes of a clip overlap with those of the data, where these show somebody."""
    pairs = zip(clip.views, given.views, strict=True)
    return [mask_iou(ours.mask, theirs.mask) for ours, theirs in pairs if theirs.mask.any()]


def _speeds(finders: Mapping[str, Finder], views: Sequence[View]) -> dict[str, dict[str, float]]:
    """Frames per second by finder and number of threads."""
    return {
        name: {str(threads): finder.frames_per_second(views, threads=threads) for threads in (1, 2)}
        for name, finder in finders.items()
        if isinstance(finder, Timed) and views
    }


def _measure_clip(
    clip: CorrespondenceClip,
    target: Target,
    *,
    finders: Mapping[str, Finder],
    options: CorrespondenceOptions,
    measures: dict[str, list[tuple[tuple[str, ...], FrameMeasure]]],
    seconds: dict[str, list[float]],
) -> None:
    """One target of one clip. A frame without the person (the body may be out of the picture) is left out."""
    truth = clip.iuv[target]
    for index in range(0, len(truth), options.every):
        rng = np.random.default_rng([clip.key, index, TARGETS.index(target)])
        points = choose_points(rng, truth[index, ..., 0], options.points)
        if not len(points):
            continue
        followed = _followed(clip, index, target, points, count=options.followed, rng=rng)
        found, after = [], []
        for name, finder in finders.items():
            began = time.perf_counter()
            found.append(finder.find(clip, index, target))
            seconds[name].append(time.perf_counter() - began)
            after.append(finder.find(clip, index + 1, target) if len(followed.here) else None)
        true = truth[index].reshape(-1, 3)
        seen = np.stack([one.iuv.reshape(-1, 3)[points] for one in found])
        distances = distances_to_truth(true[points], seen)
        for name, own, later, away in zip(finders, found, after, distances, strict=True):
            steps = np.empty(0) if later is None else _steps(own, later, followed)
            measure = _measure(truth[index], own, points, away, steps)
            measures[name].append((clip.labels, measure))


def _followed(
    clip: CorrespondenceClip,
    index: int,
    target: Target,
    points: Int[np.ndarray, " n"],
    *,
    count: int,
    rng: np.random.Generator,
) -> Followed:
    """Some of the points that are seen in the next frame, too; none in the last frame."""
    if index >= len(clip.position):
        return Followed(np.empty(0, np.int64), np.empty((0, 2)))
    seen = follow(points, clip.position[index], clip.visible[index], clip.iuv[target][index + 1, ..., 0])
    rows = rng.permutation(len(seen.here))[:count]
    return Followed(seen.here[rows], seen.place[rows])


def _steps(now: Found, later: Found, followed: Followed) -> Float[np.ndarray, " n"]:
    here = from_bytes(now.iuv.reshape(-1, 3)[followed.here])
    return distances_between(here, places_at(later.iuv, followed.place))


def _measure(
    true: UInt8[np.ndarray, "h w 3"],
    found: Found,
    points: Int[np.ndarray, " n"],
    distances_m: Float[np.ndarray, " n"],
    steps_m: Float[np.ndarray, " f"],
) -> FrameMeasure:
    part, own = true[..., 0], found.iuv[..., 0]
    on, on_found = part > 0, own > 0
    return FrameMeasure(
        distances_m=distances_m,
        parts=part.ravel()[points],
        steps_m=steps_m,
        right=np.bincount(part[on & (part == own)], minlength=len(PART_NAMES)).astype(np.int64),
        pixels=np.bincount(part[on], minlength=len(PART_NAMES)).astype(np.int64),
        overlap_px=np.array([(on & on_found).sum(), on_found.sum(), on.sum()], np.int64),
        score=found.score,
    )


def _report(measures: Mapping[str, Sequence[tuple[tuple[str, ...], FrameMeasure]]]) -> dict[str, Any]:
    """Scores of every finder, of all frames and by group."""
    report: dict[str, Any] = {}
    for name, frames in measures.items():
        groups: dict[str, dict[str, Any]] = defaultdict(dict)
        for label in sorted({label for labels, _ in frames for label in labels}):
            kind, _, value = label.partition(":")
            groups[kind][value] = scores_of([frame for labels, frame in frames if label in labels])
        report[name] = {"scores": scores_of([frame for _, frame in frames]), "groups": dict(groups)}
    return report
