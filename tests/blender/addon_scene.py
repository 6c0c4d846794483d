"""What the add-on's tests share: the real core, a small clip, what a file holds, and operators without a window."""

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from addon_zip import MODULE, REPOSITORY, part

DATA = REPOSITORY / "examples" / "data"
NUM_FRAMES = 8
SETTINGS = ("frame_start", "frame_end", "frame_current", "camera")
RENDER = ("fps", "fps_base", "resolution_x", "resolution_y", "resolution_percentage")


def real_core():
    """The core that `HD_CORE` names; without one the test fails, or is skipped where not all is required."""
    core = os.environ.get("HD_CORE", "")
    if not Path(core).is_file():
        lacking = "HD_CORE names no hd-core: run `make test`, or set it to the core's own."
        (pytest.fail if os.environ.get("HD_REQUIRE_ALL") == "1" else pytest.skip)(lacking)
    return core


def make_run(folder, *more):
    """A finished run of the bundled clip, by the command line."""
    words = [
        real_core(), "reconstruct", str(DATA / "dancer.mp4"), "-o", str(folder), "--predictor", "maps", "--maps",
        str(DATA / "dancer_maps"), "--size", "128", "--tier", "fast", "--frames", f"0:{NUM_FRAMES}", "--bank",
        "--progress", "none", *more,
    ]  # fmt: skip
    subprocess.run(words, check=True, env=part("job.core").environment(), timeout=170)
    return folder


def choose(folder, *, core=None):
    """Fill the panel in for the bundled clip; returns the settings."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.core, preferences.device = core or real_core(), "cpu"
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, NUM_FRAMES
    settings = scene.hd_human
    settings.source, settings.video, settings.frames = "VIDEO", str(DATA / "dancer.mp4"), "SCENE"
    settings.predictor, settings.maps = "maps", str(DATA / "dancer_maps")
    settings.quality, settings.size, settings.tier = "CUSTOM", 128, "fast"
    settings.output = str(folder)
    return settings


def holds():
    """All that the file holds, and how its scene is set."""
    names = {
        kind: sorted(one.name for one in getattr(bpy.data, kind))
        for kind in dir(bpy.data)
        if isinstance(getattr(bpy.data, kind), bpy.types.bpy_prop_collection)
    }
    scene = bpy.context.scene
    names["settings"] = [getattr(scene, name) for name in SETTINGS] + [getattr(scene.render, name) for name in RENDER]
    names["layer"] = [thing.name for thing in scene.objects], bpy.context.view_layer.objects.active
    return names


def undo():
    """As by Ctrl-Z: it needs a window, which the file has even where none is shown."""
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=window.screen.areas[0]):
        bpy.ops.ed.undo()


def notice():
    """What the panel tells: level, message and hint."""
    told = part("running").notice()
    return (told.level, told.message, told.hint) if told else None


def humans():
    """Objects that show a person."""
    return [thing for thing in bpy.context.scene.objects if "hd_human_person" in thing]


def places(thing, frame):
    """Positions of the evaluated vertices, (n, 3)."""
    bpy.context.scene.frame_set(frame)
    mesh = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    found = np.zeros(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def windowed(cls):
    """An operator as its window runs it, tick by tick: all of it that is not Blender's own."""
    bases = tuple(base for base in cls.__mro__[1:] if base.__module__.startswith(MODULE))
    own = {key: value for key, value in vars(cls).items() if not key.startswith(("bl_", "__"))}
    reports = []
    plain = type(cls.__name__, bases, own)()
    plain.report = lambda levels, text: reports.append((*levels, text))
    plain.reports = reports
    return plain


def timed(work, *words):
    """What a call returns, its own time and the time on the clock, seconds."""
    own, clock = time.thread_time(), time.perf_counter()
    result = work(*words)
    return result, time.thread_time() - own, time.perf_counter() - clock


def run_ticks(operator, *, until=None, seconds=120):
    """Tick ten times a second as the window's timer does: the last result, and what the longest tick before took.

    Its own time, and the time on the clock, which on a busy machine is also that of others.
    """
    deadline, own, clock = time.monotonic() + seconds, 0.0, 0.0
    while time.monotonic() < deadline:
        result, *took = timed(operator.tick, bpy.context)
        if result != {"PASS_THROUGH"}:
            return SimpleNamespace(result=result, own=own, clock=clock)
        own, clock = max(own, took[0]), max(clock, took[1])
        if until and until():
            return SimpleNamespace(result=result, own=own, clock=clock)
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {part('running').session().report}")
