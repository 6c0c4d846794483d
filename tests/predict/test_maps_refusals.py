"""Folders of maps that cannot be used: one clear line each, with what was found and what to do."""

import json

import numpy as np
import pytest
from predict_scenes import (
    METRIC_Z,
    camera_entry,
    frame_camera,
    passes,
    sphere,
    sphere_folder,
    sphere_view,
    write_card,
    write_exr,
    write_png16,
)

from hd_core.errors import InputError
from hd_core.predict.maps_card import MINIMAL, read_card
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.types import Camera

CAMERA = frame_camera()
DEPTH, NORMAL = sphere(CAMERA)
PERSON = np.isfinite(DEPTH)


def refusal(action):
    with pytest.raises(InputError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text and caught.value.hint and caught.value.exit_code == 3
    return text


def opening(folder):
    return refusal(lambda: load_predictor("maps", PredictorOptions(maps=folder)))


def predicting(folder, view=None):
    predictor = load_predictor("maps", PredictorOptions(maps=folder))
    return refusal(lambda: predictor.predict(view or sphere_view()))


def folder_of(folder, channels, **entries):
    write_card(folder, camera=camera_entry(CAMERA), **entries)
    write_exr(folder / "000000.exr", channels)
    return folder


def test_no_maps_json_prints_a_minimal_one(tmp_path):
    text = opening(tmp_path)
    assert "has no maps.json" in text and MINIMAL in text


def test_the_minimal_one_works(tmp_path):
    (tmp_path / "maps.json").write_text(MINIMAL)
    write_exr(tmp_path / "000000.exr", passes(DEPTH, NORMAL))
    maps = load_predictor("maps", PredictorOptions(maps=tmp_path)).predict(sphere_view())
    assert np.array_equal(maps.mask, PERSON)


@pytest.mark.parametrize(
    ("text", "said"), [("{", "is not JSON"), ("[]", "holds a list"), ('{"schema": 1, "axes": NaN}', "axes")]
)
def test_a_maps_json_that_is_none(tmp_path, text, said):
    (tmp_path / "maps.json").write_text(text)
    assert said in opening(tmp_path)


CAMERA_OF_NOTHING = {"width": 96, "height": 72, "intrinsics": [[0, 0, 0], [0, 0, 0], [0, 0, 1]]}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"schema": 2}, "2 as schema. Allowed: 1"),
        ({"axes": "blender"}, '"blender" as axes. Allowed: opencv, opengl'),
        ({"axes": None}, "no axes. Allowed: opencv, opengl"),
        ({"normals": "world"}, '"world" as normals. Allowed: camera'),
        ({"pattern": None}, "pattern = null"),
        ({"pattern": "depth.exr"}, "one with the frame's number"),
        ({"pattern": "{frame:06d}.exr"}, "one with the frame's number"),
        ({"pattern": "{index:06q}.exr"}, "one with the frame's number"),
        ({"pattern": "{index}.png"}, "a file of that kind holds one plane"),
        ({"pattern": {"depht": "{index}.png"}}, "unknown entry pattern.depht. Known: normal, depth, mask"),
        ({"pattern": {"normal": "{index}.png"}}, "names no depth files"),
        ({"pattern": {"depth": "{index}.png"}, "depth": None}, 'has no "depth"'),
        ({"pattern": {"mask": "{index}.png"}, "depth": None}, "names neither normals nor depth"),
        ({"depth": "metric"}, "expected an object"),
        ({"depth": {**METRIC_Z, "kind": "inverse"}}, '"inverse" as depth.kind. Allowed: z, ray, disparity'),
        ({"depth": {**METRIC_Z, "gauge": "relative"}}, '"relative" as depth.gauge. Allowed: metric, scale, affine'),
        ({"depth": {**METRIC_Z, "unit": "inch"}}, '"inch" as depth.unit. Allowed: m, cm, mm, none'),
        ({"depth": {**METRIC_Z, "unit": "none"}}, "metric but gives no unit"),
        ({"depth": {**METRIC_Z, "scale": "x"}}, 'depth.scale = "x"; expected a number'),
        ({"depth": {**METRIC_Z, "scale": 0}}, "depth.scale of 0"),
        ({"depth": {**METRIC_Z, "invald": 0}}, "unknown entry depth.invald"),
        ({"depth": {"kind": "disparity", "unit": "none", "gauge": "affine"}}, "disparity that is known up to"),
        ({"camera": {"width": 96}}, "no usable camera"),
        ({"camera": CAMERA_OF_NOTHING}, "positive"),
        ({"encoding": {"normal": "srgb"}}, '"srgb" as encoding.normal. Allowed: snorm, unorm'),
        ({"channels": {"normal": ["X"]}}, "1 channels for normal"),
        ({"first_index": "one"}, "expected a number"),
        ({"frist_index": 1}, "unknown entry frist_index. Known: schema, axes"),
    ],
)
def test_what_maps_json_must_not_say(tmp_path, entries, said):
    write_card(tmp_path, **entries)
    with pytest.raises(InputError) as caught:
        read_card(tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "maps.json" in str(caught.value)


def test_an_empty_folder(tmp_path):
    write_card(tmp_path)
    assert "holds no file like {index:06d}.exr" in opening(tmp_path)


def test_a_missing_frame_is_named_with_how_many_there_are(tmp_path):
    text = predicting(sphere_folder(tmp_path, frames=3), sphere_view(frame_index=7))
    assert "Frame 7" in text and "000007.exr is missing" in text and "3 frames" in text


def test_a_missing_plane_of_a_frame_is_named(tmp_path):
    write_card(tmp_path, pattern={"depth": "{index}.npy", "mask": "m{index}.npy"})
    np.save(tmp_path / "0.npy", DEPTH)
    assert "m0.npy is missing" in predicting(tmp_path)


def test_maps_of_another_size_than_their_camera(tmp_path):
    write_card(tmp_path, camera={**camera_entry(CAMERA), "height": 70})
    write_exr(tmp_path / "000000.exr", passes(DEPTH, NORMAL))
    assert "96 x 72 px; expected 96 x 70 px" in predicting(tmp_path)


def test_planes_of_different_sizes(tmp_path):
    write_card(tmp_path, pattern={"depth": "{index}.npy", "mask": "m{index}.npy"})
    np.save(tmp_path / "0.npy", DEPTH)
    np.save(tmp_path / "m0.npy", PERSON[:-1])
    assert "the mask is 96 x 71 px; expected 96 x 72 px" in predicting(tmp_path)


def test_maps_of_another_shape_than_the_frame_without_a_camera(tmp_path):
    write_card(tmp_path)
    write_exr(tmp_path / "000000.exr", passes(DEPTH[:60], NORMAL[:60]))
    assert "96 x 60 px, the frame 96 x 72 px: another shape" in predicting(tmp_path)


def test_a_lens_that_is_not_the_clips(tmp_path):
    other = Camera(width=96, height=72, intrinsics=np.diag([1.3, 1.3, 1]) @ CAMERA.intrinsics)
    entry = {**camera_entry(other), "intrinsics": [[137.28, 0, 48], [0, 137.28, 36], [0, 0, 1]]}
    write_card(tmp_path, camera=entry)
    write_exr(tmp_path / "000000.exr", passes(DEPTH, NORMAL))
    assert "focal length of 137.3 px, the clip's at that size 105.6 px" in predicting(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_depth_that_is_not_finite_inside_the_mask_is_counted(tmp_path, value):
    depth = DEPTH.copy()
    depth[36, 50:57] = value
    text = predicting(folder_of(tmp_path, {**passes(depth, NORMAL), "A": PERSON}))
    assert "Frame 0" in text and "7 pixels of depth inside the mask are not finite" in text


def test_negative_depth_is_counted(tmp_path):
    depth = DEPTH.copy()
    depth[36, 50:53] *= -1
    assert "3 pixels of depth are not positive" in predicting(folder_of(tmp_path, passes(depth, NORMAL)))


def test_negative_depth_without_a_mask_too(tmp_path):
    channels = passes(-DEPTH, NORMAL)
    del channels["A"]
    assert f"{PERSON.sum()} pixels of depth are not positive" in predicting(folder_of(tmp_path, channels))


@pytest.mark.parametrize("plane", ["depth", "normals"])
def test_a_map_of_zeros(tmp_path, plane):
    channels = passes(np.nan_to_num(DEPTH) * (plane != "depth"), NORMAL * (plane != "normals"))
    text = predicting(folder_of(tmp_path, {**channels, "A": PERSON}))
    assert f"the {plane} {'is' if plane == 'depth' else 'are'} zero" in text


def test_a_frame_whose_own_mask_is_empty_is_no_fault(tmp_path):
    folder = folder_of(tmp_path, {**passes(DEPTH * 0, NORMAL * 0), "A": PERSON & False})
    assert not load_predictor("maps", PredictorOptions(maps=folder)).predict(sphere_view()).mask.any()


def test_normals_that_are_not_unit(tmp_path):
    text = predicting(folder_of(tmp_path, passes(DEPTH, (NORMAL + 1) / 2)))
    assert "of the normals are not unit" in text and "unorm" in text


def test_normals_that_are_not_finite_inside_the_mask(tmp_path):
    normal = NORMAL.copy()
    normal[36, 50:54, 1] = np.nan
    assert "4 pixels of the normals inside the mask are not finite" in predicting(
        folder_of(tmp_path, passes(DEPTH, normal))
    )


@pytest.mark.parametrize(("axes", "other"), [("opencv", "opengl"), ("opengl", "opencv")])
def test_normals_in_the_other_axes(tmp_path, axes, other):
    normal = NORMAL if other == "opencv" else NORMAL * [1, -1, -1]
    text = predicting(folder_of(tmp_path, passes(DEPTH, normal), axes=axes))
    assert "face away from the camera" in text and f'probably "{other}"' in text


def test_neither_normals_nor_a_depth_to_derive_them_from(tmp_path):
    affine = {"kind": "z", "unit": "none", "gauge": "affine"}
    assert "no normals and no depth" in predicting(folder_of(tmp_path, {"Z": DEPTH, "A": PERSON}, depth=affine))


def test_a_depth_that_is_described_but_not_there(tmp_path):
    channels = {name: plane for name, plane in passes(DEPTH, NORMAL).items() if name != "Z"}
    assert "holds no depth, which maps.json describes" in predicting(folder_of(tmp_path, channels))


def test_whole_numbers_cannot_be_snorm(tmp_path):
    write_card(tmp_path, pattern={"normal": "{index}.png"}, depth=None, encoding={"normal": "snorm"})
    write_png16(tmp_path / "0.png", (NORMAL + 1) / 2 * 65535)
    assert "cannot be snorm" in predicting(tmp_path)


@pytest.mark.parametrize("suffix", ["exr", "png", "npy", "npz"])
def test_a_damaged_file_is_named(tmp_path, suffix):
    pattern = f"{{index}}.{suffix}"
    write_card(tmp_path, pattern=pattern if suffix in ("exr", "npz") else {"depth": pattern})
    (tmp_path / f"0.{suffix}").write_bytes(b"not that")
    text = predicting(tmp_path) if suffix in ("png", "npy") else opening_or_predicting(tmp_path)
    assert f"0.{suffix}" in text


def opening_or_predicting(folder):
    def action():
        load_predictor("maps", PredictorOptions(maps=folder)).predict(sphere_view())

    return refusal(action)


def test_a_truncated_exr_is_named(tmp_path):
    folder = sphere_folder(tmp_path, frames=1)
    data = (folder / "000000.exr").read_bytes()
    (folder / "000000.exr").write_bytes(data[: len(data) // 2])
    assert "000000.exr cannot be read" in opening_or_predicting(folder)


def test_an_unknown_kind_of_file(tmp_path):
    write_card(tmp_path, pattern={"depth": "{index}.tiff"})
    (tmp_path / "0.tiff").write_bytes(b"II*")
    assert "Known: .exr .png .npy .npz" in predicting(tmp_path)


@pytest.mark.parametrize("shape", [(72,), (72, 96, 3), (2, 72, 96, 1)])
def test_depth_of_another_rank(tmp_path, shape):
    write_card(tmp_path, pattern={"depth": "{index}.npy"})
    np.save(tmp_path / "0.npy", np.ones(shape))
    assert "as depth" in predicting(tmp_path)


def test_pickled_arrays_are_not_loaded(tmp_path):
    write_card(tmp_path, pattern={"depth": "{index}.npy"})
    np.save(tmp_path / "0.npy", np.array([{}], object), allow_pickle=True)
    assert "cannot be read" in predicting(tmp_path)


def test_the_card_in_the_message_is_json(tmp_path):
    assert json.loads(MINIMAL)["schema"] == 1
