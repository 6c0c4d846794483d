import itertools

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.atlas.flatten import (
    arap,
    boundary_loop,
    flatten_disc,
    mean_value_weights,
    signed_areas,
    singular_values,
    tutte,
    untangle,
)
from hd_core.synth.atlas.regions import largest_pieces, open_share, quad_links, smooth, unpinch


def grid(columns: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit grid in the plane, its points slightly shifted so that no angle is special, and its triangles."""
    x, y = np.meshgrid(np.arange(columns, dtype=float), np.arange(rows, dtype=float))
    points = np.stack([x, y], axis=-1).reshape(-1, 2)
    points += np.random.default_rng(5).uniform(-0.2, 0.2, points.shape)
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + columns + 1], 1), np.stack([a, a + columns + 1, a + columns], 1)])
    return points, faces


def on_plane(points: np.ndarray) -> np.ndarray:
    """The plane turned into space."""
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    return np.concatenate([points, np.zeros((len(points), 1))], axis=1) @ turn.T + [1.0, 2.0, 3.0]


def on_cylinder(points: np.ndarray) -> np.ndarray:
    """The plane rolled up, radius 7: lengths along the surface stay."""
    return np.stack([7 * np.sin(points[:, 0] / 7), 7 * np.cos(points[:, 0] / 7), points[:, 1]], axis=1)


def on_hemisphere(points: np.ndarray) -> np.ndarray:
    """The middle of the grid as the pole of a sphere; radius and angle of the plane kept."""
    centred = (points - points.mean(axis=0)) / 5.0
    angle = np.linalg.norm(centred, axis=1)
    around = centred / np.maximum(angle, 1e-12)[:, None]
    return 5.0 * np.concatenate([around * np.sin(angle)[:, None], np.cos(angle)[:, None]], axis=1)


def moved_onto(flat: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares motion in the plane, without a reflection."""
    p, q = flat - flat.mean(axis=0), target - target.mean(axis=0)
    u, _, vt = np.linalg.svd(p.T @ q)
    turn = u @ np.diag([1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return p @ turn + target.mean(axis=0)


@pytest.mark.parametrize("bend", [on_plane, on_cylinder])
def test_a_patch_that_can_be_unrolled_comes_back_to_the_plane_it_was_made_from(bend):
    points, faces = grid(14, 9)
    surface = bend(points)
    flat = flatten_disc(surface, faces, iterations=400)
    limit = 1e-3 if bend is on_plane else 0.02
    assert np.abs(moved_onto(flat, points) - points).max() < limit
    np.testing.assert_allclose(singular_values(surface, faces, flat), 1.0, atol=1e-3 if bend is on_plane else 0.01)


def test_tutte_puts_the_border_on_a_circle_of_its_own_length_and_flips_nothing():
    points, faces = grid(11, 8)
    surface = on_hemisphere(points)
    flat = tutte(surface, faces)
    loop = boundary_loop(faces)
    length = np.linalg.norm(surface[np.roll(loop, -1)] - surface[loop], axis=1).sum()
    np.testing.assert_allclose(np.linalg.norm(flat[loop], axis=1), length / (2 * np.pi), rtol=1e-12)
    assert (signed_areas(flat, faces) > 0).all()


def test_mean_value_weights_hold_a_flat_disc_where_it_is():
    points, faces = grid(9, 7)
    weights = mean_value_weights(on_plane(points), faces)
    inner = np.setdiff1d(np.arange(len(points)), boundary_loop(faces))
    mean = (weights @ points)[inner] / weights.sum(axis=1)[inner, None]
    np.testing.assert_allclose(mean, points[inner], atol=1e-9)


def test_more_rounds_never_raise_the_stretch_energy_and_a_hemisphere_keeps_some():
    points, faces = grid(12, 12)
    surface = on_hemisphere(points)
    area = np.linalg.norm(np.cross(*(surface[faces[:, k]] - surface[faces[:, 0]] for k in (1, 2))), axis=1) / 2
    start = tutte(surface, faces)

    def energy(flat):
        return float((area * ((singular_values(surface, faces, flat) - 1) ** 2).sum(axis=1)).sum())

    runs = [energy(arap(surface, faces, start, iterations=n)) for n in (1, 2, 5, 20, 100)]
    assert all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(runs))
    assert runs[-1] > 1e-3 * area.sum()  # a sphere cannot be unrolled (Gauss)


def test_untangle_turns_a_triangle_back_and_leaves_a_clean_map_alone():
    points, faces = grid(9, 9)
    surface = on_plane(points)
    np.testing.assert_array_equal(untangle(surface, faces, points), points)
    broken = points.copy()
    broken[40] += [1.7, 0.4]
    assert (signed_areas(broken, faces) <= 0).any()
    mended = untangle(surface, faces, broken)
    assert (signed_areas(mended, faces) > 0).all()
    np.testing.assert_allclose(mended, points, atol=1e-9)  # harmonic weights reproduce the plane


def test_the_border_is_found_in_order_and_only_of_discs():
    _, faces = grid(3, 3)
    loop = list(boundary_loop(faces))
    assert loop == [0, 1, 2, 5, 8, 7, 6, 3]
    _, larger = grid(5, 5)
    hole = larger[~(larger == 12).any(axis=1)]
    with pytest.raises(InputError, match="expected a disc"):
        boundary_loop(hole)
    with pytest.raises(InputError, match="expected a disc"):
        boundary_loop(np.array([[0, 1, 2], [2, 3, 4]]))


def test_flattening_gives_the_same_bytes_every_time():
    points, faces = grid(10, 6)
    surface = on_hemisphere(points)
    assert flatten_disc(surface, faces).tobytes() == flatten_disc(surface.copy(), faces.copy()).tobytes()


def closed_box(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The surface of a cube in n x n quads a side."""
    corners, quads, index = [], [], {}

    def vertex(point):
        return index.setdefault(point, len(index))

    for axis in range(3):
        for side in (0, n):
            for i in range(n):
                for j in range(n):
                    around = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
                    quad = [vertex(tuple(np.insert(np.array(p), axis, side).tolist())) for p in around]
                    quads.append(quad if (side > 0) == (axis != 1) else quad[::-1])
    corners = np.array(list(index), dtype=float)
    return corners, np.array(quads)


def test_region_cleaning_fills_specks_keeps_one_piece_and_cuts_what_hangs_by_a_vertex():
    _, quads = closed_box(6)
    links = quad_links(quads)
    assert (np.asarray(links.sum(axis=1)).ravel() == 4).all()
    label = np.zeros(len(quads), dtype=np.int64)
    label[36:72] = 1
    speck = label.copy()
    speck[[14, 50]] = [1, 0]
    np.testing.assert_array_equal(smooth(speck, links), label)
    island = label.copy()
    island[[14, 15]] = 1
    np.testing.assert_array_equal(largest_pieces(island, links), label)
    hanging = np.zeros(len(quads), dtype=np.int64)
    hanging[[7, 8, 13, 14, 21]] = 1  # 21 touches 14 at a corner only
    clean = unpinch(hanging, quads, links)
    assert (clean != hanging).sum() == 1
    assert clean[21] == 0 or clean[15] == 1 or clean[20] == 1  # cut off, or joined by an edge


def test_a_point_inside_a_box_sees_no_sky_and_one_on_its_top_sees_all_of_it():
    corners, quads = closed_box(2)
    triangles = corners[quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)]
    points = np.array([[1.0, 1.0, 1.0], [0.7, 0.7, 2.0]])
    up = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(open_share(points, up, triangles), [0.0, 1.0])
