import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hd_core.geometry.camera import camera_from_focal
from hd_core.person.crop import MAX_GAP, envelope, plan_crops, smooth
from hd_core.person.sighting import Sighting
from hd_core.types import Box

FULL = camera_from_focal(1920, 1080, focal_px=1600.0)


def sighting(index, box, fps=25):
    left, top, right, bottom = map(float, box)
    inner = Box(left=left, top=top, width=right - left, height=bottom - top)
    return Sighting(frame_index=index, time_seconds=index / fps, person_id=1, box=inner, score=1.0)


def crops_of(boxes, **options):
    sightings = [None if box is None else sighting(i, box) for i, box in enumerate(boxes)]
    return plan_crops(sightings, FULL, size=256, **options)


def centres_and_sides(crops):
    return np.array([[c.box.left + c.box.width / 2, c.box.top + c.box.height / 2, c.box.width] for c in crops])


def test_a_still_box_gives_its_square_with_the_margin_on_every_side():
    for crop in crops_of([(100, 200, 300, 600)] * 9, margin=0.1):
        assert crop.box.left == pytest.approx(200 - 240)
        assert crop.box.top == pytest.approx(400 - 240)
        assert crop.box.width == crop.box.height == pytest.approx(480)
        assert crop.camera.shape == (256, 256)


def test_crop_camera_sees_the_box_corner_at_its_own_corner_and_the_inverse_is_exact():
    crop = crops_of([(100, 200, 300, 600)], margin=0.25)[0]
    np.testing.assert_allclose(crop.crop_from_full @ [-100, 100, 1], [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(crop.crop_from_full @ [500, 700, 1], [256, 256, 1], atol=1e-9)
    np.testing.assert_allclose(crop.full_from_crop @ crop.crop_from_full, np.eye(3), atol=1e-12)


boxes = st.tuples(st.floats(-50, 1800), st.floats(-50, 1000), st.floats(2, 900), st.floats(2, 900)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(st.none() | boxes, min_size=1, max_size=40), st.booleans(), st.floats(0, 0.3))
def test_the_person_is_always_inside_and_frames_without_one_have_no_crop(clip, follow, margin):
    crops = crops_of(clip, follow=follow, margin=margin)
    assert len(crops) == len(clip)
    for box, crop in zip(clip, crops, strict=True):
        assert (crop is None) == (box is None)
        if crop is not None:
            slack = 1e-6 * crop.box.width
            assert crop.box.left <= box[0] + slack
            assert crop.box.top <= box[1] + slack
            assert crop.box.left + crop.box.width >= box[2] - slack
            assert crop.box.top + crop.box.height >= box[3] - slack


def test_noise_on_a_still_box_moves_the_crop_by_less_than_a_tenth_of_it():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 6, (200, 4))
    placed = centres_and_sides(crops_of([np.add((700, 200, 1000, 900), n) for n in noise]))
    centres = np.stack([noise[:, [0, 2]].mean(axis=1), noise[:, [1, 3]].mean(axis=1)], axis=1)
    shake = np.diff(centres, axis=0).std()
    assert np.diff(placed[:, :2], axis=0).std() < 0.1 * shake
    assert np.diff(placed[:, 2]).std() < 0.1 * shake


def test_steady_motion_has_no_lag_at_the_ends_either():
    truth = np.array([[300 + 7.5 * i, 500 - 2.0 * i] for i in range(60)])
    crops = crops_of([(x - 100, y - 200, x + 100, y + 200) for x, y in truth])
    placed = centres_and_sides(crops)
    np.testing.assert_allclose(placed[:, :2], truth, atol=1e-6)
    np.testing.assert_allclose(placed[:, 2], 400 * 1.24, rtol=1e-9)


def test_one_wild_box_hardly_moves_the_centre_and_the_crop_grows_smoothly_to_hold_it():
    clip = [(700, 200, 1000, 900)] * 80
    clip[40] = (700, 200, 1900, 900)
    placed = centres_and_sides(crops_of(clip))
    assert np.abs(placed[:, 0] - 850).max() < 3
    assert placed[40, 2] > 2 * (1900 - 853)
    assert np.abs(np.diff(np.log(placed[:, 2]))).max() < 0.12


def test_fixed_crop_is_one_square_over_all_boxes():
    crops = crops_of([(100, 100, 200, 300), None, (400, 50, 500, 250)], follow=False, margin=0.0)
    assert crops[1] is None
    assert crops[0].box == crops[2].box
    assert crops[0].box == Box(left=100.0, top=-25.0, width=400.0, height=400.0)


@pytest.mark.parametrize(("gap", "bridged"), [(MAX_GAP, True), (MAX_GAP + 1, False)])
def test_short_gaps_are_bridged_and_long_ones_begin_a_new_path(gap, bridged):
    before, after = [(100, 100, 200, 300)] * 10, [(900, 100, 1000, 300)] * 10
    crops = crops_of([*before, *[None] * gap, *after])
    alone = crops_of(before)
    assert crops[10 : 10 + gap] == [None] * gap
    same = all(a.box.left == pytest.approx(b.box.left) for a, b in zip(crops, alone, strict=False))
    assert same != bridged


def test_nobody_at_all_gives_no_crops():
    assert crops_of([None, None]) == [None, None]
    assert crops_of([]) == []
    assert crops_of([None], follow=False) == [None]


def test_smoothing_agrees_with_a_weighted_line_fit_at_every_sample():
    rng = np.random.default_rng(3)
    values = np.sin(np.arange(30) / 4) + rng.normal(0, 0.02, 30)
    values[11] = np.nan
    wide = smooth(np.where(np.isnan(values), np.nan, 2 * np.arange(30.0) + 1), 4.0)
    np.testing.assert_allclose(wide, 2 * np.arange(30.0) + 1, atol=1e-9)
    # The slow twin: one polyfit per sample, with the same robustness weights.
    known = ~np.isnan(values)
    weights = known.astype(float)
    for _ in range(3):
        fit = np.empty(30)
        for i in range(30):
            kernel = np.exp(-0.5 * ((np.arange(30) - i) / 4.0) ** 2) * weights
            line = np.polyfit(np.arange(30)[known], values[known], 1, w=np.sqrt(kernel[known]))
            fit[i] = np.polyval(line, i)
        residual = np.abs(values - fit)
        spread = 6 * np.median(residual[known])
        weights = np.where(known, np.clip(1 - (residual / spread) ** 2, 0, None) ** 2, 0)
    np.testing.assert_allclose(smooth(values, 4.0), fit, atol=2e-4)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=60), st.integers(1, 12))
def test_envelope_is_never_below_and_never_above_the_largest(values, radius):
    values = np.array(values)
    curve = envelope(values, radius=radius)
    assert (curve >= values - 1e-9).all()
    assert curve.max() <= values.max() + 1e-9
