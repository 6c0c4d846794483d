"""Several garments worn over each other: each keeps off the body and off all those below it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from hd_core.errors import InputError
from hd_core.synth.cloth.contact import surface_normals
from hd_core.synth.cloth.fabric import Fabric
from hd_core.synth.cloth.garment import ClothOptions, Garment
from hd_core.synth.cloth.solver import ClothState

OUTER_CLEARANCE_M = 0.009
"""Distance of an outer layer from the skin; there is room for one layer between them."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One garment of an outfit and its fabric."""

    garment: Garment
    fabric: Fabric


class Outfit:
    """Layers in motion, from the skin outwards; each starts at rest on its first target.

    Args:
        layers: Innermost first.
        targets: Where skinning puts each of them at the start.
        body_vertices: The body at the start.
        body_normals: Its outward unit normals.
        fps: Frames per second.
        options: How to simulate; its clearance is that of the innermost layer to the skin, and of any layer to the
            one below.
        rest_body: The body in the garments' rest pose; that at the start if omitted.
        limbs: Limb of each body vertex; see `ClothState`.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        targets: Sequence[Float[np.ndarray, "_ 3"]],
        body_vertices: Float[np.ndarray, "b 3"],
        body_normals: Float[np.ndarray, "b 3"],
        *,
        fps: float,
        options: ClothOptions | None = None,
        rest_body: Float[np.ndarray, "b 3"] | None = None,
        limbs: Int[np.ndarray, " b"] | None = None,
    ) -> None:
        options = options or ClothOptions()
        self._layers = tuple(layers)
        self._states: list[ClothState] = []
        self._check(targets)
        vertices, normals = body_vertices, body_normals
        rest = body_vertices if rest_body is None else rest_body
        kept = np.full(len(vertices), options.clearance_m)
        for layer, target in zip(self._layers, targets, strict=True):
            state = ClothState(
                layer.garment,
                layer.fabric,
                target,
                vertices,
                normals,
                fps=fps,
                options=options,
                rest_body=rest,
                clearance_m=kept,
                limbs=limbs,
            )
            if limbs is not None:
                limbs = np.concatenate([limbs, state.limbs])
            self._states.append(state)
            vertices, normals = _with(layer, state.positions, vertices, normals)
            rest = np.concatenate([rest, layer.garment.rest])
            kept[: len(body_vertices)] = max(OUTER_CLEARANCE_M, options.clearance_m)
            kept = np.concatenate([kept, np.full(len(target), options.clearance_m)])

    def step(
        self,
        targets: Sequence[Float[np.ndarray, "_ 3"]],
        body_vertices: Float[np.ndarray, "b 3"],
        body_normals: Float[np.ndarray, "b 3"],
    ) -> list[Float32[np.ndarray, "_ 3"]]:
        """Move all layers on by one frame, from the skin outwards."""
        self._check(targets)
        vertices, normals = body_vertices, body_normals
        moved = []
        for layer, state, target in zip(self._layers, self._states, targets, strict=True):
            moved.append(state.step(target, vertices, normals))
            vertices, normals = _with(layer, moved[-1], vertices, normals)
        return moved

    def _check(self, targets: Sequence[Float[np.ndarray, "_ 3"]]) -> None:
        if len(targets) != len(self._layers):
            raise InputError(f"Found {len(targets)} targets; expected {len(self._layers)}, one per layer.")


def _with(
    layer: Layer,
    positions: Float[np.ndarray, "g 3"],
    vertices: Float[np.ndarray, "b 3"],
    normals: Float[np.ndarray, "b 3"],
) -> tuple[Float[np.ndarray, "_ 3"], Float[np.ndarray, "_ 3"]]:
    """A layer and what is below it, as one thing to keep off."""
    own = np.empty((len(positions), 3))
    surface_normals(positions.astype(np.float64), layer.garment.faces, own)
    return np.concatenate([vertices, positions]), np.concatenate([normals, own])
