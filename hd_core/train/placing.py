"""Where a sample looks: a square of the picture, turned and mirrored, and the camera that sees exactly it.

A turn of the picture is a roll of the camera, and a mirror image is seen by a mirrored camera, so the truth stays
exact: for pixels x' = s R x + t with R a rotation or reflection in the plane, the intrinsics are s f and s R c + t,
depth stays, and the first two components of normals are turned by R. Pixels are square throughout.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hd_core.train.options import AugmentOptions
from hd_core.types import Camera

LEAST_SOURCE = 0.45
"""Source pixels per target pixel at the closest; closer there is nothing to see."""
WHOLE = (1.06, 1.5)
"""Side of a square around the whole person over the person's longer side; what `person.crop` makes is 1.24."""
CLOSE = (0.3, 0.9)
"""The same of a close-up."""
USUAL = 1.24


@dataclass(frozen=True, kw_only=True)
class Placing:
    """A square of a picture.

    Args:
        turn: R, a rotation or a reflection of the plane.
        scale: s, target over source pixels.
        shift: t, target px.
    """

    turn: Float[np.ndarray, "2 2"]
    scale: float
    shift: Float[np.ndarray, "2"]

    @property
    def source_from_target(self) -> Float[np.ndarray, "2 3"]:
        """Pixel transform back into the picture."""
        back = self.turn.T / self.scale
        return np.concatenate([back, -(back @ self.shift)[:, None]], axis=1)

    def camera(self, intrinsics: Float[np.ndarray, "3 3"], size: int) -> Camera:
        """The camera that sees the square."""
        focal = self.scale * intrinsics[0, 0]
        centre = self.scale * self.turn @ intrinsics[:2, 2] + self.shift
        k = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
        return Camera(width=size, height=size, intrinsics=k)


def usual_placing(mask: Bool[np.ndarray, "h w"], *, size: int) -> Placing:
    """The square that the program itself would cut out."""
    centre, side = _person(mask)
    return _square(centre, side * USUAL, np.eye(2), size)


def sample_placing(
    rng: np.random.Generator, mask: Bool[np.ndarray, "h w"], options: AugmentOptions, *, size: int
) -> Placing:
    """Draw a square that shows the person, or a part of the person.

    Args:
        rng: Source of all choices.
        mask: The person in the picture; somebody is there.
        options: How wild.
        size: Side of the target, px.
    """
    centre, side = _person(mask)
    if rng.random() < options.close_up:
        rows, columns = np.nonzero(mask)
        at = int(rng.integers(len(rows)))
        centre = np.array([columns[at] + 0.5, rows[at] + 0.5])
        side *= rng.uniform(*CLOSE)
    else:
        side *= rng.uniform(*WHOLE)
        centre = centre + rng.normal(0, 0.05, 2) * side
    angle = np.radians(rng.normal(0, options.rotation_deg))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < options.flip:
        turn = np.diag([-1.0, 1.0]) @ turn
    return _square(centre, max(side, LEAST_SOURCE * size), turn, size)


def _person(mask: Bool[np.ndarray, "h w"]) -> tuple[Float[np.ndarray, "2"], float]:
    """Middle and longer side of the person's box, px."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    low, high = np.array([columns[0], rows[0]]), np.array([columns[-1], rows[-1]]) + 1
    return (low + high) / 2, float((high - low).max())


def _square(centre: Float[np.ndarray, "2"], side: float, turn: Float[np.ndarray, "2 2"], size: int) -> Placing:
    scale = size / side
    return Placing(turn=turn, scale=scale, shift=size / 2 - scale * turn @ centre)
