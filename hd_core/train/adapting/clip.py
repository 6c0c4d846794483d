"""The clip that is adapted to: some of its views, and maps of the body in their pixels."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.body.formats_png import iuv_paths
from hd_core.errors import InputError
from hd_core.evaluate.predicted_body import as_predicted
from hd_core.geometry.crop import whole_frame
from hd_core.synth.shards import load_clip
from hd_core.train.adapting.options import Charts
from hd_core.train.layouts_clip import read_densepose
from hd_core.types import BodyMaps, Camera, View

LEAST_SIDE = 32


@dataclass(frozen=True, kw_only=True)
class AdaptClip:
    """Views in order of time.

    Args:
        name: What the card says.
        views: Square, all of one size; those with a `body` have a map.
        charts: Of the maps.
    """

    name: str
    views: Sequence[View]
    charts: Charts = "anny24"

    def __post_init__(self) -> None:
        if not self.views:
            raise InputError(f"{self.name} shows nobody.", "Name the place with --box, or give a mask with --mask.")
        shapes = sorted({view.crop.camera.shape for view in self.views})
        height, width = shapes[0]
        if len(shapes) > 1 or height != width or height % LEAST_SIDE:
            said = ", ".join(f"{w} x {h}" for h, w in shapes)
            raise InputError(
                f"Views of {self.name} are {said} px.", f"Expected one square, a multiple of {LEAST_SIDE}."
            )

    @property
    def size(self) -> int:
        """Side of the views, px."""
        return self.views[0].crop.camera.width

    @property
    def has_maps(self) -> bool:
        """Whether any view has a map of the body."""
        return any(view.body is not None for view in self.views)


def spread_evenly(count: int, most: int) -> list[int]:
    """At most `most` of `count` numbers, first and last among them."""
    return [int(number) for number in np.unique(np.linspace(0, count - 1, min(count, most)).round())]


def clip_of_shard(path: Path, *, most: int) -> AdaptClip:
    """A clip of `hd-core synth`, without its truth: pictures, mattes, and its map of the body alone as one finds them.

    Args:
        path: The archive.
        most: Frames that are used at most.

    Raises:
        InputError: It is missing or damaged, or its frames are of no size that can be adapted to.
    """
    arrays, header = load_clip(path, ("rgb", "alpha", "body_iuv"))
    height, width = arrays["rgb"].shape[1:3]
    camera = Camera(width=width, height=height, intrinsics=np.array(header["camera"], np.float64))
    rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
    maps = [as_predicted(rng, iuv) for iuv in arrays["body_iuv"]]
    views = [
        View(
            rgb=arrays["rgb"][index],
            alpha=arrays["alpha"][index],
            crop=whole_frame(camera),
            frame_index=index,
            time_seconds=index / header.get("fps", 30.0),
            body=BodyMaps(iuv=maps[index]),
        )
        for index in spread_evenly(len(maps), most)
    ]
    charts: Charts = "anny24" if header.get("iuv_convention", "anny24") == "anny24" else "densepose"
    return AdaptClip(name=f"clip {path.stem} of hd-core synth", views=views, charts=charts)


def with_maps(views: Sequence[View], folder: Path, *, num_frames: int, charts: Charts = "anny24") -> list[View]:
    """Views with the maps of a folder: PNGs of whole frames in the order of their names, one for each frame.

    Args:
        views: Of a video.
        folder: PNGs of v, u and part in this order.
        num_frames: Of the video.
        charts: Whose u and v they hold, where they do not say so themselves.

    Raises:
        InputError: There are too few maps, or one cannot be used or holds other charts.
    """
    paths = iuv_paths(folder)
    if len(paths) != num_frames:
        raise InputError(
            f"{folder} holds {len(paths)} maps (.png); the video has {num_frames} frames.",
            "Expected one map for each frame of the video, in the order of their names.",
        )
    maps = (read_densepose(paths[view.frame_index], convention=charts) for view in views)
    return [replace(view, body=BodyMaps(iuv=_cut(own, view))) for view, own in zip(views, maps, strict=True)]


def _cut(iuv: UInt8[np.ndarray, "a b 3"], view: View) -> UInt8[np.ndarray, "h w 3"]:
    """The map in the pixels of a view, from the nearest ones; a map may be smaller than its frame."""
    crop, (rows, columns) = view.crop, iuv.shape[:2]
    zoom = np.array([columns / crop.full.width, rows / crop.full.height])
    if abs(zoom[0] / zoom[1] - 1) > 0.02:
        raise InputError(
            f"Found a map of {columns} x {rows} px for frames of {crop.full.width} x {crop.full.height}.",
            "Expected maps of whole frames.",
        )
    x, y = (_places(crop.full_from_crop, axis, crop.camera.width, zoom[axis]) for axis in (0, 1))
    inside = ((y >= 0) & (y < rows))[:, None] & ((x >= 0) & (x < columns))[None]
    found: np.ndarray = iuv[np.clip(y, 0, rows - 1)[:, None], np.clip(x, 0, columns - 1)[None]]
    found[~inside] = 0
    return found


def _places(full_from_crop: Float[np.ndarray, "3 3"], axis: int, size: int, zoom: float) -> np.ndarray:
    centres = full_from_crop[axis, axis] * (np.arange(size) + 0.5) + full_from_crop[axis, 2]
    places: np.ndarray = np.floor(centres * zoom).astype(np.int64)
    return places
