"""Constant topology over a clip in which an arm sweeps over a torso."""

import mesh_checks
import mesh_scenes
import numpy as np
import pytest

from hd_core.errors import InputError, UsageError
from hd_core.mesh.build import build_mesh
from hd_core.mesh.options import MeshOptions
from hd_core.mesh.topology import build_constant, full_cells, plan_topology

QUADS = MeshOptions(quads=True)


def frame(position):
    """An arm at another height, and after half the clip a torso that has jumped."""
    torso = mesh_scenes.ellipsoid((0.1 if position > 1 else -0.1, 0.1, 2.15), (0.2, 0.4, 0.15))
    arm = mesh_scenes.cylinder((0.0, 0.08 * position - 0.1, 1.71), (1.0, 0.3, 0.0), 0.04)
    return mesh_scenes.render(mesh_scenes.union(torso, arm), mesh_scenes.square_camera(80, pixels_at_2m=1.2), samples=4)


@pytest.fixture(scope="module")
def clip():
    return [frame(position) for position in range(4)]


@pytest.fixture(scope="module")
def topology(clip):
    return plan_topology(full_cells(surface, QUADS) for surface, _ in clip)


@pytest.mark.parametrize("quads", [True, False])
def test_faces_and_texture_places_are_the_same_bytes_in_every_frame(clip, topology, quads):
    meshes = [build_constant(s, v, topology, MeshOptions(quads=quads))[0] for s, v in clip]
    assert len({mesh.faces.tobytes() for mesh in meshes}) == 1
    assert len({mesh.uv.tobytes() for mesh in meshes}) == 1
    assert len({len(mesh.vertices) for mesh in meshes}) == 1
    assert meshes[0].faces.shape[1] == (4 if quads else 3)


def test_faces_are_either_on_the_surface_or_of_exactly_no_area(clip, topology):
    for surface, view in clip:
        mesh, measures = build_constant(surface, view, topology)
        corners = mesh.vertices[mesh.faces]
        shown = mesh.valid[mesh.faces].all(axis=1)
        assert (corners[~shown] == corners[~shown][:, :1]).all()
        assert (np.linalg.norm(mesh_checks.face_normals(mesh)[~shown], axis=1) == 0).all()
        assert (np.linalg.norm(mesh_checks.face_normals(mesh)[shown], axis=1) > 0).all()
        assert shown.sum() == measures["num_valid_faces"]
        assert (~shown).sum() > 0
        z = corners[..., 2]
        assert (z.max(axis=1) - z.min(axis=1)).max() < 0.125
        assert measures["bridging"] == 0
        assert measures["stretched_rate"] <= 0.001
        assert 0.8 < measures["coverage"] <= 1


def test_shown_faces_are_the_full_cells_of_the_varying_mesh(clip, topology):
    for surface, view in clip:
        constant, _ = build_constant(surface, view, topology, QUADS)
        varying, _ = build_mesh(surface, view, QUADS)
        num_pixels = len({tuple(v) for v in varying.vertices.tolist()} & _pixels(surface))
        real = varying.faces[(varying.faces >= 0).all(axis=1) & (varying.faces < num_pixels).all(axis=1)]
        cells = {frozenset(map(tuple, varying.vertices[face].tolist())) for face in real}
        shown = constant.faces[constant.valid[constant.faces].all(axis=1)]
        found = [frozenset(map(tuple, constant.vertices[face].tolist())) for face in shown]
        assert len(found) == len(set(found))
        assert set(found) <= cells
        assert len(found) > 0.95 * len(cells)  # the fixed diagonal costs cells near the grazing limit


def _pixels(surface):
    k, z = surface.camera.intrinsics, surface.depth[surface.mask].astype(np.float64)
    rows, columns = np.nonzero(surface.mask)
    points = np.stack([(columns + 0.5 - k[0, 2]) / k[0, 0] * z, (rows + 0.5 - k[1, 2]) / k[1, 1] * z, z], 1)
    return {tuple(p) for p in points.astype(np.float32).tolist()}


def test_collapsed_faces_stay_inside_the_surface_shown(clip, topology):
    for surface, view in clip:
        mesh, _ = build_constant(surface, view, topology)
        real = {tuple(v) for v in mesh.vertices[mesh.valid].tolist()}
        assert {tuple(v) for v in mesh.vertices[~mesh.valid].tolist()} <= real


def test_valid_vertices_project_onto_their_texture_place(clip, topology):
    surface, view = clip[0]
    mesh, _ = build_constant(surface, view, topology)
    place = mesh_checks.picture(surface.camera, mesh.vertices[mesh.valid]) / 80
    assert np.allclose(mesh.uv[mesh.valid], np.stack([place[:, 0], 1 - place[:, 1]], axis=1), atol=1e-6)


def test_a_still_clip_shares_every_vertex(clip):
    surface, view = clip[0]
    topology = plan_topology([full_cells(surface, QUADS)] * 3)
    assert not topology.own.any()
    mesh, _ = build_constant(surface, view, topology, QUADS)
    assert mesh.valid.all()
    assert len({tuple(v) for v in mesh.vertices.tolist()}) == len(mesh.vertices)


def test_cells_far_from_anything_shown_share_their_vertices_and_still_collapse():
    camera = mesh_scenes.square_camera(24, pixels_at_2m=0.2)
    frames = []
    for columns in (slice(1, 8), slice(14, 22)):
        depth = np.full((24, 24), np.nan)
        depth[4:20, columns] = 2.0
        view = mesh_scenes.make_view(camera, np.isfinite(depth).astype(float))
        frames.append((mesh_scenes.make_surface(camera, depth), view))
    topology = plan_topology(full_cells(surface, QUADS) for surface, _ in frames)
    assert not topology.own.any()
    for surface, view in frames:
        mesh, measures = build_constant(surface, view, topology, QUADS)
        hidden = mesh.vertices[~mesh.valid]
        assert len(hidden) > 0
        assert (hidden == hidden[0]).all()
        assert measures["bridging"] == 0


def test_a_frame_without_a_person_collapses_to_a_point(clip, topology):
    surface, _ = clip[0]
    nobody = mesh_scenes.make_surface(surface.camera, np.full((80, 80), np.nan))
    mesh, measures = build_constant(nobody, mesh_scenes.make_view(surface.camera, np.zeros((80, 80))), topology)
    assert not mesh.valid.any()
    assert (mesh.vertices == mesh.vertices[0]).all()
    assert measures["num_valid_faces"] == 0


def test_a_frame_that_was_not_planned_is_refused(clip):
    topology = plan_topology([full_cells(clip[0][0], QUADS)])
    with pytest.raises(InputError, match="not part of the topology's plan"):
        build_constant(*clip[2], topology)
    with pytest.raises(InputError, match="the topology is for 80 x 80"):
        build_constant(*mesh_scenes.arm_scene(64), topology)


def test_plans_without_frames_or_of_mixed_sizes_are_refused():
    with pytest.raises(InputError, match="No frame has a surface"):
        plan_topology([])
    with pytest.raises(InputError, match="No frame has a surface"):
        plan_topology([np.zeros((4, 4), bool)])
    with pytest.raises(InputError, match="expected one size"):
        plan_topology([np.ones((4, 4), bool), np.ones((4, 5), bool)])


@pytest.mark.parametrize("options", [MeshOptions(thickness_m=0.1), MeshOptions(keep_ratio=0.5)])
def test_options_that_change_the_faces_are_refused(clip, topology, options):
    with pytest.raises(UsageError, match="neither a back shell nor decimation"):
        build_constant(*clip[0], topology, options)


@pytest.mark.parametrize(("along", "shown"), [(1.0, False), (-1.0, True)])
def test_cells_whose_fixed_diagonal_would_be_stretched_are_not_shown(along, shown):
    camera = mesh_scenes.square_camera(16, pixels_at_2m=0.1)
    slope = np.tan(np.radians(74)) / np.sqrt(2)
    plane = mesh_scenes.plane(normal=(slope, along * slope, -1.0), distance=2 * np.cos(np.radians(74)))
    surface, _ = mesh_scenes.render(plane, camera, samples=1)
    assert full_cells(surface, MeshOptions()).all() == shown
    assert full_cells(surface, MeshOptions()).any() == shown
