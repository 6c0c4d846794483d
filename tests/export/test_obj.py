import export_zoo
import numpy as np
import pytest
import trimesh

from hd_core.export.obj import write_obj


def load(path):
    return trimesh.load(path, process=False, maintain_order=True)


def lines_of(path, kind):
    return [line.split()[1:] for line in path.read_text().splitlines() if line.split()[:1] == [kind]]


def test_trimesh_reads_the_triangle_with_y_up(tmp_path):
    (path,) = write_obj(export_zoo.triangle(tmp_path), tmp_path / "out.obj")
    mesh = load(path)
    assert mesh.vertices.tolist() == [[0.125, -0.25, -2], [0.125, -0.75, -2.25], [0.625, -0.25, -2.5]]
    assert mesh.faces.tolist() == [[0, 1, 2]]
    assert mesh.face_normals[0] @ mesh.vertices[0] < 0


def test_trimesh_reads_uv_and_normals(tmp_path):
    (path,) = write_obj(export_zoo.patch(tmp_path), tmp_path / "out.obj")
    mesh = load(path)
    np.testing.assert_array_equal(mesh.visual.uv, export_zoo.PATCH_UV)
    x, y, z = export_zoo.PATCH_NORMALS.astype(np.float64).T
    np.testing.assert_allclose(mesh.vertex_normals, np.stack([x, -y, -z], axis=1), atol=1e-7)


def test_single_precision_positions_come_back_bit_by_bit(tmp_path):
    rng = np.random.default_rng(5)
    vertices = (rng.normal(size=(300, 3)) * 10.0 ** rng.integers(-6, 4, (300, 1))).astype(np.float32)
    mesh = export_zoo.Mesh(vertices=vertices, faces=np.arange(300, dtype=np.int32).reshape(-1, 3))
    (path,) = write_obj(export_zoo.scene_of(export_zoo.sequence_of([mesh])), tmp_path / "out.obj")
    read = np.array(lines_of(path, "v"), np.float64).astype(np.float32)
    np.testing.assert_array_equal(read, vertices * np.array([1, -1, -1], np.float32))


def test_quads_stay_quads_and_every_corner_names_what_is_there(tmp_path):
    for make, corners in (
        (export_zoo.patch, "{0}/{0}/{0}"),
        (export_zoo.only_uv, "{0}/{0}"),
        (export_zoo.only_normals, "{0}//{0}"),
        (export_zoo.only_colours, "{0}"),
    ):
        (path,) = write_obj(make(tmp_path), tmp_path / f"{make.__name__}.obj")
        expected = [[corners.format(index) for index in face] for face in ([1, 2, 3, 4], [4, 3, 5])]
        assert lines_of(path, "f") == expected


def test_colours_follow_the_positions_only_without_a_texture(tmp_path):
    (path,) = write_obj(export_zoo.only_colours(tmp_path), tmp_path / "out.obj")
    assert load(path).visual.vertex_colors[:, :3].tolist() == export_zoo.PATCH_COLOURS.tolist()
    still = export_zoo.textured_still(tmp_path)
    _, textured = write_obj(still, tmp_path / "textured.obj")
    assert {len(row) for row in lines_of(textured, "v")} == {3}


def test_the_texture_shows_at_every_vertex_what_the_frame_shows_there(tmp_path):
    paths = write_obj(export_zoo.textured(tmp_path / "pictures of"), tmp_path / "out.obj")
    assert [path.suffix for path in paths] == [".mtl", ".obj"] * 3
    for frame, path in enumerate(paths[1::2]):
        mesh = load(path)
        uv = export_zoo.strip_mesh(frame).uv
        image = np.asarray(mesh.visual.material.image.convert("RGB"))
        np.testing.assert_array_equal(image, export_zoo.picture(frame))
        np.testing.assert_array_equal(mesh.visual.uv, uv)
        # All these points lie low in the frame: v < 0.25 must land in the bottom rows.
        bottom_left = export_zoo.picture(frame)[-1, 0]
        np.testing.assert_array_equal(mesh.visual.to_color().vertex_colors[0, :3], bottom_left)


def test_the_material_refers_to_the_picture_by_a_relative_path(tmp_path):
    mtl, obj = write_obj(export_zoo.textured_still(tmp_path / "pictures"), tmp_path / "a" / "b" / "out.obj")
    assert "map_Kd ../../pictures/frame 0000.jpg" in mtl.read_text().splitlines()
    assert lines_of(obj, "mtllib") == [["out.mtl"]]
    assert lines_of(mtl, "newmtl") == lines_of(obj, "usemtl") == [["person01"]]


def test_blanks_leave_the_object_name_and_letters_stay(tmp_path):
    paths = write_obj(export_zoo.non_ascii_name(tmp_path), tmp_path / "out.obj")
    assert "o tänzer_踊り手" in paths[0].read_text(encoding="utf-8").splitlines()


def test_a_frame_without_a_person_has_neither_vertices_nor_faces(tmp_path):
    (path,) = write_obj(export_zoo.empty(tmp_path), tmp_path / "out.obj")
    assert [lines_of(path, kind) for kind in ("v", "vt", "vn", "f")] == [[], [], [], []]


@pytest.mark.parametrize("count", [1, 65536, 65537])
def test_long_meshes_are_written_whole(tmp_path, count, monkeypatch):
    vertices = np.zeros((count, 3), np.float32)
    vertices[:, 0] = np.arange(count)
    faces = np.repeat(np.arange(count, dtype=np.int32)[:, None], 3, axis=1)
    mesh = export_zoo.Mesh(vertices=vertices, faces=faces)
    (path,) = write_obj(export_zoo.scene_of(export_zoo.sequence_of([mesh])), tmp_path / "out.obj")
    assert [float(row[0]) for row in lines_of(path, "v")] == list(range(count))
    assert [int(row[2]) for row in lines_of(path, "f")] == list(range(1, count + 1))
