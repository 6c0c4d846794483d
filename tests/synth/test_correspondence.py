"""IUV of what is worn: the nearest skin of the template, as a slow search finds it, too."""

import numpy as np
import pytest

from hd_core.synth.atlas.anny24 import load_atlas, to_bytes
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.correspondence import _in_triangle, body_iuv, nearest_skin, surface_iuv
from hd_core.synth.raster.interpolate import interpolate
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

LOOK = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""World axes to those of a camera in front of the person."""


def before_the_template(offset_m=0.0):
    """Vertices in camera axes, swollen, and the camera, 2.5 m away."""
    atlas = load_atlas()
    swollen = atlas.vertices + offset_m * smooth_normals(atlas.vertices, atlas.faces)
    k = np.array([[260.0, 0, 64], [0, 260, 80], [0, 0, 1]])
    positions = (swollen @ LOOK.T + [0, 0.05, 2.5]).astype(np.float32)
    return positions, swollen, Camera(width=128, height=160, intrinsics=k)


@pytest.mark.parametrize("seed", range(5))
def test_no_place_of_a_triangle_is_nearer_than_the_one_that_is_found(seed):
    rng = np.random.default_rng(seed)
    a, b, c, point = rng.normal(size=(4, 3))
    point = point * 1.5
    v, w, square = _in_triangle(point, a, b, c)
    steps = np.linspace(0, 1, 301)
    second, third = np.meshgrid(steps, steps)
    inside = second + third <= 1
    grid = np.stack([1 - second - third, second, third], axis=-1)[inside] @ np.stack([a, b, c])
    nearest = np.linalg.norm(grid - point, axis=-1).min()
    assert 0 <= v <= 1 and 0 <= w <= 1 and v + w <= 1 + 1e-12
    np.testing.assert_allclose(np.linalg.norm((1 - v - w) * a + v * b + w * c - point), np.sqrt(square), atol=1e-9)
    assert nearest - 0.02 < np.sqrt(square) <= nearest + 1e-9


def test_the_template_itself_finds_the_very_point_that_is_seen():
    atlas = load_atlas()
    positions, _, camera = before_the_template()
    found = rasterise(positions, atlas.faces, camera)
    iuv = surface_iuv(found, atlas.faces, atlas.vertices, nearest_skin(atlas.vertices))
    seen = found.mask
    truth = to_bytes(*atlas.encode(found.face[seen], found.barycentric[seen].astype(float)))
    same = (iuv[seen][:, 0] == truth[:, 0]) & (np.abs(iuv[seen].astype(int) - truth).max(axis=1) <= 1)
    assert seen.mean() > 0.1
    assert same.mean() > 0.995  # on an edge between two parts either is right
    assert not iuv[~seen].any()


def test_what_is_worn_takes_the_skin_below_it():
    """A body swollen by 2 cm looks up itself: what is found is as near as a search of the 80 nearest faces says."""
    atlas = load_atlas()
    positions, swollen, camera = before_the_template(0.02)
    found = rasterise(positions, atlas.faces, camera)
    iuv = surface_iuv(found, atlas.faces, swollen, nearest_skin(swollen))
    seen = np.flatnonzero(found.mask.ravel() & (iuv[..., 0].ravel() > 0))
    points = interpolate(found, atlas.faces, swollen).reshape(-1, 3)[seen].astype(float)
    part, u, v = iuv.reshape(-1, 3)[seen].T
    reached = atlas.canonical_points(*atlas.decode(part, u / 255.0, v / 255.0))
    away = np.linalg.norm(reached - points, axis=-1)
    assert (iuv[found.mask][:, 0] > 0).mean() > 0.98
    middles = atlas.vertices[atlas.faces].mean(axis=1)
    for k in np.random.default_rng(0).choice(len(seen), 60, replace=False):
        near = np.linalg.norm(middles - points[k], axis=1).argsort()[:80]
        least = min(_in_triangle(points[k], *atlas.vertices[atlas.faces[f]].astype(float))[2] for f in near) ** 0.5
        assert away[k] < least + 0.004  # a chart's byte is some millimetres


def test_the_body_map_knows_nothing_of_clothes_and_agrees_with_bare_skin():
    atlas = load_atlas()
    positions, _, camera = before_the_template()
    whole = np.zeros((len(atlas.vertices), 3), np.float32)
    whole[: len(positions)] = positions
    iuv = body_iuv(whole, camera)
    found = rasterise(positions, atlas.faces, camera)
    truth = atlas.encode(found.face, found.barycentric.astype(float))[0]
    both = (iuv[..., 0] > 0) & (truth > 0)
    assert (iuv[..., 0] > 0).sum() == pytest.approx((truth > 0).sum(), rel=0.03)
    assert (iuv[..., 0] == truth)[both].mean() > 0.97
