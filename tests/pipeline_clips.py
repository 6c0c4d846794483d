"""Small clips of known geometry on disk: a video and the folder of maps that belongs to it."""

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from hd_core.geometry.camera import camera_from_focal
from hd_core.synth.shapes import SHAPES
from hd_core.video.write import write_video

FPS = Fraction(24)


def write_clip(folder: Path, *, scene: str = "arm_before_torso", num_frames: int = 6, size: int = 96) -> Path:
    """Render a closed-form scene to `clip.mp4` and its truth to `maps/`; returns the video's path."""
    camera = camera_from_focal(size, size, focal_px=size * 1.1)
    (folder / "maps").mkdir(parents=True)
    pictures = []
    for index in range(num_frames):
        frame = SHAPES[scene](camera, time_seconds=float(index / FPS))
        pictures.append(frame.rgb)
        np.savez(
            folder / "maps" / f"{index:06d}.npz",
            normal=frame.maps.normal,
            depth=frame.maps.depth,
            mask=frame.alpha,
        )
    card = {
        "schema": 1,
        "axes": "opencv",
        "normals": "camera",
        "depth": {"kind": "z", "unit": "m", "gauge": "metric"},
        "camera": {"width": size, "height": size, "intrinsics": camera.intrinsics.tolist()},
        "pattern": "{index:06d}.npz",
        "licence": "CC0-1.0",
        "source": "hd_core.synth.shapes",
    }
    (folder / "maps" / "maps.json").write_text(json.dumps(card))
    write_video(folder / "clip.mp4", pictures, fps=FPS)
    return folder / "clip.mp4"


def words(clip: Path, run: Path, *more: str, size: int = 96) -> list[str]:
    """Command line of the main job on such a clip."""
    maps = str(clip.parent / "maps")
    main = ["reconstruct", str(clip), "-o", str(run), "--predictor", "maps", "--maps", maps, "--size", str(size)]
    return [*main, *more]


def digests(run: Path) -> dict[str, str]:
    """sha256 of every file that must repeat: all but the log, the lock and what hides behind a dot."""
    files = sorted(path for path in run.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "log.jsonl"
    }
