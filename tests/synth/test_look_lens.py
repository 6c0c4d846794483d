"""The camera: statistics of its noise, energy of its blurs, and a file that is the same twice."""

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.frame import srgb_bytes
from hd_core.synth.look.lens import (
    Lens,
    blurred,
    defocused,
    denoised,
    developed,
    metered_stops,
    noisy,
    photograph,
    sample_lens,
    sharpened,
    through_jpeg,
    vignetted,
)

RAMP = np.repeat(np.linspace(0, 1.2, 64)[None, :, None], 48, axis=0) * np.array([1.0, 0.8, 0.6])


def dot():
    picture = np.zeros((41, 41, 3))
    picture[20, 20, 0] = 1
    return picture


def test_the_plain_lens_is_the_srgb_curve():
    np.testing.assert_array_equal(photograph(RAMP, Lens(), np.random.default_rng(0)), srgb_bytes(RAMP))


def test_noise_has_the_stated_variance_and_no_mean():
    for signal in (0.0, 0.2, 0.8):
        flat = np.full((200, 200, 3), signal)
        residue = noisy(flat, np.random.default_rng(1), shot_noise=0.004, read_noise=0.02) - flat
        assert residue.var() == pytest.approx(0.004 * signal + 0.02**2, rel=0.02)
        assert abs(residue.mean()) < 4 * residue.std() / np.sqrt(residue.size)


def test_noise_is_not_alike_in_neighbours_or_colours():
    residue = noisy(np.zeros((200, 200, 3)), np.random.default_rng(2), shot_noise=0.0, read_noise=1.0)
    assert abs((residue[:, 1:] * residue[:, :-1]).mean()) < 0.02
    assert abs((residue[..., 0] * residue[..., 1]).mean()) < 0.03


@pytest.mark.parametrize(
    ("blur", "spread"), [(lambda p: blurred(p, sigma_px=2.0), 4.0), (lambda p: defocused(p, radius_px=4.0), 4.0)]
)
def test_blurs_keep_the_light_and_have_their_width(blur, spread):
    result = blur(dot())[..., 0]
    y, x = np.mgrid[-20:21, -20:21]
    assert result.sum() == pytest.approx(1)
    assert (result * x**2).sum() == pytest.approx(spread, rel=0.05)  # sigma^2, and r^2 / 4 of a disc
    assert (result * y**2).sum() == pytest.approx((result * x**2).sum())
    np.testing.assert_allclose(blur(np.full((20, 30, 3), 0.3)), 0.3, rtol=1e-12)


def test_vignetting_halves_the_corners_and_spares_the_middle():
    result = vignetted(np.ones((201, 301, 3)), 1.0)[..., 0]
    assert result[100, 150] == pytest.approx(1)
    np.testing.assert_allclose(result[[0, 0, -1, -1], [0, -1, 0, -1]], 0.5, atol=0.01)
    assert result[50, 75] == pytest.approx(0.8, abs=0.01)  # half way out: 1 / (1 + 1/4)


def test_a_stop_doubles_the_light_and_balance_tints_it():
    flat, rng = np.full((8, 8, 3), 0.2), np.random.default_rng(0)
    np.testing.assert_array_equal(photograph(flat, Lens(exposure_stops=1.0), rng), srgb_bytes(2 * flat))
    tinted = photograph(flat, Lens(balance=(1.5, 1.0, 0.5)), rng)
    np.testing.assert_array_equal(tinted, srgb_bytes(flat * [1.5, 1.0, 0.5]))


def test_metering_brings_the_subject_to_the_target():
    subject = np.zeros((48, 64), bool)
    subject[10:30, 5:20] = True
    stops = metered_stops(RAMP, subject, target=0.3)
    assert (2**stops * RAMP[subject] @ [0.2126, 0.7152, 0.0722]).mean() == pytest.approx(0.3)
    with pytest.raises(InputError, match="no pixel"):
        metered_stops(RAMP, 0 * subject > 0)


@pytest.mark.parametrize("white", [1.0, 2.0, 6.0])
@pytest.mark.parametrize("contrast", [0.8, 1.3])
def test_brighter_light_never_gets_darker(white, contrast):
    steps = developed(np.linspace(0, 8, 2000)[None, :, None] * np.ones(3), white=white, contrast=contrast)
    assert (np.diff(steps[0].astype(int), axis=0) >= 0).all()
    assert steps[0, -1, 0] > 225
    assert steps[0, 0, 0] == 0


def test_compressed_highlights_keep_detail_that_the_plain_curve_clips():
    bright = np.linspace(1.1, 3, 50)[None, :, None] * np.ones(3)
    assert np.ptp(developed(bright)) == 0
    assert np.ptp(developed(bright, white=4.0).astype(int)) > 30


def test_middle_grey_stays_where_it_is_whatever_the_curve():
    grey = np.full((2, 2, 3), 0.18)
    plain = int(developed(grey)[0, 0, 0])
    for options in ({"contrast": 1.4}, {"white": 3.0}, {"saturation": 0.2}):
        assert abs(int(developed(grey, **options)[0, 0, 0]) - plain) <= 6


def test_no_saturation_is_grey():
    found = developed(RAMP, saturation=0.0)
    assert np.ptp(found.astype(int), axis=-1).max() == 0


def test_jpeg_is_the_same_twice_close_and_worse_at_low_quality():
    picture = srgb_bytes(np.random.default_rng(3).random((6, 8, 3))).repeat(8, 0).repeat(8, 1)
    errors = [np.abs(through_jpeg(picture, quality=q).astype(int) - picture).mean() for q in (95, 60, 20)]
    assert 0 < errors[0] < 16
    assert errors[0] < 0.8 * errors[1] < 0.8 * errors[2]
    np.testing.assert_array_equal(through_jpeg(picture, quality=60), through_jpeg(picture, quality=60))
    with pytest.raises(InputError, match="quality of 0"):
        through_jpeg(picture, quality=0)


def test_a_picture_follows_from_light_lens_and_seed():
    for seed in range(20):
        lens = sample_lens(np.random.default_rng(seed))
        assert lens == sample_lens(np.random.default_rng(seed))
        first, again = (photograph(RAMP, lens, np.random.default_rng(9)) for _ in range(2))
        assert first.shape == RAMP.shape
        assert first.tobytes() == again.tobytes()
    assert sample_lens(np.random.default_rng(1)) != sample_lens(np.random.default_rng(2))


def test_metering_weighs_subject_and_picture_in_stops():
    subject = np.zeros((48, 64), bool)
    subject[:, :32] = True
    half = np.where(subject, 0.11, 0.11 * 7)[..., None] * np.ones(3)  # the mean of all is 0.44
    found = [metered_stops(half, subject, on_subject=share) for share in (1.0, 0.5, 0.0)]
    np.testing.assert_allclose(found, [1.0, 0.0, -1.0], atol=1e-12)


def test_denoising_smooths_weak_contrast_and_spares_edges():
    rng = np.random.default_rng(4)
    step = np.where(np.arange(64) < 32, 60.0, 180.0)[None, :, None] * np.ones((40, 1, 3))
    grainy = np.clip(step + rng.normal(0, 4, step.shape), 0, 255).astype(np.uint8)
    found = denoised(grainy, 8.0).astype(float)
    for side in (slice(2, 28), slice(36, 62)):
        assert found[:, side].std() < 0.45 * grainy[:, side].astype(float).std()
    assert (found[:, 32] - found[:, 31]).mean() > 0.9 * 120
    assert denoised(grainy, 0.0) is grainy


def test_sharpening_puts_halos_beside_edges_and_changes_nothing_flat():
    step = np.where(np.arange(64) < 32, 80, 160)[None, :, None].repeat(20, 0).repeat(3, 2).astype(np.uint8)
    found = sharpened(step, 1.0, sigma_px=1.0).astype(int)
    # A step blurred by a Gaussian of 1 px is 0.69 of its height half a pixel past it: 31 % of 80 are added.
    assert found[5, 32, 0] == pytest.approx(160 + 0.31 * 80, abs=2)
    assert found[5, 31, 0] == pytest.approx(80 - 0.31 * 80, abs=2)
    assert (found[:, [0, -1]] == [[80] * 3, [160] * 3]).all()
