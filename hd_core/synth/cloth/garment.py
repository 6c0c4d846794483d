"""What a garment and the way it is simulated are, before anything moves."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hd_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Garment:
    """A piece of clothing in its rest pose.

    Args:
        rest: Vertices, metres, world axes (Z up).
        faces: Triangles.
        pinned: Vertices that follow the skinned target exactly, such as a waistband.
        skin_distance: Distance of every vertex to the skin in the rest pose, metres.
        freedom: Factor of the compliance with which every vertex is tied to its target; 1 if omitted.
        outward: Whether the faces are counter-clockwise from outside, so that the cloth knows the body's inside.
        hem_m: Width of the hem along its edges, where the cloth is laid double, metres.
    """

    rest: Float[np.ndarray, "g 3"]
    faces: Int[np.ndarray, "f 3"]
    pinned: Bool[np.ndarray, " _"]
    skin_distance: Float[np.ndarray, " _"]
    freedom: Float[np.ndarray, " _"] | None = None
    outward: bool = False
    hem_m: float = 0.0

    def __post_init__(self) -> None:
        num = len(self.rest)
        if not num or not len(self.faces):
            raise InputError(f"Found {num} vertices and {len(self.faces)} faces; expected at least one of each.")
        if self.faces.min() < 0 or self.faces.max() >= num:
            raise InputError(f"Found faces over {self.faces.min()}..{self.faces.max()}; expected 0..{num - 1}.")
        if self.pinned.shape != (num,) or self.skin_distance.shape != (num,):
            found = f"{self.pinned.shape} pins and {self.skin_distance.shape} distances"
            raise InputError(f"Found {found}; expected one of each for the {num} vertices.")
        if self.freedom is not None and (self.freedom.shape != (num,) or not (self.freedom > 0).all()):
            raise InputError(f"Found freedoms {self.freedom.shape}; expected one above 0 for each of {num} vertices.")
        if not np.isfinite(self.rest).all() or not np.isfinite(self.skin_distance).all():
            raise InputError("Found vertices or skin distances that are not finite; expected metres.")


@dataclass(frozen=True, kw_only=True)
class ClothOptions:
    """How cloth is simulated, whatever it is made of.

    Args:
        substeps: XPBD steps of a frame.
        gravity: m/s^2, along -Z.
        damping: Share of the velocity that the air takes, 1/s.
        clearance_m: Distance that the cloth keeps from the body, metres: 0.004 for the inner, 0.009 for an outer
            layer.
        tight_m: Skin distance up to which a vertex is held firmly.
        loose_m: Skin distance from which it is held loosely; in between the compliance goes evenly on a log scale.
        wander_m: Skin distance from which a vertex may touch any part of the body, not only what is near it at rest.
        tight_compliance: Compliance of the attachment times the mass, s^2: the square of the time in which the
            cloth gives way. Gravity makes it sag by this times 9.8 m/s^2.
        loose_compliance: The same for loose vertices; infinite lets them go.
        ground_m: Height of the ground; none if omitted.
        max_speed: Fastest that a vertex may move, m/s.
    """

    substeps: int = 12
    gravity: float = 9.81
    damping: float = 1.0
    clearance_m: float = 0.004
    tight_m: float = 0.006
    loose_m: float = 0.02
    wander_m: float = 0.04
    tight_compliance: float = 2e-7
    loose_compliance: float = 2e-3
    ground_m: float | None = None
    max_speed: float = 30.0

    def __post_init__(self) -> None:
        if self.substeps < 1:
            raise InputError(f"Found {self.substeps} substeps; expected at least 1.")
        if not 0 < self.tight_compliance <= self.loose_compliance:
            found = f"{self.tight_compliance} s^2 tight and {self.loose_compliance} s^2 loose"
            raise InputError(f"Found attachments of {found}; expected 0 < tight <= loose.")
        if not 0 <= self.tight_m < self.loose_m:
            raise InputError(f"Found tight {self.tight_m} m, loose {self.loose_m} m; expected 0 <= tight < loose.")


def looseness(garment: Garment, options: ClothOptions) -> Float[np.ndarray, " g"]:
    """0 where the garment lies on the skin, 1 where it hangs free of it."""
    span = options.loose_m - options.tight_m
    return np.clip((garment.skin_distance.astype(np.float64) - options.tight_m) / span, 0.0, 1.0)


def attachment(garment: Garment, options: ClothOptions) -> Float[np.ndarray, " g"]:
    """Compliance of every vertex's attachment to its target, s^2."""
    loose = looseness(garment, options)
    if np.isinf(options.loose_compliance):
        return np.where(loose > 0, np.inf, options.tight_compliance)
    tied = options.tight_compliance * (options.loose_compliance / options.tight_compliance) ** loose
    return tied if garment.freedom is None else tied * garment.freedom
