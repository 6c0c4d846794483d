"""The published networks in a view of any size and camera."""

import numpy as np
import pytest
import torch
from compat_scenes import model_folder
from predict_scenes import crop_of, frame_camera, sphere, view_of

from hd_core.geometry.camera import camera_from_focal, pixel_rays
from hd_core.geometry.depth import normals_from_depth
from hd_core.predict.compat import predictor as module
from hd_core.predict.compat.predictor import HdnetCompatPredictor, relaid, square_camera
from hd_core.predict.compat.run import CENTRE_X, CENTRE_Y, FOCAL_PX, SIDE, run_networks
from hd_core.predict.compat.weights import convert_checkpoints, load_compat
from hd_core.predict.facing import turn_to_middle


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compat")
    model_folder(folder / "model")
    convert_checkpoints(folder / "model", folder / "w.safetensors")
    return folder / "w.safetensors"


@pytest.fixture
def predictor(weights):
    networks, card = load_compat(weights)
    return HdnetCompatPredictor(networks, card, device=torch.device("cpu"))


def test_a_square_view_of_256_px_gives_the_networks_own_normals(weights, predictor):
    camera = camera_from_focal(SIDE, SIDE, focal_px=400.0)
    alpha = np.isfinite(sphere(camera)[0])
    view = view_of(camera, alpha)
    networks, _ = load_compat(weights)
    depth, normal = run_networks(networks, view.rgb, alpha, np.zeros_like(view.rgb), torch.device("cpu"))
    maps = predictor.predict(view)
    facing = (normal * pixel_rays(camera)).sum(-1) < -0.01
    kept = alpha & facing
    assert kept.sum() > 500
    assert np.abs(maps.normal - normal)[kept].max() < 1e-5
    spread = (maps.depth[alpha] - 1) * 400.0 / (FOCAL_PX / 4)
    assert np.abs(spread - (depth[alpha] - np.median(depth[alpha]))).max() < 1e-4


def test_relief_keeps_its_proportions_in_another_camera():
    """A sphere in the published camera's units comes out with the same normals for the lens of the view."""
    camera = camera_from_focal(SIDE, SIDE, focal_px=900.0)
    x, y = np.meshgrid(np.arange(SIDE) - 127.5, np.arange(SIDE) - 127.5)
    radius = 70.0
    mask = x**2 + y**2 < radius**2
    height = np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0))
    published = np.where(mask, 4 - height * 4 / FOCAL_PX, 0)
    found = relaid(published, mask, camera)
    inner = x**2 + y**2 < (0.8 * radius) ** 2
    normal = normals_from_depth(camera, np.where(mask, found, np.nan))
    expected = np.stack([x, y, -height], axis=-1) / radius
    off = np.degrees(np.arccos(np.clip((normal * expected).sum(-1)[inner], -1, 1)))
    assert np.median(off) < 5


def test_the_turn_takes_the_axis_to_the_middle_of_the_picture():
    camera = crop_of(frame_camera(), left=60.0, top=40.0, size=30.0, side=64).camera
    turn = turn_to_middle(camera)
    middle = np.array([(32 - camera.intrinsics[0, 2]), (32 - camera.intrinsics[1, 2]), camera.intrinsics[0, 0]])
    assert turn @ [0, 0, 1] == pytest.approx(middle / np.linalg.norm(middle))
    assert turn @ turn.T == pytest.approx(np.eye(3)) and np.linalg.det(turn) == pytest.approx(1)
    axis = np.cross([0, 0, 1], middle)
    assert turn @ axis == pytest.approx(axis)


def test_the_square_holds_the_whole_view_about_its_middle():
    camera = frame_camera(96, 72)
    square = square_camera(camera)
    assert square.shape == (SIDE, SIDE)
    assert square.intrinsics[0, 0] == pytest.approx(camera.intrinsics[0, 0] * SIDE / 96)
    assert square.intrinsics[0, 2] == pytest.approx(SIDE / 2) and square.intrinsics[1, 2] == pytest.approx(SIDE / 2)


def test_the_networks_are_shown_the_mask_and_no_densepose(predictor, monkeypatch):
    seen = {}

    def spy(networks, rgb, mask, densepose, device):
        seen.update(rgb=rgb, mask=mask, densepose=densepose)
        return run_networks(networks, rgb, mask, densepose, device)

    monkeypatch.setattr(module, "run_networks", spy)
    camera = frame_camera()
    predictor.predict(view_of(camera, np.isfinite(sphere(camera)[0])))
    assert seen["rgb"].shape == (SIDE, SIDE, 3) and not seen["densepose"].any()
    assert 0.05 < seen["mask"].mean() < 0.5 and seen["mask"][128, 150]


def test_the_published_camera_is_the_one_of_the_1920_pixel_frame():
    # f 1111.6 about (960, 540), of which a box at (838, 48) is taken with 3.5390625 px per px.
    step = 2 * 453 / 256
    assert pytest.approx(1111.6 / step, abs=1e-3) == FOCAL_PX
    assert pytest.approx((960 - 838) / step, abs=1e-3) == CENTRE_X
    assert pytest.approx((540 - 48) / step, abs=1e-3) == CENTRE_Y
