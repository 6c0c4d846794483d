"""Cloth, skin and hair: in range, different from each other, flat where they are flat."""

from dataclasses import replace

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.look.complexion import (
    DARKEST,
    PALEST,
    sample_hair,
    sample_skin,
    skin_tone,
)
from hd_core.synth.look.drawings import draw_letters, draw_logo
from hd_core.synth.look.fabric import PLAIN_SHARE, sample_fabric_print
from hd_core.synth.look.face import FaceMarks
from hd_core.synth.look.finish import FINISHES, sample_finish
from hd_core.synth.look.keylight import LUMINANCE
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.palette import linear_from_oklab, oklab_from_linear, sample_palette
from hd_core.synth.look.patterns import PATTERNS
from hd_core.synth.look.strokes import band, bands

SIDE = 96
Y, X = np.mgrid[:SIDE, :SIDE]
FRONT = np.stack([(X + 0.5) / SIDE * 0.4 - 0.2, np.full(X.shape, -0.1), 1.45 - (Y + 0.5) / SIDE * 0.4], axis=-1)
PIXEL = 0.4 / SIDE


def cloth(kind, seed=0):
    return sample_fabric_print(np.random.default_rng(seed), kind=kind)


def edges(picture):
    return np.abs(np.diff(picture, axis=1)).max(), np.abs(np.diff(picture, axis=0)).max()


@pytest.mark.parametrize("kind", sorted(PATTERNS))
def test_every_albedo_is_a_share_of_light(kind):
    for seed in range(6):
        albedo = cloth(kind, seed).albedo(FRONT, footprint_m=PIXEL)
        assert albedo.shape == FRONT.shape
        assert np.isfinite(albedo).all()
        assert albedo.min() >= 0.005
        assert albedo.max() <= 0.95


@pytest.mark.parametrize("kind", sorted(PATTERNS))
def test_a_print_follows_from_its_seed_alone(kind):
    first, again = cloth(kind, 3), cloth(kind, 3)
    assert first.albedo(FRONT).tobytes() == again.albedo(FRONT).tobytes()
    assert np.abs(first.albedo(FRONT) - cloth(kind, 4).albedo(FRONT)).max() > 0.02


@pytest.mark.parametrize("kind", sorted(PATTERNS))
def test_a_print_is_a_function_of_the_place_alone(kind):
    whole = cloth(kind, 5).albedo(FRONT)
    np.testing.assert_array_equal(cloth(kind, 5).albedo(FRONT[10:20, 30:31]), whole[10:20, 30:31])


@pytest.mark.parametrize("kind", sorted(PATTERNS))
def test_flat_coordinates_are_the_front(kind):
    at_front = FRONT * [1, 0, 1]
    np.testing.assert_array_equal(cloth(kind, 2).albedo(FRONT[..., [0, 2]]), cloth(kind, 2).albedo(at_front))


def test_a_hundred_prints_differ_in_kind_colour_and_contrast():
    rng = np.random.default_rng(11)
    drawn = [sample_fabric_print(rng) for _ in range(400)]
    assert {one.kind for one in drawn} == set(PATTERNS)
    assert {one.finish.name for one in drawn} == set(FINISHES)
    prints = drawn[:100]
    means = np.stack([one.albedo(FRONT, footprint_m=PIXEL).mean((0, 1)) for one in prints])
    lab = oklab_from_linear(means)
    assert lab[:, 0].std() > 0.12
    assert lab[:, 1:].std(axis=0).min() > 0.04
    away = np.linalg.norm(lab[:, None] - lab, axis=-1)[np.triu_indices(100, 1)]
    assert np.median(away) > 0.17


@pytest.mark.parametrize("kind", ["letters", "logo", "stripes", "checks", "dots", "plaid", "camouflage"])
def test_loud_prints_have_sharp_edges(kind):
    loud = [max(edges(cloth(kind, seed).albedo(FRONT, footprint_m=PIXEL))) for seed in range(8)]
    assert np.median(loud) > 0.04


def test_letters_on_a_board_have_edges_while_depth_and_normals_have_none():
    """The law that teaches a network to tell paint from relief: only `bumped` touches what is shaded."""
    print_ = cloth("letters", 8)
    normal = np.broadcast_to([0.0, -1.0, 0.0], FRONT.shape).copy()
    before = normal.copy()
    print_.bumped(normal, FRONT)
    print_.albedo(FRONT)
    np.testing.assert_array_equal(normal, before)
    along, down = edges(print_.albedo(FRONT, footprint_m=PIXEL))
    assert max(along, down) > 0.04


def test_a_bumped_normal_is_unit_tilted_little_and_not_tied_to_the_print():
    normal = np.broadcast_to([0.0, -0.6, 0.8], FRONT.shape)
    for seed in range(10):
        letters = cloth("letters", seed)
        bumped = letters.bumped(normal, FRONT)
        np.testing.assert_allclose(np.linalg.norm(bumped, axis=-1), 1, atol=1e-12)
        assert (bumped @ np.array([0.0, -0.6, 0.8])).min() > 0.9
        np.testing.assert_allclose(letters.bumped(normal, FRONT, footprint_m=0.1), normal, atol=1e-12)


def test_a_print_on_the_back_is_not_mirrored():
    """Seen from behind, x runs to the left; so the letter must be turned with it."""
    letters = replace(cloth("letters", 8), finish=sample_finish(np.random.default_rng(0), name="cotton"))
    behind = FRONT * [-1, -1, 1]
    np.testing.assert_allclose(letters.albedo(behind), letters.albedo(FRONT), atol=1e-12)


def test_a_third_of_cloth_is_plain_and_half_of_that_light_enough_to_show_every_fold():
    rng = np.random.default_rng(12)
    prints = [sample_fabric_print(rng) for _ in range(600)]
    plain = [one for one in prints if one.kind == "solid"]
    assert len(plain) / len(prints) == pytest.approx(PLAIN_SHARE, abs=0.06)
    lightness = oklab_from_linear(np.stack([one.pattern(np.zeros((1, 3)), 0.0)[0] for one in plain]))[:, 0]
    assert 0.45 < (lightness > 0.7).mean() < 0.8
    assert (lightness < 0.4).mean() > 0.08


def test_a_pattern_goes_on_around_the_flank_as_dense_as_on_the_chest():
    """Along an ellipse of a chest, 17 by 12 cm half across, the way on the cloth grows evenly."""
    one = replace(cloth("stripes", 1), turn=0.0)
    turn = np.linspace(0.2, np.pi / 2, 200)
    chest = np.stack([0.17 * np.sin(turn), -0.12 * np.cos(turn), 0 * turn + 1.3], axis=-1)
    across = one._laid(chest)[:, 0]
    density = np.diff(across) / np.linalg.norm(np.diff(chest, axis=0), axis=1)
    assert 0.7 < density.min() < density.max() < 1.5
    np.testing.assert_allclose(one._laid(chest * [1, -1, 1])[:, 0], across)  # the back is cut like the front


def test_turned_cloth_turns_its_stripes():
    upright = replace(cloth("stripes", 1), turn=0.0)
    place = np.array([[0.03, 0.0, 1.2], [0.05, 0.0, 1.31]])
    across = np.array([upright._laid(p[None])[0, 0] for p in place])
    turned = replace(upright, turn=np.pi / 2)._laid(place)
    np.testing.assert_allclose(turned[:, 0], -place[:, 2], atol=1e-12)
    np.testing.assert_allclose(turned[:, 2], across, atol=1e-12)


@pytest.mark.parametrize("name", sorted(FINISHES))
def test_ribs_darken_their_share_and_melt_away(name):
    for seed in range(5):
        finish = sample_finish(np.random.default_rng(seed), name=name)
        left = finish.furrows(FRONT.reshape(-1, 3), PIXEL / 50)
        assert left.min() >= 0.5
        assert left.max() <= 1
        if finish.rib_m:
            far = finish.furrows(FRONT.reshape(-1, 3), 1.0)
            np.testing.assert_allclose(far, 1 - 0.35 * finish.rib_depth)
            assert np.ptp(finish.furrows(FRONT.reshape(-1, 3), 0.0)) > 0.9 * finish.rib_depth


def test_bands_cover_their_share_at_every_pixel_width():
    place = np.linspace(0, 1, 100000, endpoint=False)
    for wide in (0.0, 0.01, 0.04, 0.2):
        assert bands(place, 0.1, 0.3, wide).mean() == pytest.approx(0.3, abs=0.02)
    assert np.ptp(bands(place, 0.1, 0.3, 0.2)) < 1e-9
    np.testing.assert_allclose(band(np.array([0.0, 0.5, 0.45, 0.6]), 0.5, 0.1), [1, 0.5, 1, 0])


@pytest.mark.parametrize("kind", ["stripes", "checks", "plaid", "herringbone", "heather", "denim"])
def test_a_wide_pixel_sees_the_mean_of_a_fine_pattern(kind):
    for seed in range(4):
        one = cloth(kind, seed)
        mean = one.albedo(FRONT, footprint_m=1e-4).mean((0, 1))
        np.testing.assert_allclose(one.albedo(FRONT, footprint_m=0.4).mean((0, 1)), mean, atol=0.1)


@pytest.mark.parametrize("draw", [draw_letters, draw_logo])
def test_drawings_hold_ink_and_bare_cloth_at_every_size(draw):
    s, t = np.meshgrid(np.linspace(-1.2, 1.2, 200), np.linspace(-1.2, 1.2, 200))
    for seed in range(8):
        ink = draw(np.random.default_rng(seed))
        fine = ink(s.ravel(), t.ravel(), wide=0.0)
        assert fine.min() >= 0
        assert fine.sum(-1).max() <= 1 + 1e-6
        assert 0.02 < fine.sum(-1).mean() < 0.8
        outside = (np.abs(s.ravel()) > 1.05) | (np.abs(t.ravel()) > 1.05)
        assert fine[outside].max() == 0
        blunt = ink(s.ravel(), t.ravel(), wide=0.4)
        assert blunt[outside].max() == 0
        assert blunt.std() < 0.98 * fine.std()
        coarse = ink(s.ravel(), t.ravel(), wide=0.06)
        assert coarse.sum(-1).mean() == pytest.approx(fine.sum(-1).mean(), abs=0.05)


def test_oklab_knows_white_and_primary_red():
    np.testing.assert_allclose(oklab_from_linear(np.ones(3)), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(oklab_from_linear(np.array([1.0, 0, 0])), [0.62796, 0.22486, 0.12585], atol=1e-4)
    colours = np.random.default_rng(1).random((20, 3))
    np.testing.assert_allclose(linear_from_oklab(oklab_from_linear(colours)), colours, atol=1e-9)


def test_colours_of_a_palette_can_be_told_apart():
    rng = np.random.default_rng(2)
    for _ in range(50):
        lab = oklab_from_linear(sample_palette(rng, 4))
        away = np.linalg.norm(lab[:, None] - lab, axis=-1)[np.triu_indices(4, 1)]
        assert away.min() > 0.08


def test_noise_is_bounded_centred_smooth_and_free_of_repetition():
    place = np.random.default_rng(3).uniform(-500, 500, (200000, 3))
    values = layered_noise(place, octaves=3)
    assert np.abs(values).max() <= 1
    assert abs(values.mean()) < 0.01
    assert values.std() > 0.15
    near = layered_noise(place + 1e-4, octaves=3)
    assert np.abs(near - values).max() < 0.005
    for axis in np.eye(3):
        assert np.abs(layered_noise(place + axis, octaves=3) - values).mean() > 0.15
    assert abs(np.corrcoef(values, layered_noise(place + 64.0, octaves=3))[0, 1]) < 0.01


def test_wrong_kinds_and_coordinates_are_refused():
    with pytest.raises(InputError, match="'silk'.*stripes"):
        cloth("silk")
    with pytest.raises(InputError, match="4 coordinates"):
        cloth("solid").albedo(np.zeros((5, 4)))


def test_skin_grows_darker_with_melanin_over_the_whole_range():
    tones = np.stack([skin_tone(melanin) for melanin in np.linspace(0, 1, 50)])
    assert (np.diff(tones @ LUMINANCE) < 0).all()
    np.testing.assert_allclose(tones[[0, -1]], [PALEST, DARKEST])
    assert (tones[:, 0] > tones[:, 1]).all()
    assert (tones[:, 1] > tones[:, 2]).all()


def test_drawn_skins_cover_pale_to_dark():
    rng = np.random.default_rng(4)
    luminance = np.array([sample_skin(rng).tone @ LUMINANCE for _ in range(300)])
    assert luminance.min() < 0.06
    assert luminance.max() > 0.4
    quarters = np.histogram(np.log(luminance), bins=4)[0]
    assert quarters.min() > 30


def test_lips_and_cheeks_are_redder_than_the_brow_and_skin_stays_skin():
    marks = FaceMarks(
        mouth=np.array([0, -0.1, 1.5]),
        cheeks=np.array([[-0.04, -0.09, 1.55], [0.04, -0.09, 1.55]]),
        nose=np.array([0, -0.11, 1.55]),
        eyes=np.array([[0.031, -0.08, 1.585], [-0.031, -0.08, 1.585]]),
    )
    places = np.array([[0, -0.1, 1.5], [0.04, -0.09, 1.55], [0, -0.1, 1.65]])
    for seed in range(20):
        skin = sample_skin(np.random.default_rng(seed))
        jitter = np.random.default_rng(0).normal(0, 0.002, (200, 1, 3))
        albedo = skin.albedo(places + jitter, marks=marks, footprint_m=0.01).mean(0)
        redness = albedo[:, 0] / albedo[:, 1]
        assert redness[0] > 1.1 * redness[2]
        np.testing.assert_allclose(skin.albedo(places + jitter).mean((0, 1)), skin.tone, rtol=0.25)


def test_hair_comes_in_many_colours_and_runs_downwards():
    rng = np.random.default_rng(5)
    hairs = [sample_hair(rng) for _ in range(200)]
    assert len({hair.kind for hair in hairs}) == 8
    albedo = np.stack([hair.albedo(FRONT) for hair in hairs[:20]])
    assert albedo.min() >= 0
    assert albedo.max() <= 1
    across, down = np.abs(np.diff(albedo, axis=2)).mean(), np.abs(np.diff(albedo, axis=1)).mean()
    assert across > 2 * down
