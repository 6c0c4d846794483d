"""What a synthetic frame costs, where the time goes, how both grow, and how well depth and normals agree.

Run: python benchmarks/synth.py [--clips N].

CPU seconds of this process, one thread. Nothing is compiled while the clock runs: a short clip comes first. The split
is by Python's own profiler, which makes a frame some per cent slower; time in libraries counts for who called them.
"""

import argparse
import cProfile
import pstats
import resource
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from hd_core.geometry.depth import normals_from_depth
from hd_core.synth.clip import FPS, make_clip
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.motion.sample import sample_motion
from hd_core.synth.options import DatasetOptions
from hd_core.synth.person import Material, animate, sample_person
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.shards import decode_depth, decode_normal
from hd_core.types import Camera

SEED = 77
STEPS = {
    "dressing": ("synth/garments/", "synth/wear/wardrobe", "synth/wear/dressed"),
    "motion": ("synth/motion/",),
    "skinning": ("synth/body/", "synth/person.py"),
    "cloth": ("synth/cloth/", "synth/wear/"),
    "light transfer": ("look/transfer.py", "look/parallel.py", "look/shadow.py", "synth/occlusion.py"),
    "encoding": ("look/lens.py", "look/film.py", "look/codec.py", "hd_core/colour.py"),
    "shading": ("synth/look/", "synth/radiance.py", "raster/edges.py"),
    "raster": ("synth/raster/", "synth/truth.py", "geometry/camera.py"),
    "IUV": ("synth/correspondence.py", "synth/atlas/"),
}
"""Files whose time belongs to a step; the first that matches counts."""
Clip = tuple[Mapping[str, np.ndarray], Mapping[str, Any]]


def main() -> None:
    """Print a table per question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=4, help="clips per size")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--dressed", type=int, default=12, help="people for the growth with cloth")
    wanted = parser.parse_args()
    print("|px|frames/s per core|ms per frame|peak memory, MB|rejected draws|\n|---|---|---|---|---|")
    for size in wanted.sizes:
        print_speed(DatasetOptions(frames=wanted.frames, size=size, seed=SEED), wanted.clips)
    print_split(DatasetOptions(frames=wanted.frames, size=wanted.sizes[0], seed=SEED), wanted.clips)
    print_cloth(wanted.dressed)
    print_agreement(wanted.sizes[:2], wanted.clips)


def print_speed(options: DatasetOptions, clips: int) -> None:
    """One row: speed, memory so far, and how many draws were rejected on the way to so many sound clips."""
    warm(options.size)
    made = [row[:2] for row in sound_clips(options, clips)]
    seconds, draws = (sum(column) for column in zip(*made, strict=True))
    frames = clips * options.frames
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cells = f"{frames / seconds:.1f}|{1000 * seconds / frames:.0f}|{peak_mb:.0f}|{draws - clips} of {draws}"
    print(f"|{options.size}|{cells}|", flush=True)


def sound_clips(options: DatasetOptions, count: int) -> Iterator[tuple[float, int, Clip]]:
    """CPU seconds, draws and content of one clip after the other; a rejected draw's time counts as well."""
    for clip in range(count):
        began = time.process_time()
        for attempt in range(100):
            try:
                made = make_clip(Recipe(split="train", seed=options.seed, clip=1000 * clip + attempt), options)
            except RejectedClipError:
                continue
            yield time.process_time() - began, attempt + 1, made
            break


def warm(size: int) -> None:
    """Have every kernel compiled and every asset read."""
    list(sound_clips(DatasetOptions(frames=2, size=size, seed=SEED + 1), 2))


def print_split(options: DatasetOptions, clips: int) -> None:
    """The steps of a frame, the dearest first."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    list(sound_clips(options, clips))
    profile.disable()
    costs = cost_by_step(pstats.Stats(profile))
    total = sum(costs.values())
    print(f"\n|Step at {options.size} px|ms per frame|share|\n|---|---|---|")
    for step, seconds in sorted(costs.items(), key=lambda pair: -pair[1]):
        print(f"|{step}|{1000 * seconds / clips / options.frames:.1f}|{seconds / total:.0%}|")


def cost_by_step(stats: pstats.Stats) -> dict[str, float]:
    """Seconds per step: every function's own time goes to its file's step, or to that of its callers."""
    costs: defaultdict[str, float] = defaultdict(float)
    table = stats.stats  # type: ignore[attr-defined]

    def charge(function: tuple[str, int, str], seconds: float, depth: int) -> None:
        name = Path(function[0]).as_posix()
        step = next((s for s, files in STEPS.items() if any(file in name for file in files)), None)
        callers = table[function][4]
        if step or "hd_core" in name or not callers or depth == 0:
            costs[step or "other"] += seconds
            return
        total = sum(row[3] for row in callers.values())
        for caller, row in callers.items():
            charge(caller, seconds * (row[3] / total if total > 0 else 1 / len(callers)), depth - 1)

    for function, row in table.items():
        if row[2] > 0:
            charge(function, row[2], 8)
    return costs


def print_cloth(people: int) -> None:
    """How the time of moving a dressed person grows with the vertices of the cloth; no picture is drawn."""
    rows = np.array([row for clip in range(people) if (row := moved(clip)) is not None])
    order = rows[rows[:, 0].argsort()]
    slope, base = np.polyfit(rows[:, 0], rows[:, 1], 1)
    print("\n|Cloth vertices|ms per frame to move the dressed person|\n|---|---|")
    for vertices, cost in order:
        print(f"|{vertices:.0f}|{cost:.1f}|")
    print(f"\nA line through them: {base:.1f} ms and {1000 * slope:.1f} ms per 1,000 vertices.")


def moved(clip: int, frames: int = 24) -> tuple[int, float] | None:
    """Cloth vertices and milliseconds per frame of one dressed person, settling included; none if rejected."""
    recipe = Recipe(split="train", seed=SEED, clip=5000 + clip)
    person = sample_person(recipe)
    motion = sample_motion(recipe.rng(Part.MOTION), person.rest, num_frames=frames, fps=FPS)
    began = time.process_time()
    try:
        for _ in animate(person, motion):
            pass
    except RejectedClipError:
        return None
    spent = time.process_time() - began
    return sum(len(fitted.garment.rest) for fitted in person.fitted), 1000 * spent / frames


def print_agreement(sizes: list[int], clips: int) -> None:
    """Angle between the stored normals and those of the stored depth, where neighbours are of one material."""
    print("\n|px|where|median, degrees|mean|90 %|\n|---|---|---|---|---|")
    for size in sizes:
        options = DatasetOptions(frames=4, size=size, seed=SEED)
        rows = [angles(*made, size) for _, _, made in sound_clips(options, clips)]
        off, material = (np.concatenate(column) for column in zip(*rows, strict=True))
        kinds = {"person": material >= 0, "bare skin": material == Material.SKIN}
        kinds["clothes"] = (material >= Material.GARMENT) & (material < Material.WORN)
        for name, kind in kinds.items():
            median, high = np.percentile(off[kind], [50, 90])
            print(f"|{size}|{name}|{median:.2f}|{off[kind].mean():.2f}|{high:.2f}|")


def angles(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Degrees, and materials, of the last frame's smooth inside that is seen at less than 60 degrees."""
    camera = Camera(width=size, height=size, intrinsics=np.array(header["camera"]))
    derived = normals_from_depth(camera, decode_depth(arrays["depth"][-1], header), max_jump=0.01)
    normal, material = decode_normal(arrays["normal"][-1], header), arrays["material"][-1]
    inside = minimum_filter(material, 3) == maximum_filter(material, 3)
    good = derived.any(axis=-1) & inside & (normal[..., 2] < -0.5)
    return np.degrees(np.arccos((derived * normal).sum(axis=-1)[good].clip(-1, 1))), material[good]


if __name__ == "__main__":
    main()
