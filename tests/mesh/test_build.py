"""The mesh of scenes whose surface is known in closed form."""

import dataclasses

import mesh_checks
import mesh_scenes
import numpy as np
import pytest

from hd_core.errors import InputError, UsageError
from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import make_crop
from hd_core.mesh.build import build_mesh
from hd_core.mesh.faces import as_triangles, boundary_edges
from hd_core.mesh.options import MeshOptions
from hd_core.types import Box, Gauge, View

EVERYTHING = MeshOptions(min_island_px=1)


@pytest.fixture(scope="module")
def arm():
    return mesh_scenes.arm_scene(192)


@pytest.mark.parametrize("size", [96, 256])
def test_an_arm_before_a_torso_is_neither_bridged_nor_stretched_and_the_matte_is_covered(size):
    surface, view = mesh_scenes.arm_scene(size)
    mesh, measures = build_mesh(surface, view)
    z = mesh.vertices[mesh_checks.triangles_of(mesh), 2]
    assert (z.max(axis=1) - z.min(axis=1)).max() < 0.125  # half the gap
    assert measures["bridging"] == 0
    assert measures["stretched_rate"] <= 0.001
    assert measures["coverage"] >= 0.99
    assert measures["num_vertices"] == len(mesh.vertices)
    assert measures["num_faces"] == len(mesh.faces)
    mesh_checks.assert_faces_the_camera(mesh)
    mesh_checks.assert_manifold(mesh)


def test_measured_rates_are_those_of_a_slow_count(arm):
    surface, view = arm
    mesh, measures = build_mesh(surface, view, MeshOptions(max_grazing_deg=85.0))
    corner = mesh.vertices.astype(np.float64)[mesh_checks.triangles_of(mesh)]
    edge = np.linalg.norm(corner - np.roll(corner, -1, axis=1), axis=2)
    near = np.minimum(corner[..., 2], np.roll(corner, -1, axis=1)[..., 2])
    stretched = (edge > 4 * near / surface.camera.intrinsics[0, 0]).any(axis=1).mean()
    assert stretched > 0.001  # the scene has such edges once the limit is lifted
    assert measures["stretched_rate"] == pytest.approx(stretched, abs=1e-4)
    area = mesh_checks.area_in_picture(surface.camera, mesh)
    assert measures["coverage"] == pytest.approx(area / view.mask.sum(), rel=1e-5)


def test_the_true_outline_is_filled_and_not_overrun(arm):
    surface, view = arm
    mesh, _ = build_mesh(surface, view)
    samples = 6
    hit = mesh_checks.covered(surface.camera, mesh, samples)
    offsets = (np.arange(192 * samples) + 0.5) / samples
    focal, centre = surface.camera.intrinsics[0, 0], surface.camera.intrinsics[0, 2]
    x, y = np.meshgrid((offsets - centre) / focal, (offsets - centre) / focal)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    truth = np.isfinite(mesh_scenes.union(mesh_scenes.TORSO, mesh_scenes.ARM)(rays)[0])
    assert (hit & truth).sum() / truth.sum() > 0.995
    assert (hit & ~truth).sum() / truth.sum() < 0.005


def test_first_vertices_are_the_unprojected_depth_in_single_precision(arm):
    surface, view = arm
    mesh, _ = build_mesh(surface, view, EVERYTHING)
    rows, columns = np.nonzero(surface.mask)
    k, z = surface.camera.intrinsics, surface.depth[surface.mask].astype(np.float64)
    expected = np.stack([(columns + 0.5 - k[0, 2]) / k[0, 0] * z, (rows + 0.5 - k[1, 2]) / k[1, 1] * z, z], 1)
    assert np.array_equal(mesh.vertices[: len(z)], expected.astype(np.float32))
    assert np.array_equal(mesh.colours[: len(z)], view.rgb[surface.mask])
    assert np.array_equal(mesh.normals[: len(z)], surface.normal[surface.mask])


def test_the_outline_of_a_sphere_is_its_true_circle_within_a_quarter_pixel():
    camera = mesh_scenes.square_camera(160, pixels_at_2m=1.0)
    surface, view = mesh_scenes.render(mesh_scenes.ellipsoid((0, 0, 2), (0.35, 0.35, 0.35)), camera, samples=12)
    mesh, measures = build_mesh(surface, view)
    outline = np.unique(boundary_edges(mesh.faces))
    radius = np.linalg.norm(mesh_checks.picture(camera, mesh.vertices[outline]) - 80, axis=1)
    true_radius = camera.intrinsics[0, 0] * 0.35 / np.sqrt(2**2 - 0.35**2)
    at_rim = radius > true_radius - 2  # the rest are slits near the grazing limit
    assert at_rim.mean() > 0.9
    off = radius[at_rim] - true_radius
    assert np.sqrt((off**2).mean()) < 0.25
    assert np.median(np.abs(off)) < 0.1
    assert measures["num_islands"] == 1


def test_a_slanted_plane_is_met_exactly_up_to_its_outline():
    camera = mesh_scenes.square_camera(64, pixels_at_2m=1.0)
    normal = np.array([0.5, -0.3, -1.0]) / np.linalg.norm([0.5, -0.3, -1.0])
    surface, _ = mesh_scenes.render(mesh_scenes.plane(normal=tuple(normal), distance=2.0), camera, samples=1)
    rows, columns = np.mgrid[:64, :64] + 0.5
    alpha = np.clip(20.3 - np.hypot(rows - 31, columns - 33) + 0.5, 0, 1)
    depth = np.where(alpha > 0.5, surface.depth, np.nan)
    surface = mesh_scenes.make_surface(camera, depth, np.where((alpha > 0.5)[..., None], normal, 0))
    mesh, measures = build_mesh(surface, mesh_scenes.make_view(camera, alpha))
    assert np.abs(mesh.vertices.astype(np.float64) @ normal + 2.0).max() < 1e-6
    assert measures["num_islands"] == 1
    assert measures["coverage"] == pytest.approx(1, abs=0.01)


def test_texture_place_is_the_full_frame_position_with_v_upwards():
    full = camera_from_focal(200, 100, focal_px=150.0)
    crop = make_crop(full, Box(left=50.0, top=-10.0, width=60.0, height=60.0), width=120, height=120)
    depth = np.full((120, 120), np.nan)
    depth[30:90, 20:100] = 1.5
    alpha = np.isfinite(depth).astype(np.float32)
    surface = mesh_scenes.make_surface(crop.camera, depth)
    rgb = np.zeros((120, 120, 3), np.uint8)
    view = View(rgb=rgb, alpha=alpha, crop=crop, frame_index=0, time_seconds=0.0)
    mesh, _ = build_mesh(surface, view)
    place = mesh_checks.picture(full, mesh.vertices)
    assert np.allclose(mesh.uv[:, 0] * 200, place[:, 0], atol=1e-3)
    assert np.allclose((1 - mesh.uv[:, 1]) * 100, place[:, 1], atol=1e-3)


def test_rim_colours_are_bilinear_in_the_picture(arm):
    surface, view = arm
    mesh, _ = build_mesh(surface, view)
    place = mesh_checks.picture(surface.camera, mesh.vertices)
    inner = (place > 1).all(axis=1) & (place < 190).all(axis=1)
    expected = place[inner] - 0.5  # the picture's red and green are column and row
    assert np.abs(mesh.colours[inner, :2] - expected).max() < 0.51


@pytest.mark.parametrize(("alpha", "reach"), [(1.0, 0.5), (0.8, 0.375), (0.6, 1 / 6)])
def test_a_lone_pixel_becomes_a_diamond_that_reaches_the_contour(alpha, reach):
    camera = mesh_scenes.square_camera(9, pixels_at_2m=0.1)
    depth = np.full((9, 9), np.nan)
    depth[4, 4] = 2.0
    matte = np.where(np.isfinite(depth), alpha, 0.0)
    mesh, measures = build_mesh(
        mesh_scenes.make_surface(camera, depth), mesh_scenes.make_view(camera, matte), EVERYTHING
    )
    place = mesh_checks.picture(camera, mesh.vertices) - 4.5
    assert len(mesh.faces) == 4
    assert np.allclose(np.sort(np.abs(place[1:]).max(axis=1)), reach, atol=1e-4)
    assert measures["coverage"] == pytest.approx(2 * reach**2, rel=1e-3)


def test_a_line_of_single_pixels_is_one_strip_as_wide_as_a_pixel():
    camera = mesh_scenes.square_camera(12, pixels_at_2m=0.1)
    depth = np.full((12, 12), np.nan)
    depth[5, 2:9] = 2.0
    matte = np.isfinite(depth).astype(float)
    mesh, measures = build_mesh(mesh_scenes.make_surface(camera, depth), mesh_scenes.make_view(camera, matte))
    assert measures["num_islands"] == 1
    assert mesh_checks.area_in_picture(camera, mesh) == pytest.approx(6 + 0.5, rel=1e-4)
    mesh_checks.assert_manifold(mesh)


def test_a_mask_that_fills_the_picture_reaches_its_border():
    camera = mesh_scenes.square_camera(16, pixels_at_2m=0.1)
    surface = mesh_scenes.make_surface(camera, np.full((16, 16), 2.0))
    mesh, _ = build_mesh(surface, mesh_scenes.make_view(camera, np.ones((16, 16))))
    place = mesh_checks.picture(camera, mesh.vertices)
    assert np.allclose([place.min(), place.max()], [0, 16], atol=1e-4)
    assert (mesh.uv.min(), mesh.uv.max()) == pytest.approx((0, 1), abs=1e-5)


def test_quads_and_triangles_are_the_same_surface(arm):
    surface, view = arm
    triangles, _ = build_mesh(surface, view)
    quads, measures = build_mesh(surface, view, MeshOptions(quads=True))
    assert quads.faces.shape[1] == 4
    assert measures["num_faces"] < 0.6 * len(triangles.faces)
    assert np.array_equal(as_triangles(quads.faces), triangles.faces)
    assert np.array_equal(mesh_checks.triangles_of(quads), triangles.faces)
    assert np.array_equal(quads.vertices, triangles.vertices)


def test_pieces_below_the_limit_are_dropped_and_larger_ones_kept():
    camera = mesh_scenes.square_camera(20, pixels_at_2m=0.1)
    depth = np.full((20, 20), np.nan)
    depth[2:6, 2:6], depth[10, 10:13], depth[15, 3] = 2.0, 2.0, 2.0
    surface = mesh_scenes.make_surface(camera, depth)
    view = mesh_scenes.make_view(camera, np.isfinite(depth).astype(float))
    for limit, left in ((1, 3), (3, 2), (4, 1), (17, 0)):
        mesh, measures = build_mesh(surface, view, MeshOptions(min_island_px=limit))
        assert measures["num_islands"] == left
    assert mesh.vertices.shape == (0, 3)
    assert mesh.faces.shape == (0, 3)


def test_a_frame_without_a_surface_is_an_empty_mesh():
    camera = mesh_scenes.square_camera(8, pixels_at_2m=0.1)
    surface = mesh_scenes.make_surface(camera, np.full((8, 8), np.nan))
    for options in (MeshOptions(), MeshOptions(quads=True), MeshOptions(keep_ratio=0.5), MeshOptions(thickness_m=0.1)):
        mesh, measures = build_mesh(surface, mesh_scenes.make_view(camera, np.zeros((8, 8))), options)
        assert len(mesh.vertices) == len(mesh.faces) == 0
        assert measures["stretched_rate"] == measures["bridging"] == 0


def test_the_same_input_gives_the_same_bytes_and_is_left_alone(arm):
    surface, view = arm
    before = surface.depth.tobytes(), surface.normal.tobytes(), view.alpha.tobytes()
    first, second = build_mesh(surface, view)[0], build_mesh(surface, view)[0]
    assert first.vertices.tobytes() == second.vertices.tobytes()
    assert first.faces.tobytes() == second.faces.tobytes()
    assert (surface.depth.tobytes(), surface.normal.tobytes(), view.alpha.tobytes()) == before


def test_maps_of_another_camera_are_refused(arm):
    surface, _ = arm
    _, other = mesh_scenes.arm_scene(64)
    with pytest.raises(InputError, match="192 x 192 px camera, the view of another"):
        build_mesh(surface, other)


def test_depths_behind_the_camera_are_refused(arm):
    surface, view = arm
    behind = dataclasses.replace(surface, depth=surface.depth - 3, gauge=Gauge.AFFINE)
    with pytest.raises(InputError, match="expected depths in front of the camera"):
        build_mesh(behind, view)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_jump", 0.0),
        ("max_grazing_deg", 90.0),
        ("min_island_px", 0),
        ("thickness_m", -0.1),
        ("keep_ratio", 0.0),
        ("keep_ratio", float("nan")),
    ],
)
def test_options_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(UsageError, match=f"Found {name} = {value}; expected"):
        MeshOptions(**{name: value})


def test_the_outline_of_a_round_arm_runs_at_an_even_depth():
    camera = mesh_scenes.square_camera(128, pixels_at_2m=0.6)
    arm = mesh_scenes.cylinder((0.0, 0.0, 2.0), (1.0, 0.37, 0.0), 0.06)
    surface, view = mesh_scenes.render(arm, camera)
    mesh, _ = build_mesh(surface, view)
    place = mesh_checks.picture(camera, mesh.vertices)
    edges = boundary_edges(mesh.faces)
    inner = ((place[edges] > 4) & (place[edges] < 124)).all(axis=(1, 2))
    step = np.abs(np.diff(mesh.vertices[edges[inner], 2], axis=1)) / (2 / camera.intrinsics[0, 0])
    assert step.mean() < 0.5  # footprints per outline edge; tangent planes alone leave more than one
    assert step.max() < 3
