"""How labels of quads become clean regions: smooth borders, one piece each, no piece that hangs by a vertex.

Used when an atlas is made; nothing here runs when one is read.
"""

import numpy as np
from jaxtyping import Integer
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hd_core.compiled import compiled

Quads = Integer[np.ndarray, "q 4"]
Labels = Integer[np.ndarray, " q"]

SKY_DIRECTIONS = 48
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def quad_links(quads: Quads) -> csr_array:
    """Which quads share an edge, (q, q)."""
    ends = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    owner = np.repeat(np.arange(len(quads)), 4)
    order = np.lexsort((owner, ends[:, 1], ends[:, 0]))
    pairs = owner[order].reshape(-1, 2)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(len(quads),) * 2)


def smooth(region: Labels, links: csr_array, *, rounds: int = 20) -> Labels:
    """Quads with three or four neighbours of one other region join it."""
    for _ in range(rounds):
        votes = links @ np.eye(region.max() + 1)[region]
        change = votes.max(axis=1) >= 3
        region = np.where(change, votes.argmax(axis=1), region)
    return region


def largest_pieces(region: Labels, links: csr_array) -> Labels:
    """Keep the largest piece of every region (on each side); the rest joins what is around it."""
    region = region.copy()
    for _ in range(50):
        rows, columns = links.nonzero()
        same = region[rows] == region[columns]
        shape = links.shape
        count, piece = connected_components(csr_array((np.ones(same.sum()), (rows[same], columns[same])), shape=shape))
        sizes = np.bincount(piece, minlength=count)
        largest = np.zeros(region.max() + 1, dtype=int)
        np.maximum.at(largest, region, sizes[piece])
        lost = sizes[piece] < largest[region]
        if not lost.any():
            return region
        votes = links @ (np.eye(region.max() + 1)[region] * ~lost[:, None])
        region = np.where(lost & (votes.max(axis=1) > 0), votes.argmax(axis=1), region)
    return region


def unpinch(region: Labels, quads: Quads, links: csr_array) -> Labels:
    """Part regions that touch themselves at a vertex only: the smaller piece there joins its other neighbours."""
    region = region.copy()
    order = np.argsort(quads.ravel(), kind="stable")
    fans = np.split(order // 4, np.cumsum(np.bincount(quads.ravel()))[:-1])
    for _ in range(20):
        pinched = 0
        for fan in fans:
            for label in np.unique(region[fan]):
                rows = fan[region[fan] == label]
                count, piece = connected_components(links[rows][:, rows])
                if count > 1 and len(rows) < len(fan):
                    lost = rows[piece == np.bincount(piece).argmin()]
                    others = region[fan][region[fan] != label]
                    region[lost] = np.bincount(others).argmax()
                    pinched += 1
        if not pinched:
            break
    return region


@compiled
def open_share(points: np.ndarray, normals: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Share of the directions above every point (n, 3) on which nothing of (t, 3, 3) lies: its view of the sky."""
    last = np.zeros(SKY_DIRECTIONS, dtype=np.int64)
    result = np.zeros(len(points))
    first_edge, second_edge = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    for p in range(len(points)):
        above = 0
        start = points[p] + 1e-5 * normals[p]
        for d in range(SKY_DIRECTIONS):
            height = 1 - (2 * d + 1) / SKY_DIRECTIONS
            radius = np.sqrt(1 - height * height)
            ray = (radius * np.cos(d * _GOLDEN_ANGLE), radius * np.sin(d * _GOLDEN_ANGLE), height)
            if ray[0] * normals[p, 0] + ray[1] * normals[p, 1] + ray[2] * normals[p, 2] < 0.1:
                continue
            above += 1
            hit = _first_hit(start, ray, triangles[:, 0], first_edge, second_edge, last[d])
            if hit < 0:
                result[p] += 1
            else:
                last[d] = hit
        result[p] /= max(above, 1)
    return result


@compiled
def _first_hit(  # noqa: PLR0917 - compiled code has no keywords
    start: np.ndarray, ray: tuple[float, float, float], corner: np.ndarray, e: np.ndarray, f: np.ndarray, guess: int
) -> int:
    """Some triangle that a ray hits, or -1; `guess` is tried first.

    Source: Moeller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997; here without the division.
    """
    a, b, c = ray
    for k in range(len(corner)):
        t = (k + guess) % len(corner)
        hx, hy, hz = b * f[t, 2] - c * f[t, 1], c * f[t, 0] - a * f[t, 2], a * f[t, 1] - b * f[t, 0]
        det = e[t, 0] * hx + e[t, 1] * hy + e[t, 2] * hz
        sx, sy, sz = start[0] - corner[t, 0], start[1] - corner[t, 1], start[2] - corner[t, 2]
        u = (sx * hx + sy * hy + sz * hz) * np.sign(det)
        if det == 0 or u < 0 or u > abs(det):
            continue
        qx, qy, qz = sy * e[t, 2] - sz * e[t, 1], sz * e[t, 0] - sx * e[t, 2], sx * e[t, 1] - sy * e[t, 0]
        v = (a * qx + b * qy + c * qz) * np.sign(det)
        if v >= 0 and u + v <= abs(det) and (f[t, 0] * qx + f[t, 1] * qy + f[t, 2] * qz) * det > 0:
            return t
    return -1
