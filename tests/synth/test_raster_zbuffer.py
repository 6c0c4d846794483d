"""The rasteriser: exact depth, every pixel of a shared edge once, occlusion, cut and degenerate faces, holes, ties."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raster_scenes import ball, camera, flat_camera, nearest, random_mesh
from scipy.spatial import Delaunay

from hd_core.errors import InputError
from hd_core.geometry.camera import pixel_rays, unproject
from hd_core.synth.raster.fragments import AlphaTest
from hd_core.synth.raster.screen import ONE, to_screen
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera


def draws_per_pixel(positions, faces, cam):
    return sum(rasterise(positions, face[None], cam).mask.astype(int) for face in faces)


def test_depth_of_a_plane_is_exact_at_every_pixel():
    cam = camera()
    normal = np.array([0.5, -0.4, -0.9])
    side = np.linspace(-3, 3, 14)
    x, y = (axis.ravel() for axis in np.meshgrid(side, side * 1.01))
    depth_at = 2.0 * normal[2]
    positions = np.stack([x, y, (depth_at - normal[0] * x - normal[1] * y) / normal[2]], axis=-1)
    assert positions[:, 2].min() < 0  # some of it lies behind the camera
    found = rasterise(positions, Delaunay(np.stack([x, y], -1)).simplices, cam)
    expected = depth_at / (pixel_rays(cam) @ normal)
    seen = found.mask
    assert seen.mean() > 0.7
    np.testing.assert_allclose(found.depth[seen], expected[seen], rtol=1e-6)


def test_barycentric_coordinates_give_back_the_point_under_the_pixel():
    cam = camera()
    positions, faces = random_mesh(np.random.default_rng(2))
    found = rasterise(positions, faces, cam)
    seen = found.mask
    points = np.einsum("pi,pik->pk", found.barycentric[seen], positions[faces[found.face[seen]]])
    expected = unproject(cam, found.depth.astype(float))[seen]
    assert seen.mean() > 0.5
    np.testing.assert_allclose(points, expected, atol=2e-5)
    np.testing.assert_allclose(found.barycentric[seen].sum(-1), 1, atol=1e-6)
    assert found.barycentric.min() >= 0
    assert (found.barycentric[~seen] == 0).all()
    assert np.isnan(found.depth[~seen]).all()


@pytest.mark.parametrize("seed", range(6))
def test_faces_equal_those_of_rays_against_every_triangle(seed):
    rng = np.random.default_rng(seed)
    cam = camera()
    positions, faces = random_mesh(rng)
    found = rasterise(positions, faces, cam)
    face, share, depth, safe = nearest(cam, positions, faces)
    differ = (found.face != face) & safe
    assert differ.mean() < 1e-3  # centres within 1/65536 px of an edge
    same = (found.face == face) & (face >= 0)
    np.testing.assert_allclose(found.depth[same], depth[same], rtol=2e-5)
    assert np.quantile(np.abs(found.barycentric - share).max(-1)[same], 0.99) < 1e-4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40), st.sampled_from([0.0, 0.5, 0.25, 1e-3]))
def test_a_triangulated_rectangle_draws_every_pixel_exactly_once(seed, count, grid):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-2, 18, (count, 2))
    if grid:  # corners and edges through pixel centres
        points = np.unique(np.round(points / grid) * grid, axis=0)
    points = np.concatenate([points, [[-3.0, -3], [-3, 19], [19, -3], [19, 19]]])
    faces = Delaunay(points).simplices
    turned = rng.random(len(faces)) < 0.5
    faces[turned] = faces[turned][:, ::-1]
    z = 2.0 ** rng.integers(-1, 3, len(points))
    positions = np.concatenate([points, np.ones((len(points), 1))], axis=1) * z[:, None]
    assert (draws_per_pixel(positions, faces, flat_camera(16)) == 1).all()


def test_a_rectangle_between_pixel_centres_covers_the_half_open_range():
    positions = np.array([[2.5, 3.5, 1], [9.5, 3.5, 1], [9.5, 7.5, 1], [2.5, 7.5, 1]])
    found = rasterise(positions, np.array([[0, 1, 2], [0, 2, 3]]), flat_camera(16))
    expected = np.zeros((16, 16), bool)
    expected[3:7, 2:9] = True  # top and left edges belong to it, bottom and right ones do not
    np.testing.assert_array_equal(found.mask, expected)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mesh_through_the_near_plane_and_past_the_guard_band_has_no_gaps(seed):
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.uniform(-3, 3, (12, 2)), rng.uniform(-900, 900, (12, 2)), [[-1e3, -1e3], [1e3, 1e3]]])
    faces = Delaunay(points).simplices
    slope = rng.normal(size=2) * 0.2
    positions = np.concatenate([points, 1 + points @ slope[:, None]], axis=1)
    cam = camera(40, 36, focal=50.0)
    rays = pixel_rays(cam)
    depth = 1 / (1 - rays[..., :2] @ slope)
    hull = Delaunay(points)
    on_sheet = hull.find_simplex(rays[..., :2] * depth[..., None]) >= 0
    expected = (depth > 0.0501) & on_sheet
    count = draws_per_pixel(positions, faces, cam)
    edge_band = (np.abs(depth - 0.05) < 2e-4) | (hull.find_simplex(rays[..., :2] * depth[..., None] * 1.001) < 0)
    np.testing.assert_array_equal(count[~edge_band], expected.astype(int)[~edge_band])
    found = rasterise(positions, faces, cam)
    kept = found.mask & (found.depth < 100)
    np.testing.assert_allclose(found.depth[kept], depth[kept], rtol=1e-5)


def test_a_triangle_that_crosses_the_near_plane_shows_only_what_lies_beyond_it():
    cam = camera()
    positions = np.array([[0.0, 0.1, -1.0], [-4.0, 0.1, 3.0], [4.0, 0.1, 3.0]])
    found = rasterise(positions, np.array([[0, 1, 2]]), cam, near=0.5)
    face, share, depth, _ = nearest(cam, positions, np.array([[0, 1, 2]]), near=0.5)
    assert 0.1 < found.mask.mean() < 0.5
    np.testing.assert_array_equal(found.face, face)
    np.testing.assert_allclose(found.depth[found.mask], depth[found.mask], rtol=1e-5)
    np.testing.assert_allclose(found.barycentric[found.mask], share[found.mask], atol=1e-5)
    assert 0.5 <= found.depth[found.mask].min() < 0.52  # the cut is in view


def test_a_cut_face_keeps_its_whole_corners_where_its_neighbours_have_them():
    rng = np.random.default_rng(0)
    cam = camera()
    k = cam.intrinsics
    z = rng.uniform(0.5, 4, 2000)
    px = (rng.integers(0, 96 * ONE, 2000) + 0.5) / ONE  # where the last bit decides to which side it is snapped
    front = np.stack([(px - k[0, 2]) / k[0, 0] * z, np.zeros(2000), z], axis=-1)
    behind = np.array([[0.0, 0, -1], [0.1, 0.5, -1]])
    faces = np.stack([np.arange(2000), np.full(2000, 2000), np.full(2000, 2001)], axis=-1).astype(np.int32)
    screen = to_screen(np.concatenate([front, behind]), faces, cam, near=0.05)
    whole = screen.weights[..., 0] == 1.0
    corners = screen.triangles[whole]
    np.testing.assert_array_equal(screen.corner[corners], screen.corner[screen.owner[whole.any(axis=1)]])
    assert len(corners) == 2000


def test_a_huge_triangle_fills_the_picture_at_its_own_depth():
    cam = camera()
    positions = np.array([[-1e6, -1e6, 2.0], [3e6, -1e6, 2.0], [-1e6, 3e6, 2.0]])
    found = rasterise(positions, np.array([[0, 1, 2]]), cam)
    assert found.mask.all()
    np.testing.assert_allclose(found.depth, 2.0, rtol=1e-6)
    # float32 weights of a triangle 4e6 m wide tell metres apart
    np.testing.assert_allclose(np.einsum("hwi,ik->hwk", found.barycentric, positions)[..., 2], 2.0, atol=1e-5)


def test_degenerate_faces_and_faces_behind_the_camera_draw_nothing():
    positions = np.array([[0.0, 0, 1], [0.5, 0.5, 1], [1.0, 1.0, 1], [0, 0, -2], [1, 0, -2], [0, 1, -2]])
    faces = np.array([[0, 1, 2], [0, 0, 1], [1, 1, 1], [3, 4, 5]])
    assert not rasterise(positions, faces, camera()).mask.any()
    assert not rasterise(positions, faces[:0], camera()).mask.any()


def test_a_ball_covers_the_ellipse_of_the_analytic_silhouette():
    cam = camera(400, 380, 700.0)
    positions, faces, _ = ball(120)
    found = rasterise(positions, faces, cam)
    centre, rays = np.array([0.06, -0.04, 2.0]), pixel_rays(cam)
    inside = (rays @ centre) ** 2 >= (rays**2).sum(-1) * (centre @ centre - 0.16)
    assert found.mask.sum() == pytest.approx(inside.sum(), rel=1e-3)
    assert (found.mask & ~inside).sum() == 0  # the corners lie on the ball, so the mesh lies in it
    k = cam.intrinsics  # area of the conic r' (c c' - (|c|^2 - R^2) I) r >= 0 in pixels
    conic = np.linalg.inv(k).T @ (np.outer(centre, centre) - (centre @ centre - 0.16) * np.eye(3)) @ np.linalg.inv(k)
    area = np.pi * abs(np.linalg.det(conic)) / np.linalg.det(conic[:2, :2]) ** 1.5
    assert found.mask.sum() == pytest.approx(area, rel=1e-3)


def test_the_nearer_of_two_crossing_planes_is_seen():
    cam = camera()
    flat = np.array([[-9.0, -9, 2], [9, -9, 2], [9, 9, 2], [-9, 9, 2]])
    tilted = flat + np.array([0.0, 0, 1]) * flat[:, :1] * 0.1
    quads = np.array([[0, 1, 2], [0, 2, 3]])
    found = rasterise(np.concatenate([flat, tilted]), np.concatenate([quads, quads + 4]), cam)
    rays = pixel_rays(cam)
    second = 2 / (1 - 0.1 * rays[..., 0])
    apart = np.abs(second - 2) > 1e-6
    np.testing.assert_array_equal((found.face >= 2)[apart], (second < 2)[apart])
    np.testing.assert_allclose(found.depth, np.minimum(second, 2), rtol=1e-6)


def test_culling_keeps_the_faces_that_wind_counter_clockwise_for_the_camera():
    positions = np.array([[2.0, 2, 1], [2, 12, 1], [12, 2, 1]])  # down, then up to the right: counter-clockwise
    front = np.array([[0, 1, 2]])
    cam = flat_camera(16)
    assert rasterise(positions, front, cam, cull_back=True).mask.any()
    assert not rasterise(positions, front[:, ::-1], cam, cull_back=True).mask.any()
    assert rasterise(positions, front[:, ::-1], cam).mask.any()


def test_without_its_back_a_ball_looks_the_same():
    positions, faces, _ = ball(24)
    both, front = (rasterise(positions, faces, camera(), cull_back=cull) for cull in (False, True))
    np.testing.assert_array_equal(both.face, front.face)
    np.testing.assert_array_equal(both.depth, front.depth)


def test_of_equal_depths_the_smaller_face_number_wins_in_any_order():
    rng = np.random.default_rng(5)
    positions = np.concatenate([rng.uniform(0, 32, (30, 2)), np.ones((30, 1))], axis=1) * 2.0
    faces = rng.integers(0, 30, (60, 3))
    cam = flat_camera(32)
    masks = np.stack([rasterise(positions, face[None], cam).mask for face in faces])
    for _ in range(4):
        order = rng.permutation(60)
        found = rasterise(positions, faces[order], cam)
        first = np.where(masks[order].any(0), masks[order].argmax(0), -1)
        np.testing.assert_array_equal(found.face, first)


def test_permuting_the_faces_only_renames_them():
    rng = np.random.default_rng(6)
    positions, faces, _ = ball(20)
    order = rng.permutation(len(faces))
    plain, permuted = rasterise(positions, faces, camera()), rasterise(positions, faces[order], camera())
    np.testing.assert_array_equal(plain.face[plain.mask], order[permuted.face[permuted.mask]])
    np.testing.assert_array_equal(plain.depth, permuted.depth)
    np.testing.assert_array_equal(plain.barycentric, permuted.barycentric)


def test_the_alpha_test_cuts_the_texture_s_holes_and_shows_what_is_behind():
    cam = camera(64, 64, 60.0)
    quad = np.array([[-1.0, -1, 2], [1, -1, 3], [1, 1, 3], [-1, 1, 2]])
    positions = np.concatenate([quad, quad * 3])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    corners = np.array([[0.0, 1], [1, 1], [1, 0], [0, 0]])  # v upwards: the top of the picture is v = 1
    uv = np.full((4, 3, 2), np.nan)
    uv[:2] = corners[faces[:2]]
    texture = np.random.default_rng(1).integers(0, 256, (5, 7)).astype(np.uint8)
    found = rasterise(positions, faces, cam, alpha_test=AlphaTest(uv=uv, texture=texture, threshold=120))
    normal = np.array([-0.5, 0, 1])  # z = 2.5 + 0.5 x
    rays = pixel_rays(cam)
    depth = 2.5 / (rays @ normal)
    x, y = rays[..., 0] * depth, rays[..., 1] * depth
    on_quad = (np.abs(x) < 1) & (np.abs(y) < 1)
    column, row = (np.clip((axis + 1) / 2 * size, 0, size - 1).astype(int) for axis, size in ((x, 7), (y, 5)))
    opaque = on_quad & (texture[row, column] >= 120)
    assert 0.1 < (on_quad & ~opaque).mean() < 0.4
    np.testing.assert_array_equal((found.face >= 0) & (found.face < 2), opaque)
    np.testing.assert_allclose(found.depth[on_quad & ~opaque], 3 * depth[on_quad & ~opaque], rtol=1e-5)


def test_an_alpha_test_works_on_faces_that_the_near_plane_cuts():
    cam = camera(64, 64, 60.0)
    positions = np.array([[0.0, 0.3, -1.0], [-4.0, 0.3, 3.0], [4.0, 0.3, 3.0]])
    uv = np.array([[[0.5, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    texture = np.array([[255], [0]], np.uint8)  # opaque where v > 0.5: from z = 1 on
    found = rasterise(positions, np.array([[0, 1, 2]]), cam, alpha_test=AlphaTest(uv=uv, texture=texture))
    whole = rasterise(positions, np.array([[0, 1, 2]]), cam)
    np.testing.assert_array_equal(found.mask, whole.mask & (np.nan_to_num(whole.depth) > 1.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.full((3, 3), np.nan)}, "not finite"),
        ({"faces": np.array([[0, 1, 3]])}, "face indices 0..3"),
        ({"camera": Camera(width=9000, height=4, intrinsics=np.eye(3))}, "8192"),
        ({"near": 0.0}, "near plane at 0.0 m"),
        ({"alpha_test": AlphaTest(uv=np.zeros((2, 3, 2)), texture=np.zeros((1, 1), np.uint8))}, "uv for 2 faces"),
    ],
)
def test_what_cannot_be_drawn_is_named(change, message):
    given = {"positions": np.eye(3), "faces": np.array([[0, 1, 2]]), "camera": camera()} | change
    with pytest.raises(InputError, match=message):
        rasterise(given.pop("positions"), given.pop("faces"), given.pop("camera"), **given)


@pytest.mark.parametrize(("size", "goal_ms"), [(256, 2.5), (512, 6.0)])
def test_speed_is_told(size, goal_ms, record_property):
    positions, faces, _ = ball(100)
    cam = camera(size, size, focal=2.0 * size)
    rasterise(positions, faces, cam)
    spent = []
    for _ in range(5):
        start = time.process_time()
        rasterise(positions, faces, cam)
        spent.append(time.process_time() - start)
    record_property("ms", 1e3 * min(spent))
    print(f"{len(faces)} triangles at {size} px: {1e3 * min(spent):.2f} ms (goal {goal_ms} ms)")
