"""Several people, and hard pictures: real people cut out of the shared clips and put together anew."""

import numpy as np
import person_crowds as crowds
import person_helpers as helpers
import pytest

from hd_core.errors import InputError
from hd_core.person.finder import PeopleFinder
from hd_core.person.people import People
from hd_core.person.regions import overlap, tight_box
from hd_core.types import Box, Frame

FPS = 8.0


def found(pictures, *, everybody=True, box=None, fps=FPS):
    finder = PeopleFinder(everybody=everybody, box=box)
    for index, rgb in enumerate(pictures):
        finder.look(Frame(rgb=rgb, index=index, time_seconds=index / fps))
    return finder.finish()


def ids_of(people):
    return [[sighting.person_id for sighting in frame] for frame in people.sightings]


def middles(people, person_id):
    return [None if s is None else s.box.left + s.box.width / 2 for s in people.of(person_id)]


def dancer(index):
    return crowds.cut_out("dance", (0, 19)[index % 2])


def woman(index):
    return crowds.cut_out("squats", (0, 3)[index % 2])


def test_two_people_who_cross_keep_their_ids():
    """She walks to the left behind him; he is larger, so he is the first."""
    pictures, his, hers = [], np.linspace(110, 530, 9), np.linspace(530, 110, 9)
    for step, (x_his, x_hers) in enumerate(zip(his, hers, strict=True)):
        scene = crowds.wall()
        crowds.put(scene, woman(step // 2), x=x_hers, bottom=318, height=210)
        crowds.put(scene, dancer(step // 2), x=x_his, bottom=330, height=250)
        pictures.append(crowds.as_rgb(scene))
    people = found(pictures)
    assert people.ids == (1, 2)
    assert people.cuts == ()
    for person_id, path, at_least in ((1, his, 9), (2, hers, 6)):
        seen = middles(people, person_id)
        assert sum(x is not None for x in seen) >= at_least
        assert all(abs(x - true) < 40 for x, true in zip(seen, path, strict=True) if x is not None)
        assert seen[0] is not None and seen[-1] is not None


def test_two_people_whose_mattes_touch_are_both_found_with_their_boxes():
    scene = crowds.wall()
    boxes = [
        tight_box(crowds.put(scene, crowds.cut_out("squats", 0), x=290, bottom=330, height=240)),
        tight_box(crowds.put(scene, dancer(0), x=400, bottom=330, height=250)),
    ]
    (seen,) = found([crowds.as_rgb(scene)]).sightings
    assert len(seen) == 2
    for box in boxes:
        assert max(overlap(box, sighting.box) for sighting in seen) > 0.75


def test_somebody_who_comes_late_and_leaves_has_one_id_and_the_other_another():
    pictures = []
    for step in range(12):
        scene = crowds.wall()
        crowds.put(scene, dancer(step // 4), x=160, bottom=330, height=250)
        if 3 <= step < 9:
            crowds.put(scene, crowds.cut_out("squats", 0), x=600 - 15 * abs(step - 6), bottom=330, height=200)
        pictures.append(crowds.as_rgb(scene))
    people = found(pictures)
    assert people.ids == (1, 2)
    assert all(sighting is not None for sighting in people.of(1))
    present = [index for index, sighting in enumerate(people.of(2)) if sighting is not None]
    assert present[0] in range(3, 8)  # she is looked for every half second: four frames
    assert present[-1] == 8
    assert present == list(range(present[0], 9))


def test_after_a_hard_cut_ids_are_new_but_the_largest_alone_stays_the_first():
    def shot(seed, x):
        scene = crowds.wall(seed=seed)
        crowds.put(scene, woman(0), x=x, bottom=330, height=250)
        return crowds.as_rgb(scene)

    rooms = [shot(0, 160)] * 3 + [np.ascontiguousarray(helpers.rectangles(2)[::2, ::2])] * 3
    rooms[3:] = [_in_front(picture, woman(0), 480) for picture in rooms[3:]]
    people = found(rooms)
    assert people.cuts == (3,)
    first, second = {i for ids in ids_of(people)[:3] for i in ids}, {i for ids in ids_of(people)[3:] for i in ids}
    assert len(first) == len(second) == 1
    assert first != second
    alone = found(rooms, everybody=False)
    assert alone.cuts == (3,)
    assert ids_of(alone) == [[1]] * 6


def _in_front(rgb, person, x):
    scene = crowds.Image.fromarray(rgb)
    crowds.put(scene, person, x=x, bottom=340, height=250)
    return crowds.as_rgb(scene)


@pytest.mark.parametrize("everybody", [True, False])
def test_a_poster_larger_than_the_dancer_is_left_out(everybody):
    pictures = []
    noise = np.random.default_rng(0)
    for step in range(10):
        scene = crowds.wall()
        crowds.put(scene, crowds.cut_out("squats", 0), x=470, bottom=335, height=300)
        crowds.put(scene, dancer(step), x=150, bottom=330, height=240)
        rgb = crowds.as_rgb(scene) + noise.normal(0, 2, (360, 640, 3))
        pictures.append(rgb.clip(0, 255).astype(np.uint8))
    people = found(pictures, everybody=everybody)
    assert people.ids == (1,)
    assert all(x is not None and x < 300 for x in middles(people, 1))


def test_in_a_clip_in_which_nobody_moves_nobody_is_called_a_poster():
    scene = crowds.wall()
    crowds.put(scene, woman(0), x=300, bottom=330, height=250)
    people = found([crowds.as_rgb(scene)] * 9)
    assert ids_of(people) == [[1]] * 9


def test_a_box_chooses_the_smaller_of_two():
    pictures = []
    for step in range(3):
        scene = crowds.wall()
        hers = tight_box(crowds.put(scene, woman(0), x=470, bottom=318, height=190))
        crowds.put(scene, dancer(step), x=160, bottom=330, height=260)
        pictures.append(crowds.as_rgb(scene))
    people = found(pictures, everybody=False, box=hers)
    assert ids_of(people) == [[1]] * 3
    assert all(overlap(sighting.box, hers) > 0.75 for (sighting,) in people.sightings)


@pytest.mark.parametrize("everybody", [True, False])
def test_nobody_in_the_clip_is_nobody(everybody):
    people = found([helpers.rectangles(1)[::2, ::2].copy(), crowds.as_rgb(crowds.wall())], everybody=everybody)
    assert people.ids == ()
    assert people.sightings == ((), ())


def test_half_a_person_is_found_in_the_part_of_the_frame_that_shows_it():
    scene = crowds.wall()
    mask = crowds.put(scene, woman(0), x=320, bottom=520, height=420)  # from the thighs up
    (seen,) = found([crowds.as_rgb(scene)]).sightings
    assert len(seen) == 1
    assert overlap(seen[0].box, tight_box(mask)) > 0.8


def test_a_dancer_upside_down_is_found():
    scene = crowds.wall()
    mask = crowds.put(scene, woman(0).rotate(180), x=320, bottom=330, height=280)
    (seen,) = found([crowds.as_rgb(scene)]).sightings
    assert len(seen) == 1
    assert overlap(seen[0].box, tight_box(mask)) > 0.75


def test_a_person_of_forty_pixels_beside_a_large_one_is_found_or_not_but_nobody_is_invented():
    scene = crowds.wall(seed=3)
    large = tight_box(crowds.put(scene, dancer(0), x=170, bottom=335, height=260))
    small = tight_box(crowds.put(scene, woman(0), x=500, bottom=290, height=40))
    (seen,) = found([crowds.as_rgb(scene)]).sightings
    assert overlap(seen[0].box, large) > 0.75
    assert all(overlap(sighting.box, small) > 0.5 for sighting in seen[1:])
    assert len(seen) <= 2


def test_a_person_of_forty_pixels_alone_is_found():
    scene = crowds.wall(320, 180)
    small = tight_box(crowds.put(scene, woman(0), x=160, bottom=130, height=40))
    (seen,) = found([crowds.as_rgb(scene)]).sightings
    assert [overlap(sighting.box, small) > 0.6 for sighting in seen] == [True]


def test_people_refuses_one_id_twice_in_a_frame_and_cuts_out_of_order():
    sighting = found_still().sightings[0][0]
    with pytest.raises(InputError, match="each id once"):
        People(sightings=((sighting, sighting),))
    with pytest.raises(InputError, match="rising order"):
        People(sightings=((),), cuts=(5, 3))


def found_still():
    scene = crowds.wall()
    crowds.put(scene, woman(0), x=300, bottom=330, height=250)
    return found([crowds.as_rgb(scene)], box=Box(left=230.0, top=80.0, width=140.0, height=250.0))
