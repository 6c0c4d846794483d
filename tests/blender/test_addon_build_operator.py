"""Build, Resume, Cancel, Open, Doctor, Footage: the whole job with the real core, and every way it can go wrong."""

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import addon_fake
import bpy
import numpy as np
import pytest
from addon_scene import (
    DATA,
    NUM_FRAMES,
    choose,
    holds,
    humans,
    notice,
    places,
    run_ticks,
    timed,
    undo,
    windowed,
)
from addon_zip import disable, part


@pytest.fixture(autouse=True)
def parts(addon):
    """Every test needs the installed add-on; none may leave a job, a handler or a thread."""
    yield
    part("running").stop()
    assert [one.name for one in threading.enumerate() if one.name.startswith("hd-human")] == []
    assert [one for one in bpy.app.handlers.load_pre if "hd_human" in one.__module__] == []


def fake(tmp_path, body):
    """A core that is none."""
    (tmp_path / "core").mkdir(exist_ok=True)
    return str(addon_fake.write_core(tmp_path / "core", body))


def previews():
    """Objects of the live preview."""
    return [thing.name for thing in bpy.data.objects if thing.get("hd_human_preview")]


def refused(operator, **words):
    """Call an operator that must fail; what it says."""
    with pytest.raises(RuntimeError) as caught:
        operator(**words)
    return str(caught.value).removeprefix("Error: ").strip()


class TestWholeJob:
    """From a video to a person in the scene."""

    def test_a_script_builds_a_person_that_moves_in_a_matching_scene(self, tmp_path, made_run):
        choose(tmp_path / "run")
        assert bpy.ops.hd_human.build() == {"FINISHED"}
        (human,) = humans()
        scene = bpy.context.scene
        assert bpy.context.view_layer.objects.active == human
        assert human.select_get()
        assert (scene.render.fps, scene.render.fps_base) == (30, 1)
        assert (scene.frame_start, scene.frame_end) == (1, NUM_FRAMES)
        assert scene.camera.name.startswith("dancer")
        shapes = [places(human, frame) for frame in (1, 2, NUM_FRAMES)]
        assert min(len(shape) for shape in shapes) > 1000
        assert not np.array_equal(shapes[0], shapes[1])
        assert human["hd_human_run"] == str(tmp_path / "run")
        assert notice()[0] in {"INFO", "WARNING"}
        assert notice()[1] == f"Done: {tmp_path / 'run'}."
        assert not [thing for thing in bpy.data.objects if thing.name.startswith("HD Human Preview")]
        job = json.loads(part("job.jobfile").job_path(tmp_path / "run").read_text())
        assert (job["size"], job["frames"], job["formats"], job["bank"]) == (128, f"0:{NUM_FRAMES}", [], True)
        bank = Path("bank") / "person01.safetensors"
        assert (tmp_path / "run" / bank).read_bytes() == (made_run / bank).read_bytes()

    def test_the_window_is_never_held_up_and_the_preview_becomes_the_person(self, tmp_path):
        settings = choose(tmp_path / "run")
        settings.match_scene = False
        before = holds()["settings"]
        operator = windowed(part("operators.build").HDHUMAN_OT_build)
        begun, own, clock = timed(operator._begin, bpy.context)
        done = run_ticks(operator)
        assert begun
        assert done.result == {"FINISHED"}
        assert max(own, done.own) < 0.05, (own, done)
        assert max(clock, done.clock) < 0.25, (clock, done)
        assert [thing.name for thing in bpy.context.scene.objects] == [one.name for one in humans()] + [
            thing.name for thing in bpy.context.scene.objects if thing.name.endswith(" bank")
        ]
        after = holds()["settings"]
        assert after == before

    @pytest.mark.parametrize("playback", ["USD", "PC2", "SHAPE_KEYS"])
    def test_other_ways_of_playing_ask_the_core_for_what_they_need(self, tmp_path, playback):
        settings = choose(tmp_path / "run")
        settings.playback = playback
        bpy.context.scene.frame_end = 4
        assert bpy.ops.hd_human.build() == {"FINISHED"}
        (human,) = humans()
        assert not np.array_equal(places(human, 1), places(human, 4))

    def test_a_movie_clip_of_the_file_is_built_where_it_plays(self, tmp_path):
        settings = choose(tmp_path / "run", core=fake(tmp_path, "fail('x', '', 1)"))
        clip = bpy.data.movieclips.load(str(DATA / "dancer.mp4"))
        clip.frame_start, clip.frame_offset = 101, 2
        settings.source, settings.clip = "CLIP", clip
        bpy.context.scene.frame_start, bpy.context.scene.frame_end = 90, 104
        wishes = part("operators.wishes").wishes_of(bpy.context.scene, device="cpu")
        # Scene frame f shows the clip's frame f - 101 + 2; frames before the clip's first are left out.
        assert (wishes.frames, wishes.start_frame) == ((0, 5), 99)
        assert wishes.video == str(DATA / "dancer.mp4")
        assert wishes.fps is None
        settings.frames = "ALL"
        assert part("operators.wishes").wishes_of(bpy.context.scene, device="cpu").start_frame == 101

    def test_pictures_are_a_pattern_at_the_scenes_rate(self, tmp_path):
        for number in range(1, 4):
            (tmp_path / f"shot.{number:04d}.png").write_bytes(b"")
        settings = choose(tmp_path / "run", core=fake(tmp_path, ""))
        settings.source, settings.picture = "SEQUENCE", str(tmp_path / "shot.0002.png")
        bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 30, 1.001
        wishes = part("operators.wishes").wishes_of(bpy.context.scene, device="cpu")
        options = part("job.jobfile").job_options(wishes)
        assert (options["video"], options["fps"]) == (str(tmp_path / "shot.####.png"), "30000/1001")
        settings.picture = str(tmp_path)
        assert part("operators.wishes").wishes_of(bpy.context.scene, device="cpu").video == str(tmp_path)


class TestStopping:
    """Cancel, resume, undo, reload, close."""

    def begin(self, until):
        operator = windowed(part("operators.build").HDHUMAN_OT_build)
        assert operator._begin(bpy.context)
        report = part("running").session().report
        run_ticks(operator, until=lambda: until(report))
        return operator

    def test_cancel_is_quick_leaves_the_scene_as_it_was_and_resume_makes_the_same_bytes(self, tmp_path, made_run):
        choose(tmp_path / "run")
        before = holds()
        operator = self.begin(lambda report: report.stage == "integrate" and report.done >= 2)
        pid = part("running").session().pid
        begin = time.monotonic()
        assert bpy.ops.hd_human.cancel() == {"FINISHED"}
        run_ticks(operator, until=lambda: not Path(f"/proc/{pid}").exists())
        assert time.monotonic() - begin < 0.5
        assert operator.tick(bpy.context) == {"CANCELLED"} or run_ticks(operator).result == {"CANCELLED"}
        assert holds() == before
        assert notice() == (
            "INFO",
            "Cancelled; finished frames are kept.",
            "Press Resume to go on from the last finished frame.",
        )
        finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("person01/maps/*.safetensors")}
        assert finished
        assert bpy.ops.hd_human.resume() == {"FINISHED"}
        assert len(humans()) == 1
        assert {path: path.stat().st_mtime_ns for path in finished} == finished
        bank = Path("bank") / "person01.safetensors"
        assert (tmp_path / "run" / bank).read_bytes() == (made_run / bank).read_bytes()

    def test_one_job_at_a_time(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, addon_fake.OBEDIENT))
        assert not bpy.ops.hd_human.cancel.poll()
        self.begin(lambda report: report.total)
        for name in ("build", "resume", "open_run", "doctor"):
            assert not getattr(bpy.ops.hd_human, name).poll()
        assert bpy.ops.hd_human.cancel.poll()

    def test_another_file_stops_the_job_and_the_panel_says_how_to_go_on(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, addon_fake.STUBBORN))
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
        operator = self.begin(lambda report: report.results)
        pid = part("running").session().pid
        begin = time.monotonic()
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
        assert time.monotonic() - begin < 1.5
        assert not Path(f"/proc/{pid}").exists()
        assert part("running").session() is None
        assert notice() == (
            "WARNING",
            "The job was stopped because another file was opened.",
            f"To go on with it, choose {tmp_path / 'run'} as Output and press Resume.",
        )
        assert operator.tick(bpy.context) == {"CANCELLED"}

    def test_a_closed_window_stops_the_job(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, addon_fake.STUBBORN))
        operator = self.begin(lambda report: report.results)
        pid = part("running").session().pid
        operator.cancel(bpy.context)
        assert not Path(f"/proc/{pid}").exists()
        assert part("running").session() is None

    def test_switching_the_add_on_off_stops_the_job(self, tmp_path, addon):
        choose(tmp_path / "run", core=fake(tmp_path, addon_fake.STUBBORN))
        self.begin(lambda report: report.results)
        pid = part("running").session().pid
        disable()
        assert not Path(f"/proc/{pid}").exists()

    def test_a_fault_of_the_preview_does_not_leave_a_job_that_nobody_watches(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, addon_fake.STUBBORN))
        operator = self.begin(lambda report: report.results)
        session = part("running").session()

        def fault(*_):
            raise KeyboardInterrupt

        session.tick = fault
        with pytest.raises(KeyboardInterrupt):
            operator.tick(bpy.context)
        assert not Path(f"/proc/{session.pid}").exists()
        assert part("running").session() is None

    def test_undo_during_a_job_does_it_no_harm(self, tmp_path, made_run):
        """The preview object is taken away by undo under the job's feet, and comes back with the next frame."""
        run = tmp_path / "run"
        choose(run, core=fake(tmp_path, LANDING.format(made=str(made_run))))
        bpy.ops.ed.undo_push(message="before")
        part("scene.preview").SECONDS_BETWEEN = 0.0
        operator = windowed(part("operators.build").HDHUMAN_OT_build)
        assert operator._begin(bpy.context)
        run_ticks(operator, until=previews)
        bpy.ops.ed.undo_push(message="something else")
        undo()
        assert previews() == []
        run_ticks(operator, until=previews)
        assert run_ticks(operator).result == {"FINISHED"}
        assert len(humans()) == 1
        assert previews() == []

    def test_a_scene_that_was_deleted_or_renamed_meanwhile_is_no_loss(self, tmp_path, made_run):
        choose(tmp_path / "run", core=fake(tmp_path, LANDING.format(made=str(made_run))))
        other = bpy.data.scenes.new("other")
        operator = self.begin(lambda report: report.total)
        bpy.data.scenes.remove(bpy.context.scene)
        assert run_ticks(operator).result == {"FINISHED"}
        assert "hd_human_person" in bpy.context.view_layer.objects.active
        assert bpy.context.scene == other


LANDING = """
import shutil, pathlib
made, run = pathlib.Path({made!r}), pathlib.Path(job["output"])
stop_with_stdin(); hello()
(run / "person01" / "mesh").mkdir(parents=True)
meshes = sorted((made / "person01" / "mesh").glob("*.safetensors"))
for done, mesh in enumerate(meshes):
    shutil.copy(mesh, run / "person01" / "mesh" / ".partial-x")
    (run / "person01" / "mesh" / ".partial-x").rename(run / "person01" / "mesh" / mesh.name)
    step("mesh", done + 1, len(meshes), 1.0)
    time.sleep(0.3)
shutil.copytree(made, run, dirs_exist_ok=True)
"""


class TestBadInput:
    """Each says what to do, starts nothing, and leaves the scene as it was."""

    @pytest.mark.parametrize(
        ("changes", "message", "hint"),
        [
            ({"video": ""}, "No video is chosen.", "Choose one under Source."),
            (
                {"video": "/gone/dance.mp4"},
                "The video /gone/dance.mp4 is not there.",
                "Was it moved? Choose it again under Source.",
            ),
            ({"video": "/proc"}, "/proc is a folder, not a video.", "Choose a file, or Images as the Source."),
            (
                {"video": "//dance.mp4"},
                "The video is given beside a .blend file that was never saved.",
                "Save the file first.",
            ),
            ({"source": "CLIP"}, "No movie clip is chosen.", "Choose one under Source."),
            ({"source": "SEQUENCE"}, "No picture is chosen.", "Choose one under Source."),
            (
                {"maps": "/proc"},
                "/proc holds no maps.json.",
                "Choose the folder of the depth and normal maps under Maps.",
            ),
            (
                {"maps": ""},
                "No folder is chosen: it holds no maps.json.",
                "Choose the folder of the depth and normal maps under Maps.",
            ),
            ({"predictor": "onnx"}, "This predictor needs a file of weights.", "Choose it under Weights."),
            (
                {"predictor": "hdnet", "weights": "/gone.pt"},
                "The weights /gone.pt are not there.",
                "Choose them again under Weights.",
            ),
            ({"size": 100}, "A crop of 100 px cannot be.", "Choose a multiple of 32 under Quality."),
            (
                {"person": "BOX", "box": (0, 0, 0, 10)},
                "The person's box is empty.",
                "Give its width and height, or choose Largest.",
            ),
            (
                {"output": "//run"},
                "The Output folder is given beside a .blend file that was never saved.",
                "Save the file first.",
            ),
            (
                {"output": "/proc/self/status/run"},
                "/proc/self/status/run cannot be written: Not a directory.",
                "Choose another Output folder.",
            ),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_is_missing_or_cannot_be(self, tmp_path, changes, message, hint):
        settings = choose(tmp_path / "run", core=fake(tmp_path, "hello()"))
        for name, value in changes.items():
            setattr(settings, name, value)
        before = holds()
        assert refused(bpy.ops.hd_human.build) == f"{message} {hint}"
        assert notice() == ("ERROR", message, hint)
        assert holds() == before
        assert part("running").session() is None

    def test_a_range_outside_the_source(self, tmp_path):
        settings = choose(tmp_path / "run", core=fake(tmp_path, "hello()"))
        bpy.context.scene.frame_start = 0
        assert refused(bpy.ops.hd_human.build) == (
            "The scene starts at frame 0; the source starts at frame 1. "
            "Start the scene at 1 or later, or choose Whole Clip."
        )
        settings.source, settings.clip = "CLIP", bpy.data.movieclips.load(str(DATA / "dancer.mp4"))
        bpy.context.scene.frame_end = 600
        bpy.context.scene.frame_start = 500
        assert refused(bpy.ops.hd_human.build) == (
            "The scene's frames 500 to 600 are outside the clip, which plays from 1 to 48. "
            "Change the scene's range, or choose Whole Clip."
        )

    def test_frames_the_core_does_not_have(self, tmp_path):
        choose(tmp_path / "run")
        bpy.context.scene.frame_end = 600
        bpy.context.scene.frame_start = 500
        before = holds()
        assert "frames" in refused(bpy.ops.hd_human.build).lower()
        assert holds() == before

    def test_no_core(self, tmp_path, monkeypatch):
        choose(tmp_path / "run", core="/nowhere/hd-core")
        before = holds()
        get = part("job.core").GET_IT
        expected = f"/nowhere/hd-core (preferences) is not there. Choose hd-core again. {get}"
        assert refused(bpy.ops.hd_human.build) == expected
        assert holds() == before
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        ("mistake", "message"),
        [
            (
                "disk full",
                "No space left on device: run/person01/mesh/000003.safetensors. Free some space and resume.",
            ),
            ("old", "{core} is too old for this add-on. Update it: pip install --upgrade hd-core, in its own Python."),
            ("wrong python", "{core} has no hd_core. Choose hd-core, or the Python that it is installed in."),
            (
                "shot",
                "The job was killed from outside (signal 9). Is memory short? "
                "Press Resume to go on from the last finished frame.",
            ),
            (
                "other options",
                "{run} was made with other options (person: size was 256, now 512). "
                "Choose another Output folder, or tick Start Over.",
            ),
        ],
    )
    def test_a_core_that_fails(self, tmp_path, mistake, message):
        core = fake(tmp_path, addon_fake.MISTAKES[mistake])
        choose(tmp_path / "run", core=core)
        before = holds()
        assert refused(bpy.ops.hd_human.build) == message.format(core=core, run=tmp_path / "run")
        assert notice()[0] == "ERROR"
        assert holds() == before

    def test_a_real_core_killed_from_outside(self, tmp_path):
        choose(tmp_path / "run")
        before = holds()
        operator = windowed(part("operators.build").HDHUMAN_OT_build)
        assert operator._begin(bpy.context)
        session = part("running").session()
        run_ticks(operator, until=lambda: session.report.done)
        os.kill(session.pid, signal.SIGKILL)
        assert run_ticks(operator).result == {"CANCELLED"}
        assert notice() == (
            "ERROR",
            "The job was killed from outside (signal 9).",
            "Is memory short? Press Resume to go on from the last finished frame.",
        )
        assert holds() == before

    def test_a_core_that_says_done_and_made_nothing(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, "hello()"))
        before = holds()
        text = refused(bpy.ops.hd_human.build)
        assert text == (
            f"{tmp_path / 'run'} is not a run folder: it holds no run.json. "
            "Choose the folder that hd-core was told to write."
        )
        assert holds() == before

    def test_a_bank_that_is_damaged_leaves_the_scene_as_it_was(self, tmp_path, made_run):
        body = LANDING.format(made=str(made_run)) + "(run / 'bank' / 'person01.safetensors').write_bytes(b'x' * 99)"
        choose(tmp_path / "run", core=fake(tmp_path, body))
        before = holds()
        assert "person01.safetensors" in refused(bpy.ops.hd_human.build)
        assert holds() == before

    def test_the_run_of_another_clip(self, tmp_path):
        settings = choose(tmp_path / "run", core=fake(tmp_path, "hello()"))
        (tmp_path / "run").mkdir()
        jobfile = part("job.jobfile")
        jobfile.write_job({"video": "/other/walk.mp4", "output": str(tmp_path / "run")})
        message, hint = (
            "The Output folder holds the run of another clip (walk.mp4).",
            "Choose another Output folder, or tick Start Over.",
        )
        assert refused(bpy.ops.hd_human.build) == f"{message} {hint}"
        assert notice() == ("ERROR", message, hint)
        assert jobfile.read_job(tmp_path / "run")["video"] == "/other/walk.mp4"
        settings.start_over = True
        assert "another clip" not in refused(bpy.ops.hd_human.build)

    def test_nothing_to_resume(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, "hello()"))
        assert refused(bpy.ops.hd_human.resume) == (
            f"{tmp_path / 'run'} holds no job to resume. Press Build; what is finished there is used."
        )

    def test_the_source_of_a_job_to_resume_is_gone(self, tmp_path):
        choose(tmp_path / "run", core=fake(tmp_path, "hello()"))
        part("job.jobfile").write_job({"video": "/gone.mp4", "output": str(tmp_path / "run")})
        assert refused(bpy.ops.hd_human.resume) == (
            "The source /gone.mp4 is not there. Move it back, or choose it and press Build."
        )


UNDOABLE = True


class TestOpening:
    """Run folders from elsewhere."""

    @pytest.fixture
    def run(self, tmp_path, made_run):
        """A copy of a finished run."""
        return Path(shutil.copytree(made_run, tmp_path / "copy"))

    def test_a_finished_run_is_opened_without_a_core(self, run):
        choose(run, core="/nowhere/hd-core")
        assert bpy.ops.hd_human.open_run(directory=str(run)) == {"FINISHED"}
        assert len(humans()) == 1
        assert notice() == ("INFO", f"Opened {run}.", "")
        assert bpy.context.scene.hd_human.output == str(run)

    def test_a_run_that_was_not_packed_is_packed_by_the_core(self, run):
        choose(run)
        shutil.rmtree(run / "bank")
        assert bpy.ops.hd_human.open_run(directory=str(run)) == {"FINISHED"}
        assert (run / "bank" / "person01.safetensors").is_file()
        assert notice()[1] == f"Opened {run}."
        (human,) = humans()
        assert human.modifiers[0].type == "NODES"

    def test_without_a_core_an_unpacked_run_plays_from_its_usd_file(self, run):
        choose(run, core="/nowhere/hd-core")
        shutil.rmtree(run / "bank")
        assert bpy.ops.hd_human.open_run(directory=str(run)) == {"FINISHED"}
        (human,) = humans()
        assert not np.array_equal(places(human, 1), places(human, 4))
        assert notice() == (
            "WARNING",
            "Opened as a USD cache: the run was not packed for Blender.",
            "With hd-core on this machine, opening it again packs it into the file.",
        )

    def test_without_a_core_and_without_a_file_it_says_what_to_do(self, run):
        choose(run, core="/nowhere/hd-core")
        shutil.rmtree(run / "bank")
        shutil.rmtree(run / "export")
        before = holds()
        text = refused(bpy.ops.hd_human.open_run, directory=str(run))
        assert text.startswith(
            "The run is not packed for Blender, and hd-core, which could do it, was not found here. "
            f"Run hd-core export {run} --bank where it was made."
        )
        assert holds() == before

    def test_a_half_written_run(self, run):
        choose(run)
        for path in (run / "manifest.json", run / "person01" / "mesh" / "000003.safetensors"):
            path.unlink()
        shutil.rmtree(run / "bank")
        before = holds()
        assert refused(bpy.ops.hd_human.open_run, directory=str(run)) == (
            f"The run in {run} is not finished: {NUM_FRAMES - 1} of {NUM_FRAMES} frames. "
            "Choose it as Output and press Resume, or finish it where it was begun."
        )
        assert holds() == before

    def test_one_undo_takes_all_of_it_away(self, made_run):
        choose(made_run, core="/nowhere/hd-core")
        bpy.ops.ed.undo_push(message="before")
        before = holds()
        assert bpy.ops.hd_human.open_run("EXEC_DEFAULT", UNDOABLE, directory=str(made_run)) == {"FINISHED"}
        assert len(humans()) == 1
        undo()
        assert holds() == before

    @pytest.mark.parametrize("what", ["nowhere", "empty"])
    def test_what_is_no_run(self, tmp_path, what):
        choose(tmp_path, core="/nowhere/hd-core")
        (tmp_path / "empty").mkdir()
        before = holds()
        assert str(tmp_path / what) in refused(bpy.ops.hd_human.open_run, directory=str(tmp_path / what))
        assert notice()[2]
        assert holds() == before


class TestDoctor:
    """What the core says of itself."""

    def test_a_core_that_has_all_it_needs(self, tmp_path):
        choose(tmp_path / "run")
        assert bpy.ops.hd_human.doctor() == {"FINISHED"}
        found = {name: well for name, well, _ in part("running").doctor()}
        assert {"core", "hd_core", "numpy", "torch", "disk"} <= set(found)
        assert all(found.values()), part("running").doctor()
        assert notice()[0] == "INFO"

    def test_what_is_missing_is_named_with_how_to_get_it(self, tmp_path):
        body = (
            "hello(); line(event='result', text='ok numpy', name='numpy', ok=True, remark='2.1, arrays')\n"
            "line(event='result', text='MISSING torch', name='torch', ok=False, "
            "remark='for the network: no module. Install hd-core again.')\n"
            "fail('Not ready: torch.', 'Mend the lines marked MISSING above.', 2)"
        )
        core = fake(tmp_path, body)
        choose(tmp_path / "run", core=core)
        assert bpy.ops.hd_human.doctor() == {"FINISHED"}
        assert part("running").doctor() == [
            ("core", True, f"{core} (preferences)"),
            ("numpy", True, "2.1, arrays"),
            ("torch", False, "for the network: no module. Install hd-core again."),
        ]
        assert notice() == ("ERROR", "Missing: torch.", "The Doctor's list says how to get it.")

    def test_no_core_is_a_finding_too(self, tmp_path):
        choose(tmp_path / "run", core="/nowhere/hd-core")
        text = refused(bpy.ops.hd_human.doctor)
        assert part("running").doctor() == [("hd-core", False, text)]


class TestFootage:
    """The clip's pictures and its folder."""

    def test_the_pictures_stand_behind_the_camera_or_on_a_plane(self, tmp_path, made_run):
        choose(made_run, core="/nowhere/hd-core")
        assert bpy.ops.hd_human.import_footage(kind="BACKGROUND") == {"FINISHED"}
        camera = bpy.context.scene.camera
        assert len(camera.data.background_images) == 1
        assert bpy.ops.hd_human.import_footage(kind="PLANE") == {"FINISHED"}
        assert bpy.context.scene.camera == camera
        assert [thing.name for thing in camera.children]
        assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, NUM_FRAMES)

    def test_without_a_run_it_says_so_and_changes_nothing(self, tmp_path):
        choose(tmp_path / "run", core="/nowhere/hd-core")
        before = holds()
        assert "run" in refused(bpy.ops.hd_human.import_footage)
        assert notice()[2]
        assert holds() == before

    def test_the_folder_is_shown_if_it_is_there(self, tmp_path, made_run):
        choose(tmp_path / "run", core="/nowhere/hd-core")
        assert refused(bpy.ops.hd_human.open_folder) == (
            f"There is no run folder {tmp_path / 'run'} on this machine yet. Press Build first."
        )
        choose(made_run, core="/nowhere/hd-core")
        assert bpy.ops.hd_human.open_folder() == {"FINISHED"}


class TestMovedAway:
    """A .blend and its run folder on another machine."""

    def test_the_pictures_are_found_again_where_the_run_is_now(self, tmp_path, made_run):
        first = Path(shutil.copytree(made_run, tmp_path / "first"))
        choose(first, core="/nowhere/hd-core")
        bpy.ops.hd_human.open_run(directory=str(first))
        first.rename(tmp_path / "second")
        images = [image for image in bpy.data.images if image.source == "SEQUENCE"]
        assert images
        assert not any(Path(bpy.path.abspath(image.filepath)).is_file() for image in images)
        assert bpy.ops.hd_human.relink(directory=str(tmp_path / "second")) == {"FINISHED"}
        assert all(Path(bpy.path.abspath(image.filepath)).is_file() for image in images)
        assert bpy.context.active_object["hd_human_run"] == str(tmp_path / "second")
        assert notice() == ("INFO", f"{len(images)} pictures found again in {tmp_path / 'second'}.", "")

    def test_the_run_of_another_clip_is_refused(self, tmp_path, made_run):
        choose(made_run, core="/nowhere/hd-core")
        bpy.ops.hd_human.open_run(directory=str(made_run))
        bpy.context.active_object["hd_human_clip"] = "walk"
        assert refused(bpy.ops.hd_human.relink, directory=str(made_run)) == (
            f"{made_run} is the run of another clip (dancer). Choose that of walk."
        )


class TestPreview:
    """The newest frame in the viewport."""

    def write(self, folder, number, side):
        """A mesh record with side x side vertices on a wavy sheet."""
        y, x = np.mgrid[:side, :side].astype(np.float32) / side
        vertices = np.stack([x, y, 2 + np.sin(x * 9) / 9 + number], axis=-1).reshape(-1, 3)
        index = np.arange(side * side, dtype=np.int32).reshape(side, side)
        a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
        faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
        uv = np.stack([x, 1 - y], axis=-1).reshape(-1, 2)
        arrays = {"faces": faces, "uv": uv.astype(np.float32), "vertices": vertices.astype(np.float32)}
        entries, offset = {"__metadata__": {"hd_core": json.dumps({"header": {}})}}, 0
        for name, value in arrays.items():
            kind = {"float32": "F32", "int32": "I32"}[value.dtype.name]
            entries[name] = {"dtype": kind, "shape": value.shape, "data_offsets": [offset, offset + value.nbytes]}
            offset += value.nbytes
        head = json.dumps(entries).encode()
        folder.mkdir(parents=True, exist_ok=True)
        data = len(head).to_bytes(8, "little") + head + b"".join(value.tobytes() for value in arrays.values())
        (folder / f"{number:06d}.safetensors").write_bytes(data)
        return vertices, faces

    @pytest.fixture
    def preview(self, tmp_path):
        part("scene.preview").SECONDS_BETWEEN = 0.0
        yield part("scene.preview").Preview(tmp_path)
        part("scene.preview").remove_preview()
        assert not [mesh for mesh in bpy.data.meshes if mesh.name.startswith("HD Human Preview")]

    def test_the_newest_frame_is_shown_in_blenders_axes_and_replaces_the_one_before(self, tmp_path, preview):
        folder = tmp_path / "person01" / "mesh"
        scene = bpy.context.scene
        assert not preview.update(scene, "mesh")
        written = {}
        for number in (1, 3, 2):
            written[number] = self.write(folder, number, 8)
            assert preview.update(scene, "mesh") == (number != 2)
        assert not preview.update(scene, "mesh")
        (thing,) = [one for one in scene.objects if one.get("hd_human_preview")]
        vertices, faces = written[3]
        x, y, z = vertices.T
        assert np.allclose(places(thing, 1), np.stack([x, z, -y], axis=1))
        assert len(thing.data.polygons) == len(faces)
        assert thing.data.validate(verbose=True) is False
        assert len([mesh for mesh in bpy.data.meshes if mesh.name.startswith("HD Human Preview")]) == 1

    @pytest.mark.parametrize("folder", ["maps", "surfaces"])
    def test_before_there_are_meshes_the_depth_map_is_shown_where_the_mesh_will_be(self, made_run, preview, folder):
        """Every vertex of the sheet lies on the core's mesh: metric maps, the same camera, half of the pixels."""
        stage = {"maps": "predict", "surfaces": "integrate"}[folder]
        shown = part("scene.preview").Preview(made_run)
        assert shown.update(bpy.context.scene, stage)
        assert not shown.update(bpy.context.scene, "find")
        (thing,) = [one for one in bpy.context.scene.objects if one.get("hd_human_preview")]
        sheet = places(thing, 1)
        arrays, _ = part("records").read_record(made_run / "person01" / folder / f"{NUM_FRAMES - 1:06d}.safetensors")
        assert len(sheet) == arrays["mask"].sum()
        assert np.isclose(np.sort(sheet[:, 1]), np.sort(arrays["depth"][arrays["mask"]]), atol=1e-6).all()
        if folder == "surfaces":
            mesh, _ = part("records").read_record(made_run / "person01" / "mesh" / f"{NUM_FRAMES - 1:06d}.safetensors")
            x, y, z = np.asarray(mesh["vertices"]).T
            known = {tuple(row) for row in np.round(np.stack([x, z, -y], axis=1), 4).tolist()}
            found = [tuple(row) in known for row in np.round(sheet, 4).tolist()]
            assert np.mean(found) > 0.9

    def test_a_map_of_unknown_scale_is_drawn_as_tall_as_the_person(self):
        depth = np.full((64, 64), 7.0, np.float32)
        mask = np.zeros((64, 64), bool)
        mask[2:62, 20:40] = True
        depth[30:, 30:] = 9.0
        intrinsics = [[50.0, 0, 32], [0, 50.0, 32], [0, 0, 1]]
        vertices, faces = part("scene.preview").sheet(depth, mask, intrinsics, height_m=1.8)
        assert np.ptp(vertices[:, 1]) == pytest.approx(1.8)
        far = vertices[faces][:, :, 2]
        assert (np.ptp(far, axis=1) < 1e-9).all()
        assert len(faces) == 59 * 19 - 31 - 10

    def test_a_record_that_is_still_being_written_is_left_alone(self, tmp_path, preview):
        folder = tmp_path / "person01" / "mesh"
        self.write(folder, 1, 8)
        path = folder / "000001.safetensors"
        path.write_bytes(path.read_bytes()[:-10])
        assert not preview.update(bpy.context.scene, "mesh")
        (folder / "000001.safetensors").rename(folder / ".partial-1")
        assert not preview.update(bpy.context.scene, "mesh")

    def test_a_map_of_2048_px_costs_the_window_50_ms_at_most(self):
        depth, mask = np.full((2048, 2048), 2.0, np.float32), np.ones((2048, 2048), bool)
        intrinsics = [[2000.0, 0, 1024], [0, 2000.0, 1024], [0, 0, 1]]
        took = []
        for _ in range(5):
            begin = time.process_time()
            shape = part("scene.preview").sheet(depth, mask, intrinsics, height_m=1.7)
            part("scene.preview")._show(bpy.context.scene, *shape)
            took.append(time.process_time() - begin)
        part("scene.preview").remove_preview()
        assert sorted(took)[2] < 0.05, took

    @pytest.mark.parametrize("side", [254, 380], ids=["512 px", "768 px"])
    def test_a_frame_costs_the_window_50_ms_at_most(self, tmp_path, preview, side):
        """64 516 and 144 400 vertices: a person who fills half of a crop of 512 and of 768 px."""
        folder = tmp_path / "person01" / "mesh"
        took = []
        for number in range(7):
            self.write(folder, number, side)
            begin = time.process_time()
            assert preview.update(bpy.context.scene, "mesh")
            took.append(time.process_time() - begin)
        assert sorted(took)[len(took) // 2] < 0.05, took

    def test_a_large_mesh_is_thinned_without_a_hole(self):
        """Its area stays: a sheet keeps its corners to within a cell."""
        side = 400
        y, x = np.mgrid[:side, :side] / (side - 1)
        vertices = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
        index = np.arange(side * side).reshape(side, side)
        a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
        faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
        few, less = part("scene.preview").thinned(vertices, faces, vertices[:, :2])
        assert len(few) <= len(vertices) / 4
        corners = few[less]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
        assert area == pytest.approx(1, abs=0.02)
