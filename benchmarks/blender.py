"""How well Blender plays a depth bank. Run with Blender's Python: python benchmarks/blender.py [--sizes 256 512].

The clip is a closed-form body that sways and breathes, of a person's share of the picture. Every row is measured in
a process of its own: building from files, changing frames, saving, memory, undo, and how far every vertex of every
tenth frame lies from where its depth says. "Mesh per frame" is the usual way for comparison: a handler that makes the
frame's mesh anew.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).parents[1]
METHODS = ("exact", "fine", "mesh per frame")
NAMES = {"F64": np.float64, "F32": np.float32, "I32": np.int32}
KNOBS = {"Cut Threshold": 4.0, "Smoothing": 5, "Depth Scale": 2.0, "Thickness": 0.05}
MUST = {256: (1.5, 2, 17, 100), 512: (5, 10, 65, 300)}


def main() -> None:
    """Print one row per size and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure), options.methods[0])))
        return
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            facts = write_run(Path(folder), size=size, num_frames=options.frames)
            print(f"{size} px, {options.frames} frames: {facts}; must (build s, frame ms, MB, MB): {MUST.get(size)}")
            for method in options.methods:
                print(f"  {method:15}", *_row(in_its_own_process(folder, method)), sep="  ", flush=True)


def in_its_own_process(folder: str, method: str) -> dict[str, float]:
    """Figures of one method on a run."""
    words = [sys.executable, __file__, "--measure", folder, "--methods", method]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=folder)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _row(figures: dict[str, float]) -> Iterator[str]:
    return (f"{name} {value:.3g}" for name, value in figures.items())


def write_run(folder: Path, *, size: int, num_frames: int) -> str:
    """A run folder with nothing but a bank; returns how large it is, in words."""
    frames = [body(size, number) for number in range(num_frames)]
    union = np.any([frame != 0 for frame in frames], axis=0)
    cells = np.stack([drawn_cells(frame) for frame in frames])
    drawn = cells.any(axis=0)
    number = np.cumsum(union.ravel()).reshape(union.shape) - 1
    blocks = -(-num_frames // 24)
    kept = np.zeros((blocks, int(drawn.sum())), np.int32)
    for position, cell in enumerate(cells):
        kept[position // 24] |= cell[drawn].astype(np.int32) << (position % 24)
    arrays = {
        "pixels": np.argwhere(union)[:, ::-1].astype(np.int32),
        "quads": _corners(number)[drawn].astype(np.int32),
        "depth": np.stack([frame[union] for frame in frames]),
        "kept": kept,
        "view": np.tile(view_of(size), (num_frames, 1)),
        "frame_numbers": np.arange(1, num_frames + 1, dtype=np.int32),
        "times_seconds": np.arange(num_frames) / 24,
    }
    header = {"schema": 1, "person_id": 1, "fps": [24, 1], "crop_size": size, "mesh_digest": "d", "clip": "body"}
    (folder / "bank").mkdir()
    (folder / "person01").mkdir()
    write_record(folder / "bank" / "person01.safetensors", arrays, header)
    source = {"fps": "24", "frames": [0, num_frames, 1], "name": "body.mp4", "start_frame": 1}
    stages = {"person": {"options": {"source": source}}, "mesh": {"digest": "d", "options": {}}}
    (folder / "run.json").write_text(json.dumps({"schema": 1, "stages": stages}))
    intrinsics = [[1.2 * size, 0, size / 2], [0, 1.2 * size, size / 2], [0, 0, 1]]
    (folder / "camera.json").write_text(json.dumps({"width": size, "height": size, "intrinsics": intrinsics}))
    return f"{int((frames[0] > 0).sum())} pixels a frame, {int(union.sum())} in all"


def drawn_cells(frame: np.ndarray) -> np.ndarray:
    """Cells with a pixel whose corners are all there and no further apart than a surface is steep."""
    corners = _corners(frame)
    near = np.where(corners > 0, corners, np.inf).min(axis=-1)
    far = np.where(corners > 0, corners, -np.inf).max(axis=-1)
    return (corners != 0).all(axis=-1) & (far - near < 0.1) & (far > 0)


def body(size: int, number: int) -> np.ndarray:
    """Depth of a frame as a bank has it: an ellipsoid with folds and an arm before it, swaying, and its rim."""
    sway, breath = np.sin(number * 0.11), 1 + 0.02 * np.sin(number * 0.23)
    x, y = (np.arange(size) + 0.5) / size - 0.5, (np.arange(size)[:, None] + 0.5) / size - 0.5
    radius = ((x - 0.094 * sway) / (0.187 * breath)) ** 2 + (y / 0.418) ** 2
    inside = radius < 1
    folds = 0.01 * np.sin(40 * (x - 0.094 * sway)) * np.sin(31 * y + 0.2 * number)
    arm = (np.abs(y - 0.3 * (x - 0.094 * sway) - 0.1 * np.sin(number * 0.17)) < 0.03) & (np.abs(x) < 0.25)
    depth = 3 + 0.3 * np.sin(number * 0.05) - 0.25 * np.sqrt(np.clip(1 - radius, 0, None)) + folds - 0.2 * arm
    near = np.zeros_like(inside)
    near[1:-1, 1:-1] = np.any(np.lib.stride_tricks.sliding_window_view(inside, (3, 3)), axis=(2, 3))
    kind = np.where(x > 0.094 * sway, 4, 0) + 8 * (number % 8)
    return np.where(inside, depth, np.where(near, -(kind + depth / 64), 0)).astype(np.float32)


def view_of(size: int) -> np.ndarray:
    """Rays and texture coordinates of a crop that is the whole picture."""
    focal = 1.2 * size
    ray = [1 / focal, 1 / focal, (0.5 - size / 2) / focal, (0.5 - size / 2) / focal]
    return np.array([*ray, 1 / size, -1 / size, 0.5 / size, 1 - 0.5 / size])


def write_record(path: Path, arrays: dict[str, np.ndarray], header: dict[str, object]) -> None:
    """A safetensors file as hd_core writes it."""
    kinds = {np.dtype(kind): name for name, kind in NAMES.items()}
    entries: dict[str, object] = {"__metadata__": {"hd_core": json.dumps({"digest": "d", "header": header})}}
    start = 0
    for name, value in arrays.items():
        entries[name] = {
            "dtype": kinds[value.dtype],
            "shape": value.shape,
            "data_offsets": [start, start + value.nbytes],
        }
        start += value.nbytes
    head = json.dumps(entries).encode()
    head += b" " * (-len(head) % 8)
    with path.open("wb") as stream:
        stream.write(len(head).to_bytes(8, "little") + head)
        for value in arrays.values():
            stream.write(np.ascontiguousarray(value).tobytes())


def measure(folder: Path, method: str) -> dict[str, float]:
    """Everything the table shows, of one method in this process."""
    import bpy  # noqa: PLC0415 - the measuring process only

    sys.path.insert(0, str(ROOT))
    from blender_addon.bank import open_bank  # noqa: PLC0415
    from blender_addon.runfolder import open_run  # noqa: PLC0415

    bpy.ops.wm.read_factory_settings(use_empty=True)
    run = open_run(folder)
    before, peak_before = _resident("VmRSS"), _resident("VmHWM")
    start = time.perf_counter()
    thing = rival(open_bank(run, 1)) if method == "mesh per frame" else ours(run, method)
    _shown(thing, run.start_frame)
    figures = {"build s": time.perf_counter() - start}
    busy = time.process_time()
    figures["frame ms"] = frame_ms(thing, run.num_frames)
    figures["of CPU ms"] = 1000 * (time.process_time() - busy) / (3 * run.num_frames)
    figures["memory MB"] = _resident("VmRSS") - before
    figures["peak MB"] = _resident("VmHWM") - peak_before
    file = folder / f"{method.replace(' ', '_')}.blend"
    start = time.perf_counter()
    bpy.ops.wm.save_as_mainfile(filepath=str(file), compress=True, copy=True)
    figures |= {"save s": time.perf_counter() - start, ".blend MB": file.stat().st_size / 1e6}
    figures["undo ms"] = undo_ms()
    if method != "mesh per frame":
        figures |= {f"+ {name} ms": value for name, value in knob_ms(thing, run.num_frames).items()}
        set_fill(thing, on=False)  # the bank itself is compared, without what closes gaps
    figures["off m"] = max(_error(thing, open_bank(run, 1), position) for position in range(0, run.num_frames, 10))
    bpy.app.handlers.frame_change_post.clear()
    return figures


def ours(run: SimpleNamespace, precision: str) -> object:
    """The add-on's object."""
    from blender_addon.scene.human import add_human  # noqa: PLC0415

    return add_human(run, precision=precision)[0]


def rival(bank: SimpleNamespace) -> object:
    """An object whose mesh a handler makes anew in every frame from the same bank."""
    import bpy  # noqa: PLC0415

    thing = bpy.data.objects.new("rival", bpy.data.meshes.new("rival"))
    bpy.context.scene.collection.objects.link(thing)

    def show(scene: object, _: object = None) -> None:
        position = min(max(scene.frame_current - 1, 0), bank.num_frames - 1)
        points, quads, _ = expected(bank, position)
        mesh = thing.data
        mesh.clear_geometry()
        mesh.vertices.add(len(points))
        mesh.loops.add(quads.size)
        mesh.polygons.add(len(quads))
        mesh.vertices.foreach_set("co", points.astype(np.float32).ravel())
        mesh.loops.foreach_set("vertex_index", quads.astype(np.int32).ravel())
        mesh.polygons.foreach_set("loop_start", np.arange(0, quads.size, 4, dtype=np.int32))
        mesh.update(calc_edges=True)

    bpy.app.handlers.frame_change_post.append(show)
    show(bpy.context.scene)
    return thing


def frame_ms(thing: object, num_frames: int, *, passes: int = 3) -> float:
    """Median over the frames of the time until the evaluated mesh is there, best of some passes."""
    medians = []
    for _ in range(passes):
        times = [_timed(lambda number=number: _shown(thing, number)) for number in range(1, num_frames + 1)]
        medians.append(statistics.median(times))
    return 1000 * min(medians)


def knob_ms(thing: object, num_frames: int) -> dict[str, float]:
    """The same with one knob turned."""
    from blender_addon.scene.nodes import get_knob, player_of, set_knob  # noqa: PLC0415

    player, found = player_of(thing), {}
    for name, value in KNOBS.items():
        usual = get_knob(player, name)
        set_knob(player, name, value)
        found[name] = frame_ms(thing, min(num_frames, 40), passes=1)
        set_knob(player, name, usual)
    return found


def set_fill(thing: object, *, on: bool) -> None:
    """Turn the knob that closes gaps."""
    from blender_addon.scene.nodes import player_of, set_knob  # noqa: PLC0415

    set_knob(player_of(thing), "Fill Gaps", on)


def undo_ms(*, times: int = 9) -> float:
    """Median time of an undo push after something small was changed."""
    import bpy  # noqa: PLC0415

    empty = bpy.data.objects.new("empty", None)
    bpy.context.scene.collection.objects.link(empty)
    bpy.ops.ed.undo_push(message="first")
    taken = []
    for step in range(times):
        empty.location.x = step
        taken.append(_timed(lambda: bpy.ops.ed.undo_push(message="step")))
    return 1000 * statistics.median(taken)


def expected(bank: SimpleNamespace, position: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points in Blender's axes and quads of a frame in plain numpy, and which points are pixels."""
    from blender_addon.bank import rim_shift  # noqa: PLC0415

    value = np.asarray(bank.depth[position], np.float64)
    kind, fraction = np.divmod(-value, 1)
    rim = value < 0
    at = bank.pixels + np.where(rim[:, None], rim_shift(kind.astype(int)), 0)
    depth = np.where(rim, fraction * 64, value)
    ray = at * bank.view[position, :2] + bank.view[position, 2:4]
    points = np.stack([ray[:, 0] * depth, depth, -ray[:, 1] * depth], axis=1)
    drawn = bank.quads[(bank.kept[position // 24] >> (position % 24) & 1).astype(bool)]
    used, quads = np.unique(drawn, return_inverse=True)
    return points[used], quads.reshape(-1, 4), ~rim[used]


def _error(thing: object, bank: SimpleNamespace, position: int) -> float:
    """Largest distance between pixels as shown and as they should be, metres."""
    mesh = _shown(thing, position + 1)
    points, quads, is_pixel = expected(bank, position)
    found = np.zeros(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", found)
    if (len(mesh.vertices), len(mesh.polygons)) != (len(points), len(quads)):
        return float("inf")
    return float(np.abs(found.reshape(-1, 3) - points)[is_pixel].max())


def _shown(thing: object, number: int) -> object:
    import bpy  # noqa: PLC0415

    bpy.context.scene.frame_set(number)
    return thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _corners(grid: np.ndarray) -> np.ndarray:
    """The four pixels around every cell, counter-clockwise for the camera from the top left."""
    return np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1)


def _resident(entry: str) -> float:
    """Memory of this process, MB; not a number where the system does not say."""
    path = Path(f"/proc/{os.getpid()}/status")
    if not path.exists():
        return float("nan")
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(entry)) / 1e3


if __name__ == "__main__":
    main()
