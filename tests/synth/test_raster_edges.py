"""Smooth edges: samples are those of a finer picture, and pixels on edges take a share of every surface in them."""

import numpy as np
import pytest
from raster_scenes import average_samples, ball, camera, finer_camera, flat_camera, random_mesh

from hd_core.errors import InputError
from hd_core.synth.raster.coverage import sample_pixels
from hd_core.synth.raster.edges import edge_pixels, smooth_edges
from hd_core.synth.raster.interpolate import label_picture
from hd_core.synth.raster.zbuffer import rasterise


def smoothed(positions, faces, labels, colours, cam):
    """Every label in its own colour, smoothed; and the picture before."""
    found = rasterise(positions, faces, cam)
    seen = label_picture(found, labels, background=-1)
    samples = sample_pixels(positions, faces, cam, edge_pixels(found, seen, cam))
    plain = np.where(found.mask[..., None], colours[seen], 0.0)
    return smooth_edges(plain, found, seen, samples, labels, cam), plain, samples, found


@pytest.mark.parametrize("samples", [1, 2, 4])
def test_samples_show_what_a_finer_picture_shows(samples):
    cam = camera()
    positions, faces = random_mesh(np.random.default_rng(1), count=80)
    wanted = np.random.default_rng(2).random(cam.shape) < 0.4
    taken = sample_pixels(positions, faces, cam, wanted, samples=samples)
    fine = rasterise(positions, faces, finer_camera(cam, samples))
    blocks = (cam.height, samples, cam.width, samples)
    face = fine.face.reshape(blocks).swapaxes(1, 2)[wanted].reshape(-1, samples**2)
    depth = fine.depth.reshape(blocks).swapaxes(1, 2)[wanted].reshape(-1, samples**2)
    same = taken.face == face
    assert same.mean() > 0.999  # samples within 1/65536 px of an edge
    seen = same & (face >= 0)
    np.testing.assert_allclose(taken.depth[seen], depth[seen], rtol=1e-5)
    assert np.isinf(taken.depth[same & (face < 0)]).all()
    np.testing.assert_array_equal(taken.slot[wanted], np.arange(wanted.sum()))
    assert (taken.slot[~wanted] == -1).all()


def test_a_slanted_border_between_two_colours_is_mixed_by_area():
    cam = flat_camera(24)
    slope = 0.37  # the near half covers what is below y = 8 + slope x
    near = np.array([[-50.0, 8 - 50 * slope, 1], [90, 8 + 90 * slope, 1], [90, 200, 1], [-50, 200, 1]])
    far = np.array([[-50.0, -50, 1], [90, -50, 1], [90, 90, 1], [-50, 90, 1]]) * 3
    quads = np.array([[0, 1, 2], [0, 2, 3]])
    positions, faces = np.concatenate([near, far]), np.concatenate([quads, quads + 4])
    out, plain, _, _ = smoothed(positions, faces, np.array([0, 0, 1, 1]), np.array([[1.0], [0.2]]), cam)
    steps = (np.arange(24 * 32) + 0.5) / 32
    share = (steps[:, None] > 8 + slope * steps[None]).reshape(24, 32, 24, 32).mean(axis=(1, 3))
    expected = 0.2 + 0.8 * share
    assert np.abs(out[..., 0] - expected).max() < 0.06
    assert np.abs(plain[..., 0] - expected).max() > 0.3


def test_smooth_edges_come_close_to_many_shaded_samples():
    cam = camera()
    big, faces, _ = ball(30)
    small, more, _ = ball(20, radius=0.12, centre=(0.2, -0.1, 1.4))
    positions, faces = np.concatenate([big, small]), np.concatenate([faces, more + len(big)])
    labels = (positions[faces].mean(axis=1)[:, 1] > 0).astype(int) + 2 * (
        np.arange(len(faces)) >= len(faces) - len(more)
    )
    colours = np.array([[0.1, 0.9], [0.8, 0.3], [0.5, 0.1], [1.0, 1.0]])
    out, plain, _, found = smoothed(positions, faces, labels, colours, cam)
    fine_cam = finer_camera(cam, 4)
    fine = rasterise(positions, faces, fine_cam)
    seen = label_picture(fine, labels, background=-1)
    truth, _ = average_samples(colours[seen], fine.mask, 4)
    off, before = (np.abs(picture - truth)[found.mask].mean() for picture in (out, plain))
    assert off < 0.05 * before


def test_pixels_without_samples_keep_their_value_to_the_bit():
    cam = camera()
    positions, faces, _ = ball(30)
    found = rasterise(positions, faces, cam)
    label = np.zeros(cam.shape, int)
    samples = sample_pixels(positions, faces, cam, edge_pixels(found, label, cam))
    values = np.random.default_rng(3).random((*cam.shape, 3)).astype(np.float32)
    out = smooth_edges(values, found, label, samples, np.zeros(len(faces), int), cam)
    inside = samples.slot < 0
    np.testing.assert_array_equal(out[inside], values[inside])
    assert (inside & found.mask).mean() > 0.15
    assert (out[~inside & found.mask] != values[~inside & found.mask]).any()


def test_a_pixel_off_the_centre_s_mask_takes_the_colour_of_its_own_surface_not_of_the_other_one_beside_it():
    """Two strips of other colours; a pixel between them is covered by the left one's rim only."""
    cam = flat_camera(12)
    rectangle = np.array([[2.0, 0, 1], [5.3, 0, 1], [5.3, 12, 1], [2, 12, 1]])
    positions = np.concatenate([rectangle, rectangle + np.array([4.0, 0, 0])])
    quads = np.array([[0, 1, 2], [0, 2, 3]])
    labels = np.array([0, 0, 1, 1])
    out, _, samples, found = smoothed(
        positions, np.concatenate([quads, quads + 4]), labels, np.array([[1.0], [5.0]]), cam
    )
    assert not found.mask[:, 5].any()
    np.testing.assert_array_equal(out[:, 5], 1.0)
    np.testing.assert_allclose(samples.coverage(found.mask)[:, 5], 0.25)
    np.testing.assert_array_equal(samples.coverage(found.mask)[:, 3], 1.0)


def test_edges_are_found_at_outlines_labels_and_steps_and_nowhere_else():
    cam = flat_camera(20)
    square = np.array([[0.0, 0, 1], [10, 0, 1], [10, 20, 1], [0, 20, 1]])
    beside = square + np.array([10.0, 0, 0])
    quads = np.array([[0, 1, 2], [0, 2, 3]])
    for step, same in ((9.0, False), (1.5, True)):
        positions = np.concatenate([square, beside * step])
        found = rasterise(positions, np.concatenate([quads, quads + 4]), cam)
        edges = edge_pixels(found, np.zeros(cam.shape, int), cam)
        assert (edges[1:-1, 9:11] != same).all()
        assert not edges[1:-1, 2:8].any()
        labels = np.where(np.arange(20) < 5, 3, 4)[None].repeat(20, axis=0)
        between = edge_pixels(found, labels, cam)[1:-1, 1:9]
        np.testing.assert_array_equal(between, np.tile([False] * 3 + [True] * 2 + [False] * 3, (18, 1)))


def test_pixels_of_another_picture_are_refused():
    positions, faces, _ = ball(6)
    with pytest.raises(InputError, match=r"mask of \(2, 2\)"):
        sample_pixels(positions, faces, camera(), np.ones((2, 2), bool))
