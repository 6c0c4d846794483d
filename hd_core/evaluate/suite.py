"""The whole evaluation: clips in, every predictor asked, sums added up, numbers out."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from hd_core.evaluate.align import fit_depth
from hd_core.evaluate.frame import ALIGNMENTS, NAMES, FrameTruth, measure_frame
from hd_core.evaluate.in_time import Link, link_frames, measure_pair
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.own_mask import OwnMask
from hd_core.evaluate.samples import Dataset, TruthClip
from hd_core.evaluate.sums import scores_of, total
from hd_core.evaluate.surface import measure_surfaces
from hd_core.integrate.protocol import IntegrateOptions, Integrator, load_integrator
from hd_core.predict.protocol import Predictor
from hd_core.progress import Progress, check_cancelled
from hd_core.types import Gauge, SurfaceMaps

FLOORS = ("flat", "inflate")
"""Predictors that know nothing; every evaluation shows them beside the others."""
ALL = "all"


@dataclass
class _Tally:
    """What one predictor has collected."""

    groups: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    frames: list[tuple[float, int, int]] = field(default_factory=list)

    def add(self, sums: Mapping[str, np.ndarray], labels: Sequence[str]) -> None:
        for label in (ALL, *labels):
            self.groups[label] = total([self.groups.get(label, {}), sums])


@dataclass(frozen=True)
class Evaluation:
    """Results.

    Args:
        report: Plain values, ready for JSON.
        frames: Per predictor, every frame's mean angular error, its clip and its place in it.
        curves: Per predictor, the share of pixels below each angle bin.
        clip_names: In the order of the data.
    """

    report: dict[str, Any]
    frames: dict[str, list[tuple[float, int, int]]]
    curves: dict[str, np.ndarray]
    clip_names: list[str]


def evaluate(
    dataset: Dataset,
    predictors: Mapping[str, Predictor],
    options: EvaluateOptions,
    progress: Progress,
    *,
    integrate: IntegrateOptions | None = None,
) -> Evaluation:
    """Measure predictors on a data set.

    Args:
        dataset: Test clips.
        predictors: By the name they are reported under.
        options: What is measured.
        progress: Who is told.
        integrate: How surfaces are integrated; as `hd-core reconstruct` does if omitted.

    Raises:
        InputError: A clip cannot be read.
        CancelledError: The user asked to stop.
    """
    own = OwnMask() if options.mask == "own" else None
    settings = integrate or IntegrateOptions()
    integrator = load_integrator("bilateral", settings)
    tallies = {name: _Tally() for name in predictors}
    count, names = 0, []
    for number in range(len(dataset)):
        check_cancelled(progress)
        clip = dataset[number] if own is None else own.applied_to(dataset[number])
        seen = _SeenClip(clip, number, options)
        for name, predictor in predictors.items():
            _measure_clip(seen, predictor, options, integrator, tallies[name])
        count += len(clip.samples)
        names.append(clip.name)
        progress.step("evaluate", number + 1, len(dataset))
    report = {
        "schema": 1,
        "data": {**dataset.describe(), "frames": str(count)},
        "options": {
            name: getattr(options, name) for name in ("mask", "align", "surface_every", "rim_px", "body", "size")
        }
        | {"integrate": asdict(settings)},
        "predictors": {name: _report(predictors[name], tally, options) for name, tally in tallies.items()},
    }
    curves = {name: _curve(tally) for name, tally in tallies.items()}
    return Evaluation(report, {name: tally.frames for name, tally in tallies.items()}, curves, names)


class _SeenClip:
    """A clip with what all predictors are compared with, worked out once."""

    def __init__(self, clip: TruthClip, number: int, options: EvaluateOptions) -> None:
        self.number, self.samples = number, clip.samples
        self.truths = [FrameTruth(sample, options.rim_px) for sample in clip.samples]
        self.links: list[Link | None] = [link_frames(a, b) for a, b in zip(self.truths, self.truths[1:], strict=False)]
        every = options.surface_every
        self.surface_frames = range(min(every // 2, len(self.samples) - 1), len(self.samples), every) if every else ()


def _measure_clip(
    clip: _SeenClip, predictor: Predictor, options: EvaluateOptions, integrator: Integrator, tally: _Tally
) -> None:
    own = compared_gauge(predictor, options)
    gauges = tuple(dict.fromkeys((Gauge.AFFINE, own)))
    maps = []
    for place, truth in enumerate(clip.truths):
        began = time.perf_counter()
        found = predictor.predict(truth.sample.view)
        tally.seconds.append(time.perf_counter() - began)
        maps.append(found)
        sums = measure_frame(truth, found, gauges)
        tally.add(sums, truth.sample.labels)
        error = scores_of(sums).get("normal_mean_deg")
        if error is not None:
            tally.frames.append((error, clip.number, place))
    _measure_time(clip, maps, own, tally)
    chosen = [clip.truths[i] for i in clip.surface_frames]
    surfaces = [integrator.integrate(maps[i]).surface for i in clip.surface_frames]
    for truth, sums in zip(chosen, measure_surfaces(chosen, surfaces), strict=True):
        tally.add(sums, truth.sample.labels)


def _measure_time(clip: _SeenClip, maps: list[SurfaceMaps], own: Gauge, tally: _Tally) -> None:
    if not any(clip.links):
        return
    fitted = [_fitted(truth, found, own) for truth, found in zip(clip.truths, maps, strict=True)]
    for place, link in enumerate(clip.links):
        if link is not None:
            pair = slice(place, place + 2)
            first, second = clip.truths[pair]
            sums = measure_pair(
                link, (first, second), (maps[place], maps[place + 1]), (fitted[place], fitted[place + 1])
            )
            tally.add(sums, first.sample.labels)


def _fitted(truth: FrameTruth, maps: SurfaceMaps, gauge: Gauge) -> np.ndarray:
    true = truth.sample.truth
    both = true.mask & maps.mask
    scale, shift = fit_depth(maps.depth[both], true.depth[both], gauge)
    return scale * maps.depth.astype(np.float64) + shift


def compared_gauge(predictor: Predictor, options: EvaluateOptions) -> Gauge:
    """What a predictor's depth is fitted by."""
    return predictor.gauge if options.align == "declared" else ALIGNMENTS[options.align]


def _report(predictor: Predictor, tally: _Tally, options: EvaluateOptions) -> dict[str, Any]:
    groups: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for label in sorted(tally.groups.keys() - {ALL}):
        kind, _, value = label.partition(":")
        groups[kind][value] = scores_of(tally.groups[label])
    return {
        **predictor.describe(),
        "gauge": predictor.gauge.value,
        "alignment": NAMES[compared_gauge(predictor, options)],
        "milliseconds_per_frame": 1000 * float(np.median(tally.seconds)) if tally.seconds else 0.0,
        "scores": scores_of(tally.groups.get(ALL, {})),
        "groups": dict(groups),
    }


def _curve(tally: _Tally) -> np.ndarray:
    bins = tally.groups.get(ALL, {}).get("angle_bins")
    if bins is None or not bins.sum():
        return np.zeros(1)
    return np.asarray(np.cumsum(bins.sum(axis=0)) / bins.sum())
