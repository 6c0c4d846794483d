"""What an integrator can be told; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass

from hd_core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class IntegrateOptions:
    """How a surface is integrated.

    Args:
        prior_weight: Pull of the depth prior on one pixel where its confidence is 1, against 1 for an edge of
            the frontal surface. Higher trusts the depth more and the normals less.
        sharpness: Largest steepness of the bilateral weights. Higher cuts the surface more readily: 128 for clean
            normals, 8 to 16 for smooth, large errors. It is lowered by itself where the normals are noisy.
        steps: Reweightings; each solves one linear system.
        max_inner: Most solver iterations in one step.
        solve_drop: A step's linear solve ends when an iteration gains less than this share of what its first one
            did; 0 solves every step to the end, in double precision, which takes about nine times as long.
    """

    prior_weight: float = 5e-5
    sharpness: float = 32.0
    steps: int = 30
    max_inner: int = 30
    solve_drop: float = 0.1

    def __post_init__(self) -> None:
        limits = {"prior_weight": (0, 1), "sharpness": (0, 1e4), "steps": (1, 1000), "max_inner": (1, 10_000)}
        limits["solve_drop"] = (0, 1)
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} is {value}; expected {low} to {high}.")
