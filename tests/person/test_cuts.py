import numpy as np
import person_helpers as helpers
import pytest

from hd_core.person.cuts import CUT_MISMATCH, CutFinder, mismatch, small_picture


def cuts_of(pictures):
    finder = CutFinder()
    said = [index for index, rgb in enumerate(pictures) if finder.is_cut(index, rgb)]
    return said, finder.cuts


def textured(seed, height=360, width=640):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 16, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((height // 9, width // 16, 1), np.uint8))


@pytest.mark.parametrize("name", ["dance", "squats", "pose1"])
def test_real_clips_without_a_cut_have_none(name):
    pictures = helpers.clip_frames(name, *range(24))
    assert cuts_of(pictures) == ([], [])


def test_every_splice_of_two_real_clips_is_a_cut_and_nothing_else_is():
    indices = (0, 1, 2, 3)
    clips = [helpers.clip_frames(name, *indices) for name in ("squats", "pose1", "squats")]
    square = [[frame[:576, :576] if len(frame) == 576 else frame[300:1020] for frame in clip] for clip in clips]
    pictures = [frame[:: len(frame) // 288, :: len(frame) // 288][:288, :288] for clip in square for frame in clip]
    assert cuts_of(pictures) == ([4, 8], [4, 8])


def test_of_many_unrelated_rooms_nearly_every_pair_is_told_apart():
    smalls = [small_picture(helpers.rectangles(seed)) for seed in range(12)]
    values = [mismatch(a, b) for a in smalls for b in smalls if a is not b]
    assert np.mean(np.array(values) > CUT_MISMATCH) > 0.95


def test_a_pan_and_a_change_of_exposure_are_no_cuts():
    world = textured(1, width=1280)
    pan = [np.ascontiguousarray(world[:, step * 16 : step * 16 + 640]) for step in range(12)]
    darker = [(0.6 * frame).astype(np.uint8) for frame in pan[6:]]
    assert cuts_of([*pan[:6], *darker]) == ([], [])


def test_a_person_who_walks_in_front_of_the_camera_is_no_cut():
    scene = textured(2)
    frames = []
    for left in range(-200, 700, 60):
        frame = scene.copy()
        frame[:, max(left, 0) : max(left + 200, 0)] = (40, 30, 90)
        frames.append(frame)
    assert cuts_of(frames) == ([], [])


def test_a_flash_of_one_frame_is_taken_back():
    scene, other = textured(3), textured(4)
    said, cuts = cuts_of([scene, scene, other, scene, scene])
    assert said == [2, 3]
    assert cuts == []


def test_a_shot_of_one_frame_between_two_others_keeps_both_cuts():
    assert cuts_of([textured(5), textured(6), textured(7), textured(7)])[1] == [1, 2]


def test_source_frame_numbers_are_told_not_counts():
    finder = CutFinder()
    for index, seed in ((10, 1), (20, 1), (30, 2)):
        finder.is_cut(index, textured(seed))
    assert finder.cuts == [30]
