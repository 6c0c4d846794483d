"""Agreement without truth: what the mirror image and the frames beside confirm, and what they do not."""

import numpy as np
import pytest
from correspondence_scenes import chart_frame
from iuv_scenes import SMALL, body_points, small_network
from scipy.spatial import cKDTree

from hd_core.body.iuv import BodyFinder
from hd_core.geometry.crop import whole_frame
from hd_core.predict.planes import PICTURE_PLANES, picture_planes
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.synth.atlas.anny24 import flip_part, to_bytes
from hd_core.train.iuv_agreement import (
    MOVES,
    NEAR_M,
    agreement,
    found_again,
    mirrored_map,
    mirrored_view,
    same_points,
)
from hd_core.train.iuv_samples import template_points
from hd_core.types import Camera, View


def part_map(part=10, shift=0):
    """The square of the scenes: u and v grow over a limb's chart."""
    return chart_frame(part, shift=shift)


def view_of(seed=0, side=64):
    rng = np.random.default_rng(seed)
    alpha = np.zeros((side, side), np.float32)
    alpha[10:50, 14:40] = 1
    camera = Camera(width=side, height=side, intrinsics=np.array([[80.0, 0, 20.0], [0, 80.0, 33.0], [0, 0, 1]]))
    rgb = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    return View(rgb=rgb, alpha=alpha, crop=whole_frame(camera), frame_index=0, time_seconds=0.0)


def slow_again(first, second, reach):
    """By its definition, pixel for pixel."""
    points = np.moveaxis(template_points(np.stack([first, second])), 1, -1).astype(np.float64)
    found = np.zeros(first.shape[:2], bool)
    for row, column in zip(*np.nonzero(first[..., 0]), strict=True):
        rows = slice(max(row - reach, 0), row + reach + 1)
        columns = slice(max(column - reach, 0), column + reach + 1)
        away = np.linalg.norm(points[1][rows, columns] - points[0][row, column], axis=-1)
        found[row, column] = (away[second[rows, columns, 0] == first[row, column, 0]] < NEAR_M).any()
    return found


def test_a_map_agrees_with_itself_and_nobody_with_nobody():
    iuv = part_map()
    np.testing.assert_array_equal(same_points(iuv, iuv), iuv[..., 0] > 0)
    assert not same_points(iuv, np.zeros_like(iuv)).any() and not same_points(np.zeros_like(iuv), iuv).any()


def test_found_again_is_a_near_point_of_the_part_within_the_reach():
    """Against the slow definition, on maps in which charts are stretched and some pixels are another part."""
    rng, second = np.random.default_rng(0), chart_frame(10, low=0.05, high=0.95, shift=3)
    first = part_map()
    second[..., 0][(rng.random(second.shape[:2]) < 0.5) & (second[..., 0] > 0)] = 9
    reach = round(MOVES * len(first))
    for reach_of, found in ((reach, found_again(first, second)), (0, same_points(first, second))):
        np.testing.assert_array_equal(found, slow_again(first, second, reach_of))
        assert found.any() and not found[first[..., 0] > 0].all()


def test_another_part_or_a_point_too_far_agrees_nowhere():
    iuv, other = part_map(10), part_map(9)
    assert not same_points(iuv, other).any()
    far = iuv.copy()
    far[..., 1][iuv[..., 0] > 0] = np.where(iuv[..., 1][iuv[..., 0] > 0] > 127, 0, 255)
    agrees, points = same_points(iuv, far), template_points(np.stack([iuv, far]))
    expected = (np.linalg.norm(points[0] - points[1], axis=0) < NEAR_M) & (iuv[..., 0] > 0)
    np.testing.assert_array_equal(agrees, expected)
    assert agrees.mean() < 0.2 * (iuv[..., 0] > 0).mean()


def test_neighbours_across_a_seam_are_other_parts_however_near_they_are():
    part, uv, points = body_points(6000)
    away, other = cKDTree(points).query(points, k=8)
    rows, columns = np.nonzero((away < NEAR_M / 2) & (part[other] != part[:, None]))
    pairs = np.stack([rows, other[rows, columns]])[:, :100]
    first, second = (to_bytes(part[own], *uv[own].T).reshape(10, 10, 3) for own in pairs)
    apart = template_points(np.stack([first, second]))
    assert np.linalg.norm(apart[0] - apart[1], axis=0).max() < NEAR_M
    assert not same_points(first, second).any()


def test_kept_is_what_the_mirror_and_every_frame_beside_confirm():
    """The middle frame has a patch of another part, the last one a patch that the mirror does not see."""
    maps = [part_map() for _ in range(4)]
    maps[1][20:24, 20:24, 0] = 9
    mirror = [iuv.copy() for iuv in maps]
    mirror[3][30:34, 30:34] = 0
    kept = agreement(maps, mirror)
    on = maps[0][..., 0] > 0
    assert not kept[1][20:24, 20:24].any()
    assert not kept[0][21:23, 21:23].any() and not kept[2][21:23, 21:23].any()
    assert kept[3][20:24, 20:24].all()  # not beside the faulty frame
    assert not kept[3][30:34, 30:34].any() and kept[2][30:34, 30:34].all()
    assert kept[3].sum() == on.sum() - 16


def test_a_single_frame_has_the_mirror_alone():
    (kept,) = agreement([part_map()], [part_map()])
    np.testing.assert_array_equal(kept, part_map()[..., 0] > 0)


def test_the_mirror_of_a_mirror_is_the_map_and_left_is_right_in_between():
    iuv = part_map(10)
    turned = mirrored_map(iuv)
    np.testing.assert_array_equal(mirrored_map(turned), iuv)
    assert set(np.unique(turned[..., 0])) == {0, int(flip_part(np.array([10]))[0])}
    points = template_points(np.stack([iuv, turned]))
    seen, other = points[0], points[1][:, :, ::-1]
    np.testing.assert_allclose(seen * np.array([-1, 1, 1])[:, None, None], other, atol=6e-3)


def test_a_mirrored_camera_sees_the_flipped_planes_with_its_rays_turned_round():
    view = view_of()
    plain, turned = picture_planes(view), picture_planes(mirrored_view(view))
    expected = plain[..., ::-1].copy()
    expected[PICTURE_PLANES.index("ray_x")] *= -1
    np.testing.assert_allclose(turned, expected, atol=1e-5)
    np.testing.assert_array_equal(mirrored_view(mirrored_view(view)).rgb, view.rgb)


def test_our_mirror_image_is_the_one_that_the_finder_makes_for_itself(tmp_path):
    """A finder that looks at both says the same of a view and of its mirror image, carried back."""
    card = WeightsCard(network=SMALL, licence="Apache-2.0", training_data="none", command="none", size=64)
    network = small_network()
    network.clothed_head.weight.data *= 30
    save_weights(tmp_path / "w.safetensors", network, card)
    finder, view = BodyFinder.load(tmp_path / "w.safetensors", mirrored=True), view_of()
    seen = finder.find_bodies(view).clothed.iuv
    back = mirrored_map(finder.find_bodies(mirrored_view(view)).clothed.iuv)
    on = seen[..., 0] > 0
    assert on.any()
    assert same_points(seen, back)[on].mean() > 0.95


@pytest.mark.parametrize("shift", [1, 2])
def test_a_point_may_move_a_little_from_frame_to_frame(shift):
    first, second = part_map(), part_map(shift=shift)
    moved = round(MOVES * len(first))
    inner = first[..., 0] > 0
    inner[:, : 8 + moved] = False
    assert found_again(first, second)[inner].all()
