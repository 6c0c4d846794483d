"""Whether predicted depth and predicted normals give a better surface together than each does alone.

    python benchmarks/integration_clips.py DATA [--predictor hdnet] [--weights 5e-5 1e-3 ...] [--true]

DATA is a folder of clips of `hd-core synth`; two frames of each are predicted. The error is that of `hd-core evaluate`:
one scale a clip, the median offset of a frame taken out, mm along the line of sight. `--true` also integrates the true
normals and the true depth, alone and crosswise.

In the end it says what could be had at all: the best weight chosen for every clip with the truth in view, how alike the
errors of both are, and whether the predicted confidence tells which of the two is the better one. No blend of two
errors with a correlation above the ratio of their spreads is smaller than the smaller one.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hd_core.evaluate.dataset import open_dataset
from hd_core.evaluate.frame import FrameTruth
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.surface import measure_surfaces
from hd_core.integrate.protocol import IntegrateOptions, load_integrator
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.types import Gauge, SurfaceMaps

FRAMES = (2, 6)
Frame = tuple[FrameTruth, SurfaceMaps]


def main() -> None:
    """Print a line per way to make a surface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--predictor", default="hdnet")
    parser.add_argument("--weights", type=float, nargs="+", default=[IntegrateOptions().prior_weight, 1e-3])
    parser.add_argument("--true", action="store_true")
    wanted = parser.parse_args()
    clips = predicted(wanted.data, wanted.predictor)
    prior, normals = scores(clips, lambda frame: frame[1]), scores(clips, lambda frame: alone(frame[1]))
    best = np.minimum(prior, normals)
    print("|surface|mean mm|clips better than both|worst clip over the better of both|\n|---|---|---|---|")
    print_row("depth alone", prior, best)
    print_row("normals alone", normals, best)
    both = [scores(clips, lambda frame, w=weight: fused(frame[1], w)) for weight in wanted.weights]
    for weight, found in zip(wanted.weights, both, strict=True):
        print_row(f"both, prior_weight {weight:g}", found, best)
    print_row("both, the best of these weights for every clip", np.min(both, axis=0), best)
    print_limits(clips, prior, normals)
    if wanted.true:
        for normal, depth in ((True, True), (True, False), (False, True)):
            for weight in wanted.weights:
                mixed = [[(t, partly_true(t, m, normal=normal, depth=depth)) for t, m in clip] for clip in clips]
                found = scores(mixed, lambda frame, w=weight: fused(frame[1], w))
                print_row(f"true normals {normal}, true depth {depth}, prior_weight {weight:g}", found, best)


def predicted(data: Path, name: str) -> list[list[Frame]]:
    """Truth and prediction of some frames of every clip."""
    dataset = open_dataset(data, EvaluateOptions(clips=0))
    predictor = load_predictor(name, PredictorOptions(threads=1))
    clips = []
    for number in range(len(dataset)):
        samples = dataset[number].samples
        chosen = [samples[i] for i in FRAMES if i < len(samples)] or [samples[0]]
        clips.append([(FrameTruth(sample, 4), predictor.predict(sample.view)) for sample in chosen])
    return clips


def scores(clips: list[list[Frame]], surface: Callable[[Frame], SurfaceMaps]) -> np.ndarray:
    """Mean error of every clip, mm."""
    found = []
    for clip in clips:
        sums = sum(s["surface"] for s in measure_surfaces([truth for truth, _ in clip], [surface(f) for f in clip]))
        found.append(1000 * sums[1] / max(sums[0], 1))
    return np.array(found)


def alone(maps: SurfaceMaps) -> SurfaceMaps:
    """Integrated without the depth."""
    flat = np.where(maps.mask, np.float32(1), np.float32(np.nan))
    return fused(replace(maps, depth=flat, gauge=Gauge.AFFINE), 0.0)


def fused(maps: SurfaceMaps, weight: float) -> SurfaceMaps:
    """Integrated with the depth as prior."""
    return load_integrator("bilateral", IntegrateOptions(prior_weight=weight)).integrate(maps).surface


def partly_true(truth: FrameTruth, maps: SurfaceMaps, *, normal: bool, depth: bool) -> SurfaceMaps:
    """The prediction with true normals, a true depth that is trusted, or both."""
    true = truth.sample.truth
    mask = true.mask & maps.mask
    return replace(
        maps,
        mask=mask,
        normal=np.where(mask[..., None], true.normal if normal else maps.normal, 0).astype(np.float32),
        depth=np.where(mask, true.depth if depth else maps.depth, np.nan).astype(np.float32),
        confidence=np.where(mask, 1 if depth else maps.confidence, 0).astype(np.float32),
    )


def print_limits(clips: list[list[Frame]], prior: np.ndarray, normals: np.ndarray) -> None:
    """How alike the errors of depth and normals are, and what the confidence knows about them."""
    pairs = [_log_errors(truth, maps) for clip in clips for truth, maps in clip]
    alike = np.array([np.corrcoef(pair)[0, 1] for pair in pairs])
    spreads = np.sort([pair.std(axis=1) for pair in pairs], axis=1)
    trust = [np.log(np.mean([maps.confidence[maps.mask].mean() for _, maps in clip])) for clip in clips]
    which = np.corrcoef(trust, np.log(prior / normals))[0, 1]
    how_much = np.corrcoef(trust, np.log(prior))[0, 1]
    print(f"\ncorrelation of both errors, median of {len(alike)} frames: {np.median(alike):.2f}")
    print(f"frames in which a blend can be better than both: {(alike < spreads[:, 0] / spreads[:, 1]).mean():.0%}")
    print(f"correlation of a clip's confidence with its error {how_much:.2f}, with which of both is better {which:.2f}")


def _log_errors(truth: FrameTruth, maps: SurfaceMaps) -> np.ndarray:
    """Errors in log depth, less their means, of the depth and of the normals alone."""
    true = truth.sample.truth
    mask = true.mask & maps.mask
    found = [np.log(one.depth[mask].astype(np.float64) / true.depth[mask]) for one in (maps, alone(maps))]
    return np.array([values - values.mean() for values in found])


def print_row(name: str, found: np.ndarray, best: np.ndarray) -> None:
    """One line of the table."""
    better = f"{int((found < best).sum())} of {len(found)}"
    print(f"|{name}|{found.mean():.2f}|{better}|{(found / best).max():.2f}|", flush=True)


if __name__ == "__main__":
    main()
