"""Linking on made-up tracks: boxes that move, clothes of one colour."""

import numpy as np
import pytest

from hd_core.person.colours import colour_distance, mean_colours
from hd_core.person.linking import link_alike, link_tracks
from hd_core.person.sighting import Sighting
from hd_core.person.track import Step
from hd_core.types import Box

FPS = 10.0


def clothes(name):
    colours = np.zeros((2, 512), np.float32)
    for part, place in enumerate({"red": (3, 40), "blue": (200, 40), "none": ()}[name]):
        colours[part, place] = 1
    return colours


def step(place, x, dress, *, clear=True):
    box = Box(left=x - 20.0, top=100.0, width=40.0, height=120.0)
    sighting = Sighting(frame_index=place, time_seconds=place / FPS, person_id=1, box=box, score=1.0)
    return Step(place=place, sighting=sighting, colours=clothes(dress) if clear else None)


def crossing(*, swapped):
    """Two people walk through each other over 21 frames; whoever followed them mixed them up halfway, or not."""
    paths = {"red": np.linspace(0, 400, 21), "blue": np.linspace(400, 0, 21)}
    tracks = []
    for first, second in (("red", "blue"), ("blue", "red")):
        after = second if swapped else first
        tracks.append(
            [
                step(p, paths[first if p <= 10 else after][p], first if p <= 10 else after, clear=abs(p - 10) > 2)
                for p in range(21)
            ]
        )
    return tracks


def dresses(people):
    return [[s.colours[0].argmax() for s in steps if s.colours is not None] for steps in people]


@pytest.mark.parametrize("swapped", [False, True])
def test_whoever_was_mixed_up_at_a_crossing_is_put_right_by_the_clothes(swapped):
    people = link_tracks(crossing(swapped=swapped), [0] * 21)
    assert len(people) == 2
    assert all(len(set(worn)) == 1 for worn in dresses(people))
    assert sorted(len(steps) for steps in people) == [21, 21]
    assert all([s.place for s in steps] == sorted({s.place for s in steps}) for steps in people)


def test_people_dressed_alike_stay_with_their_track():
    tracks = [
        [Step(place=s.place, sighting=s.sighting, colours=clothes("red")) for s in t] for t in crossing(swapped=False)
    ]
    people = link_tracks(tracks, [0] * 21)
    ends = sorted((steps[0].sighting.box.left, steps[-1].sighting.box.left) for steps in people)
    assert ends == [(-20.0, 380.0), (380.0, -20.0)]


def test_a_person_lost_for_less_than_a_second_is_one_person():
    before = [step(p, 10 * p, "red") for p in range(8)]
    after = [step(p, 10 * p, "red") for p in range(15, 20)]
    (steps,) = link_tracks([before, after], [0] * 20)
    assert [s.place for s in steps] == [*range(8), *range(15, 20)]


@pytest.mark.parametrize("why", ["other clothes", "far away", "too late", "a cut between"])
def test_two_people_are_not_joined_for_a_reason(why):
    before = [step(p, 100, "red") for p in range(8)]
    late, x = (40, 100) if why == "too late" else (12, 800 if why == "far away" else 100)
    after = [step(p, x, "blue" if why == "other clothes" else "red") for p in range(late, late + 5)]
    shots = [0] * 10 + [int(why == "a cut between")] * 40
    assert len(link_tracks([before, after], shots)) == 2


def test_a_track_over_a_cut_is_two_people():
    assert len(link_tracks([[step(p, 100, "red") for p in range(10)]], [0] * 5 + [1] * 5)) == 2


def test_nobody_links_to_nobody():
    assert link_tracks([], [0, 0]) == []


def test_the_person_in_a_box_goes_on_as_the_one_dressed_alike_after_a_cut():
    people = [
        [step(p, 100, "red") for p in range(5)],
        [step(p, 300, "blue") for p in range(5)],
        [step(p, 120, "red") for p in range(5, 9)],
        [step(p, 320, "blue") for p in range(5, 9)],
    ]
    told = link_alike(people, Box(left=285.0, top=90.0, width=40.0, height=120.0))
    assert [s.place for s in told] == list(range(9))
    assert {s.sighting.box.left for s in told} == {280.0, 300.0}
    assert link_alike(people, Box(left=600.0, top=90.0, width=40.0, height=120.0)) == []


def test_colours_differ_by_nothing_from_themselves_and_by_a_half_where_nothing_is_seen():
    red, blue = clothes("red"), clothes("blue")
    assert colour_distance(red, red) == 0
    assert colour_distance(red, blue) == 1  # half of them in common
    assert colour_distance(red, clothes("none")) == 0.5
    np.testing.assert_allclose(mean_colours([red, blue])[0, [3, 200]], np.sqrt(0.5), atol=1e-6)
    np.testing.assert_allclose(mean_colours([red, clothes("none")]), red)
