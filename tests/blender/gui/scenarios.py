"""The scenarios: each is a generator that yields whenever Blender should go on, and asserts what a person would see."""

import os
import signal
import time
from collections.abc import Iterator

import bpy
import hands
from pulse import Pulse, Watch
from stage import MODULE, Stage, addon, children, report

Steps = Iterator[None]
START_SECONDS, JOB_SECONDS = 150, 400
SIDEBAR_WIDTH = 340
LONGEST_CALL_MS = 50
CONTROLS = {f"hd_human.{name}" for name in ("build", "resume", "open_run", "open_folder")} | {
    "source",
    "video",
    "frames",
    "quality",
    "output",
}
FROM_THE_FRONT = (0.7071, 0.7071, 0.0, 0.0)


def build(stage: Stage) -> Steps:
    """A whole job from the panel, then the timeline, undo and redo."""
    yield from stage.open(size=256, width=SIDEBAR_WIDTH)
    stand_before_the_person()
    yield from stage.rest(1)
    stage.shoot("before")
    stage.known["controls"] = yield from hands.look()
    assert set(stage.known["controls"]) >= CONTROLS, CONTROLS - set(stage.known["controls"])
    yield from hands.click(stage.known["controls"]["hd_human.build"])
    yield from stage.until(lambda: halfway("mesh", "bank"), JOB_SECONDS, "the job is at its meshes")
    yield from stage.rest(1)
    assert report(), "the job ended before its picture was taken"
    stage.mark("during")
    stage.shoot("during")
    yield from finished(stage)
    through_the_camera()
    yield from stage.rest(1.5)
    stage.mark("after")
    stage.shoot("after")
    assert humans(), "no human was made"
    yield from timeline(stage)
    yield from undo(stage)


def timeline(stage: Stage) -> Steps:
    """Space plays the human: its shape changes with the frame."""
    scene = bpy.context.scene
    shapes = {}
    for frame in (scene.frame_start, scene.frame_end):
        scene.frame_set(frame)
        yield
        shapes[frame] = shape_of(humans()[0])
    stage.mark("shapes", shapes=shapes)
    assert shapes[scene.frame_start] != shapes[scene.frame_end], "the human stands still"
    scene.frame_set(scene.frame_start)
    seen: set[int] = set()

    def moved() -> bool:
        seen.add(bpy.context.scene.frame_current)
        return len(seen) > 2

    yield from hands.key("SPACE")
    yield from stage.until(moved, 60, "the timeline plays")
    yield from hands.key("SPACE")
    stage.mark("played", frames=sorted(seen))


def undo(stage: Stage) -> Steps:
    """Ctrl-Z takes the human away, Ctrl-Shift-Z brings it back, and it still moves."""
    before = [thing.name for thing in humans()]
    yield from hands.key("Z", ctrl=True)
    yield from stage.rest(0.5)
    stage.mark("undone")
    assert not humans(), "undo left the human"
    yield from hands.key("Z", ctrl=True, shift=True)
    yield from stage.rest(0.5)
    stage.mark("redone")
    assert [thing.name for thing in humans()] == before
    assert shape_of(humans()[0]), "the human came back empty"
    stage.shoot("redone")


def cancel(stage: Stage) -> Steps:
    """Cancel ends the job, and its processes, within half a second; Resume goes on to the end."""
    yield from stage.open()
    yield from stage.press("hd_human.build")
    yield from stage.until(lambda: halfway("person", "predict"), START_SECONDS, "a frame is finished")
    session = addon("running").session()
    with Watch(session.pid, lambda: session.report.status.value == "stopping") as watch:
        clicked = yield from stage.press("hd_human.cancel")
        yield from stage.until(lambda: report() is None, 5, "the panel says so")
        told = time.monotonic()
    assert watch.ended_at, "the core still runs"
    # Before that lies the time in which Blender draws, finds the button and calls its operator.
    gone = watch.ended_at - (watch.asked_at or clicked)
    after_click = {"gone_after_click": round(watch.ended_at - clicked, 3), "told_after_click": round(told - clicked, 3)}
    stage.mark("cancelled", gone_seconds=round(gone, 3), **after_click)
    yield from stage.rest(0.5)
    stage.shoot("cancelled")
    assert session.report.status.value == "cancelled"
    assert gone <= 0.5, f"the core was gone {gone:.2f} s after the operator was called"
    assert not bpy.data.objects, "the cancelled job left objects"
    yield from stage.press("hd_human.resume")
    yield from finished(stage)
    stage.mark("resumed")
    assert humans()


def reload(stage: Stage) -> Steps:
    """Another file is opened during a job: the job ends, says so, and can be taken up again."""
    other = stage.folder / "other.blend"
    yield from stage.open()
    bpy.ops.wm.save_as_mainfile(filepath=str(other), copy=True)
    yield from stage.press("hd_human.build")
    yield from stage.until(lambda: halfway("person", "predict"), START_SECONDS, "a frame is finished")
    assert children()
    began = time.monotonic()
    with hands.override():
        bpy.ops.wm.open_mainfile(filepath=str(other))
    yield
    yield from stage.until(lambda: not children(), 5, "the core is gone")
    stage.mark("opened another", gone_seconds=round(time.monotonic() - began, 3))
    yield from stage.rest(1)
    stage.shoot("reloaded")
    assert report() is None
    assert addon("running").notice().level == "WARNING"
    yield from stage.press("hd_human.resume")
    yield from finished(stage)
    stage.mark("resumed")
    assert humans()


def undone_during(stage: Stage) -> Steps:
    """Undo and redo while the job runs: the job goes on, its result comes."""
    yield from stage.open()
    with hands.override():
        bpy.ops.mesh.primitive_cube_add()
        bpy.ops.ed.undo_push(message="a cube")
    yield from stage.press("hd_human.build")
    yield from stage.until(lambda: halfway("person", "predict"), START_SECONDS, "a frame is finished")
    for shift in (False, True, False):
        yield from hands.key("Z", ctrl=True, shift=shift)
        yield from stage.rest(0.3)
        stage.mark(f"{'redo' if shift else 'undo'} during the job")
        assert report(), "undo ended the job"
    yield from finished(stage)
    stage.mark("finished")
    assert humans()


def close(stage: Stage) -> Steps:
    """Blender is closed during a job; `run.py` sees whether the core ends."""
    yield from running_job(stage)
    stage.known["ended"] = True
    stage.mark("closing")
    bpy.ops.wm.quit_blender()
    yield


def killed(stage: Stage) -> Steps:
    """Blender dies during a job; `run.py` sees whether the core ends by itself."""
    yield from running_job(stage)
    stage.known["ended"] = True
    stage.mark("dying")
    os.kill(os.getpid(), signal.SIGKILL)
    yield


def off_and_on(stage: Stage) -> Steps:
    """The add-on is switched off during a job, and on again: the core ends, the panel comes back."""
    yield from running_job(stage)
    bpy.ops.preferences.addon_disable(module=MODULE)
    yield from stage.until(lambda: not children(), 5, "the core is gone")
    assert not hasattr(bpy.types.Scene, "hd_human")
    yield from stage.rest(0.5)
    bpy.ops.preferences.addon_enable(module=MODULE)
    yield from stage.open()
    assert (yield from hands.find("hd_human.build"))


def stall(stage: Stage) -> Steps:
    """How late Blender's own timers come while a job runs, beside the same window redrawn as often without one."""
    yield from stage.open(size=256)

    def phase() -> str:
        return "job" if report() else "idle"

    with Pulse(phase) as idle:
        for number, _ in enumerate(stage.rest(6)):
            if number % 3 == 0:
                hands.view().tag_redraw()
            yield
    with hands.override():
        bpy.ops.hd_human.build("INVOKE_DEFAULT")
    with Pulse(phase, MODULE) as busy:
        yield from finished(stage)
    stage.mark("stall", idle=idle.summary(), busy=busy.summary())
    longest = busy.summary()["processor_ms"]["job"]["max"]
    assert longest <= LONGEST_CALL_MS, f"the add-on kept Blender busy for {longest} ms"


def running_job(stage: Stage) -> Steps:
    yield from stage.open()
    yield from stage.press("hd_human.build")
    yield from stage.until(lambda: halfway("person", "predict"), START_SECONDS, "a frame is finished")
    assert children()


def finished(stage: Stage) -> Steps:
    yield from stage.until(lambda: report() is None, JOB_SECONDS, "the job ends")
    yield from stage.rest(0.3)


def halfway(*stages: str) -> bool:
    job = report()
    return bool(job) and job.stage in stages and job.done >= 1


def humans() -> list[bpy.types.Object]:
    return [thing for thing in bpy.context.scene.objects if thing.type == "MESH" and "hd_human_run" in thing]


def shape_of(thing: bpy.types.Object) -> list[float]:
    """Number of vertices and their mean, as they are drawn."""
    mesh = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = [vertex.co for vertex in mesh.vertices]
    if not points:
        return []
    return [len(points), *(round(sum(point[axis] for point in points) / len(points), 5) for axis in range(3))]


def stand_before_the_person() -> None:
    """Solid shading with the video's colours, from the front, where the person will be."""
    space = hands.view().spaces.active
    space.shading.type, space.shading.color_type = "SOLID", "TEXTURE"
    view = space.region_3d
    view.view_rotation, view.view_location, view.view_distance = FROM_THE_FRONT, (0.3, 2.4, -0.1), 2.6


def through_the_camera() -> None:
    if bpy.context.scene.camera:
        hands.view().spaces.active.region_3d.view_perspective = "CAMERA"
