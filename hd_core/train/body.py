"""What a sample is told of the body: its map as a network would find it, for some samples and not for others."""

from functools import cache

import numpy as np
from jaxtyping import UInt8

from hd_core.evaluate.predicted_body import as_predicted, choose_map
from hd_core.synth.atlas.anny24 import IUV_CONVENTION, PART_NAMES, flip_iuv, from_bytes, to_bytes
from hd_core.train.pack import PackedFrame
from hd_core.train.placing import Placing
from hd_core.train.warp import warp_iuv
from hd_core.types import BodyMaps


def draw_body(
    rng: np.random.Generator, frame: PackedFrame, placing: Placing, *, size: int, share: float
) -> BodyMaps | None:
    """The body of a placed frame with the faults of a found one, in a `share` of all cases.

    None for clips whose charts are others: DensePose's are no mirror images of each other, and nothing tells a
    network which it looks at.
    """
    if frame.header.get("iuv_convention") != IUV_CONVENTION or rng.random() >= share:
        return None
    return BodyMaps(iuv=as_predicted(rng, placed_iuv(frame.arrays[choose_map(rng)], placing, size)))


def placed_iuv(iuv: UInt8[np.ndarray, "a b 3"], placing: Placing, size: int) -> UInt8[np.ndarray, "h w 3"]:
    """A placed map, from the nearest pixels; in a mirror image left parts are right ones, and so are their charts."""
    placed = np.empty((size, size, 3), np.uint8)
    mirrored = bool(np.linalg.det(placing.turn) < 0)
    warp_iuv(iuv, placing.source_from_target, _charts(mirrored=mirrored), placed)
    return placed


@cache
def _charts(*, mirrored: bool) -> UInt8[np.ndarray, "256 256 3"]:
    """By part and byte: the part, the byte as u and the byte as v, of the body or of its mirror image."""
    byte = np.arange(256, dtype=np.uint8)
    charts = np.stack(np.broadcast_arrays(byte[:, None], byte, byte), axis=-1)
    if mirrored:
        known = len(PART_NAMES)
        charts[:known] = to_bytes(*flip_iuv(*from_bytes(charts[:known])))
    return charts
