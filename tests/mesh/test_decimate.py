"""Decimation: outlines stay, flat parts merge, the reported error is the true one."""

import mesh_checks
import mesh_scenes
import numpy as np
import pytest

from hd_core.mesh.build import build_mesh
from hd_core.mesh.options import MeshOptions


@pytest.fixture(scope="module")
def arm():
    return mesh_scenes.arm_scene(128)


def outline(mesh):
    faces = mesh_checks.triangles_of(mesh)
    edges = [tuple(e) for e in np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()]
    there = set(edges)
    points = [tuple(p) for p in mesh.vertices.tolist()]
    return {(points[a], points[b]) for a, b in edges if (b, a) not in there}


@pytest.mark.parametrize("keep", [0.8, 0.6, 0.45])
def test_the_share_of_faces_asked_for_is_met_and_every_outline_edge_stays(arm, keep):
    full, _ = build_mesh(*arm)
    less, measures = build_mesh(*arm, MeshOptions(keep_ratio=keep))
    assert keep * len(full.faces) - 2 < len(less.faces) <= keep * len(full.faces)
    assert outline(less) == outline(full)
    assert measures["coverage"] >= 0.99
    assert measures["stretched_rate"] <= 0.001
    kept = {tuple(p) for p in full.vertices.tolist()}
    assert all(tuple(p) in kept for p in less.vertices.tolist())


def test_the_reported_error_is_the_distance_of_the_pixels_from_the_new_surface(arm):
    surface, view = arm
    mesh, measures = build_mesh(surface, view, MeshOptions(keep_ratio=0.4))
    z = mesh_checks.depth_at_pixels(surface.camera, mesh)
    full, _ = build_mesh(surface, view)
    kept = np.isfinite(z) & surface.mask
    assert kept.sum() >= 0.999 * surface.mask.sum()
    k = surface.camera.intrinsics
    columns, rows = np.meshgrid(np.arange(128) + 0.5, np.arange(128) + 0.5)
    rays = np.stack([(columns - k[0, 2]) / k[0, 0], (rows - k[1, 2]) / k[1, 1], np.ones_like(rows)], axis=-1)
    distance = np.abs(z - surface.depth) * np.abs((surface.normal * rays).sum(axis=-1))
    assert measures["decimation_max_m"] == pytest.approx(distance[kept].max(), rel=0.02)
    assert measures["decimation_rms_m"] == pytest.approx(np.sqrt((distance[kept] ** 2).mean()), rel=0.02)
    assert 0 < measures["decimation_max_m"] < 0.004  # under half a pixel footprint of 9.4 mm
    assert len(mesh.faces) < len(full.faces)


def test_fewer_faces_never_lie_closer_to_the_truth(arm):
    errors = [build_mesh(*arm, MeshOptions(keep_ratio=keep))[1]["decimation_rms_m"] for keep in (0.9, 0.6, 0.4, 0.3)]
    assert errors == sorted(errors)


def test_a_plane_keeps_its_place_with_an_eighth_of_its_faces():
    camera = mesh_scenes.square_camera(100, pixels_at_2m=1.0)
    normal = (0.3, -0.2, -1.0)
    surface, view = mesh_scenes.render(mesh_scenes.plane(normal=normal, distance=2.0), camera, samples=1)
    full, _ = build_mesh(surface, view)
    mesh, measures = build_mesh(surface, view, MeshOptions(keep_ratio=0.125))
    assert len(mesh.faces) <= 0.125 * len(full.faces)
    n = np.array(normal) / np.linalg.norm(normal)
    assert np.abs(mesh.vertices.astype(np.float64) @ n + 2.0).max() < 1e-6
    assert measures["decimation_max_m"] < 1e-6
    assert measures["stretched_rate"] == 0


def test_decimated_quads_are_the_same_surface_as_decimated_triangles(arm):
    triangles, _ = build_mesh(*arm, MeshOptions(keep_ratio=0.6))
    quads, _ = build_mesh(*arm, MeshOptions(keep_ratio=0.6, quads=True))
    assert np.array_equal(mesh_checks.triangles_of(quads), triangles.faces)
