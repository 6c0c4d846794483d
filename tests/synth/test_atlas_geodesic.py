"""Distances along the body: exact where a surface can be unrolled, and near those of a finer search elsewhere."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from hd_core.synth.atlas.anny24 import load_atlas
from hd_core.synth.atlas.geodesic import body_surface, geodesic_table, make_surface


def grid(columns, rows):
    """A grid of unit squares whose points are shifted, some triangles obtuse, and its triangles."""
    x, y = np.meshgrid(np.arange(columns, dtype=float), np.arange(rows, dtype=float))
    points = np.stack([x, y], axis=-1).reshape(-1, 2)
    points += np.random.default_rng(5).uniform(-0.3, 0.3, points.shape)
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + columns + 1], 1), np.stack([a, a + columns + 1, a + columns], 1)])
    return points, faces


def sphere(rounds):
    """The unit sphere, an octahedron refined."""
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    for _ in range(rounds):
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, inverse = np.unique(edges, axis=0, return_inverse=True)
        middle = inverse.reshape(-1, 3) + len(points)
        points = np.concatenate([points, points[unique].mean(axis=1)])
        a, b, c = faces.T
        ab, bc, ca = middle.T
        faces = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]).transpose(0, 2, 1).reshape(-1, 3)
    return points / np.linalg.norm(points, axis=1, keepdims=True), faces


def finer_search(vertices, faces, source, extra=5):
    """Slow twin: Dijkstra over a graph with extra points on every edge, joined within each face; never too short."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1, 3)
    share = ((np.arange(extra) + 1) / (extra + 1))[:, None]
    on_edges = vertices[unique[:, 0], None] * (1 - share) + vertices[unique[:, 1], None] * share
    points = np.concatenate([vertices, on_edges.reshape(-1, 3)])
    rows = [len(vertices) + inverse[:, [k]] * extra + np.arange(extra) for k in range(3)]
    members = np.concatenate([faces, *rows], axis=1)
    first, second = (members[:, pick].ravel() for pick in np.triu_indices(members.shape[1], 1))
    _, kept = np.unique(first.astype(np.int64) * len(points) + second, return_index=True)
    first, second = first[kept], second[kept]
    length = np.linalg.norm(points[first] - points[second], axis=1)
    graph = coo_array((length, (first, second)), shape=(len(points),) * 2).tocsr()
    return dijkstra(graph, directed=False, indices=source)[: len(vertices)]


@pytest.fixture(scope="module")
def body():
    return body_surface()


def test_distances_on_a_plane_are_straight_lines_from_any_point_of_any_triangle():
    points, faces = grid(13, 9)
    flat = np.column_stack([points, 0 * points[:, 0]])
    surface = make_surface(flat, faces)
    inner = (points > 1.5).all(axis=1) & (points < [10.5, 6.5]).all(axis=1)  # beyond them a line may leave the patch
    for face, weights in ((100, [0.2, 0.5, 0.3]), (40, [1.0, 0.0, 0.0])):
        source = np.array(weights) @ flat[faces[face]]
        found = surface.from_point(face, np.array(weights))
        np.testing.assert_allclose(found[inner], np.linalg.norm(flat - source, axis=1)[inner], rtol=2e-4)


def test_distances_on_a_cylinder_are_those_of_the_unrolled_sheet():
    points, faces = grid(15, 9)
    sheet = np.column_stack([points, 0 * points[:, 0]])
    rolled = np.stack([7 * np.sin(points[:, 0] / 7), 7 * np.cos(points[:, 0] / 7), points[:, 1]], axis=1)
    weights = np.array([0.3, 0.3, 0.4])
    found = make_surface(rolled, faces).from_point(60, weights)
    straight = np.linalg.norm(sheet - weights @ sheet[faces[60]], axis=1)
    inner = (points > 1.5).all(axis=1) & (points < [12.5, 6.5]).all(axis=1)
    np.testing.assert_allclose(found[inner], straight[inner], rtol=4e-3, atol=2e-3)


def test_distances_on_a_sphere_come_nearer_to_great_circles_as_triangles_shrink():
    worst = []
    for rounds in (3, 4, 5):
        points, faces = sphere(rounds)
        found = make_surface(points, faces).from_point(0, np.array([1.0, 0.0, 0.0]))
        angle = np.arccos(np.clip(points @ points[faces[0, 0]], -1, 1))
        worst.append(np.abs(found - angle).max())
    assert worst[1] < 0.07
    assert worst[2] < 0.65 * worst[1] < 0.65**2 * worst[0]


def test_on_the_body_distances_are_near_those_of_a_finer_search():
    """The right hand and arm: fingers that touch in space but not along the skin."""
    atlas = load_atlas()
    rows = np.flatnonzero(np.isin(atlas.part, (3, 20, 22)))
    used, faces = np.unique(atlas.faces[rows], return_inverse=True)
    vertices, faces = atlas.vertices[used].astype(float), faces.reshape(-1, 3)
    surface = make_surface(vertices, faces)
    for face in (10, 700, 1500):
        weights = np.array([1.0, 0.0, 0.0])
        found, expected = surface.from_point(face, weights), finer_search(vertices, faces, faces[face, 0])
        off = found - expected
        assert np.abs(off).max() < 5e-3
        assert np.sqrt((off**2).mean()) < 1.5e-3


def test_between_is_symmetric_and_straight_within_a_triangle(body):
    rng, skin = np.random.default_rng(2), np.flatnonzero(load_atlas().part > 0)
    faces, weights = rng.choice(skin, (2, 6)), rng.dirichlet([1, 1, 1], (2, 6))
    there = body.between(faces[0], weights[0], faces[1], weights[1])
    back = body.between(faces[1], weights[1], faces[0], weights[0])
    np.testing.assert_allclose(there, back, atol=0.01)
    place = [np.einsum("nk,nkc->nc", w, body.vertices[body.faces[f]]) for f, w in zip(faces, weights, strict=True)]
    assert (there >= np.linalg.norm(place[0] - place[1], axis=1) - 1e-9).all()
    one = np.array([faces[0, 0]] * 2)
    pair = weights[:, :2].reshape(2, 2, 3)
    corner = body.vertices[body.faces[one]]
    apart = np.linalg.norm(np.einsum("nk,nkc->nc", pair[0] - pair[1], corner), axis=1)
    np.testing.assert_allclose(body.between(one, pair[0], one, pair[1]), apart, atol=1e-12)


def test_a_neighbouring_triangle_is_as_far_as_over_the_common_edge(body):
    """Two triangles unfolded about their edge: the distance of their middles, by the law of cosines."""
    faces = body.faces
    a = 5000
    near = [f for f in body.around[body.first[faces[a, 0]] : body.first[faces[a, 0] + 1]] if f != a]
    b = next(f for f in near if len(np.intersect1d(faces[a], faces[f])) == 2)
    start, end = body.vertices[np.intersect1d(faces[a], faces[b])]
    edge = (end - start) / np.linalg.norm(end - start)
    thirds = np.full((1, 3), 1 / 3)
    flat = []
    for face, side in ((a, -1), (b, 1)):
        away = body.vertices[faces[face]].mean(axis=0) - start
        along = away @ edge
        flat.append([along, side * np.sqrt(away @ away - along**2)])
    expected = np.linalg.norm(np.subtract(*flat))
    assert body.between(np.array([a]), thirds, np.array([b]), thirds)[0] == pytest.approx(expected, rel=1e-6)


def test_the_inside_of_the_mouth_is_out_of_reach_and_all_else_within(body):
    atlas = load_atlas()
    far = body.from_point(int(np.flatnonzero(atlas.part == 2)[0]), np.array([1.0, 0.0, 0.0]))
    outside = np.unique(atlas.faces[atlas.part > 0])
    assert np.isfinite(far[outside]).all()
    inside = np.setdiff1d(np.arange(len(far)), outside)
    assert len(inside) > 100
    assert np.isinf(far[inside]).all()
    assert 1.5 < far[outside].max() < 2.5  # from the chest to the toes, over the skin


def test_a_table_spreads_its_points_and_holds_their_distances(body):
    table = geodesic_table(24)
    assert table.distances.shape == (24, 24)
    np.testing.assert_array_equal(table.distances, table.distances.T)
    np.testing.assert_array_equal(np.diag(table.distances), 0)
    apart = table.distances[~np.eye(24, dtype=bool)].min()
    assert table.reach_m <= apart + 0.01  # or a farther point would have been taken
    assert 0.1 < table.reach_m < 0.4
    pair = body.between(table.face[:1], table.barycentric[:1], table.face[5:6], table.barycentric[5:6])
    assert table.distances[0, 5] == pytest.approx(pair[0], abs=0.01)
    detour = (table.distances[:, :, None] + table.distances[None]).min(axis=1)
    assert (table.distances <= detour + 0.01).all()
