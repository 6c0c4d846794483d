"""One training sample: a frame of a clip, placed and spoiled, as the planes the network reads and their truth."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32

from hd_core.geometry.crop import whole_frame
from hd_core.predict.planes import body_planes, crop_extent, picture_planes, relief_from_depth
from hd_core.synth.shards import decode_depth
from hd_core.train.body import draw_body
from hd_core.train.options import AugmentOptions
from hd_core.train.pack import PackedFrame
from hd_core.train.placing import Placing, sample_placing, usual_placing
from hd_core.train.spoil import spoil_matte, spoil_picture
from hd_core.train.warp import SURFACE_STEP, samples_per_side, warp_colours, warp_surface
from hd_core.types import View


class Sample(NamedTuple):
    """What a step learns from; `truth` is 1 where normal and relief are known and the matte shows the person.

    Relief has median 0 on it. `body` is None where the sample is told nothing of the body.
    """

    picture: Float32[np.ndarray, "p h w"]
    normal: Float32[np.ndarray, "3 h w"]
    relief: Float32[np.ndarray, "1 h w"]
    truth: Float32[np.ndarray, "1 h w"]
    intrinsics: Float32[np.ndarray, "3 3"]
    body: Float32[np.ndarray, "q h w"] | None = None


class Ticket(NamedTuple):
    """Which frame of which clip, and the key of the draws that make a sample of it; no key, no draws.

    `pair` asks for two frames of the clip (`train.pairs`).
    """

    shard: Path
    frame: int
    key: tuple[int, ...] = ()
    pair: bool = False


class Surface(NamedTuple):
    """The truth of a placed frame: depth in metres, NaN where there is none, and unit normals, zero there."""

    depth: Float32[np.ndarray, "h w"]
    normal: Float32[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]


def make_sample(
    frame: PackedFrame,
    *,
    size: int,
    augment: AugmentOptions | None = None,
    rng: np.random.Generator | None = None,
) -> Sample:
    """Cut a sample out of a frame; without a generator the one that the program itself would cut, unspoiled."""
    seen = frame.arrays["depth"] > 0
    if augment is None or rng is None:
        return sample_at(frame, usual_placing(seen, size=size), size=size)
    placing = sample_placing(rng, seen, augment, size=size)
    return sample_at(frame, placing, size=size, rng=rng, strength=augment.strength, body=augment.body)


def told_sample(frame: PackedFrame, *, size: int, rng: np.random.Generator) -> Sample:
    """The sample that the program itself would cut, told of the body as far as a network would find it."""
    return sample_at(frame, usual_placing(frame.arrays["depth"] > 0, size=size), size=size, rng=rng, body=1.0)


def sample_at(
    frame: PackedFrame,
    placing: Placing,
    *,
    size: int,
    rng: np.random.Generator | None = None,
    strength: float = 0.0,
    body: float = 0.0,
) -> Sample:
    """The sample that a placing cuts out; unspoiled and without a body without a generator.

    Args:
        frame: Of a clip.
        placing: Where to look.
        size: Side, px.
        rng: Source of all choices.
        strength: Of what is done to picture and matte.
        body: How likely the sample is told of the body.
    """
    view = placed_view(frame, placing, size=size, rng=rng, strength=strength)
    if rng is not None and body:
        view = replace(view, body=draw_body(rng, frame, placing, size=size, share=body))
    return _sample(view, placed_surface(frame, placing, size))


def placed_view(
    frame: PackedFrame, placing: Placing, *, size: int, rng: np.random.Generator | None = None, strength: float = 0.0
) -> View:
    """What a camera sees of a placed frame; unspoiled without a generator. Arguments as those of `sample_at`."""
    colours, matte = _colours(frame, placing, size)
    rgb = np.rint(colours).astype(np.uint8)
    if rng is not None:
        rgb = spoil_picture(rng, colours, strength=strength)
        matte = spoil_matte(rng, matte, strength=strength)
    crop = whole_frame(placing.camera(window_intrinsics(frame), size))
    return View(rgb=rgb, alpha=matte, crop=crop, frame_index=0, time_seconds=0.0)


def placed_surface(frame: PackedFrame, placing: Placing, size: int) -> Surface:
    """Truth of a placed frame, in the axes of its camera."""
    code, normal = np.empty((size, size), np.float32), np.empty((size, size, 3), np.float32)
    header = frame.header
    # Far from the camera a pixel is wide; the middle of the clip's depths will do for all of it.
    middle = header["depth"]["near_m"] + 32767 * header["depth"]["step_m"]
    tolerance = SURFACE_STEP * middle / header["camera"][0][0] / header["depth"]["step_m"]
    warp_surface(
        frame.arrays["depth"],
        frame.arrays["normal"],
        placing.source_from_target,
        samples_per_side(placing.scale),
        tolerance / min(placing.scale, 1.0),
        code,
        normal,
    )
    normal[..., :2] = normal[..., :2] @ placing.turn.T.astype(np.float32)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    mask = (code > 0) & (length[..., 0] > 0)
    normal /= np.maximum(length, 1e-6)
    depth = decode_depth(np.where(mask, code, 0), header).astype(np.float32)
    return Surface(depth=depth, normal=np.where(mask[..., None], normal, 0), mask=mask)


def _colours(
    frame: PackedFrame, placing: Placing, size: int
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    colours, matte = np.empty((size, size, 3), np.float32), np.empty((size, size), np.float32)
    arrays = frame.arrays
    back = placing.source_from_target
    warp_colours(arrays["rgb"], arrays["alpha"], back, samples_per_side(placing.scale), colours, matte)
    return colours, matte


def _sample(view: View, surface: Surface) -> Sample:
    truth, camera = surface.mask & view.mask, view.crop.camera
    relief = relief_from_depth(surface.depth, truth, extent=crop_extent(camera))
    return Sample(
        picture=picture_planes(view),
        normal=np.ascontiguousarray(np.moveaxis(surface.normal * truth[..., None], -1, 0)),
        relief=relief[None],
        truth=truth[None].astype(np.float32),
        intrinsics=camera.intrinsics.astype(np.float32),
        body=None if view.body is None else body_planes(view),
    )


def window_intrinsics(frame: PackedFrame) -> Float[np.ndarray, "3 3"]:
    """Of the frame's window."""
    intrinsics = np.array(frame.header["camera"], np.float64)
    intrinsics[:2, 2] -= frame.left, frame.top
    return intrinsics
