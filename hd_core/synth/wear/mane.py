"""Hair that hangs: a sheet that the cloth solver moves, fastened to the head, with a thick skin around it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32

from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.cloth.fabric import Fabric
from hd_core.synth.cloth.garment import ClothOptions, Garment
from hd_core.synth.cloth.solver import ClothState
from hd_core.synth.wear.forms import grid_faces
from hd_core.synth.wear.looks import Look
from hd_core.synth.wear.piece import Ties

FABRIC = Fabric(stretch_compliance=5e-5, bend_compliance=2e4, density=0.3, friction=0.2, slack=1.0, thickness_m=0.004)
OPTIONS = ClothOptions(
    substeps=10, damping=4.0, clearance_m=0.006, tight_m=0.006, loose_m=0.05, wander_m=0.03, loose_compliance=0.08
)


@dataclass(frozen=True, kw_only=True)
class Mane:
    """A sheet of hanging hair on one person.

    Args:
        name: For people to read, "ponytail".
        garment: The sheet at rest, row by row from the head down.
        rows: Rows of the sheet.
        ties: What the sheet follows where it is fastened.
        outer_m: How far the hair reaches to the outside of the sheet, 0 at the border.
        inner_m: The same to the inside.
        texture: Where its look is looked up.
        look: What it looks like.
    """

    name: str
    garment: Garment
    rows: int
    ties: Ties
    outer_m: Float32[np.ndarray, " n"]
    inner_m: Float32[np.ndarray, " n"]
    texture: Float32[np.ndarray, "n 3"]
    look: Look

    @property
    def faces(self) -> Int32[np.ndarray, "f 3"]:
        """Of the skin: the outer side, then the inner."""
        outer = self.garment.faces.astype(np.int32)
        return np.concatenate([outer, outer[:, ::-1] + np.int32(len(self.garment.rest))])

    def skin(self, sheet: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "m 3"]:
        """Vertices of the hair's surface around a sheet, twice as many."""
        normals = smooth_normals(sheet, self.garment.faces.astype(np.int32))
        return np.concatenate(
            [sheet + self.outer_m[:, None] * normals, sheet - self.inner_m[:, None] * normals]
        ).astype(np.float32)

    def both(self, values: Float32[np.ndarray, "n k"]) -> Float32[np.ndarray, "m k"]:
        """Values of the sheet's vertices for those of the skin."""
        return np.concatenate([values, values])


class Swing:
    """Manes in motion over a body and what it wears; each starts at rest on its first target."""

    def __init__(
        self,
        manes: tuple[Mane, ...],
        targets: list[Float32[np.ndarray, "_ 3"]],
        below: tuple[Float[np.ndarray, "b 3"], Float[np.ndarray, "b 3"]],
        rest_below: Float[np.ndarray, "b 3"],
        *,
        fps: float,
    ) -> None:
        self._states = [
            ClothState(mane.garment, FABRIC, target, *below, fps=fps, options=OPTIONS, rest_body=rest_below)
            for mane, target in zip(manes, targets, strict=True)
        ]

    def step(
        self,
        targets: list[Float32[np.ndarray, "_ 3"]],
        below: tuple[Float[np.ndarray, "b 3"], Float[np.ndarray, "b 3"]],
    ) -> list[Float32[np.ndarray, "_ 3"]]:
        """Move all manes on by one frame over the body and the outermost garment."""
        return [state.step(target, *below) for state, target in zip(self._states, targets, strict=True)]


def sheet_garment(rings: Float[np.ndarray, "r c 3"], *, held: int, free_m: float, wrap: bool = False) -> Garment:
    """A grid of points as the cloth solver takes it.

    Args:
        rings: Rows from the head down.
        held: Rows that stay where the head is.
        free_m: Length below them over which the hold fades.
        wrap: Whether the last column is joined to the first.
    """
    rows, columns = rings.shape[:2]
    steps = np.linalg.norm(np.diff(rings, axis=0), axis=-1).mean(axis=1)
    down = np.concatenate([[0.0], np.cumsum(steps)])
    loose = 0.05 * np.clip((down - down[held - 1]) / free_m, 0, 1)
    pinned = np.arange(rows) < held
    return Garment(
        rest=rings.reshape(-1, 3).astype(np.float32),
        faces=grid_faces(rows, columns, wrap=wrap),
        pinned=np.repeat(pinned, columns),
        skin_distance=np.repeat(loose, columns).astype(np.float32),
    )
