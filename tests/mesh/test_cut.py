"""Where the mesh is cut, from pairs of pixels whose answer can be worked out by hand."""

import mesh_scenes
import numpy as np
import pytest

from hd_core.geometry.camera import pixel_rays
from hd_core.mesh.build import build_mesh
from hd_core.mesh.cut import Links, find_links, large_pieces, plane_step
from hd_core.mesh.lattice import make_lattice
from hd_core.mesh.measures import bridging
from hd_core.mesh.options import MeshOptions

FOOTPRINT = 2.0 / 100
"""Pixel size at 2 m with the focal length used here."""


def pair(step, *, slopes=(0.0, 0.0)):
    """Two pixels side by side at 2 m; slopes of their tangent planes in metres depth per metre sideways."""
    camera = mesh_scenes.camera_from_focal(2, 1, focal_px=100.0)
    normal = np.array([[[slope, 0.0, -1.0] for slope in slopes]])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return mesh_scenes.make_surface(camera, np.array([[2.0, 2.0 + step]]), normal)


def judged(surface, **options):
    links = find_links(surface, MeshOptions(**options))
    assert not (links.right & links.steep_right).any()
    return "joined" if links.right[0, 0] else "steep" if links.steep_right[0, 0] else "cut"


@pytest.mark.parametrize(
    ("step", "max_jump", "expected"),
    [(0.019, 0.01, "joined"), (0.021, 0.01, "cut"), (0.07, 0.04, "joined"), (0.079, 0.04, "cut")],
)
def test_a_step_between_frontal_pixels_is_cut_beyond_the_jump_or_the_grazing_limit(step, max_jump, expected):
    assert judged(pair(step), max_jump=max_jump) == expected
    assert judged(pair(-step), max_jump=max_jump) == expected


@pytest.mark.parametrize(
    ("angle", "expected"), [(45, "joined"), (72, "joined"), (78, "steep"), (81, "steep"), (84, "cut")]
)
def test_a_step_that_both_tangent_planes_predict_is_joined_up_to_the_grazing_limit(angle, expected):
    slope = np.tan(np.radians(angle))
    surface = pair(slope * FOOTPRINT, slopes=(slope, slope))
    assert judged(surface) == expected
    assert judged(pair(-slope * FOOTPRINT, slopes=(-slope, -slope))) == expected
    assert judged(surface, max_grazing_deg=85.0) == "joined"


def test_one_tangent_plane_alone_explains_nothing():
    step = 3 * FOOTPRINT
    assert judged(pair(step, slopes=(3.0, 3.0))) == "joined"
    assert judged(pair(step, slopes=(3.0, 0.0))) == "cut"
    assert judged(pair(step, slopes=(0.0, 3.0))) == "cut"
    assert judged(pair(step, slopes=(-3.0, 3.0))) == "cut"


def test_normals_never_cut_what_the_depth_joins():
    assert judged(pair(0.015, slopes=(-3.0, 5.0))) == "joined"
    assert judged(pair(0.0, slopes=(-30.0, 30.0))) == "joined"


def test_the_steepest_pixel_of_an_outline_may_predict_more_than_the_step():
    assert judged(pair(5 * FOOTPRINT, slopes=(3.0, 50.0)), max_jump=0.03) == "steep"


def test_a_steep_step_needs_both_planes_to_predict_a_third_of_it():
    assert judged(pair(4.5 * FOOTPRINT, slopes=(1.7, 50.0)), max_jump=0.05) == "steep"
    assert judged(pair(4.5 * FOOTPRINT, slopes=(1.3, 50.0)), max_jump=0.05) == "cut"


def test_the_tangent_plane_is_met_where_the_plane_equation_says():
    rng = np.random.default_rng(5)
    camera = mesh_scenes.square_camera(6, pixels_at_2m=1.0)
    rays = pixel_rays(camera).reshape(-1, 3)
    normal = rng.standard_normal((36, 3)) * 0.2 + [0, 0, -1]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    depth = rng.uniform(1, 3, 36)
    other = np.roll(rays, 1, axis=0)
    met = other * (depth + plane_step(depth, normal, rays, other))[:, None]
    assert np.abs(((met - rays * depth[:, None]) * normal).sum(axis=1)).max() < 1e-12


def test_a_plane_that_turns_away_is_met_at_infinity():
    ray, other = np.array([[0.0, 0, 1]]), np.array([[0.5, 0, 1]])
    normal = np.array([[0.9, 0, -0.1]]) / np.hypot(0.9, 0.1)
    assert plane_step(np.array([2.0]), normal, ray, other) == np.inf
    assert plane_step(np.array([2.0]), -normal, ray, other) == 0


def test_pixels_off_the_mask_are_linked_to_nothing():
    surface, _ = mesh_scenes.arm_scene(48)
    links = find_links(surface, MeshOptions())
    both = surface.mask[:, :-1] & surface.mask[:, 1:]
    assert not ((links.right | links.steep_right) & ~both).any()


def test_rims_of_two_surfaces_stay_apart_on_their_own_sides():
    step = 0.4 * FOOTPRINT
    surface = pair(step, slopes=(0.9, 0.0))  # this plane would reach beyond the other pixel
    assert judged(surface, max_jump=0.001) == "cut"
    view = mesh_scenes.make_view(surface.camera, np.ones((1, 2)))
    mesh, _ = build_mesh(surface, view, MeshOptions(min_island_px=1, max_jump=0.001))
    x = mesh.vertices[:, 0].astype(float) / mesh.vertices[:, 2] * 100 + 1
    y = mesh.vertices[:, 1].astype(float) / mesh.vertices[:, 2] * 100 + 0.5
    middle = np.sort(mesh.vertices[(np.abs(x - 1) < 1e-3) & (np.abs(y - 0.5) < 1e-3), 2])
    assert len(middle) == 2
    assert 2.0 < middle[0] <= 2.0 + 0.45 * step + 1e-6
    assert 2.0 + 0.55 * step - 1e-6 <= middle[1] <= 2.0 + step + 1e-6


def test_a_triangle_over_a_cut_is_counted_as_bridging():
    mask = np.ones((2, 2), bool)
    whole, none = (np.ones((2, 1), bool), np.ones((1, 2), bool)), np.zeros((2, 1), bool)
    owner = np.repeat(np.arange(4)[:, None], 4, axis=1)
    triangles = np.array([[0, 2, 3], [0, 3, 1]])
    counts = {}
    for name, right in (("all", whole[0]), ("top cut", np.array([[False], [True]])), ("split", none)):
        links = Links(right=right, down=whole[1], steep_right=none, steep_down=none.T)
        counts[name] = bridging(make_lattice(mask, links), owner, triangles)
    assert counts == {"all": 0, "top cut": 1, "split": 2}


def test_pieces_are_counted_along_links_not_along_touching_pixels():
    depth = np.full((6, 6), 2.0)
    depth[:, 3:] = 3.0
    depth[0, 0] = np.nan
    surface = mesh_scenes.make_surface(mesh_scenes.square_camera(6, pixels_at_2m=0.1), depth)
    links = find_links(surface, MeshOptions())
    kept, count = large_pieces(surface.mask, links, min_px=18)
    assert count == 1
    assert np.array_equal(kept, depth == 3.0)
    assert large_pieces(surface.mask, links, min_px=17)[1] == 2
