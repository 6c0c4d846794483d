"""What a user may choose about the mesh; the defaults live here and nowhere else."""

from dataclasses import dataclass

from hd_core.errors import UsageError

MAX_STRETCH = 4.0
"""A triangle with a 3D edge beyond this many pixel footprints counts as stretched."""


@dataclass(frozen=True, kw_only=True)
class MeshOptions:
    """How depth maps become meshes.

    Args:
        max_jump: Depth difference between neighbouring pixels of one surface that the normals need not explain,
            over the depth.
        max_grazing_deg: Steepest surface that is meshed: angle between its normal and the line of sight.
        quads: Faces with four corners where the grid allows, else triangles only.
        min_island_px: Pieces of surface with fewer pixels are dropped.
        thickness_m: Depth of a back shell that closes the mesh, metres; 0 leaves it open.
        keep_ratio: Share of the faces to keep; below 1 flat parts get larger triangles, outlines stay.
    """

    max_jump: float = 0.01
    max_grazing_deg: float = 75.0
    quads: bool = False
    min_island_px: int = 4
    thickness_m: float = 0.0
    keep_ratio: float = 1.0

    def __post_init__(self) -> None:
        _check("max_jump", self.max_jump, self.max_jump > 0, "more than 0")
        grazing = self.max_grazing_deg
        _check("max_grazing_deg", grazing, 0 < grazing < 90, "between 0 and 90")
        _check("min_island_px", self.min_island_px, self.min_island_px >= 1, "1 or more")
        _check("thickness_m", self.thickness_m, 0 <= self.thickness_m < float("inf"), "0 or more")
        _check("keep_ratio", self.keep_ratio, 0 < self.keep_ratio <= 1, "more than 0 and at most 1")


def _check(name: str, value: float | int, good: bool, expected: str) -> None:  # noqa: FBT001 - a guard
    if not good:
        raise UsageError(f"Found {name} = {value}; expected {expected}.", "See the mesh options of --help.")
