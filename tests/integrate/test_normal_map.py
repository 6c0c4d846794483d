"""`hd-core integrate` on normal maps of anybody's: files in, files out, and what is refused."""

import struct
import zlib

import numpy as np
import OpenEXR
import pytest
import trimesh
from integrate_scenes import arm_before_torso, mean_error_mm, sphere, without_depth

from hd_core.cli.main import main
from hd_core.errors import HdError, InputError, UsageError
from hd_core.integrate.options import IntegrateOptions
from hd_core.pipeline.normal_map import grid_mesh, integrate_file, integrate_normal_map, read_normals, unit_normals
from hd_core.pipeline.normal_map_options import NormalMapOptions
from hd_core.pipeline.options import SurfaceOptions

HOW = IntegrateOptions()


def half_ball():
    """Depth in px and normals in OpenGL axes of a ball of 30 px, seen along parallel rays."""
    x, y = np.meshgrid(np.arange(80) - 39.5, np.arange(70) - 34.5)
    square = 30.0**2 - x**2 - y**2
    mask = square > 30
    z = -np.sqrt(np.where(mask, square, 1))
    normal = np.where(mask[..., None], np.stack([x, -y, -z], axis=-1) / 30, 0)
    return z, normal.astype(np.float32), mask


def write_png16(path, values):
    """A 16-bit RGB PNG, chunk by chunk."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows))]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [*chunks, (b"IEND", b"")]
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def shape_error(depth, z, mask):
    off = depth[mask] - z[mask]
    return np.abs(off - np.median(off)).mean()


@pytest.mark.parametrize(
    ("kind", "bound"), [("npy", 0.01), ("npz", 0.01), ("exr", 0.01), ("png16", 0.02), ("png8", 0.5)]
)
def test_every_kind_of_file_gives_the_ball(tmp_path, kind, bound):
    z, normal, mask = half_ball()
    path = tmp_path / f"ball.{kind[:3]}"
    if kind == "npy":
        np.save(path, normal)
    elif kind == "npz":
        np.savez(path, normal=normal)
    elif kind == "exr":
        channels = {c: OpenEXR.Channel(np.ascontiguousarray(normal[..., i])) for i, c in enumerate("RGB")}
        with OpenEXR.File({"type": OpenEXR.scanlineimage}, channels) as file:
            file.write(str(path))
    elif kind == "png16":
        write_png16(path, np.round((normal + 1) / 2 * 65535))
    else:
        write_png16(path, np.round((normal + 1) / 2 * 255) * 257)
    found = integrate_file(path, NormalMapOptions(), HOW)
    np.testing.assert_array_equal(found.mask, mask)
    assert shape_error(found.depth, z, mask) < bound


def test_opencv_axes_are_taken_as_they_are_and_opengl_ones_are_turned():
    _, normal, mask = half_ball()
    turned, found = unit_normals(normal, axes="opengl")
    np.testing.assert_array_equal(found, mask)
    np.testing.assert_allclose(turned[mask], normal[mask] * [1, -1, -1], atol=1e-6)
    np.testing.assert_allclose(unit_normals(1.2 * normal, axes="opencv")[0][mask], normal[mask], atol=1e-6)


def test_the_wrong_axes_are_noticed(tmp_path):
    np.save(tmp_path / "n.npy", half_ball()[1])
    with pytest.raises(InputError, match="100 % of the normals"):
        integrate_file(tmp_path / "n.npy", NormalMapOptions(axes="opencv"), HOW)


def test_a_pixel_width_scales_the_surface_and_a_depth_places_it(tmp_path):
    z, normal, mask = half_ball()
    np.save(tmp_path / "n.npy", normal)
    np.save(tmp_path / "z.npy", np.where(mask, 0.2 * z + 300, np.nan).astype(np.float32))
    options = NormalMapOptions(pixel_width=0.2, depth_prior=tmp_path / "z.npy")
    found = integrate_file(tmp_path / "n.npy", options, HOW)
    np.testing.assert_allclose(found.depth[mask], 0.2 * z[mask] + 300, atol=0.01)
    ray = found.points[mask] - [0, 0, 300]
    np.testing.assert_allclose(np.linalg.norm(ray, axis=-1), 0.2 * 30, atol=0.01)


def test_a_focal_length_or_k_gives_the_surface_in_perspective(tmp_path):
    truth = sphere(0.5)
    np.save(tmp_path / "n.npy", truth.normal)
    np.savetxt(tmp_path / "K.txt", truth.camera.intrinsics)
    options = NormalMapOptions(camera=str(tmp_path / "K.txt"), axes="opencv")
    found = integrate_file(tmp_path / "n.npy", options, HOW)
    surface = without_depth(truth)
    object.__setattr__(surface, "depth", found.depth)
    assert mean_error_mm(surface, truth, aligned=True) < 0.1
    assert integrate_file(tmp_path / "n.npy", NormalMapOptions(camera="320", axes="opencv"), HOW).camera is not None


def test_the_mesh_faces_the_viewer_and_is_open_at_the_cut(tmp_path):
    truth = arm_before_torso(0.5)
    np.save(tmp_path / "n.npy", truth.normal)
    np.savetxt(tmp_path / "K.txt", truth.camera.intrinsics)
    np.save(tmp_path / "z.npy", truth.depth)
    options = NormalMapOptions(camera=str(tmp_path / "K.txt"), axes="opencv", depth_prior=tmp_path / "z.npy")
    mesh = grid_mesh(integrate_file(tmp_path / "n.npy", options, HOW))
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    facing = np.sum(np.cross(b - a, c - a) * a, axis=-1)
    assert (facing < 0).mean() > 0.999
    longest = max(np.linalg.norm(p - q, axis=-1).max() for p, q in ((a, b), (b, c), (c, a)))
    assert longest < 0.15


@pytest.mark.parametrize("suffix", [".ply", ".glb", ".exr"])
def test_the_command_writes_what_the_suffix_says(tmp_path, suffix, capsys):
    z, normal, mask = half_ball()
    np.save(tmp_path / "n.npy", normal)
    target = tmp_path / f"out{suffix}"
    with pytest.raises(SystemExit) as ended:
        main(["integrate", str(tmp_path / "n.npy"), "--output", str(target), "--progress", "none"])
    assert ended.value.code == 0
    if suffix == ".exr":
        with OpenEXR.File(str(target), separate_channels=True) as file:
            assert shape_error(file.channels()["Z"].pixels, z, mask) < 0.01
    else:
        written = list(tmp_path.glob(f"out*{suffix}"))
        assert len(written) == 1
        loaded = trimesh.load(written[0], force="mesh")
        assert len(loaded.vertices) == mask.sum()
        size = np.ptp(loaded.vertices, axis=0)
        assert sorted(size)[1:] == pytest.approx([np.ptp(np.nonzero(mask)[1])] * 2, abs=1.1)


def test_a_mask_leaves_out_the_rest_and_what_is_no_normal_is_counted(tmp_path):
    _, normal, mask = half_ball()
    broken = normal.copy()
    broken[30, 30:33] = [np.nan, 0, 5]
    np.save(tmp_path / "n.npy", broken)
    wanted = np.zeros(mask.shape, np.uint8)
    wanted[20:50, 20:60] = 255
    np.save(tmp_path / "m.npy", wanted)
    found = integrate_file(tmp_path / "n.npy", NormalMapOptions(mask=tmp_path / "m.npy"), HOW)
    assert found.measures["left_out_px"] == 3 + ((wanted > 0) & ~mask).sum()
    assert not found.mask[30, 30:33].any()
    assert np.isfinite(found.depth).sum() == found.mask.sum()


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"camera": "fisheye"}, UsageError, "fisheye is neither"),
        ({"camera": "-3"}, InputError, "focal"),
        ({"pixel_width": 0.0}, UsageError, "pixel-width"),
        ({"mask": "small.npy"}, InputError, "is of"),
        ({"depth_prior": "none.npy"}, InputError, "cannot be read"),
        ({"camera": "singular.txt"}, InputError, "focal"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(tmp_path, options, error, what):
    np.save(tmp_path / "n.npy", half_ball()[1])
    np.save(tmp_path / "small.npy", np.ones((3, 3)))
    np.savetxt(tmp_path / "singular.txt", np.diag([0.0, 0, 1]))
    for name in ("mask", "depth_prior"):
        if name in options:
            options = {name: tmp_path / options[name]}
    if options.get("camera", "").endswith(".txt"):
        options = {"camera": str(tmp_path / options["camera"])}
    with pytest.raises(error, match=what):
        integrate_file(tmp_path / "n.npy", NormalMapOptions(**options), HOW)


def test_files_without_normals_are_refused(tmp_path):
    np.save(tmp_path / "zero.npy", np.zeros((5, 5, 3)))
    np.savez(tmp_path / "other.npz", depth=np.ones((5, 5)))
    with pytest.raises(InputError, match="no normals of unit length"):
        integrate_file(tmp_path / "zero.npy", NormalMapOptions(), HOW)
    with pytest.raises(InputError, match="holds no normals"):
        read_normals(tmp_path / "other.npz")
    np.save(tmp_path / "n.npy", half_ball()[1])
    with pytest.raises(HdError, match="itself"):
        integrate_normal_map(tmp_path / "n.npy", NormalMapOptions(output=tmp_path / "n.npy"), SurfaceOptions())
    with pytest.raises(UsageError, match="reference integrates run folders"):
        integrate_normal_map(tmp_path / "n.npy", NormalMapOptions(), SurfaceOptions(integrator="reference"))


def test_a_picture_that_does_not_fit_into_the_memory_is_refused_in_a_line(tmp_path, monkeypatch):
    np.save(tmp_path / "n.npy", half_ball()[1])

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr("hd_core.pipeline.normal_map.integrate_orthographic", full)
    with pytest.raises(InputError, match="too large for the memory"):
        integrate_normal_map(tmp_path / "n.npy", NormalMapOptions(), SurfaceOptions())
