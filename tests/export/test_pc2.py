import struct
from dataclasses import replace

import export_zoo
import numpy as np
import pytest
import trimesh

from hd_core.errors import UsageError
from hd_core.export.pc2 import write_pc2


def read_pc2(path):
    data = path.read_bytes()
    magic, version, points, start, step, samples = struct.unpack_from("<12siiffi", data)
    assert (magic, version) == (b"POINTCACHE2\0", 1)
    assert len(data) == 32 + samples * points * 12
    return points, start, step, np.frombuffer(data, "<f4", offset=32).reshape(samples, points, 3)


def blender(vertices):
    x, y, z = vertices.T
    return np.stack([x, z, -y], axis=1)


def test_the_cache_holds_every_frame_in_blender_axes(tmp_path):
    cache, base = write_pc2(export_zoo.constant(tmp_path), tmp_path / "out.pc2")
    assert (cache.name, base.name) == ("out.pc2", "out.ply")
    points, start, step, samples = read_pc2(cache)
    assert (points, start, step) == (9, 1.0, 1.0)
    expected = [blender(export_zoo.collapsing_mesh(frame).vertices) for frame in range(6)]
    np.testing.assert_array_equal(samples, expected)
    assert samples[2, 1].tolist() == [0.25, 1.0625, -0.125]


def test_the_base_mesh_has_the_vertices_of_the_first_sample_in_the_same_order(tmp_path):
    mesh = export_zoo.strip_mesh(2)
    moved = replace(mesh, vertices=mesh.vertices + np.float32(1))
    scene = export_zoo.scene_of(export_zoo.sequence_of([mesh, moved], shares_faces=True))
    cache, base = write_pc2(scene, tmp_path / "out.pc2")
    vertices = trimesh.load(base, process=False).vertices
    np.testing.assert_array_equal(vertices, read_pc2(cache)[3][0])
    np.testing.assert_array_equal(vertices, blender(mesh.vertices))


def test_collapsed_faces_stay_collapsed(tmp_path):
    samples = read_pc2(write_pc2(export_zoo.constant(tmp_path), tmp_path / "out.pc2")[0])[3]
    spread = np.ptp(samples[:, 5:], axis=1).max(axis=1)
    assert (spread[1::2] == 0).all()
    assert (spread[::2] > 0.2).all()


def test_left_out_frame_numbers_hold_the_frame_before(tmp_path):
    cache, _ = write_pc2(export_zoo.irregular(tmp_path), tmp_path / "out.pc2")
    _, start, step, samples = read_pc2(cache)
    assert (start, step) == (10.0, 1.0)
    shown = [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3]  # frames 10, 11, 11, 11, 14 (six times), 20
    expected = [blender(export_zoo.patch_mesh(frame).vertices) for frame in shown]
    np.testing.assert_array_equal(samples, expected)


def test_every_second_frame_is_one_sample_per_two_frames(tmp_path):
    meshes = [export_zoo.patch_mesh(frame) for frame in range(3)]
    numbers = np.array([5, 7, 9])
    scene = export_zoo.scene_of(export_zoo.sequence_of(meshes, shares_faces=True, frame_numbers=numbers))
    _, start, step, samples = read_pc2(write_pc2(scene, tmp_path / "out.pc2")[0])
    assert (start, step, len(samples)) == (5.0, 2.0, 3)


def test_two_people_are_two_pairs(tmp_path):
    paths = write_pc2(export_zoo.two_people_constant(tmp_path), tmp_path / "out.pc2")
    assert [path.name for path in paths] == [
        "out.person01.pc2",
        "out.person01.ply",
        "out.person02.pc2",
        "out.person02.ply",
    ]
    assert [read_pc2(path)[0] for path in paths[::2]] == [9, 5]


def test_changing_topology_is_refused_and_usdc_is_named(tmp_path):
    with pytest.raises(UsageError, match="out.pc2 cannot hold person01: its topology changes") as caught:
        write_pc2(export_zoo.varying(tmp_path), tmp_path / "out.pc2")
    assert ".usdc" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_single_frame_needs_no_constant_topology(tmp_path):
    _, _, _, samples = read_pc2(write_pc2(export_zoo.triangle(tmp_path), tmp_path / "out.pc2")[0])
    np.testing.assert_array_equal(samples, [blender(export_zoo.TRIANGLE_VERTICES)])
