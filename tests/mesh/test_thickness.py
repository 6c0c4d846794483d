"""The closed back shell, checked by trimesh."""

import mesh_checks
import mesh_scenes
import numpy as np
import pytest
import trimesh

from hd_core.mesh.build import build_mesh
from hd_core.mesh.options import MeshOptions


@pytest.mark.parametrize("quads", [False, True])
def test_a_shell_of_the_arm_scene_is_a_watertight_volume(quads):
    surface, view = mesh_scenes.arm_scene(96)
    mesh, _ = build_mesh(surface, view, MeshOptions(thickness_m=0.02, quads=quads))
    body = trimesh.Trimesh(mesh.vertices, mesh_checks.triangles_of(mesh), process=False)
    assert body.is_watertight
    assert body.is_winding_consistent
    assert all(part.volume > 0 for part in body.split(only_watertight=True))
    assert body.volume > 0


def test_the_volume_of_a_thickened_square_is_that_of_the_frustum():
    camera = mesh_scenes.square_camera(40, pixels_at_2m=0.8)
    depth = np.full((40, 40), np.nan)
    depth[10:30, 10:30] = 2.0
    surface, view = mesh_scenes.make_surface(camera, depth), mesh_scenes.make_view(camera, np.isfinite(depth))
    mesh, measures = build_mesh(surface, view, MeshOptions(thickness_m=0.1))
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).volume
    # integral of r² dr over the lines of sight, less the four corners of the outline
    u = (np.arange(200) - 99.5) / 1000
    length = np.sqrt(1 + u[:, None] ** 2 + u**2)
    truth = (((2 * length + 0.1) ** 3 - (2 * length) ** 3) / 3 / length**3).sum() * 1e-6
    assert measures["coverage"] == pytest.approx(399.5 / 400, rel=1e-6)
    assert solid == pytest.approx(truth * 399.5 / 400, rel=2e-4)


def test_the_back_is_behind_the_front_on_the_same_lines_of_sight_and_carries_its_colours():
    surface, view = mesh_scenes.arm_scene(64)
    mesh, _ = build_mesh(surface, view, MeshOptions(thickness_m=0.03))
    half = len(mesh.vertices) // 2
    front, back = mesh.vertices[:half].astype(np.float64), mesh.vertices[half:].astype(np.float64)
    apart = back - front
    assert np.allclose(np.linalg.norm(apart, axis=1), 0.03, atol=1e-6)
    assert np.allclose(np.cross(apart, front), 0, atol=1e-6)
    assert np.array_equal(mesh.uv[:half], mesh.uv[half:])
    assert np.array_equal(mesh.colours[:half], mesh.colours[half:])
    assert np.array_equal(mesh.normals[:half], -mesh.normals[half:])
