"""Render the bundled clip: `python examples/render_dancer.py [FOLDER]` writes dancer.mp4 and dancer_maps/.

Forty-eight frames of the dancing figure at 24 frames/s, 360 x 640, and for every frame exact depth, normals and
coverage as EXR, at half that size so that the bundle stays below 6 MB: the rays go through the centres of 2 x 2
pixels. The same machine makes the same bytes again. Takes about five minutes on one core.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR

from hd_core.geometry.crop import make_crop
from hd_core.synth.figure.render import dancer_maps, render_dancer, room_camera
from hd_core.synth.frame import SynthFrame
from hd_core.types import Box, Camera, SurfaceMaps

WIDTH, HEIGHT, FPS, NUM_FRAMES = 360, 640, 24, 48
FOCAL_PX = 544.0
DEPTH_STEP_M = 2.0**-13
"""Depth is stored in steps of 0.12 mm, which float32 holds exactly and which compress well."""
NORMAL_STEP = 2.0**-9
PATTERN = "{index:06d}.exr"


def clip_camera() -> Camera:
    """The camera of the clip; a phone's usual focal length."""
    return room_camera(WIDTH, HEIGHT, focal_px=FOCAL_PX)


def clip_frame(index: int) -> SynthFrame:
    """Render one frame of the clip, with its own sensor noise."""
    return render_dancer(clip_camera(), time_seconds=index / FPS, rng=np.random.default_rng([1, index]))


def maps_camera() -> Camera:
    """The camera of the maps: the clip's, with pixels twice as large."""
    box = Box(left=0.0, top=0.0, width=float(WIDTH), height=float(HEIGHT))
    return make_crop(clip_camera(), box, width=WIDTH // 2, height=HEIGHT // 2).camera


def clip_maps(index: int) -> SurfaceMaps:
    """Exact geometry of one frame."""
    return dancer_maps(maps_camera(), time_seconds=index / FPS)


def halved(alpha: np.ndarray) -> np.ndarray:
    """Coverage of 2 x 2 pixels."""
    return np.asarray(alpha.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3)))


def write_maps(path: Path, maps: SurfaceMaps, alpha: np.ndarray) -> None:
    """Write depth (NaN off the figure), normals (zero off it) and coverage as one EXR.

    A pixel whose centre sees past the figure, between two fingers say, counts as half covered at most.
    """
    alpha = np.where(maps.mask, alpha, np.minimum(alpha, 0.5))
    depth = np.round(maps.depth / DEPTH_STEP_M) * DEPTH_STEP_M
    normal = np.round(maps.normal / NORMAL_STEP) * NORMAL_STEP
    channels = {f"N.{axis}": normal[..., k].astype(np.float16) for k, axis in enumerate("XYZ")}
    channels["Z"] = depth.astype(np.float32)
    channels["A"] = alpha.astype(np.float16)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {name: np.ascontiguousarray(c) for name, c in channels.items()}) as file:
        file.write(str(path))


def describe() -> dict[str, object]:
    """What maps.json says: how to read the maps beside it."""
    return {
        "schema": 1,
        "axes": "opencv",
        "normals": "camera",
        "depth": {"kind": "z", "unit": "m", "gauge": "metric"},
        "camera": {
            "width": maps_camera().width,
            "height": maps_camera().height,
            "intrinsics": maps_camera().intrinsics.tolist(),
        },
        "pattern": PATTERN,
        "licence": "CC0-1.0",
        "source": "Rendered by examples/render_dancer.py: exact geometry of the figure in hd_core.synth.figure.",
    }


def main(folder: Path) -> None:
    """Render everything into `folder`."""
    maps_dir = folder / "dancer_maps"
    maps_dir.mkdir(parents=True, exist_ok=True)
    (maps_dir / "maps.json").write_text(json.dumps(describe(), indent=2) + "\n")
    with av.open(str(folder / "dancer.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.thread_count = 1
        stream.options = {"crf": "20", "preset": "slow"}
        for index in range(NUM_FRAMES):
            frame = clip_frame(index)
            write_maps(maps_dir / PATTERN.format(index=index), clip_maps(index), halved(frame.alpha))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.rgb, format="rgb24")))
            print(f"frame {index + 1} of {NUM_FRAMES}", flush=True)
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data")
