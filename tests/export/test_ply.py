import struct
from dataclasses import replace

import export_zoo
import numpy as np
import trimesh

from hd_core.export.ply import write_ply
from hd_core.export.table import write_scene


def read_ply(path):
    """Vertices as a record array and faces as lists, value by value: slow, and on its own."""
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = head.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    counts = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("element")}
    kinds = {"float": "<f4", "uchar": "u1"}
    fields = [
        (line.split()[2], kinds[line.split()[1]])
        for line in lines
        if line.startswith("property") and "list" not in line
    ]
    vertices = np.frombuffer(body, fields, counts["vertex"])
    position, faces = vertices.nbytes, []
    for _ in range(counts["face"]):
        (size,) = struct.unpack_from("<B", body, position)
        faces.append(list(struct.unpack_from(f"<{size}i", body, position + 1)))
        position += 1 + 4 * size
    assert position == len(body)
    return lines, vertices, faces


def columns(vertices, *names):
    return np.stack([vertices[name] for name in names], axis=1)


def test_trimesh_reads_the_triangle_in_blender_axes(tmp_path):
    (path,) = write_ply(export_zoo.triangle(tmp_path), tmp_path / "out.ply")
    mesh = trimesh.load(path, process=False)
    assert mesh.vertices.tolist() == [[0.125, 2, -0.25], [0.125, 2.25, -0.75], [0.625, 2.5, -0.25]]
    assert mesh.faces.tolist() == [[0, 1, 2]]


def test_trimesh_reads_colours_normals_and_uv(tmp_path):
    mesh = export_zoo.strip_mesh(1)
    scene = export_zoo.scene_of(export_zoo.sequence_of([replace(mesh, uv=None)]))
    read = trimesh.load(write_ply(scene, tmp_path / "coloured.ply")[0], process=False)
    assert read.visual.vertex_colors[:, :3].tolist() == [[255, 0, 0], [0, 128, 0], [10, 20, 250]] * 2
    np.testing.assert_array_equal(read.vertex_normals, [[0, -1, 0]] * 6)
    with_uv = export_zoo.scene_of(export_zoo.sequence_of([mesh]))
    read = trimesh.load(write_ply(with_uv, tmp_path / "uv.ply")[0], process=False)
    np.testing.assert_array_equal(read.visual.uv, mesh.uv)


def test_quads_and_triangles_stay_what_they_are_and_in_order(tmp_path):
    (path,) = write_ply(export_zoo.patch(tmp_path), tmp_path / "out.ply")
    _, vertices, faces = read_ply(path)
    assert faces == [[0, 1, 2, 3], [3, 2, 4]]
    assert vertices.dtype.names == ("x", "y", "z", "nx", "ny", "nz", "s", "t", "red", "green", "blue")
    x, y, z = export_zoo.PATCH_VERTICES.T
    np.testing.assert_array_equal(columns(vertices, "x", "y", "z"), np.stack([x, z, -y], axis=1))
    nx, ny, nz = export_zoo.PATCH_NORMALS.T
    np.testing.assert_array_equal(columns(vertices, "nx", "ny", "nz"), np.stack([nx, nz, -ny], axis=1))
    np.testing.assert_array_equal(columns(vertices, "s", "t"), export_zoo.PATCH_UV)
    np.testing.assert_array_equal(columns(vertices, "red", "green", "blue"), export_zoo.PATCH_COLOURS)


def test_front_faces_wind_counter_clockwise_for_a_camera_that_looks_along_plus_y(tmp_path):
    (path,) = write_ply(export_zoo.triangle(tmp_path), tmp_path / "out.ply")
    mesh = trimesh.load(path, process=False)
    assert mesh.face_normals[0] @ mesh.vertices[0] < 0


def test_only_what_the_mesh_has_is_written(tmp_path):
    for make, names in (
        (export_zoo.triangle, "x y z"),
        (export_zoo.only_uv, "x y z s t"),
        (export_zoo.only_normals, "x y z nx ny nz"),
        (export_zoo.only_colours, "x y z red green blue"),
    ):
        (path,) = write_ply(make(tmp_path), tmp_path / f"{make.__name__}.ply")
        assert " ".join(read_ply(path)[1].dtype.names) == names


def test_a_frame_without_a_person_is_a_file_without_vertices(tmp_path):
    paths = write_ply(export_zoo.empty_between(tmp_path), tmp_path / "out.ply")
    assert [len(read_ply(path)[1]) for path in paths] == [5, 0, 5]
    assert [len(read_ply(path)[2]) for path in paths] == [2, 0, 2]


def test_files_carry_the_frame_number_and_the_person_where_there_are_several(tmp_path):
    (alone,) = write_ply(export_zoo.triangle(tmp_path), tmp_path / "a.b.ply")
    assert alone.name == "a.b.ply"
    many = write_ply(export_zoo.varying(tmp_path), tmp_path / "a.b.ply")
    assert [path.name for path in many] == [f"a.b.{number}.ply" for number in range(1001, 1006)]
    assert [len(read_ply(path)[2]) for path in many] == [1, 2, 3, 4, 5]
    two = write_scene(export_zoo.two_people(tmp_path), tmp_path / "two.ply")
    assert [path.name for path in two] == [
        *(f"two.person01.000{number}.ply" for number in (1, 2, 3)),
        *(f"two.person02.000{number}.ply" for number in (3, 4, 5)),
    ]
    assert [len(read_ply(path)[2]) for path in two] == [2, 2, 2, 3, 2, 1]
    people = [export_zoo.sequence_of([export_zoo.patch_mesh()], name=name) for name in ("a", "b")]
    still = write_ply(export_zoo.scene_of(*people), tmp_path / "still.ply")
    assert [path.name for path in still] == ["still.a.0001.ply", "still.b.0001.ply"]


def test_the_texture_is_named_relative_to_the_file(tmp_path):
    paths = write_ply(export_zoo.textured(tmp_path / "pictures"), tmp_path / "mesh" / "out.ply")
    assert "comment TextureFile ../pictures/frame 0001.png" in read_ply(paths[1])[0]
