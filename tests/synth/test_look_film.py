"""A clip as a file: the exposure follows the light at its pace, and a real encoder that gives the same bytes twice."""

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.frame import srgb_bytes
from hd_core.synth.look.codec import Codec, sample_codec, through_codec
from hd_core.synth.look.film import Film
from hd_core.synth.look.lens import Lens

ALL = np.ones((16, 24), bool)


def lit(level):
    return np.full((16, 24, 3), level)


def moving_picture(count=6, height=48, width=64):
    """A smooth pattern that moves to the right by 2 px a frame."""
    y, x = np.mgrid[:height, :width]
    waves = [0.3 + 0.2 * np.sin((x - 2 * k) / 5.0) + 0.1 * np.cos(y / 4.0) for k in range(count)]
    return [srgb_bytes(wave[..., None] * [1.0, 0.8, 0.6]) for wave in waves]


@pytest.mark.parametrize("pace", [0.0, 0.25, 1.0])
def test_the_exposure_follows_a_sudden_light_at_its_pace(pace):
    """After the light is doubled, (1 - pace)^n of that stop is left in the n-th frame."""
    film = Film(Lens(pace=pace), np.random.default_rng(0))
    film.expose(lit(0.1), ALL)
    for n in (1, 2, 3):
        found = film.expose(lit(0.2), ALL)
        expected = srgb_bytes(lit(0.22 * 2.0 ** ((1 - pace) ** n)))
        assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_a_video_keeps_every_frame_in_its_place_and_loses_more_at_lower_quality(name):
    pictures = moving_picture()
    errors = []
    for crf in (12, 40):
        found = through_codec(pictures, Codec(name=name, crf=crf))
        assert len(found) == len(pictures)
        off = [[np.abs(a.astype(int) - b).mean() for b in pictures] for a in found]
        np.testing.assert_array_equal(np.argmin(off, axis=1), range(len(pictures)))
        errors.append(np.mean(np.diag(off)))
    assert 0 < errors[0] < 4
    assert errors[1] > 1.5 * errors[0]


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_the_same_pictures_come_back_the_same(name):
    pictures, codec = moving_picture(), Codec(name=name, crf=30)
    first, again = through_codec(pictures, codec), through_codec(pictures, codec)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))


def test_odd_sizes_and_single_frames_go_through():
    (found,) = through_codec([moving_picture(1, 47, 63)[0]], Codec(crf=12))
    assert found.shape == (47, 63, 3)
    assert np.abs(found.astype(int) - moving_picture(1, 47, 63)[0]).mean() < 4


def test_what_cannot_be_a_video_is_refused():
    with pytest.raises(InputError, match="0 pictures"):
        through_codec([], Codec())
    with pytest.raises(InputError, match="one size"):
        through_codec([lit(0.1).astype(np.uint8), np.zeros((2, 2, 3), np.uint8)], Codec())
    with pytest.raises(InputError, match="crf of 60"):
        Codec(crf=60)


def test_a_film_without_a_codec_is_left_alone_and_one_with_it_is_not():
    pictures = moving_picture()
    plain = Film(Lens(), np.random.default_rng(0)).developed(pictures)
    assert all(a is b for a, b in zip(plain, pictures, strict=True))
    coded = Film(Lens(codec=Codec(crf=38)), np.random.default_rng(0)).developed(pictures)
    assert any((a != b).any() for a, b in zip(coded, pictures, strict=True))


def test_both_formats_and_qualities_from_clean_to_poor_are_drawn():
    drawn = [sample_codec(np.random.default_rng(seed)) for seed in range(200)]
    assert {codec.name for codec in drawn} == {"h264", "hevc"}
    assert min(codec.crf for codec in drawn) < 20
    assert max(codec.crf for codec in drawn) > 30
