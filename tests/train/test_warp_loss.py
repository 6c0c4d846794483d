"""Similarities in closed form, correspondences, and what L_w leaves of a figure that moved."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from train_scenes import ball_camera, ball_seen, write_ball

from hd_core.predict.planes import crop_extent, relief_from_depth
from hd_core.train.loader import Samples, to_pairs
from hd_core.train.matching import match_pixels
from hd_core.train.options import AugmentOptions
from hd_core.train.samples import Ticket
from hd_core.train.similarity import fit_similarities
from hd_core.train.warp_loss import Matches, crop_points, warp_loss


def moved(rng: np.random.Generator, count: int = 200) -> tuple[np.ndarray, np.ndarray, tuple]:
    a = rng.normal(size=(count, 3)) * [0.3, 0.2, 0.1]
    scale, rotation, shift = rng.uniform(0.5, 2), Rotation.random(rng=rng).as_matrix(), rng.normal(size=3)
    return a, scale * a @ rotation.T + shift, (scale, rotation, shift)


def as_tensor(*arrays) -> list[torch.Tensor]:
    return [torch.tensor(array, dtype=torch.float32) for array in arrays]


def test_every_group_gets_its_own_similarity_back():
    rng = np.random.default_rng(0)
    parts = [moved(rng) for _ in range(3)]
    a, b = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    group = torch.arange(3).repeat_interleave(200)
    found = fit_similarities(*as_tensor(a, b), group, torch.ones(600), groups=4)
    assert found.known.tolist() == [True, True, True, False]
    for k, (_, _, (scale, rotation, shift)) in enumerate(parts):
        assert float(found.scale[k]) == pytest.approx(scale, rel=1e-5)
        assert found.rotation[k].numpy() == pytest.approx(rotation, abs=1e-5)
        assert found.shift[k].numpy() == pytest.approx(shift, abs=1e-5)


def test_a_fifth_of_wrong_matches_moves_nothing():
    rng = np.random.default_rng(1)
    a, b, (scale, rotation, _) = moved(rng, 500)
    b += rng.normal(0, 1e-3, b.shape)
    b[:100] += rng.normal(0, 0.5, (100, 3))
    found = fit_similarities(*as_tensor(a, b), torch.zeros(500, dtype=torch.long), torch.ones(500), groups=1)
    turn = Rotation.from_matrix(found.rotation[0].double().numpy() @ rotation.T).magnitude()
    assert np.degrees(turn) < 0.3 and float(found.scale[0]) == pytest.approx(scale, rel=0.003)


def test_mirrored_points_get_a_rotation_and_no_mirror():
    a = np.random.default_rng(2).normal(size=(100, 3)) * [0.5, 0.3, 0.1]
    mirrored = a * [1, 1, -1]
    found = fit_similarities(*as_tensor(a, mirrored), torch.zeros(100, dtype=torch.long), torch.ones(100), groups=1)
    assert float(torch.linalg.det(found.rotation[0])) == pytest.approx(1, abs=1e-5)


def test_a_plane_is_carried_and_a_line_or_a_handful_is_not():
    rng = np.random.default_rng(3)
    flat, line = rng.normal(size=(100, 3)) * [1, 1, 0], rng.normal(size=(100, 1)) * np.ones(3)
    for points, count, known in ((flat, 100, True), (line, 100, False), (flat, 49, False)):
        turned = points[:count] @ Rotation.from_rotvec([0.2, 0.1, 0.4]).as_matrix().T
        group = torch.zeros(count, dtype=torch.long)
        found = fit_similarities(*as_tensor(points[:count], turned), group, torch.ones(count), groups=1)
        assert bool(found.known[0]) == known


def grid_matches(points: np.ndarray, part: int = 1) -> Matches:
    count = points.shape[0] * points.shape[1]
    places = torch.arange(count)[None]
    return Matches(places, places, torch.full((1, count), part), torch.ones(1, count))


def as_map(points: np.ndarray) -> torch.Tensor:
    return torch.tensor(points.T.reshape(1, 3, *points.shape[:2]), dtype=torch.float32)


def test_l_w_is_nothing_for_a_figure_that_only_moved_and_the_distance_that_is_left_otherwise():
    """Every other point is off by +-0.02 along a rigid plane's normal: no similarity takes that away."""
    rng = np.random.default_rng(4)
    flat = rng.uniform(-1, 1, (20, 20, 3)) * [1, 1, 0]
    turn = Rotation.from_rotvec([0.3, -0.2, 0.1]).as_matrix()
    bumps = 0.02 * (1 - 2 * (np.arange(400).reshape(20, 20) % 2))
    clean, bumpy = flat @ turn.T * 1.4 + 0.5, (flat + bumps[..., None] * [0, 0, 1]) @ turn.T
    maps = [
        torch.tensor(m.reshape(1, 400, 3).transpose(0, 2, 1).reshape(1, 3, 20, 20)).float()
        for m in (flat, clean, bumpy)
    ]
    matches = grid_matches(flat)
    assert warp_loss(maps[0], maps[1], matches) < 1e-6
    assert warp_loss(maps[0], maps[2], matches) == pytest.approx(0.02 - 0.001, abs=2e-3)


def test_every_part_counts_the_same_and_pairs_are_not_mixed():
    """One part of 300 points is off by 0.1, one of 100 and a whole other pair are not: a third of the distance."""
    rng = np.random.default_rng(5)
    flat = rng.uniform(-1, 1, (2, 400, 3)) * [1, 1, 0]
    off = flat.copy()
    off[0, :300, 2] += 0.1 * (1 - 2 * (np.arange(300) % 2))
    maps = [torch.tensor(m.transpose(0, 2, 1).reshape(2, 3, 20, 20)).float() for m in (flat, off)]
    part = torch.ones(2, 400, dtype=torch.long)
    part[0, 300:] = 2
    places = torch.arange(400).expand(2, 400)
    loss = warp_loss(*maps, Matches(places, places, part, torch.ones(2, 400)))
    assert loss == pytest.approx((0.1 - 0.001) / 3, rel=0.06)


def test_l_w_teaches_both_frames_and_not_through_the_fit():
    rng = np.random.default_rng(6)
    first, second = (torch.tensor(rng.normal(size=(1, 3, 10, 10))).float().requires_grad_() for _ in range(2))
    places = torch.arange(100)[None]
    matches = Matches(places, places, torch.ones(1, 100, dtype=torch.long), torch.ones(1, 100))
    warp_loss(first, second, matches).backward()
    assert first.grad.abs().sum() > 0 and second.grad.abs().sum() > 0
    # With the fit held, a common shift of one frame changes the loss; through the fit it could not.
    assert second.grad.sum((2, 3)).abs().max() > 1e-3


def test_l_w_is_nothing_without_matches():
    points = torch.zeros(1, 3, 8, 8)
    empty = Matches(*(torch.zeros(1, 60, dtype=torch.long) for _ in range(3)), torch.zeros(1, 60))
    assert warp_loss(points, points, empty) == 0


def test_points_are_the_surface_in_crop_sizes_whatever_the_reliefs_offset():
    camera = ball_camera(64)
    depth, _, mask = ball_seen(camera, np.array([0.1, 0.0, 2.0]), 0.5)
    extent = crop_extent(camera)
    relief = relief_from_depth(depth, mask, extent=extent)
    k, m = torch.tensor(camera.intrinsics[None]).float(), torch.tensor(mask[None, None]).float()
    points, shifted = (crop_points(torch.tensor(r[None, None]).float(), k, m) for r in (relief, relief + 0.7))
    z = depth[mask] / np.exp(np.log(depth[mask]).mean()) / extent
    assert points[0, 2].numpy()[mask] == pytest.approx(z, rel=1e-4)
    assert (shifted - points).abs().max() < 1e-4


def test_pixels_match_their_neighbours_in_the_chart_of_their_part():
    rng = np.random.default_rng(7)
    second = rng.integers(0, 256, (30, 30, 3), dtype=np.uint8)
    second[..., 0] = rng.integers(0, 5, (30, 30))
    shuffle = rng.permutation(900)
    first = second.reshape(-1, 3)[shuffle].reshape(30, 30, 3)
    masks = np.ones((30, 30), bool), rng.random((30, 30)) < 0.9
    found = match_pixels(first, second, masks, rng, count=900)
    there = found.weight > 0
    assert there.sum() > 400 and (found.weight >= 0).all()
    i, j = first.reshape(-1, 3)[found.first[there]].astype(int), second.reshape(-1, 3)[found.second[there]].astype(int)
    assert np.array_equal(i[:, 0], j[:, 0]) and np.array_equal(i[:, 0], found.part[there]) and (i[:, 0] > 0).all()
    distance = np.hypot(*(i - j)[:, 1:].T)
    assert distance.max() < 7 and found.weight[there] == pytest.approx(1 - distance / 7, abs=1e-6)
    assert masks[1].ravel()[found.second[there]].all()
    exact = masks[1].ravel()[shuffle[found.first[there]]]
    assert distance[exact].max() == 0


def test_a_pair_of_frames_comes_with_points_that_agree(tmp_path):
    """The ball turns its chart with it, so what its true points leave of L_w is the chart's and the pixels' grain."""
    shard = write_ball(tmp_path, 0, frames=3, size=160)
    samples = Samples(tmp_path / "packed", size=128, augment=AugmentOptions(strength=0.0, close_up=0.0), gap=2)
    pair = samples.pair(Ticket(shard=shard, frame=0, key=(0, 1), pair=True))
    assert pair.picture.shape == (2, 6, 128, 128)
    assert (pair.matches.weight > 0).sum() > 2000
    pairs = to_pairs([pair, pair], torch.device("cpu"))
    assert torch.equal(pairs.picture[0], pairs.picture[1]) and not torch.equal(pairs.picture[0], pairs.picture[2])
    assert pairs.matches.first.shape == (2, 4096)
    for row in (0, 1):
        side = pair.picture[row, 3] > 0.5
        places = (pair.matches.first, pair.matches.second)[row][pair.matches.weight > 0]
        assert side.ravel()[places].all()
