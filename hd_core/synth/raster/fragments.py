"""What a rasteriser hands back, and the rule by which a texture cuts holes into faces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8

from hd_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Fragments:
    """The nearest surface behind every pixel centre.

    Args:
        face: Row of the face array; -1 where nothing is seen.
        barycentric: Weights of the face's corners at the surface point itself (perspective-correct), sum 1; zero
            where nothing is seen.
        depth: Along +z, metres; NaN where nothing is seen.
    """

    face: Int32[np.ndarray, "h w"]
    barycentric: Float32[np.ndarray, "h w 3"]
    depth: Float32[np.ndarray, "h w"]

    @property
    def mask(self) -> Bool[np.ndarray, "h w"]:
        """Pixels that show a surface."""
        return self.face >= 0


@dataclass(frozen=True, kw_only=True)
class AlphaTest:
    """A texture of opacities that cuts holes into faces: hair cards, lace.

    The texel that holds the surface point decides (no filtering), so every rasteriser draws the same pixels.

    Args:
        uv: Per face and corner, v upwards, the texture spans 0..1 and its edge texels go on outside; NaN on faces
            that are opaque.
        texture: Opacity, 0..255, first row at v = 1.
        threshold: Points with less opacity are not drawn.
    """

    uv: Float[np.ndarray, "f 3 2"]
    texture: UInt8[np.ndarray, "th tw"]
    threshold: int = 110

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 255 or self.texture.size == 0:
            raise InputError(
                f"Found a threshold of {self.threshold} and a texture of {self.texture.shape}; "
                "expected 0..255 and at least one texel."
            )


def check_mesh(positions: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]) -> None:
    """Refuse meshes that cannot be drawn.

    Raises:
        InputError: Positions are not finite, or faces name vertices that do not exist.
    """
    if not np.isfinite(positions).all():
        bad = int((~np.isfinite(positions).all(axis=-1)).sum())
        raise InputError(f"Found {bad} of {len(positions)} positions that are not finite; expected finite ones.")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(positions)):
        raise InputError(f"Found face indices {faces.min()}..{faces.max()}; expected 0..{len(positions) - 1}.")


def check_alpha_test(alpha_test: AlphaTest | None, face_count: int) -> None:
    """Refuse an alpha test of another mesh.

    Raises:
        InputError: It has another number of faces.
    """
    if alpha_test is not None and len(alpha_test.uv) != face_count:
        raise InputError(f"Found uv for {len(alpha_test.uv)} faces; expected one row for each of {face_count}.")
