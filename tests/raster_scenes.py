"""Meshes, cameras and slow twins for the rasteriser: rays against every triangle, one by one."""

from dataclasses import replace

import numpy as np

from hd_core.geometry.camera import pixel_rays
from hd_core.types import Camera


def camera(width=96, height=80, focal=110.0):
    """Off its own centre, fx and fy unequal, with skew."""
    k = np.array([[focal, 3.0, 0.44 * width], [0, 1.15 * focal, 0.57 * height], [0, 0, 1]])
    return Camera(width=width, height=height, intrinsics=k)


def flat_camera(size):
    """Positions (x z, y z, z) are seen at x, y px, without rounding."""
    return Camera(width=size, height=size, intrinsics=np.eye(3))


def ball(rings, *, radius=0.4, centre=(0.06, -0.04, 2.0)):
    """A ball of triangles; front faces are counter-clockwise for the camera. Vertices, faces, outward normals."""
    polar, turn = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.arange(2 * rings) * np.pi / rings, indexing="ij")
    normals = np.stack([np.sin(polar) * np.cos(turn), np.cos(polar), np.sin(polar) * np.sin(turn)], axis=-1)
    row, column = np.meshgrid(np.arange(rings), np.arange(2 * rings), indexing="ij")
    after = (column + 1) % (2 * rings)
    a, b = row * 2 * rings + column, row * 2 * rings + after
    c, d = a + 2 * rings, b + 2 * rings
    faces = np.concatenate([np.stack([a, b, d], -1)[1:].reshape(-1, 3), np.stack([a, d, c], -1)[:-1].reshape(-1, 3)])
    normals = normals.reshape(-1, 3)
    return (normals * radius + centre).astype(np.float32), faces.astype(np.int32), normals


def random_mesh(rng, *, count=120, near=1.0, far=4.0):
    """Loose triangles of every size, some needle-thin, some huge or outside a picture; cut ones if `near` is small."""
    depth = rng.uniform(near, far, (count, 1, 1))
    centre = depth * np.concatenate([rng.uniform(-0.55, 0.55, (count, 1, 2)), np.ones((count, 1, 1))], axis=2)
    size = 10 ** rng.uniform(-2.7, -0.6, (count, 1, 1)) * np.abs(depth)
    size[::17] *= 20
    corners = centre + size * rng.normal(size=(count, 3, 3)) * [1, 1, 0.5]
    corners[::17, :, 2] += 2
    corners[::5, 2] = corners[::5, 0] * 0.4 + corners[::5, 1] * 0.6 + rng.normal(size=(len(corners[::5]), 3)) * 1e-4
    if near < 0.5:
        corners[1::4, 0, 2] -= rng.uniform(0, far, len(corners[1::4]))
    else:
        corners[..., 2] = np.maximum(corners[..., 2], 0.3 * near)
    return corners.reshape(-1, 3).astype(np.float32), np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def hits(cam, positions, faces):
    """Depth of every ray on every triangle (inf where it misses) and barycentric coordinates.

    The ray through the pixel centre is a combination of the corners; it hits where all three weights are >= 0.
    """
    corners = positions[faces].astype(np.float64)
    rays = pixel_rays(cam).reshape(-1, 3)
    with np.errstate(all="ignore"):
        normal = np.stack([np.cross(corners[:, (i + 1) % 3], corners[:, (i + 2) % 3]) for i in range(3)], axis=1)
        volume = np.einsum("fk,fk->f", corners[:, 0], normal[:, 0])
        weights = np.einsum("pk,fik->pfi", rays, normal) / volume[None, :, None]
        depth = 1 / weights.sum(-1)
        inside = (weights >= 0).all(-1) & np.isfinite(depth)
        share = weights / weights.sum(-1, keepdims=True)
    return np.where(inside, depth, np.inf), share


def nearest(cam, positions, faces, *, near=0.05):
    """Slow twin of the rasteriser: face (-1), barycentric coordinates, depth (inf), and how safe the answer is.

    Safe pixels have no second surface within 1e-5 m.
    """
    depth, share = hits(cam, positions, faces)
    depth = np.where(depth >= near, depth, np.inf)
    order = np.sort(depth, axis=1)
    face = np.where(np.isfinite(order[:, 0]), depth.argmin(axis=1), -1)
    pixel = np.arange(len(face))
    apart = order[:, 1] > order[:, 0] + 1e-5 if depth.shape[1] > 1 else np.ones(len(face), bool)
    return (
        face.reshape(cam.shape),
        share[pixel, face].reshape(*cam.shape, 3),
        order[:, 0].reshape(cam.shape),
        (apart | (face < 0)).reshape(cam.shape),
    )


def finer_camera(camera, samples):
    """The same camera with `samples` x `samples` pixels in place of each."""
    intrinsics = np.diag([float(samples), float(samples), 1.0]) @ camera.intrinsics
    return replace(camera, width=camera.width * samples, height=camera.height * samples, intrinsics=intrinsics)


def average_samples(values, mask, samples):
    """Bring a picture by `finer_camera` down: the mean over the samples that the mask keeps, and their share."""
    height, width = mask.shape
    blocks = (height // samples, samples, width // samples, samples)
    count = mask.reshape(blocks).sum(axis=(1, 3))
    total = np.where(mask[..., None], values, 0.0).reshape(*blocks, -1).sum(axis=(1, 3))
    return total / np.maximum(count, 1)[..., None], count / samples**2
