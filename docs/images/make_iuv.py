"""Draws NAME.jpg from frames of finished runs, each beside the points of the body that were found in it.

`correspondence.jpg`: `hd-core reconstruct` of squats.mp4 and pose1.mp4, then
`python docs/images/make_iuv.py correspondence out/squats:20 out/squats:45 out/pose1:30`.
"""

import sys
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from hd_core.body.iuv import BodyFinder
from hd_core.records import read_view
from hd_core.synth.atlas.anny24 import part_colours

SIDE = 300
BAND = 16
"""Bytes of u or v from one line to the next."""


def main(name: str, frames: list[str]) -> None:
    """A row for each frame: picture, the surface that is seen, the body under the clothes, confidence."""
    finder, rows = BodyFinder.load(), []
    for frame in frames:
        run, _, number = frame.rpartition(":")
        view = read_view(sorted(Path(run).glob("person01/views/*.safetensors"))[int(number)])
        tiles = [view.rgb]
        for target in ("clothed", "body"):
            maps, confidence = finder.find_body(view, target=target)
            tiles.append(painted(maps.iuv, view.rgb))
        tiles.append(np.repeat(np.rint(255 * confidence)[..., None], 3, axis=-1).astype(np.uint8))
        small = [Image.fromarray(tile).resize((SIDE, SIDE), Image.Resampling.LANCZOS) for tile in tiles]
        rows.append(np.concatenate([np.asarray(tile) for tile in small], axis=1))
    Image.fromarray(np.concatenate(rows)).save(Path(__file__).with_name(f"{name}.jpg"), quality=88, optimize=True)


def painted(iuv: UInt8[np.ndarray, "h w 3"], rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Parts in their colours with bands of u and v, over the darkened picture."""
    bands = (iuv[..., 1] // BAND % 2) * 0.5 + (iuv[..., 2] // BAND % 2) * 0.5
    colours = part_colours()[iuv[..., 0]] * (0.55 + 0.45 * bands[..., None])
    return np.where(iuv[..., :1] > 0, colours, 0.4 * rgb).astype(np.uint8)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
