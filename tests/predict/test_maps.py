"""A folder of maps made elsewhere, in every axis, unit, kind and file format it may come in."""

import numpy as np
import pytest
from predict_scenes import (
    METRIC_Z,
    camera_entry,
    crop_of,
    frame_camera,
    passes,
    shifted,
    sphere,
    sphere_folder,
    sphere_view,
    view_of,
    write_card,
    write_exr,
    write_png16,
)

from hd_core.errors import UsageError
from hd_core.geometry.camera import pixel_rays
from hd_core.geometry.crop import crop_between
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.types import Gauge

CAMERA = frame_camera()
DEPTH, NORMAL = sphere(CAMERA)
PERSON = np.isfinite(DEPTH)


def load(folder):
    return load_predictor("maps", PredictorOptions(maps=folder))


def predicted(folder, view=None):
    return load(folder).predict(view or sphere_view())


def degrees(found, expected):
    return np.degrees(np.arccos(np.clip((found * expected).sum(-1), -1, 1)))


def test_on_the_maps_own_grid_the_files_numbers_come_through_untouched(tmp_path):
    maps = predicted(sphere_folder(tmp_path))
    assert np.array_equal(maps.depth[PERSON], DEPTH[PERSON].astype(np.float32))
    stored = NORMAL.astype(np.float32)
    facing = (stored * pixel_rays(CAMERA)).sum(-1) < -0.01
    assert np.abs(maps.normal - stored)[PERSON & facing].max() < 1e-6
    assert np.array_equal(maps.mask, PERSON)


def test_opengl_axes_give_the_same_maps(tmp_path):
    ours = predicted(sphere_folder(tmp_path / "cv"))
    theirs = write_card(tmp_path / "gl", axes="opengl", camera=camera_entry(CAMERA))
    write_exr(theirs / "000000.exr", passes(DEPTH, NORMAL * [1, -1, -1]))
    found = predicted(theirs)
    assert np.array_equal(found.normal, ours.normal)
    assert np.array_equal(found.depth, ours.depth, equal_nan=True)


@pytest.mark.parametrize(
    ("stored", "entry"),
    [
        (DEPTH * 1000, {"kind": "z", "unit": "mm", "gauge": "metric"}),
        (DEPTH * 100, {"kind": "z", "unit": "cm", "gauge": "metric"}),
        (-DEPTH, {"kind": "z", "unit": "m", "gauge": "metric", "scale": -1}),
        (DEPTH * 4 - 2, {"kind": "z", "unit": "m", "gauge": "metric", "scale": 0.25, "offset": 0.5}),
        (DEPTH * np.linalg.norm(pixel_rays(CAMERA), axis=-1), {"kind": "ray", "unit": "m", "gauge": "metric"}),
        (1 / DEPTH, {"kind": "disparity", "unit": "m", "gauge": "metric"}),
        (1 / (DEPTH * 1000), {"kind": "disparity", "unit": "mm", "gauge": "metric"}),
        (DEPTH, {"kind": "z", "unit": "none", "gauge": "scale"}),
        (DEPTH, {"kind": "z", "unit": "none", "gauge": "affine"}),
    ],
)
def test_every_kind_and_unit_of_depth_comes_to_metres_along_z(tmp_path, stored, entry):
    write_card(tmp_path, depth=entry, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", passes(stored, NORMAL))
    maps = predicted(tmp_path)
    assert maps.gauge == entry["gauge"]
    assert np.abs(maps.depth - DEPTH)[PERSON].max() < 1e-5


@pytest.mark.parametrize("suffix", ["png", "npy"])
def test_one_file_per_plane(tmp_path, suffix):
    """16-bit PNG: depth in tenths of a millimetre with 0 for none, normals 0..65535 for -1..1."""
    pattern = {plane: f"{{index:04d}}_{plane}.{suffix}" for plane in ("normal", "depth", "mask", "confidence")}
    depth = {**METRIC_Z, "unit": "mm", "scale": 0.1, "invalid": 0} if suffix == "png" else METRIC_Z
    write_card(tmp_path, pattern=pattern, depth=depth)
    confidence = np.where(PERSON, 0.8, 0)
    planes = {"normal": NORMAL, "depth": DEPTH, "mask": PERSON, "confidence": confidence}
    if suffix == "png":
        planes = {
            "normal": np.rint((NORMAL + 1) / 2 * 65535),
            "depth": np.rint(np.nan_to_num(DEPTH) * 10000),
            "mask": PERSON * 65535,
            "confidence": confidence * 65535,
        }
    for plane, values in planes.items():
        path = tmp_path / f"0000_{plane}.{suffix}"
        write_png16(path, values) if suffix == "png" else np.save(path, values)
    maps = predicted(tmp_path)
    assert np.array_equal(maps.mask, PERSON)
    assert np.abs(maps.depth - DEPTH)[PERSON].max() < (6e-5 if suffix == "png" else 1e-6)
    assert np.median(degrees(maps.normal[PERSON].astype(np.float64), NORMAL[PERSON])) < 0.002
    assert np.allclose(maps.confidence[PERSON], 0.8, atol=1e-4)


def test_eight_bit_normals_and_unit_floats_in_0_to_1(tmp_path):
    pattern = {"normal": "{index}.npy"}
    for name, values, entry in (
        ("bytes", np.rint((NORMAL + 1) / 2 * 255).astype(np.uint8), None),
        ("floats", ((NORMAL + 1) / 2).astype(np.float32), {"normal": "unorm"}),
    ):
        write_card(tmp_path / name, pattern=pattern, depth=None, encoding=entry)
        np.save(tmp_path / name / "0.npy", np.where(PERSON[..., None], values, values.dtype.type(0)))
        maps = predicted(tmp_path / name)
        tolerance = 0.6 if name == "bytes" else 0.1
        facing = PERSON & (maps.normal[..., 2] < -0.3)
        assert degrees(maps.normal[facing].astype(np.float64), NORMAL[facing]).max() < tolerance


def test_npz_with_all_planes_in_half_precision(tmp_path):
    write_card(tmp_path, pattern="frame_{index:03d}.npz", camera=camera_entry(CAMERA))
    np.savez(tmp_path / "frame_000.npz", normal=NORMAL.astype(np.float16), depth=DEPTH.astype(np.float32), mask=PERSON)
    maps = predicted(tmp_path)
    assert np.array_equal(maps.depth[PERSON], DEPTH[PERSON].astype(np.float32))


def test_a_data_window_smaller_than_the_display_window_is_put_in_its_place(tmp_path):
    rows, columns = np.nonzero(PERSON)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    assert (top, left) != (0, 0)
    write_card(tmp_path, camera=camera_entry(CAMERA))
    channels = {name: plane[top:bottom, left:right] for name, plane in passes(DEPTH, NORMAL).items()}
    write_exr(tmp_path / "000000.exr", channels, offset=(left, top), display=(96, 72))
    whole = predicted(sphere_folder(tmp_path / "whole"))
    found = predicted(tmp_path)
    assert np.array_equal(found.depth, whole.depth, equal_nan=True)
    assert np.array_equal(found.normal, whole.normal)


def test_other_channel_names_can_be_given(tmp_path):
    names = {"normal": ["View.Normal.X", "View.Normal.Y", "View.Normal.Z"], "depth": "View.Z", "mask": "View.A"}
    write_card(tmp_path, channels=names, camera=camera_entry(CAMERA))
    renamed = {"View." + name.replace("N.", "Normal."): plane for name, plane in passes(DEPTH, NORMAL).items()}
    write_exr(tmp_path / "000000.exr", renamed)
    assert np.array_equal(predicted(tmp_path).mask, PERSON)


def test_without_a_mask_the_surface_is_where_depth_and_normals_are(tmp_path):
    write_card(tmp_path, camera=camera_entry(CAMERA))
    channels = passes(np.nan_to_num(DEPTH), NORMAL)
    del channels["A"]
    write_exr(tmp_path / "000000.exr", channels)
    everything = view_of(CAMERA, np.ones(CAMERA.shape))
    assert np.array_equal(predicted(tmp_path, everything).mask, PERSON)


def test_on_a_soft_rim_a_pixel_whose_centre_sees_no_surface_is_background(tmp_path):
    depth, normal = DEPTH.copy(), NORMAL.copy()
    alpha = PERSON.astype(float)
    depth[36, 50:53], depth[37, 50:53], normal[38, 50:53] = np.nan, 0, np.nan
    alpha[36:39, 50:53] = 0.8
    write_card(tmp_path, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", {**passes(depth, normal), "A": alpha})
    rim = np.zeros(PERSON.shape, bool)
    rim[36:39, 50:53] = True
    assert np.array_equal(predicted(tmp_path).mask, PERSON & ~rim)


def test_the_result_is_on_both_masks(tmp_path):
    folder = sphere_folder(tmp_path)
    alpha = np.zeros(CAMERA.shape)
    alpha[:, :54] = 1
    maps = predicted(folder, view_of(CAMERA, alpha))
    assert np.array_equal(maps.mask, PERSON & (alpha > 0.5))


def test_declared_holes_are_holes(tmp_path):
    depth = DEPTH.copy()
    depth[34:37, 50:55] = -1
    channels = {**passes(depth, NORMAL), "A": PERSON}
    write_card(tmp_path, camera=camera_entry(CAMERA), depth={**METRIC_Z, "invalid": -1})
    write_exr(tmp_path / "000000.exr", channels)
    hole = np.zeros(PERSON.shape, bool)
    hole[34:37, 50:55] = True
    assert np.array_equal(predicted(tmp_path).mask, PERSON & ~hole)


def test_missing_normals_come_from_the_depth(tmp_path):
    write_card(tmp_path, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", {"Z": DEPTH, "A": PERSON})
    predictor = load(tmp_path)
    maps = predictor.predict(sphere_view())
    off = degrees(maps.normal[PERSON].astype(np.float64), NORMAL[PERSON])
    assert np.median(off) < 0.5 and np.percentile(off, 90) < 15
    assert predictor.describe()["normals"] == "central differences of the depth"
    assert load(sphere_folder(tmp_path / "with")).describe()["normals"] == "as stored"


def test_normals_at_a_jump_are_those_of_their_own_side_not_of_the_cliff(tmp_path):
    depth = np.full(CAMERA.shape, 3.0)
    depth[20:50, 30:60] = 2.7
    write_card(tmp_path, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", {"Z": depth})
    maps = predicted(tmp_path, view_of(CAMERA, np.ones(CAMERA.shape)))
    assert degrees(maps.normal.astype(np.float64), np.array([0, 0, -1.0])).max() < 0.1


def test_missing_depth_is_one_and_known_to_be_nothing(tmp_path):
    write_card(tmp_path, depth=None, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", passes(DEPTH, NORMAL))
    predictor = load(tmp_path)
    maps = predictor.predict(sphere_view())
    assert maps.gauge is predictor.gauge is Gauge.AFFINE
    assert np.array_equal(maps.depth[PERSON], np.ones(PERSON.sum(), np.float32))
    assert predictor.describe()["depth"] == "none: constant 1"


def test_the_files_of_a_clip_may_start_at_any_number(tmp_path):
    write_card(tmp_path, first_index=1001, camera=camera_entry(CAMERA))
    for number, factor in ((1001, 1.0), (1002, 2.0)):
        write_exr(tmp_path / f"{number:06d}.exr", passes(DEPTH * factor, NORMAL))
    predictor = load(tmp_path)
    depths = [predictor.predict(sphere_view(frame_index=index)).depth[PERSON] for index in (0, 1)]
    assert np.allclose(depths[1], 2 * depths[0])


def test_maps_of_half_the_frames_size_need_no_camera(tmp_path):
    half = shifted(CAMERA, 0.0, 0.0, 0.5)
    write_card(tmp_path)
    write_exr(tmp_path / "000000.exr", passes(*sphere(half)))
    maps = predicted(tmp_path)
    both = maps.mask & PERSON
    assert both.sum() > 0.95 * PERSON.sum()
    assert np.abs(maps.depth - DEPTH)[both].mean() < 6e-3


def test_maps_of_a_crop_are_placed_by_their_camera(tmp_path):
    """Maps of 40 x 40 px of the frame from (30, 14), twice as fine; a view that is another crop."""
    own = crop_of(CAMERA, left=30.0, top=14.0, size=40.0, side=80).camera
    write_card(tmp_path, camera=camera_entry(own))
    write_exr(tmp_path / "000000.exr", passes(*sphere(own)))
    crop = crop_of(CAMERA, left=24.5, top=10.25, size=52.0, side=96)
    depth, normal = sphere(crop.camera)
    maps = predicted(tmp_path, view_of(CAMERA, np.isfinite(depth), crop=crop))
    inside = crop_between(own, crop.camera).box
    assert inside.width > 80
    facing = maps.mask & (normal[..., 2] < -0.5)
    assert facing.sum() > 1000
    error = np.abs(maps.depth - depth)[facing]
    assert error.mean() < 4e-4 and error.max() < 6e-3
    off = degrees(maps.normal[facing].astype(np.float64), normal[facing])
    assert off.mean() < 0.2 and off.max() < 3


def test_normals_that_turn_away_are_laid_down_to_grazing(tmp_path):
    turned = NORMAL.copy()
    turned[36, 50:60] = [0.6, 0, 0.8]
    write_card(tmp_path, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", passes(DEPTH, turned))
    maps = predicted(tmp_path)
    rays = pixel_rays(CAMERA) / np.linalg.norm(pixel_rays(CAMERA), axis=-1, keepdims=True)
    along = (maps.normal * rays).sum(-1)[36, 50:60]
    assert (along < 0).all() and (along > -0.01).all()
    assert (maps.normal[36, 50:60, 0] > 0.9).all()


def test_the_folders_own_alpha_is_its_matte(tmp_path):
    soft = np.random.default_rng(0).random(CAMERA.shape)
    write_card(tmp_path, camera=camera_entry(CAMERA))
    write_exr(tmp_path / "000000.exr", {**passes(np.nan_to_num(DEPTH, nan=1.0), NORMAL), "A": soft})
    predictor = load(tmp_path)
    assert predictor.has_matte
    alpha, camera = predictor.matte(0)
    assert np.array_equal(alpha, soft.astype(np.float32))
    assert camera.shape == CAMERA.shape and np.array_equal(camera.intrinsics, CAMERA.intrinsics)


def test_without_alpha_there_is_no_matte_and_without_a_camera_it_is_the_frames(tmp_path):
    write_card(tmp_path / "bare")
    write_exr(tmp_path / "bare" / "000000.exr", {"Z": DEPTH})
    bare = load(tmp_path / "bare")
    assert not bare.has_matte and bare.matte(0) is None and bare.camera is None
    pattern = {"depth": "z{index}.npy", "mask": "a{index}.npy"}
    write_card(tmp_path / "npy", pattern=pattern)
    np.save(tmp_path / "npy" / "z0.npy", DEPTH)
    np.save(tmp_path / "npy" / "a0.npy", PERSON)
    alpha, camera = load(tmp_path / "npy").matte(0)
    assert camera is None and np.array_equal(alpha, PERSON)


def test_run_json_learns_source_and_licence(tmp_path):
    predictor = load(sphere_folder(tmp_path, source="a sphere", licence="MIT"))
    record = predictor.describe()
    assert (record["source"], record["licence"], predictor.licence) == ("a sphere", "MIT", "MIT")
    before = record["maps_json_sha256"]
    sphere_folder(tmp_path, source="another sphere", licence="MIT")
    assert load(tmp_path).describe()["maps_json_sha256"] != before


def test_no_folder_named_is_a_matter_of_usage():
    with pytest.raises(UsageError, match="--maps FOLDER"):
        load_predictor("maps", PredictorOptions())
