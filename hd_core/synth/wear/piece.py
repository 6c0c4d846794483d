"""One worn thing on one person: its shape at rest, what it follows, and where on the body it belongs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8
from scipy.spatial import cKDTree

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel, load_body
from hd_core.synth.body.skeleton import BONES, bone_index
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.wear.looks import Look

Mesh = tuple[np.ndarray, np.ndarray]
"""Points (n, 3) and triangles (f, 3)."""
NEAREST = 4
"""Skin vertices that a point of a worn thing is tied to."""
SLOTS = 8


@dataclass(frozen=True, kw_only=True)
class Ties:
    """What the points of a worn thing follow.

    Args:
        bone_indices: Bones, strongest first.
        bone_weights: Their shares; they sum to 1.
        canonical: Place on the template, m.
    """

    bone_indices: UInt8[np.ndarray, "n 8"]
    bone_weights: Float32[np.ndarray, "n 8"]
    canonical: Float32[np.ndarray, "n 3"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A worn thing that moves with the bones.

    Args:
        name: For people to read, "beanie".
        rest: Vertices in the rest pose, m.
        faces: Triangles, counter-clockwise from outside.
        ties: What the vertices follow.
        texture: Where its look is looked up, m.
        look: What it looks like.
        hides: Skin that cannot be seen under it; none if not given.
    """

    name: str
    rest: Float32[np.ndarray, "n 3"]
    faces: Int32[np.ndarray, "f 3"]
    ties: Ties
    texture: Float32[np.ndarray, "n 3"]
    look: Look
    hides: Bool[np.ndarray, " s"] | None = None


def head_piece(
    name: str, mesh: Mesh, *, canonical: Float[np.ndarray, "n 3"], texture: Float[np.ndarray, "n 3"], look: Look
) -> Piece:
    """A thing that the head carries along rigidly.

    Args:
        name: For people to read.
        mesh: Points in the rest pose, and triangles.
        canonical: Where on the template each point belongs.
        texture: Where its look is looked up.
        look: What it looks like.
    """
    points, faces = mesh
    return Piece(
        name=name,
        rest=points.astype(np.float32),
        faces=faces.astype(np.int32),
        ties=tie_to_bone("Head", canonical),
        texture=texture.astype(np.float32),
        look=look,
    )


def skin_piece(
    name: str,
    mesh: Mesh,
    rest: RestBody,
    look: Look,
    *,
    among: Int[np.ndarray, " s"],
    texture: Float[np.ndarray, "n 3"] | None = None,
    hides: Bool[np.ndarray, " b"] | None = None,
) -> Piece:
    """A thing that bends with the skin under it.

    Args:
        name: For people to read.
        mesh: Points in the rest pose, and triangles.
        rest: The person.
        look: What it looks like.
        among: Skin that it may follow.
        texture: Where its look is looked up; where it is if not given.
        hides: Skin that cannot be seen under it.
    """
    points, faces = mesh
    return Piece(
        name=name,
        rest=points.astype(np.float32),
        faces=faces.astype(np.int32),
        ties=tie_to_skin(points, rest, among=among),
        texture=(points if texture is None else texture).astype(np.float32),
        look=look,
        hides=hides,
    )


def tie_to_skin(
    points: Float[np.ndarray, "n 3"], rest: RestBody, *, among: Int[np.ndarray, " s"] | None = None
) -> Ties:
    """Tie points to the nearest skin: they follow its bones and belong to its place.

    Args:
        points: In the person's rest pose, m.
        rest: The person.
        among: Skin vertices to choose from; all if not given.
    """
    model = load_body()
    chosen = np.arange(NUM_SKIN_VERTICES) if among is None else among
    away, near = cKDTree(rest.vertices[chosen]).query(points, k=NEAREST)
    shares = 1 / (away + 0.25 * away.mean(axis=1, keepdims=True) + 1e-4) ** 2
    shares /= shares.sum(axis=1, keepdims=True)
    sources = chosen[near]
    canonical = np.einsum("ns,nsk->nk", shares, model.template[sources].astype(np.float64))
    return strongest(np.einsum("ns,nsb->nb", shares, dense_weights(model, sources)), canonical)


def tie_to_bone(bone: str, canonical: Float[np.ndarray, "n 3"]) -> Ties:
    """Tie points rigidly to one bone."""
    indices = np.zeros((len(canonical), SLOTS), np.uint8)
    indices[:, 0] = bone_index(bone)
    weights = np.zeros(indices.shape, np.float32)
    weights[:, 0] = 1
    return Ties(bone_indices=indices, bone_weights=weights, canonical=canonical.astype(np.float32))


def off_the_skin(
    points: Float[np.ndarray, "*n 3"], rest: RestBody, gap_m: float, *, among: Int[np.ndarray, " s"] | None = None
) -> Float[np.ndarray, "*n 3"]:
    """Push out what is nearer to the skin than a gap, or under it."""
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, load_body().faces["body"])
    chosen = np.arange(NUM_SKIN_VERTICES) if among is None else among
    _, near = cKDTree(skin[chosen]).query(points)
    place, normal = skin[chosen][near].astype(np.float64), normals[chosen][near].astype(np.float64)
    short = gap_m - ((points - place) * normal).sum(axis=-1)
    return np.asarray(points + np.clip(short, 0, None)[..., None] * normal)


def dense_weights(model: BodyModel, vertices: Int[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n 31"]:
    """Weights of all bones at some vertices of the base mesh."""
    dense = np.zeros((*vertices.shape, len(BONES)), np.float32)
    indices, weights = model.bone_indices[vertices].astype(np.int64), model.bone_weights[vertices]
    for slot in range(indices.shape[-1]):
        kept = np.take_along_axis(dense, indices[..., slot : slot + 1], axis=-1)
        np.put_along_axis(dense, indices[..., slot : slot + 1], kept + weights[..., slot : slot + 1], axis=-1)
    return dense


def strongest(dense: Float[np.ndarray, "n 31"], canonical: Float[np.ndarray, "n 3"]) -> Ties:
    """The ties of points whose shares of all bones are known; the strongest `SLOTS` are kept."""
    order = np.argsort(-dense, axis=1, kind="stable")[:, :SLOTS]
    weights = np.take_along_axis(dense, order, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return Ties(
        bone_indices=order.astype(np.uint8),
        bone_weights=weights.astype(np.float32),
        canonical=canonical.astype(np.float32),
    )
