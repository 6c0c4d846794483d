import json
from fractions import Fraction
from zipfile import ZipFile

import export_zoo
import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.export.npz import read_npz, write_npz

ARRAYS = ("vertices", "faces", "uv", "normals", "colours", "valid")


def test_numpy_alone_reads_arrays_in_camera_axes_and_the_header(tmp_path):
    (path,) = write_npz(export_zoo.varying(tmp_path), tmp_path / "out.npz")
    with np.load(path, allow_pickle=False) as archive:
        header = json.loads(archive["scene.json"])
        last = archive["person01/1005/vertices"]
        assert archive["person01/1001/vertices"].tolist() == export_zoo.TRIANGLE_VERTICES.tolist()
        assert archive["person01/1001/colours"].dtype == np.uint8
    assert last.shape == (15, 3)
    assert last[3].tolist() == [0.875, 0.25, 2.0]
    assert header["axes"] == "camera: x right, y down, z away from the camera"
    assert header["units"] == "metres, seconds"
    assert header["fps"] == [25, 1]
    assert header["camera"]["intrinsics"] == [[60, 0, 32], [0, 60, 24], [0, 0, 1]]
    assert header["people"][0]["frame_numbers"] == [1001, 1002, 1003, 1004, 1005]


@pytest.mark.parametrize("make", export_zoo.ZOO.values(), ids=export_zoo.ZOO)
def test_reading_brings_back_every_number_and_type(tmp_path, make):
    scene = make(tmp_path / "textures")
    back = read_npz(write_npz(scene, tmp_path / "mesh" / "out.npz")[0])
    assert back.fps == Fraction(25)
    np.testing.assert_array_equal(back.camera.intrinsics, scene.camera.intrinsics)
    for read, written in zip(back.sequences, scene.sequences, strict=True):
        assert (read.name, read.shares_faces, len(read)) == (written.name, written.shares_faces, len(written))
        np.testing.assert_array_equal(read.frame_numbers, written.frame_numbers)
        np.testing.assert_array_equal(read.times_seconds, written.times_seconds)
        assert [path.resolve() for path in read.texture_paths] == list(written.texture_paths)
        for position in range(len(written)):
            for name in ARRAYS:
                found, expected = (getattr(one[position], name) for one in (read, written))
                assert (found is None) == (expected is None)
                if expected is not None:
                    assert found.dtype == expected.dtype
                    np.testing.assert_array_equal(found, expected)


def test_constant_topology_stores_the_faces_once(tmp_path):
    (path,) = write_npz(export_zoo.constant(tmp_path), tmp_path / "out.npz")
    with ZipFile(path) as archive:
        faces = [name for name in archive.namelist() if "faces" in name]
    assert faces == ["person01/faces.npy"]


def test_no_clock_and_no_system_is_in_the_archive(tmp_path):
    (path,) = write_npz(export_zoo.patch(tmp_path), tmp_path / "out.npz")
    with ZipFile(path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {(info.create_system, info.external_attr) for info in archive.infolist()} == {(3, 0o644 << 16)}


def test_meshes_are_read_one_by_one(tmp_path):
    scene = read_npz(write_npz(export_zoo.constant(tmp_path), tmp_path / "out.npz")[0])
    meshes = scene.sequences[0].meshes
    assert meshes[-1] is not meshes[-1]
    assert [len(mesh.vertices) for mesh in meshes[1:3]] == [9, 9]
    with pytest.raises(IndexError):
        meshes[6]


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut", "other"])
def test_what_is_no_scene_is_refused_in_one_line(tmp_path, damage):
    path = tmp_path / "out.npz"
    (whole,) = write_npz(export_zoo.patch(tmp_path), tmp_path / "whole.npz")
    if damage == "other":
        np.savez(path, vertices=np.zeros(3))
    elif damage != "missing":
        path.write_bytes({"empty": b"", "text": b"hello", "cut": whole.read_bytes()[:900]}[damage])
    with pytest.raises(InputError, match="no readable scene") as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)
