"""Where the parts of the atlas lie on the template: the frame in which the correspondence network says its points."""

import functools

import numpy as np
from jaxtyping import Float32

from hd_core.synth.atlas.anny24 import PART_NAMES, load_atlas


@functools.cache
def part_centres() -> Float32[np.ndarray, "24 3"]:
    """The middle of the vertices' box of every part 1..24, m, in the axes of the template; cannot be written."""
    atlas = load_atlas()
    corners = atlas.vertices[atlas.faces]
    boxes = [corners[atlas.part == part].reshape(-1, 3) for part in range(1, len(PART_NAMES))]
    centres = np.array([(box.min(axis=0) + box.max(axis=0)) / 2 for box in boxes], np.float32)
    centres.setflags(write=False)
    return centres
