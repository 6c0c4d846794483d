"""A sample's truth under zoom, roll and mirror is the truth of what its own camera sees."""

import numpy as np
import pytest
from train_scenes import ball_camera, ball_centre, ball_seen, write_ball

from hd_core.geometry.camera import project
from hd_core.predict.planes import crop_extent, relief_from_depth
from hd_core.train.loader import Samples
from hd_core.train.options import AugmentOptions
from hd_core.train.pack import read_frame
from hd_core.train.placing import Placing, sample_placing, usual_placing
from hd_core.train.samples import Ticket, make_sample, placed_surface
from hd_core.train.spoil import spoil_matte, spoil_picture
from hd_core.train.warp import samples_per_side, warp_colours, warp_surface
from hd_core.types import Camera


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    return read_frame(write_ball(data, 3, size=160), data / "packed", 1)


def full_placing(size=160, *, turn=None, scale=1.0) -> Placing:
    turn = np.eye(2) if turn is None else turn
    middle = np.array([size / 2, size / 2])
    return Placing(turn=turn, scale=scale, shift=middle - scale * turn @ middle)


def roll(degrees: float) -> np.ndarray:
    t = np.radians(degrees)
    return np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])


@pytest.mark.parametrize(
    "turn", [roll(0), roll(20), np.diag([-1.0, 1]) @ roll(-35)], ids=["as it is", "rolled", "mirrored"]
)
def test_a_cameras_roll_and_mirror_image_move_every_point_as_the_picture_moves(turn):
    placing = full_placing(turn=turn, scale=0.7)
    camera = ball_camera(160)
    points = np.random.default_rng(0).uniform([-1, -1, 3], [1, 1, 5], (20, 3))
    turned = points.copy()
    turned[:, :2] = points[:, :2] @ turn.T
    back = placing.source_from_target
    expected = project(camera, points)
    found = project(placing.camera(camera.intrinsics, 160), turned)
    assert found @ back[:, :2].T + back[:, 2] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("turn", "scale"), [(roll(0), 1.0), (roll(25), 1.3), (np.diag([-1.0, 1]) @ roll(-10), 0.5)])
def test_the_truth_of_a_placed_ball_is_the_ball_that_its_camera_sees(frame, turn, scale):
    centre = ball_centre(3, 1)
    centre[:2] = turn @ centre[:2]
    middle = np.array([80.0 - frame.left, 80.0 - frame.top])
    placing = Placing(turn=turn, scale=scale, shift=64 - scale * turn @ middle)
    intrinsics = np.array(frame.header["camera"])
    intrinsics[:2, 2] -= frame.left, frame.top
    depth, normal, mask = ball_seen(placing.camera(intrinsics, 128), centre, 0.45)
    surface = placed_surface(frame, placing, 128)
    assert (surface.mask != mask).mean() < 0.01
    inside = surface.mask & mask & (normal[..., 2] < -0.6)
    assert inside.sum() > 1000
    pixel_m = 2.0 / 208 / min(scale, 1)
    assert np.abs(surface.depth - depth)[inside].max() < pixel_m
    assert np.abs(surface.depth - depth)[inside].mean() < pixel_m / 10
    angle = np.degrees(np.arccos(np.clip((surface.normal * normal).sum(-1)[inside], -1, 1)))
    assert angle.mean() < 0.5 and angle.max() < 3


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7])
def test_no_point_is_made_up_between_two_surfaces_and_colours_are_mixed(scale):
    """A step along a slanted line: depth and normals are those of either side, the colours between them blend."""
    y, x = np.mgrid[:40, :40]
    far = x + 0.37 * y > 5.5
    depth = np.where(far, 9000, 1000).astype(np.uint16)
    normal = np.where(far[..., None], [0, 20000, -26000], [20000, 0, -26000]).astype(np.int16)
    back = np.array([[1 / scale, 0, 0.3], [0, 1 / scale, 0.2]])
    code, direction = np.empty((12, 12), np.float32), np.empty((12, 12, 3), np.float32)
    samples = samples_per_side(scale)
    warp_surface(depth, normal, back, samples, 500.0, code, direction)
    assert set(np.unique(np.rint(code))) == {1000, 9000}
    unit = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    assert np.allclose(unit[code > 5000], unit[code > 5000][0]) and np.allclose(unit[code < 5000], unit[code < 5000][0])
    colours, matte = np.empty((12, 12, 3), np.float32), np.empty((12, 12), np.float32)
    picture = np.repeat(np.where(far, 200, 100)[..., None], 3, -1).astype(np.uint8)
    warp_colours(picture, np.full((40, 40), 255, np.uint8), back, samples, colours, matte)
    assert ((colours > 110) & (colours < 190)).any() and matte[1:-1, 1:-1].min() > 0.999


def test_a_sample_carries_the_relief_of_its_own_crop(tmp_path):
    shard = write_ball(tmp_path, 0, size=160)
    sample = Samples(tmp_path / "packed", size=96, augment=AugmentOptions()).sample(Ticket(shard=shard, frame=0))
    camera = Camera(width=96, height=96, intrinsics=sample.intrinsics.astype(float))
    depth, _, mask = ball_seen(camera, ball_centre(0, 0), 0.45)
    truth = sample.truth[0] > 0
    inner = truth & mask
    expected = relief_from_depth(np.where(inner, depth, np.nan), inner, extent=crop_extent(camera))
    assert inner.sum() > 0.97 * mask.sum()
    assert np.abs(sample.relief[0] - expected)[inner].mean() < 0.002
    assert not sample.relief[0][~truth].any() and not sample.normal[:, ~truth].any()


def test_the_usual_square_leaves_twelve_hundredths_on_every_side():
    mask = np.zeros((100, 100), bool)
    mask[20:70, 40:60] = True
    placing = usual_placing(mask, size=62)
    back = placing.source_from_target
    corners = np.array([[0, 0, 1], [62, 62, 1]]) @ back.T
    assert corners == pytest.approx(np.array([[50 - 31, 45 - 31], [50 + 31, 45 + 31]]))


def test_squares_show_the_person_and_are_turned_and_mirrored_as_often_as_asked():
    mask = np.zeros((200, 200), bool)
    mask[50:150, 80:120] = True
    rng = np.random.default_rng(0)
    placings = [sample_placing(rng, mask, AugmentOptions(), size=128) for _ in range(400)]
    mirrored = np.mean([np.linalg.det(p.turn) < 0 for p in placings])
    rolls = [np.degrees(np.arctan2(p.turn[1, 0], p.turn[1, 1])) for p in placings]
    assert 0.4 < mirrored < 0.6 and 6.5 < np.std(rolls) < 9.5
    for placing in placings:
        back = placing.source_from_target
        column, row = back @ [64, 64, 1]
        assert 40 < row < 160 and 70 < column < 130
        assert 128 / placing.scale >= 0.45 * 128 - 1e-9


def test_a_sample_is_the_same_whenever_it_is_drawn_and_another_for_another_key(tmp_path):
    shard = write_ball(tmp_path, 0)
    samples = Samples(tmp_path / "packed", size=64, augment=AugmentOptions())
    first, again, other = (samples.sample(Ticket(shard=shard, frame=0, key=(0, k))) for k in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.picture, other.picture)


def test_many_wild_samples_are_finite_and_never_without_a_person(frame):
    wild = AugmentOptions(strength=1.5, rotation_deg=40.0, close_up=0.6)
    for seed in range(40):
        sample = make_sample(frame, size=64, augment=wild, rng=np.random.default_rng(seed))
        assert all(np.isfinite(part).all() and part.dtype == np.float32 for part in sample if part is not None)
        assert sample.truth.sum() > 30
        length = np.linalg.norm(sample.normal, axis=0)
        assert np.allclose(length, sample.truth[0], atol=1e-4)
        assert not sample.truth[0][sample.picture[3] <= 0.5].any()


def test_no_strength_leaves_picture_and_matte_as_they_are():
    rng = np.random.default_rng(0)
    colours, matte = rng.integers(0, 255, (32, 32, 3)).astype(np.float32), rng.random((32, 32), np.float32)
    for seed in range(20):
        draw = np.random.default_rng(seed)
        assert np.array_equal(spoil_picture(draw, colours, strength=0.0), colours)
        assert np.array_equal(spoil_matte(draw, matte, strength=0.0), matte)


def test_spoiled_mattes_lose_and_gain_and_half_of_them_stay():
    disc = (np.hypot(*np.mgrid[-64:64, -64:64]) < 40).astype(np.float32)
    spoiled = [spoil_matte(np.random.default_rng(seed), disc, strength=1.0) for seed in range(300)]
    areas = np.array([(matte > 0.5).sum() for matte in spoiled]) / disc.sum()
    assert 0.4 < np.mean([np.array_equal(matte, disc) for matte in spoiled]) < 0.6
    assert areas.min() < 0.85 and areas.max() > 1.03 and 0.8 < areas.mean() < 1.02
    assert all(matte.min() >= 0 and matte.max() <= 1 for matte in spoiled)


def test_spoiled_pictures_keep_their_drawing():
    """Colours change, but what is light stays lighter than what is dark."""
    y, x = np.mgrid[:64, :64]
    colours = np.repeat(((x // 8 + y // 8) % 2 * 160 + 40.0)[..., None], 3, -1).astype(np.float32)
    light = colours[..., 0] > 100
    for seed in range(100):
        found = spoil_picture(np.random.default_rng(seed), colours, strength=1.0).astype(float).mean(-1)
        assert found[light].mean() > found[~light].mean()


def test_a_picture_that_shrinks_is_sampled_as_often_as_it_shrinks():
    assert [samples_per_side(scale) for scale in (2.0, 1.0, 0.6, 0.5, 0.3, 0.05)] == [1, 1, 2, 2, 4, 4]
