"""A pattern on a person: how far it stands off the skin, what it follows, and which skin it hides."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy.spatial import cKDTree

from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel
from hd_core.synth.body.skeleton import BONES
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.cloth.garment import Garment
from hd_core.synth.garments.patterns import Pattern, pattern_field
from hd_core.synth.garments.slicing import BoundMesh

EDGE_M = 0.12
"""From a waistband or a neckline a garment widens to its full ease over this length."""
BAND_M = 0.015
"""Width of the band at the upper edge of a skirt or trousers that stays where it is."""
LEAST_GAP_M = 0.006
"""Between a garment and the skin at rest."""
HIDDEN_MARGIN = 0.04
"""Skin is hidden where the pattern covers it by this much, so that nothing is missing at a hem that rides up."""
SLOTS = 8


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A garment on one person.

    Args:
        garment: At rest, as the cloth solver takes it.
        bone_indices: Bones that each vertex follows, strongest first.
        bone_weights: Their shares; they sum to 1.
        canonical: Where on the template each vertex lies, m; the same for everybody, so prints can be looked up.
    """

    garment: Garment
    bone_indices: UInt8[np.ndarray, "g 8"]
    bone_weights: Float32[np.ndarray, "g 8"]
    canonical: Float32[np.ndarray, "g 3"]


def fit(pattern: Pattern, mesh: BoundMesh, model: BodyModel, rest: RestBody, *, ease_m: float) -> Fitted:
    """Put a cut pattern on a person.

    Args:
        pattern: The cut.
        mesh: The pattern's triangles, from `cut_pattern`.
        model: The shared body.
        rest: The person.
        ease_m: How far the garment stands off the skin where it is widest, m: 0.01 tight, 0.06 baggy.
    """
    canonical = mesh.apply(model.template.astype(np.float64)).astype(np.float32)
    base = mesh.apply(rest.vertices.astype(np.float64)).astype(np.float32)
    points = base + _ease(pattern, canonical, ease_m)[:, None] * smooth_normals(base, mesh.faces)
    points, gap = _off_the_skin(points, model, rest)
    indices, weights = _bones(mesh, model)
    band = np.zeros(len(points), bool)
    if pattern.kind != "top":
        band = canonical[:, 2] > pattern.waist_m - BAND_M
    garment = Garment(rest=points, faces=mesh.faces, pinned=band, skin_distance=gap)
    return Fitted(garment=garment, bone_indices=indices, bone_weights=weights, canonical=canonical)


def hidden_skin(pattern: Pattern, model: BodyModel) -> Bool[np.ndarray, " s"]:
    """Skin vertices that are under the garment whatever it does; a skirt hides none, one sees under it."""
    if pattern.kind == "skirt":
        return np.zeros(NUM_SKIN_VERTICES, bool)
    covered: np.ndarray = pattern_field(pattern, model)[:NUM_SKIN_VERTICES] > HIDDEN_MARGIN
    return covered


def _ease(pattern: Pattern, canonical: Float32[np.ndarray, "g 3"], ease_m: float) -> Float32[np.ndarray, " g"]:
    """The least gap at the upper edge, the full ease from a hand's width below it."""
    upper = pattern.neck_m if pattern.kind == "top" else pattern.waist_m
    widening = np.clip((upper - canonical[:, 2]) / EDGE_M, 0, 1)
    if pattern.kind == "top":  # sleeves are below the neckline but near it in height where the shoulder is
        widening = np.maximum(widening, np.clip((np.abs(canonical[:, 0]) - 0.12) / 0.1, 0, 0.6))
    ease: np.ndarray = (LEAST_GAP_M + max(ease_m - LEAST_GAP_M, 0) * widening).astype(np.float32)
    return ease


def _off_the_skin(
    points: Float32[np.ndarray, "g 3"], model: BodyModel, rest: RestBody
) -> tuple[Float32[np.ndarray, "g 3"], Float32[np.ndarray, " g"]]:
    """Push out what is too close to the nearest skin; returns the gaps, too."""
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, model.faces["body"])
    _, nearest = cKDTree(skin).query(points)
    gap = ((points - skin[nearest]) * normals[nearest]).sum(axis=1)
    short = np.clip(LEAST_GAP_M - gap, 0, None)
    moved = (points + short[:, None] * normals[nearest]).astype(np.float32)
    return moved, (gap + short).astype(np.float32)


def _bones(mesh: BoundMesh, model: BodyModel) -> tuple[UInt8[np.ndarray, "g 8"], Float32[np.ndarray, "g 8"]]:
    """The mean of the sources' bone weights, its strongest `SLOTS` kept."""
    dense = np.zeros((len(model.template), len(BONES)), np.float32)
    np.add.at(dense, (np.arange(len(dense))[:, None], model.bone_indices), model.bone_weights)
    mean = mesh.apply(dense)
    strongest = np.argsort(-mean, axis=1, kind="stable")[:, :SLOTS]
    weights = np.take_along_axis(mean, strongest, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return strongest.astype(np.uint8), weights.astype(np.float32)
