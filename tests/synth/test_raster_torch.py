"""The torch rasteriser draws what the compiled one draws: the same faces everywhere, the same numbers."""

import numpy as np
import pytest
import torch
from raster_scenes import ball, camera, random_mesh

from hd_core.errors import InputError
from hd_core.synth.raster.fragments import AlphaTest
from hd_core.synth.raster.screen import to_screen
from hd_core.synth.raster.subdivide import subdivide
from hd_core.synth.raster.torch_screen import smooth_points
from hd_core.synth.raster.torch_zbuffer import rasterise_batch
from hd_core.synth.raster.zbuffer import rasterise


def both(positions, faces, cam, **options):
    test = options.pop("alpha_test", None)
    twin = rasterise_batch([torch.as_tensor(positions)], [torch.as_tensor(faces)], [cam], alpha_tests=[test], **options)
    options.pop("max_fragments", None)
    return rasterise(positions, faces, cam, alpha_test=test, **options), twin


def assert_same(plain, twin, entry=0):
    np.testing.assert_array_equal(plain.face, twin.face[entry].numpy())
    np.testing.assert_allclose(plain.depth, twin.depth[entry].numpy(), rtol=1e-6)
    np.testing.assert_allclose(plain.barycentric, twin.barycentric[entry].numpy(), atol=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_faces_are_equal_on_every_pixel_of_random_meshes(seed):
    rng = np.random.default_rng(seed)
    near = (-1.0, 0.1, 1.0)[seed % 3]
    positions, faces = random_mesh(rng, count=300, near=near)
    cuts = to_screen(positions.astype(float), faces, camera(), near=0.05).weights
    assert (len(cuts) > 20) == (near < 1)
    plain, twin = both(positions, faces, camera(), cull_back=bool(seed % 2))
    assert len(np.unique(plain.face)) > (8 if near < 1 else 30)
    assert_same(plain, twin)


def test_faces_are_equal_for_equal_depths_and_grid_aligned_corners():
    rng = np.random.default_rng(3)
    positions = np.concatenate([rng.integers(-20, 130, (200, 2)) / 2 + 0.5, np.full((200, 1), 1.0)], axis=1)
    cam = camera(64, 64)
    positions = np.linalg.solve(cam.intrinsics, positions.T).T
    plain, twin = both(positions, rng.integers(0, 200, (300, 3)), cam)
    assert_same(plain, twin)


@pytest.mark.parametrize("max_fragments", [1, 500, 1 << 22])
def test_working_in_portions_changes_nothing(max_fragments):
    positions, faces, _ = ball(16)
    plain, twin = both(positions, faces, camera(48, 40, 60.0), max_fragments=max_fragments)
    assert_same(plain, twin)


def test_holes_are_the_same():
    rng = np.random.default_rng(8)
    positions, faces = random_mesh(rng, count=200, near=-0.5)
    uv = rng.uniform(-0.2, 1.2, (200, 3, 2))
    uv[::3] = np.nan
    test = AlphaTest(uv=uv, texture=rng.integers(0, 256, (16, 9)).astype(np.uint8))
    plain, twin = both(positions, faces, camera(), alpha_test=test)
    solid = rasterise(positions, faces, camera())
    assert (solid.face != plain.face).mean() > 0.1
    assert_same(plain, twin)


def test_every_mesh_of_a_batch_is_drawn_as_if_alone():
    rng = np.random.default_rng(4)
    meshes = [random_mesh(rng, count=n, near=near) for n, near in ((50, 1.0), (120, -1.0), (1, 1.0), (80, 0.1))]
    meshes.append(ball(12)[:2])
    cams = [camera(96, 80, 60.0 + 15 * i) for i in range(len(meshes))]
    tests = [None] * len(meshes)
    tests[1] = AlphaTest(uv=rng.uniform(0, 1, (120, 3, 2)), texture=rng.integers(0, 256, (8, 8)).astype(np.uint8))
    twin = rasterise_batch(
        [torch.as_tensor(positions) for positions, _ in meshes],
        [torch.as_tensor(faces) for _, faces in meshes],
        cams,
        alpha_tests=tests,
        max_fragments=10_000,
    )
    for i, (positions, faces) in enumerate(meshes):
        assert_same(rasterise(positions, faces, cams[i], alpha_test=tests[i]), twin, i)


def test_the_smooth_surface_through_a_mesh_is_the_same_on_every_pixel():
    positions, faces, _ = ball(14)
    positions = (positions + np.random.default_rng(9).normal(scale=0.01, size=positions.shape)).astype(np.float32)
    finer = subdivide(faces, len(positions), levels=1)
    plain = rasterise(finer.apply(positions), finer.faces, camera())
    corners = smooth_points(finer, torch.as_tensor(positions))
    twin = rasterise_batch([corners], [torch.as_tensor(finer.faces)], [camera()])
    assert plain.mask.mean() > 0.2
    np.testing.assert_array_equal(plain.face, twin.face[0].numpy())
    np.testing.assert_array_equal(plain.depth, twin.depth[0].numpy())


def test_nothing_to_draw_gives_empty_pictures():
    twin = rasterise_batch([torch.eye(3)], [torch.zeros((0, 3), dtype=torch.int32)], [camera()])
    assert (twin.face == -1).all()
    assert torch.isnan(twin.depth).all()


def test_lists_and_pictures_that_disagree_are_named():
    mesh = [torch.eye(3)], [torch.tensor([[0, 1, 2]])]
    with pytest.raises(InputError, match=r"lists of \[1, 2\] entries"):
        rasterise_batch(*mesh, [camera(), camera()])
    with pytest.raises(InputError, match="different sizes"):
        rasterise_batch(mesh[0] * 2, mesh[1] * 2, [camera(), camera(50, 50)])
