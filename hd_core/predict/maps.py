"""The predictor that reads a folder: depth and normals made elsewhere, brought into our axes and each view's crop."""

import hashlib
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from hd_core.errors import InputError, UsageError
from hd_core.geometry.camera import pixel_rays
from hd_core.predict.maps_card import MINIMAL, NAME, MapsCard, read_card
from hd_core.predict.maps_decode import alpha_of, decode
from hd_core.predict.maps_files import first_frame_files, read_file, read_planes
from hd_core.predict.maps_resample import resample
from hd_core.predict.protocol import PredictorOptions
from hd_core.types import Camera, Gauge, SurfaceMaps, View

_GRAZING = 1e-3


class MapsPredictor:
    """Maps from a folder with a `maps.json` (its entries: `maps_card`).

    Without normals they come from the depth, by central differences on the maps' own grid. Without depth its
    place is taken by the constant 1 in the gauge `affine`, which says that nothing is known.

    Args:
        card: The folder's `maps.json`.
    """

    name = "maps"

    def __init__(self, card: MapsCard) -> None:
        self._card = card
        self._first = first_frame_files(card)
        self.licence = card.licence
        self.gauge = card.depth.gauge if card.depth is not None else Gauge.AFFINE

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "MapsPredictor":
        """Open the folder.

        Raises:
            UsageError: No folder was named.
            InputError: It cannot be used.
        """
        if options.maps is None:
            raise UsageError("The predictor maps needs a folder.", f"Give --maps FOLDER with a {NAME} in it: {MINIMAL}")
        return cls(read_card(options.maps))

    @property
    def camera(self) -> Camera | None:
        """Camera of the maps' pixels; None if `maps.json` names none and they cover the whole frame."""
        return self._card.camera

    @cached_property
    def has_matte(self) -> bool:
        """Whether the folder brings a matte of the person."""
        if "all" not in self._first:
            return "mask" in self._first
        return bool(read_file(self._first["all"], ("mask",), self._card.channels))

    def matte(self, frame_index: int) -> tuple[Float[np.ndarray, "h w"], Camera | None] | None:
        """The folder's own soft matte of a frame and the camera of its pixels; None if there is none.

        Raises:
            InputError: The frame's files are missing or damaged.
        """
        if not self.has_matte:
            return None
        planes = read_planes(self._card, frame_index)
        if "mask" not in planes:
            raise InputError(f"Frame {frame_index} of {self._card.folder} has no mask; others have.", "Add it.")
        return alpha_of(planes["mask"]), self.camera

    def predict(self, view: View) -> SurfaceMaps:
        """The folder's maps of the view's frame, in the view's crop."""
        planes = read_planes(self._card, view.frame_index)
        source = self._grid_camera(next(iter(planes.values())), view.crop.full)
        grid = decode(planes, self._card, source, frame_index=view.frame_index)
        positive = self.gauge is not Gauge.AFFINE
        found = resample(grid, source, view.crop.camera, positive=positive)
        mask = found.valid & view.mask
        depth = np.ones(mask.shape) if found.depth is None else found.depth
        return SurfaceMaps(
            camera=view.crop.camera,
            depth=np.where(mask, depth, np.nan).astype(np.float32),
            normal=_facing(found.normal, mask, view.crop.camera),
            mask=mask,
            confidence=(found.confidence * mask).astype(np.float32),
            gauge=self.gauge,
        )

    def describe(self) -> dict[str, str]:
        """Source, licence and digest of `maps.json`, and what was derived."""
        card = self._card
        digest = hashlib.sha256((card.folder / NAME).read_bytes()).hexdigest()
        return {
            "predictor": self.name,
            "licence": self.licence,
            "source": card.source,
            "maps_json_sha256": digest,
            "depth": "none: constant 1" if card.depth is None else f"{card.depth.kind} in {card.depth.unit}",
            "normals": "as stored" if self._has_normals else "central differences of the depth",
        }

    @cached_property
    def _has_normals(self) -> bool:
        if "all" not in self._first:
            return "normal" in self._first
        return bool(read_file(self._first["all"], ("normal",), self._card.channels))

    def _grid_camera(self, plane: np.ndarray, full: Camera) -> Camera:
        """Camera of the maps' pixels: the one in `maps.json`, else the full frame's at their size."""
        height, width = plane.shape[:2]
        whole = Camera(
            width=width,
            height=height,
            intrinsics=np.diag([width / full.width, height / full.height, 1]) @ full.intrinsics,
            cam_from_world=full.cam_from_world,
        )
        same_shape = abs(width / height / (full.width / full.height) - 1) < 0.01
        own = self._card.camera
        if own is None:
            if not same_shape:
                raise InputError(
                    f"The maps in {self._card.folder} are {width} x {height} px, the frame {full.width} x "
                    f"{full.height} px: another shape.",
                    f"Name the maps' camera in {NAME}, or give maps of the whole frame.",
                )
            return whole
        off = float(np.abs(own.intrinsics - whole.intrinsics).max())
        if same_shape and own.shape == whole.shape and off > 2e-3 * width:
            raise InputError(
                f"The maps' camera has a focal length of {own.intrinsics[0, 0]:.1f} px, the clip's at that size "
                f"{whole.intrinsics[0, 0]:.1f} px (or other centres): the maps would not lie on the picture.",
                f"State the lens of {NAME} for the clip, too, or take the camera out of it.",
            )
        return own


def _facing(
    normal: Float[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], camera: Camera
) -> Float[np.ndarray, "h w 3"]:
    """Lay the few normals that turn away from a visible surface down to grazing."""
    rays = pixel_rays(camera)
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    along = (normal * rays).sum(axis=-1)
    away = mask & (along > -_GRAZING)
    found = np.where(mask[..., None], normal, 0).astype(np.float32)
    flat = normal[away] - (along[away] + 2 * _GRAZING)[:, None] * rays[away]
    length = np.linalg.norm(flat, axis=-1, keepdims=True)
    found[away] = np.where(length > 0.1, flat / np.maximum(length, 0.1), -rays[away])
    return found
