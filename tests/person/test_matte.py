import hashlib

import numpy as np
import person_crowds as crowds
import person_helpers as helpers
import pytest
from scipy import ndimage

from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import cut_plane, cut_rgb, make_crop
from hd_core.person.finder import PeopleFinder
from hd_core.person.matte import FAR, NEAR, Matter, Tier, _agreed, _cleaned
from hd_core.person.modnet import MatteNetwork
from hd_core.person.regions import overlap, regions, tight_box
from hd_core.types import Box


def view(name, index, *, size=384, margin=0.12):
    rgb = helpers.clip_frames(name, index)[0]
    left, top, right, bottom = helpers.DRAWN_BOXES[name, index]
    side = max(right - left, bottom - top) * (1 + 2 * margin)
    square = Box(left=(left + right - side) / 2, top=(top + bottom - side) / 2, width=side, height=side)
    full = camera_from_focal(rgb.shape[1], rgb.shape[0], focal_px=float(rgb.shape[1]))
    crop = make_crop(full, square, width=size, height=size)
    inner = Box(left=float(left), top=float(top), width=float(right - left), height=float(bottom - top))
    return cut_rgb(rgb, crop), crop, inner


@pytest.fixture(scope="module")
def full():
    return Matter(Tier.FULL)


@pytest.fixture(scope="module")
def fast():
    return Matter(Tier.FAST)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def pink_or_black(rgb):
    """The squatting woman's shirt and trousers by colour alone: an independent mask of her inside."""
    r, g, b = rgb.astype(int).transpose(2, 0, 1)
    clothes = ((r - g > 100) & (r - b > 20)) | (rgb.max(axis=-1) < 50)
    clothes[:, 232:] = False  # the scaffold is black too
    return ndimage.binary_erosion(clothes, iterations=2)


def test_clothes_told_by_colour_are_opaque_and_the_wall_and_floor_are_clear(full, fast):
    rgb, crop, _ = view("squats", 0)
    clothes = pink_or_black(rgb)
    assert clothes.sum() > 5000
    for matter in (full, fast):
        alpha = matter.alpha(rgb, crop=crop)
        assert alpha.shape == rgb.shape[:2]
        assert alpha.dtype == np.float32
        assert (alpha[clothes] > 0.95).mean() > 0.995
        assert alpha.min() >= 0
        assert alpha.max() <= 1
        assert alpha[:, :80].max() == 0  # the wooden box and the wall
        assert alpha[:, 265:].max() == 0  # the scaffold


@pytest.mark.parametrize(("name", "index"), [("dance", 0), ("squats", 11), ("pose1", 43)])
def test_both_tiers_see_the_same_person_within_the_drawn_box(full, fast, name, index):
    rgb, crop, box = view(name, index)
    fine, coarse = (matter.alpha(rgb, crop=crop, box=box) > 0.5 for matter in (full, fast))
    assert iou(fine, coarse) > 0.88
    rows, columns = np.flatnonzero(fine.any(axis=1)), np.flatnonzero(fine.any(axis=0))
    x0, y0, _ = crop.crop_from_full @ [box.left, box.top, 1]
    x1, y1, _ = crop.crop_from_full @ [box.left + box.width, box.top + box.height, 1]
    found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    assert np.abs(found - [x0, y0, x1, y1]).max() < 0.03 * 384


@pytest.mark.parametrize(("name", "index"), [("dance", 0), ("squats", 0)])
def test_matte_is_one_piece_without_pinholes_and_with_soft_edges(full, name, index):
    rgb, crop, _ = view(name, index)
    alpha = full.alpha(rgb, crop=crop)
    pieces, _ = regions(alpha > 0.5)
    assert pieces.max() == 1
    _, holes = regions(alpha <= 0.5)
    assert (holes > 12).all()
    soft = (alpha > 0.05) & (alpha < 0.95)
    assert 0.01 < soft.sum() / (alpha > 0.5).sum() < 0.25


def test_same_picture_gives_the_same_bytes_also_from_a_new_matter(full):
    rgb, crop, box = view("squats", 11)
    before = rgb.copy()
    digests = {
        hashlib.sha256(matter.alpha(rgb, crop=crop, box=box).tobytes()).hexdigest()
        for matter in (full, full, Matter(Tier.FULL))
    }
    assert len(digests) == 1
    np.testing.assert_array_equal(rgb, before)


def test_nothing_is_opaque_beyond_the_full_frame(full):
    rgb, crop, box = view("dance", 19)  # the feet touch the lower edge of the frame
    outside_from = (crop.full.height - crop.box.top) * 384 / crop.box.height
    assert outside_from < 384
    alpha = full.alpha(rgb, crop=crop, box=box)
    assert alpha[int(np.ceil(outside_from)) :].max() == 0
    assert alpha[: int(outside_from)].max() == 1


def test_person_small_in_the_crop_is_cut_out_as_well_as_in_a_tight_crop(full):
    tight_rgb, tight, box = view("squats", 0)
    wide_rgb, wide, _ = view("squats", 0, size=768, margin=0.85)  # the same scale, 2.2 times the field
    alpha = full.alpha(wide_rgb, crop=wide, box=box)
    start = wide.crop_from_full @ [tight.box.left, tight.box.top, 1]
    scale = (wide.camera.width / wide.box.width) / (tight.camera.width / tight.box.width)
    tight_alpha = ndimage.zoom(full.alpha(tight_rgb, crop=tight), scale, order=1)
    x, y = np.round(start[:2]).astype(int)
    part = alpha[y : y + len(tight_alpha), x : x + tight_alpha.shape[1]] > 0.5
    assert iou(part, tight_alpha[: part.shape[0], : part.shape[1]] > 0.5) > 0.93
    outside = alpha.copy()
    outside[y : y + len(tight_alpha), x : x + tight_alpha.shape[1]] = 0
    assert outside.max() == 0


def test_second_person_in_the_crop_is_left_out(full):
    rgb, crop, box = view("squats", 0, size=512)
    twin = rgb[:, 150:330].copy()
    crowded = rgb.copy()
    crowded[:, 332:] = twin[:, :180]
    alone = full.alpha(rgb, crop=crop, box=box)
    alpha = full.alpha(crowded, crop=crop, box=box)
    assert alpha[:, 345:].max() == 0
    assert iou(alpha[:, :330] > 0.5, alone[:, :330] > 0.5) > 0.95


@pytest.mark.parametrize("tier", ["full", "fast"])
def test_picture_with_nobody_has_an_empty_matte(request, tier):
    matter = request.getfixturevalue(tier)
    for picture in (helpers.rectangles(1)[:, :720], np.zeros((100, 100, 3), np.uint8)):
        assert not matter.alpha(np.ascontiguousarray(picture)).any()


def test_a_hand_that_modnet_loses_is_given_back(full):
    """In this frame of the dance MODNet alone drops the blurred hand at the end of the raised arm."""
    (rgb,) = helpers.clip_frames("dance", 36)
    square = Box(left=100.0, top=230.0, width=1180.0, height=1180.0)
    camera = camera_from_focal(rgb.shape[1], rgb.shape[0], focal_px=2276.0)
    crop = make_crop(camera, square, width=512, height=512)
    cut = cut_rgb(rgb, crop)
    knuckles = (slice(88, 108), slice(110, 122))  # by eye
    assert MatteNetwork().alpha(cut, short_side=512)[knuckles].max() < 0.3
    assert full.alpha(cut, crop=crop)[knuckles].max() > 0.9


def disc(side, x, y, radius):
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(columns - x, rows - y) <= radius


def test_modnet_is_believed_near_the_person_and_nowhere_else():
    side = 400
    person = disc(side, 200, 200, 60).astype(np.float32)
    seen = np.full((side, side), 0.8, np.float32)  # it takes the whole room along
    agreed = _agreed(seen, person)
    distance = np.hypot(*(np.mgrid[:side, :side] - 200.0)) - 60
    assert agreed[distance < NEAR * side - 1.5] == pytest.approx(0.8)
    assert (agreed[distance > FAR * side + 1.5] == 0).all()
    between = (distance > NEAR * side + 1.5) & (distance < FAR * side - 1.5)
    assert ((agreed[between] > 0) & (agreed[between] < 0.8)).all()


def test_a_lost_limb_comes_back_but_a_crack_and_an_unsure_part_do_not():
    side = 400
    person = np.full((side, side), 0.95, np.float32)
    person[300:, 300:] = 0.7  # unsure
    seen = np.ones((side, side), np.float32)
    seen[100:120, 100:120] = 0  # a hand
    seen[200:203, :] = 0  # a crack of 3 px, thinner than a limb
    seen[350:370, 350:370] = 0
    agreed = _agreed(seen, person)
    assert agreed[110, 110] == pytest.approx(0.95)
    assert (agreed[200:203] == 0).all()
    assert (agreed[355:365, 355:365] == 0).all()


def test_islands_go_unless_they_are_the_persons_and_the_veil_goes():
    side = 200
    alpha = (disc(side, 60, 60, 40) | disc(side, 150, 150, 12) | disc(side, 150, 40, 12)).astype(np.float32)
    alpha[190:, :40] = 0.3  # a patch of veil with nothing solid in it
    alpha[alpha == 0] = 0.015
    mask = (disc(side, 60, 60, 40) | disc(side, 150, 150, 12)).astype(np.float32)
    cleaned = _cleaned(alpha, mask)
    assert (cleaned[disc(side, 60, 60, 38)] == 1).all()
    assert (cleaned[disc(side, 150, 150, 10)] == 1).all()  # cut off, but BlazePose knows it
    assert cleaned[:80, 130:].max() == 0
    assert cleaned[185:, :60].max() == 0
    assert cleaned[0, 199] == 0


@pytest.fixture(scope="module")
def pair():
    """Two people who touch, the dancer in front; their masks, and what the finder says of them."""
    scene = crowds.wall()
    hers = crowds.put(scene, crowds.cut_out("squats", 0), x=330, bottom=322, height=235)
    his = crowds.put(scene, crowds.cut_out("dance", 0), x=265, bottom=335, height=250)
    rgb = crowds.as_rgb(scene)
    finder = PeopleFinder(everybody=True)
    finder.look(helpers.as_frame(rgb))
    (seen,) = finder.finish().sightings
    return rgb, {"his": his, "hers": hers & ~his}, seen


@pytest.mark.parametrize("whose", ["his", "hers"])
def test_of_two_people_who_overlap_each_gets_only_their_own_pixels(full, pair, whose):
    rgb, masks, seen = pair
    other = masks["hers" if whose == "his" else "his"]
    own = max(seen, key=lambda s: overlap(s.box, tight_box(masks[whose])))
    camera = camera_from_focal(640, 360, focal_px=700.0)
    side = 1.24 * max(own.box.width, own.box.height)
    middle = own.box.left + own.box.width / 2, own.box.top + own.box.height / 2
    square = Box(left=middle[0] - side / 2, top=middle[1] - side / 2, width=side, height=side)
    crop = make_crop(camera, square, width=384, height=384)
    cut = cut_rgb(rgb, crop)
    others = [sighting for sighting in seen if sighting is not own]
    assert len(others) == 1
    truth = cut_plane(masks[whose].astype(np.float32), crop) > 0.5
    foreign = cut_plane(other.astype(np.float32), crop) > 0.5
    alpha = full.alpha(cut, crop=crop, box=own.box, others=others) > 0.5
    assert iou(alpha, truth) > 0.8
    assert (alpha & foreign).sum() / foreign.sum() < 0.2
