"""Any folder with ground truth as a test clip: pictures beside maps that are declared as for the predictor `maps`.

    FOLDER/maps.json      camera, axes, metric depth, patterns; its entries: docs/evaluation.md
    FOLDER/pictures/      a folder of pictures, or FOLDER/pictures.mp4 or the like; picture i belongs to frame i
    FOLDER/...            the maps' files, wherever the patterns say

A folder of such folders is a set of clips.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.evaluate.samples import Sample, TruthClip
from hd_core.geometry.crop import crop_between, cut_plane, cut_rgb, whole_frame
from hd_core.person.crop import plan_crops
from hd_core.person.locate import locate_in_mask
from hd_core.pipeline.source import resized_camera
from hd_core.predict.maps import MapsPredictor
from hd_core.predict.maps_card import NAME, read_card
from hd_core.types import Camera, Clip, Crop, Frame, Gauge, View
from hd_core.video.read import open_clip, read_frames

PICTURES = "pictures"


class FolderDataset:
    """Folders of pictures and maps.

    Args:
        folders: One per clip.
        size: Side of the square crop around the person, px.
    """

    def __init__(self, folders: Sequence[Path], *, size: int) -> None:
        self._folders = list(folders)
        self._size = size

    def __len__(self) -> int:
        return len(self._folders)

    def __getitem__(self, number: int) -> TruthClip:
        return folder_clip(self._folders[number], size=self._size)

    def describe(self) -> dict[str, str]:
        """Where they lie, and a digest of what they say of themselves."""
        state = hashlib.sha256(b"".join((folder / NAME).read_bytes() for folder in self._folders))
        return {
            "kind": "pictures and maps",
            "folder": str(self._folders[0]),
            "clips": str(len(self._folders)),
            "maps_json_sha256": state.hexdigest(),
        }


def folder_clip(folder: Path, *, size: int) -> TruthClip:
    """Read one folder; all frames are cut by the one square that holds the person throughout.

    Raises:
        InputError: Pictures or maps are missing, or the maps are no ground truth: no camera, or no metric depth.
    """
    truth, camera = _open_truth(folder)
    clip = open_clip(_pictures(folder))
    full = resized_camera(camera, clip.width, clip.height)
    mattes = [_matte(truth, index, full) for index in range(clip.num_frames)]
    rate = float(clip.fps)
    found = [locate_in_mask(index, index / rate, matte) for index, matte in enumerate(mattes)]
    sightings = [seen[0] if seen else None for seen in found]
    if not any(sightings):
        raise InputError(f"The maps in {folder} are empty in all {clip.num_frames} frames.", "Check their masks.")
    crops = plan_crops(sightings, full, size=size, follow=False)
    samples = [
        _sample(frame, mattes[frame.index], crop, truth) for frame, crop in _frames(clip, crops) if crop is not None
    ]
    return TruthClip(name=folder.name, samples=samples)


def _frames(clip: Clip, crops: Sequence[Crop | None]) -> Iterator[tuple[Frame, Crop | None]]:
    return zip(read_frames(clip, range(clip.num_frames)), crops, strict=True)


def _open_truth(folder: Path) -> tuple[MapsPredictor, Camera]:
    card = read_card(folder)
    if card.camera is None:
        raise InputError(f"{folder / NAME} names no camera; ground truth needs one.", 'Add "camera".')
    if card.depth is None or card.depth.gauge is not Gauge.METRIC:
        raise InputError(
            f"{folder / NAME} has no metric depth; ground truth needs one.", 'Expected "depth" with "gauge": "metric".'
        )
    return MapsPredictor(card), card.camera


def _pictures(folder: Path) -> Path:
    named = sorted(path for path in folder.glob(f"{PICTURES}*") if path.stem == PICTURES)
    if len(named) != 1:
        raise InputError(
            f"{folder} holds {len(named)} sources of pictures; expected one.", f"Call it {PICTURES}/ or {PICTURES}.mp4."
        )
    return named[0]


def _matte(truth: MapsPredictor, index: int, full: Camera) -> Float[np.ndarray, "h w"]:
    """The data's matte in the picture's pixels; without one, where there is depth."""
    found = truth.matte(index)
    if found is not None:
        alpha, camera = found
        return cut_plane(alpha, crop_between(camera or resized_camera(full, *alpha.shape[::-1]), full))
    everything = np.ones(full.shape, np.float32)
    blank = np.zeros((*full.shape, 3), np.uint8)
    view = View(rgb=blank, alpha=everything, crop=whole_frame(full), frame_index=index, time_seconds=0.0)
    return truth.predict(view).mask.astype(np.float32)


def _sample(frame: Frame, matte: Float[np.ndarray, "h w"], crop: Crop, truth: MapsPredictor) -> Sample:
    view = View(
        rgb=cut_rgb(frame.rgb, crop),
        alpha=np.clip(cut_plane(matte, crop), 0, 1).astype(np.float32),
        crop=crop,
        frame_index=frame.index,
        time_seconds=frame.time_seconds,
    )
    everywhere = replace(view, alpha=np.ones_like(view.alpha))
    return Sample(view=view, truth=truth.predict(everywhere))
