"""Nine numbers of light against integrals over the sphere and closed forms."""

import numpy as np
import pytest
from scipy.special import sph_harm_y

from hd_core.synth.look.harmonics import (
    basis,
    equirect_directions,
    equirect_solid_angles,
    fibonacci_directions,
    irradiance,
    open_transfer,
    project,
    rotate,
    rotate_about_up,
)


def gauss_sphere(order=24):
    """Directions and weights that integrate polynomials over the sphere exactly."""
    z, weight = np.polynomial.legendre.leggauss(order)
    turn = 2 * np.pi * np.arange(2 * order) / (2 * order)
    ring = np.sqrt(1 - z**2)
    d = np.stack(np.broadcast_arrays(np.outer(ring, np.cos(turn)), np.outer(ring, np.sin(turn)), z[:, None]), -1)
    return d.reshape(-1, 3), np.repeat(weight * np.pi / order, 2 * order)


def some_rotation(seed=1):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    return q * np.linalg.det(q)


def test_the_basis_is_orthonormal_under_exact_quadrature():
    d, weight = gauss_sphere()
    np.testing.assert_allclose((basis(d) * weight[:, None]).T @ basis(d), np.eye(9), atol=1e-12)


def test_the_basis_is_scipys_up_to_the_phase_convention():
    d = np.random.default_rng(2).standard_normal((40, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    polar, turn = np.arccos(d[:, 2]), np.arctan2(d[:, 1], d[:, 0])
    columns = []
    for degree in range(3):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), polar, turn)
            if order == 0:
                columns.append(value.real)
            else:
                columns.append(np.sqrt(2) * (-1) ** order * (value.real if order > 0 else value.imag))
    np.testing.assert_allclose(basis(d), np.stack(columns, -1), atol=1e-12)


def test_fibonacci_directions_are_unit_balanced_and_nearly_orthonormal_samples():
    d = fibonacci_directions(400)
    np.testing.assert_allclose(np.linalg.norm(d, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(basis(d).T @ basis(d) * 4 * np.pi / 400, np.eye(9), atol=0.01)


def test_pixels_of_an_environment_cover_the_sphere_once():
    angles = equirect_solid_angles(64, 128)
    assert angles.sum() == pytest.approx(4 * np.pi, rel=1e-12)
    values = basis(equirect_directions(64, 128)).reshape(-1, 9)
    np.testing.assert_allclose(values.T @ (values * angles.reshape(-1, 1)), np.eye(9), atol=1e-3)


def test_the_middle_column_looks_along_y_and_columns_turn_to_the_right():
    d = equirect_directions(64, 128)
    np.testing.assert_allclose(d[31:33, 63:65].mean((0, 1)), [0, 1, 0], atol=1e-3)
    np.testing.assert_allclose(d[31:33, 95:97].mean((0, 1)), [1, 0, 0], atol=1e-3)
    assert d[0, 0, 2] > 0.99


def test_a_constant_environment_brings_pi_times_its_radiance_to_every_normal():
    light = project(np.full((64, 128, 3), [0.5, 1.0, 2.0], np.float32))
    received = irradiance(fibonacci_directions(50), light)
    np.testing.assert_allclose(received, np.pi * np.broadcast_to([0.5, 1.0, 2.0], (50, 3)), rtol=3e-4)


def test_irradiance_is_the_cosine_integral_of_a_light_of_order_two():
    d, weight = gauss_sphere(300)
    light = np.random.default_rng(3).standard_normal((9, 1))
    for normal in fibonacci_directions(12):
        expected = (np.maximum(d @ normal, 0) * (basis(d) @ light)[:, 0] * weight).sum()
        assert irradiance(normal, light)[0] == pytest.approx(expected, abs=1e-4)


def test_a_small_source_lights_most_what_faces_it():
    source = np.array([0.48, -0.6, 0.64])
    environment = np.zeros((64, 128, 3))
    flat = (equirect_directions(64, 128) @ source).ravel()
    environment.reshape(-1, 3)[np.argmax(flat)] = 1000.0
    normals = fibonacci_directions(4000)
    brightest = normals[np.argmax(irradiance(normals, project(environment))[:, 0])]
    assert np.rad2deg(np.arccos(brightest @ source)) < 4


def test_turned_light_is_the_old_light_in_turned_directions():
    light = np.random.default_rng(4).standard_normal((9, 3))
    rotation, d = some_rotation(), fibonacci_directions(77)
    np.testing.assert_allclose(basis(d) @ rotate(light, rotation), basis(d @ rotation) @ light, atol=1e-12)


def test_turning_about_up_takes_x_to_y():
    from_x = basis(np.array([[1.0, 0, 0]])).T
    np.testing.assert_allclose(rotate_about_up(from_x, np.pi / 2), basis(np.array([[0.0, 1, 0]])).T, atol=1e-12)


def test_rolling_the_picture_is_turning_the_light():
    environment = np.random.default_rng(5).random((32, 64, 3))
    rolled = project(np.roll(environment, 8, axis=1))  # to the right: clockwise from above
    np.testing.assert_allclose(rolled, rotate_about_up(project(environment), -np.pi / 4), atol=1e-3)


def test_open_transfer_is_irradiance_over_pi():
    light, normals = np.random.default_rng(6).standard_normal((9, 3)), fibonacci_directions(20)
    np.testing.assert_allclose(open_transfer(normals) @ light, irradiance(normals, light) / np.pi, atol=1e-12)
