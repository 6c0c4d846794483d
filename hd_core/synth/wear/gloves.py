"""Gloves: the skin of the hands up to a cuff, a little thicker."""

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import load_body
from hd_core.synth.body.skeleton import BONES, bone_index
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.garments.slicing import slice_mesh
from hd_core.synth.wear.looks import Stuff
from hd_core.synth.wear.piece import Piece, dense_weights, strongest

BELOW_ELBOW = ("ForeArm", "Hand", "FingerBase", "HandFinger1")


def gloves(rng: np.random.Generator, rest: RestBody) -> tuple[Piece, ...]:
    """A pair of gloves that end at the wrist or on the forearm."""
    look = Stuff(
        colour=rng.uniform(0.01, 0.06, 3) if rng.random() < 0.5 else rng.uniform(0.02, 0.6, 3),
        specular=0.03,
        roughness=float(rng.uniform(0.4, 0.9)),
        grain_m=0.003,
        shift=rng.uniform(0, 100, 3),
    )
    cuff, off_m = rng.uniform(0.7, 1.02), rng.uniform(0.0015, 0.004)
    return tuple(_glove(side, cuff, off_m, rest, look) for side in ("Left", "Right"))


def beyond(side: str) -> Float[np.ndarray, " v"]:
    """How far down the forearm every vertex of the template lies: 0 at the elbow, 1 at the wrist, -1 elsewhere."""
    model = load_body()
    heads = model.template[model.head_vertices].mean(axis=1).astype(np.float64)
    elbow, wrist = (heads[bone_index(side + name)] for name in ("ForeArm", "Hand"))
    bones = [bone_index(side + name) for name in BELOW_ELBOW] + [BONES.index(side[0] + "Thumb")]
    along = (model.template - elbow) @ (wrist - elbow) / ((wrist - elbow) @ (wrist - elbow))
    return np.where(np.isin(model.bone_indices[:, 0], bones), along, -1.0)


def _glove(side: str, cuff: float, off_m: float, rest: RestBody, look: Stuff) -> Piece:
    model = load_body()
    mesh = slice_mesh(model.faces["body"], beyond(side) - cuff)
    base, canonical = (mesh.apply(points.astype(np.float64)) for points in (rest.vertices, model.template))
    points = base + off_m * smooth_normals(base.astype(np.float32), mesh.faces)
    weights = np.einsum("gs,gsb->gb", mesh.shares, dense_weights(model, mesh.sources))
    return Piece(
        name="gloves",
        rest=points.astype(np.float32),
        faces=mesh.faces.astype(np.int32),
        ties=strongest(weights, canonical),
        texture=canonical.astype(np.float32),
        look=look,
    )
