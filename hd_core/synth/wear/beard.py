"""Beards and moustaches: a relief over chin, jaw and upper lip. Stubble is painted on the skin, not made here."""

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.garments.slicing import slice_mesh
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.wear.looks import Look
from hd_core.synth.wear.piece import Piece, tie_to_skin

MOUTH = np.array([0.0, -0.147, 0.646])
"""Middle of the mouth on the template, m."""
SUNK_M = 0.003
"""How deep its edge is under the skin."""


def beard(rest: RestBody, thickness_m: float, look: Look, *, seed: int) -> Piece:
    """A beard.

    Args:
        rest: The person.
        thickness_m: At the chin.
        look: Its look.
        seed: Of its form: full, goatee or moustache, and its relief.
    """
    model, rng = load_body(), np.random.default_rng(seed)
    field = beard_field(model.template.astype(np.float64), kind=int(rng.choice(3, p=(0.55, 0.3, 0.15))))
    head = np.isin(model.bone_indices[:, 0], [bone_index(name) for name in ("Head", "Neck1", "Neck")])
    mesh = slice_mesh(model.faces["body"], np.where(head, field, -1.0))
    template = mesh.apply(model.template.astype(np.float64))
    inside = np.clip(mesh.apply(field[:, None])[:, 0] / 0.012, 0, 1)
    low = np.clip((MOUTH[2] - 0.005 - template[:, 2]) / 0.05, 0, 1)
    relief = layered_noise(template * np.array([1, 1, 0.25]) / 0.006 + seed % 97, octaves=2)
    off = 0.0015 + thickness_m * inside**0.6 * (0.25 + 0.75 * low)
    off = off * (1 + 0.25 * relief * inside) - SUNK_M * (1 - inside) ** 2
    points = mesh.apply(rest.vertices.astype(np.float64)).astype(np.float32)
    points = points + (off[:, None] * smooth_normals(points, mesh.faces)).astype(np.float32)
    face = np.flatnonzero(head[:NUM_SKIN_VERTICES])
    return Piece(
        name="beard",
        rest=points,
        faces=mesh.faces,
        ties=tie_to_skin(points, rest, among=face),
        texture=(template - MOUTH + np.array([0, 0, 0.1])).astype(np.float32),
        look=look,
    )


def beard_field(points: Float[np.ndarray, "n 3"], *, kind: int) -> Float[np.ndarray, " n"]:
    """Not negative where a beard grows: 0 full, 1 goatee, 2 moustache; about metres from its edge."""
    x, y, z = (points - MOUTH).T
    x = np.abs(x)
    lips = np.hypot(x / 2.6, z) - 0.0105
    moustache = np.minimum.reduce([0.034 - x - 0.2 * z, 0.026 - z, z + 0.002])
    chin = np.minimum.reduce([0.034 - x, 0.004 - z, 0.05 - y])
    cheek = 0.006 + 0.35 * np.clip(x - 0.03, 0, 0.2) + 1.2 * np.clip(y - 0.03, 0, 0.1)
    full = np.minimum.reduce([cheek - z, z + 0.075 - 0.3 * np.clip(y, 0, 0.1), 0.078 - y])
    grown = moustache if kind == 2 else np.maximum(moustache, chin) if kind == 1 else np.maximum(moustache, full)
    under = z + 0.075
    return np.asarray(np.minimum.reduce([grown, lips, under]))
