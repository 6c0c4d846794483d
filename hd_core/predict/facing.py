"""Which way a crop looks, and which way its normals may: what a network that knows no camera has to be told after."""

import numpy as np
from jaxtyping import Float

from hd_core.geometry.camera import pixel_rays, rays_through
from hd_core.types import Camera

_GRAZING = 1e-3


def turn_to_middle(camera: Camera) -> Float[np.ndarray, "3 3"]:
    """The smallest turn that takes +z to the ray through the picture's middle."""
    middle: np.ndarray = rays_through(camera, np.array(camera.width / 2), np.array(camera.height / 2))
    x, y, z = middle / np.linalg.norm(middle)
    # Rodrigues' formula about (-y, x, 0), whose length is the sine of the angle.
    cross = np.array([[0, 0, x], [0, 0, y], [-x, -y, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + z))


def facing(normal: Float[np.ndarray, "h w 3"], camera: Camera) -> Float[np.ndarray, "h w 3"]:
    """Unit normals; those that turn away from the camera are laid down to grazing, missing ones face it."""
    rays = pixel_rays(camera)
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    along = (normal * rays).sum(axis=-1, keepdims=True)
    laid = np.where(along > -_GRAZING, normal - (along + 2 * _GRAZING) * rays, normal)
    length = np.linalg.norm(laid, axis=-1, keepdims=True)
    return np.asarray(np.where(length > 0.1, laid / np.maximum(length, 0.1), -rays))
