"""Several frames at a time: the same outcomes, in the same order, as one after the other."""

import threading
import time

import numpy as np
import pytest
from pipeline_clips import digests, write_clip

from hd_core.errors import CancelledError, FramesError, InputError, OutputError, UsageError
from hd_core.integrate.bilateral import BilateralIntegrator
from hd_core.pipeline.frames import in_order, usual_jobs
from hd_core.pipeline.line import Plan, integrate_run, mesh_run, predict, reconstruct
from hd_core.pipeline.options import (
    ExportOptions,
    MeshStageOptions,
    PersonOptions,
    PredictOptions,
    SourceOptions,
    SurfaceOptions,
    WorkOptions,
)
from hd_core.predict.options import PredictorOptions
from hd_core.progress import Silent
from hd_core.records import read_maps

FRAMES = 6


def plan(clip, jobs, *, frames=None, formats=("ply",)):
    maps = PredictorOptions(maps=clip.parent / "maps")
    return Plan(
        source=SourceOptions(frames=frames),
        person=PersonOptions(size=96),
        predict=PredictOptions(predictor="maps", settings=maps),
        export=ExportOptions(formats=formats),
        work=WorkOptions(jobs=jobs),
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), num_frames=FRAMES, size=96)


@pytest.fixture
def maps_run(clip, tmp_path):
    predict(clip, tmp_path / "run", plan(clip, 1))
    return tmp_path / "run"


def nothing():
    """Nobody asks to stop."""


class Meeting(BilateralIntegrator):
    """Goes on only when two frames are in hand."""

    def __init__(self, options):
        super().__init__(options)
        self.met = threading.Barrier(2, timeout=20)

    def integrate(self, maps):
        self.met.wait()
        return super().integrate(maps)


class Choosy(BilateralIntegrator):
    """Refuses the frames that it was told."""

    refused: frozenset[bytes] = frozenset()

    def integrate(self, maps):
        if maps.depth.tobytes() in self.refused:
            raise InputError("This one I do not like.", "Take another.")
        return super().integrate(maps)


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_outcomes_come_in_the_order_of_the_frames_whoever_is_done_first(jobs):
    def work(frame):
        time.sleep(0.02 if frame % 3 == 0 else 0)
        return frame * frame

    found = [outcome() for outcome in in_order(work, range(20), jobs=jobs, look_up=nothing)]
    assert found == [frame * frame for frame in range(20)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_frames_as_jobs_are_in_hand_and_never_one_more(jobs):
    lock, busy, most = threading.Lock(), 0, 0

    def work(_):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1

    for outcome in in_order(work, range(24), jobs=jobs, look_up=nothing):
        outcome()
    assert most == jobs


def test_with_one_job_nothing_is_done_before_it_is_asked_for_and_all_of_it_in_this_thread():
    done = []
    outcomes = in_order(lambda frame: done.append((frame, threading.get_ident())), range(3), jobs=1, look_up=nothing)
    next(outcomes)()
    assert done == [(0, threading.get_ident())]


def test_what_a_frame_raises_is_raised_for_that_frame_alone():
    def work(frame):
        if frame == 2:
            raise InputError("two", "")
        return frame

    outcomes = list(in_order(work, range(5), jobs=2, look_up=nothing))
    with pytest.raises(InputError, match="two"):
        outcomes[2]()
    assert [outcomes[i]() for i in (0, 1, 3, 4)] == [0, 1, 3, 4]


def test_who_stops_waiting_for_a_slow_frame_waits_for_those_in_hand_and_no_other_is_begun():
    begun, go = [], threading.Event()

    def work(frame):
        begun.append(frame)
        go.wait(20)

    def stop():
        threading.Timer(0.5, go.set).start()
        raise CancelledError("Cancelled.", "")

    with pytest.raises(CancelledError):
        for outcome in in_order(work, range(100), jobs=2, look_up=stop):
            outcome()
    assert sorted(begun) == [0, 1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("frame")]


def test_the_usual_number_of_jobs_is_one_per_processor_up_to_four(monkeypatch):
    for processors, expected in ((1, 1), (2, 2), (64, 4)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, n=processors: set(range(n)), raising=False)
        assert usual_jobs() == expected
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert usual_jobs() == 1
    with pytest.raises(UsageError, match="0 or more"):
        WorkOptions(jobs=-1)


@pytest.mark.parametrize("topology", ["varying", "constant"])
def test_every_number_of_jobs_gives_the_same_bytes(clip, tmp_path, topology):
    found = []
    for jobs in (1, 2, 5):
        run = tmp_path / f"run{jobs}"
        predict(clip, run, plan(clip, jobs))
        integrate_run(run, SurfaceOptions(), work=WorkOptions(jobs=jobs))
        mesh_run(run, MeshStageOptions(topology=topology), work=WorkOptions(jobs=jobs))
        found.append(digests(run))
    assert len(found[0]) > 4 * FRAMES
    assert found[0] == found[1] == found[2]


def test_frames_really_are_in_hand_together_and_the_whole_line_gives_the_bytes_of_one_by_one(
    clip, tmp_path, monkeypatch
):
    reconstruct(clip, tmp_path / "one", plan(clip, 1))
    monkeypatch.setattr("hd_core.pipeline.line.load_integrator", lambda _, options: Meeting(options))
    reconstruct(clip, tmp_path / "two", plan(clip, 2))
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_failures_are_those_of_one_by_one_and_the_rest_is_written(clip, maps_run, monkeypatch):
    names = [f"{index:06d}.safetensors" for index in range(FRAMES)]
    refused = [read_maps(maps_run / "person01/maps" / names[index]).depth.tobytes() for index in (1, 4)]
    monkeypatch.setattr(Choosy, "refused", frozenset(refused))
    monkeypatch.setattr("hd_core.pipeline.line.load_integrator", lambda _, options: Choosy(options))
    said = []
    for jobs in (1, 3):
        with pytest.raises(FramesError) as end:
            integrate_run(maps_run, SurfaceOptions(), work=WorkOptions(jobs=jobs), overwrite=True)
        written = sorted(path.name for path in (maps_run / "person01/surfaces").iterdir())
        assert written == [name for index, name in enumerate(names) if index not in {1, 4}]
        said.append(end.value.message)
    assert said[0] == said[1] == "2 frames failed, the first is 1: integrate: This one I do not like."


def test_a_full_disk_ends_the_job_at_once_with_several_jobs_too(maps_run, monkeypatch):
    def full(*_, **__):
        raise OutputError("No space left.", "Make room.")

    monkeypatch.setattr("hd_core.pipeline.stages.write_maps", full)
    with pytest.raises(OutputError, match="No space"):
        integrate_run(maps_run, SurfaceOptions(), work=WorkOptions(jobs=3))


def test_after_a_cancel_no_frame_is_begun_and_the_next_run_makes_the_rest(maps_run, monkeypatch):
    """What is in hand is finished; so the wait is one frame's time, which is below half a second."""
    begun = []

    class Noted(BilateralIntegrator):
        def integrate(self, maps):
            begun.append(time.perf_counter())
            return super().integrate(maps)

    class Impatient(Silent):
        asked = np.inf

        def cancelled(self):
            if begun and self.asked == np.inf:
                self.asked = time.perf_counter()
            return self.asked < np.inf

    monkeypatch.setattr("hd_core.pipeline.line.load_integrator", lambda _, options: Noted(options))
    progress = Impatient()
    with pytest.raises(CancelledError):
        integrate_run(maps_run, SurfaceOptions(), work=WorkOptions(jobs=2), progress=progress)
    assert sum(moment > progress.asked for moment in begun) <= 2  # taken in the very moment of the wish
    done = {path.name: path.read_bytes() for path in (maps_run / "person01/surfaces").iterdir()}
    assert len(done) <= len(begun) < FRAMES
    begun.clear()
    integrate_run(maps_run, SurfaceOptions(), work=WorkOptions(jobs=2))
    assert len(begun) == FRAMES - len(done)
    assert all((maps_run / "person01/surfaces" / name).read_bytes() == old for name, old in done.items())
