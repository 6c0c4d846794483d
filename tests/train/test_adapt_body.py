"""The body that is fitted to maps: its bones, its first pose, and that a posed body is found again."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from hd_core.geometry.camera import camera_from_focal, pixel_rays
from hd_core.geometry.crop import whole_frame
from hd_core.predict.planes import crop_extent
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.correspondence import body_iuv
from hd_core.train.adapting import teacher
from hd_core.train.adapting.body_fit import _Person, fit_bodies, turn_by
from hd_core.train.adapting.body_surface import see_body
from hd_core.train.adapting.clip import AdaptClip
from hd_core.train.adapting.figure import WAYS, load_figure
from hd_core.train.adapting.first_pose import FirstPose, turn_of_part
from hd_core.train.adapting.looks import Look
from hd_core.train.adapting.options import AdaptOptions
from hd_core.train.adapting.spots import draw_spots
from hd_core.types import BodyMaps, View

UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From the template's axes, Z up and facing -Y, to those of a camera that looks at its face."""
SIZE = 96


def posed(seed: int) -> np.ndarray:
    """A figure of unusual shape with arms and legs turned, 2.6 m before the camera; by the generator's own code."""
    figure, rng = load_figure(), np.random.default_rng(seed)
    shape = rng.normal(0, 0.7, WAYS).astype(np.float32)
    rest = figure.vertices + np.tensordot(shape, figure.ways, 1)
    heads = figure.heads + np.tensordot(shape, figure.head_ways, 1)
    turns = np.tile(np.eye(3), (len(BONES), 1, 1))
    for bone in ("LeftArm", "RightArm", "LeftForeArm", "RightForeArm", "LeftUpLeg", "RightUpLeg", "Spine"):
        turns[bone_index(bone)] = Rotation.from_rotvec(rng.normal(0, 0.35, 3)).as_matrix()
    turns[0] = UPRIGHT @ Rotation.from_rotvec([0, 0, rng.normal(0, 0.4)]).as_matrix()
    maps = forward_kinematics(heads, turns, np.array([0, 0, 2.6]) - heads[0])
    blend = np.einsum("vb,bij->vij", figure.bone_weights, maps[:, :3])
    return (np.einsum("vij,vj->vi", blend[..., :3], rest) + blend[..., 3]).astype(np.float32)


def test_turns_are_those_of_scipy():
    vectors = np.random.default_rng(0).normal(0, 1.5, (20, 3))
    expected = Rotation.from_rotvec(vectors).as_matrix()
    np.testing.assert_allclose(turn_by(torch.from_numpy(vectors)).numpy(), expected, atol=1e-6)


def test_bones_move_as_the_generators_own():
    rng, figure = np.random.default_rng(1), load_figure()
    local = Rotation.from_rotvec(rng.normal(0, 1, (31, 3))).as_matrix()
    root = rng.normal(0, 1, 3)
    person = _Person(FirstPose(rotations=local[None], root=root[None]))
    shape = rng.normal(0, 1, WAYS).astype(np.float32)
    person.shape.data = torch.from_numpy(shape)
    found = person.pose()
    heads = figure.heads + np.tensordot(shape, figure.head_ways, 1)
    expected = forward_kinematics(heads, local, root - heads[0])
    np.testing.assert_allclose(found.turn[0].detach().numpy(), expected[:, :3, :3], atol=1e-5)
    np.testing.assert_allclose(found.shift[0].detach().numpy(), expected[:, :3, 3], atol=1e-5)


def test_a_part_is_turned_as_its_pixels_ask_for_although_a_fifth_of_them_is_wrong():
    rng = np.random.default_rng(2)
    points = rng.normal(0, [0.05, 0.05, 0.2], (300, 3))
    turn = Rotation.from_rotvec([0.9, 0.2, 0.3]).as_matrix()
    there = points @ turn.T + [0.1, -0.2, 3.0]
    rays = there / there[:, 2:]
    rays[:60, :2] += rng.normal(0, 0.1, (60, 2))
    found = turn_of_part(points, rays, np.log(there[:, 2]) + 5)
    angle = Rotation.from_matrix(found.rotation @ turn.T).magnitude()
    assert np.degrees(angle) < 3


@pytest.fixture(scope="module")
def found():
    """Two bodies that nothing is known of but their maps, and what was fitted to these."""
    camera = camera_from_focal(SIZE, SIZE, focal_px=1.3 * SIZE)
    true = [posed(seed) for seed in (3, 3)]
    true[1] = true[1] + np.array([0.05, 0.02, 0.1], np.float32)
    maps = [body_iuv(_whole(vertices), camera) for vertices in true]
    masks = [iuv[..., 0] > 0 for iuv in maps]
    depths = [see_body(vertices, camera).relief for vertices in true]
    spots = draw_spots(maps, depths, masks, [camera, camera], np.random.default_rng(0))
    return camera, true, fit_bodies(spots, rounds=200)


def _whole(vertices: np.ndarray) -> np.ndarray:
    """The renderer of maps wants the base mesh, of which the skin comes first."""
    return np.concatenate([vertices, np.zeros((19158 - len(vertices), 3), np.float32)])


def test_a_posed_body_is_found_again_from_its_map(found):
    camera, true, bodies = found
    assert (bodies.miss < 0.01).all()
    for vertices, fitted in zip(true, bodies.vertices, strict=True):
        ours, theirs = see_body(fitted, camera), see_body(vertices, camera)
        both = ours.seen & theirs.seen
        assert both.sum() > 0.9 * theirs.seen.sum()
        cosine = (ours.normal * theirs.normal).sum(-1)[both]
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 8
        apart = (ours.relief - theirs.relief)[both]
        assert np.abs(apart - np.median(apart)).mean() < 0.02


def test_a_body_that_lies_on_its_map_teaches_and_one_that_does_not_is_left_out(found, monkeypatch):
    camera, true, bodies = found
    crop, blank = whole_frame(camera), np.zeros((SIZE, SIZE, 3), np.uint8)
    views, looks = [], []
    for number, vertices in enumerate(true):
        iuv = body_iuv(_whole(vertices), camera)
        mask = iuv[..., 0] > 0
        views.append(
            View(
                rgb=blank,
                alpha=mask.astype(np.float32),
                crop=crop,
                frame_index=number,
                time_seconds=0.0,
                body=BodyMaps(iuv=iuv),
            )
        )
        flat = np.broadcast_to(np.array([0, 0, -1], np.float32), (SIZE, SIZE, 3)).copy()
        looks.append(Look(flat, np.zeros((SIZE, SIZE), np.float32), np.full((SIZE, SIZE), 0.5, np.float32), mask))
    clip = AdaptClip(name="a", views=views)
    one_off = bodies._replace(miss=np.array([0.002, 0.4], np.float32))
    monkeypatch.setattr(teacher, "fit_bodies", lambda _: one_off)
    taught = teacher.teach(clip, looks, AdaptOptions())
    assert taught.bodies == 1
    np.testing.assert_array_equal(taught.looks[1].normal, looks[1].normal)
    seen = see_body(true[0], camera)
    both = seen.seen & views[0].mask
    monkeypatch.setattr(teacher, "fit_bodies", lambda _: bodies._replace(miss=np.array([0.006, 0.4], np.float32)))
    doubted = teacher.teach(clip, looks, AdaptOptions())
    cosines = [(one.normal * seen.normal).sum(-1)[both] for one in (looks[0], taught.looks[0], doubted.looks[0])]
    before, after, less = (np.arccos(np.clip(cosine, -1, 1)).mean() for cosine in cosines)
    assert after < 0.5 * before
    assert after < 0.8 * less < less < before  # a body that misses its map by more teaches less
    assert teacher.teach(clip, looks, AdaptOptions(body=False)).bodies == 0
    assert teacher.teach(AdaptClip(name="a", views=views, charts="densepose"), looks, AdaptOptions()).bodies == 0


def test_a_seen_body_lies_where_its_vertices_are(found):
    camera, true, _ = found
    seen = see_body(true[0], camera)
    depth = np.exp(seen.relief * crop_extent(camera))
    points = (pixel_rays(camera) * depth[..., None])[seen.seen]
    nearest = np.linalg.norm(points[::40, None] - true[0][None], axis=-1).min(1)
    assert nearest.max() < 0.03
    assert ((seen.normal * pixel_rays(camera)).sum(-1)[seen.seen] < 0.05).all()
