"""An adaptation as a whole: what it leaves, that it resumes, what it refuses, and that the pupil learns its lessons."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from adapt_scenes import SIZE, Impatient, ball_clip, tiny_weights
from PIL import Image
from scipy.spatial.transform import Rotation
from train_scenes import ball_centre, ball_seen

from hd_core.errors import CancelledError, InputError, UsageError
from hd_core.geometry.crop import make_crop, whole_frame
from hd_core.predict.weights import load_weights
from hd_core.progress import Silent
from hd_core.train.adapting import pupil
from hd_core.train.adapting.between import frames_apart
from hd_core.train.adapting.clip import AdaptClip, clip_of_shard, spread_evenly, with_maps
from hd_core.train.adapting.looks import Look
from hd_core.train.adapting.options import AdaptOptions, AdaptSitting
from hd_core.train.adapting.pupil import lesson_sample
from hd_core.train.adapting.run import AdaptJob, adapt
from hd_core.train.adapting.teacher import read_normals, write_lesson
from hd_core.train.curves import read_lines
from hd_core.train.pack import read_frame
from hd_core.types import BodyMaps, Box, Camera, View

OPTIONS = AdaptOptions(passes=8, batch=2, body=False)
SITTING = AdaptSitting(device="cpu")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A clip, and weights to begin with."""
    folder = tmp_path_factory.mktemp("scene")
    return clip_of_shard(ball_clip(folder), most=3), tiny_weights(folder)


def job_of(scene, folder, **changes) -> AdaptJob:
    clip, weights = scene
    job = AdaptJob(clip=clip, folder=folder, options=OPTIONS, sitting=SITTING, weights=weights, command="by a test")
    return replace(job, **changes)


@pytest.fixture(scope="module")
def whole(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, adapt(job_of(scene, folder), Silent())


def digest(folder) -> str:
    return hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()


def test_an_adaptation_leaves_weights_with_their_origin_a_curve_and_a_report(scene, whole):
    folder, report = whole
    _, card = load_weights(folder / "weights.safetensors")
    _, base = load_weights(scene[1])
    assert card.licence == base.licence == "CC-BY-4.0"
    assert base.sha256 in card.training_data and card.training_data.startswith("noise; then adapted on clip 000000")
    assert card.known_failures[0] == "Knows nothing." and "one clip" in card.known_failures[1]
    assert card.scores == {} and card.command == "by a test"
    assert [line["step"] for line in read_lines(folder)] == list(range(1, 13))
    assert report == json.loads((folder / "adapted.json").read_bytes())
    assert report["steps"] == 12 and report["finished"] and report["frames"] == 3 and report["bodies"] == 0
    assert not (folder / "checkpoint.pt").exists() and (folder / "curve.png").exists()


def test_the_pupil_comes_closer_to_its_teacher_and_to_itself(whole):
    _, report = whole
    before, after = report["before"], report["after"]
    assert report["adapted"]
    assert after["teacher_deg"] < 0.8 * before["teacher_deg"]
    assert after["placings_deg"] < before["placings_deg"]


def test_many_sittings_make_the_weights_of_one(scene, whole, tmp_path):
    for steps in (1, 5):
        with pytest.raises(CancelledError):
            adapt(job_of(scene, tmp_path), Impatient(steps))
    last = Impatient(1000)
    adapt(job_of(scene, tmp_path), last)
    assert last.seen == list(range(7, 13))
    assert digest(tmp_path) == digest(whole[0])
    kept = [[(line["step"], line["loss"]) for line in read_lines(folder)] for folder in (tmp_path, whole[0])]
    assert kept[0] == kept[1]


class Crash(Silent):
    """Dies without a word in the middle of learning."""

    def step(self, stage: str, done: int, total: int) -> None:
        if stage == "learn" and done == 7:
            raise RuntimeError


def test_a_death_between_checkpoints_costs_steps_but_changes_nothing(scene, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(pupil, "CHECKPOINT_STEPS", 4)
    with pytest.raises(RuntimeError):
        adapt(job_of(scene, tmp_path), Crash())
    last = Impatient(1000)
    adapt(job_of(scene, tmp_path), last)
    assert last.seen == list(range(5, 13))
    assert digest(tmp_path) == digest(whole[0])
    assert [line["step"] for line in read_lines(tmp_path)] == list(range(1, 13))


def test_a_sitting_that_is_over_leaves_weights_and_goes_on(scene, whole, tmp_path):
    hasty = AdaptSitting(device="cpu", minutes=1e-6)
    report = adapt(job_of(scene, tmp_path, sitting=hasty), Silent())
    assert report["steps"] < 3 and not report["finished"]
    load_weights(tmp_path / "weights.safetensors")
    assert adapt(job_of(scene, tmp_path), Silent())["finished"]
    assert digest(tmp_path) == digest(whole[0])


def test_a_finished_adaptation_is_left_as_it_is(scene, whole):
    folder, report = whole
    stamp = (folder / "weights.safetensors").stat().st_mtime_ns
    assert adapt(job_of(scene, folder), Silent()) == report
    assert (folder / "weights.safetensors").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("what", ["clip", "weights", "options"])
def test_a_folder_of_another_adaptation_is_refused(scene, whole, tmp_path, what):
    clip, weights = scene
    others = {
        "clip": clip_of_shard(ball_clip(tmp_path, 5), most=3),
        "weights": tiny_weights(tmp_path, 1),
        "options": replace(OPTIONS, learning_rate=2e-3),
    }
    with pytest.raises(UsageError, match="another adaptation"):
        adapt(job_of((clip, weights), whole[0], **{what: others[what]}), Silent())


def test_weights_that_come_no_closer_to_the_teacher_are_not_written(scene, tmp_path):
    still = replace(OPTIONS, learning_rate=1e-12, passes=1)
    told = []
    silent = Silent()
    silent.warn = told.append
    report = adapt(job_of(scene, tmp_path, options=still), silent)
    assert report["adapted"] == (report["after"]["teacher_deg"] < report["before"]["teacher_deg"])
    if not report["adapted"]:
        assert digest(tmp_path) == load_weights(scene[1])[1].sha256 and "no closer" in told[0]


def test_a_lesson_is_read_as_it_was_taught(scene, tmp_path):
    view, rng = scene[0].views[0], np.random.default_rng(0)
    normal = rng.normal(0, 1, (SIZE, SIZE, 3))
    normal[..., 2] = -3
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    mask = view.mask
    relief = np.where(mask, rng.random((SIZE, SIZE)) * 0.2, 0).astype(np.float32)
    path = tmp_path / "000000.npz"
    write_lesson(path, view, Look(normal.astype(np.float32), relief, np.ones_like(relief), mask))
    np.testing.assert_allclose(read_normals(path)[mask], normal[mask], atol=1e-4)
    frame = read_frame(path, tmp_path / "packed", 0)
    seed = next(s for s in range(20) if np.random.default_rng(s).random() < 0.5)
    sample = lesson_sample(frame, np.random.default_rng(seed), size=SIZE)
    np.testing.assert_array_equal(sample.truth[0] > 0, mask)
    np.testing.assert_allclose(sample.normal[:, mask].T, normal[mask], atol=1e-3)
    apart = (sample.relief[0] - relief)[mask]
    assert np.ptp(apart) < 1e-3


def test_frames_agree_up_to_the_turn_of_one_of_them(scene):
    view = scene[0].views[0]
    camera, mask = view.crop.camera, view.mask
    depth, normal, _ = ball_seen(camera, ball_centre(0, 0), 0.45)
    relief = np.where(mask, np.log(np.nan_to_num(depth, nan=1.0)) * camera.intrinsics[0, 0] / SIZE, 0)
    iuv = np.zeros((SIZE, SIZE, 3), np.uint8)
    iuv[mask, 0] = 2
    iuv[mask, 1:] = np.rint(127 + 127 * normal[mask, :2])
    told = replace(view, body=BodyMaps(iuv=iuv))
    one = Look(normal.astype(np.float32), relief.astype(np.float32), np.ones((SIZE, SIZE), np.float32), mask)
    turn = Rotation.from_rotvec([0.0, 0.0, np.radians(20)]).as_matrix()
    other = one._replace(normal=(normal @ turn.T).astype(np.float32))
    assert frames_apart([told, told], [one, one], np.random.default_rng(0)) < 0.5
    across = np.linalg.norm(normal[..., :2], axis=-1)[mask]
    expected = np.degrees(2 * np.arcsin(across * np.sin(np.radians(10)))).mean()
    assert frames_apart([told, told], [one, other], np.random.default_rng(0)) == pytest.approx(expected, rel=0.05)
    before = normal @ turn  # where the points of a ball that was turned were seen before
    moved = np.zeros_like(iuv)
    still = mask & (before[..., 2] < 0)
    moved[still, 0] = 2
    moved[still, 1:] = np.rint(127 + 127 * before[still, :2])
    assert frames_apart([told, replace(told, body=BodyMaps(iuv=moved))], [one, one], np.random.default_rng(0)) < 8
    assert frames_apart([replace(view, body=None)] * 2, [one, one], np.random.default_rng(0)) is None


def test_frames_are_spread_evenly():
    assert spread_evenly(16, 16) == list(range(16))
    assert spread_evenly(9, 3) == [0, 4, 8]
    assert spread_evenly(2, 5) == [0, 1]


def test_maps_of_frames_are_cut_as_the_views_are(tmp_path):
    full = Camera(width=8, height=8, intrinsics=np.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]]))
    crop = make_crop(full, Box(left=2.0, top=-2.0, width=4.0, height=4.0), width=8, height=8)
    blank = np.zeros((8, 8, 3), np.uint8)
    view = View(rgb=blank, alpha=np.ones((8, 8)), crop=crop, frame_index=1, time_seconds=0.0)
    for number in (0, 1):
        pixels = blank.copy()
        pixels[..., 0], pixels[..., 1], pixels[..., 2] = np.arange(8)[None], np.arange(8)[:, None], 1 + number
        Image.fromarray(pixels).save(tmp_path / f"{number:03d}.png")
    (cut,) = with_maps([view], tmp_path, num_frames=2)
    iuv = cut.body.iuv
    assert (iuv[:4] == 0).all() and (iuv[4:, :, 0] == 2).all()
    np.testing.assert_array_equal(iuv[5, :, 2], [2, 2, 3, 3, 4, 4, 5, 5])
    np.testing.assert_array_equal(iuv[4:, 0, 1], [0, 0, 1, 1])
    coarse = make_crop(full, Box(left=0.0, top=0.0, width=8.0, height=8.0), width=4, height=4)
    (cut,) = with_maps([replace(view, rgb=blank[:4, :4], alpha=np.ones((4, 4)), crop=coarse)], tmp_path, num_frames=2)
    np.testing.assert_array_equal(cut.body.iuv[0, :, 2], [1, 3, 5, 7])
    with pytest.raises(InputError, match=r"2 maps .* 3 frames"):
        with_maps([view], tmp_path, num_frames=3)


def test_maps_of_another_shape_than_the_frames_are_refused(tmp_path):
    camera = Camera(width=8, height=8, intrinsics=np.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]]))
    view = View(
        rgb=np.zeros((8, 8, 3), np.uint8),
        alpha=np.ones((8, 8)),
        crop=whole_frame(camera),
        frame_index=0,
        time_seconds=0.0,
    )
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(tmp_path / "0.png")
    with pytest.raises(InputError, match="8 x 4 px for frames of 8 x 8"):
        with_maps([view], tmp_path, num_frames=1)


def test_views_that_no_network_can_take_are_refused():
    with pytest.raises(InputError, match="shows nobody"):
        AdaptClip(name="a.mp4", views=[])
    camera = Camera(width=40, height=40, intrinsics=np.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]]))
    blank = np.zeros((40, 40, 3), np.uint8)
    view = View(rgb=blank, alpha=np.ones((40, 40)), crop=whole_frame(camera), frame_index=0, time_seconds=0.0)
    with pytest.raises(InputError, match="multiple of 32"):
        AdaptClip(name="a.mp4", views=[view])


@pytest.mark.parametrize("wrong", [{"most_frames": 0}, {"passes": 0}, {"batch": -1}, {"learning_rate": 0.0}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError):
        AdaptOptions(**wrong)
