"""Data with ground truth: synthetic archives and folders of pictures and maps, read as what they are."""

import numpy as np
import pytest
from evaluate_scenes import archive, joints_facing, truth_maps
from PIL import Image
from predict_scenes import camera_entry, frame_camera, sphere_folder, write_card

from hd_core.errors import InputError, UsageError
from hd_core.evaluate.dataset import open_dataset
from hd_core.evaluate.folder import folder_clip
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.shards import CLOTH, shard_clip, view_side
from hd_core.geometry.camera import camera_from_focal

OPTIONS = EvaluateOptions(size=64)


def test_an_archive_gives_the_truth_it_was_made_of(tmp_path):
    clip = shard_clip(archive(tmp_path / "000007.npz"))
    truth = truth_maps()
    sample, rows = clip.samples[0], np.arange(72)[:, None]
    assert clip.name == "000007" and len(clip.samples) == 2
    assert np.array_equal(sample.truth.mask, truth.mask)
    assert np.nanmax(np.abs(sample.truth.depth - truth.depth)) < 1e-5
    assert np.abs(sample.truth.normal - truth.normal).max() < 1e-4
    assert np.array_equal(sample.truth.camera.intrinsics, truth.camera.intrinsics)
    assert np.array_equal(sample.view.mask, truth.mask) and (sample.view.rgb == 77).all()
    assert np.array_equal(sample.cloth, truth.mask & (rows >= 36) & (rows < 50))
    assert sample.motion is not None and clip.samples[1].motion is None
    assert [s.view.time_seconds for s in clip.samples] == pytest.approx([0, 1 / 30])


def test_groups_come_from_the_header_and_the_skeleton(tmp_path):
    labels = shard_clip(archive(tmp_path / "a.npz")).samples[0].labels
    assert set(labels) == {"framing:upper", "light:none", "garment:skirt", "garment:T-shirt", "view:front"}
    assert len(labels) == 5


@pytest.mark.parametrize(
    ("direction", "side"),
    [
        ([0, 0, -1], "front"),
        ([0.8, 0, -1], "front"),
        ([1, 0, 0], "side"),
        ([-1, 0, 0.3], "side"),
        ([0.5, 0, 1], "back"),
    ],
)
def test_the_side_a_person_is_seen_from_is_that_of_the_hips(direction, side):
    assert view_side(joints_facing(direction)) == side


def test_a_clip_of_one_frame_has_no_motion(tmp_path):
    (sample,) = shard_clip(archive(tmp_path / "a.npz", frames=1)).samples
    assert sample.motion is None


def test_a_data_folder_is_its_test_split_and_half_written_clips_are_none_of_it(tmp_path):
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
    archive(tmp_path / "train" / "000000.npz")
    for number in range(5):
        archive(tmp_path / "test" / f"{number:06d}.npz", clip=number)
    (tmp_path / "test" / ".partial-000005.npz").write_bytes(b"PK")
    assert len(open_dataset(tmp_path, OPTIONS)) == 5
    assert len(open_dataset(tmp_path / "train", OPTIONS)) == 1
    assert len(open_dataset(tmp_path / "test" / "000002.npz", OPTIONS)) == 1
    some = open_dataset(tmp_path, EvaluateOptions(clips=3))
    assert [some[i].name for i in range(len(some))] == ["000000", "000002", "000004"]
    whole = open_dataset(tmp_path, OPTIONS).describe()
    assert whole["recipes_sha256"] == some.describe()["recipes_sha256"]
    archive(tmp_path / "test" / "000004.npz", clip=9)
    assert open_dataset(tmp_path, OPTIONS).describe()["recipes_sha256"] != whole["recipes_sha256"]


def truth_folder(folder, camera=None, **entries):
    """A folder of ground truth as the documentation declares it."""
    camera = camera or frame_camera()
    sphere_folder(folder, camera, frames=2, **entries)
    (folder / "pictures").mkdir()
    for index in range(2):
        pixels = np.full((*camera.shape, 3), 60 + 100 * index, np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{index:03d}.png")
    return folder


def test_a_folder_of_pictures_and_maps_is_a_clip_cut_around_the_person(tmp_path):
    clip = folder_clip(truth_folder(tmp_path / "a"), size=64)
    assert [sample.view.rgb.mean() for sample in clip.samples] == [60, 160]
    sample = clip.samples[0]
    assert sample.truth.camera.shape == (64, 64) and sample.cloth is None and sample.motion is None
    # The closed form, seen by the crop's own camera.
    expected = truth_maps(sample.truth.camera)
    both = expected.mask & sample.truth.mask
    assert both.sum() > 0.98 * expected.mask.sum() and both.sum() > 1500
    off = np.abs(sample.truth.depth - expected.depth)[both]
    assert np.median(off) < 1e-3
    assert np.median(np.linalg.norm((sample.truth.normal - expected.normal)[both], axis=-1)) < 0.01
    assert (sample.view.mask & expected.mask).sum() > 0.97 * expected.mask.sum()


def test_pictures_of_another_size_than_the_maps_show_the_same_view(tmp_path):
    camera = frame_camera()
    folder = truth_folder(tmp_path / "a")
    for path in (folder / "pictures").iterdir():
        Image.fromarray(np.zeros((2 * camera.height, 2 * camera.width, 3), np.uint8)).save(path)
    crop = folder_clip(folder, size=64).samples[0].view.crop
    assert crop.full.shape == (2 * camera.height, 2 * camera.width)
    assert crop.full.intrinsics[0, 0] == pytest.approx(2 * camera.intrinsics[0, 0])


def test_folders_are_found_one_by_one_or_side_by_side(tmp_path):
    truth_folder(tmp_path / "a")
    truth_folder(tmp_path / "b")
    assert len(open_dataset(tmp_path, OPTIONS)) == 2
    assert open_dataset(tmp_path / "a", OPTIONS)[0].name == "a"
    assert set(open_dataset(tmp_path, OPTIONS).describe()) >= {"kind", "maps_json_sha256"}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"camera": None}, "names no camera"),
        ({"depth": {"kind": "z", "unit": "none", "gauge": "scale"}}, "no metric depth"),
    ],
)
def test_maps_that_are_no_ground_truth_are_refused(tmp_path, entries, words):
    folder = truth_folder(tmp_path / "a")
    write_card(folder, **{"camera": camera_entry(frame_camera()), **entries})
    with pytest.raises(InputError, match=words):
        folder_clip(folder, size=64)


def test_a_folder_without_pictures_says_how_to_call_them(tmp_path):
    folder = sphere_folder(tmp_path / "a")
    with pytest.raises(InputError, match="0 sources of pictures"):
        folder_clip(folder, size=64)


def test_other_archives_are_no_clips(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="no clips with ground truth"):
        open_dataset(tmp_path, OPTIONS)


def test_a_large_crop_of_a_small_camera_is_allowed(tmp_path):
    camera = camera_from_focal(48, 40, focal_px=50.0)
    clip = folder_clip(truth_folder(tmp_path / "a", camera), size=128)
    assert clip.samples[0].view.rgb.shape == (128, 128, 3)


def test_garments_have_the_numbers_that_the_generator_gives_them():
    from hd_core.synth.wear.dressed import Material  # noqa: PLC0415 - imports all of the generator

    assert range(Material.GARMENT, Material.WORN) == CLOTH


def test_a_folder_that_says_nothing_of_the_body_is_refused_where_one_is_asked_for(tmp_path):
    with pytest.raises(UsageError, match="says nothing of the body"):
        open_dataset(truth_folder(tmp_path / "a"), EvaluateOptions(size=64, body=True))
