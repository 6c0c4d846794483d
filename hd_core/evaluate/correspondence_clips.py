"""Clips of `hd-core synth` as truth of correspondence: which point of the body every pixel shows, and where it goes."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from hd_core.errors import InputError
from hd_core.evaluate.correspondence_options import Target
from hd_core.evaluate.own_mask import OwnMask
from hd_core.geometry.crop import whole_frame
from hd_core.synth.atlas.anny24 import IUV_CONVENTION
from hd_core.synth.shards import load_clip
from hd_core.types import Camera, View

ARRAYS: Mapping[Target, str] = {"clothed": "iuv", "body": "body_iuv"}
TIGHT = frozenset(
    {
        *("leggings", "trousers", "pencil skirt", "tight dress"),
        *("T-shirt", "polo shirt", "long sleeves", "tank top", "crop top"),
    }
)
"""Garments that are cut at most 3 cm wider than the body and widen nowhere, by `hd_core.synth.garments`."""
TRIMS = frozenset({"collar"})
"""Neither tight nor loose."""
MOST_OF_A_PART = 14
"""Points, as in DensePose's annotations."""


@dataclass(frozen=True, kw_only=True)
class CorrespondenceClip:
    """A clip with its truth.

    Args:
        name: Of its file.
        key: For drawing points and faults: the same for the same clip everywhere.
        views: What a network sees, in time.
        iuv: Part, u and v of the pixels of every frame, by target.
        position: x, y of every pixel's surface point in the next frame, px.
        visible: Whether the next frame shows it.
        labels: Groups that the clip belongs to, as "kind:value".
    """

    name: str
    key: int
    views: Sequence[View]
    iuv: Mapping[Target, UInt8[np.ndarray, "t h w 3"]]
    position: Float[np.ndarray, "t1 h w 2"]
    visible: Bool[np.ndarray, "t1 h w"]
    labels: tuple[str, ...]


def read_correspondence(path: Path) -> CorrespondenceClip:
    """Read an archive.

    Raises:
        InputError: It is missing or damaged, or its charts are not ours.
    """
    keys = ("rgb", "alpha", *ARRAYS.values(), "next_position", "next_visible")
    arrays, header = load_clip(path, keys)
    convention = header.get("iuv_convention", IUV_CONVENTION)
    if convention != IUV_CONVENTION:
        raise InputError(
            f"{path} holds charts of {convention!r}; distances can only be measured on {IUV_CONVENTION!r}.",
            "Map it with hd-core fit-chart-map first.",
        )
    return CorrespondenceClip(
        name=path.stem,
        key=_key(path, header),
        views=_views(arrays, header),
        iuv={target: arrays[name] for target, name in ARRAYS.items()},
        position=arrays["next_position"],
        visible=arrays["next_visible"],
        labels=labels_of(header),
    )


def with_own_mask(clip: CorrespondenceClip, own: OwnMask) -> CorrespondenceClip:
    """The clip with the mattes that this program finds by itself."""
    return replace(clip, views=own.on_views(clip.views))


def labels_of(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Groups of a clip by its header: tight or loose clothes, and how much of the person is in the picture.

    Clothes are tight if every garment is one of `TIGHT`, or there is none but underwear; else they are loose.
    """
    worn = set(header.get("garments", ())) - TRIMS
    clothes = "tight" if worn <= TIGHT else "loose"
    return (f"clothes:{clothes}", *(f"{kind}:{header[kind]}" for kind in ("framing",) if kind in header))


def choose_points(rng: np.random.Generator, part: UInt8[np.ndarray, "h w"], count: int) -> Int[np.ndarray, " n"]:
    """Pixels, as flat indices: each part's share by its area, at least one, at most `MOST_OF_A_PART`.

    So are the points that people annotated in COCO, except that theirs are spread evenly within a part.

    Args:
        rng: Source of the choice.
        part: 0 where nobody is.
        count: Points in all, about; fewer in small figures.
    """
    flat = part.ravel()
    whole = int((flat > 0).sum())
    chosen = []
    for number in np.unique(flat[flat > 0]):
        pixels = np.flatnonzero(flat == number)
        own = min(max(round(count * len(pixels) / whole), 1), MOST_OF_A_PART, len(pixels))
        chosen.append(rng.choice(pixels, own, replace=False))
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)


def _views(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> list[View]:
    height, width = arrays["rgb"].shape[1:3]
    camera = Camera(width=width, height=height, intrinsics=np.array(header["camera"], np.float64))
    crop = whole_frame(camera)
    return [
        View(rgb=rgb, alpha=alpha, crop=crop, frame_index=index, time_seconds=index / header["fps"])
        for index, (rgb, alpha) in enumerate(zip(arrays["rgb"], arrays["alpha"], strict=True))
    ]


def _key(path: Path, header: Mapping[str, Any]) -> int:
    if "recipe" not in header:
        return zlib.crc32(path.stem.encode())
    recipe = hashlib.sha256(json.dumps(header["recipe"], sort_keys=True).encode()).digest()
    return int.from_bytes(recipe[:8])
