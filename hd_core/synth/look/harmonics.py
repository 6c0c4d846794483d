"""Light as nine numbers per colour: real spherical harmonics to order 2, and equirectangular pictures of light.

Directions are unit vectors in world axes (Z up). In an equirectangular environment the top row looks up, the
middle column looks along +Y (past a person who faces -Y, as a camera before it does) and columns turn to the right.
"""

import numpy as np
from jaxtyping import Float

Directions = Float[np.ndarray, "*n 3"]
Coefficients = Float[np.ndarray, "9 c"]
Environment = Float[np.ndarray, "h w 3"]

COSINE_BANDS = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)
"""Harmonics of the clamped cosine per coefficient: what irradiance keeps of each band of the radiance."""


def basis(directions: Directions) -> Float[np.ndarray, "*n 9"]:
    """Values of the nine basis functions, bands 0, 1 (y, z, x) and 2 (xy, yz, zz, xz, xx - yy), orthonormal."""
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    zero, one = np.sqrt(1 / (4 * np.pi)), np.sqrt(3 / (4 * np.pi))
    two = np.sqrt(15 / (4 * np.pi))
    constant = np.full(x.shape, zero)
    flat = two / np.sqrt(12) * (3 * z * z - 1)
    rest = [two * x * y, two * y * z, flat, two * x * z, two / 2 * (x * x - y * y)]
    return np.stack([constant, one * y, one * z, one * x, *rest], axis=-1)


def fibonacci_directions(count: int) -> Float[np.ndarray, "k 3"]:
    """Directions spread evenly over the sphere on a golden-angle spiral, each standing for the same solid angle."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    azimuth = index * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z], axis=-1)


def equirect_directions(height: int, width: int) -> Float[np.ndarray, "h w 3"]:
    """Direction through the centre of every pixel of an equirectangular picture."""
    polar = (np.arange(height) + 0.5) * np.pi / height
    turn = 2 * np.pi * ((np.arange(width) + 0.5) / width - 0.5)
    x = np.sin(polar)[:, None] * np.sin(turn)
    y = np.sin(polar)[:, None] * np.cos(turn)
    return np.stack([x, y, np.broadcast_to(np.cos(polar)[:, None], x.shape)], axis=-1)


def equirect_solid_angles(height: int, width: int) -> Float[np.ndarray, "h w"]:
    """Exact solid angle of every pixel, steradian; they sum to 4 pi."""
    edges = np.cos(np.linspace(0, np.pi, height + 1))
    return np.repeat((edges[:-1] - edges[1:])[:, None] * 2 * np.pi / width, width, axis=1)


def project(environment: Environment) -> Float[np.ndarray, "9 3"]:
    """Coefficients of the radiance that arrives from an equirectangular environment, per colour."""
    height, width = environment.shape[:2]
    weighted = basis(equirect_directions(height, width)) * equirect_solid_angles(height, width)[..., None]
    return np.asarray(np.einsum("hwk,hwc->kc", weighted, environment.astype(np.float64)))


def irradiance(normals: Directions, light: Coefficients) -> Float[np.ndarray, "*n c"]:
    """Light that falls on a surface nothing shades, the radiance convolved with the clamped cosine.

    Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps", 2001, equation 7.
    """
    return np.asarray(basis(normals) @ (COSINE_BANDS[:, None] * light))


def open_transfer(normals: Directions) -> Float[np.ndarray, "*n 9"]:
    """Transfer of a surface nothing shades: its product with the light is irradiance / pi."""
    return np.asarray(basis(normals) * (COSINE_BANDS / np.pi))


def rotate(light: Coefficients, rotation: Float[np.ndarray, "3 3"]) -> Coefficients:
    """Coefficients of the same light turned by a rotation matrix: new(d) = old(rotation^T d).

    Each band is closed under rotation, so sampling 32 directions and solving for the coefficients is exact.
    """
    samples = fibonacci_directions(32)
    return np.asarray(np.linalg.pinv(basis(samples)) @ basis(samples @ rotation) @ light)


def rotate_about_up(light: Coefficients, angle_rad: float) -> Coefficients:
    """Turn the light about the vertical axis, counter-clockwise seen from above."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return rotate(light, np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]))
