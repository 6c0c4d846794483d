"""The child process and its words, with cores that do everything a real one may do."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import addon_fake
import pytest
from addon_zip import part


@pytest.fixture(autouse=True)
def parts(addon):
    """Every test needs the installed add-on."""


@pytest.fixture
def start(tmp_path):
    """Start a fake core on a job; stopped after the test whatever happens."""
    begun = []

    def begin(body, words=(), **more):
        core = part("job.core").Core((str(addon_fake.write_core(tmp_path, body)),), "test")
        begun.append(part("job.session").Session(core, words, tmp_path / "run", **more))
        return begun[-1]

    yield begin
    for session in begun:
        session.stop()
    assert [one.name for one in threading.enumerate() if one.name.startswith("hd-human")] == []


def until(session, wanted, seconds=10):
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, session.report
        session.tick()
        time.sleep(0.01)


def alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_the_core_says_is_what_the_report_holds(start):
    session = start(
        "hello()\nstep('predict', 0, 4)\n"
        "line(event='warning', message='Scale: assumed; state it with --focal-px or --fov-deg')\n"
        "print('not JSON'); line(event='new thing'); step('predict', 3, 4, 12.5)\n"
        "line(event='result', text='4 frames', path='x.usdc')"
    )
    until(session, lambda: session.report.ended)
    report = session.report
    assert report.status is part("job.session").Status.DONE
    assert (report.version, report.title, report.done, report.total) == ("0.1.0", "Depth and normals", 3, 4)
    assert (report.share, report.eta_seconds) == (0.75, 12.5)
    assert report.warnings == ["Scale: assumed; state it under Field of View"]
    assert [(one.text, one.data) for one in report.results] == [("4 frames", {"path": "x.usdc"})]


TELLS = {
    "disk full": (
        "No space left on device: run/person01/mesh/000003.safetensors.",
        "Free some space and resume.",
    ),
    "old": ("{core} is too old for this add-on.", "Update it: pip install --upgrade hd-core, in its own Python."),
    "older protocol": (
        "hd-core 0.0.9 speaks protocol 0; this add-on speaks 1.",
        "The core is older than the add-on. Update it: pip install --upgrade hd-core, in its own Python.",
    ),
    "newer protocol": ("hd-core 9.0.0 speaks protocol 2; this add-on speaks 1.", "Update the add-on."),
    "wrong python": ("{core} has no hd_core.", "Choose hd-core, or the Python that it is installed in."),
    "broken": (
        "{core} did not start (exit code 7): Segmentation in lib.",
        "Choose another hd-core in the preferences, or press Doctor.",
    ),
    "shot": (
        "The job was killed from outside (signal 9).",
        "Is memory short? Press Resume to go on from the last finished frame.",
    ),
    "other options": (
        "{run} was made with other options (person: size was 256, now 512).",
        "Choose another Output folder, or tick Start Over.",
    ),
    "silent end": (
        "The job ended with exit code 9: what it last said.",
        "Press Resume to go on from the last finished frame.",
    ),
}


@pytest.mark.parametrize("mistake", addon_fake.MISTAKES)
def test_every_end_of_a_core_has_its_message_and_its_hint(start, tmp_path, mistake):
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"output": str(tmp_path / "run")}))
    session = start(addon_fake.MISTAKES[mistake], ("reconstruct", "--job", str(job)))
    until(session, lambda: session.report.ended)
    message, hint = TELLS[mistake]
    assert session.report.status is part("job.session").Status.FAILED
    assert session.report.message == message.format(core=tmp_path / "hd-core", run=tmp_path / "run")
    assert session.report.hint == hint


@pytest.mark.parametrize("body", [addon_fake.OBEDIENT, addon_fake.STUBBORN], ids=["obedient", "stubborn"])
def test_cancel_ends_the_core_and_all_it_started_within_half_a_second(start, body):
    """Ticked as the panel does it, every 0.1 s; no tick waits."""
    session = start(body)
    until(session, lambda: session.report.total or session.report.results)
    pids = [session.pid, *(one.data["pid"] for one in session.report.results)]
    assert all(alive(pid) for pid in pids)
    begin = time.monotonic()
    session.cancel()
    longest = time.monotonic() - begin
    while not session.report.ended:
        time.sleep(0.1)
        tick = time.monotonic()
        session.tick()
        longest = max(longest, time.monotonic() - tick)
    assert time.monotonic() - begin < 0.5
    assert longest < 0.05
    assert not any(alive(pid) for pid in pids)
    assert session.report.status is part("job.session").Status.CANCELLED
    assert session.report.message == "Cancelled; finished frames are kept."
    assert session.report.hint == "Press Resume to go on from the last finished frame."


def test_a_stubborn_core_is_killed_however_busy_the_window_is(start):
    """No tick in between: the thread that draws may hang for seconds."""
    session = start(addon_fake.STUBBORN)
    until(session, lambda: session.report.results)
    pids = [session.pid, session.report.results[0].data["pid"]]
    session.cancel()
    time.sleep(0.45)
    assert not any(alive(pid) for pid in pids)


def test_stop_returns_when_a_stubborn_core_is_gone_and_within_half_a_second(start):
    session = start(addon_fake.STUBBORN)
    until(session, lambda: session.report.results)
    pids = [session.pid, session.report.results[0].data["pid"]]
    begin = time.monotonic()
    session.stop()
    assert time.monotonic() - begin < 0.5
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_a_dead_blender_leaves_no_orphan(tmp_path, how):
    """Killed without warning: the core's stdin ends. Ended as usual: the job is stopped on the way out."""
    core = addon_fake.write_core(tmp_path, addon_fake.OBEDIENT if how == "kill" else addon_fake.STUBBORN)
    script = tmp_path / "script.py"
    script.write_text(ORPHANS.format(folder=str(Path(part("job").__file__).parents[1]), core=str(core)))
    blender = subprocess.Popen([sys.executable, str(script), how], stdout=subprocess.PIPE, text=True)
    pid = int(blender.stdout.readline())
    assert alive(pid)
    if how == "kill":
        os.kill(blender.pid, signal.SIGKILL)
    blender.wait(timeout=10)
    deadline = time.monotonic() + 2
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    blender.stdout.close()
    assert not alive(pid)


ORPHANS = """
import atexit, importlib.util, pathlib, sys, time, types
package = types.ModuleType("hd_human")
package.__path__ = [{folder!r}]
sys.modules["hd_human"] = package
from hd_human.job.core import Core
from hd_human.job.session import Session
session = Session(Core(({core!r},), "test"), (), pathlib.Path())
atexit.register(session.stop)
while not session.report.version:
    session.tick()
    time.sleep(0.01)
print(session.pid, flush=True)
time.sleep(60 if sys.argv[1] == "kill" else 0.1)
"""


def test_a_flood_of_words_is_read_in_short_ticks_and_none_is_lost(start):
    session = start("hello()\nfor i in range(20000): step('mesh', i + 1, 20000)")
    longest, deadline = 0.0, time.monotonic() + 30
    while not session.report.ended and time.monotonic() < deadline:
        time.sleep(0.02)
        begin = time.monotonic()
        session.tick()
        longest = max(longest, time.monotonic() - begin)
    assert session.report.status is part("job.session").Status.DONE
    assert session.report.done == 20000
    assert longest < 0.05


def test_a_loud_stderr_neither_blocks_the_core_nor_fills_memory(start):
    session = start(
        "hello()\nfor i in range(20000): print('x' * 100, file=sys.stderr)\nprint('last', file=sys.stderr); sys.exit(9)"
    )
    until(session, lambda: session.report.ended, 30)
    assert session.report.message == "The job ended with exit code 9: last."


def test_a_grandchild_that_holds_the_pipe_does_not_hold_the_job(start):
    """The core is gone, something it started still has its stdout: the job ends and the rest is killed."""
    session = start(
        "hello(); child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "line(event='result', text='child', pid=child.pid); os._exit(0)"
    )
    until(session, lambda: session.report.ended, 5)
    assert not alive(session.report.results[0].data["pid"])
    assert session.report.status is part("job.session").Status.DONE


def test_blenders_own_python_settings_do_not_reach_the_core(start, monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("HD_TEST", "kept")
    session = start("hello(); line(event='result', text='', env=dict(os.environ))")
    until(session, lambda: session.report.ended)
    environment = session.report.results[0].data["env"]
    assert not {"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"} & set(environment)
    assert environment["HD_TEST"] == "kept"


def test_frames_that_failed_are_a_warning_and_not_the_end(start):
    session = start("hello()\nfail('2 frames failed, the first is 7: no depth', 'The rest is written.', 4)")
    until(session, lambda: session.report.ended)
    assert session.report.status is part("job.session").Status.DONE
    assert session.report.warnings == ["2 frames failed, the first is 7: no depth"]


class TestFinding:
    """Which core is taken."""

    @pytest.fixture(autouse=True)
    def bare(self, tmp_path, monkeypatch):
        """A machine without any."""
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setattr(part("job.core"), "SYSTEM", ())
        monkeypatch.delenv("HD_CORE", raising=False)
        return monkeypatch

    def core(self, tmp_path, where):
        (tmp_path / where).mkdir(parents=True, exist_ok=True)
        return addon_fake.write_core(tmp_path / where, "hello()")

    def test_preference_then_variable_then_path_then_the_usual_environments(self, tmp_path, monkeypatch):
        find = part("job.core").find_core
        folder = tmp_path / "project"
        home = self.core(tmp_path, "home/.venvs/hd-core/bin")
        assert find("", [folder]).path == str(home)
        beside = self.core(tmp_path, "project/.venv/bin")
        assert find("", [folder]).path == str(beside)
        on_path = self.core(tmp_path, "bin")
        assert (find("", [folder]).path, find("", [folder]).origin) == (str(on_path), "PATH")
        variable = self.core(tmp_path, "variable")
        monkeypatch.setenv("HD_CORE", str(variable))
        assert (find("", [folder]).path, find("", [folder]).origin) == (str(variable), "HD_CORE")
        chosen = self.core(tmp_path, "chosen")
        assert (find(str(chosen), [folder]).path, find(str(chosen)).origin) == (str(chosen), "preferences")

    def test_a_folder_or_an_environment_or_a_python_may_be_chosen(self, tmp_path):
        find = part("job.core").find_core
        program = self.core(tmp_path, "env/bin")
        assert find(str(tmp_path / "env")).command == (str(program),)
        assert find(str(tmp_path / "env" / "bin")).command == (str(program),)
        python = program.with_name("python3.11")
        python.write_text("")
        python.chmod(0o755)
        assert find(str(python)).command == (str(python), "-m", "hd_core.cli.main")

    def test_what_cannot_be_a_core_is_named_with_what_to_do(self, tmp_path):
        find, error = part("job.core").find_core, part("job.errors").JobError
        get = part("job.core").GET_IT
        (tmp_path / "text.txt").write_text("")
        (tmp_path / "empty").mkdir()
        expected = {
            "": ("hd-core was not found on this machine.", get),
            "/nowhere/hd-core": ("/nowhere/hd-core (preferences) is not there.", f"Choose hd-core again. {get}"),
            str(tmp_path / "empty"): (
                f"The folder {tmp_path / 'empty'} (preferences) holds no hd-core.",
                f"Choose hd-core itself. {get}",
            ),
            str(tmp_path / "text.txt"): (
                f"{tmp_path / 'text.txt'} (preferences) is not a program.",
                "Choose hd-core or the Python that has it.",
            ),
            sys.executable: (
                f"{sys.executable} (preferences) is Blender's own Python.",
                f"Choose hd-core. {get}",
            ),
        }
        for chosen, (message, hint) in expected.items():
            with pytest.raises(error) as caught:
                find(chosen)
            assert (caught.value.message, caught.value.hint) == (message, hint)

    def test_a_file_that_is_no_program_for_this_machine_is_refused_when_started(self, tmp_path):
        (tmp_path / "hd-core").write_bytes(b"MZ\x00\x00")
        (tmp_path / "hd-core").chmod(0o755)
        core = part("job.core").Core((str(tmp_path / "hd-core"),), "test")
        with pytest.raises(part("job.errors").JobError) as caught:
            part("job.session").Session(core, (), tmp_path)
        assert caught.value.message == f"{tmp_path / 'hd-core'} cannot be started: Exec format error."


class TestJobFile:
    """What is written for the core."""

    def test_only_what_was_chosen_is_written(self):
        jobfile = part("job.jobfile")
        plain = jobfile.job_options(jobfile.Wishes(video="/a.mp4", output="/run"))
        assert plain == {
            "video": "/a.mp4", "output": "/run", "size": 512, "tier": "full", "predictor": "hdnet",
            "device": "cpu", "start_frame": 1, "formats": ["usdc"], "bank": True,
        }  # fmt: skip
        full = jobfile.Wishes(
            video="/a.####.png", output="/run", frames=(10, 19), start_frame=11, fps=29.97003, box=(1, 2, 3, 4),
            subject_height_m=1.8, fov_deg=60.0, constant=True, maps="/maps", overwrite=True,
        )  # fmt: skip
        more = {
            "frames": "10:20", "fps": "30000/1001", "box": [1, 2, 3, 4], "subject_height_m": 1.8, "fov_deg": 60.0,
            "topology": "constant", "maps": "/maps", "overwrite": True, "start_frame": 11, "video": "/a.####.png",
        }  # fmt: skip
        assert jobfile.job_options(full) == plain | more

    @pytest.mark.parametrize(
        ("fps", "text"),
        [
            (24, "24"),
            (23.976024, "24000/1001"),
            (29.97003, "30000/1001"),
            (59.94006, "60000/1001"),
            (12.5, "12.5"),
            (25, "25"),
        ],
    )
    def test_rates_are_written_exactly(self, fps, text):
        assert part("job.jobfile").rate_text(fps) == text

    @pytest.mark.parametrize(
        ("name", "pattern"),
        [
            ("shot.0001.png", "shot.####.png"),
            ("img12.jpg", "img##.jpg"),
            ("v2_0003_a.png", "v2_####_a.png"),
            ("still.png", "still.png"),
        ],
    )
    def test_a_picture_stands_for_its_sequence(self, name, pattern):
        assert part("job.jobfile").sequence_pattern(Path("/x") / name) == Path("/x") / pattern

    def test_a_job_is_read_back_as_it_was_written(self, tmp_path):
        jobfile = part("job.jobfile")
        options = jobfile.job_options(jobfile.Wishes(video="/a.mp4", output=str(tmp_path / "run")))
        path = jobfile.write_job(options)
        assert json.loads(path.read_text()) == options
        assert jobfile.read_job(tmp_path / "run") == options
        assert [one.name for one in (tmp_path / "run").iterdir()] == [path.name]

    def test_what_cannot_be_read_or_written_says_what_to_do(self, tmp_path):
        jobfile, error = part("job.jobfile"), part("job.errors").JobError
        with pytest.raises(error) as caught:
            jobfile.read_job(tmp_path)
        assert caught.value.message == f"{tmp_path} holds no job to resume."
        assert caught.value.hint == "Press Build; what is finished there is used."
        jobfile.job_path(tmp_path).write_text("{")
        with pytest.raises(error) as caught:
            jobfile.read_job(tmp_path)
        assert caught.value.message == f"The job file in {tmp_path} is damaged."
        (tmp_path / "file").write_text("")
        with pytest.raises(error) as caught:
            jobfile.write_job({"output": str(tmp_path / "file" / "run"), "video": ""})
        assert caught.value.message == f"{tmp_path / 'file' / 'run'} cannot be written: Not a directory."
        assert caught.value.hint == "Choose another Output folder."
