"""Springs and hinges of meshes whose answers are known."""

import itertools

import numpy as np
import pytest
from cloth_scenes import ball, garment_of, normals_of, sheet, tube
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hd_core.errors import InputError
from hd_core.synth.cloth.constraints import build_constraints
from hd_core.synth.cloth.contact import find_candidates, look_up
from hd_core.synth.cloth.garment import ClothOptions, Garment, attachment, looseness


def test_a_square_of_two_triangles_has_five_springs_and_one_hinge():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    built = build_constraints(points, np.array([[0, 1, 2], [0, 2, 3]]))
    lengths = {tuple(sorted(e)): length for e, length in zip(built.edges.tolist(), built.lengths, strict=True)}
    root = 2**0.5
    assert lengths == pytest.approx({(0, 1): 1, (1, 2): 1, (0, 2): root, (2, 3): 1, (0, 3): 1})
    # Van Gelder: l^2 / area beside it; 1 / 0.5 at the rim, 2 / 1 at the diagonal.
    assert built.edge_shapes == pytest.approx(2.0)
    assert sorted(built.hinges[0, :2].tolist()) == [0, 2] and sorted(built.hinges[0, 2:].tolist()) == [1, 3]
    # All four cotangents at the diagonal's ends are 1, times sqrt(3 / area).
    assert built.hinge_weights[0] == pytest.approx(np.array([2, 2, -2, -2]) * 3**0.5)
    assert built.areas == pytest.approx([1 / 3, 1 / 6, 1 / 3, 1 / 6])


def test_a_tube_has_as_many_edges_and_hinges_as_euler_says():
    points, faces = tube(9, 16, 0.1, 0.3)
    built = build_constraints(points, faces)
    assert len(built.edges) == len(points) + len(faces)  # v - e + f = 0 for an open tube
    assert len(built.hinges) == len(built.edges) - 2 * 16
    across = np.cross(*(points[faces[:, k]].astype(float) - points[faces[:, 0]] for k in (1, 2)))
    assert built.areas.sum() == pytest.approx(np.linalg.norm(across, axis=1).sum() / 2)


def test_bending_a_sheet_to_a_cylinder_costs_the_same_on_every_grid():
    # The continuum: E = area / (2 r^2) = 2 for a stiffness of 1. On a grid only the edges along the axis bend, so
    # the hinge model costs 3 times as much; it costs as much as the continuum where all directions bend alike.
    energies = []
    for columns in (21, 41):
        points, faces = sheet(columns, columns, 0.2, 0.2)
        built = build_constraints(points, faces)
        angle = points[:, 0].astype(float) / 0.1
        rolled = np.stack([0.1 * np.sin(angle), points[:, 1], 0.1 * np.cos(angle)], axis=-1)
        bend = np.einsum("kc,kcd->kd", built.hinge_weights, rolled[built.hinges])
        flat = np.einsum("kc,kcd->kd", built.hinge_weights, points[built.hinges].astype(float))
        assert np.abs(flat).max() < 1e-4 * np.abs(bend).max()
        energies.append(0.5 * (bend**2).sum())
    assert energies == pytest.approx([6 * 19 / 20, 6 * 39 / 40], rel=0.01)  # the rim has no hinge


def test_the_curvature_of_a_hinge_does_not_depend_on_where_it_is():
    points, faces = tube(6, 12, 0.1, 0.2)
    weights = build_constraints(points, faces).hinge_weights
    assert np.abs(weights.sum(axis=1)).max() < 1e-12 * np.abs(weights).max() + 1e-12


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num=st.integers(3, 40), num_faces=st.integers(1, 80))
def test_no_colour_holds_a_vertex_twice_and_every_edge_is_there_once(seed, num, num_faces):
    rng = np.random.default_rng(seed)
    faces = np.stack([rng.permutation(num)[:3] for _ in range(num_faces)]).astype(np.int32)
    built = build_constraints(rng.normal(size=(num, 3)), faces)
    expected = {tuple(sorted((f[i], f[(i + 1) % 3]))) for f in faces.tolist() for i in range(3)}
    assert sorted(map(tuple, built.edges.tolist())) == sorted(expected)
    for members, starts in ((built.edges, built.edge_colours), (built.hinges, built.hinge_colours)):
        assert starts[0] == 0 and starts[-1] == len(members) and (np.diff(starts) > 0).all()
        for start, end in itertools.pairwise(starts):
            used = members[start:end].ravel()
            assert len(np.unique(used)) == len(used)


def find(cloth, body, found, touched, *, outwards=None, normals=None, home=None, limbs=None, place=None, stood=None):
    """`look_up` for a cloth without an outside and a body without limbs unless they are given."""
    no_way, nowhere = np.zeros_like(cloth), np.zeros_like(body)
    look_up(
        cloth,
        no_way if outwards is None else outwards,
        np.zeros(len(cloth), np.int64) if home is None else home,
        no_way if place is None else place,
        body,
        nowhere if normals is None else normals,
        np.zeros(len(body), np.int64) if limbs is None else limbs,
        nowhere if stood is None else stood,
        found.near,
        found.walks,
        found.neighbours,
        touched,
    )


def leg_that_came_through():
    """A leg of 5 cm radius along z, and cloth 1 cm inside its back that belongs before its front (-y)."""
    leg, faces = tube(40, 48, 0.05, 0.4)
    leg, normals = leg.astype(float), normals_of(leg, faces)
    cloth = np.array([[0.002 * k, 0.04, -0.2] for k in range(-4, 5)])
    place = cloth - [0, 0.1, 0]
    found = find_candidates(place, leg, np.ones(len(cloth), bool))
    return cloth, leg, normals, place, found


def test_cloth_that_a_leg_has_come_through_is_sent_back_to_the_side_it_faces():
    cloth, leg, normals, _, found = leg_that_came_through()
    outwards = np.tile([0.0, -1.0, 0.0], (len(cloth), 1))
    touched = np.full(len(cloth), -1, np.int32)
    find(cloth, leg, found, touched, outwards=outwards, normals=normals)
    assert (normals[touched] * outwards).sum(axis=1).min() > 0
    lost = np.full(len(cloth), -1, np.int32)
    find(cloth, leg, found, lost, normals=normals)
    assert (leg[lost, 1] > 0).all()


def test_cloth_of_the_trunk_shuns_an_arm_unless_it_lay_beside_it_at_rest():
    cloth, leg, normals, place, found = leg_that_came_through()
    trunk = leg + np.array([0, -0.16, 0])
    both, facing = np.concatenate([leg, trunk]), np.concatenate([normals, normals])
    limbs = np.repeat([1, 0], len(leg))
    home = np.zeros(len(cloth), np.int64)
    found = find_candidates(place, both, np.ones(len(cloth), bool))
    for stood, arm in ((both + np.array([0, 0, 2.0]), False), (both, True)):
        touched = np.full(len(cloth), -1, np.int32)
        find(cloth, both, found, touched, normals=facing, home=home, limbs=limbs, place=place, stood=stood)
        assert ((limbs[touched] == 1) == arm).all()


def test_a_hem_resists_its_curvature_like_a_beam_of_double_cloth():
    radius, angle = 0.2, np.linspace(0, 0.5, 11)
    x, y = radius * np.sin(angle), radius * (1 - np.cos(angle))
    flat = radius * angle
    rest = np.concatenate([np.stack([flat, 0 * flat, 0 * flat], 1), np.stack([flat, 0.03 + 0 * flat, 0 * flat], 1)])
    bent = np.concatenate([np.stack([x, 0 * x, y], 1), np.stack([x, 0.03 + 0 * x, y], 1)])
    cells = [[k, k + 1, k + 12, k, k + 12, k + 11] for k in range(10)]
    faces = np.array(cells, np.int32).reshape(-1, 3)
    plain, hemmed = build_constraints(rest, faces), build_constraints(rest, faces, hem_m=0.02)

    def energy(built):
        residual = np.einsum("kc,kcd->kd", built.hinge_weights, bent[built.hinges])
        return 0.5 * (residual**2).sum()

    # Two hems, each 9 inner vertices of length h: 8 w h / (2 R^2) apiece.
    step = radius * 0.05
    assert energy(hemmed) - energy(plain) == pytest.approx(2 * 9 * 8 * 0.02 * step / (2 * radius**2), rel=2e-3)
    assert len(hemmed.hinges) - len(plain.hinges) == 18


def test_freedom_multiplies_the_compliance_of_the_attachment():
    points, faces = sheet(2, 5, 0.1, 0.1)
    garment = garment_of(points, faces, skin_distance=0.03)
    free = Garment(**{**vars(garment), "freedom": np.linspace(1, 10, len(points))})
    options = ClothOptions()
    np.testing.assert_allclose(
        attachment(free, options), attachment(garment, options) * np.linspace(1, 10, len(points))
    )
    with pytest.raises(InputError, match="expected one above 0"):
        Garment(**{**vars(garment), "freedom": np.zeros(len(points))})


def test_a_loose_vertex_finds_the_nearest_point_of_a_body_that_has_moved_on():
    body, _ = ball(0.2, num=4000)
    rng = np.random.default_rng(0)
    cloth = rng.normal(size=(200, 3))
    cloth *= 0.3 / np.linalg.norm(cloth, axis=1, keepdims=True)
    found = find_candidates(cloth, body.astype(float), np.ones(200, bool))
    touched = np.full(200, -1, np.int32)
    turned = body[:, [1, 2, 0]].astype(float).copy()
    find(cloth, turned, found, touched)
    least, _ = cKDTree(turned).query(cloth)
    assert np.abs(np.linalg.norm(cloth - turned[touched], axis=1) - least).max() < 0.002


def test_a_tight_vertex_keeps_to_the_twelve_it_was_given():
    body, _ = ball(0.2, num=4000)
    cloth = body[:50].astype(float) * 1.02
    found = find_candidates(cloth, body.astype(float), np.zeros(50, bool))
    _, twelve = cKDTree(body.astype(float)).query(cloth, k=12)
    assert np.array_equal(np.sort(found.near, axis=1), np.sort(twelve, axis=1))
    touched = np.full(50, -1, np.int32)
    find(-cloth, body.astype(float), found, touched)
    assert all(t in row for t, row in zip(touched, found.near, strict=True))


def test_normals_of_a_tube_point_away_from_its_axis():
    points, faces = tube(9, 64, 0.1, 0.3)
    normals = normals_of(points, faces)
    radial = points[:, :2] / np.linalg.norm(points[:, :2], axis=1, keepdims=True)
    assert (normals[:, :2] * radial).sum(1).min() > np.cos(2 * np.pi / 64)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1)


def test_the_attachment_goes_evenly_from_tight_to_loose_on_a_log_scale():
    points, faces = sheet(1 + 1, 5, 0.1, 0.1)
    distance = np.tile(np.array([0.0, 0.012, 0.026, 0.04, 0.3], np.float32), 2)
    garment = garment_of(points, faces, skin_distance=distance)
    options = ClothOptions(tight_compliance=1e-7, loose_compliance=1e-3, tight_m=0.012, loose_m=0.04)
    assert looseness(garment, options)[:5] == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-6)
    assert attachment(garment, options)[:5] == pytest.approx([1e-7, 1e-7, 1e-5, 1e-3, 1e-3], rel=1e-5)
