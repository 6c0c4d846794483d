"""Other people's networks: what a tiny graph with a known answer says comes out in our axes, units and pixels."""

import numpy as np
import pytest
from onnx_scenes import METRIC_Z, colour_graph, fixed_graph, sphere_network, sphere_planes, write_network
from predict_scenes import CENTRE, RADIUS, crop_of, frame_camera, sphere, sphere_view, view_of

from hd_core.errors import InputError, UsageError, WeightsError
from hd_core.geometry.camera import camera_from_focal, pixel_rays, unproject
from hd_core.predict.facing import turn_to_middle
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.types import Gauge

FIXED = {"name": "image", "size": [72, 96]}


def predict(path, view=None, **options):
    return load_predictor("onnx", PredictorOptions(weights=path, **options)).predict(view or sphere_view())


def angle_deg(found, true):
    return np.degrees(np.arccos(np.clip((found * true).sum(-1), -1, 1)))


def test_metric_depth_and_normals_arrive_as_they_are(tmp_path):
    maps = predict(sphere_network(tmp_path))
    depth, normal = sphere(maps.camera)
    assert maps.gauge is Gauge.METRIC
    assert np.abs(maps.depth - depth)[maps.mask].max() < 1e-6
    assert np.median(angle_deg(maps.normal, normal)[maps.mask]) < 1e-3
    assert maps.confidence[maps.mask].min() == 1


@pytest.mark.parametrize(
    ("entries", "change"),
    [
        ({"axes": "opengl"}, lambda depth, normal: (depth, normal * np.array([1, -1, -1])[:, None, None])),
        ({"depth": {**METRIC_Z, "unit": "cm"}}, lambda depth, normal: (depth * 100, normal)),
        ({"depth": {**METRIC_Z, "scale": 2, "offset": -1}}, lambda depth, normal: ((depth + 1) / 2, normal)),
        (
            {"depth": {**METRIC_Z, "kind": "disparity"}},
            lambda depth, normal: (1 / np.where(depth > 0, depth, 1), normal),
        ),
        (
            {"depth": {**METRIC_Z, "kind": "ray"}},
            lambda depth, normal: (depth * np.linalg.norm(pixel_rays(frame_camera()), axis=-1), normal),
        ),
        ({"normal": {"name": "normal", "encoding": "unorm"}}, lambda depth, normal: (depth, (normal + 1) / 2)),
        ({"normal": {"name": "normal", "encoding": "any"}}, lambda depth, normal: (depth, normal * 7)),
        ({}, lambda depth, normal: (depth[0], np.moveaxis(normal, 1, -1))),
        ({}, lambda depth, normal: (depth[None], normal[0])),
    ],
    ids=["opengl", "cm", "scale and offset", "disparity", "ray", "unorm", "any length", "channels last", "four axes"],
)
def test_every_declared_coding_means_the_same_surface(tmp_path, entries, change):
    depth, normal = change(*sphere_planes())
    data = fixed_graph((1, 3, 72, 96), normal=normal, depth=depth)
    maps = predict(write_network(tmp_path, data, **{"input": FIXED, "depth": METRIC_Z, **entries}))
    wanted = predict(sphere_network(tmp_path / "plain"))
    assert np.allclose(maps.depth[maps.mask], wanted.depth[maps.mask], atol=2e-6)
    assert np.allclose(maps.normal, wanted.normal, atol=2e-6)


def test_normals_of_a_depth_alone_are_those_of_its_surface(tmp_path):
    data = fixed_graph((1, 3, 72, 96), depth=sphere_planes()[0])
    maps = predict(write_network(tmp_path, data, input=FIXED, normal=None, depth=METRIC_Z))
    _, normal = sphere(maps.camera)
    assert np.median(angle_deg(maps.normal, normal)[maps.mask]) < 1.0


def test_normals_alone_leave_the_depth_open(tmp_path):
    maps = predict(sphere_network(tmp_path, depth=None))
    assert maps.gauge is Gauge.AFFINE
    assert set(np.unique(maps.depth[maps.mask])) == {1}


@pytest.mark.parametrize("shift", [-0.75, 0.0, 2.0])
def test_points_short_of_a_shift_get_the_one_that_fits_the_camera(tmp_path, shift):
    depth, normal = sphere_planes()
    points = np.nan_to_num(unproject(frame_camera(), depth[0])) - [0, 0, shift]
    data = fixed_graph((1, 3, 72, 96), normal=normal, points=points[None] / 2, metric_scale=[2.0])
    entry = {"name": "points", "kind": "points_shifted", "unit": "m", "gauge": "metric", "factor": "metric_scale"}
    maps = predict(write_network(tmp_path, data, input=FIXED, depth=entry))
    assert np.abs(maps.depth - sphere(maps.camera)[0])[maps.mask].max() < 1e-5


def test_points_in_other_axes_have_their_depth_behind_the_minus(tmp_path):
    depth, normal = sphere_planes()
    flip = np.array([1, -1, -1])
    points = np.nan_to_num(unproject(frame_camera(), depth[0])) * flip
    data = fixed_graph((1, 3, 72, 96), normal=normal * flip[:, None, None], points=points[None])
    entry = {"name": "points", "kind": "points", "unit": "m", "gauge": "metric"}
    maps = predict(write_network(tmp_path, data, input=FIXED, axes="opengl", depth=entry))
    assert np.abs(maps.depth - sphere(maps.camera)[0])[maps.mask].max() < 1e-6


def test_a_crop_beside_the_axis_is_turned_to_where_it_looks(tmp_path):
    full = camera_from_focal(400, 200, focal_px=200.0)
    crop = crop_of(full, left=280.0, top=60.0, size=100.0, side=64)
    turn, middle = turn_to_middle(crop.camera), crop.camera.intrinsics.copy()
    normal = np.broadcast_to([0, 0, -1.0], (64, 64, 3))
    data = fixed_graph((1, 3, 64, 64), normal=np.moveaxis(normal, -1, 0)[None], depth=np.full((1, 64, 64), 2.0))
    path = write_network(tmp_path, data, input={"name": "image", "size": [64, 64]}, depth=METRIC_Z)
    maps = predict(path, view_of(full, np.ones((64, 64)), crop=crop))
    assert middle[0, 2] < -32
    assert np.allclose(maps.normal, -turn[:, 2], atol=1e-6)
    # A plane two metres along the crop's own axis.
    assert np.allclose(unproject(maps.camera, maps.depth) @ turn[:, 2], 2.0, atol=1e-5)


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_picture_arrives_in_the_declared_order_and_range(tmp_path, channels, layout):
    camera = frame_camera()
    _, normal = sphere(camera)
    view = sphere_view()
    view.rgb[:] = np.round(127.5 + 127.5 * normal)
    order = (0, 1, 2) if channels == "rgb" else (2, 1, 0)
    entry = {"name": "image", "channels": channels, "layout": layout, "mean": [0.5] * 3, "std": [0.5] * 3}
    path = write_network(tmp_path, colour_graph(order, layout), input=entry)
    maps = predict(path, view)
    assert angle_deg(maps.normal, normal)[maps.mask].max() < 1.0
    entry = {**entry, "largest": 255.0, "mean": [127.5] * 3, "std": [127.5] * 3}
    again = predict(write_network(tmp_path, colour_graph(order, layout), "other", input=entry), view)
    assert np.allclose(again.normal, maps.normal, atol=1e-5)


def test_a_network_of_another_size_sees_the_view_in_its_own_proportions(tmp_path):
    large = camera_from_focal(48, 48, focal_px=1.1 * 48)
    depth, normal = sphere(large)
    planes = {"normal": np.moveaxis(normal, -1, 0)[None], "depth": np.nan_to_num(depth)[None]}
    entry = {"name": "image", "size": [48, 48]}
    path = write_network(tmp_path, fixed_graph((1, 3, 48, 48), **planes), input=entry, depth=METRIC_Z)
    maps = predict(path)
    true, normals = sphere(maps.camera)
    inner = maps.mask & (
        np.linalg.norm(unproject(maps.camera, np.nan_to_num(true))[..., :2] - CENTRE[:2], axis=-1) < 0.5 * RADIUS
    )
    assert np.abs(maps.depth - true)[inner].max() < 0.01
    assert np.median(angle_deg(maps.normal, normals)[inner]) < 1.0


def test_outputs_may_have_fewer_pixels_than_the_picture(tmp_path):
    small = frame_camera(48, 36)
    depth, normal = sphere_planes(small)
    path = write_network(tmp_path, fixed_graph((1, 3, 72, 96), normal=normal, depth=depth), input=FIXED, depth=METRIC_Z)
    maps = predict(path)
    true, normals = sphere(maps.camera)
    inner = maps.mask & (true < CENTRE[2] - 0.85 * RADIUS)
    assert inner.sum() > 100
    assert np.abs(maps.depth - true)[inner].max() < 0.01
    assert angle_deg(maps.normal, normals)[inner].max() < 3.0


def test_a_network_of_any_size_gets_multiples_and_gives_the_views_pixels(tmp_path):
    entry = {"name": "image", "multiple": 28, "mean": [0.5] * 3, "std": [0.5] * 3}
    view = sphere_view()
    view.rgb[:] = np.round(127.5 + 127.5 * sphere(frame_camera())[1])
    maps = predict(write_network(tmp_path, colour_graph(), input=entry), view)
    assert angle_deg(maps.normal, sphere(frame_camera())[1])[maps.mask].max() < 1.0


def test_the_background_is_laid_behind_the_person(tmp_path):
    view = sphere_view()
    view.rgb[:] = 10
    for name, value in (("white", 255), ("black", 0), ("grey", 128), ("keep", 10)):
        predictor = load_predictor(
            "onnx",
            PredictorOptions(
                weights=write_network(tmp_path, colour_graph(), input={"name": "image", "background": name})
            ),
        )
        seen = []
        predictor._session.run = lambda picture, seen=seen: seen.append(picture) or {"normal": picture}
        with pytest.raises(InputError):
            predictor.predict(view)
        assert np.allclose(seen[0][view.mask], 10) and np.abs(seen[0][~view.mask] - value).max() <= 0.5


def test_odd_pixels_take_their_neighbours_numbers_and_no_confidence(tmp_path):
    depth, normal = sphere_planes()
    depth[0, 30:33, 50] = np.nan
    normal[0, :, 36, 55] = 0
    data = fixed_graph((1, 3, 72, 96), normal=normal, depth=depth, sure=np.full((1, 1, 72, 96), 0.8))
    maps = predict(write_network(tmp_path, data, input=FIXED, depth=METRIC_Z, confidence={"name": "sure"}))
    assert np.array_equal(maps.mask, sphere_view().mask)
    assert maps.confidence[31, 50] == maps.confidence[36, 55] == 0
    assert maps.confidence[40, 60] == np.float32(0.8)
    assert abs(maps.depth[31, 50] - sphere(maps.camera)[0][31, 50]) < 0.05


def test_numbers_that_are_mostly_odd_are_no_prediction(tmp_path):
    depth, normal = sphere_planes()
    data = fixed_graph((1, 3, 72, 96), normal=normal, depth=-depth)
    with pytest.raises(InputError, match="100% of the person has no usable"):
        predict(write_network(tmp_path, data, input=FIXED, depth=METRIC_Z))


def test_wrong_axes_are_noticed_and_the_card_is_named(tmp_path):
    with pytest.raises(InputError, match=r"face away from the camera.*change net\.json"):
        predict(sphere_network(tmp_path, axes="opengl"))


def test_further_inputs_are_given_as_the_card_says(tmp_path):
    _, normal = sphere_planes()
    data = fixed_graph((1, 3, 72, 96), numbers=("num_tokens",), normal=normal)
    path = write_network(tmp_path, data, input=FIXED, constants={"num_tokens": 1800})
    assert predict(path).mask.sum() > 500
    with pytest.raises(WeightsError, match="inputs image, num_tokens; its card differs in num_tokens"):
        predict(write_network(tmp_path, data, input=FIXED))


def test_halves_are_fed_to_a_network_of_halves(tmp_path):
    _, normal = sphere_planes()
    data = fixed_graph((1, 3, 72, 96), dtype="float16", normal=normal)
    assert predict(write_network(tmp_path, data, input=FIXED)).mask.sum() > 500


def test_the_record_says_where_the_prediction_comes_from(tmp_path):
    record = load_predictor("onnx", PredictorOptions(weights=sphere_network(tmp_path))).describe()
    assert record["commercial_use"] == "allowed" and record["source"] == "a test"
    assert len(record["weights_sha256"]) == len(record["card_sha256"]) == 64


def test_without_a_file_one_is_asked_for():
    with pytest.raises(UsageError, match="Give --weights FILE.onnx with its card"):
        load_predictor("onnx", PredictorOptions())


def test_a_device_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no device 'tpu'"):
        load_predictor("onnx", PredictorOptions(weights=sphere_network(tmp_path), device="tpu"))
