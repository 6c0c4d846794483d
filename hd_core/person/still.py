"""Posters, prints and dummies: "people" who never move.

The landmarks of anything flat that hangs still, in a picture from a still or a moving camera, are one affine
picture of each other in all frames (Tomasi and Kanade, "Shape and Motion from Image Streams under Orthography",
IJCV 1992: a plane's tracks have rank two beside their mean). A living body's are not, not even standing: what is
left over is far above the network's own noise. A statue seen by a still camera passes for flat. A mirror image
moves and is nobody that this module could tell.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hd_core.person.sighting import Sighting

MIN_SECONDS = 1.0
MIN_SIGHTINGS = 8
"""Nobody is called still on less than this."""
STILL_SHARE = 0.004
"""What is left over, as a share of the body's length, under which nothing moves."""
SEEN = 0.5
"""Mean visibility of the landmarks that count."""
MIN_LANDMARKS = 8


def is_still(sightings: Sequence[Sighting]) -> bool:
    """Whether a person is flat and still for all of at least a second; False where that cannot be told."""
    marks = [sighting.landmarks for sighting in sightings if sighting.landmarks is not None]
    if len(marks) < MIN_SIGHTINGS or sightings[-1].time_seconds - sightings[0].time_seconds < MIN_SECONDS:
        return False
    left_over = liveliness(np.stack(marks))
    return left_over is not None and left_over < STILL_SHARE


def liveliness(landmarks: Float[np.ndarray, "n 33 4"]) -> float | None:
    """What no affine motion explains, rms over frames and landmarks, as a share of the body's length.

    Args:
        landmarks: As in `Sighting`, one entry per frame.

    Returns:
        None if too few landmarks are seen.
    """
    seen = landmarks[:, :, 3].mean(axis=0) > SEEN
    if int(seen.sum()) < MIN_LANDMARKS:
        return None
    points = landmarks[:, seen, :2]
    centred = points - points.mean(axis=1, keepdims=True)
    tracks = centred.transpose(0, 2, 1).reshape(2 * len(points), -1)
    singular = np.linalg.svd(tracks, compute_uv=False)
    left_over = np.sqrt((singular[2:] ** 2).sum() / tracks.size)
    length = float(np.median(np.ptp(points, axis=1).max(axis=1)))
    return float(left_over) / max(length, 1.0)
