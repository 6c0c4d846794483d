"""Laws that hold for any mask, any steps in depth, any normals."""

import mesh_checks
import mesh_scenes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hd_core.mesh.build import build_mesh
from hd_core.mesh.options import MeshOptions

GAP = 0.6
EVERYTHING = MeshOptions(min_island_px=1)
SCENES = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def scenes(draw):
    """Random mask, layers `GAP` apart with a little relief, random matte and normals."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    mask = rng.random((height, width)) < draw(st.sampled_from([0.3, 0.6, 0.9, 1.0]))
    layer = rng.integers(0, draw(st.integers(1, 3)), (height, width))
    relief = draw(st.sampled_from([0.0, 0.01, 0.05]))
    depth = np.where(mask, 2 + GAP * layer + relief * rng.standard_normal((height, width)), np.nan)
    tilt = draw(st.sampled_from([0.0, 0.5, 3.0]))
    normal = np.concatenate([tilt * rng.standard_normal((height, width, 2)), -np.ones((height, width, 1))], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    inside, outside = rng.uniform(0.5001, 1, mask.shape), rng.uniform(0, 0.5, mask.shape)
    alpha = np.where(mask, inside, outside) if draw(st.booleans()) else mask.astype(float)
    camera = mesh_scenes.camera_from_focal(width, height, focal_px=100.0)
    surface = mesh_scenes.make_surface(camera, depth, np.where(mask[..., None], normal, 0))
    return surface, mesh_scenes.make_view(camera, alpha)


@st.composite
def steep_scenes(draw):
    """A smooth height field with slopes far beyond the grazing limit, its true normals, a random mask."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    camera = mesh_scenes.camera_from_focal(14, 11, focal_px=100.0)
    x, y = np.meshgrid(np.arange(14.0), np.arange(11.0))
    amplitude = rng.uniform(0, 0.25, 2)
    wave, shift = rng.uniform(0.2, 0.8, 2), rng.uniform(0, 6, 2)
    depth = 2 + amplitude[0] * np.sin(wave[0] * x + shift[0]) + amplitude[1] * np.sin(wave[1] * y + shift[1])
    slope_x = amplitude[0] * wave[0] * np.cos(wave[0] * x + shift[0]) * 100 / 2
    slope_y = amplitude[1] * wave[1] * np.cos(wave[1] * y + shift[1]) * 100 / 2
    normal = np.stack([slope_x, slope_y, -np.ones_like(x)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    mask = rng.random(depth.shape) < draw(st.sampled_from([0.8, 0.95, 1.0]))
    surface = mesh_scenes.make_surface(camera, np.where(mask, depth, np.nan), np.where(mask[..., None], normal, 0))
    return surface, mesh_scenes.make_view(camera, mask.astype(float))


@SCENES
@given(st.one_of(scenes(), steep_scenes()), st.booleans())
def test_meshes_are_manifold_and_show_the_camera_their_front(scene, quads):
    mesh, measures = build_mesh(*scene, MeshOptions(min_island_px=1, quads=quads))
    assert mesh.faces.dtype == np.int32
    assert mesh.vertices.dtype == mesh.normals.dtype == mesh.uv.dtype == np.float32
    mesh_checks.assert_manifold(mesh)
    mesh_checks.assert_faces_the_camera(mesh)
    assert measures["bridging"] == 0
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)


@SCENES
@given(scenes())
def test_no_triangle_spans_a_step_in_depth(scene):
    mesh, _ = build_mesh(*scene, EVERYTHING)
    z = mesh.vertices[mesh_checks.triangles_of(mesh), 2]
    assert (z.max(axis=1) - z.min(axis=1)).max(initial=0) < GAP / 2


@SCENES
@given(st.one_of(scenes(), steep_scenes()))
def test_cutting_takes_nothing_away_in_the_picture(scene):
    surface, view = scene
    flat = mesh_scenes.make_surface(surface.camera, np.where(surface.mask, 2.0, np.nan))
    area = mesh_checks.area_in_picture(surface.camera, build_mesh(surface, view, EVERYTHING)[0])
    whole = mesh_checks.area_in_picture(surface.camera, build_mesh(flat, view, EVERYTHING)[0])
    assert area == pytest.approx(whole, abs=1e-3 * max(whole, 1))


@SCENES
@given(steep_scenes())
def test_hardly_any_edge_of_a_steep_smooth_surface_is_stretched(scene):
    surface, view = scene
    mesh, _ = build_mesh(surface, view, EVERYTHING)
    corner = mesh.vertices.astype(np.float64)[mesh_checks.triangles_of(mesh)]
    other = np.roll(corner, -1, axis=1)
    stretch = np.linalg.norm(corner - other, axis=2) * 100 / np.minimum(corner[..., 2], other[..., 2])
    assert (stretch.max(axis=1) > 4).mean() < 0.05
    assert stretch.max() < 8


@SCENES
@given(scenes(), st.floats(0.01, 0.3))
def test_a_closed_shell_is_watertight_whatever_the_outline(scene, thickness):
    open_mesh, _ = build_mesh(*scene, EVERYTHING)
    mesh, _ = build_mesh(*scene, MeshOptions(min_island_px=1, thickness_m=thickness))
    mesh_checks.assert_manifold(mesh, closed=True)
    assert len(mesh.vertices) == 2 * len(open_mesh.vertices)
    assert np.array_equal(mesh.faces[: len(open_mesh.faces)], open_mesh.faces)


@SCENES
@given(st.one_of(scenes(), steep_scenes()), st.floats(0.05, 1.0))
def test_decimation_leaves_a_manifold_with_the_same_area_in_the_picture(scene, keep):
    full, _ = build_mesh(*scene, EVERYTHING)
    less, _ = build_mesh(*scene, MeshOptions(min_island_px=1, keep_ratio=keep))
    mesh_checks.assert_manifold(less)
    mesh_checks.assert_faces_the_camera(less)
    camera = scene[0].camera
    assert mesh_checks.area_in_picture(camera, less) == pytest.approx(
        mesh_checks.area_in_picture(camera, full), rel=1e-4
    )
    assert len(less.faces) <= len(full.faces)
