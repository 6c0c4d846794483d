"""What a scenario sees of Blender and of the add-on, and the journal that `run.py` reads afterwards."""

import importlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import hands

MODULE = "bl_ext.user_default.hd_human"
TAB = "HD Human"
NUM_FRAMES = 12


class Stage:
    """The open Blender.

    Args:
        folder: Where pictures and the journal go.
        video: Clip to reconstruct.
    """

    def __init__(self, folder: Path, video: Path) -> None:
        self.folder = folder
        self.video = video
        self.known: dict = {"blender": bpy.app.version_string, "marks": []}
        self._begin = time.monotonic()
        self._last: tuple[int, int] | None = None

    def mark(self, name: str, **more) -> None:
        """Write down the state of this moment."""
        self.known["marks"].append({"name": name, "at": round(time.monotonic() - self._begin, 2), **state(), **more})
        self.save()

    def save(self) -> None:
        """The journal on disk is always whole."""
        aside = self.folder / "journal.partial"
        aside.write_text(json.dumps(self.known, indent=1))
        aside.replace(self.folder / "journal.json")

    def shoot(self, name: str) -> None:
        """A picture of the screen; Blender's own screenshot is black without a graphics card."""
        subprocess.run(["scrot", "--overwrite", str(self.folder / f"{name}.png")], check=True)

    def until(self, wanted: Callable[[], bool], seconds: float, what: str) -> Iterator[None]:
        """Let Blender go on until something is so."""
        deadline = time.monotonic() + seconds
        while not wanted():
            notice = addon("running").notice()
            assert notice is None or notice.level != "ERROR", f"{notice} while waiting: {what}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}; {state()}"
            yield

    def rest(self, seconds: float) -> Iterator[None]:
        """Let Blender go on for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield

    def open(self, *, size: int = 128, output: str = "run", width: int = 0) -> Iterator[None]:
        """An empty scene with the panel open and filled in."""
        for thing in list(bpy.data.objects):
            bpy.data.objects.remove(thing)
        with hands.override():
            bpy.ops.ed.undo_push(message="empty")
        settings = bpy.context.scene.hd_human
        bpy.context.scene.frame_end = NUM_FRAMES
        settings.frames = "SCENE"
        settings.video = str(self.video)
        settings.output = str(self.folder / output)
        settings.quality, settings.size, settings.tier = "CUSTOM", size, "fast"
        yield from hands.open_tab(TAB)
        if width:
            yield from hands.widen(width)

    def press(self, name: str) -> Iterator[None]:
        """Find a control in the sidebar and click it; look again if it moved meanwhile. The value is when."""
        for _ in range(3):
            place = yield from hands.find(name, near=self._last)
            self._last = place or self._last
            if place and (yield from hands.is_there(place, name)):
                return (yield from hands.click(place))
        raise AssertionError(f"{name} is not in the panel, or does not stay in its place")


def addon(name: str):
    """A module of the add-on."""
    return importlib.import_module(f"{MODULE}.{name}")


def report():
    """What is known of the job; None if none runs."""
    session = addon("running").session()
    return session.report if session else None


def children() -> list[int]:
    """Processes that this Blender started and that still run; its screenshots aside."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            state_letter, parent = rest.split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid() and state_letter != "Z" and name != "scrot":
            found.append(int(stat.parent.name))
    return found


def state() -> dict:
    """What a person would see, as plain values."""
    scene, job, notice = bpy.context.scene, report(), addon("running").notice()
    return {
        "frame": scene.frame_current,
        "range": [scene.frame_start, scene.frame_end],
        "fps": round(scene.render.fps / scene.render.fps_base, 3),
        "objects": sorted(thing.name for thing in scene.objects),
        "job": {"status": job.status.value, "stage": job.stage, "done": job.done, "total": job.total} if job else None,
        "notice": [notice.level, notice.message, notice.hint] if notice else None,
        "children": len(children()),
    }
