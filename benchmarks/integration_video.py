"""What a warm start would change in the pipeline: the maps of finished runs, integrated frame by frame and in a row.

    python benchmarks/integration_video.py RUN [RUN ...] [--frames 16]

RUN is a run folder of `hd-core reconstruct` or `predict`. Distances are millimetres for a person of 1.7 m. Jitter is
the mean second difference of the depth over three frames, with each frame's median taken out; real movement is in it.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hd_core.integrate.protocol import Integrated, IntegrateOptions, load_integrator
from hd_core.integrate.video import VideoIntegrator
from hd_core.records import read_maps
from hd_core.types import SurfaceMaps

HEIGHT_MM = 1700.0


def main() -> None:
    """Print a line per run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=16)
    wanted = parser.parse_args()
    print(
        "|run|px|cold CPU ms|warm CPU ms|apart, mean mm|median|99 %|jitter cold mm|jitter warm mm|energy warm / cold|"
    )
    print("|---" * 10 + "|")
    for run in wanted.runs:
        paths = sorted((run / "person01" / "maps").glob("*.safetensors"))[: wanted.frames]
        print_run(run.name, [read_maps(path) for path in paths])


def print_run(name: str, frames: list[SurfaceMaps]) -> None:
    """One line of the table."""
    integrator, video = load_integrator("bilateral", IntegrateOptions()), VideoIntegrator(IntegrateOptions())
    integrator.integrate(frames[0])
    cold, cold_ms = integrated(frames, integrator.integrate)
    warm, warm_ms = integrated(frames, video.integrate)
    apart = np.concatenate([_apart(a, b, maps) for a, b, maps in zip(cold[1:], warm[1:], frames[1:], strict=True)])
    energy = np.mean([w.measures["energy"] / c.measures["energy"] for c, w in zip(cold[1:], warm[1:], strict=True)])
    cells = [f"{value:.1f}" for value in (cold_ms, warm_ms, apart.mean(), np.median(apart), np.quantile(apart, 0.99))]
    cells += [f"{jitter(found, frames):.1f}" for found in (cold, warm)]
    print(f"|{name}|{int(frames[0].mask.sum())}|" + "|".join([*cells, f"{energy:.2f}"]) + "|", flush=True)


def integrated(frames: list[SurfaceMaps], work: Callable[[SurfaceMaps], Integrated]) -> tuple[list[Integrated], float]:
    """All surfaces, and the median time of all frames but the first."""
    found, spent = [], []
    for maps in frames:
        began = time.process_time()
        found.append(work(maps))
        spent.append(1000 * (time.process_time() - began))
    return found, float(np.median(spent[1:]))


def jitter(found: list[Integrated], frames: list[SurfaceMaps]) -> float:
    """Mean second difference in time, mm."""
    values = []
    for three, maps in zip(zip(found, found[1:], found[2:], strict=False), frames, strict=False):
        both = np.logical_and.reduce([one.surface.mask for one in three])
        first, middle, last = (_log_depth(one, both) for one in three)
        values.append(distance_mm(maps) * np.abs(first - 2 * middle + last).mean())
    return float(np.mean(values))


def distance_mm(maps: SurfaceMaps) -> float:
    """How far away somebody of that height stands whose mask is that tall."""
    tall = np.ptp(np.flatnonzero(maps.mask.any(axis=1))) + 1
    return float(HEIGHT_MM * maps.camera.intrinsics[1, 1] / tall)


def _apart(first: Integrated, second: Integrated, maps: SurfaceMaps) -> np.ndarray:
    off = np.log(first.surface.depth[maps.mask] / second.surface.depth[maps.mask])
    return np.asarray(distance_mm(maps) * np.abs(off))


def _log_depth(found: Integrated, mask: np.ndarray) -> np.ndarray:
    values = np.log(found.surface.depth[mask])
    return np.asarray(values - np.median(values))


if __name__ == "__main__":
    main()
