"""Environments: what was promised of all kinds, and which files are let in."""

import numpy as np
import OpenEXR
import pytest

from hd_core.errors import InputError
from hd_core.geometry.camera import camera_from_focal
from hd_core.synth.look.background import BACKGROUNDS, sample_background
from hd_core.synth.look.environment import (
    ENVIRONMENTS,
    black_body,
    radiance_along,
    sample_environment,
)
from hd_core.synth.look.harmonics import equirect_directions, equirect_solid_angles
from hd_core.synth.look.hdri import load_environment
from hd_core.synth.look.keylight import LUMINANCE, split_key
from hd_core.types import Camera


def made(kind, seed=0):
    return sample_environment(np.random.default_rng(seed), kind=kind)


def write_exr(path, picture):
    channels = {name: np.ascontiguousarray(picture[..., i], np.float32) for i, name in enumerate("RGB")}
    with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels) as file:
        file.write(str(path))


@pytest.fixture
def picture():
    return np.random.default_rng(7).random((96, 192, 3))


@pytest.mark.parametrize("kind", sorted(ENVIRONMENTS))
def test_every_environment_is_light_of_mean_luminance_one(kind):
    for seed in range(4):
        environment = made(kind, seed)
        assert environment.shape == (64, 128, 3)
        assert environment.dtype == np.float32
        assert environment.min() >= 0
        mean = (environment @ LUMINANCE * equirect_solid_angles(64, 128)).sum() / (4 * np.pi)
        assert mean == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("kind", sorted(ENVIRONMENTS))
def test_an_environment_follows_from_its_seed_alone(kind):
    assert made(kind, 3).tobytes() == made(kind, 3).tobytes()
    assert np.abs(made(kind, 3) - made(kind, 4)).max() > 0.01


@pytest.mark.parametrize("kind", sorted(ENVIRONMENTS))
def test_an_environment_closes_behind_the_viewer(kind):
    """Columns run around: the step over the seam is like the steps beside it."""
    environment = made(kind, 1)
    seam = np.median(np.abs(environment[:, 0] - environment[:, -1]))
    inside = np.median(np.abs(environment[:, 1:] - environment[:, :-1]))
    assert seam <= 4 * inside + 0.02


def test_kinds_look_as_they_are_named():
    assert (split_key(made("overcast")).irradiance == 0).all()
    assert split_key(made("sky")).irradiance @ LUMINANCE > 2
    assert split_key(made("sky")).direction[2] > 0.3
    sunset = split_key(made("sunset"))
    assert 0 < sunset.direction[2] < 0.35
    assert sunset.irradiance[0] > 1.5 * sunset.irradiance[2]


def test_colours_of_glowing_bodies_go_from_red_to_blue():
    kelvins = (2000.0, 3000.0, 5000.0, 6500.0, 10000.0)
    ratios = [black_body(kelvin)[0] / black_body(kelvin)[2] for kelvin in kelvins]
    assert ratios == sorted(ratios, reverse=True)
    # The locus: x 0.4369, y 0.4041 at 3000 K, x 0.3135, y 0.3237 at 6500 K; in Rec. 709 and divided:
    np.testing.assert_allclose(black_body(3000.0), [1.700, 0.859, 0.263], atol=0.06)
    np.testing.assert_allclose(black_body(6500.0), 1, rtol=1e-12)


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="'moon'.*sky"):
        made("moon")


def test_looking_at_a_pixels_direction_gives_that_pixel():
    environment = np.random.default_rng(2).random((64, 128, 3))
    np.testing.assert_allclose(radiance_along(environment, 3 * equirect_directions(64, 128)), environment, atol=1e-9)
    behind = radiance_along(environment, np.array([[1e-9, -1, 0.01], [-1e-9, -1, 0.01]]))
    np.testing.assert_allclose(behind[0], behind[1], atol=1e-6)


def test_a_free_file_is_averaged_down_and_scaled(tmp_path, picture):
    write_exr(tmp_path / "a.exr", picture)
    found = load_environment(tmp_path / "a.exr", licence="CC0-1.0")
    fine = picture.astype(np.float32).repeat(2, axis=0).repeat(2, axis=1)
    expected = fine.reshape(64, 3, 128, 3, 3).mean(axis=(1, 3))
    mean = (expected @ LUMINANCE * equirect_solid_angles(64, 128)).sum() / (4 * np.pi)
    np.testing.assert_allclose(found, expected / mean, rtol=1e-5)


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "AGPL-3.0-only", "", "unknown", "CC-BY-ND-4.0", "cc0"])
def test_a_file_under_any_other_licence_is_refused_before_it_is_read(tmp_path, licence):
    with pytest.raises(InputError, match=f"licence '{licence}'.*CC0-1.0"):
        load_environment(tmp_path / "missing.exr", licence=licence)


def test_attribution_needs_a_name(tmp_path, picture):
    write_exr(tmp_path / "a.exr", picture)
    with pytest.raises(InputError, match="asks for a credit"):
        load_environment(tmp_path / "a.exr", licence="CC-BY-4.0", credit=" ")
    assert load_environment(tmp_path / "a.exr", licence="CC-BY-4.0", credit="A. Painter").any()


def test_what_is_no_environment_is_refused(tmp_path, picture):
    (tmp_path / "text.exr").write_text("no picture")
    with pytest.raises(InputError, match="cannot be read as OpenEXR"):
        load_environment(tmp_path / "text.exr", licence="MIT")
    write_exr(tmp_path / "square.exr", picture[:, :96])
    with pytest.raises(InputError, match="96 x 96 px; expected twice as wide"):
        load_environment(tmp_path / "square.exr", licence="MIT")
    write_exr(tmp_path / "black.exr", 0 * picture)
    with pytest.raises(InputError, match="black all over"):
        load_environment(tmp_path / "black.exr", licence="MIT")


@pytest.mark.parametrize("kind", [*sorted(BACKGROUNDS), "environment"])
def test_backgrounds_are_light_and_follow_from_their_seed(kind):
    camera = camera_from_focal(60, 80, focal_px=70.0)
    first, again, other = (
        sample_background(np.random.default_rng(seed), camera, made("studio"), kind=kind) for seed in (1, 1, 2)
    )
    assert first.shape == (80, 60, 3)
    assert first.min() >= 0
    assert first.tobytes() == again.tobytes()
    assert kind == "environment" or np.abs(first - other).max() > 0.01


def test_a_camera_before_the_person_sees_what_lies_along_y():
    environment = np.zeros((64, 128, 3), np.float32)
    environment[equirect_directions(64, 128)[..., 0] > 0] = 1  # all that lies towards +X
    pose = np.eye(4)
    pose[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    plain = camera_from_focal(40, 40, focal_px=40.0)
    camera = Camera(width=40, height=40, intrinsics=plain.intrinsics, cam_from_world=pose)
    seen = sample_background(np.random.default_rng(0), camera, environment, kind="environment")
    assert seen[:, 24:].min() == pytest.approx(1)
    assert seen[:, :16].max() == pytest.approx(0)
    bright_sky = np.where(equirect_directions(64, 128)[..., 2:] > 0, 1.0, 0.0) * np.ones(3)
    seen = sample_background(np.random.default_rng(0), camera, bright_sky, kind="environment")
    assert seen[:16].min() == pytest.approx(1)
    assert seen[24:].max() == pytest.approx(0)
