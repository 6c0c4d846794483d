"""Training as a whole: it learns, it resumes to the bit, it stops in time, it says what it did."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train_scenes import write_ball

from hd_core.errors import InputError, UsageError
from hd_core.predict.weights import load_weights
from hd_core.progress import Silent
from hd_core.train.curves import read_lines
from hd_core.train.options import AugmentOptions, LossWeights, SittingOptions, TrainOptions
from hd_core.train.trainer import Job, train

ROOT = Path(__file__).resolve().parents[2]
TINY = TrainOptions(size=32, batch=2, steps=6, warmup=2)
HERE = SittingOptions(device="cpu", loader=0, validate_every=4, validate_clips=1, log_every=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for number in (0, 1, 24):
        write_ball(folder, number)
    return folder


def job_of(data: Path, folder: Path, **changes) -> Job:
    return replace(Job(data=data, folder=folder, options=TINY, sitting=HERE), **changes)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Path:
    """A training in one sitting."""
    folder = tmp_path_factory.mktemp("whole")
    train(job_of(data, folder), Silent())
    return folder


def test_a_sitting_leaves_weights_card_curves_and_checkpoint(whole):
    assert {"weights.safetensors", "weights.json", "curve.jsonl", "curve.png", "checkpoint.pt"} <= {
        path.name for path in whole.iterdir()
    }
    lines = read_lines(whole)
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in lines if "normal_mean_deg" in line] == [4, 6]
    _, card = load_weights(whole / "weights.safetensors")
    assert card.licence == "Apache-2.0" and "6 steps of 2 at 32 px" in card.training_data
    assert card.scores["validation_normal_mean_deg"] == pytest.approx(lines[-1]["normal_mean_deg"], abs=1e-3)


class Impatient(Silent):
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self, stage: str, done: int, total: int) -> None:
        self._left -= 1

    def cancelled(self) -> bool:
        return self._left <= 0


def test_many_sittings_make_the_weights_of_one(data, whole, tmp_path):
    for steps in (1, 2, 10):
        train(job_of(data, tmp_path), Impatient(steps))
    assert digest(tmp_path) == digest(whole)
    keep = ("step", "rate", "loss", "normal", "depth", "gradient_norm")
    curves = [[{k: line.get(k) for k in keep} for line in read_lines(f) if "loss" in line] for f in (tmp_path, whole)]
    assert curves[0] == curves[1]


def test_a_training_that_was_killed_goes_on_to_the_same_bits(data, whole, tmp_path):
    """SIGKILL while steps and checkpoints are made as fast as they come, then the same command again."""
    words = f"{data} -o {tmp_path} --size 32 --batch 2 --steps 6 --warmup 2 --device cpu --log-every 1 --loader 1"
    words += " --validate-every 4 --validate-clips 1 --checkpoint-minutes 0 --progress none"
    command = [sys.executable, "-m", "hd_core.cli.main", "train", *words.split()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    curve = tmp_path / "curve.jsonl"
    while process.poll() is None and not (curve.exists() and len(curve.read_text().splitlines()) >= 3):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "weights.safetensors").exists()
    done = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"]
    assert 2 <= done < 6
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=100)
    assert digest(tmp_path) == digest(whole)


def test_a_training_whose_whole_group_is_asked_to_end_saves_everything(data, tmp_path):
    """As a terminal, a container or torchrun asks: those who prepare samples are asked as well."""
    words = f"{data} -o {tmp_path} --size 32 --batch 2 --steps 100000 --device cpu --log-every 1 --loader 1"
    command = [sys.executable, "-m", "hd_core.cli.main", "train", *words.split(), "--progress", "none"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True, stderr=subprocess.PIPE
    )
    curve = tmp_path / "curve.jsonl"
    while process.poll() is None and not (curve.exists() and len(curve.read_text().splitlines()) >= 3):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=100)
    assert b"error" not in said
    steps = [line["step"] for line in read_lines(tmp_path) if "loss" in line]
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == steps[-1] >= 3
    assert (tmp_path / "weights.safetensors").exists()


def test_what_samples_are_told_of_the_body_is_learned_from_and_the_card_and_the_curve_say_so(data, whole, tmp_path):
    options = replace(TINY, augment=AugmentOptions(body=0.0))
    train(job_of(data, tmp_path, options=options), Silent())
    assert digest(tmp_path) != digest(whole)
    shares = [load_weights(folder / "weights.safetensors")[1].body_share for folder in (tmp_path, whole)]
    assert shares == [0.0, 0.3]
    said = [["normal_mean_deg_with_body" in line for line in read_lines(f)] for f in (tmp_path, whole)]
    assert not any(said[0]) and sum(said[1]) == 2
    # Who begins with weights that were told nothing leaves the body alone at first, and nothing else is changed.
    frozen = replace(TINY, steps=1, learning_rate=1e-12, ema=0.0)
    train(job_of(data, tmp_path / "on", options=frozen, begin_with=tmp_path / "weights.safetensors"), Silent())
    before, after = (
        load_weights(f / "weights.safetensors")[0].stem.convolution.weight for f in (tmp_path, tmp_path / "on")
    )
    assert torch.equal(before[:, :24], after[:, :24]) and before[:, 24:].any() and after[:, 24:].abs().max() < 1e-7
    # A training from before there was such an option goes on as one that tells nothing, and as no other.
    known = json.loads((tmp_path / "train.json").read_text())
    del known["augment"]["body"], known["loss"]["part"], known["loss"]["place"]
    (tmp_path / "train.json").write_text(json.dumps(known))
    with pytest.raises(UsageError, match=r"augment was .*'body': 0.0"):
        train(job_of(data, tmp_path), Silent())
    train(job_of(data, tmp_path, options=options), Silent())


def test_a_sitting_ends_in_time(data, tmp_path):
    sitting = replace(HERE, minutes=0.02)
    begun = time.monotonic()
    train(job_of(data, tmp_path, options=replace(TINY, steps=100_000), sitting=sitting), Silent())
    assert time.monotonic() - begun < 20
    steps = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"]
    assert 0 < steps < 1000


@pytest.mark.parametrize("stage", ["normals", "depth", "joint"])
def test_every_stage_learns_what_it_is_for(data, tmp_path, stage):
    options = replace(TINY, stage=stage, steps=40, warmup=5, learning_rate=3e-3, ema=0.8)
    train(job_of(data, tmp_path, options=options), Silent())
    lines = [line for line in read_lines(tmp_path) if "loss" in line]
    names = {"normal", "fold"} | ({"depth", "gradient", "depth_normal", "consistency"} if stage != "normals" else set())
    assert names <= lines[0].keys() and ("depth" in lines[0]) == (stage != "normals")
    for name in ("normal",) if stage == "normals" else ("normal", "depth"):
        first, last = (sum(line[name] for line in part) for part in (lines[:8], lines[-8:]))
        assert last < 0.9 * first, name


def test_weights_of_another_training_are_begun_with_and_their_card_is_carried_on(data, whole, tmp_path):
    options = replace(TINY, steps=1, learning_rate=1e-12, ema=0.0)
    train(job_of(data, tmp_path, options=options, begin_with=whole / "weights.safetensors"), Silent())
    (before, _), (after, card) = (load_weights(folder / "weights.safetensors") for folder in (whole, tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))
    assert "6 steps of 2 at 32 px" in card.training_data and "then" in card.training_data


def test_a_folder_of_another_training_is_refused_and_a_longer_one_is_not(data, whole):
    loss = LossWeights(normal=2.0)
    with pytest.raises(UsageError, match="holds another training: loss was"):
        train(job_of(data, whole, options=replace(TINY, loss=loss)), Silent())
    with pytest.raises(UsageError, match="seed was 0, now 1"):
        train(job_of(data, whole, options=replace(TINY, seed=1)), Silent())


def test_a_damaged_checkpoint_is_told(data, tmp_path):
    train(job_of(data, tmp_path, options=replace(TINY, steps=1)), Silent())
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(InputError, match=r"checkpoint\.pt is damaged"):
        train(job_of(data, tmp_path, options=replace(TINY, steps=1)), Silent())


def test_two_processes_learn_the_same_weights_together(data, tmp_path):
    """torchrun with two processes on the CPU; each checks its gradients' mean against the other's by what results."""
    words = f"{data} -o {tmp_path} --size 32 --batch 1 --steps 3 --warmup 2 --device cpu --log-every 1 --loader 0"
    words += " --progress none --validate-clips 0"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29611"]
    command += ["-m", "hd_core.cli.main", "train", *words.split()]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, timeout=100)
    _, card = load_weights(tmp_path / "weights.safetensors")
    assert "3 steps of 2 at 32 px" in card.training_data
    place = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["order"]["place"]
    assert place == [1, 2]
    assert len(read_lines(tmp_path)) == 3


@pytest.mark.parametrize("words", ["batch", "steps"])
def test_options_out_of_range_are_refused(words):
    with pytest.raises(UsageError):
        TrainOptions(**{words: 0})
    with pytest.raises(UsageError, match="multiple of 32"):
        TrainOptions(size=100)
    with pytest.raises(UsageError):
        SittingOptions(minutes=-1.0)


def test_the_card_holds_the_command(data, tmp_path):
    train(job_of(data, tmp_path, options=replace(TINY, steps=1), command="hd-core train X"), Silent())
    assert json.loads((tmp_path / "weights.json").read_text())["command"] == "hd-core train X"
