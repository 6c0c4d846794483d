import errno
import json
import os
import shutil
import struct
import subprocess
from io import BytesIO
from pathlib import Path

import export_zoo
import numpy as np
import pytest
import trimesh
from PIL import Image, ImageCms, PngImagePlugin

from hd_core.errors import InputError, UsageError
from hd_core.export import gltf, texture
from hd_core.export.glb import MAX_FRAMES, write_glb
from hd_core.progress import Silent

ROOT = Path(__file__).parents[2]

VALIDATE = """
const [folder, ...files] = process.argv.slice(1);
const validator = require(folder + '/node_modules/gltf-validator');
const fs = require('fs');
(async () => {
  const reports = [];
  for (const file of files) {
    const bytes = new Uint8Array(fs.readFileSync(file));
    reports.push((await validator.validateBytes(bytes, {uri: file})).issues);
  }
  console.log(JSON.stringify(reports));
})();
"""


class Glb:
    """A GLB taken apart by the words of the specification."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, total, length, kind = struct.unpack_from("<4sIII4s", data)
        assert (magic, version, total, kind) == (b"glTF", 2, len(data), b"JSON")
        self.document = json.loads(data[20 : 20 + length])
        self.buffer = data[28 + length :]
        assert length % 4 == len(self.buffer) % 4 == 0

    def view(self, index):
        view = self.document["bufferViews"][index]
        return self.buffer[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def array(self, index):
        accessor = self.document["accessors"][index]
        kind = {5126: "<f4", 5123: "<u2", 5125: "<u4"}[accessor["componentType"]]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        values = np.frombuffer(self.view(accessor["bufferView"]), kind).reshape(accessor["count"], width)
        return values / np.float32(0xFFFF) if accessor.get("normalized") else values

    def primitive(self, node=0):
        (primitive,) = self.document["meshes"][self.document["nodes"][node]["mesh"]]["primitives"]
        return primitive

    def attribute(self, name, node=0):
        return self.array(self.primitive(node)["attributes"][name])

    def channel(self, node=0):
        """Times, and weights per time, of a node's animation."""
        (animation,) = self.document["animations"]
        (channel,) = [item for item in animation["channels"] if item["target"]["node"] == node]
        sampler = animation["samplers"][channel["sampler"]]
        assert (channel["target"]["path"], sampler["interpolation"]) == ("weights", "STEP")
        times = self.array(sampler["input"])[:, 0]
        return times, self.array(sampler["output"]).reshape(len(times), -1)

    def shown(self, name, seconds, node=0):
        """An attribute as a viewer shows it at a time: base plus weighted targets, held from key to key."""
        times, weights = self.channel(node)
        now = weights[max(np.searchsorted(times, seconds, side="right") - 1, 0)]
        targets = [self.array(target[name]) for target in self.primitive(node)["targets"]]
        return self.attribute(name, node) + np.tensordot(now, targets, axes=1)


def y_up(vectors):
    x, y, z = vectors.T
    return np.stack([x, -y, -z], axis=1)


def linear(colours):
    """The sRGB transfer, one value at a time."""
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colours.ravel() / 255]
    return np.reshape(light, colours.shape)


def validator_folder():
    given = os.environ.get("HD_GLTF_VALIDATOR")
    folder = Path(given) if given else ROOT / "build" / "gltf-validator"
    if (folder / "node_modules" / "gltf-validator").is_dir() and shutil.which("node"):
        return folder.resolve()
    message = f"the Khronos validator (npm gltf-validator) is not in {folder}, or node is missing"
    if os.environ.get("HD_REQUIRE_ALL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def khronos(paths):
    command = ["node", "-e", VALIDATE, str(validator_folder()), *map(str, paths)]
    reports = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(reports) == len(paths)
    return reports


def test_the_khronos_validator_finds_nothing_in_the_whole_zoo(tmp_path):
    paths = [
        path
        for name, make in export_zoo.ZOO.items()
        for path in write_glb(make(tmp_path / name), tmp_path / name / "out.glb")
    ]
    found = [
        (path.parent.name, message)
        for path, report in zip(paths, khronos(paths), strict=True)
        for message in report["messages"]
        if report["numErrors"] or report["numWarnings"]
    ]
    assert found == []


def test_the_khronos_validator_is_really_asked(tmp_path):
    (path,) = write_glb(export_zoo.patch(tmp_path), tmp_path / "out.glb")
    path.write_bytes(path.read_bytes().replace(b'"VEC2"', b'"VEC3"'))
    (report,) = khronos([path])
    assert report["numErrors"] > 0


def test_trimesh_reads_the_triangle_with_y_up(tmp_path):
    (path,) = write_glb(export_zoo.triangle(tmp_path), tmp_path / "out.glb")
    mesh = trimesh.load(path, process=False).geometry["person01"]
    assert mesh.vertices.tolist() == [[0.125, -0.25, -2], [0.125, -0.75, -2.25], [0.625, -0.25, -2.5]]
    assert mesh.faces.tolist() == [[0, 1, 2]]
    assert mesh.face_normals[0] @ mesh.vertices[0] < 0


def test_quads_become_triangles_and_everything_else_stays(tmp_path):
    (path,) = write_glb(export_zoo.patch(tmp_path), tmp_path / "out.glb")
    mesh = trimesh.load(path, process=False).geometry["person01"]
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 4]]
    np.testing.assert_array_equal(mesh.vertices, y_up(export_zoo.PATCH_VERTICES))
    np.testing.assert_allclose(mesh.vertex_normals, y_up(export_zoo.PATCH_NORMALS), atol=1e-7)
    np.testing.assert_array_equal(mesh.visual.uv, export_zoo.PATCH_UV)  # trimesh turns v up again


def test_v_points_down_in_the_file(tmp_path):
    (path,) = write_glb(export_zoo.only_uv(tmp_path), tmp_path / "out.glb")
    expected = [[0.125, 0], [0.125, 0.75], [0.5, 0.75], [0.5, 0], [0.875, 0.25]]
    assert Glb(path).attribute("TEXCOORD_0").tolist() == expected


def test_colours_are_linear(tmp_path):
    (path,) = write_glb(export_zoo.only_colours(tmp_path), tmp_path / "out.glb")
    colours = Glb(path).attribute("COLOR_0")
    np.testing.assert_allclose(colours[:, :3], linear(export_zoo.PATCH_COLOURS), atol=0.5 / 65535 + 1e-7)
    assert colours[1, 1] == pytest.approx(0.215861, abs=1e-5)  # sRGB 128
    assert (colours[:, 3] == 1).all()


def test_a_frame_without_a_person_is_a_node_without_a_mesh(tmp_path):
    paths = write_glb(export_zoo.empty_between(tmp_path), tmp_path / "out.glb")
    assert [path.name for path in paths] == [f"out.000{number}.glb" for number in (1, 2, 3)]
    assert ["meshes" in Glb(path).document for path in paths] == [True, False, True]
    assert Glb(paths[1]).document["nodes"] == [{"name": "person01"}]
    assert "buffers" not in Glb(paths[1]).document


def test_normals_without_a_direction_look_at_the_camera(tmp_path):
    mesh = export_zoo.collapsing_mesh(3)
    (path,) = write_glb(export_zoo.scene_of(export_zoo.sequence_of([mesh])), tmp_path / "out.glb")
    normals = Glb(path).attribute("NORMAL")
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    assert normals[4:].tolist() == [[0, 0, 1]] * 5


def test_each_frame_carries_its_own_picture_and_uv_hits_the_right_texel(tmp_path):
    paths = write_glb(export_zoo.textured(tmp_path / "pictures"), tmp_path / "out.glb")
    for frame, path in enumerate(paths):
        mesh = trimesh.load(path, process=False).geometry["person01"]
        image = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))
        np.testing.assert_array_equal(image, export_zoo.picture(frame))
        bottom_left = export_zoo.picture(frame)[-1, 0]
        np.testing.assert_array_equal(mesh.visual.to_color().vertex_colors[0, :3], bottom_left)
        assert "COLOR_0" not in Glb(path).primitive()["attributes"]


def test_a_small_jpeg_goes_in_byte_by_byte(tmp_path):
    scene = export_zoo.textured_still(tmp_path)
    glb = Glb(write_glb(scene, tmp_path / "out.glb")[0])
    (image,) = glb.document["images"]
    assert image["mimeType"] == "image/jpeg"
    assert glb.view(image["bufferView"]) == scene.sequences[0].texture_paths[0].read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_large_picture_is_reduced_to_2048_px(tmp_path, suffix):
    (path,) = export_zoo.write_pictures(tmp_path, 1, suffix=suffix, width=4096, height=1024)
    data, mime = texture.embeddable(path)
    with Image.open(BytesIO(data)) as small:
        assert small.size == (2048, 512)
        assert Image.MIME[small.format] == mime
        found = np.asarray(small)[[100, 100, 400, 400], [100, 1900, 100, 1900]]
    np.testing.assert_allclose(found, export_zoo.QUADRANTS.reshape(4, 3), atol=2)


def test_what_would_turn_or_recolour_a_picture_is_left_behind(tmp_path):
    plain = Image.fromarray(export_zoo.picture(0, width=32, height=16))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    extra = PngImagePlugin.PngInfo()
    extra.add(b"gAMA", struct.pack(">I", 100000))
    plain.save(tmp_path / "turned.jpg", exif=exif)
    plain.save(tmp_path / "recoloured.png", pnginfo=extra)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    plain.save(tmp_path / "profiled.png", icc_profile=profile)
    plain.save(tmp_path / "other.tiff")
    for path in sorted(tmp_path.iterdir()):
        data, _ = texture.embeddable(path)
        with Image.open(BytesIO(data)) as picture:
            assert picture.format in ("PNG", "JPEG")
            assert not picture.info.keys() & {"exif", "gamma", "icc_profile"}
            corners = np.asarray(picture)[1::13, 1::29]
            np.testing.assert_allclose(corners, export_zoo.QUADRANTS, atol=8)


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n cut"])
def test_a_missing_or_damaged_picture_is_one_line_and_no_file(tmp_path, content):
    scene = export_zoo.textured_still(tmp_path / "pictures")
    (picture,) = scene.sequences[0].texture_paths
    picture.unlink()
    if content is not None:
        picture.write_bytes(content)
    with pytest.raises(InputError, match="frame 0000.jpg is missing or cannot be read") as caught:
        write_glb(scene, tmp_path / "out" / "out.glb")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_constant_topology_is_one_file_that_shows_every_frame_at_its_time(tmp_path):
    (path,) = write_glb(export_zoo.constant(tmp_path), tmp_path / "out.glb")
    glb = Glb(path)
    times, weights = glb.channel()
    np.testing.assert_allclose(times, np.arange(6) / 25, atol=1e-7)
    assert weights.tolist() == [[0] * 5, *np.eye(5).tolist()]
    for frame in range(6):
        mesh = export_zoo.collapsing_mesh(frame)
        for late in (0, 0.039):  # held until the next frame
            shown = glb.shown("POSITION", frame / 25 + late)
            np.testing.assert_allclose(shown, y_up(mesh.vertices), atol=1e-6)
        there = mesh.valid
        np.testing.assert_allclose(glb.shown("NORMAL", frame / 25)[there], y_up(mesh.normals)[there], atol=1e-6)
        colours = glb.shown("COLOR_0", frame / 25)
        np.testing.assert_allclose(colours[:, :3], linear(mesh.colours), atol=1e-5)
        np.testing.assert_allclose(colours[:, 3], 1)


def test_collapsed_faces_stay_exactly_collapsed(tmp_path):
    glb = Glb(write_glb(export_zoo.constant(tmp_path), tmp_path / "out.glb")[0])
    for frame in (1, 3, 5):
        assert np.ptp(glb.shown("POSITION", frame / 25)[5:], axis=0).max() == 0
    shown = glb.shown("POSITION", 3 / 25)
    assert (shown[3] == shown[4]).all()


def test_no_key_is_later_than_its_frame(tmp_path):
    meshes = export_zoo.LazyMeshes(export_zoo.patch_mesh, MAX_FRAMES)
    scene = export_zoo.scene_of(export_zoo.sequence_of(meshes, shares_faces=True))
    times, _ = Glb(write_glb(scene, tmp_path / "out.glb")[0]).channel()
    frames = times.astype(np.float64) * 25
    assert (frames <= np.arange(MAX_FRAMES)).all()
    np.testing.assert_allclose(frames, np.arange(MAX_FRAMES), atol=1e-4)


def test_irregular_times_are_kept_and_start_at_zero(tmp_path):
    glb = Glb(write_glb(export_zoo.irregular(tmp_path), tmp_path / "out.glb")[0])
    assert glb.channel()[0].tolist() == [0, 0.0625, 0.25, 0.75]


def test_two_people_are_two_nodes_of_one_animation(tmp_path):
    glb = Glb(write_glb(export_zoo.two_people_constant(tmp_path), tmp_path / "out.glb")[0])
    assert [node["name"] for node in glb.document["nodes"]] == ["person01", "person02"]
    assert [mesh["name"] for mesh in glb.document["meshes"]] == ["person01", "person02"]
    assert len(glb.document["animations"]) == 1
    shown = glb.shown("POSITION", 3 / 25, node=1)
    np.testing.assert_allclose(shown, y_up(export_zoo.patch_mesh(3).vertices), atol=1e-6)


def test_who_comes_later_or_leaves_is_a_point_until_then_and_after(tmp_path):
    fields = {"name": "person02", "first_frame": 3, "times_seconds": np.array([2, 3]) / 25}
    meshes = [export_zoo.patch_mesh(index) for index in range(6)]
    scene = export_zoo.scene_of(
        export_zoo.sequence_of(meshes, shares_faces=True),
        export_zoo.sequence_of(meshes[:2], shares_faces=True, **fields),
    )
    (path,) = write_glb(scene, tmp_path / "out.glb")
    glb = Glb(path)
    size = [np.ptp(glb.shown("POSITION", frame / 25, node=1), axis=0).max() for frame in range(6)]
    assert [extent > 0 for extent in size] == [False, False, True, True, False, False]
    (report,) = khronos([path])
    assert (report["numErrors"], report["numWarnings"]) == (0, 0)


def test_a_picture_per_frame_becomes_colours_per_frame_and_the_user_is_told(tmp_path):
    class Told(Silent):
        def __init__(self):
            self.warnings = []

        def warn(self, message):
            self.warnings.append(message)

    told = Told()
    (path,) = write_glb(export_zoo.textured_constant(tmp_path), tmp_path / "out.glb", told)
    assert "images" not in Glb(path).document
    np.testing.assert_allclose(
        Glb(path).shown("COLOR_0", 1 / 25)[:, :3], linear(export_zoo.patch_mesh(1).colours), atol=1e-5
    )
    (warning,) = told.warnings
    assert "person01" in warning
    assert ".usdc" in warning


def test_one_picture_for_all_frames_is_embedded_once(tmp_path):
    (path,) = write_glb(export_zoo.one_texture_constant(tmp_path), tmp_path / "out.glb")
    glb = Glb(path)
    assert len(glb.document["images"]) == 1
    assert "COLOR_0" not in glb.primitive()["attributes"]
    assert [sorted(target) for target in glb.primitive()["targets"]] == [["NORMAL", "POSITION"]] * 2


def test_uv_that_changes_is_left_out(tmp_path):
    def moving(frame):
        mesh = export_zoo.patch_mesh(frame)
        return export_zoo.Mesh(vertices=mesh.vertices, faces=mesh.faces, uv=mesh.uv + np.float32(frame * 1e-7))

    meshes = [moving(frame) for frame in range(3)]
    scene = export_zoo.scene_of(export_zoo.sequence_of(meshes, shares_faces=True))
    glb = Glb(write_glb(scene, tmp_path / "out.glb")[0])
    assert sorted(glb.primitive()["attributes"]) == ["POSITION"]


def test_frames_with_different_attributes_are_refused(tmp_path):
    meshes = [export_zoo.patch_mesh(0), export_zoo.patch_mesh(1, normals=False)]
    scene = export_zoo.scene_of(export_zoo.sequence_of(meshes, shares_faces=True))
    with pytest.raises(InputError, match="One frame has POSITION, NORMAL"):
        write_glb(scene, tmp_path / "out.glb")


def test_too_many_frames_are_refused_and_usdc_is_named(tmp_path):
    meshes = export_zoo.LazyMeshes(export_zoo.patch_mesh, MAX_FRAMES + 1)
    scene = export_zoo.scene_of(export_zoo.sequence_of(meshes, shares_faces=True))
    with pytest.raises(UsageError, match="out.glb cannot hold 251 frames of person01") as caught:
        write_glb(scene, tmp_path / "out.glb")
    assert ".usdc" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_the_header_can_state_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(gltf, "MAX_BYTES", 500)
    with pytest.raises(UsageError, match=r"A .glb holds 4 GiB") as caught:
        write_glb(export_zoo.patch(tmp_path), tmp_path / "out.glb")
    assert ".usdc" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_the_arrays_are_spooled_is_one_line_and_no_file(tmp_path, monkeypatch):
    class FullDisk(gltf.SpooledTemporaryFile):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(gltf, "SpooledTemporaryFile", FullDisk)
    with pytest.raises(InputError, match="The disk is full: out.glb"):
        write_glb(export_zoo.constant(tmp_path), tmp_path / "out.glb")
    assert list(tmp_path.iterdir()) == []


def test_indices_are_as_small_as_the_vertices_allow_and_never_the_restart_value(tmp_path):
    for count, kind in ((65535, 5123), (65536, 5125)):
        vertices = np.zeros((count, 3), np.float32)
        vertices[:, 0] = np.arange(count)
        mesh = export_zoo.Mesh(vertices=vertices, faces=np.array([[0, 1, count - 1]], np.int32))
        (path,) = write_glb(export_zoo.scene_of(export_zoo.sequence_of([mesh])), tmp_path / f"{count}.glb")
        glb = Glb(path)
        indices = glb.primitive()["indices"]
        assert glb.document["accessors"][indices]["componentType"] == kind
        assert glb.array(indices)[:, 0].tolist() == [0, 1, count - 1]
        assert trimesh.load(path, process=False).geometry["person01"].vertices[-1, 0] == count - 1
