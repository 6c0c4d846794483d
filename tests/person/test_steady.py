import numpy as np
import pytest

from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import make_crop
from hd_core.person.steady import SteadyMattes
from hd_core.types import Box

FULL = camera_from_focal(400, 400, focal_px=500.0)
SIDE = 200


def crop_at(left=100.0, top=100.0, side=200.0):
    return make_crop(FULL, Box(left=left, top=top, width=side, height=side), width=SIDE, height=SIDE)


def body(hole=None, blob=None, arm=None):
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[40:160, 70:130] = 1
    for part, value in ((hole, 0), (blob, 1), (arm, 1)):
        if part is not None:
            alpha[part] = value
    return alpha


def steadied(alphas, *, pictures=None, crops=None):
    steady, out = SteadyMattes(), []
    for index, alpha in enumerate(alphas):
        crop = crops[index] if crops else crop_at()
        out += steady.push(index, crop, alpha, rgb=None if pictures is None else pictures[index])
    return out + steady.flush()


def still_pictures(count):
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return [picture] * count


@pytest.mark.parametrize("with_picture", [False, True])
@pytest.mark.parametrize("fault", ["hole", "blob"])
def test_a_fault_of_one_frame_is_repaired_and_nothing_else_changes(with_picture, fault):
    place = (slice(80, 100), slice(90, 110)) if fault == "hole" else (slice(60, 80), slice(150, 175))
    faulty = body(**{fault: place})
    out = steadied([body(), faulty, body()], pictures=still_pictures(3) if with_picture else None)
    assert [index for index, _ in out] == [0, 1, 2]
    np.testing.assert_array_equal(out[0][1], body())
    np.testing.assert_array_equal(out[2][1], body())
    np.testing.assert_allclose(out[1][1], body(), atol=0.05)


def test_every_frame_comes_out_once_and_one_frame_late():
    steady = SteadyMattes()
    told = [[index for index, _ in steady.push(number, crop_at(), body())] for number in (4, 5, 6)]
    assert told == [[], [4], [5]]
    assert [index for index, _ in steady.flush()] == [6]
    assert steady.flush() == []


@pytest.mark.parametrize("with_picture", [False, True])
def test_an_arm_that_sweeps_by_more_than_its_width_gets_no_ghost(with_picture):
    arms = [(slice(60, 72), slice(130, 180)), (slice(90, 102), slice(130, 180)), (slice(120, 132), slice(130, 180))]
    alphas = [body(arm=arm) for arm in arms]
    pictures = [np.repeat((255 * alpha).astype(np.uint8)[..., None], 3, axis=-1) for alpha in alphas]
    out = steadied(alphas, pictures=pictures if with_picture else None)
    for (_, found), given in zip(out, alphas, strict=True):
        np.testing.assert_array_equal(found, given)


def test_a_skirt_lost_for_one_frame_of_a_body_at_rest_comes_back():
    lost = body(hole=(slice(100, 140), slice(70, 130)))
    out = steadied([body(), lost, body()], pictures=still_pictures(3))
    assert np.abs(out[1][1] - body()).mean() < 0.002
    assert np.abs(lost - body()).mean() > 0.05


def test_what_stays_for_two_frames_is_kept():
    faulty = body(blob=(slice(60, 80), slice(150, 175)))
    out = steadied([body(), faulty, faulty, body()])
    for (_, found), given in zip(out, [body(), faulty, faulty, body()], strict=True):
        np.testing.assert_array_equal(found, given)


def test_crops_that_move_are_aligned_by_their_cameras():
    """The same thing in the frame, seen by crops shifted by 10 px and scaled; the fault is only in the middle one."""
    crops = [crop_at(), crop_at(left=110.0), crop_at(left=90.0, top=90.0, side=220.0)]
    frame = np.zeros((400, 400), np.float32)
    frame[150:260, 170:230] = 1

    def seen(crop):
        box = crop.box
        x = np.clip((box.left + (np.arange(SIDE) + 0.5) * box.width / SIDE).astype(int), 0, 399)
        y = np.clip((box.top + (np.arange(SIDE) + 0.5) * box.height / SIDE).astype(int), 0, 399)
        return frame[np.ix_(y, x)].copy()

    alphas = [seen(crop) for crop in crops]
    faulty = alphas[1].copy()
    faulty[80:100, 80:100] = 0
    assert alphas[1][80:100, 80:100].min() == 1
    plain = [np.full((SIDE, SIDE, 3), 90, np.uint8)] * 3
    out = steadied([alphas[0], faulty, alphas[2]], crops=crops, pictures=plain)
    np.testing.assert_allclose(out[1][1], alphas[1], atol=0.1)


def test_a_flush_forgets_what_was_before():
    steady = SteadyMattes()
    steady.push(0, crop_at(), body())
    steady.flush()
    faulty = body(blob=(slice(60, 80), slice(150, 175)))
    assert steady.push(1, crop_at(), faulty) == []
    ((index, found),) = steady.push(2, crop_at(), body())
    assert index == 1
    np.testing.assert_array_equal(found, faulty)
