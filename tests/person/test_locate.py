import numpy as np
import person_helpers as helpers
import pytest
from PIL import Image

from hd_core.errors import InputError
from hd_core.person.locate import NetworkLocator, locate_in_box, locate_in_mask
from hd_core.person.pose import PoseNetwork, upright_turn
from hd_core.person.regions import overlap
from hd_core.types import Box


def box_of(edges):
    left, top, right, bottom = map(float, edges)
    return Box(left=left, top=top, width=right - left, height=bottom - top)


def in_frame(box, shape):
    return (
        box.left >= 0
        and box.top >= 0
        and box.left + box.width <= shape[1] + 1e-6
        and box.top + box.height <= shape[0] + 1e-6
    )


@pytest.mark.parametrize(("name", "index"), sorted(helpers.DRAWN_BOXES))
def test_found_box_is_the_one_drawn_by_eye(name, index):
    rgb = helpers.clip_frames(name, index)[0]
    before = rgb.copy()
    (sighting,) = NetworkLocator().locate(helpers.as_frame(rgb, index))
    assert overlap(sighting.box, box_of(helpers.DRAWN_BOXES[name, index])) > 0.9
    assert in_frame(sighting.box, rgb.shape)
    assert sighting.score > 0.9
    assert (sighting.frame_index, sighting.time_seconds, sighting.person_id) == (index, index / 25, 1)
    np.testing.assert_array_equal(rgb, before)


def test_following_over_a_wide_move_gives_the_box_that_a_fresh_search_gives():
    """She sits down by 240 px and moves aside by 300 px, between two frames."""
    standing, sitting = helpers.clip_frames("squats", 0, 11)
    before = np.pad(standing, ((0, 0), (0, 300), (0, 0)), mode="edge")
    after = np.pad(sitting, ((0, 0), (300, 0), (0, 0)), mode="edge")
    follower = NetworkLocator()
    follower.locate(helpers.as_frame(before, 0))
    (followed,) = follower.locate(helpers.as_frame(after, 1))
    (fresh,) = NetworkLocator().locate(helpers.as_frame(after, 1))
    assert overlap(followed.box, fresh.box) > 0.95
    assert np.abs(followed.landmarks[:, :2] - fresh.landmarks[:, :2]).mean() < 10  # of 600 px of body
    assert follower.others == 0


def test_landmarks_of_a_standing_woman_are_where_a_body_has_them():
    rgb = helpers.clip_frames("squats", 0)[0]
    (sighting,) = NetworkLocator().locate(helpers.as_frame(rgb))
    marks, world = sighting.landmarks, sighting.world_landmarks
    nose, hips, ankles = marks[0], marks[[23, 24]].mean(axis=0), marks[[27, 28]].mean(axis=0)
    assert nose[1] < hips[1] < ankles[1]
    assert abs(nose[0] - 350) < 25  # by eye
    assert abs(nose[1] - 220) < 25
    assert (marks[[0, 11, 12, 23, 24, 27, 28], 3] > 0.9).all()
    assert np.abs(world[[23, 24]].mean(axis=0)).max() < 0.02  # hips are the origin
    height_m = world[[27, 28], 1].mean() - world[0, 1]
    assert 1.2 < height_m < 1.8


@pytest.fixture(scope="module")
def locator():
    return NetworkLocator()


@pytest.mark.parametrize("name", ["noise", "grey", "gradient", "cabinet", "furniture 1", "furniture 4"])
def test_nobody_is_invented_in_an_empty_scene(locator, name):
    scenes = {
        "noise": lambda: np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8),
        "grey": lambda: np.full((480, 640, 3), 128, np.uint8),
        "gradient": lambda: np.tile(np.linspace(0, 255, 640).astype(np.uint8)[None, :, None], (480, 1, 3)),
        "cabinet": helpers.cabinet_with_lamp,
        "furniture 1": lambda: helpers.rectangles(1),
        "furniture 4": lambda: helpers.rectangles(4),
    }
    assert locator.locate(helpers.as_frame(scenes[name]())) == []


def test_the_pose_network_alone_would_have_taken_the_cabinet_for_a_person():
    whole = Box(left=280.0, top=0.0, width=720.0, height=720.0)
    assert PoseNetwork().read(helpers.cabinet_with_lamp(), whole).score > 0.9


@pytest.mark.parametrize(("name", "index"), [("dance", 0), ("squats", 0)])
def test_a_person_who_vanishes_is_lost_at_once_and_found_again(name, index):
    rgb = helpers.clip_frames(name, index)[0]
    empty = helpers.paint_out(rgb, helpers.DRAWN_BOXES[name, index])
    locator = NetworkLocator()
    (seen,) = locator.locate(helpers.as_frame(rgb, 0))
    assert locator.locate(helpers.as_frame(empty, 1)) == []
    (again,) = locator.locate(helpers.as_frame(rgb, 2))
    assert again.box == seen.box


def test_of_two_people_the_larger_is_kept_and_the_other_counted():
    rgb = helpers.clip_frames("squats", 0)[0]
    picture = np.tile(rgb[:1, :1], (1280, 1440, 1))
    picture[:, :720] = rgb
    small = rgb[::2, ::2]
    picture[500:1140, 900:1260] = small
    locator = NetworkLocator()
    (seen,) = locator.locate(helpers.as_frame(np.ascontiguousarray(picture)))
    assert overlap(seen.box, box_of(helpers.DRAWN_BOXES["squats", 0])) > 0.9
    assert locator.others == 1


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_picture_read_with_the_turn_undone_gives_the_turned_answer(turn):
    rgb = np.ascontiguousarray(helpers.clip_frames("pose1", 0)[0])  # square: 576 px
    square = Box(left=128.0, top=148.0, width=320.0, height=320.0)
    upright = PoseNetwork().read(rgb, square)
    turned_rgb = np.ascontiguousarray(np.rot90(rgb, -turn))  # the person lies
    corners = np.array([[128.0, 148.0], [448.0, 468.0]]) - 288
    for _ in range(turn):  # clockwise: x, y -> -y, x
        corners = np.stack([-corners[:, 1], corners[:, 0]], axis=1)
    low = corners.min(axis=0) + 288
    turned = PoseNetwork().read(turned_rgb, Box(left=low[0], top=low[1], width=320.0, height=320.0), turn=turn)
    assert turned.score == pytest.approx(upright.score, abs=1e-3)
    different = (turned.mask > 0.5) != (np.rot90(upright.mask, -turn) > 0.5)
    assert different.mean() < 1e-4  # the resampling rounds to bytes in another order
    expected = upright.landmarks[:, :2] - 288
    world = upright.world_landmarks.copy()
    for _ in range(turn):
        expected = np.stack([-expected[:, 1], expected[:, 0]], axis=1)
        world[:, :2] = np.stack([-world[:, 1], world[:, 0]], axis=1)
    np.testing.assert_allclose(turned.landmarks[:, :2], expected + 288, atol=0.5)
    np.testing.assert_allclose(turned.world_landmarks, world, atol=0.01)
    assert upright_turn(upright) == 0
    assert upright_turn(turned) == turn


def turned_points(points, turn, width, height):
    """Where points of a picture are after that many quarter turns clockwise."""
    points = np.array(points, float)
    for _ in range(turn):
        points = np.stack([height - points[:, 1], points[:, 0]], axis=1)
        width, height = height, width
    return points


@pytest.mark.parametrize("turn", [1, 2])
def test_a_person_lying_or_upside_down_is_found_with_the_same_box_and_joints(turn):
    rgb = helpers.clip_frames("squats", 0)[0]
    left, top, right, bottom = helpers.DRAWN_BOXES["squats", 0]
    edges = turned_points([[left, top], [right, bottom]], turn, 720, 1280)
    expected = box_of((*edges.min(axis=0), *edges.max(axis=0)))
    joints = turned_points([[350, 220], [240, 620], [490, 615], [260, 990]], turn, 720, 1280)  # by eye
    (seen,) = NetworkLocator().locate(helpers.as_frame(np.ascontiguousarray(np.rot90(rgb, -turn))))
    assert overlap(seen.box, expected) > 0.85
    found = seen.landmarks[[0, 20, 19, 32], :2]  # nose, right and left index finger, right toes
    assert np.linalg.norm(found - joints, axis=1).max() < 80  # of 850 px of body


def test_a_white_silhouette_is_not_a_person():
    path = helpers.SHARED_DATA / "hdnet_0043" / "0043_mask.png"
    if not path.is_file():
        pytest.skip("no 0043_mask.png in the shared data folder; set HD_SHARED_DATA")
    silhouette = np.asarray(Image.open(path).convert("RGB"))
    assert NetworkLocator().locate(helpers.as_frame(silhouette)) == []


def test_given_mask_yields_the_tight_box_of_its_largest_region_above_one_half():
    alpha = np.full((20, 30), 0.5, np.float32)
    alpha[2:9, 4:10] = 0.6
    alpha[15:17, 20:25] = 1.0
    (sighting,) = locate_in_mask(3, 0.12, alpha)
    assert sighting.box == Box(left=4.0, top=2.0, width=6.0, height=7.0)
    assert (sighting.frame_index, sighting.time_seconds, sighting.score) == (3, 0.12, 1.0)


def test_empty_mask_yields_nobody():
    assert locate_in_mask(0, 0.0, np.full((4, 5), 0.5)) == []


def test_given_box_is_cut_to_the_frame():
    (sighting,) = locate_in_box(0, 0.0, Box(left=-10.0, top=5.0, width=50.0, height=900.0), width=640, height=480)
    assert sighting.box == Box(left=0.0, top=5.0, width=40.0, height=475.0)


def test_given_box_outside_the_frame_is_refused():
    with pytest.raises(InputError, match="700,0,50,50 lies outside the frame; expected it within 640 x 480"):
        locate_in_box(0, 0.0, Box(left=700.0, top=0.0, width=50.0, height=50.0), width=640, height=480)
