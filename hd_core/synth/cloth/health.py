"""Whether a simulated garment can be shown: finite, whole, outside the body, and not flying apart."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from hd_core.errors import InputError
from hd_core.synth.cloth.garment import Garment
from hd_core.synth.rows import unique_rows

LASTING = 3
"""Tears and sunk cloth last longer than this many frames, so that only every so many are looked at for them."""


@dataclass(frozen=True, kw_only=True)
class HealthLimits:
    """What is still called healthy.

    Args:
        stretch: Length of an edge, over its length at rest or in the target if that is longer, above which it counts
            as torn.
        growth_m: A torn edge is this much longer, too, metres: slivers and fine meshes have edges of a millimetre.
        torn_share: Largest share of torn edges in any frame, by length: slivers count for little.
        depth_m: Distance below the skin from which a vertex counts as sunk, metres.
        reach_m: Vertices farther than this from every body vertex are not looked at, metres.
        sunk_share: Largest share of sunk vertices in any frame.
        speed: Fastest that any vertex may move against its target, m/s.
    """

    stretch: float = 1.8
    growth_m: float = 0.01
    torn_share: float = 0.02
    depth_m: float = 0.01
    reach_m: float = 0.05
    sunk_share: float = 0.02
    speed: float = 12.0


@dataclass(frozen=True, kw_only=True)
class Health:
    """The verdict on one garment in one clip.

    Args:
        ok: Whether nothing is wrong.
        reasons: What is wrong, one clear line each.
        figures: The worst of every measure over the frames: `torn_share`, `sunk_share`, `speed` (m/s).
    """

    ok: bool
    reasons: tuple[str, ...]
    figures: dict[str, float]


def examine(
    garment: Garment,
    positions: Float[np.ndarray, "t g 3"],
    targets: Float[np.ndarray, "t g 3"],
    body_vertices: Float[np.ndarray, "t b 3"],
    body_normals: Float[np.ndarray, "t b 3"],
    *,
    fps: float,
    limits: HealthLimits | None = None,
) -> Health:
    """Look for the faults that cloth simulations have.

    What skinning itself does to the garment, where limbs press into each other, is not held against the cloth.

    Args:
        garment: The garment.
        positions: As simulated.
        targets: As skinned.
        body_vertices: The body in the same frames; may have no vertices.
        body_normals: Its outward unit normals.
        fps: Frames per second.
        limits: What is still healthy.
    """
    if positions.shape != targets.shape or positions.shape[1] != len(garment.rest):
        found = f"positions {positions.shape}, targets {targets.shape}"
        raise InputError(f"Found {found}; expected both of t x {len(garment.rest)} x 3.")
    limits = limits or HealthLimits()
    broken = int((~np.isfinite(positions).all(axis=(1, 2))).sum())
    if broken:
        return Health(ok=False, reasons=(f"{broken} of {len(positions)} frames are not finite.",), figures={})
    some = slice(None, None, LASTING)
    placed = zip(positions[some], targets[some], strict=True)
    bodies = zip(body_vertices[some], body_normals[some], strict=True)
    figures = {
        "torn_share": _torn_share(garment, positions[some], targets[some], limits),
        "sunk_share": max(_sunk_share(garment, at, body, limits) for at, body in zip(placed, bodies, strict=True)),
        "speed": _speed(positions, targets, fps),
    }
    return Health(ok=not (reasons := _reasons(figures, limits)), reasons=reasons, figures=figures)


def _reasons(figures: dict[str, float], limits: HealthLimits) -> tuple[str, ...]:
    torn, sunk, speed = figures["torn_share"], figures["sunk_share"], figures["speed"]
    reasons = []
    if torn > limits.torn_share:
        reasons.append(
            f"{torn:.2%} of the edges are over {limits.stretch} x their length; allowed {limits.torn_share:.2%}."
        )
    if sunk > limits.sunk_share:
        depth_mm = 1000 * limits.depth_m
        reasons.append(
            f"{sunk:.2%} of the vertices are {depth_mm:.0f} mm in the body; allowed {limits.sunk_share:.2%}."
        )
    if speed > limits.speed:
        reasons.append(f"A vertex moves at {speed:.1f} m/s against its target; allowed {limits.speed:.1f}.")
    return tuple(reasons)


def _torn_share(
    garment: Garment, positions: Float[np.ndarray, "t g 3"], targets: Float[np.ndarray, "t g 3"], limits: HealthLimits
) -> float:
    a, b = _edges(garment.faces).T
    rest = np.linalg.norm(garment.rest[a] - garment.rest[b], axis=-1)
    wanted = np.linalg.norm(targets[:, a] - targets[:, b], axis=-1)
    now = np.linalg.norm(positions[:, a] - positions[:, b], axis=-1)
    due = np.maximum(rest, wanted)
    torn = now > np.maximum(limits.stretch * due, due + limits.growth_m)
    return float((torn @ rest).max() / max(float(rest.sum()), 1e-9))


def _edges(faces: Int[np.ndarray, "f 3"]) -> Int[np.ndarray, "e 2"]:
    ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return unique_rows(ends)[0]


def _sunk_share(
    garment: Garment,
    placed: tuple[Float[np.ndarray, "g 3"], Float[np.ndarray, "g 3"]],
    surface: tuple[Float[np.ndarray, "b 3"], Float[np.ndarray, "b 3"]],
    limits: HealthLimits,
) -> float:
    """Share of vertices that are free, deep in the body, and not put there by skinning."""
    (points, target), (body, normals) = placed, surface
    if not len(body):
        return 0.0
    tree = cKDTree(body, compact_nodes=False, balanced_tree=False)  # quicker to build, the same answers

    def sunk(at: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        distance, nearest = tree.query(at, distance_upper_bound=limits.reach_m)
        nearest = np.minimum(nearest, len(body) - 1)  # where nothing is in reach
        height = ((at - body[nearest]) * normals[nearest]).sum(axis=-1)
        return np.asarray((height < -limits.depth_m) & (distance < limits.reach_m))

    deep = np.flatnonzero(sunk(points) & ~garment.pinned)
    return float((~sunk(target[deep])).sum() / len(points))


def _speed(positions: Float[np.ndarray, "t g 3"], targets: Float[np.ndarray, "t g 3"], fps: float) -> float:
    if len(positions) < 2:
        return 0.0
    astray = np.diff(positions.astype(np.float64) - targets, axis=0)
    return float(np.linalg.norm(astray, axis=-1).max() * fps)
