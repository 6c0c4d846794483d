"""How far neighbouring frames agree: normals of one, carried to the other by the rotation of each body part.

What HDNet's L_w asks for (Jafarian & Park, CVPR 2021), as a measure: pixels that show the same point are matched by
their maps of the body, each part's similarity is found from the predicted points, in closed form and deaf to outliers
(`train.similarity`), and a neighbour's normals are turned by it. Nothing is learned from it: means over neighbours
were farther from the truth than single frames were (docs/adapt.md).
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32

from hd_core.predict.planes import NUM_PARTS, crop_extent
from hd_core.train.adapting.looks import Look
from hd_core.train.matching import match_pixels
from hd_core.train.similarity import fit_similarities
from hd_core.train.warp_loss import crop_points
from hd_core.types import View

MATCHES = 4096


def carried_normals(
    views: Sequence[View], looks: Sequence[Look], first: int, second: int, rng: np.random.Generator
) -> tuple[np.ndarray, Float32[np.ndarray, "n 3"]]:
    """Flat pixels of one frame, and the normals there as another frame saw them.

    Args:
        views: With maps of the body; none are carried without.
        looks: At each of them.
        first: Number of the frame that is told.
        second: Number of the one that tells.
        rng: Draws pixels.
    """
    bodies = views[first].body, views[second].body
    if bodies[0] is None or bodies[1] is None:
        return np.zeros(0, np.int64), np.zeros((0, 3), np.float32)
    masks = looks[first].seen, looks[second].seen
    matches = match_pixels(bodies[0].iuv, bodies[1].iuv, masks, rng, count=MATCHES)
    points = [_points(views[number], looks[number]) for number in (second, first)]
    places = [torch.from_numpy(place) for place in (matches.second, matches.first)]
    part, weight = torch.from_numpy(matches.part), torch.from_numpy(matches.weight)
    a, b = (flat[place] for flat, place in zip(points, places, strict=True))
    found = fit_similarities(a, b, part, weight, groups=NUM_PARTS)
    used = ((weight > 0) & found.known[part]).numpy()
    theirs = looks[second].normal.reshape(-1, 3)[matches.second[used]]
    turned = np.einsum("nij,nj->ni", found.rotation.numpy()[matches.part[used]], theirs)
    return matches.first[used], turned.astype(np.float32)


def frames_apart(views: Sequence[View], looks: Sequence[Look], rng: np.random.Generator) -> float | None:
    """Mean angle between each frame's normals and the next one's, carried over, degrees; None without matches."""
    angles = []
    for number in range(len(views) - 1):
        places, turned = carried_normals(views, looks, number, number + 1, rng)
        cosine = (looks[number].normal.reshape(-1, 3)[places] * turned).sum(-1)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    found = np.concatenate(angles) if angles else np.zeros(0)
    return float(found.mean()) if len(found) else None


def _points(view: View, seen: Look) -> torch.Tensor:
    """Flat points of a look, crop sizes."""
    camera = view.crop.camera
    relief = torch.from_numpy(np.clip(seen.relief, -1 / crop_extent(camera), 1 / crop_extent(camera)))[None, None]
    intrinsics = torch.from_numpy(camera.intrinsics.astype(np.float32))[None]
    mask = torch.from_numpy(seen.seen.astype(np.float32))[None, None]
    return crop_points(relief.float(), intrinsics, mask)[0].flatten(1).T.contiguous()
