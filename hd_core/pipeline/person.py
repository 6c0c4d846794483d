"""First stage: find the person in every frame, plan a steady crop, and store what the networks will see.

Two passes over the clip. The first finds the person; its result is a few numbers a frame and lets the crop be
smoothed without lag. The second cuts the pictures out and mattes them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.errors import InputError, UsageError
from hd_core.geometry.crop import crop_between, cut_plane, cut_rgb
from hd_core.person.crop import plan_crops
from hd_core.person.locate import NetworkLocator, locate_in_box, locate_in_mask
from hd_core.person.matte import Matter, Tier
from hd_core.person.sighting import Sighting
from hd_core.pipeline.job import Job
from hd_core.pipeline.options import PersonOptions
from hd_core.pipeline.source import resized_camera
from hd_core.progress import check_cancelled
from hd_core.records import write_view
from hd_core.types import Box, Camera, Clip, Crop, Frame, View
from hd_core.video.masks import read_masks
from hd_core.video.read import read_frames

PERSON_ID = 1
JPEG_QUALITY = 92
"""Visually lossless as a texture; a quarter of the size of PNG."""


@runtime_checkable
class MatteSource(Protocol):
    """A predictor that brings the person's matte along (a folder of maps)."""

    has_matte: bool

    def matte(self, frame_index: int) -> tuple[np.ndarray, Camera | None] | None:
        """Soft matte and the camera of its pixels (None: they cover the frame); None where there is none."""


class ViewMaker:
    """Makes the views of one clip.

    Args:
        job: Where they go.
        clip: The source.
        frames: Source frames to use.
        camera: Camera of the full frame.
        options: The user's words about the person.
        matte_source: A predictor with mattes of its own, if any.
    """

    def __init__(
        self,
        job: Job,
        clip: Clip,
        frames: range,
        camera: Camera,
        options: PersonOptions,
        *,
        matte_source: MatteSource | None = None,
    ) -> None:
        if options.size < 64 or options.size % 32:
            raise UsageError(f"--size {options.size} is no crop size.", "Give a multiple of 32 from 64 up.")
        self._job, self._clip, self._frames, self._camera = job, clip, frames, camera
        self._options = options
        brings_matte = matte_source is not None and matte_source.has_matte
        self._matte_source = matte_source if brings_matte else None
        self._given = options.mask is not None or clip.has_alpha or self._matte_source is not None

    def run(self, *, follow: bool, texture_paths: Sequence[Path] = ()) -> list[int]:
        """Write all views (and the frames as textures, if paths are given); returns the frames with a person.

        Raises:
            InputError: Nobody is in the clip, or it cannot be read.
        """
        sightings = self._sightings()
        if not any(sightings):
            raise InputError(
                f"No person found in {len(self._frames)} frames of {self._clip.path.name}.",
                "Name the place with --box, or give a mask with --mask.",
            )
        crops = plan_crops(sightings, self._camera, size=self._options.size, margin=self._options.margin, follow=follow)
        present = {i: crop for i, crop in zip(self._frames, crops, strict=True) if crop is not None}
        boxes = {s.frame_index: s.box for s in sightings if s is not None}
        self._write(present, boxes, dict(zip(self._frames, texture_paths, strict=False)))
        return list(present)

    def _sightings(self) -> list[Sighting | None]:
        """First pass, remembered in the run folder."""
        run, digest = self._job.run, self._job.run.digest("person")
        if (run.path / "sightings.json").exists():
            known = run.read_json("sightings.json")
            if known["digest"] == digest:
                return [entry and Sighting.from_dict(entry) for entry in known["sightings"]]
        times, found = zip(*self._find(), strict=True)
        entries = [sighting and sighting.to_dict() for sighting in found]
        run.write_json("sightings.json", {"digest": digest, "times": times, "sightings": entries})
        return list(found)

    def _find(self) -> Iterator[tuple[float, Sighting | None]]:
        locator = None if self._given or self._options.box else NetworkLocator()
        others = 0
        for done, (frame, alpha) in enumerate(self._pictures(self._frames)):
            check_cancelled(self._job.progress)
            self._job.progress.step("find", done, len(self._frames))
            if self._options.box:
                left, top, width, height = self._options.box
                box = Box(left=left, top=top, width=width, height=height)
                height_px, width_px = frame.rgb.shape[:2]
                seen = locate_in_box(frame.index, frame.time_seconds, box, width=width_px, height=height_px)
            elif alpha is not None:
                seen = locate_in_mask(frame.index, frame.time_seconds, alpha)
            elif locator is not None:
                seen = locator.locate(frame)
                others = max(others, locator.others)
            yield frame.time_seconds, seen[0] if seen else None
        self._job.progress.step("find", len(self._frames), len(self._frames))
        if others:
            self._job.warn(f"{others + 1} people seen; the largest is kept. Use --box or --mask for another.")

    def _write(self, crops: dict[int, Crop], boxes: dict[int, Box], textures: dict[int, Path]) -> None:
        """Second pass: cut out, matte, store; pictures that are complete already are not decoded again."""
        digest = self._job.run.digest("person")
        missing = set(self._job.missing("person", PERSON_ID, crops, digest))
        missing |= {index for index, path in textures.items() if not path.exists()}
        if not missing:
            return
        matter = None if self._given else Matter(Tier(self._options.tier))
        todo = [i for i in self._frames if i >= min(missing) and i <= max(missing)]
        span = range(todo[0], todo[-1] + 1, self._frames.step)
        for done, (frame, alpha) in enumerate(self._pictures(span)):
            check_cancelled(self._job.progress)
            self._job.progress.step("person", done, len(span))
            if frame.index not in missing:
                continue
            if frame.index in textures:
                _write_texture(textures[frame.index], frame)
            if frame.index in crops:
                view = _cut(frame, alpha, crops[frame.index], boxes.get(frame.index), matter)
                write_view(self._job.run.frame_path("person", PERSON_ID, frame.index), view, digest=digest)
            self._job.log(event="frame", stage="person", frame=frame.index)
        self._job.progress.step("person", len(span), len(span))

    def _pictures(self, frames: range) -> Iterator[tuple[Frame, np.ndarray | None]]:
        """Frames with the matte that was given for them, if one was."""
        pictures = read_frames(self._clip, frames)
        if self._options.mask is not None:
            yield from zip(pictures, read_masks(self._options.mask, self._clip, frames), strict=True)
            return
        for frame in pictures:
            if frame.alpha is not None:
                yield frame, frame.alpha.astype(np.float32) / 255
            elif self._matte_source is not None:
                yield frame, self._matte_of(frame)
            else:
                yield frame, None

    def _matte_of(self, frame: Frame) -> np.ndarray:
        assert self._matte_source is not None
        found = self._matte_source.matte(frame.index)
        if found is None:
            return np.zeros(frame.rgb.shape[:2], np.float32)
        alpha, camera = found
        if camera is None:
            height, width = alpha.shape
            camera = resized_camera(self._camera, width, height)
        return cut_plane(alpha, crop_between(camera, self._camera))


def _cut(frame: Frame, alpha: np.ndarray | None, crop: Crop, box: Box | None, matter: Matter | None) -> View:
    rgb = cut_rgb(frame.rgb, crop)
    if alpha is not None:
        matte = cut_plane(alpha, crop)
    elif matter is not None:
        matte = matter.alpha(rgb, crop=crop, box=box)
    return View(
        rgb=rgb,
        alpha=np.clip(matte, 0, 1).astype(np.float32),
        crop=crop,
        frame_index=frame.index,
        time_seconds=frame.time_seconds,
        person_id=PERSON_ID,
    )


def _write_texture(path: Path, frame: Frame) -> None:
    with atomic_path(path) as aside:
        Image.fromarray(frame.rgb).save(aside, quality=JPEG_QUALITY, subsampling=0)
