"""How well, how fast and in how little memory normals become a surface, beside plain Poisson, a DCT and BiNI.

    python benchmarks/integration.py DATA [--bini CLONE] [--cache FOLDER] [--parts objects bodies ...] [--plot FILE]

DATA holds `diligent_*.npz` and `make_synthetic.py`; CLONE is a clone of BiNI's repository (GPL-3; not part of this
project). CPU seconds of one thread, the least of some runs; nothing is compiled while the clock runs. Peak memory is
what the process holds at most while a solver runs, over what it held before, per pixel of the mask; it is taken in a
process of its own in which freed memory goes back to the system at once.
"""

import argparse
import ctypes
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from integration_inputs import GIVEN, Scene, body, error_mm, objects, simulated_prior, waves
from integration_rivals import dct, load_bini, poisson

from hd_core.integrate.protocol import IntegrateOptions, load_integrator
from hd_core.types import Gauge, SurfaceMaps

OURS = "ours"
PARTS = ("objects", "bodies", "prior", "video", "growth", "memory", "large")
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536"}
Solver = Callable[[SurfaceMaps], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU and wall seconds."""

    cpu: float
    wall: float


def main() -> None:
    """Print a table per question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bini", type=Path, help="clone of BiNI's repository")
    parser.add_argument("--cache", type=Path, default=Path("out/integration"), help="folder for rendered bodies")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024], help="of the body, px")
    parser.add_argument(
        "--large", type=int, nargs="+", default=[1024, 4096], help="of a full picture, px; 8192 takes 9 GB"
    )
    parser.add_argument("--runs", type=int, default=3, help="of which the quickest counts")
    parser.add_argument("--frames", type=int, default=4, help="of a video")
    parser.add_argument("--plot", type=Path, help="picture of time against pixels")
    wanted = parser.parse_args()
    rivals: dict[str, Solver] = {"Poisson": poisson, "DCT": dct}
    if wanted.bini is not None:
        rivals |= load_bini(wanted.bini)
    solvers = {OURS: ours(IntegrateOptions())} | rivals
    tables = {
        "objects": lambda: print_objects(objects(wanted.data), solvers, wanted.runs),
        "bodies": lambda: print_bodies(wanted, solvers),
        "prior": lambda: print_prior(wanted),
        "video": lambda: print_video(wanted),
        "growth": lambda: print_growth(wanted, solvers),
        "memory": lambda: print_memory(wanted, solvers),
        "large": lambda: print_large(wanted),
    }
    for part in wanted.parts:
        tables[part]()


def ours(options: IntegrateOptions, *, name: str = "bilateral") -> Solver:
    """Normals alone; a depth of one at the median."""
    integrator = load_integrator(name, options)
    return lambda maps: integrator.integrate(without_depth(maps)).surface.depth


def without_depth(maps: SurfaceMaps) -> SurfaceMaps:
    """The maps as somebody has them who knows normals alone."""
    flat = np.where(maps.mask, np.float32(1), np.float32(np.nan))
    return replace(maps, depth=flat, gauge=Gauge.AFFINE)


def print_objects(scenes: Sequence[Scene], solvers: dict[str, Solver], runs: int) -> None:
    """Photographed objects: error and time."""
    print("\nerror in mm, each piece aligned / the whole aligned, then CPU s and wall s")
    print("|object|px|" + "|".join(solvers) + "|\n|---|---|" + "---|" * len(solvers))
    rows: dict[str, dict[str, list[float]]] = {}
    for scene in scenes:
        rows[scene.name] = {}
        for name, solver in solvers.items():
            depth, cost = measured(lambda solver=solver, scene=scene: solver(scene.truth), runs)  # type: ignore[misc]
            errors = [error_mm(scene, depth, how) for how in ("pieces", "aligned")]
            rows[scene.name][name] = [*errors, cost.cpu, cost.wall]
        print_row(scene.name, int(scene.truth.mask.sum()), rows[scene.name])
    for label, names in (("given", GIVEN), ("others", sorted(rows.keys() - set(GIVEN)))):
        known = [rows[name] for name in names if name in rows]
        if known:
            means = {name: list(np.mean([row[name] for row in known], axis=0)) for name in solvers}
            print_row(f"mean of the {label}", 0, means)


def print_bodies(wanted: argparse.Namespace, solvers: dict[str, Solver]) -> None:
    """The synthetic body, clean and with noise."""
    print("\nerror in mm, each piece aligned / the whole aligned, then CPU s and wall s")
    print("|scene|px|" + "|".join(solvers) + "|\n|---|---|" + "---|" * len(solvers))
    for size in wanted.sizes:
        for noise in (0.0, 5.0):
            scene = body(wanted.data, wanted.cache, size, noise_deg=noise)
            row = {}
            for name, solver in solvers.items():
                depth, cost = measured(lambda solver=solver, scene=scene: solver(scene.truth), wanted.runs)  # type: ignore[misc]
                errors = [error_mm(scene, depth, how) for how in ("pieces", "aligned")]
                row[name] = [*errors, cost.cpu, cost.wall]
            print_row(scene.name, int(scene.truth.mask.sum()), row)


def print_row(name: str, pixels: int, row: dict[str, list[float]]) -> None:
    """Error twice, seconds twice."""
    cells = [f"{v[0]:.3f} / {v[1]:.3f}, {v[2]:.3f}, {v[3]:.3f}" for v in row.values()]
    print(f"|{name}|{pixels or ''}|" + "|".join(cells) + "|", flush=True)


def print_prior(wanted: argparse.Namespace) -> None:
    """Correlated noise with a simulated prior, unaligned."""
    print("\nabsolute error in mm, 5 degrees of correlated noise\n|scene|prior alone|normals alone, aligned|ours|")
    print("|---|---|---|---|")
    integrator = load_integrator("bilateral", IntegrateOptions())
    scene = body(wanted.data, wanted.cache, 512, noise_deg=5, correlated_px=8)
    maps = simulated_prior(scene.truth)
    alone = error_mm(scene, ours(IntegrateOptions())(maps), "aligned")
    fused = error_mm(scene, integrator.integrate(maps).surface.depth, "as is")
    print(f"|{scene.name}|{error_mm(scene, maps.depth, 'as is'):.2f}|{alone:.2f}|{fused:.2f}|", flush=True)


def print_video(wanted: argparse.Namespace) -> None:
    """The body turns, its normals are a little noisy, its motion is not known: some frames after a cold one."""
    from hd_core.integrate.video import VideoIntegrator  # noqa: PLC0415 - only this table needs it

    print("\nframes of a video, with a prior\n|size|frame|px|cold CPU s|warm CPU s|cold mm|warm mm|")
    print("|---|---|---|---|---|---|---|")
    cold = load_integrator("bilateral", IntegrateOptions())
    for size in wanted.sizes:
        scenes = [body(wanted.data, wanted.cache, size, noise_deg=0.5, frame=frame) for frame in range(wanted.frames)]
        frames = [simulated_prior(scene.truth) for scene in scenes]
        warm, surfaces = np.full(len(frames), np.inf), []
        for _ in range(wanted.runs):
            video = VideoIntegrator(IntegrateOptions())
            surfaces = []
            for place, maps in enumerate(frames):
                began = time.process_time()
                surfaces.append(video.integrate(maps).surface.depth)
                warm[place] = min(warm[place], time.process_time() - began)
        for place in range(1, len(frames)):
            expected, cost = measured(lambda maps=frames[place]: cold.integrate(maps).surface.depth, wanted.runs)  # type: ignore[misc]
            errors = [error_mm(scenes[place], depth, "as is") for depth in (expected, surfaces[place])]
            cells = f"{cost.cpu:.4f}|{warm[place]:.4f}|{errors[0]:.2f}|{errors[1]:.2f}"
            print(f"|{size}|{place}|{scenes[place].truth.mask.sum()}|{cells}|", flush=True)


def print_growth(wanted: argparse.Namespace, solvers: dict[str, Solver]) -> None:
    """Time against pixels."""
    print("\nCPU s against the size of the body\n|px|" + "|".join(solvers) + "|\n|---|" + "---|" * len(solvers))
    pixels, seconds = [], []
    for size in (128, 256, *wanted.sizes):
        scene = body(wanted.data, wanted.cache, size)
        row = [measured(lambda s=s, scene=scene: s(scene.truth), wanted.runs)[1].cpu for s in solvers.values()]  # type: ignore[misc]
        pixels.append(int(scene.truth.mask.sum()))
        seconds.append(row)
        print(f"|{pixels[-1]}|" + "|".join(f"{value:.4f}" for value in row) + "|", flush=True)
    if wanted.plot is not None:
        plot_growth(wanted.plot, pixels, dict(zip(solvers, np.array(seconds).T, strict=True)))


def plot_growth(path: Path, pixels: list[int], seconds: dict[str, np.ndarray]) -> None:
    """Both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - only with --plot

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(6, 4))
    for name, values in seconds.items():
        axes.loglog(pixels, values, marker="o", label=name)
    axes.set(xlabel="pixels of the mask", ylabel="CPU seconds, one core")
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def print_memory(wanted: argparse.Namespace, solvers: dict[str, Solver]) -> None:
    """Peak memory, in a process of its own."""
    if run_giving_back("memory"):
        return
    print(
        "\npeak memory, B per pixel of the mask\n|scene|px|"
        + "|".join(solvers)
        + "|\n|---|---|"
        + "---|" * len(solvers)
    )
    for scene in [*objects(wanted.data), *(body(wanted.data, wanted.cache, size) for size in wanted.sizes)]:
        pixels = int(scene.truth.mask.sum())
        cells = []
        for solver in solvers.values():
            solver(scene.truth)
            cells.append(f"{peak_bytes(lambda solver=solver, scene=scene: solver(scene.truth)) / pixels:.0f}")  # type: ignore[misc]
        print(f"|{scene.name}|{pixels}|" + "|".join(cells) + "|", flush=True)


def run_giving_back(part: str) -> bool:
    """Whether that part has been run in a process whose freed memory goes back at once; this one, if not."""
    if all(os.environ.get(name) == value for name, value in GIVES_BACK.items()):
        return False
    subprocess.run([sys.executable, *sys.argv, "--parts", part], env=os.environ | GIVES_BACK, check=True)
    return True


def print_large(wanted: argparse.Namespace) -> None:
    """Pictures whose every pixel has a surface: memory beside the maps themselves, and time."""
    if run_giving_back("large"):
        return
    print("\nfull pictures, with a prior\n|side px|B per pixel|CPU s|\n|---|---|---|")
    integrator = load_integrator("bilateral", IntegrateOptions())
    integrator.integrate(waves(64))
    for side in wanted.large:
        maps = waves(side)
        began = time.process_time()
        peak = peak_bytes(lambda maps=maps: integrator.integrate(maps))  # type: ignore[misc]
        print(f"|{side}|{peak / side**2:.0f}|{time.process_time() - began:.1f}|", flush=True)


def measured(work: Callable[[], np.ndarray], runs: int) -> tuple[np.ndarray, Cost]:
    """The result, and the quickest of some runs; work of over three seconds is run once."""
    costs: list[Cost] = []
    while len(costs) <= runs and not (costs and costs[-1].cpu > 3):
        cpu, wall = time.process_time(), time.perf_counter()
        found = work()
        costs.append(Cost(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall))
    return found, min(costs, key=lambda cost: cost.cpu)


def peak_bytes(work: Callable[[], object]) -> float:
    """What the process holds at most during the work, over what it held before; Linux only."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key):
            return 1024.0 * int(line.split()[1])
    return 0.0


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OMP_NUM_THREADS": "1"})
    main()
