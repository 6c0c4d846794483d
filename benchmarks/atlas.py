"""How good the atlas is: stretch and overlap of the charts, and the error of distances along the body.

Run: python benchmarks/atlas.py [--sources N]. Distances are compared with Dijkstra's over a graph that has five extra
points on every edge, joined within each face, which are never too short.
"""

import argparse

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from hd_core.synth.atlas.anny24 import PART_NAMES, Atlas, load_atlas
from hd_core.synth.atlas.geodesic import Surface, body_surface

EXTRA = 5
NEAR_M = 0.2


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=4)
    atlas = load_atlas()
    print_overlap(atlas)
    print_distances(atlas, body_surface(), parser.parse_args().sources)


def print_overlap(atlas: Atlas, samples: int = 400_000) -> None:
    """Share of each part whose place in the chart decodes to somewhere else."""
    rng = np.random.default_rng(1)
    corner = atlas.vertices[atlas.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    area[atlas.part == 0] = 0
    face, weights = rng.choice(len(area), samples, p=area / area.sum()), rng.dirichlet([1, 1, 1], samples)
    part, u, v = atlas.encode(face, weights)
    back = atlas.canonical_points(*atlas.decode(part, u, v))
    off = 1000 * np.linalg.norm(back - atlas.canonical_points(face, weights), axis=1)
    print("part                       off by > 1 mm   at most")
    for number in range(1, len(PART_NAMES)):
        own = off[part == number]
        print(f"{number:>2} {PART_NAMES[number]:<23} {(own > 1).mean():>10.3%} {own.max():>9.1f} mm")


def print_distances(atlas: Atlas, surface: Surface, sources: int) -> None:
    """Errors from some vertices to all others."""
    faces = surface.faces[atlas.part > 0]
    graph = edge_graph(surface.vertices, faces)
    starts = np.random.default_rng(2).choice(np.unique(faces), sources, replace=False)
    found, expected = [], []
    for start in starts:
        face = int(np.flatnonzero((surface.faces == start).any(axis=1) & (atlas.part > 0))[0])
        found.append(surface.from_point(face, (surface.faces[face] == start).astype(np.float64)))
        expected.append(dijkstra(graph, directed=False, indices=start)[: len(surface.vertices)])
    near, far = np.concatenate(found), np.concatenate(expected)
    known = np.isfinite(far) & (far > 0)
    off, far = near[known] - far[known], far[known]
    print(f"distances from {sources} vertices to all others:")
    for name, rows in (("all", far > 0), (f"within {NEAR_M} m", far < NEAR_M)):
        error, length = 1000 * off[rows], far[rows]
        share = np.percentile(np.abs(error / 1000 / length), [50, 99])
        print(
            f"  {name:<13} rms {np.sqrt((error**2).mean()):.1f} mm, largest {np.abs(error).max():.1f} mm, "
            f"median {share[0]:.2%}, 99th percentile {share[1]:.2%}"
        )


def edge_graph(vertices: np.ndarray, faces: np.ndarray) -> csr_array:
    """Vertices and extra points on the edges; those of one face are joined."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    share = ((np.arange(EXTRA) + 1) / (EXTRA + 1))[:, None]
    on_edges = vertices[unique[:, 0], None] * (1 - share) + vertices[unique[:, 1], None] * share
    points = np.concatenate([vertices, on_edges.reshape(-1, 3)])
    rows = [len(vertices) + inverse.reshape(-1, 3)[:, [k]] * EXTRA + np.arange(EXTRA) for k in range(3)]
    members = np.concatenate([faces, *rows], axis=1)
    first, second = (members[:, pick].ravel().astype(np.int64) for pick in np.triu_indices(members.shape[1], 1))
    _, kept = np.unique(first * len(points) + second, return_index=True)
    length = np.linalg.norm(points[first[kept]] - points[second[kept]], axis=1)
    return csr_array(coo_array((length, (first[kept], second[kept])), shape=(len(points),) * 2))


if __name__ == "__main__":
    main()
