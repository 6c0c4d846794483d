import errno
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from hd_core.errors import InputError
from hd_core.export.exr import Correspondence, read_passes, write_passes
from hd_core.geometry.camera import camera_from_focal, unproject
from hd_core.geometry.crop import make_crop
from hd_core.types import Box, Camera, Gauge, SurfaceMaps, View

WIDTH, HEIGHT = 70, 50
FULL = camera_from_focal(1920, 1080, focal_px=1500.25)
CROP = make_crop(FULL, Box(left=-12.5, top=301.0, width=350.0, height=250.0), width=WIDTH, height=HEIGHT)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def sample(seed=0):
    """A noisy surface between 1.5 and 3.5 m with holes, and the view it belongs to."""
    rng = np.random.default_rng(seed)
    mask = rng.random((HEIGHT, WIDTH)) > 0.3
    normal = unit(rng.standard_normal((HEIGHT, WIDTH, 3)) - [0, 0, 2])
    surface = SurfaceMaps(
        camera=CROP.camera,
        depth=np.where(mask, 1.5 + 2 * rng.random(mask.shape), np.nan).astype(np.float32),
        normal=np.where(mask[..., None], normal, 0).astype(np.float32),
        mask=mask,
        confidence=rng.random(mask.shape).astype(np.float32),
        gauge=Gauge.METRIC,
    )
    view = View(
        rgb=rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8),
        alpha=rng.random(mask.shape).astype(np.float32),
        crop=CROP,
        frame_index=17,
        time_seconds=17 * 1001 / 30000,
        person_id=2,
    )
    return surface, view


def found_points(height=HEIGHT, width=WIDTH, seed=1):
    rng = np.random.default_rng(seed)
    u, v, confidence = (rng.random((height, width)).astype(np.float32) for _ in range(3))
    part = (np.arange(height * width).reshape(height, width) % 25).astype(np.uint8)
    return Correspondence(u=u, v=v, part=part, confidence=confidence, convention="anny24")


def stored(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return dict(file.header()), {name: channel.pixels for name, channel in file.channels().items()}


def test_z_is_the_depth_to_the_bit_and_far_away_off_the_person(tmp_path):
    surface, view = sample()
    write_passes(tmp_path / "out.exr", surface, view)
    _, planes = stored(tmp_path / "out.exr")
    assert planes["Z"].dtype == np.float32
    np.testing.assert_array_equal(planes["Z"][surface.mask], surface.depth[surface.mask])
    np.testing.assert_array_equal(planes["Z"][~surface.mask], np.float32(1e10))


def test_z_and_k_of_the_file_give_the_points_back(tmp_path):
    surface, view = sample()
    write_passes(tmp_path / "out.exr", surface, view)
    header, planes = stored(tmp_path / "out.exr")
    k, depth = header["hdIntrinsics"], planes["Z"].astype(np.float64)
    x = (np.arange(WIDTH)[None] + 0.5 - k[0, 2]) / k[0, 0] * depth
    y = (np.arange(HEIGHT)[:, None] + 0.5 - k[1, 2]) / k[1, 1] * depth
    expected = unproject(surface.camera, surface.depth)[surface.mask]
    found = np.stack([x, y, depth], axis=-1)[surface.mask]
    assert np.abs(found - expected).max() < 1e-6  # metres; promised: 1e-4


def test_the_header_places_the_crop_in_the_frame(tmp_path):
    surface, view = sample()
    write_passes(tmp_path / "out.exr", surface, view)
    header, _ = stored(tmp_path / "out.exr")
    # Five frame pixels make one of the crop, whose corner lies at (-12.5, 301).
    expected = [[1500.25 / 5, 0, (960 + 12.5) / 5], [0, 1500.25 / 5, (540 - 301) / 5], [0, 0, 1]]
    np.testing.assert_allclose(header["hdIntrinsics"], expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(header["hdFullIntrinsics"], FULL.intrinsics)
    assert header["hdFullSize"].tolist() == [1920, 1080]
    assert header["hdCropOrigin"].tolist() == [-12.5, 301.0]
    assert header["hdCropSize"].tolist() == [350.0, 250.0]
    assert float(header["hdTimeSeconds"]) == 17 * 1001 / 30000
    assert [header[name] for name in ("hdFrameIndex", "hdPersonId", "hdGauge", "hdUnits")] == [
        17,
        2,
        "metric",
        "metres",
    ]
    assert header["hdNormalSpace"].startswith("camera: x right, y down")
    assert header["hdBackgroundZ"] == np.float32(1e10)
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION
    for window in ("dataWindow", "displayWindow"):
        assert np.array(header[window]).tolist() == [[0, 0], [WIDTH - 1, HEIGHT - 1]]


def test_normals_come_back_within_three_hundredths_of_a_degree(tmp_path):
    surface, view = sample()
    write_passes(tmp_path / "out.exr", surface, view)
    _, planes = stored(tmp_path / "out.exr")
    found = np.stack([planes[f"N.{axis}"] for axis in "XYZ"], axis=-1)
    assert found.dtype == np.float16
    a, b = unit(found[surface.mask].astype(np.float64)), surface.normal[surface.mask].astype(np.float64)
    angle = np.degrees(2 * np.arcsin(np.linalg.norm(a - unit(b), axis=-1) / 2))
    assert angle.max() < 0.03
    assert (found[~surface.mask] == 0).all()


def test_matte_and_confidence_are_halves_of_the_originals(tmp_path):
    surface, view = sample()
    write_passes(tmp_path / "out.exr", surface, view)
    _, planes = stored(tmp_path / "out.exr")
    np.testing.assert_array_equal(planes["A"], view.alpha.astype(np.float16))
    np.testing.assert_array_equal(planes["confidence"], surface.confidence.astype(np.float16))


def test_the_channels_are_these_and_no_others(tmp_path):
    surface, view = sample()
    basic = {"Z", "N.X", "N.Y", "N.Z", "A", "confidence"}
    write_passes(tmp_path / "a.exr", surface, view)
    write_passes(tmp_path / "b.exr", surface, view, beauty=True)
    write_passes(tmp_path / "c.exr", surface, view, correspondence=found_points())
    found = [set(stored(tmp_path / f"{name}.exr")[1]) for name in "abc"]
    assert found == [basic, basic | set("RGB"), basic | {"uv.U", "uv.V", "uv.part", "uv.confidence"}]


def test_the_beauty_is_linear_light_times_the_matte(tmp_path):
    surface, view = sample()
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[0, 0] = 0, 128, 255
    rgb[0, 1] = 10, 11, 188  # 10 and 11 lie on the two pieces of the curve
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[0, :2] = 1, 0.5
    write_passes(tmp_path / "out.exr", surface, replace(view, rgb=rgb, alpha=alpha), beauty=True)
    _, planes = stored(tmp_path / "out.exr")
    found = np.stack([planes[name] for name in "RGB"], axis=-1)
    np.testing.assert_allclose(found[0, 0], [0, 0.2158605, 1], atol=2e-4)
    np.testing.assert_allclose(found[0, 1] * 2, [0.0030353, 0.0033465, 0.5028865], atol=4e-4)
    assert (found[1:] == 0).all()


def test_a_correspondence_is_stored_as_given_and_says_whose_charts_it_holds(tmp_path):
    surface, view = sample()
    place = found_points()
    write_passes(tmp_path / "out.exr", surface, view, correspondence=place)
    header, planes = stored(tmp_path / "out.exr")
    np.testing.assert_array_equal(planes["uv.U"], place.u)
    np.testing.assert_array_equal(planes["uv.V"], place.v)
    np.testing.assert_array_equal(planes["uv.part"], place.part)
    np.testing.assert_array_equal(planes["uv.confidence"], place.confidence.astype(np.float16))
    assert header["iuv_convention"] == read_passes(tmp_path / "out.exr")["iuv_convention"] == "anny24"
    write_passes(tmp_path / "without.exr", surface, view)
    assert "iuv_convention" not in stored(tmp_path / "without.exr")[0]


def test_read_passes_gives_what_is_in_the_file(tmp_path):
    surface, view = sample()
    write_passes(tmp_path / "out.exr", surface, view)
    header, planes = stored(tmp_path / "out.exr")
    found = read_passes(tmp_path / "out.exr")
    assert {name for name in found if not name.startswith("hd")} == set(planes)
    assert all(np.array_equal(found[name], plane) for name, plane in planes.items())
    np.testing.assert_array_equal(found["hdIntrinsics"], CROP.camera.intrinsics)
    assert found["hdGauge"] == header["hdGauge"]


def test_the_same_frame_gives_the_same_bytes_and_another_one_others(tmp_path):
    digests = []
    for index, seed in enumerate((0, 0, 1)):
        write_passes(tmp_path / f"{index}.exr", *sample(seed), beauty=True)
        digests.append(hashlib.sha256((tmp_path / f"{index}.exr").read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_a_frame_without_surface_is_all_background(tmp_path):
    surface, view = sample()
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    gone = replace(
        surface, mask=nothing, depth=np.full_like(surface.depth, np.nan), normal=np.zeros_like(surface.normal)
    )
    write_passes(tmp_path / "out.exr", gone, view)
    assert (read_passes(tmp_path / "out.exr")["Z"] == np.float32(1e10)).all()


def test_maps_of_another_crop_are_refused(tmp_path):
    surface, view = sample()
    other = replace(surface, camera=camera_from_focal(WIDTH, HEIGHT, focal_px=300.05))
    with pytest.raises(InputError, match="expected the crop's own camera"):
        write_passes(tmp_path / "out.exr", other, view)
    with pytest.raises(InputError, match="expected the crop's"):
        write_passes(tmp_path / "out.exr", surface, view, correspondence=found_points(width=3))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, data):
        with path.open("wb") as stream:
            stream.write(data[:100])
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"The disk is full: out\.exr could not be written"):
        write_passes(tmp_path / "out.exr", *sample())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"v/1\x01\x02\0\0\0"])
def test_what_is_no_picture_is_refused_when_read(tmp_path, content):
    path = tmp_path / "in.exr"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"in\.exr is missing or no EXR picture"):
        read_passes(path)


def test_a_camera_that_differs_by_rounding_is_the_same(tmp_path):
    surface, view = sample()
    k = CROP.camera.intrinsics * (1 + 1e-15)
    k[2] = 0, 0, 1
    close = Camera(width=WIDTH, height=HEIGHT, intrinsics=k)
    write_passes(tmp_path / "out.exr", replace(surface, camera=close), view)
    assert (tmp_path / "out.exr").exists()
