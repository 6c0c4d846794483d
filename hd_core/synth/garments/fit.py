"""A pattern on a person: how far it stands off the skin, how wide it falls, what it follows, how freely it hangs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from scipy.sparse import csr_matrix, diags
from scipy.spatial import cKDTree

from hd_core.mesh.faces import boundary_edges, edges_of
from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import NUM_SKIN_VERTICES, BodyModel
from hd_core.synth.body.skeleton import BONES
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.cloth.garment import Garment
from hd_core.synth.garments.bolts import SKIRT_TOP, Places, base_places
from hd_core.synth.garments.patterns import Pattern, front_gap
from hd_core.synth.garments.shaping import keep_apart, shaped
from hd_core.synth.garments.slicing import BoundMesh
from hd_core.synth.garments.trims import trim_points, trim_seam

EDGE_M = 0.12
"""From a waistband or a neckline a garment widens to its full ease over this length."""
BAND_M = 0.015
"""Width of the band at the upper edge of a skirt or trousers that stays where it is."""
LEAST_GAP_M = 0.006
"""Between a garment and the skin at rest."""
HEM_M = 0.02
OVER_GAP_M = 0.004
"""Between a top and what it is worn over on the hips."""
SHOULDER_M, LYING_SHARE = 0.42, 0.65
"""Above this cloth lies on the body where that looks up; the share of its ease that is missing there."""
SLOTS = 8
FLAP_M = 0.07
"""An open front hangs freely for about this far from its edge."""
TRIM_FREEDOM, SEAM_FREEDOM = 0.03, 1e-3
"""Trims keep their shape: they are tied more firmly than what hangs, most of all at their seam."""
WAIST_M, WAIST_PASSES = 0.12, 40
"""Around the seam of a dress what its vertices follow is evened out: its two halves do not follow the same bones."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A garment on one person.

    Args:
        garment: At rest, as the cloth solver takes it.
        bone_indices: Bones that each vertex follows, strongest first.
        bone_weights: Their shares; they sum to 1.
        canonical: Where on the template each vertex lies, m; the same for everybody, so prints can be looked up.
        shown: Triangles that can be seen; the others lie under another garment.
    """

    garment: Garment
    bone_indices: UInt8[np.ndarray, "g 8"]
    bone_weights: Float32[np.ndarray, "g 8"]
    canonical: Float32[np.ndarray, "g 3"]
    shown: Bool[np.ndarray, " f"]


def fit(
    pattern: Pattern, mesh: BoundMesh, model: BodyModel, rest: RestBody, *, ease_m: float, under_m: float = 0.0
) -> Fitted:
    """Put a cut pattern on a person.

    Args:
        pattern: The cut.
        mesh: The pattern's triangles, from `cut_pattern`.
        model: The shared body.
        rest: The person.
        ease_m: How far the garment stands off the skin where it is widest, m: 0.01 tight, 0.06 baggy.
        under_m: Room for what is worn under it, m.
    """
    at = base_places().on(mesh)
    ease = under_m + _ease(pattern, at, ease_m)
    points, canonical = _drafted(pattern, mesh, model, rest, ease)
    least = ease if pattern.trim is not None else np.full(len(points), LEAST_GAP_M + under_m)
    points, gap = _off_the_skin(points, model, rest, least)
    keep_apart(pattern, at, points)
    near = np.abs(at.z - SKIRT_TOP[0]) < WAIST_M if pattern.cloth == "gown" else np.zeros(len(at.z), bool)
    indices, weights = _bones(mesh, model, even=near & ~at.on_arm)
    garment = Garment(
        rest=points,
        faces=mesh.faces,
        pinned=_pinned(pattern, canonical),
        skin_distance=np.maximum(gap - under_m, 0).astype(np.float32),
        freedom=_freedom(pattern, at),
        outward=pattern.trim is None,
        hem_m=HEM_M,
    )
    shown = np.ones(len(mesh.faces), bool)
    return Fitted(garment=garment, bone_indices=indices, bone_weights=weights, canonical=canonical, shown=shown)


def _drafted(
    pattern: Pattern, mesh: BoundMesh, model: BodyModel, rest: RestBody, ease: Float[np.ndarray, " g"]
) -> tuple[Float32[np.ndarray, "g 3"], Float32[np.ndarray, "g 3"]]:
    """The garment around the person, not yet off the skin everywhere, and around the template."""
    source, body = (values.astype(np.float64) for values in (model.template, rest.vertices))
    mean, base = mesh.apply(source), mesh.apply(body)
    if pattern.trim is not None:
        drawn = trim_points(pattern.kind, pattern.trim)
        scale = rest.stature_m / float(np.ptp(model.template[:NUM_SKIN_VERTICES, 2]))
        return (base + scale * (drawn - mean)).astype(np.float32), drawn.astype(np.float32)
    at = base_places().on(mesh)
    normals = smooth_normals(base.astype(np.float32), mesh.faces)
    if pattern.kind not in {"bottom", "skirt"}:
        ease = _lying(ease, normals, at)
    points = base + ease[:, None] * normals
    points = _smoothed(shaped(pattern, at, points), mesh.faces, 2)
    if pattern.cloth == "gown":
        even = _smoothed(points, mesh.faces, WAIST_PASSES)
        share = np.clip(2 - 2 * np.abs(at.z - SKIRT_TOP[0]) / WAIST_M, 0, 1) * ~at.on_arm
        points += share[:, None] * (even - points)
    return points.astype(np.float32), mean.astype(np.float32)


def _ease(pattern: Pattern, at: Places, ease_m: float) -> Float[np.ndarray, " g"]:
    """The least gap at the upper edge, the full ease from a hand's width below it."""
    worn_on_shoulders = pattern.kind not in {"bottom", "skirt"}
    upper = pattern.neck_m if worn_on_shoulders else pattern.waist_m
    widening = np.clip((upper - at.z) / EDGE_M, 0, 1)
    if worn_on_shoulders:  # sleeves are below the neckline but near it in height where the shoulder is
        widening = np.maximum(widening, np.clip((np.abs(at.x) - 0.12) / 0.1, 0, 0.6))
    if pattern.tucked:
        widening *= np.clip((at.z - pattern.waist_m) / EDGE_M, 0, 1)
    ease: np.ndarray = LEAST_GAP_M + max(ease_m - LEAST_GAP_M, 0) * widening
    if pattern.hips_m:  # what is under it has its own ease, from its own waistband on
        below = (pattern.waist_m - at.z) / EDGE_M
        under = LEAST_GAP_M + OVER_GAP_M + pattern.hips_m * np.clip(below, 0, 1)
        ease = np.where((below > 0) & ~at.on_arm, np.maximum(ease, under), ease)
    return ease


def _lying(ease: Float[np.ndarray, " g"], normals: Float[np.ndarray, "g 3"], at: Places) -> Float[np.ndarray, " g"]:
    """Less ease on top of shoulders and arms, where cloth lies and does not hang."""
    upwards = np.clip((normals[:, 2] - 0.1) / 0.6, 0, 1) * (at.on_arm | (at.z > SHOULDER_M))
    return np.asarray(ease - LYING_SHARE * upwards * np.maximum(ease - LEAST_GAP_M, 0))


def _smoothed(points: Float[np.ndarray, "g 3"], faces: Int[np.ndarray, "f 3"], passes: int) -> Float[np.ndarray, "g 3"]:
    """Without the corners of the coarse surface it was refined from; edges stay where they are."""
    near = _neighbours(faces, len(points))
    inner = np.ones((len(points), 1))
    inner[np.unique(boundary_edges(faces))] = 0
    for _ in range(passes):
        points = points + 0.5 * inner * (near @ points - points)
    return points


def _neighbours(faces: Int[np.ndarray, "f 3"], count: int) -> csr_matrix:
    """The matrix that takes the mean over every vertex's neighbours."""
    ends = edges_of(faces)
    links = np.concatenate([ends, ends[:, ::-1]])
    near = csr_matrix((np.ones(len(links)), links.T), shape=(count, count))
    near.data[:] = 1
    return diags(1 / np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)) @ near


def _pinned(pattern: Pattern, canonical: Float32[np.ndarray, "g 3"]) -> Bool[np.ndarray, " g"]:
    """A waistband."""
    if pattern.kind in {"bottom", "skirt"}:
        return np.asarray(canonical[:, 2] > pattern.waist_m - BAND_M)
    return np.zeros(len(canonical), bool)


def _freedom(pattern: Pattern, at: Places) -> Float[np.ndarray, " g"]:
    """How much less than usual every vertex is tied to where skinning wants it."""
    if pattern.trim is not None:
        return np.where(trim_seam(pattern.kind, pattern.trim) <= 0, SEAM_FREEDOM, TRIM_FREEDOM)
    if pattern.kind in {"bottom", "overall"}:
        free = np.clip(at.leg - 0.5, 0, 1)
    else:
        top = pattern.waist_m if pattern.kind == "skirt" else min(pattern.waist_m, pattern.hem_m + 0.2)
        free = np.where(at.on_arm, np.clip(at.arm - 1, 0, 1), np.clip((top - at.z) / 0.3, 0, 1))
    if pattern.front_m:
        edge = np.exp(-np.maximum(np.abs(at.x) - front_gap(pattern, at), 0) / FLAP_M)
        below = np.clip((pattern.neck_m - 0.06 - at.z) / 0.15, 0, 1)
        free = np.maximum(free, np.where((at.y < 0) & ~at.on_arm, edge * below, 0))
    return np.asarray(pattern.freedom**free)


def _off_the_skin(
    points: Float32[np.ndarray, "g 3"], model: BodyModel, rest: RestBody, least_m: Float[np.ndarray, " g"]
) -> tuple[Float32[np.ndarray, "g 3"], Float32[np.ndarray, " g"]]:
    """Push out what is too close to the nearest skin; returns the gaps, too."""
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, model.faces["body"])
    _, nearest = cKDTree(skin).query(points)
    gap = ((points - skin[nearest]) * normals[nearest]).sum(axis=1)
    short = np.clip(least_m - gap, 0, None)
    moved = (points + short[:, None] * normals[nearest]).astype(np.float32)
    return moved, (gap + short).astype(np.float32)


def _bones(
    mesh: BoundMesh, model: BodyModel, *, even: Bool[np.ndarray, " g"]
) -> tuple[UInt8[np.ndarray, "g 8"], Float32[np.ndarray, "g 8"]]:
    """The mean of the sources' bone weights, evened out where it is asked for, its strongest `SLOTS` kept."""
    dense = np.zeros((len(model.template), len(BONES)), np.float32)
    np.add.at(dense, (np.arange(len(dense))[:, None], model.bone_indices), model.bone_weights)
    mean = mesh.apply(dense).astype(np.float32)
    if even.any():
        near = _neighbours(mesh.faces, len(mean))[even].astype(np.float32)
        for _ in range(WAIST_PASSES):
            mean[even] = (mean[even] + near @ mean) / 2
    strongest = np.argsort(-mean, axis=1, kind="stable")[:, :SLOTS]
    weights = np.take_along_axis(mean, strongest, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return strongest.astype(np.uint8), weights.astype(np.float32)
