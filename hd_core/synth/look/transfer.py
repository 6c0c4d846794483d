"""Self-shadowed diffuse transfer per vertex: how much of each harmonic of the light a surface point turns over.

Precomputed radiance transfer without interreflection (Sloan, Kautz and Snyder, "Precomputed radiance transfer for
real-time rendering in dynamic, low-frequency lighting environments", 2002, equation 6). We sample the sphere with
few depth maps instead of rays: T_lm = 4/K sum_k V(d_k) max(n . d_k, 0) Y_lm(d_k), where V compares with four taps.
"""

import numpy as np
from jaxtyping import Float, Float32, Int

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.synth.look.harmonics import basis, fibonacci_directions
from hd_core.synth.look.parallel import fill_nearest, frames_towards, place_in_map, seen_share, slope_bias


def self_transfer(
    vertices: Float[np.ndarray, "v 3"],
    normals: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    *,
    num_directions: int = 16,
    resolution: int = 80,
) -> Float32[np.ndarray, "v 9"]:
    """Transfer of every vertex under its own mesh's shadow; world axes.

    The product with the coefficients of the light is irradiance / pi: times the albedo, the light sent back.

    Args:
        vertices: Positions, metres.
        normals: Unit.
        faces: Triangles; they shade from both sides.
        num_directions: Depth maps, spread over the sphere.
        resolution: Side of each map, texels.

    Raises:
        InputError: No vertex.
    """
    if not len(vertices):
        raise InputError("Found a mesh without vertices; expected at least one.")
    directions = fibonacci_directions(num_directions)
    return _gather(
        np.ascontiguousarray(vertices, np.float32),
        np.ascontiguousarray(normals, np.float32),
        np.ascontiguousarray(faces, np.int32),
        frames_towards(directions).astype(np.float32),
        (basis(directions) * 4 / num_directions).astype(np.float32),
        resolution,
    )


@compiled
def _gather(  # noqa: PLR0917 - kernels take arrays one by one
    vertices: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
    frames: np.ndarray,
    weighted_basis: np.ndarray,
    size: int,
) -> np.ndarray:
    transfer = np.zeros((len(vertices), 9), np.float32)
    placed = np.empty((len(vertices), 3), np.float32)
    nearest = np.empty((size, size), np.float32)
    for k in range(len(frames)):
        scale_u, scale_v, _, _ = place_in_map(vertices, frames[k], size, placed)
        nearest[:] = -np.inf
        fill_nearest(placed, faces, nearest)
        texel = 1.0 / min(scale_u, scale_v)
        for i in range(len(vertices)):
            cosine = 0.0
            for axis in range(3):
                cosine += normals[i, axis] * frames[k, 2, axis]
            if cosine > 0.0:
                bias = slope_bias(cosine, texel)
                light = cosine * seen_share(nearest, placed[i, 0], placed[i, 1], placed[i, 2] + bias)
                for c in range(9):
                    transfer[i, c] += light * weighted_basis[k, c]
    return transfer
