import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.atlas import anny24, lookup
from hd_core.synth.atlas.flatten import boundary_loop, singular_values

TWO_ISLANDS = (3, 4, 5, 6)


@pytest.fixture(scope="module")
def atlas():
    return anny24.load_atlas()


@pytest.fixture(scope="module")
def samples(atlas):
    """40,000 points spread evenly over every part's area."""
    rng = np.random.default_rng(0)
    corner = atlas.vertices[atlas.faces].astype(float)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    area[atlas.part == 0] = 0
    face = rng.choice(len(area), 40_000, p=area / area.sum())
    return face, rng.dirichlet([1, 1, 1], len(face))


def islands(atlas, part):
    rows = np.flatnonzero(atlas.part == part)
    if part not in TWO_ISLANDS:
        return [rows]
    first = atlas.uv[rows, :, 0].max(axis=1) < 0.5
    return [rows[first], rows[~first]]


def error_mm(atlas, face, weights, place):
    back = atlas.canonical_points(*atlas.decode(*place))
    return 1000 * np.linalg.norm(back - atlas.canonical_points(face, weights), axis=1)


def test_every_part_is_there_and_every_island_is_a_disc_without_a_flipped_triangle(atlas):
    assert set(np.unique(atlas.part)) == set(range(25))
    for part in range(1, 25):
        for rows in islands(atlas, part):
            boundary_loop(atlas.faces[rows])  # raises unless a disc
            place = atlas.uv[rows].astype(float)
            p, q = place[:, 1] - place[:, 0], place[:, 2] - place[:, 0]
            area = p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
            assert (area > 0).all() or (area < 0).all()


def test_charts_fill_the_unit_square_and_two_islands_stay_two_bytes_apart(atlas):
    for part in range(1, 25):
        place = np.concatenate([atlas.uv[rows].reshape(-1, 2) for rows in islands(atlas, part)])
        np.testing.assert_allclose([place.min(axis=0), place.max(axis=0)], [[0, 0], [1, 1]], atol=1e-6)
        if part in TWO_ISLANDS:
            low, high = (atlas.uv[rows][..., 0] for rows in islands(atlas, part))
            assert high.min() - low.max() >= 2 / 255 - 1e-6


def test_the_mirrored_vertex_has_the_other_sides_part_and_the_same_place(atlas):
    def table(part, place, points):
        rows = np.concatenate([part[:, None], np.round(place, 5), np.round(points, 5)], axis=1)
        return np.unique(np.round(rows + 0.0, 5), axis=0)

    known = atlas.part > 0
    part = np.repeat(atlas.part[known], 3).astype(float)
    place = atlas.uv[known].reshape(-1, 2).astype(float)
    points = atlas.vertices[atlas.faces[known]].reshape(-1, 3).astype(float)
    flipped, u, v = anny24.flip_iuv(part.astype(int), place[:, 0], place[:, 1])
    there = table(part, place, points)
    mirrored = table(flipped.astype(float), np.stack([u, v], 1), points * [-1, 1, 1])
    assert there.shape == mirrored.shape
    np.testing.assert_allclose(there, mirrored, atol=2e-5)


def test_decode_undoes_encode_exactly_on_torso_and_limbs_and_nearly_everywhere_else(atlas, samples):
    part, u, v = atlas.encode(*samples)
    error = error_mm(atlas, *samples, (part, u, v))
    simple = (part < 3) | ((part > 6) & (part < 23))
    assert error[simple].max() < 0.1
    assert (error > 0.1).mean() < 5e-4
    assert error.max() < 10


def test_bytes_cost_at_most_two_and_a_half_millimetres_on_torso_and_limbs(atlas, samples):
    part, u, v = atlas.encode(*samples)
    error = error_mm(atlas, *samples, anny24.from_bytes(anny24.to_bytes(part, u, v)))
    assert error[(part < 3) | ((part > 6) & (part < 23))].max() < 2.5
    for k in range(1, 25):
        assert np.sqrt((error[part == k] ** 2).mean()) < (1.2 if k < 3 else 0.8)


@pytest.mark.parametrize(
    ("parts", "share", "worst_mm"),
    [(range(1, 3), 0, 0.1), (range(7, 23), 0, 0.1), ((3, 4), 1.3e-3, 10), ((5, 6), 5e-4, 10), ((23, 24), 6e-4, 10)],
    ids=["torso", "limbs", "hands", "feet", "head"],
)
def test_charts_hardly_lie_over_themselves(atlas, parts, share, worst_mm):
    """Where a chart lies over itself, a place decodes to another point of the same part."""
    rng = np.random.default_rng(1)
    rows = np.flatnonzero(np.isin(atlas.part, list(parts)))
    corner = atlas.vertices[atlas.faces[rows]].astype(float)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    face, weights = rng.choice(rows, 60_000, p=area / area.sum()), rng.dirichlet([1, 1, 1], 60_000)
    error = error_mm(atlas, face, weights, atlas.encode(face, weights))
    assert (error > 1).mean() <= share
    assert error.max() < worst_mm


def test_charts_stretch_little_where_the_body_can_be_unrolled(atlas):
    """Largest stretch either way against the chart's mean along u and v: 1 is none. Toes are pressed flat."""
    bound = {**dict.fromkeys(range(1, 3), 1.1), **dict.fromkeys(range(7, 23), 1.15)}
    bound |= {**dict.fromkeys((3, 4), 1.2), **dict.fromkeys((5, 6), 3.0), **dict.fromkeys((23, 24), 1.8)}
    for part in range(1, 25):
        for rows in islands(atlas, part):
            points, place = atlas.vertices[atlas.faces[rows]].astype(float), atlas.uv[rows].astype(float)
            apart = np.arange(3 * len(rows)).reshape(-1, 3)
            area = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
            first, second = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
            up = np.cross(first, second) / area[:, None] ** 2
            along, across = place[:, 1] - place[:, 0], place[:, 2] - place[:, 0]
            scale = [
                np.average(
                    np.linalg.norm(
                        np.cross(second, up) * along[:, k, None] - np.cross(first, up) * across[:, k, None], axis=1
                    )
                    ** 2,
                    weights=area,
                )
                ** -0.5
                for k in range(2)
            ]
            values = singular_values(points.reshape(-1, 3), apart, place.reshape(-1, 2) * scale)
            stretch = np.maximum(values[:, 0], 1 / values[:, 1])
            order = np.argsort(stretch)
            within = np.searchsorted(np.cumsum(area[order]), 0.95 * area.sum())
            assert stretch[order][within] < bound[part], part


def test_background_stays_background_and_a_place_outside_the_chart_finds_its_border(atlas):
    part, u, v = atlas.encode(np.array([-1]), np.array([[0.2, 0.3, 0.5]]))
    assert (int(part[0]), float(u[0]), float(v[0])) == (0, 0.0, 0.0)
    face, weights = atlas.decode(part, u, v)
    assert int(face[0]) == -1
    assert np.isnan(atlas.canonical_points(face, weights)).all()
    face, weights = atlas.decode(np.array([9]), np.array([1.3]), np.array([0.5]))
    assert atlas.part[face[0]] == 9
    assert weights.min() >= 0


def test_decode_finds_the_nearest_chart_point_that_a_search_of_all_triangles_finds(atlas):
    rng = np.random.default_rng(3)
    for part in (2, 4, 9):
        rows = np.flatnonzero(atlas.part == part)
        for u, v in rng.uniform(-0.2, 1.2, (25, 2)):
            slow = min(lookup._nearest_in_triangle(u, v, atlas.uv[row])[0] for row in rows)
            face, weights = atlas.decode(np.array([part]), np.array([u]), np.array([v]))
            found = weights[0] @ atlas.uv[face[0]].astype(float)
            assert np.hypot(*(found - [u, v])) == pytest.approx(slow, abs=1e-7)


def test_directions_agree_with_densepose_where_they_were_measured(atlas, samples):
    part, u, v = atlas.encode(*samples)
    points = atlas.canonical_points(*samples)

    def slope(k, values, axis):
        rows = part == k
        return np.corrcoef(values[rows], points[rows, axis])[0, 1]

    assert slope(2, u, 2) < -0.9  # torso: u down
    assert slope(2, v, 0) < -0.9  # v to the person's right
    assert slope(9, u, 2) > 0.9  # thigh: u up
    assert slope(13, u, 2) < -0.9  # shin: u down
    assert slope(17, u, 2) < -0.8  # upper arm: u to the elbow
    assert slope(19, u, 2) > 0.8  # lower arm, inner: u to the elbow
    assert slope(23, v, 2) > 0.9  # head: v up


def test_bad_ids_and_places_and_foreign_files_are_refused(atlas, tmp_path):
    one = np.array([0.5])
    with pytest.raises(InputError, match="expected 0..24"):
        atlas.decode(np.array([25]), one, one)
    with pytest.raises(InputError, match="not finite"):
        atlas.decode(np.array([1]), one * np.nan, one)
    with pytest.raises(InputError, match="Cannot read the atlas"):
        anny24.read_atlas(tmp_path / "none.safetensors")
