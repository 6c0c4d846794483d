"""Draws NAME.jpg from frames of runs that looked for the body, each beside the points that were found in it.

`correspondence.jpg`: `hd-core predict squats.mp4 -o out/squats --iuv` and the same of pose1.mp4, then
`python docs/images/make_iuv.py correspondence out/squats:20 out/squats:45 out/pose1:30`; numbers are source frames.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from hd_core.body.picture import iuv_row
from hd_core.body.record import read_bodies
from hd_core.records import read_view

SIDE = 300


def main(name: str, frames: list[str]) -> None:
    """A row for each frame: picture, the surface that is seen, the body under the clothes, confidence."""
    rows = []
    for frame in frames:
        run, _, number = frame.rpartition(":")
        view, found = (Path(run) / "person01" / stage / f"{int(number):06d}.safetensors" for stage in ("views", "body"))
        rows.append(iuv_row(read_view(view).rgb, read_bodies(found), side=SIDE))
    Image.fromarray(np.concatenate(rows)).save(Path(__file__).with_name(f"{name}.jpg"), quality=88, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
