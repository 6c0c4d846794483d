"""Garments: cut where the pattern says, bound to the body, off the skin, with the openings that they should have."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hd_core.mesh.faces import boundary_edges, edges_of
from hd_core.synth.body.identity import Identity, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.garments.bolts import base_places
from hd_core.synth.garments.cover import CLOTH_MARGIN, covers, hidden_skin
from hd_core.synth.garments.dress import dress, skin_under
from hd_core.synth.garments.fit import LEAST_GAP_M, fit
from hd_core.synth.garments.garb import Tailor
from hd_core.synth.garments.lowers import trousers
from hd_core.synth.garments.outers import coat
from hd_core.synth.garments.outfit import RARE, covers_head, sample_outfit
from hd_core.synth.garments.patterns import Pattern, cut_pattern
from hd_core.synth.garments.slicing import largest_part, refine, slice_mesh
from hd_core.synth.garments.trims import Trim
from hd_core.synth.garments.uppers import t_shirt
from hd_core.synth.look.fabric import sample_fabric_print
from hd_core.synth.splits import SPLITS, SplitRng

PATTERNS = {
    "T-shirt": (Pattern(kind="top", sleeve=0.6, hem_m=0.02), 4),
    "long sleeves": (Pattern(kind="top", sleeve=1.9, hem_m=0.03), 4),
    "trousers": (Pattern(kind="bottom", leg=1.9), 3),
    "shorts": (Pattern(kind="bottom", leg=0.5), 3),
    "skirt": (Pattern(kind="skirt", hem_m=-0.3), 2),
    "dress": (Pattern(kind="dress", sleeve=0.6, hem_m=-0.4, waist_m=0.2, flare_m=0.08), 4),
    "strap dress": (Pattern(kind="dress", sleeve=1.0, hem_m=-0.2, shoulder_m=0.1, scoop_m=0.1), 4),
    "coat": (Pattern(kind="dress", sleeve=1.9, hem_m=-0.4, front_m=0.03, front_spread=0.05), 3),
    "jumpsuit": (Pattern(kind="overall", sleeve=0.6, leg=1.9), 5),
    "scarf": (Pattern(kind="scarf", trim=Trim(stand_m=0.02, fold_m=0.03)), 2),
    "turtleneck collar": (Pattern(kind="collar", trim=Trim(gap_deg=0.0)), 2),
    "shirt collar": (Pattern(kind="collar", trim=Trim(gap_deg=10.0)), 1),
    "hood down": (Pattern(kind="hood down", trim=Trim(fold_m=0.1)), 1),
    "hood up": (Pattern(kind="hood up", trim=Trim(gap_deg=30.0)), 1),
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
    directed = edges_of(mesh.faces)
    assert len(np.unique(directed, axis=0)) == len(directed)
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2


def test_a_sleeve_to_the_elbow_ends_at_the_elbow():
    model = load_body()
    mesh = cut_pattern(Pattern(kind="top", sleeve=1.0, hem_m=0.02))
    reach = mesh.apply(base_places().arm[:, None])[:, 0]
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
    limbs = base_places()
    hidden = hidden_skin(PATTERNS["trousers"][0])
    knee = np.abs(limbs.leg[:NUM_SKIN_VERTICES] - 1) < 0.1
    hand = limbs.arm[:NUM_SKIN_VERTICES] > 2
    assert hidden[knee].all()
    assert not hidden[hand].any()
    assert not hidden_skin(PATTERNS["skirt"][0]).any()


def test_outfits_are_the_same_for_the_same_chance_and_differ_otherwise():
    def names(seed):
        garbs = sample_outfit(np.random.default_rng(seed), np.random.default_rng(seed + 1000))
        return [(garb.name, garb.ease_m, garb.pattern, garb.fabric, garb.print.kind) for garb in garbs]

    assert names(3) == names(3)
    drawn = [tuple(name for name, *_ in names(seed)) for seed in range(60)]
    assert len(set(drawn)) >= 20


def around(pattern, ease_m=0.01):
    """The garment at rest around the average adult, and the places of its vertices on the template."""
    mesh = cut_pattern(pattern)
    fitted = fit(pattern, mesh, load_body(), shape_body(load_body(), Identity()), ease_m=ease_m)
    return fitted.garment.rest, base_places().on(mesh), mesh


def test_the_hem_of_a_dress_lies_level_at_its_height():
    mesh = cut_pattern(PATTERNS["dress"][0])
    at = base_places().on(mesh)
    edge = np.unique(boundary_edges(mesh.faces))
    hem = at.z[edge][at.z[edge] < 0]
    assert np.abs(hem + 0.4).max() < 0.005
    assert len(hem) > 60


def test_an_open_front_is_as_wide_as_the_pattern_says_at_every_height():
    at = base_places().on(cut_pattern(PATTERNS["coat"][0]))
    for height in (0.4, 0.1, -0.2):
        row = (np.abs(at.z - height) < 0.02) & (at.y < -0.06) & ~at.on_arm
        assert np.abs(at.x[row]).min() == pytest.approx(0.03 + 0.05 * (0.58 - height), abs=0.008)


def test_a_flare_widens_the_hem_by_twice_itself_and_leaves_the_waist():
    widths = {}
    for flare in (0.0, 0.08):
        points, at, _ = around(Pattern(kind="skirt", hem_m=-0.3, flare_m=flare))
        widths[flare] = [np.ptp(points[np.abs(at.z - height) < 0.02, 0]) for height in (-0.29, 0.11)]
    low, high = np.subtract(widths[0.08], widths[0.0])
    assert low == pytest.approx(0.16, abs=0.02)
    assert abs(high) < 0.01


def test_a_pleated_skirt_has_as_many_pleats_as_the_pattern_says():
    radii = []
    for depth in (0.0, 0.03):
        pattern = Pattern(kind="skirt", hem_m=-0.3, pleats=16, pleat_m=depth, fine=True)
        points, at, _ = around(pattern)
        row = np.abs(at.z + 0.2) < 0.02
        radii.append(np.hypot(points[row, 0], points[row, 1] + 0.02))
    turn = np.arctan2(at.x[row] / 0.2, (at.y[row] + 0.02) / 0.12)
    waves = [abs(np.mean((radii[1] - radii[0]) * np.exp(1j * number * turn))) for number in range(1, 31)]
    assert np.argmax(waves) + 1 == 16


def test_wide_legs_stay_on_their_own_side():
    points, at, _ = around(Pattern(kind="bottom", leg=1.9, flare_m=0.1), ease_m=0.05)
    low = at.leg > 0.2
    assert (np.sign(at.x[low]) * points[low, 0]).min() > 0.003


def test_what_an_open_coat_or_the_skirt_of_a_dress_leaves_to_be_seen_is_not_hidden():
    model, limbs = load_body(), base_places()
    skin = slice(0, NUM_SKIN_VERTICES)
    arm, trunk = limbs.on_arm[skin] & (limbs.arm[skin] < 1.5), ~limbs.on_arm[skin] & (limbs.z[skin] < 0.45)
    hidden = hidden_skin(PATTERNS["coat"][0])
    assert hidden[arm & (limbs.arm[skin] > 0.1)].all() and not hidden[trunk].any()
    hidden = hidden_skin(PATTERNS["dress"][0])
    assert hidden[trunk & (np.abs(limbs.z[skin] - 0.32) < 0.05)].all() and not hidden[limbs.leg[skin] > 0.3].any()
    assert len(model.template) == len(limbs.x)


def test_an_outfit_leaves_out_the_cloth_that_lies_deep_under_another_garment():
    model, rest = load_body(), shape_body(load_body(), Identity())
    tailor = Tailor(np.random.default_rng(4), np.random.default_rng(5))
    garbs = (trousers(tailor), *t_shirt(tailor), *coat(tailor.over()))
    worn = dress(garbs, model, rest)
    at = base_places().on(cut_pattern(garbs[1].pattern))
    under = covers(garbs[2].pattern, at, margin=CLOTH_MARGIN)[worn[1].garment.faces].all(axis=1)
    assert under.any() and not worn[1].shown[under].any() and worn[1].shown[~under].all()
    assert at.on_arm[worn[1].garment.faces[under]].all()
    assert worn[2].shown.all() and worn[3].shown.all()
    assert skin_under(garbs).sum() > hidden_skin(garbs[0].pattern).sum()
    inner, outer = (one.garment.rest[one.garment.rest[:, 2] > 0.3] for one in worn[1:3])
    skin = cKDTree(rest.vertices[:NUM_SKIN_VERTICES])
    assert np.median(skin.query(outer)[0]) > np.median(skin.query(inner)[0]) + 0.01


def test_a_hood_covers_the_crown_and_leaves_the_face_open():
    points, _, _ = around(Pattern(kind="hood up", trim=Trim(gap_deg=30.0, stand_m=0.03)), 0.0)
    rest = shape_body(load_body(), Identity()).vertices[:NUM_SKIN_VERTICES]
    crown, nose = rest[rest[:, 2].argmax()], rest[(rest[:, 2] > 0.6) & (rest[:, 1] < -0.1)]
    nose = nose[nose[:, 1].argmin()]
    over = points[np.hypot(points[:, 0] - crown[0], points[:, 1] - crown[1]) < 0.03]
    assert over[:, 2].max() > crown[2] + 0.005
    before = points[(np.abs(points[:, 0]) < 0.05) & (np.abs(points[:, 2] - nose[2]) < 0.05)]
    assert before[:, 1].min() > nose[1] + 0.08


@pytest.fixture(scope="module")
def outfits():
    return [sample_outfit(np.random.default_rng(seed), np.random.default_rng(seed + 9000)) for seed in range(240)]


def test_outfits_have_the_shares_of_dresses_open_layers_hoods_and_bare_legs_that_are_wanted(outfits):
    def share(wanted):
        return np.mean([any(wanted(garb.pattern) for garb in outfit) for outfit in outfits])

    def bare(pattern):
        short = pattern.kind in {"bottom", "overall"} and pattern.leg < 1.3
        return short or (pattern.kind in {"skirt", "dress"} and not pattern.front_m)

    assert share(lambda p: p.kind == "dress" and not p.front_m) == pytest.approx(0.15, abs=0.05)
    assert share(lambda p: p.front_m > 0) == pytest.approx(0.20, abs=0.05)
    assert share(lambda p: p.kind in {"hood up", "hood down"}) == pytest.approx(0.10, abs=0.04)
    assert 0.02 < np.mean([covers_head(outfit) for outfit in outfits]) < 0.07
    assert 0.3 < share(bare) < 0.6


def test_no_two_garments_of_many_outfits_are_cut_alike(outfits):
    cuts = [(garb.pattern, garb.ease_m) for outfit in outfits for garb in outfit if garb.pattern.trim is None]
    assert len(set(cuts)) == len(cuts)


def test_every_outfit_has_something_for_the_trunk_over_room_for_what_is_under_it(outfits):
    for outfit in outfits:
        assert any(garb.pattern.kind in {"top", "dress", "overall"} and not garb.pattern.front_m for garb in outfit)
        for garb in outfit:
            if garb.pattern.front_m:
                inner = [g for g in outfit if g.pattern.kind in {"top", "dress", "overall"} and not g.pattern.front_m]
                assert max(g.ease_m for g in inner) <= 0.014 < garb.under_m + garb.ease_m


def test_rare_cuts_belong_to_one_split_each(monkeypatch):
    plain = sample_fabric_print(np.random.default_rng(0), kind="solid")
    monkeypatch.setattr("hd_core.synth.garments.garb.sample_fabric_print", lambda *_, **__: plain)
    found = {}
    for split in SPLITS:
        rng = SplitRng(np.random.PCG64(3), split)
        names = {garb.name for _ in range(300) for garb in sample_outfit(rng, rng)}
        found[split] = names & {name.replace("_", " ") for name in RARE}
    assert found["train"] and found["val"] and found["test"]
    assert not found["train"] & found["val"]
    assert not found["val"] & found["test"]
    assert not found["train"] & found["test"]


def test_a_tight_top_is_wider_than_the_trousers_that_it_is_worn_over_below_their_waist():
    trouser, at_hips, _ = around(Pattern(kind="bottom", leg=1.9, waist_m=0.15), ease_m=0.03)
    widths = []
    for hips in (0.0, 0.03):
        points, at, _ = around(Pattern(kind="top", hem_m=0.0, waist_m=0.15, hips_m=hips), ease_m=0.008)
        widths.append(np.ptp(points[np.abs(at.z - 0.03) < 0.015, 0]))
    below = np.ptp(trouser[np.abs(at_hips.z - 0.03) < 0.015, 0])
    assert widths[0] < below < widths[1]
