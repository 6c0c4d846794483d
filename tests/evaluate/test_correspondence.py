"""Correspondence: AUC, GPS and AP against closed forms and slow twins; maps with planted faults of known size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hd_core.evaluate.correspondence import (
    PART_KAPPAS_M,
    STATURE_M,
    auc,
    distances_between,
    distances_to_truth,
    gps,
    mask_iou,
    rcp,
    unit_m,
)
from hd_core.evaluate.correspondence_ap import LARGE, MEDIUM, RECALLS, Picture, average_precision, single
from hd_core.synth.atlas.anny24 import from_bytes, load_atlas, to_bytes
from hd_core.synth.atlas.geodesic import body_surface

LENGTHS = st.lists(st.floats(0, 0.6) | st.just(np.inf), min_size=1, max_size=30)


@given(LENGTHS, st.sampled_from([0.1, 0.3]))
@settings(max_examples=40, deadline=None)
def test_auc_is_the_area_under_the_rcp_curve(lengths, limit):
    distances = np.array(lengths)
    steps = np.linspace(0, limit, 4001)
    area = np.trapezoid(rcp(distances, steps), steps) / limit
    assert auc(distances, limit) == pytest.approx(area, abs=1e-3)


def test_points_that_are_shifted_by_a_known_length_have_the_known_auc_and_gps():
    distances = np.full(7, 0.04)
    assert auc(distances, 0.1) == pytest.approx(0.6)
    assert auc(distances, 0.3) == pytest.approx(13 / 15)
    assert rcp(distances, np.array([0.04, 0.0401])).tolist() == [0, 1]
    assert gps(distances) == pytest.approx(np.exp(-0.0016 / (2 * 0.065025)))
    assert gps(np.full(3, 0.3)) == pytest.approx(0.5, abs=1e-3)  # the paper's own words for kappa = .255
    assert gps(np.array([0.0, np.inf])) == 0.5
    assert auc(np.array([0.0, np.inf, 0.05]), 0.1) == pytest.approx(0.5)
    mixed = gps(np.array([0.1, 0.1]), PART_KAPPAS_M[[1, 3]])  # the torso forgives what a hand does not
    assert mixed == pytest.approx((np.exp(-0.5 * (0.1 / 0.351) ** 2) + np.exp(-0.5 * (0.1 / 0.107) ** 2)) / 2)


def test_kappas_are_those_of_the_eight_kinds_of_parts():
    assert PART_KAPPAS_M[[1, 4, 5, 10, 11, 18, 19, 24]].tolist() == [
        0.351,
        0.107,
        0.126,
        0.237,
        0.173,
        0.142,
        0.128,
        0.150,
    ]
    assert len(PART_KAPPAS_M) == 25


def test_masks_overlap_by_what_they_share():
    found, true = np.zeros((2, 4, 4), bool)
    found[0, :3], true[0, 1:] = True, True
    assert mask_iou(found, true) == 0.5
    assert mask_iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 0


def test_distances_are_those_of_the_surface_on_a_person_of_one_metre_seventy():
    skin = load_atlas().vertices[np.unique(load_atlas().faces)]
    assert unit_m() == pytest.approx(STATURE_M / (skin[:, 2].max() - skin[:, 2].min()))
    part, u, v = np.array([10, 10, 2, 0]), np.array([0.3, 0.3, 0.5, 0.1]), np.array([0.5, 0.5, 0.2, 0.1])
    other = np.array([10, 10, 2, 5]), np.array([0.5, 0.3, 0.52, 0.1]), np.array([0.5, 0.5, 0.2, 0.1])
    found = distances_between((part, u, v), other)
    starts, ends = (load_atlas().decode(*(x[:3] for x in one)) for one in ((part, u, v), other))
    np.testing.assert_allclose(found[:3], unit_m() * body_surface().between(*starts, *ends))
    assert found[1] == 0
    assert np.isinf(found[3])
    chord = [
        np.linalg.norm(np.subtract(*(load_atlas().canonical_points(*one)[k] for one in (starts, ends)))) for k in (0, 2)
    ]
    assert (found[[0, 2]] >= unit_m() * np.array(chord) - 1e-9).all()


def test_several_maps_are_measured_at_once_and_what_is_missed_is_infinitely_far():
    true = to_bytes(np.array([2, 7, 23]), np.array([0.5, 0.2, 0.5]), np.array([0.5, 0.6, 0.5]))
    moved, missed = true.copy(), true.copy()
    moved[:, 1] += 13
    missed[1] = 0
    found = distances_to_truth(true, np.stack([true, moved, missed]))
    np.testing.assert_array_equal(found[0], 0)
    assert (found[1] > 0.01).all()
    assert found[2].tolist() == [0, np.inf, 0]
    one_by_one = distances_between(from_bytes(true), from_bytes(moved))
    np.testing.assert_allclose(found[1], one_by_one)


def test_a_search_that_ends_at_its_targets_finds_what_a_search_of_the_whole_body_finds():
    rng, skin = np.random.default_rng(4), np.flatnonzero(load_atlas().part > 0)
    face, other = rng.choice(skin, (2, 12))
    other[:6] = face[:6] + 1  # near ones, where it ends early
    weights, at = rng.dirichlet([1, 1, 1], (2, 12))
    face[1], weights[1] = face[0], weights[0]  # one search with a near and a far target
    surface = body_surface()
    found = surface.between(face, weights, other, at)
    for row in range(12):
        far = surface.from_point(int(face[row]), weights[row])
        corners = surface.faces[other[row]]
        target = at[row] @ surface.vertices[corners]
        over_corners = far[corners] + np.linalg.norm(surface.vertices[corners] - target, axis=1)
        assert found[row] <= over_corners.min() + 1e-12
        assert found[row] >= over_corners.min() - 2 * np.linalg.norm(surface.vertices[corners] - target, axis=1).max()


def pictures_of(*rows):
    """One person in each, 50 px of side; score and overlap of whom was found."""
    return [single(score, 2500.0, overlap, 2500.0) for score, overlap in rows]


def test_precision_and_recall_of_three_pictures_are_those_of_the_sketch_by_hand():
    """By falling score: hit, false alarm, hit; precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3; envelope 1, 2/3, 2/3."""
    pictures = pictures_of((0.9, 0.8), (0.8, 0.4), (0.7, 0.96))
    found = average_precision(pictures)
    assert found.by_threshold[0] == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)
    assert found.by_threshold[-1] == pytest.approx(34 / 3 / 101)  # only the third, at precision 1/3
    recalls = [2 / 3] * 7 + [1 / 3] * 3  # .50 to .80 two hits; .85 to .95 one
    assert found.ar == pytest.approx(np.mean(recalls))
    assert average_precision(pictures_of((0.5, 1.0))).ap == 1
    nobody = single(0.9, 0.0, 0.0, 2500.0)
    assert average_precision([nobody]).ap == 0
    assert average_precision([nobody]).ar == 0
    assert np.isnan(average_precision([]).ap)


def slow_ap(rows, threshold):
    """The definition for one person a picture: area of the envelope, recall by recall."""
    ranked = sorted(rows, key=lambda row: -row[0])
    points = []
    for count in range(1, len(ranked) + 1):
        hits = sum(overlap >= threshold for _, overlap in ranked[:count])
        points.append((hits / len(rows), hits / count))
    return np.mean([max([p for r, p in points if r >= recall - 1e-12], default=0.0) for recall in RECALLS])


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), min_size=1, max_size=12, unique_by=lambda row: row[0])
)
@settings(max_examples=40, deadline=None)
def test_average_precision_is_that_of_the_slow_definition(rows):
    found = average_precision(pictures_of(*((float(score), overlap) for score, overlap in rows)))
    expected = [slow_ap(rows, threshold) for threshold in np.linspace(0.5, 0.95, 10)]
    np.testing.assert_allclose(found.by_threshold, expected, atol=1e-9)


def crowd(overlap, scores, *, ignored=(False, False), box_iou=None, sizes=(2500.0, 2500.0), found_px=2500.0):
    overlap = np.array(overlap, float)
    return Picture(
        scores=np.array(scores, float),
        found_px=np.full(len(scores), found_px),
        overlap=overlap,
        person_px=np.array(sizes),
        ignored=np.array(ignored),
        box_iou=np.zeros_like(overlap) if box_iou is None else np.array(box_iou, float),
    )


def test_two_people_in_a_picture_are_each_found_once():
    twice = crowd([[0.9, 0.6], [0.8, 0.55]], [0.9, 0.8])
    assert average_precision([twice], thresholds=np.array([0.5])).ap == 1  # the second takes who is left
    found = average_precision([twice], thresholds=np.array([0.7]))
    assert found.ap == pytest.approx(51 / 101)  # precision 1 up to recall .5
    assert found.ar == 0.5
    three = crowd([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]], [0.9, 0.8, 0.7])
    assert average_precision([three], thresholds=np.array([0.5])).ap == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_nobody_is_blamed_for_finding_an_ignored_person():
    several = crowd([[0.9, 0.0], [0.0, 0.8], [0.0, 0.7]], [0.7, 0.8, 0.9], ignored=(False, True))
    assert average_precision([several], thresholds=np.array([0.5])).ap == 1
    beside = [[0.9, 0.0], [0.0, 0.3]]
    assert average_precision([crowd(beside, [0.8, 0.9], ignored=(False, True))]).by_threshold[0] == pytest.approx(0.5)
    box = [[0.0, 0.0], [0.0, 0.81]]
    forgiven = crowd(beside, [0.8, 0.9], ignored=(False, True), box_iou=box)
    assert average_precision([forgiven]).by_threshold[0] == 1
    preferred = crowd([[0.6, 0.9]], [0.9], ignored=(False, True))  # a counted person is taken before an ignored one
    assert average_precision([preferred], thresholds=np.array([0.5])).ap == 1


def test_small_people_count_neither_among_medium_nor_among_large_ones():
    sizes = [single(0.9, px, 0.9, px) for px in (31.0**2, 40.0**2, 100.0**2)]
    assert average_precision(sizes).by_threshold[0] == 1
    missed = [*sizes[:2], single(0.9, 100.0**2, 0.1, 100.0**2)]
    assert average_precision(missed, area_px=MEDIUM).by_threshold[0] == 1
    assert average_precision(missed, area_px=LARGE).by_threshold[0] == 0
    assert np.isnan(average_precision(sizes[:1], area_px=LARGE).ap)


def test_only_the_twenty_best_of_a_picture_count():
    scores = np.arange(25, 0, -1.0)
    overlap = np.zeros((25, 1))
    for place, hit in ((19, 1.0), (20, 0.0)):
        overlap[:] = 0
        overlap[place] = 1
        picture = crowd(overlap, scores, ignored=(False,), sizes=(2500.0,))
        assert average_precision([picture]).ar == hit
