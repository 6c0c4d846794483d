"""The law that every registered predictor keeps."""

import hashlib
from dataclasses import fields

import numpy as np
import pytest
from compat_scenes import model_folder
from onnx_scenes import sphere_network
from predict_scenes import frame_camera, sphere_folder, sphere_view, view_of

from hd_core.geometry.camera import pixel_rays
from hd_core.predict.config import CONFIGS
from hd_core.predict.protocol import PREDICTORS, PredictorOptions, load_predictor
from hd_core.types import Gauge


@pytest.fixture(scope="module", params=PREDICTORS.names())
def named(request):
    return request.param


@pytest.fixture(scope="module")
def options(named, tmp_path_factory):
    from hd_core.predict.compat.weights import convert_checkpoints  # noqa: PLC0415
    from hd_core.predict.network import build_network  # noqa: PLC0415
    from hd_core.predict.weights import WeightsCard, save_weights  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("predictors")
    if named == "hdnet_compat":
        model_folder(folder / "model")
        convert_checkpoints(folder / "model", folder / "w.safetensors")
        return PredictorOptions(weights=folder / "w.safetensors")
    if named == "onnx":
        return PredictorOptions(weights=sphere_network(folder))
    network = build_network(CONFIGS["small"], seed=3)
    card = WeightsCard(network=network.config, licence="Apache-2.0", training_data="none", command="random")
    save_weights(folder / "w.safetensors", network, card)
    return PredictorOptions(weights=folder / "w.safetensors", maps=sphere_folder(folder / "maps"))


@pytest.fixture(scope="module")
def predictor(named, options):
    return load_predictor(named, options)


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def outputs(maps):
    return digest(maps.depth, maps.normal, maps.mask, maps.confidence)


def test_maps_have_the_size_and_camera_of_the_view(predictor):
    view = sphere_view()
    maps = predictor.predict(view)
    assert maps.camera is view.crop.camera
    assert maps.depth.shape == maps.mask.shape == maps.confidence.shape == (72, 96)
    assert maps.normal.shape == (72, 96, 3)
    assert {maps.depth.dtype, maps.normal.dtype, maps.confidence.dtype} == {np.dtype("float32")}


def test_the_surface_lies_on_the_views_mask_and_nowhere_else(predictor):
    view = sphere_view()
    maps = predictor.predict(view)
    assert maps.mask.sum() > 500
    assert np.array_equal(maps.mask, view.mask)
    assert np.array_equal(np.isfinite(maps.depth), maps.mask)
    assert not maps.normal[~maps.mask].any() and not maps.confidence[~maps.mask].any()


def test_normals_are_unit_and_face_the_camera(predictor):
    view = sphere_view()
    maps = predictor.predict(view)
    normal = maps.normal[maps.mask].astype(np.float64)
    assert np.abs(np.linalg.norm(normal, axis=-1) - 1).max() < 1e-5
    assert (normal * pixel_rays(maps.camera)[maps.mask]).sum(-1).max() < 0


def test_confidence_is_a_share(predictor):
    confidence = predictor.predict(sphere_view()).confidence
    assert confidence.min() >= 0 and 0 < confidence.max() <= 1


def test_the_view_is_left_as_it_was(predictor):
    view = sphere_view()
    before = digest(view.rgb, view.alpha, view.crop.camera.intrinsics)
    predictor.predict(view)
    assert digest(view.rgb, view.alpha, view.crop.camera.intrinsics) == before


def test_the_same_view_gives_the_same_bytes_from_a_second_predictor_too(predictor, options):
    first = outputs(predictor.predict(sphere_view()))
    predictor.predict(sphere_view(frame_index=1))
    assert outputs(predictor.predict(sphere_view())) == first
    assert outputs(load_predictor(predictor.name, options).predict(sphere_view())) == first


def test_gauge_licence_and_origin_are_declared(predictor):
    assert isinstance(predictor.gauge, Gauge)
    assert predictor.predict(sphere_view()).gauge is predictor.gauge
    assert predictor.licence
    record = predictor.describe()
    assert record and all(isinstance(value, str) and value for value in record.values())


def test_an_empty_mask_gives_empty_maps(predictor):
    camera = frame_camera()
    maps = predictor.predict(view_of(camera, np.zeros(camera.shape)))
    assert not maps.mask.any() and not maps.normal.any() and np.isnan(maps.depth).all()


def test_a_person_of_one_pixel_is_a_person(predictor):
    camera = frame_camera()
    alpha = np.zeros(camera.shape)
    alpha[34, 54] = 1
    maps = predictor.predict(view_of(camera, alpha))
    assert maps.mask.sum() == 1 and maps.mask[34, 54]


def test_the_options_name_what_every_predictor_needs():
    assert {field.name for field in fields(PredictorOptions)} == {
        "weights",
        "maps",
        "distance_m",
        "device",
        "threads",
        "licence",
    }
