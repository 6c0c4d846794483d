"""The smooth surface through a mesh: closed forms of Loop's limit, its boundary, and how a finer mesh keeps to it."""

import numpy as np
import pytest
import torch
from raster_scenes import ball, camera

from hd_core.errors import InputError
from hd_core.geometry.depth import normals_from_depth
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.raster.interpolate import interpolate
from hd_core.synth.raster.subdivide import CORNERS, subdivide
from hd_core.synth.raster.torch_screen import smooth_points
from hd_core.synth.raster.zbuffer import rasterise

ICOSAHEDRON = np.array(
    [
        *([0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6]),
        *([7, 1, 8], [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10]),
        *([8, 6, 7], [9, 8, 1]),
    ]
)
"""Twelve vertices of valence 5."""


def triangular_grid(side):
    """Equilateral triangles with sides of 1; every inner vertex has six neighbours."""
    i, j = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side), indexing="ij"))
    points = np.stack([j + 0.5 * i, np.sqrt(0.75) * i], axis=1)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + side], axis=1)
    upper = np.stack([corner + 1, corner + side + 1, corner + side], axis=1)
    inner = (i > 1) & (i < side - 2) & (j > 1) & (j < side - 2)
    return points, np.concatenate([lower, upper]), inner


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_a_paraboloid_on_a_regular_grid_becomes_itself_a_quarter_higher(levels):
    """Box splines reproduce quadratics up to a constant: here the mean of x^2 + y^2 over the ring, halved."""
    plane, faces, inner = triangular_grid(9)
    points = np.concatenate([plane, (plane**2).sum(axis=1, keepdims=True)], axis=1)
    finer = subdivide(faces, len(points), levels=levels)
    limit = finer.apply(points).astype(float)
    depends = np.array([inner[finer.sources[a:b]].all() for a, b in zip(finer.start, finer.start[1:], strict=False)])
    assert depends.sum() >= 9
    np.testing.assert_allclose(limit[depends, 2], (limit[depends, :2] ** 2).sum(axis=1) + 0.5, atol=2e-5)


def test_the_limit_does_not_depend_on_how_often_one_has_divided():
    """Divided three times by an independent count of neighbours, the first vertices land where one step says."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 3))
    places = [subdivide(ICOSAHEDRON, 12, levels=levels).apply(points)[:12] for levels in range(5)]
    for place in places[1:]:
        np.testing.assert_allclose(place, places[0], atol=1e-6)


def test_many_plain_steps_come_close_to_the_limit():
    rng = np.random.default_rng(1)
    points, faces = rng.normal(size=(12, 3)), ICOSAHEDRON
    limit = subdivide(faces, 12, levels=0).apply(points)
    fine, rows = points, faces
    for _ in range(5):
        fine, rows = plain_step(fine, rows)
    assert np.abs(fine[:12] - limit).max() < 2e-3


def plain_step(points, faces):
    """One step of Loop's scheme on a closed mesh, by its words."""
    neighbours = [set() for _ in points]
    wings = {}
    for face in faces:
        for a, b, c in (face, face[[1, 2, 0]], face[[2, 0, 1]]):
            neighbours[a] |= {b, c}
            wings.setdefault((min(a, b), max(a, b)), []).append(c)
    old = []
    for vertex, ring in enumerate(neighbours):
        n = len(ring)
        beta = (0.625 - (0.375 + 0.25 * np.cos(2 * np.pi / n)) ** 2) / n
        old.append((1 - n * beta) * points[vertex] + beta * points[list(ring)].sum(axis=0))
    edges = list(wings)
    new = [0.375 * (points[a] + points[b]) + 0.125 * points[wings[a, b]].sum(axis=0) for a, b in edges]
    middle = {edge: len(points) + k for k, edge in enumerate(edges)}
    finer = []
    for a, b, c in faces:
        ab, bc, ca = (middle[min(p, q), max(p, q)] for p, q in ((a, b), (b, c), (c, a)))
        finer += [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
    return np.array(old + new), np.array(finer)


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_weights_sum_to_one_so_that_the_surface_moves_with_the_mesh(levels):
    positions, faces, _ = ball(8)
    finer = subdivide(faces, len(positions), levels=levels)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    moved = finer.apply(positions @ turn.T + [1.0, 2.0, 3.0])
    np.testing.assert_allclose(moved, finer.apply(positions) @ turn.T + [1.0, 2.0, 3.0], atol=2e-6)
    assert len(finer.faces) == 4**levels * len(faces)
    assert finer.shares.min() > 0


def test_a_rim_is_a_cubic_spline_that_knows_nothing_of_the_inside():
    """A rim along a parabola becomes the parabola, a third of its second difference higher; a corner of three stays."""
    plane, faces, _ = triangular_grid(9)
    points = np.concatenate([plane, np.random.default_rng(3).normal(size=(81, 1))], axis=1)
    rim = np.arange(9)
    points[rim, 2] = plane[rim, 0] ** 2
    limit = subdivide(faces, 81, levels=0).apply(points)
    np.testing.assert_allclose(limit[1:8, 2], plane[1:8, 0] ** 2 + 1 / 3, atol=1e-5)
    np.testing.assert_allclose(limit[1:8, 0], plane[1:8, 0], atol=1e-6)


def test_edges_of_three_faces_and_unused_vertices_do_no_harm():
    points = np.random.default_rng(4).normal(size=(7, 3))
    faces = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]])
    limit = subdivide(faces, 7, levels=1).apply(points)
    assert np.isfinite(limit).all()
    np.testing.assert_allclose(limit[5:7], points[5:7].astype(np.float32))
    assert np.abs(limit).max() < np.abs(points).max() + 1e-6


@pytest.mark.parametrize("levels", [1, 2])
def test_a_pixel_of_a_child_is_the_same_point_of_its_parent(levels):
    """Corners of children at the middles of edges: what is linear on the parent has the same value in both terms."""
    positions, faces, _ = ball(12)
    finer = subdivide(faces, len(positions), levels=levels)
    corners = positions[faces]
    for _ in range(levels):
        corners = (CORNERS @ corners[:, None]).reshape(-1, 3, 3)
    flat = np.zeros((len(finer.start) - 1, 3))
    flat[finer.faces] = corners
    np.testing.assert_allclose(flat[finer.faces], corners, atol=1e-12)  # neighbours agree on every corner
    np.testing.assert_array_equal(flat[: len(positions)], positions)
    values = flat @ np.random.default_rng(5).normal(size=(3, 4))
    found = rasterise(flat, finer.faces, camera())
    coarse = finer.on_coarse(found)
    np.testing.assert_array_equal(coarse.face >= 0, found.mask)
    np.testing.assert_array_equal(coarse.face[found.mask], found.face[found.mask] // 4**levels)
    np.testing.assert_allclose(
        interpolate(coarse, faces, values[: len(positions)]), interpolate(found, finer.faces, values), atol=2e-6
    )


def test_depth_and_normals_of_the_finer_mesh_agree_four_times_better_than_those_of_the_coarse_one():
    cam = camera(400, 380, 900.0)
    positions, faces, _ = ball(24)
    errors = []
    for levels in (0, 1, 2):
        finer = subdivide(faces, len(positions), levels=levels)
        corners = finer.apply(positions)
        found = rasterise(corners, finer.faces, cam)
        smooth = interpolate(found, finer.faces, smooth_normals(corners, finer.faces))
        smooth /= np.maximum(np.linalg.norm(smooth, axis=-1, keepdims=True), 1e-9)
        derived = normals_from_depth(cam, found.depth)
        good = derived.any(axis=-1) & (smooth[..., 2] < -0.5)
        errors.append(np.degrees(np.median(np.arccos((derived * smooth).sum(axis=-1)[good].clip(-1, 1)))))
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.6 * errors[1]
    assert errors[2] < 0.6


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_torch_puts_every_corner_in_exactly_the_same_place(levels):
    positions, faces, _ = ball(10)
    positions = positions + np.random.default_rng(6).normal(scale=0.01, size=positions.shape)
    finer = subdivide(faces, len(positions), levels=levels)
    twin = smooth_points(finer, torch.as_tensor(positions))
    np.testing.assert_array_equal(twin.numpy(), finer.apply(positions))


def test_levels_and_faces_that_cannot_be_are_named():
    with pytest.raises(InputError, match="9 levels"):
        subdivide(ICOSAHEDRON, 12, levels=9)
    with pytest.raises(InputError, match="0..11; expected 0..10"):
        subdivide(ICOSAHEDRON, 11)
