"""The inner loops of the cloth: one frame of small XPBD steps on plain arrays.

Macklin, Mueller, Chentanez 2016, "XPBD: position-based simulation of compliant constrained dynamics", eq. 18, in
the form of Macklin et al. 2019, "Small steps in physics simulation": one sweep per substep, so the multipliers
start at zero and need no memory. Callers hand in what does not change within a clip as ready-made factors.
"""

# ruff: noqa: PLR0917 - compiled code has no keywords

import math

import numpy as np

from hd_core.compiled import compiled

PRESS = 0.2
"""Share of its depth by which another limb pushes a vertex out in a substep: softly, its own limb has the last word."""


@compiled
def advance_frame(
    x: np.ndarray,
    v: np.ndarray,
    target_from: np.ndarray,
    target_to: np.ndarray,
    inverse_mass: np.ndarray,
    follow: np.ndarray,
    edges: np.ndarray,
    lengths: np.ndarray,
    edge_gain: np.ndarray,
    hinges: np.ndarray,
    hinge_weights: np.ndarray,
    hinge_gain: np.ndarray,
    planes: np.ndarray,
    clearance: np.ndarray,
    other_planes: np.ndarray,
    other_clearance: np.ndarray,
    friction: float,
    ground: float,
    gravity: float,
    keep: float,
    max_speed: float,
    step: float,
    substeps: int,
) -> None:
    """Move a cloth by one frame, in place.

    Args:
        x: Positions, g 3, metres.
        v: Velocities, g 3, m/s.
        target_from: Skinned garment at the start of the frame.
        target_to: The same at its end; in between it moves evenly.
        inverse_mass: 1/kg; 0 holds a vertex at its target.
        follow: Share of the way to the target that a substep goes.
        edges: e 2.
        lengths: e, metres.
        edge_gain: 1 / (w_a + w_b + compliance / step^2).
        hinges: k 4.
        hinge_weights: k 4.
        hinge_gain: 1 / (sum of w c^2 + compliance / step^2).
        planes: g 4 3: point of the body and its normal at the start, then at the end of the frame.
        clearance: g, metres that the cloth keeps from its plane; -inf where there is none.
        other_planes: The same of another limb that the cloth is pressed against.
        other_clearance: g; -inf where there is none.
        friction: Coulomb's coefficient.
        ground: Height that the cloth stays above, metres; -inf for none.
        gravity: m/s^2, along -z.
        keep: Share of the velocity left after a substep.
        max_speed: m/s.
        step: Length of a substep, seconds.
        substeps: How many.
    """
    before = np.empty_like(x)
    pushed = np.zeros(x.shape[0])
    normal = np.zeros_like(x)
    drift = np.zeros_like(x)
    for k in range(substeps):
        share = (k + 1) / substeps
        _predict(x, v, before, target_from, target_to, inverse_mass, share, gravity, step)
        _bend(x, inverse_mass, hinges, hinge_weights, hinge_gain)
        _stretch(x, inverse_mass, edges, lengths, edge_gain)
        _follow(x, target_from, target_to, follow, share)
        pushed[:] = 0.0
        for sides, kept, give in ((other_planes, other_clearance, PRESS), (planes, clearance, 1.0)):
            _keep_out(x, before, inverse_mass, sides, kept, give, pushed, normal, drift, friction, share, 1 / substeps)
        _stand(x, before, inverse_mass, pushed, normal, drift, friction, ground)
        _velocities(x, v, before, pushed, normal, drift, keep, max_speed, step)


@compiled
def _predict(
    x: np.ndarray,
    v: np.ndarray,
    before: np.ndarray,
    target_from: np.ndarray,
    target_to: np.ndarray,
    inverse_mass: np.ndarray,
    share: float,
    gravity: float,
    step: float,
) -> None:
    """Free flight; held vertices go where their target is."""
    for i in range(x.shape[0]):
        for d in range(3):
            before[i, d] = x[i, d]
        if inverse_mass[i] == 0.0:
            for d in range(3):
                x[i, d] = target_from[i, d] + share * (target_to[i, d] - target_from[i, d])
        else:
            v[i, 2] -= gravity * step
            for d in range(3):
                x[i, d] += step * v[i, d]


@compiled
def _bend(x: np.ndarray, inverse_mass: np.ndarray, hinges: np.ndarray, weights: np.ndarray, gain: np.ndarray) -> None:
    """Towards zero curvature: the constraint is a vector, linear in the positions."""
    for h in range(hinges.shape[0]):
        a, b, c, e = hinges[h, 0], hinges[h, 1], hinges[h, 2], hinges[h, 3]
        wa, wb, wc, we = weights[h, 0], weights[h, 1], weights[h, 2], weights[h, 3]
        ma, mb, mc, me = wa * inverse_mass[a], wb * inverse_mass[b], wc * inverse_mass[c], we * inverse_mass[e]
        g = gain[h]
        for d in range(3):
            move = -g * (wa * x[a, d] + wb * x[b, d] + wc * x[c, d] + we * x[e, d])
            x[a, d] += ma * move
            x[b, d] += mb * move
            x[c, d] += mc * move
            x[e, d] += me * move


@compiled
def _stretch(x: np.ndarray, inverse_mass: np.ndarray, edges: np.ndarray, lengths: np.ndarray, gain: np.ndarray) -> None:
    """Towards the length at rest."""
    for e in range(edges.shape[0]):
        a, b = edges[e, 0], edges[e, 1]
        dx, dy, dz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        if length < 1e-9:
            continue
        pull = gain[e] * (length - lengths[e]) / length
        pa, pb = inverse_mass[a] * pull, inverse_mass[b] * pull
        x[a, 0] += pa * dx
        x[a, 1] += pa * dy
        x[a, 2] += pa * dz
        x[b, 0] -= pb * dx
        x[b, 1] -= pb * dy
        x[b, 2] -= pb * dz


@compiled
def _follow(x: np.ndarray, target_from: np.ndarray, target_to: np.ndarray, follow: np.ndarray, share: float) -> None:
    """Soft springs to the skinned garment."""
    for i in range(x.shape[0]):
        for d in range(3):
            target = target_from[i, d] + share * (target_to[i, d] - target_from[i, d])
            x[i, d] += follow[i] * (target - x[i, d])


@compiled
def _keep_out(
    x: np.ndarray,
    before: np.ndarray,
    inverse_mass: np.ndarray,
    planes: np.ndarray,
    clearance: np.ndarray,
    give: float,
    pushed: np.ndarray,
    normal: np.ndarray,
    drift: np.ndarray,
    friction: float,
    share: float,
    part: float,
) -> None:
    """Out of the body: each vertex stays above its own moving tangent plane."""
    away = np.empty(3)
    for i in range(x.shape[0]):
        if inverse_mass[i] == 0.0 or clearance[i] == -np.inf:
            continue
        height = 0.0
        square = 0.0
        for d in range(3):
            away[d] = planes[i, 1, d] + share * (planes[i, 3, d] - planes[i, 1, d])
            square += away[d] * away[d]
            height += away[d] * (x[i, d] - planes[i, 0, d] - share * (planes[i, 2, d] - planes[i, 0, d]))
        size = math.sqrt(max(square, 1e-20))
        depth = give * (clearance[i] - height / size)
        if depth > 0:
            for d in range(3):
                normal[i, d] = away[d] / size
                drift[i, d] = part * (planes[i, 2, d] - planes[i, 0, d])
                x[i, d] += depth * normal[i, d]
            pushed[i] = depth
            _rub(x, before, normal, drift, i, friction * depth)


@compiled
def _stand(
    x: np.ndarray,
    before: np.ndarray,
    inverse_mass: np.ndarray,
    pushed: np.ndarray,
    normal: np.ndarray,
    drift: np.ndarray,
    friction: float,
    ground: float,
) -> None:
    """Above the ground, which has the last word."""
    for i in range(x.shape[0]):
        depth = ground - x[i, 2]
        if depth > 0 and inverse_mass[i] > 0:
            x[i, 2] = ground
            pushed[i] = depth
            for d in range(3):
                normal[i, d] = 1.0 if d == 2 else 0.0
                drift[i, d] = 0.0
            _rub(x, before, normal, drift, i, friction * depth)


@compiled
def _rub(x: np.ndarray, before: np.ndarray, normal: np.ndarray, drift: np.ndarray, i: int, grip: float) -> None:
    """Take back at most `grip` metres of the way that a vertex slid along what it touches."""
    along = 0.0
    for d in range(3):
        along += normal[i, d] * (x[i, d] - before[i, d] - drift[i, d])
    square = 0.0
    for d in range(3):
        slide = x[i, d] - before[i, d] - drift[i, d] - along * normal[i, d]
        square += slide * slide
    share = min(grip / math.sqrt(max(square, 1e-30)), 1.0)
    for d in range(3):
        x[i, d] -= share * (x[i, d] - before[i, d] - drift[i, d] - along * normal[i, d])


@compiled
def _velocities(
    x: np.ndarray,
    v: np.ndarray,
    before: np.ndarray,
    pushed: np.ndarray,
    normal: np.ndarray,
    drift: np.ndarray,
    keep: float,
    max_speed: float,
    step: float,
) -> None:
    """What the positions did; being pushed out of something does not make a vertex fly off it."""
    for i in range(x.shape[0]):
        leave = 0.0
        for d in range(3):
            v[i, d] = (x[i, d] - before[i, d]) / step
            leave += normal[i, d] * (v[i, d] - drift[i, d] / step)
        if pushed[i] > 0 and leave > 0:
            for d in range(3):
                v[i, d] -= leave * normal[i, d]
        speed = math.sqrt(v[i, 0] ** 2 + v[i, 1] ** 2 + v[i, 2] ** 2)
        scale = keep * min(1.0, max_speed / max(speed, 1e-12))
        for d in range(3):
            v[i, d] *= scale
