"""Interpolated attributes, labels, coverage and averaged samples."""

import numpy as np
import pytest
from raster_scenes import average_samples, ball, camera, finer_camera, flat_camera, random_mesh

from hd_core.errors import InputError
from hd_core.geometry.camera import pixel_rays, project, unproject
from hd_core.synth.raster.coverage import extend_to_outline, sample_pixels
from hd_core.synth.raster.edges import edge_pixels
from hd_core.synth.raster.fragments import AlphaTest
from hd_core.synth.raster.interpolate import face_labels, interpolate, interpolate_corners, label_picture
from hd_core.synth.raster.zbuffer import rasterise


def soft_mask(positions, faces, cam, **options):
    """Samples in every pixel."""
    everywhere, nowhere = np.ones(cam.shape, bool), np.zeros(cam.shape, bool)
    return sample_pixels(positions, faces, cam, everywhere, **options).coverage(nowhere)


@pytest.fixture(scope="module")
def scene():
    cam = camera()
    positions, faces = random_mesh(np.random.default_rng(1), count=60)
    return cam, positions, faces, rasterise(positions, faces, cam)


def test_interpolated_positions_are_the_points_under_the_pixels(scene):
    cam, positions, faces, found = scene
    points = interpolate(found, faces, positions)
    expected = unproject(cam, found.depth.astype(float))
    np.testing.assert_allclose(points[found.mask], expected[found.mask], atol=2e-5)
    assert (points[~found.mask] == 0).all()


def test_interpolation_is_the_weighted_sum_of_the_corners(scene):
    _, positions, faces, found = scene
    values = np.random.default_rng(0).normal(size=(len(positions), 5))
    seen = found.mask
    expected = np.einsum("pi,pik->pk", found.barycentric[seen].astype(float), values[faces[found.face[seen]]])
    np.testing.assert_allclose(interpolate(found, faces, values)[seen], expected, atol=1e-6)


def test_corner_attributes_that_agree_equal_vertex_attributes(scene):
    _, positions, faces, found = scene
    np.testing.assert_allclose(
        interpolate_corners(found, positions[faces]), interpolate(found, faces, positions), atol=1e-6
    )


def test_corner_attributes_keep_both_sides_of_a_seam_apart():
    positions = np.array([[0.0, 0, 1], [8, 0, 1], [8, 8, 1], [0, 8, 1]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    corners = np.stack([np.full((3, 1), 0.25), np.full((3, 1), 0.75)])
    found = rasterise(positions, faces, flat_camera(8))
    picture = interpolate_corners(found, corners)[..., 0]
    np.testing.assert_array_equal(picture, np.where(found.face == 0, np.float32(0.25), np.float32(0.75)))


def test_normals_of_a_ball_are_those_of_the_sphere():
    cam = camera(200, 180, 330.0)
    positions, faces, normals = ball(90)
    found = rasterise(positions, faces, cam)
    normal = interpolate(found, faces, normals)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    centre, rays = np.array([0.06, -0.04, 2.0]), pixel_rays(cam)
    along, square = rays @ centre, (rays**2).sum(-1)
    root = along**2 - square * (centre @ centre - 0.16)
    inner = found.mask & (root > 0.01)
    truth = (rays * ((along - np.sqrt(np.abs(root))) / square)[..., None] - centre) / 0.4
    angle = np.degrees(np.arccos(np.clip((normal * truth).sum(-1), -1, 1)))
    assert inner.mean() > 0.3
    assert angle[inner].max() < 0.25  # facets are 2 degrees wide
    assert angle[inner].mean() < 0.03


def test_a_face_takes_the_label_of_most_of_its_corners():
    labels = np.array([7, 7, 3, 5, 3])
    faces = np.array([[0, 1, 2], [2, 0, 1], [0, 2, 1], [0, 2, 3], [0, 2, 4], [2, 2, 4]])
    np.testing.assert_array_equal(face_labels(faces, labels), [7, 7, 7, 7, 3, 3])


def test_labels_are_shown_where_their_faces_are(scene):
    _, _, faces, found = scene
    labels = np.arange(len(faces)) % 24 + 1
    picture = label_picture(found, labels, background=-5)
    assert all(picture[p] == (labels[found.face[p]] if found.face[p] >= 0 else -5) for p in np.ndindex(picture.shape))


def test_attributes_of_too_few_faces_or_vertices_are_named(scene):
    _, positions, faces, found = scene
    with pytest.raises(InputError, match="values for 3 faces"):
        interpolate(found, faces[:3], positions)
    with pytest.raises(InputError, match="values for 3 faces"):
        label_picture(found, np.zeros(3, int))
    with pytest.raises(InputError, match="4 rows of attributes"):
        interpolate(found, faces, positions[:4])


@pytest.mark.parametrize("samples", [1, 2, 4, 8])
def test_coverage_is_the_share_of_covered_pixels_of_a_finer_picture(samples, scene):
    cam, positions, faces, _ = scene
    alpha = soft_mask(positions, faces, cam, samples=samples)
    fine = rasterise(positions, faces, finer_camera(cam, samples)).mask
    _, expected = average_samples(np.ones((*fine.shape, 1)), fine, samples)
    differ = np.abs(alpha - expected)
    assert (differ * samples**2).max() <= 1.001  # samples within 1/65536 px of an edge
    assert (differ > 0).mean() < 1e-3
    assert samples == 1 or len(np.unique(alpha)) > samples


def test_coverage_with_holes_is_that_of_a_finer_picture(scene):
    cam, positions, faces, _ = scene
    rng = np.random.default_rng(3)
    uv = rng.uniform(size=(len(faces), 3, 2))
    holes = AlphaTest(uv=uv, texture=rng.integers(0, 256, (6, 6)).astype(np.uint8))
    alpha = soft_mask(positions, faces, cam, samples=4, alpha_test=holes)
    fine = rasterise(positions, faces, finer_camera(cam, 4), alpha_test=holes).mask
    _, expected = average_samples(np.ones((*fine.shape, 1)), fine, 4)
    assert np.abs(alpha - soft_mask(positions, faces, cam, samples=4)).mean() > 0.05
    assert (alpha != expected).mean() < 2e-3


def test_only_pixels_near_the_outline_need_samples():
    cam = camera()
    positions, faces, _ = ball(40)
    found = rasterise(positions, faces, cam)
    plain = soft_mask(positions, faces, cam)
    near = edge_pixels(found, np.zeros(cam.shape, int), cam)
    assert near.mean() < 0.5
    for cull_back in (False, True):
        taken = sample_pixels(positions, faces, cam, near, cull_back=cull_back)
        np.testing.assert_array_equal(taken.coverage(found.mask), plain)


def test_coverage_of_a_slanted_half_plane_is_its_area_in_the_pixel():
    slope = 0.3  # everything below y = 4 + 0.3 x
    positions = np.array([[-90.0, 4 - 27, 1], [90, 4 + 27, 1], [90, 300, 1], [-90, 300, 1]])
    alpha = soft_mask(positions, np.array([[0, 1, 2], [0, 2, 3]]), flat_camera(16), samples=8)
    steps = (np.arange(16 * 64) + 0.5) / 64
    inside = steps[:, None] > 4 + slope * steps[None]
    area = inside.reshape(16, 64, 16, 64).mean(axis=(1, 3))
    assert np.abs(alpha - area).max() < 0.035
    assert alpha.sum() == pytest.approx(area.sum(), abs=0.05)


def test_the_summed_coverage_of_a_ball_is_the_area_of_its_silhouette():
    cam = camera(100, 90, 150.0)
    positions, faces, _ = ball(100)
    centre = np.array([0.06, -0.04, 2.0])
    k = np.linalg.inv(cam.intrinsics)
    conic = k.T @ (np.outer(centre, centre) - (centre @ centre - 0.16) * np.eye(3)) @ k
    area = np.pi * abs(np.linalg.det(conic)) / np.linalg.det(conic[:2, :2]) ** 1.5
    assert soft_mask(positions, faces, cam, samples=8).sum() == pytest.approx(area, rel=1e-3)


def test_a_finer_camera_sees_the_same_points_n_times_farther_from_the_corner():
    cam, points = camera(), np.random.default_rng(0).normal(size=(9, 3)) + np.array([0, 0, 5])
    np.testing.assert_allclose(project(finer_camera(cam, 4), points), 4 * project(cam, points))


def test_outline_pixels_take_the_mean_of_their_nearest_neighbours():
    values = np.zeros((5, 6, 2))
    values[2, 1], values[3, 1] = [1.0, 10], [3.0, 30]
    mask = np.zeros((5, 6), bool)
    mask[2:4, 1] = True
    alpha = np.zeros((5, 6))
    alpha[2, 2] = alpha[1, 0] = alpha[2, 4] = 0.5
    out = extend_to_outline(values, mask, alpha)
    np.testing.assert_array_equal(out[2, 2], [2, 20])
    np.testing.assert_array_equal(out[1, 0], [1, 10])
    np.testing.assert_array_equal(out[2, 4], [2, 20])  # two rings away
    np.testing.assert_array_equal(out[mask], values[mask])
    assert (out[~mask & (alpha == 0)] == 0).all()
    assert (extend_to_outline(values, np.zeros_like(mask), alpha) == 0).all()


def test_numbers_of_samples_that_do_not_fit_a_grid_are_named(scene):
    cam, positions, faces, _ = scene
    with pytest.raises(InputError, match="3 samples per side"):
        soft_mask(positions, faces, cam, samples=3)
