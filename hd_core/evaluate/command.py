"""What `hd-core evaluate` does: names to predictors, a path to data, results to a folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hd_core.atomic import atomic_path, write_bytes
from hd_core.errors import UsageError
from hd_core.evaluate.dataset import open_dataset
from hd_core.evaluate.gallery import Place, gallery, pick
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.own_mask import OwnMask
from hd_core.evaluate.plots import curve_plot, group_plot
from hd_core.evaluate.samples import Dataset, TruthClip
from hd_core.evaluate.suite import FLOORS, Evaluation, evaluate
from hd_core.integrate.options import IntegrateOptions
from hd_core.predict.protocol import Predictor, PredictorOptions, load_predictor
from hd_core.progress import Progress

SHEET_FRAMES = 6
"""Worst and best frames on the sheet, each."""


def run_evaluation(
    names: Sequence[str],
    data: Path,
    options: EvaluateOptions,
    settings: PredictorOptions,
    progress: Progress,
    *,
    integrate: IntegrateOptions | None = None,
) -> tuple[Evaluation, Dataset, Mapping[str, Predictor]]:
    """Evaluate predictors beside the floors.

    Args:
        names: Of predictors; `NAME=FILE` gives one weights of its own, so that several can be compared.
        data: What `open_dataset` understands.
        options: What is measured.
        settings: Of the predictors.
        progress: Who is told.
        integrate: How surfaces are integrated.

    Raises:
        UsageError: A name is unknown or given twice, or an option is missing.
        InputError: The data cannot be read.
        WeightsError: Weights cannot be used.
        CancelledError: The user asked to stop.
    """
    dataset = open_dataset(data, options)
    predictors = load_predictors(names, settings)
    if options.body and not any(getattr(predictor, "reads_body", False) for predictor in predictors.values()):
        raise UsageError(
            "None of these predictors reads what --body tells it.",
            "Use hdnet with weights that learned to: docs/training.md.",
        )
    return evaluate(dataset, predictors, options, progress, integrate=integrate), dataset, predictors


def load_predictors(names: Sequence[str], settings: PredictorOptions) -> dict[str, Predictor]:
    """Predictors by the name they are reported under, the floors last.

    Raises:
        UsageError: None is named, one is unknown or named twice.
    """
    if not names:
        raise UsageError("No predictor is named.", "For instance: hd-core evaluate hdnet --data FOLDER")
    found: dict[str, Predictor] = {}
    for word in (*names, *(floor for floor in FLOORS if floor not in names)):
        name, _, weights = word.partition("=")
        own = replace(settings, weights=Path(weights)) if weights else settings
        title = f"{name}={'/'.join(Path(weights).with_suffix('').parts[-2:])}" if weights else name
        if title in found:
            raise UsageError(f"{title} is named twice.", "Name each once; call weights differently.")
        found[title] = load_predictor(name, own)
    return found


def write_results(
    folder: Path, found: Evaluation, dataset: Dataset, predictors: Mapping[str, Predictor], options: EvaluateOptions
) -> list[Path]:
    """Write evaluation.json, curves.png, groups.png and frames.png; returns their paths.

    Raises:
        OutputError: The folder cannot be written.
    """
    first = next(iter(predictors))
    worst, best = pick(found.frames[first], SHEET_FRAMES)
    report = {**found.report, "worst": _places(worst, found), "best": _places(best, found)}
    paths = [folder / name for name in ("evaluation.json", "curves.png", "groups.png", "frames.png")]
    write_bytes(paths[0], (json.dumps(report, indent=1) + "\n").encode())
    rows = [("worst", place) for place in worst] + [("best", place) for place in best]
    shown = dataset if options.mask == "given" else _Masked(dataset)
    pictures = [curve_plot(found.curves), group_plot(found.report)]
    pictures += [gallery(shown, predictors, rows)] if rows else []
    for path, picture in zip(paths[1:], pictures, strict=False):
        with atomic_path(path) as aside:
            picture.save(aside)
    return paths[: 1 + len(pictures)]


class _Masked:
    """A data set with our own mattes."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self._own = dataset, OwnMask()

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, number: int) -> TruthClip:
        return self._own.applied_to(self._dataset[number])

    def describe(self) -> dict[str, str]:
        """As without them."""
        return self._dataset.describe()


def _places(frames: Sequence[Place], found: Evaluation) -> list[dict[str, str | int | float]]:
    return [{"clip": found.clip_names[clip], "frame": place, "normal_mean_deg": error} for error, clip, place in frames]
