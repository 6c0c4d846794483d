"""How well a clip's pictures are painted again from the texture that was gathered of them.

    python benchmarks/body_texture.py CLIP.npz...

CLIP.npz are clips of hd-core synth. Of each the texture is gathered from all frames but one in four, with the true map
of the surface that is seen and with the one that is found (`hd_core.body.steady`), and frames are painted from it.
Prints the mean PSNR over frames, dB, of those that were gathered from and of those that were left out, over the pixels
whose colour is known, and which share of the person these are.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hd_core.body.iuv import BodyFinder
from hd_core.body.steady import SteadyFinder
from hd_core.body.texture import Texture, TextureGatherer, paint, psnr_db
from hd_core.evaluate.correspondence_clips import read_correspondence
from hd_core.geometry.camera import pixel_rays
from hd_core.pipeline.body_texture import ROUNDS
from hd_core.synth.shards import load_clip

HELD_OUT = 4
MAPS = ("true", "found")
_Frame = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Picture, map and trust."""


def frames_of(path: Path, finder: BodyFinder) -> dict[str, list[_Frame]]:
    """Every frame with the true map, and with the found one."""
    clip = read_correspondence(path)
    normals = load_clip(path, ("normal",))[0]["normal"]
    follows = [place > 0 for place in range(len(clip.views))]
    steady = SteadyFinder(finder, clip.views.__getitem__, follows)
    frames: dict[str, list[_Frame]] = {name: [] for name in MAPS}
    for place, view in enumerate(clip.views):
        rays = pixel_rays(view.crop.camera)
        facing = np.clip(-(normals[place] * rays).sum(axis=-1), 0, 1) * (view.alpha > 0.95)
        found = steady.find(place).clothed
        frames["true"].append((view.rgb, clip.iuv["clothed"][place], facing))
        frames["found"].append((view.rgb, found.iuv, facing * found.confidence))
    return frames


def gathered(frames: Sequence[_Frame]) -> Texture:
    """The robust mean, as a run gathers it."""
    texture = TextureGatherer().texture()
    for round_ in range(ROUNDS):
        gatherer = TextureGatherer(texture if round_ else None)
        for frame in frames:
            gatherer.add(*frame)
        texture = gatherer.texture()
    return texture


def scores(texture: Texture, frames: Sequence[_Frame]) -> tuple[float, float]:
    """Mean PSNR, dB, and share of the pixels of the map whose colour is known, %."""
    rows = []
    for rgb, iuv, _ in frames:
        painted, known = paint(texture, iuv)
        rows.append((psnr_db(painted, rgb, known), 100 * known.sum() / max((iuv[..., 0] > 0).sum(), 1)))
    mean = np.mean(rows, axis=0)
    return float(mean[0]), float(mean[1])


def main() -> None:
    """Gather, paint and print."""
    finder = BodyFinder.load(threads=1)
    print(f"{'clip':8} {'map':6} {'dB':>6} {'known %':>8} {'left out dB':>12} {'known %':>8}")
    for path in map(Path, sys.argv[1:]):
        for name, frames in frames_of(path, finder).items():
            kept = [frame for place, frame in enumerate(frames) if place % HELD_OUT != HELD_OUT - 1]
            texture = gathered(kept)
            own, other = scores(texture, kept), scores(texture, frames[HELD_OUT - 1 :: HELD_OUT])
            print(f"{path.stem:8} {name:6} {own[0]:6.1f} {own[1]:8.0f} {other[0]:12.1f} {other[1]:8.0f}", flush=True)


if __name__ == "__main__":
    main()
