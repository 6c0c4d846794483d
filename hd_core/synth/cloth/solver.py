"""Cloth over time: a skinned garment goes in frame by frame, one that hangs, folds and keeps off the body comes out.

The solver numbers the vertices by their place in the rest pose, so the result does not depend on how they, or the
faces, are ordered in the mesh.
"""

import numpy as np
from jaxtyping import Float, Float32, Int

from hd_core.errors import InputError
from hd_core.synth.cloth.constraints import build_constraints
from hd_core.synth.cloth.contact import find_candidates, look_up, surface_normals
from hd_core.synth.cloth.fabric import Fabric
from hd_core.synth.cloth.garment import ClothOptions, Garment, attachment, looseness
from hd_core.synth.cloth.kernels import advance_frame
from hd_core.synth.cloth.limbs import assign_limbs, look_up_other

LIGHTEST_SHARE = 1e-2
"""Lightest vertex over the mean one: those at slivers would otherwise weigh nothing."""


class ClothState:
    """A garment in motion; starts at rest on its first target.

    Args:
        garment: The garment.
        fabric: What it is made of.
        target: Where skinning puts the garment at the start.
        body_vertices: The body at the start; for an outer layer the body and the inner garment, one after the
            other. May be empty.
        body_normals: Unit normals of those vertices, outwards.
        fps: Frames per second.
        options: How to simulate.
        rest_body: The same body in the garment's rest pose: contacts are preselected there. Those at the start
            if omitted.
        clearance_m: Distance to keep from each body vertex; that of the options if omitted.
        limbs: Limb of each body vertex (0 trunk, 1 and 2 arms, 3 and 4 legs): cloth is then kept out of other limbs
            than its own, too, where these press against it.
    """

    def __init__(
        self,
        garment: Garment,
        fabric: Fabric,
        target: Float[np.ndarray, "g 3"],
        body_vertices: Float[np.ndarray, "b 3"],
        body_normals: Float[np.ndarray, "b 3"],
        *,
        fps: float,
        options: ClothOptions | None = None,
        rest_body: Float[np.ndarray, "b 3"] | None = None,
        clearance_m: Float[np.ndarray, " b"] | None = None,
        limbs: Int[np.ndarray, " b"] | None = None,
    ) -> None:
        if not fps > 0:
            raise InputError(f"Found {fps} frames per second; expected a positive rate.")
        self.garment, self.fabric, self.options = garment, fabric, options or ClothOptions()
        self._step = 1.0 / (fps * self.options.substeps)
        self._order = np.lexsort(garment.rest.T)
        self._rank = np.argsort(self._order)
        self._check(target, body_vertices, body_normals)
        self._tie()
        self._meet(target, body_vertices, rest_body, clearance_m, limbs)
        self._x = self._sorted(target)
        self._v = np.zeros_like(self._x)
        self._target = self._x.copy()
        self._body = _double(body_vertices), _double(body_normals)

    @property
    def positions(self) -> Float32[np.ndarray, "g 3"]:
        """The garment as it is now, metres."""
        return self._x[self._rank].astype(np.float32)

    @property
    def limbs(self) -> Int[np.ndarray, " g"]:
        """Limb of every vertex of the garment."""
        return self._limbs.home[self._rank]

    def step(
        self,
        target: Float[np.ndarray, "g 3"],
        body_vertices: Float[np.ndarray, "b 3"],
        body_normals: Float[np.ndarray, "b 3"],
    ) -> Float32[np.ndarray, "g 3"]:
        """Move on by one frame, at whose end target and body are the given ones.

        Raises:
            InputError: Sizes differ from those at the start, or something is not finite.
        """
        self._check(target, body_vertices, body_normals)
        if len(body_vertices) != len(self._body[0]):
            raise InputError(f"Found {len(body_vertices)} body vertices; expected {len(self._body[0])} as before.")
        target, body = self._sorted(target), (_double(body_vertices), _double(body_normals))
        options, ground = self.options, self.options.ground_m
        planes, clearance = self._planes(body)
        other_planes, other_clearance = self._other_planes(body, planes)
        advance_frame(
            self._x,
            self._v,
            self._target,
            target,
            self._inverse_mass,
            self._follow,
            self._edges,
            self._lengths,
            self._edge_gain,
            self._hinges,
            self._hinge_weights,
            self._hinge_gain,
            planes,
            clearance,
            other_planes,
            other_clearance,
            self.fabric.friction,
            -np.inf if ground is None else ground + options.clearance_m + self.fabric.thickness_m / 2,
            options.gravity,
            float(np.exp(-options.damping * self._step)),
            options.max_speed,
            self._step,
            options.substeps,
        )
        self._target, self._body = target, body
        return self.positions

    def _tie(self) -> None:
        """Constraints, masses and the factors that stay the same throughout."""
        rest = _double(self.garment.rest)[self._order]
        self._faces = faces = _canonical(self._rank[self.garment.faces])
        mesh = build_constraints(rest, faces, hem_m=self.garment.hem_m)
        areas = np.maximum(mesh.areas, LIGHTEST_SHARE * max(float(mesh.areas.mean()), 1e-9))
        held = self.garment.pinned[self._order]
        self._inverse_mass = w = np.where(held, 0.0, 1.0 / (areas * self.fabric.density))
        self._follow = 1.0 / (1.0 + attachment(self.garment, self.options)[self._order] / self._step**2)
        self._follow[held] = 0.0
        loose = looseness(self.garment, self.options)[self._order]
        self._edges, self._hinges, self._hinge_weights = mesh.edges, mesh.hinges, mesh.hinge_weights
        self._lengths = mesh.lengths * (1 + (self.fabric.slack - 1) * loose[mesh.edges].mean(axis=1))
        stretch = mesh.edge_shapes * self.fabric.stretch_compliance / self._step**2
        self._edge_gain = _inverse(w[mesh.edges].sum(axis=1) + stretch)
        bend = self.fabric.bend_compliance / self._step**2
        self._hinge_gain = _inverse((w[mesh.hinges] * mesh.hinge_weights**2).sum(axis=1) + bend)

    def _meet(
        self,
        target: Float[np.ndarray, "g 3"],
        body_vertices: Float[np.ndarray, "b 3"],
        rest_body: Float[np.ndarray, "b 3"] | None,
        clearance_m: Float[np.ndarray, " b"] | None,
        limbs: Int[np.ndarray, " b"] | None,
    ) -> None:
        """Preselect what every vertex can touch."""
        num = len(body_vertices)
        kept = np.full(num, self.options.clearance_m) if clearance_m is None else _double(clearance_m)
        if len(kept) != num or (rest_body is not None and len(rest_body) != num):
            raise InputError(f"Found clearances or a rest pose of another body; expected {num} vertices.")
        self._kept = kept + self.fabric.thickness_m / 2
        self._touched = np.full(len(self._order), -1, np.int32)
        if num:
            place, body = (target, body_vertices) if rest_body is None else (self.garment.rest, rest_body)
            wanders = self.garment.skin_distance >= self.options.wander_m
            at, skin = _double(place)[self._order], _double(body)
            self._candidates = find_candidates(at, skin, wanders[self._order])
            self._limbs = assign_limbs(at, skin, np.zeros(num, np.int64) if limbs is None else limbs)

    def _planes(
        self, body: tuple[Float[np.ndarray, "b 3"], Float[np.ndarray, "b 3"]]
    ) -> tuple[Float[np.ndarray, "g 4 3"], Float[np.ndarray, " g"]]:
        """Tangent plane of the nearest body vertex, at the start and at the end of the frame."""
        if not len(body[0]):
            return np.zeros((len(self._order), 4, 3)), np.full(len(self._order), -np.inf)
        found = self._candidates
        outwards = np.zeros_like(self._x)
        if self.garment.outward:
            surface_normals(self._target, self._faces, outwards)
        who = self._limbs
        look_up(
            self._x,
            outwards,
            who.home,
            who.place,
            *self._body,
            who.body,
            who.body_place,
            found.near,
            found.walks,
            found.neighbours,
            self._touched,
        )
        parts = (*self._body, *body)
        return np.stack([part[self._touched] for part in parts], axis=1), self._kept[self._touched]

    def _other_planes(
        self, body: tuple[Float[np.ndarray, "b 3"], Float[np.ndarray, "b 3"]], planes: Float[np.ndarray, "g 4 3"]
    ) -> tuple[Float[np.ndarray, "g 4 3"], Float[np.ndarray, " g"]]:
        """The same of another limb that is close."""
        found = np.full(len(self._order), -1, np.int64)
        if len(body[0]):
            who = self._limbs
            facing = np.ascontiguousarray(planes[:, 1])
            look_up_other(self._x, facing, who.home, who.place, *body, who.body, who.body_place, who.vertices, found)
        sides, clearance = np.zeros((len(found), 4, 3)), np.full(len(found), -np.inf)
        met = found >= 0
        if met.any():
            sides[met] = np.stack([part[found[met]] for part in (*self._body, *body)], axis=1)
            clearance[met] = (self.options.clearance_m + self.fabric.thickness_m) / 2
        return sides, clearance

    def _sorted(self, points: Float[np.ndarray, "g 3"]) -> Float[np.ndarray, "g 3"]:
        return np.ascontiguousarray(points[self._order], dtype=np.float64)

    def _check(
        self, target: Float[np.ndarray, "g 3"], vertices: Float[np.ndarray, "b 3"], normals: Float[np.ndarray, "b 3"]
    ) -> None:
        if len(target) != len(self._order):
            raise InputError(f"Found a target of {len(target)} vertices; expected {len(self._order)}.")
        if len(vertices) != len(normals):
            raise InputError(f"Found {len(normals)} normals; expected {len(vertices)}, one per body vertex.")
        if not all(np.isfinite(part).all() for part in (target, vertices, normals)):
            raise InputError("Found a target or body that is not finite; expected metres.")


def simulate(
    garment: Garment,
    fabric: Fabric,
    targets: Float[np.ndarray, "t g 3"],
    body_vertices: Float[np.ndarray, "_ b 3"],
    body_normals: Float[np.ndarray, "_ b 3"],
    *,
    fps: float,
    warm_up: int = 16,
    options: ClothOptions | None = None,
    rest_body: Float[np.ndarray, "b 3"] | None = None,
    clearance_m: Float[np.ndarray, " b"] | None = None,
) -> Float32[np.ndarray, "t g 3"]:
    """Simulate a whole clip; see `ClothState` for the arguments it shares with it.

    Args:
        garment: The garment.
        fabric: What it is made of.
        targets: The skinned garment in every frame.
        body_vertices: The body in every frame.
        body_normals: Its normals.
        fps: Frames per second.
        warm_up: Frames that the cloth gets to settle on the first target before the clip starts.
        options: How to simulate.
        rest_body: The body in the rest pose.
        clearance_m: Distance to keep from each body vertex.

    Returns:
        The garment in every frame; the first is where the warm-up has led.
    """
    if not len(targets) == len(body_vertices) == len(body_normals) > 0:
        counts = f"{len(targets)} targets, {len(body_vertices)} bodies, {len(body_normals)} sets of normals"
        raise InputError(f"Found {counts}; expected the same number of each, at least one.")
    first = targets[0], body_vertices[0], body_normals[0]
    state = ClothState(garment, fabric, *first, fps=fps, options=options, rest_body=rest_body, clearance_m=clearance_m)
    for _ in range(warm_up):
        state.step(*first)
    frames = [state.positions]
    frames += [state.step(*now) for now in zip(targets[1:], body_vertices[1:], body_normals[1:], strict=True)]
    return np.stack(frames)


def _double(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return np.ascontiguousarray(values, dtype=np.float64)


def _inverse(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """1 / values, and 0 for constraints between held vertices only."""
    return np.asarray(np.divide(1.0, values, out=np.zeros_like(values), where=values > 0))


def _canonical(faces: np.ndarray) -> np.ndarray:
    """Triangles that start at their smallest vertex, in lexical order."""
    turn = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(faces, turn, axis=1)
    return turned[np.lexsort(turned.T[::-1])]
