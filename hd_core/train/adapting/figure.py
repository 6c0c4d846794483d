"""The body that is fitted to maps of the body: a mean adult, ways in which adults differ, and bones that bend it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float32

from hd_core.synth.body.identity import OLD, YOUNG, Identity, blend_weights
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body

WAYS = 6
"""Directions in which bodies may differ."""
_DRAWS = 200
_SLIDERS = (
    "gender",
    "muscle",
    "weight",
    "height",
    "proportions",
    "cupsize",
    "firmness",
    "african",
    "asian",
    "caucasian",
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Adults at rest, in the axes of the template: metres, Z up, facing -Y.

    Args:
        vertices: Skin of the mean adult; rows as in the atlas `anny24`.
        ways: What one standard deviation along each direction adds.
        bone_weights: Shares of the bones in each vertex's motion.
        heads: Heads of the bones of the mean adult.
        head_ways: What one standard deviation along each direction adds to them.
    """

    vertices: Float32[np.ndarray, "v 3"]
    ways: Float32[np.ndarray, "s v 3"]
    bone_weights: Float32[np.ndarray, "v 31"]
    heads: Float32[np.ndarray, "31 3"]
    head_ways: Float32[np.ndarray, "s 31 3"]


@cache
def load_figure() -> Figure:
    """The mean of drawn adults and their principal directions; always the same draws."""
    model, rng = load_body(), np.random.default_rng(0)
    drawn = np.stack([blend_weights(model, _adult(rng)).astype(np.float32) @ model.mix for _ in range(_DRAWS)])
    mean = drawn.mean(axis=0)
    _, deviations, directions = np.linalg.svd(drawn - mean, full_matrices=False)
    ways = directions[:WAYS] * (deviations[:WAYS, None] / np.sqrt(_DRAWS))
    flat = model.basis.reshape(len(model.basis), -1)
    vertices = model.template + (mean @ flat).reshape(-1, 3)
    moved = (ways @ flat).reshape(WAYS, -1, 3)
    weights = np.zeros((NUM_SKIN_VERTICES, len(model.head_vertices)), np.float32)
    rows = np.arange(NUM_SKIN_VERTICES)
    for bones, shares in zip(
        model.bone_indices[:NUM_SKIN_VERTICES].T, model.bone_weights[:NUM_SKIN_VERTICES].T, strict=True
    ):
        np.add.at(weights, (rows, bones), shares)
    return Figure(
        vertices=vertices[:NUM_SKIN_VERTICES].astype(np.float32),
        ways=np.ascontiguousarray(moved[:, :NUM_SKIN_VERTICES], np.float32),
        bone_weights=weights,
        heads=vertices[model.head_vertices].mean(axis=1).astype(np.float32),
        head_ways=moved[:, model.head_vertices].mean(axis=2).astype(np.float32),
    )


def _adult(rng: np.random.Generator) -> Identity:
    """Any sliders: what is wanted is how bodies differ, not how often which is met."""
    return Identity(age=rng.uniform(YOUNG, OLD), **{name: float(rng.random()) for name in _SLIDERS})
