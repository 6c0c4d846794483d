"""The teacher: what all placings and the fitted body together say of every view."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from hd_core.predict.network import HdNet
from hd_core.predict.planes import crop_extent, depth_from_relief
from hd_core.progress import Progress, check_cancelled
from hd_core.synth.shards import load_clip, write_clip
from hd_core.train.adapting.body_fit import fit_bodies
from hd_core.train.adapting.body_surface import see_body
from hd_core.train.adapting.clip import AdaptClip
from hd_core.train.adapting.fuse import fuse
from hd_core.train.adapting.looks import Look, look, mean_look, teaching_placings
from hd_core.train.adapting.options import AdaptOptions
from hd_core.train.adapting.spots import LEAST_PIXELS, draw_spots, usable_pixels
from hd_core.train.layouts_clip import SourceFrame, make_clip
from hd_core.types import View

MOST_MISS = 0.03
"""A body whose points lie farther off in the median, in crop sizes, is no use."""


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What a teacher found.

    Args:
        looks: At each view.
        bodies: How many of them have a fitted body.
        miss: Median distance of the bodies' points, crop sizes; None without bodies.
    """

    looks: Sequence[Look]
    bodies: int
    miss: float | None


def look_around(network: HdNet, clip: AdaptClip, *, told: bool, progress: Progress) -> list[Look]:
    """Mean looks at all views.

    Args:
        network: On its device.
        clip: Its views.
        told: Whether the network is told of the body.
        progress: Who is told.

    Raises:
        CancelledError: The user asked to stop.
    """
    placings, found = teaching_placings(clip.size), []
    for number, view in enumerate(clip.views):
        check_cancelled(progress)
        progress.step("look", number, len(clip.views))
        shown = view if told else replace(view, body=None)
        found.append(mean_look([look(network, shown, placing) for placing in placings]))
    progress.step("look", len(clip.views), len(clip.views))
    return found


def teach(clip: AdaptClip, looks: Sequence[Look], options: AdaptOptions) -> Taught:
    """Bring in what the maps of the body know.

    Args:
        clip: Its views.
        looks: At each of them.
        options: Of the adaptation.
    """
    rng = np.random.default_rng([options.seed, 1])
    lesson = list(looks)
    usable = [number for number, view in enumerate(clip.views) if _usable(view)]
    if not usable or not options.body or clip.charts != "anny24":
        return Taught(looks=lesson, bodies=0, miss=None)
    chosen = [(clip.views[number], lesson[number]) for number in usable]
    bodies = fit_bodies(
        draw_spots(
            [view.body.iuv for view, _ in chosen if view.body is not None],
            [seen.relief for _, seen in chosen],
            [view.mask for view, _ in chosen],
            [view.crop.camera for view, _ in chosen],
            rng,
        )
    )
    fitted = 0
    for number, vertices, miss in zip(usable, bodies.vertices, bodies.miss, strict=True):
        if miss < MOST_MISS:
            surface = see_body(vertices, clip.views[number].crop.camera)
            lesson[number] = fuse(lesson[number], surface, miss=float(miss))
            fitted += 1
    return Taught(looks=lesson, bodies=fitted, miss=float(np.median(bodies.miss)))


def write_lesson(path: Path, view: View, seen: Look) -> None:
    """A view and what the teacher says of it, as a clip of one frame that training reads.

    Args:
        path: Of the archive.
        view: The picture.
        seen: What is to be learned; in place of a truth.
    """
    camera = view.crop.camera
    depth = np.nan_to_num(depth_from_relief(seen.relief, seen.seen, extent=crop_extent(camera)))
    frame = SourceFrame(
        name=f"{view.frame_index:06d}",
        rgb=view.rgb,
        mask=seen.seen,
        iuv=np.zeros_like(view.rgb),
        depth=depth.astype(np.float64),
        normal=np.where(seen.seen[..., None], seen.normal, 0).astype(np.float32),
    )
    arrays, header = make_clip([frame], camera=camera.intrinsics, about={"layout": "lesson"})
    arrays["alpha"] = np.rint(view.alpha * 255).astype(np.uint8)[None]
    write_clip(path, arrays, header)


def _usable(view: View) -> bool:
    return view.body is not None and int(usable_pixels(view.body.iuv, view.mask).sum()) >= LEAST_PIXELS


def read_normals(path: Path) -> Float32[np.ndarray, "h w 3"]:
    """Normals of a lesson; zero off the person."""
    arrays, _ = load_clip(path, ("normal",))
    normals: np.ndarray = arrays["normal"][0]
    return normals
