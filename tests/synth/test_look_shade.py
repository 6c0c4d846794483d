"""Shading: energy, directions and the modes without light."""

import numpy as np
import pytest

from hd_core.synth.look.harmonics import (
    equirect_directions,
    equirect_solid_angles,
    fibonacci_directions,
    open_transfer,
)
from hd_core.synth.look.keylight import split_key
from hd_core.synth.look.shade import Light, shade, unlit

NORMALS = fibonacci_directions(300)


def key_only(direction, strength=np.pi):
    return Light(soft=np.zeros((9, 3)), key_direction=direction, key_irradiance=np.full(3, strength))


def lit(light, *, albedo=1.0, normals=NORMALS, towards=None, **options):
    towards = normals if towards is None else np.broadcast_to(towards, normals.shape)
    return shade(
        np.full(normals.shape, albedo), normals, open_transfer(normals), light, towards_camera=towards, **options
    )


def sun_environment():
    d = equirect_directions(64, 128)
    sun = d[20, 40]
    return np.where((d @ sun > 0.998)[..., None], 300.0, 0.5) * np.array([1.0, 0.9, 0.8]), sun


def test_a_white_matt_surface_in_an_even_light_returns_it():
    np.testing.assert_allclose(lit(Light.flat(0.7), specular=0.0, roughness=1.0), 0.7, rtol=1e-12)


@pytest.mark.parametrize("roughness", [0.2, 0.6, 1.0])
def test_a_white_glossy_surface_disappears_in_an_even_light(roughness):
    camera = np.array([0.0, -1.0, 0.0])
    facing = NORMALS[NORMALS @ camera > 0]
    found = lit(Light.flat(0.7), normals=facing, towards=camera, specular=0.04, roughness=roughness)
    np.testing.assert_allclose(found, 0.7, rtol=1e-12)


def test_a_key_light_gives_lamberts_cosine():
    direction = np.array([0.0, 0.6, 0.8])
    found = lit(key_only(direction), albedo=0.5, specular=0.0)[:, 0]
    np.testing.assert_allclose(found, 0.5 * np.maximum(NORMALS @ direction, 0), atol=1e-12)


@pytest.mark.parametrize("roughness", [0.2, 0.5, 1.0])
def test_a_white_glossy_surface_sends_back_no_more_than_arrives(roughness):
    camera = fibonacci_directions(20000)
    camera = camera[camera[:, 2] > 0]
    up = np.broadcast_to([0.0, 0, 1], camera.shape)
    for elevation in (0.3, 0.8, 1.4):
        light = key_only(np.array([np.cos(elevation), 0, np.sin(elevation)]), strength=1.0)
        sent = lit(light, normals=up, towards=camera, specular=0.05, roughness=roughness)[:, 0]
        total = (sent * camera[:, 2]).mean() * 2 * np.pi
        assert total <= np.sin(elevation) * 1.02
        assert total >= np.sin(elevation) * 0.8  # light that bounces between facets is lost


def test_the_highlight_sits_at_the_mirror_direction():
    light, camera = key_only(np.array([0.6, 0.0, 0.8])), np.array([-0.6, 0.0, 0.8])
    normals = fibonacci_directions(20000)
    found = lit(light, albedo=0.0, normals=normals, towards=camera, roughness=0.3)[:, 0]
    assert np.rad2deg(np.arccos(normals[np.argmax(found)] @ [0, 0, 1])) < 3


def test_the_highlight_has_its_closed_form_where_everything_faces_everything():
    up = np.array([[0.0, 0.0, 1.0]])
    for roughness in (0.3, 0.7):
        found = lit(key_only(up[0], strength=2.0), albedo=0.0, normals=up, specular=0.05, roughness=roughness)
        np.testing.assert_allclose(found, 2.0 * 0.05 / (4 * np.pi * roughness**4), rtol=1e-9)


def test_a_mirror_shows_the_light_about_the_mirrored_ray():
    soft = np.random.default_rng(3).random((9, 3)) * 0.2 + Light.flat().soft
    light = Light(soft=soft, key_direction=np.array([0.0, 0, 1]), key_irradiance=np.zeros(3))
    slanted = np.array([[0.0, -np.sqrt(0.5), np.sqrt(0.5)]])
    found = lit(light, albedo=0.0, normals=slanted, towards=np.array([0.0, -1.0, 0.0]), specular=1.0)
    np.testing.assert_allclose(found, open_transfer(np.array([[0.0, 0.0, 1.0]])) @ soft, rtol=1e-9)


def test_shadow_takes_the_key_light_away_and_leaves_the_soft_light():
    both = Light(soft=Light.flat(0.3).soft, key_direction=np.array([0.0, 0, 1]), key_irradiance=np.full(3, 2.0))
    shaded = lit(both, shadow=np.zeros(len(NORMALS)))
    np.testing.assert_allclose(shaded, lit(Light.flat(0.3)), rtol=1e-12)
    assert (lit(both) >= shaded).all()
    assert lit(both).max() > shaded.max() + 0.3


def test_a_closed_place_is_dark_whatever_its_normal():
    nothing = np.zeros((len(NORMALS), 9))
    found = shade(np.ones(NORMALS.shape), NORMALS, nothing, Light.flat(), towards_camera=NORMALS)
    assert np.abs(found).max() == 0


def test_bumps_in_the_open_are_shaded_as_if_they_were_the_surface():
    environment, _ = sun_environment()
    light = Light.of_environment(environment)
    smooth, bumpy = NORMALS[:-1], NORMALS[1:]
    options = {"light": light, "towards_camera": bumpy}
    albedo = np.ones(smooth.shape)
    found = shade(albedo, bumpy, open_transfer(smooth), smooth_normal=smooth, **options)
    np.testing.assert_allclose(found, shade(albedo, bumpy, open_transfer(bumpy), **options), atol=1e-12)


def test_taking_the_key_light_out_loses_no_light():
    environment, sun = sun_environment()
    key = split_key(environment)
    assert key.direction @ sun > np.cos(np.deg2rad(1))
    weights = equirect_solid_angles(64, 128)[..., None] * np.maximum(equirect_directions(64, 128) @ sun, 0)[..., None]
    before, after = (environment * weights).sum((0, 1)), (key.rest * weights).sum((0, 1))
    np.testing.assert_allclose(before, after + key.irradiance, rtol=1e-3)
    assert key.rest.min() >= 0
    assert key.rest.max() < 0.05 * environment.max()


def test_an_even_environment_has_no_key_light():
    key = split_key(np.full((64, 128, 3), 0.4))
    np.testing.assert_array_equal(key.irradiance, 0)
    np.testing.assert_array_equal(key.rest, 0.4)


def test_unlit_is_the_albedo_itself():
    albedo = np.random.default_rng(1).random((5, 6, 3))
    np.testing.assert_array_equal(unlit(albedo), albedo)


def test_sheen_brightens_grazing_cloth_by_the_light_that_arrives_and_not_what_faces_the_camera():
    """Under an even light of 1 a black surface shows nothing but its sheen: (1 - cos)^3 of it."""
    camera = np.broadcast_to([0.0, 0.0, 1.0], NORMALS.shape)
    cosine = np.clip(NORMALS @ [0.0, 0.0, 1.0], 0, 1)
    found = shade(
        np.zeros(NORMALS.shape),
        NORMALS,
        open_transfer(NORMALS),
        Light.flat(),
        towards_camera=camera,
        specular=0.0,
        roughness=1.0,
        sheen=0.5,
    )
    np.testing.assert_allclose(found[..., 0], 0.5 * (1 - cosine) ** 3, atol=1e-9)
