"""Garments: cut where the pattern says, bound to the body, off the skin, with the openings that they should have."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hd_core.mesh.faces import boundary_edges
from hd_core.synth.body.identity import Identity, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.garments.fit import LEAST_GAP_M, fit, hidden_skin
from hd_core.synth.garments.outfit import sample_outfit
from hd_core.synth.garments.patterns import Pattern, cut_pattern, limb_coordinates
from hd_core.synth.garments.slicing import largest_part, refine, slice_mesh

PATTERNS = {
    "T-shirt": (Pattern(kind="top", sleeve=0.6, hem_m=0.02), 4),
    "long sleeves": (Pattern(kind="top", sleeve=1.9, hem_m=0.03), 4),
    "trousers": (Pattern(kind="bottom", leg=1.9), 3),
    "shorts": (Pattern(kind="bottom", leg=0.5), 3),
    "skirt": (Pattern(kind="skirt", hem_m=-0.3), 2),
}
"""Garments and how many openings they have."""


def sheet(count=12):
    """A unit square of triangles, and the positions of its vertices."""
    x, y = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count))
    index = np.arange(count * count).reshape(count, count)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1), faces


def areas(points, faces):
    p, q, r = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    return np.cross(q - p, r - p)[:, 2] / 2


def loops(faces):
    edges = boundary_edges(faces)
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(faces.max() + 1,) * 2)
    _, label = connected_components(graph, directed=False)
    return len(np.unique(label[edges]))


@pytest.mark.parametrize("level", [0.31, 0.5, 0.777])
def test_a_cut_sheet_has_the_area_below_the_cut_and_lies_on_one_side_of_it(level):
    points, faces = sheet()
    kept = slice_mesh(faces, level - points[:, 0] - 0.2 * points[:, 1])
    at = kept.apply(points)
    spacing = 1 / 11
    np.testing.assert_allclose(areas(at, kept.faces).sum(), level - 0.1, atol=0.02)
    assert (at[:, 0] + 0.2 * at[:, 1]).max() < level + 0.15 * spacing * 1.2
    assert (areas(at, kept.faces) > 0).all()


def test_what_is_kept_and_what_is_cut_off_make_the_whole():
    points, faces = sheet()
    field = np.sin(5 * points[:, 0]) + np.cos(4 * points[:, 1]) - 0.3
    kept, rest = slice_mesh(faces, field), slice_mesh(faces, np.where(field == 0, -1, -field))
    total = sum(areas(part.apply(points), part.faces).sum() for part in (kept, rest))
    assert total == pytest.approx(1, abs=1e-9)


def test_refining_keeps_the_surface_and_makes_four_of_one():
    points, faces = sheet(5)
    mesh = slice_mesh(faces, 0.6 - points[:, 0])
    fine = refine(mesh)
    assert len(fine.faces) == 4 * len(mesh.faces)
    assert areas(fine.apply(points), fine.faces).sum() == pytest.approx(areas(mesh.apply(points), mesh.faces).sum())
    np.testing.assert_allclose(fine.shares.sum(axis=1), 1)
    edges = np.sort(fine.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2


def test_crumbs_of_a_cut_are_left_out():
    points, faces = sheet()
    two = slice_mesh(faces, np.abs(points[:, 0] - 0.4) - 0.2)
    assert largest_part(two).apply(points)[:, 0].min() > 0.55


@pytest.mark.parametrize("name", PATTERNS)
def test_a_garment_is_one_piece_with_the_openings_that_it_should_have(name):
    pattern, openings = PATTERNS[name]
    mesh = cut_pattern(pattern)
    assert loops(mesh.faces) == openings
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2


def test_a_sleeve_to_the_elbow_ends_at_the_elbow():
    model = load_body()
    mesh = cut_pattern(Pattern(kind="top", sleeve=1.0, hem_m=0.02))
    reach = mesh.apply(limb_coordinates().arm[:, None])[:, 0]
    assert 0.93 < reach.max() < 1.07
    at = mesh.apply(model.template.astype(np.float64))
    assert at[:, 0].max() == pytest.approx(-at[:, 0].min(), abs=0.01)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fitted_garment_keeps_off_the_skin_of_anybody(name, seed):
    model = load_body()
    rest = shape_body(model, sample_adult(np.random.default_rng(seed)))
    pattern, _ = PATTERNS[name]
    fitted = fit(pattern, cut_pattern(pattern), model, rest, ease_m=0.02)
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, model.faces["body"])
    _, nearest = cKDTree(skin).query(fitted.garment.rest)
    gap = ((fitted.garment.rest - skin[nearest]) * normals[nearest]).sum(axis=1)
    assert (gap > 0.5 * LEAST_GAP_M).mean() > 0.99
    np.testing.assert_allclose(fitted.bone_weights.sum(axis=1), 1, atol=1e-5)
    assert (np.diff(fitted.bone_weights, axis=1) <= 1e-6).all()


def test_more_ease_is_a_wider_garment():
    model = load_body()
    rest = shape_body(model, Identity())
    pattern, _ = PATTERNS["T-shirt"]
    mesh = cut_pattern(pattern)
    narrow, wide = (fit(pattern, mesh, model, rest, ease_m=ease).garment.rest for ease in (0.01, 0.05))
    waist = np.abs(narrow[:, 2] - 0.12) < 0.03
    assert np.ptp(wide[waist, 1]) - np.ptp(narrow[waist, 1]) > 0.05


def test_trousers_hide_knees_and_show_hands_and_a_skirt_hides_nothing():
    model = load_body()
    limbs = limb_coordinates()
    hidden = hidden_skin(PATTERNS["trousers"][0], model)
    knee = np.abs(limbs.leg[:NUM_SKIN_VERTICES] - 1) < 0.1
    hand = limbs.arm[:NUM_SKIN_VERTICES] > 2
    assert hidden[knee].all()
    assert not hidden[hand].any()
    assert not hidden_skin(PATTERNS["skirt"][0], model).any()


def test_outfits_are_the_same_for_the_same_chance_and_differ_otherwise():
    def names(seed):
        garbs = sample_outfit(np.random.default_rng(seed), np.random.default_rng(seed + 1000))
        return [(garb.name, garb.ease_m, garb.pattern, garb.fabric, garb.print.kind) for garb in garbs]

    assert names(3) == names(3)
    drawn = [tuple(name for name, *_ in names(seed)) for seed in range(60)]
    assert len(set(drawn)) >= 20
