"""Whether predicted depth and predicted normals give a better surface together than each does alone.

    python benchmarks/integration_clips.py DATA [--predictor hdnet] [--weights 5e-5 1e-3 ...] [--true]

DATA is a folder of clips of `hd-core synth`; two frames of each are predicted. The error is that of `hd-core evaluate`:
one scale a clip, the median offset of a frame taken out, mm along the line of sight. `--true` also integrates the true
normals and the true depth, alone and crosswise.
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
    for weight in wanted.weights:
        print_row(f"both, prior_weight {weight:g}", scores(clips, lambda frame, w=weight: fused(frame[1], w)), best)
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


def print_row(name: str, found: np.ndarray, best: np.ndarray) -> None:
    """One line of the table."""
    better = f"{int((found < best).sum())} of {len(found)}"
    print(f"|{name}|{found.mean():.2f}|{better}|{(found / best).max():.2f}|", flush=True)


if __name__ == "__main__":
    main()
