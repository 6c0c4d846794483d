"""Jobs as Blender asks for them: a file of options, lines of JSON, and an end within a moment."""

import json
import shlex
import subprocess
import sys
import time

import pytest
from pipeline_clips import digests, words, write_clip

from hd_core import __version__
from hd_core.cli.jobfile import ABSENT, read_job
from hd_core.cli.main import main, parse
from hd_core.cli.reconstruct import Reconstruct
from hd_core.errors import UsageError

MORE = ("--formats", "usdc", "--bank")
HD_CORE = [sys.executable, "-m", "hd_core.cli.main"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), num_frames=3, size=64)


def job_file(folder, **options):
    path = folder / "job.json"
    path.write_text(json.dumps(options))
    return path


def hd_core(capfd, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code, capfd.readouterr()


def test_a_job_file_means_what_the_same_words_mean_and_words_beside_it_win(tmp_path):
    options = {
        "video": "clip.mp4",
        "output": "run",
        "size": 256,
        "frames": "0:48",
        "box": [1, 2.5, 300, 400],
        "maps": "maps",
        "predictor": "maps",
        "subject_height_m": 2,
        "formats": ["usdc", "abc"],
        "bank": True,
        "overwrite": False,
        "max_jump": 0.02,
        "sharpness": 16,
        "progress": "json",
        "stop_with_stdin": True,
        "fps": None,
    }
    path = job_file(tmp_path, **options)
    line = shlex.split(
        "reconstruct clip.mp4 -o run --size 256 --frames 0:48 --box 1 2.5 300 400 --maps maps --predictor maps "
        "--subject-height-m 2 --formats usdc abc --bank --max-jump 0.02 --sharpness 16 --progress json "
        "--stop-with-stdin"
    )
    assert parse(["reconstruct", f"--job={path}", "--job", str(path)]) == parse([*line, "--job", str(path)])
    beside = ["--size", "512", "--no-bank", "--formats", "glb", "-o", "other", "--frames", "None"]
    found = parse(["reconstruct", "--job", str(path), "another.mp4", *beside])
    words_alone = ["reconstruct", "another.mp4", *line[2:], *beside, "--job", str(path)]
    assert found == parse(words_alone)
    assert found.person.size == 512
    assert not found.export.bank


def test_a_job_without_video_takes_the_one_beside_it_and_else_says_what_is_missing(tmp_path, capfd):
    path = job_file(tmp_path, output="run")
    assert parse(["reconstruct", "--job", str(path), "clip.mp4"]).video.name == "clip.mp4"
    assert read_job(path, Reconstruct).video == ABSENT
    for missing, options in {"video": {"output": str(tmp_path / "run")}, "output": {"video": "clip.mp4"}}.items():
        job_file(tmp_path, **options)
        code, said = hd_core(capfd, "reconstruct", "--job", path, "--progress", "none")
        assert (code, said.out) == (2, "")
        assert said.err == f"error: The job names no {missing}. Add {missing!r} to {path}.\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "words_of_it"),
    [
        ("{", "job.json is no JSON"),
        ("[1]", "expected an object"),
        ('{"vido": "a.mp4"}', "unknown option 'vido'. Did you mean 'video'?"),
        ('{"job": "a.json"}', "unknown option 'job'"),
        ('{"zzz": 1}', "unknown option 'zzz'. hd-core reconstruct --help"),
        ('{"size": "big"}', 'Found size = "big"; expected a whole number.'),
        ('{"size": true}', "Found size = true; expected a whole number."),
        ('{"size": 1.5}', "Found size = 1.5; expected a whole number."),
        ('{"bank": 1}', "Found bank = 1; expected true or false."),
        ('{"margin": "wide"}', "expected a number."),
        ('{"box": [1, 2]}', "Found box = [1, 2]; expected a list of 4 numbers or null."),
        ('{"tier": "slow"}', "expected one of full, fast."),
        ('{"formats": "usdc"}', "expected a list, each text."),
        ('{"video": ""}', "expected a path."),
        ('{"keep_ratio": 7}', "Found keep_ratio = 7.0; expected more than 0 and at most 1."),
    ],
)
def test_a_senseless_job_file_is_refused_in_one_line_with_exit_code_2(tmp_path, capfd, text, words_of_it):
    path = tmp_path / "job.json"
    path.write_text(text)
    code, said = hd_core(capfd, "reconstruct", "--job", path, "--progress", "json")
    assert code == 2
    assert words_of_it in said.err
    assert len(said.err.splitlines()) == 1
    hello, error = map(json.loads, said.out.splitlines())
    assert hello == {"event": "hello", "hd_core": __version__, "protocol": 1}
    assert error["event"] == "error"
    assert error["exit_code"] == 2
    assert said.err == f"error: {error['message']} {error['hint']}".rstrip() + "\n"


def test_a_job_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        parse(["reconstruct", "--job", str(tmp_path / "none.json")])


def test_a_job_from_a_file_gives_the_bytes_of_one_from_words(clip, tmp_path, capfd):
    options = {"predictor": "maps", "maps": str(clip.parent / "maps"), "size": 64, "formats": ["npz"], "bank": True}
    path = job_file(tmp_path, video=str(clip), output=str(tmp_path / "one"), **options)
    code, said = hd_core(capfd, "reconstruct", "--job", path, "--progress", "json")
    assert code == 0
    events = [json.loads(line) for line in said.out.splitlines()]
    assert events[0] == {"event": "hello", "hd_core": __version__, "protocol": 1}
    assert [event["event"] for event in events].count("hello") == 1
    stages = list(dict.fromkeys(event["stage"] for event in events if event["event"] == "progress"))
    assert stages == ["find", "person", "predict", "integrate", "mesh", "export", "bank"]
    paths = [event["path"] for event in events if event["event"] == "result" and "path" in event]
    assert str(tmp_path / "one" / "bank" / "person01.safetensors") in paths
    more = ("--formats", "npz", "--bank", "--progress", "none")
    assert hd_core(capfd, *words(clip, tmp_path / "two", *more, size=64))[0] == 0
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_the_doctor_speaks_json(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("hd_core.cli.doctor.PARTS", {"numpy": "arrays", "no_such_library": "magic"})
    code, said = hd_core(capfd, "doctor", "--folder", tmp_path, "--progress", "json")
    assert code == 2
    hello, *checks, error = map(json.loads, said.out.splitlines())
    assert hello["event"] == "hello"
    assert {check["event"] for check in checks} == {"result"}
    found = {check["name"]: check for check in checks}
    assert found["numpy"]["ok"] is True
    assert found["no_such_library"]["ok"] is False
    assert "Install hd-core again" in found["no_such_library"]["remark"]
    assert all(check["text"].endswith(check["remark"]) for check in checks)
    assert error["message"] == "Not ready: no_such_library."


class Started:
    """A job in a process of its own whose standard input we hold."""

    def __init__(self, arguments):
        command = [*HD_CORE, *arguments, "--progress", "json", "--stop-with-stdin"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, stage):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == stage or (event.get("stage") == stage and event["done"]):
                return
        raise AssertionError(self.process.stderr.read())

    def end(self):
        """Exit code, last line, seconds."""
        began = time.monotonic()
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, json.loads(out.splitlines()[-1]), time.monotonic() - began


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A clip, and the digests of the run that nobody stops."""
    folder = tmp_path_factory.mktemp("undisturbed")
    clip = write_clip(folder, num_frames=8, size=96)
    finish(words(clip, folder / "run", *MORE))
    return clip, digests(folder / "run")


def finish(arguments):
    subprocess.run([*HD_CORE, *arguments, "--progress", "none"], check=True, capture_output=True)


@pytest.mark.parametrize("stage", ["hello", "predict", "integrate", "export", "bank"])
def test_a_job_whose_stdin_ends_goes_soon_and_goes_on_later_to_the_same_bytes(undisturbed, tmp_path, stage):
    clip, expected = undisturbed
    arguments = words(clip, tmp_path / "run", *MORE)
    job = Started(arguments)
    job.wait_for(stage)
    job.process.stdin.close()
    job.process.stdin = None
    code, last, seconds = job.end()
    assert code == 130
    assert last["message"] == "Cancelled."
    assert seconds < 5  # less than 0.5 where the processor is not shared
    finish(arguments)
    assert digests(tmp_path / "run") == expected


def test_a_line_cancel_stops_the_job_and_other_lines_do_not(clip, tmp_path):
    job = Started(words(clip, tmp_path / "run", size=64))
    job.wait_for("hello")
    job.process.stdin.write("how are you\ncancelled?\n")
    job.process.stdin.flush()
    job.wait_for("find")
    job.process.stdin.write("cancel\n")
    job.process.stdin.flush()
    code, last, _ = job.end()
    assert code == 130
    assert last["event"] == "error"


def test_a_job_that_has_ended_well_says_so_though_its_stdin_stays_open(clip, tmp_path):
    job = Started(words(clip, tmp_path / "run", "--formats", "npz", size=64))
    assert job.process.wait(timeout=60) == 0
    job.process.communicate()


def test_a_job_that_nobody_listens_to_goes_too():
    """Its lines fill the pipe, so that it hangs in the middle of one."""
    work = (
        "import sys\n"
        "from hd_core.cli.common import Common, run_command\n"
        "def work(talk):\n"
        "    sys.stderr.write('ready'); sys.stderr.flush()\n"
        "    while True:\n"
        "        talk.step('predict', 1, 2)\n"
        "run_command(Common(progress='json', stop_with_stdin=True), work, leave=True)\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", work], **pipes) as job:
        assert job.stderr.read(5) == b"ready"
        time.sleep(0.5)
        job.stdin.close()
        assert job.wait(timeout=20) == 130
