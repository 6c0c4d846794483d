"""The depth bank of scenes whose outline and surface are known, and beside a twin that goes pixel by pixel."""

import bank_reading
import mesh_scenes
import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.geometry.camera import camera_from_focal, rays_through
from hd_core.geometry.crop import make_crop
from hd_core.mesh.bank import Bank, bank_frame, view_row
from hd_core.mesh.bank_rims import encode_rims
from hd_core.mesh.build import build_mesh
from hd_core.mesh.cut import find_links, large_pieces
from hd_core.mesh.options import MeshOptions
from hd_core.types import Box, Camera

Pixel = tuple[int, int]


def single(surface, view, options=None):
    """Pixels, values, quads of a clip of one frame."""
    bank = Bank(surface.mask.shape)
    bank.add(bank_frame(surface, view, options))
    assert (bank.kept(0) == 1).all()
    return bank.pixels, bank.depth(0), bank.quads


@pytest.fixture(scope="module")
def arm():
    return mesh_scenes.arm_scene(96)


@pytest.mark.parametrize("options", [MeshOptions(), MeshOptions(thickness_m=0.02, quads=True)])
def test_the_depth_of_kept_pixels_is_that_of_the_mesh_to_the_bit(arm, options):
    surface, view = arm
    mesh, _ = build_mesh(surface, view, options)
    _, values, _ = single(surface, view, options)
    depth = values[values > 0]
    assert len(depth) == find_kept(surface, options).sum()
    assert np.array_equal(depth, mesh.vertices[: len(depth), 2])


def test_rays_and_texture_coordinates_of_the_view_row_are_those_of_the_mesh():
    full = Camera(width=400, height=300, intrinsics=np.array([[310.0, 0, 190], [0, 325, 160], [0, 0, 1]]))
    crop = make_crop(full, Box(left=60.5, top=20.25, width=230.0, height=230.0), width=128, height=128)
    surface, view = mesh_scenes.render(mesh_scenes.ellipsoid((0.1, -0.1, 2.0), (0.3, 0.5, 0.2)), crop.camera)
    view = type(view)(rgb=view.rgb, alpha=view.alpha, crop=crop, frame_index=0, time_seconds=0.0)
    mesh, _ = build_mesh(surface, view)
    pixels, values, _ = single(surface, view)
    row = view_row(crop)
    kept = values > 0
    points = np.concatenate([pixels * row[:2] + row[2:4], np.ones((len(pixels), 1))], axis=1) * values[:, None]
    expected = mesh.vertices[: kept.sum()].astype(np.float64)
    error = np.linalg.norm(points[kept] - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert error.max() < 2e-7
    np.testing.assert_allclose((pixels * row[4:6] + row[6:8])[kept], mesh.uv[: kept.sum()], atol=1e-7)


def test_a_skewed_camera_is_refused():
    full = Camera(width=40, height=40, intrinsics=np.array([[50.0, 1, 20], [0, 50, 20], [0, 0, 1]]))
    with pytest.raises(InputError, match="skewed"):
        view_row(make_crop(full, Box(left=0.0, top=0.0, width=40.0, height=40.0), width=32, height=32))


def disc(size=96, radius=30.3, centre=(46.2, 49.7), slope=(0.4, -0.3)):
    """A tilted plane seen through a round matte whose edge is a ramp of two pixels; its true depth at a place."""
    camera = camera_from_focal(size, size, focal_px=1.4 * size)
    n = np.array([*slope, -1.0])
    n /= np.linalg.norm(n)

    def depth(x, y):
        return 2 * n[2] / (rays_through(camera, x, y) @ n)

    x, y = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    away = np.hypot(x - centre[0], y - centre[1])
    alpha = np.clip(0.5 + (radius - away) / 2, 0, 1)
    mask = alpha > 0.5
    surface = mesh_scenes.make_surface(camera, np.where(mask, depth(x, y), np.nan), np.where(mask[..., None], n, 0))
    return surface, mesh_scenes.make_view(camera, alpha), depth, np.array(centre), radius


def test_rims_of_a_disc_lie_on_its_circle_and_on_its_plane():
    surface, view, depth, centre, radius = disc()
    pixels, values, quads = single(surface, view)
    found = bank_reading.decode(pixels, values)
    rim = found.place[found.is_rim]
    away = np.hypot(*(rim - centre).T)
    straight = found.direction[found.is_rim] % 2 == 0
    assert np.abs(away - radius)[straight].max() < 1 / 16 + 0.01  # half a step
    assert np.abs(away - radius)[~straight].max() < np.sqrt(2) / 16 + 0.02
    assert 0.2 < straight.mean() < 1
    exact = depth(rim[:, 0], rim[:, 1])
    assert np.abs(found.depth[found.is_rim] - exact).max() < 64 * 2**-19 + 1e-6  # the packing keeps 2**-19 of 64 m
    assert len(np.unique(quads)) == len(pixels)


def test_the_area_of_a_disc_is_filled_to_a_hundredth():
    surface, view, _, centre, radius = disc()
    pixels, values, quads = single(surface, view)
    hit = bank_reading.filled(bank_reading.decode(pixels, values).place, quads, 96, 8)
    at = (np.arange(96 * 8) + 0.5) / 8
    true = np.hypot(at[None] - centre[0], at[:, None] - centre[1]) < radius
    assert bank_reading.overlap(hit, true) > 0.99


def test_a_rim_reaches_no_further_in_depth_than_three_point_seven_footprints():
    flat, view, *_ = disc(slope=(0.0, 0.0))
    normal = np.where(flat.mask[..., None], np.array([30.0, 0.0, -1.0]) / np.hypot(30, 1), 0)  # 88 degrees
    surface = mesh_scenes.make_surface(flat.camera, flat.depth, normal)
    pixels, values, _ = single(surface, view)
    found = bank_reading.decode(pixels, values)
    owner = np.round(found.place - 0.5 - found.share[:, None] * np.array(bank_reading.STEPS)[found.direction])
    owner = (owner + np.array(bank_reading.STEPS)[found.direction])[found.is_rim].astype(int)
    z = surface.depth[owner[:, 1], owner[:, 0]]
    steps = np.abs(found.depth[found.is_rim] - z) / (z / surface.camera.intrinsics[0, 0])
    assert steps.max() == pytest.approx(3.7, abs=0.02)


def test_the_silhouette_of_a_body_without_steps_is_the_mattes():
    body = mesh_scenes.union(mesh_scenes.TORSO, mesh_scenes.ellipsoid((0.02, -0.1, 2.15), (0.55, 0.06, 0.06)))
    surface, view = mesh_scenes.render(body, mesh_scenes.square_camera(128, pixels_at_2m=1.4), samples=4)
    pixels, values, quads = single(surface, view)
    hit = bank_reading.filled(bank_reading.decode(pixels, values).place, quads, 128, 4)
    assert bank_reading.overlap(hit, bank_reading.inside_contour(view.alpha, 4)) > 0.985


def test_a_step_inside_the_matte_leaves_a_gap_of_a_pixel_and_there_is_no_other(arm):
    surface, view = arm
    pixels, values, quads = single(surface, view)
    hit = bank_reading.filled(bank_reading.decode(pixels, values).place, quads, 96, 4)
    missing = bank_reading.inside_contour(view.alpha, 4) & ~hit
    links = find_links(surface, MeshOptions())
    cut = np.zeros(surface.mask.shape, bool)
    cut[:, :-1] |= surface.mask[:, :-1] & surface.mask[:, 1:] & ~(links.right | links.steep_right)
    cut[:-1] |= surface.mask[:-1] & surface.mask[1:] & ~(links.down | links.steep_down)
    row, column = np.nonzero(missing)
    at = np.stack([column, row], axis=1)[:, None] / 4 - np.argwhere(cut)[None, :, ::-1] - 0.5
    far = np.abs(at).max(axis=2).min(axis=1) > 1.5
    assert missing.sum() > 100  # the gap along both sides of the arm
    assert far.sum() < 0.01 * hit.sum()


def test_quads_are_cells_and_turn_counter_clockwise_for_the_camera(arm):
    pixels, _, quads = single(*arm)
    offsets = pixels[quads] - pixels[quads[:, :1]]
    assert (offsets == [[0, 0], [0, 1], [1, 1], [1, 0]]).all()
    order = np.lexsort((pixels[quads[:, 0], 0], pixels[quads[:, 0], 1]))
    assert (order == np.arange(len(quads))).all()
    assert (np.lexsort((pixels[:, 0], pixels[:, 1])) == np.arange(len(pixels))).all()


def find_kept(surface, options):
    links = find_links(surface, options)
    return large_pieces(surface.mask, links, min_px=options.min_island_px)[0]


def joined_pairs(surface, kept, options):
    """Pairs of kept pixels that lie on one surface."""
    links = find_links(surface, options)
    pairs = set()
    for grid, steep, dx, dy in (
        (links.right, links.steep_right, 1, 0),
        (links.down, links.steep_down, 0, 1),
    ):
        for y, x in np.argwhere(grid | steep).tolist():
            if kept[y, x] and kept[y + dy, x + dx]:
                pairs |= {((x, y), (x + dx, y + dy)), ((x + dx, y + dy), (x, y))}
    return pairs


def reached(start: Pixel, allowed: set[Pixel], pairs: set[tuple[Pixel, Pixel]]) -> set[Pixel]:
    """Pixels of `allowed` that a walk over pairs reaches."""
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        new = {other for other in allowed - seen if (here, other) in pairs}
        seen |= new
        todo += new
    return seen


def slow_cells(surface, options):
    """Top left corners of the cells that are to be drawn, by the words of docs/bank.md."""
    mask = find_kept(surface, options)
    pairs = joined_pairs(surface, mask, options)
    height, width = mask.shape
    kept = {(x, y) for y, x in np.argwhere(mask).tolist()}
    found = set()
    for y in range(height - 1):
        for x in range(width - 1):
            corners = [(x, y), (x, y + 1), (x + 1, y + 1), (x + 1, y)]
            on = set(corners) & kept
            if not on or reached(min(on), on, pairs) != on:
                continue
            sides = zip(corners, corners[1:] + corners[:1], strict=True)
            if any(a in on and b in on and (a, b) not in pairs for a, b in sides):
                continue
            if all(on <= surface_of_rim(corner, kept, pairs) for corner in set(corners) - on):
                found.add((x, y))
    return found


def surface_of_rim(pixel: Pixel, kept: set[Pixel], pairs) -> set[Pixel]:
    """Kept pixels around a rim that a walk around it reaches from its owner."""
    x, y = pixel
    ring = {(x + dx, y + dy) for dx, dy in bank_reading.STEPS} & kept
    steps = bank_reading.STEPS[::2] + bank_reading.STEPS[1::2]
    owner = next((x + dx, y + dy) for dx, dy in steps if (x + dx, y + dy) in kept)
    return reached(owner, ring, pairs)


def torn_scene(seed):
    """Blobs at several depths with steep and ragged parts."""
    rng = np.random.default_rng(seed)
    size = 28
    rough = rng.normal(size=(8, 8)).repeat(4, axis=0).repeat(4, axis=1)[:size, :size]
    fine = rng.normal(size=(size, size))
    depth = 2 + 0.03 * np.round(rough) + 0.004 * fine
    depth[(rng.random((size, size)) < 0.12) | (rough + 0.3 * fine < -0.7)] = np.nan
    mask = np.isfinite(depth)
    normal = np.stack([0.5 * fine, 0.5 * np.roll(fine, 1), np.full_like(fine, -1)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    surface = mesh_scenes.make_surface(camera_from_focal(size, size, focal_px=300.0), depth, normal * mask[..., None])
    return surface, mesh_scenes.make_view(surface.camera, np.where(mask, 0.9, 0.2 * rng.random((size, size))))


@pytest.mark.parametrize("seed", range(6))
def test_drawn_cells_are_those_of_a_twin_that_walks_from_pixel_to_pixel(seed):
    surface, view = torn_scene(seed)
    options = MeshOptions(min_island_px=3)
    frame = bank_frame(surface, view, options)
    drawn = {(x, y) for y, x in np.argwhere(frame.cells).tolist()}
    assert drawn == slow_cells(surface, options)
    kept = find_kept(surface, options)
    around = np.pad(kept, 1)
    touched = np.any([around[1 + dy :, 1 + dx :][:28, :28] for dx, dy in [(-1, -1), *bank_reading.STEPS]], axis=0)
    assert np.array_equal(frame.value > 0, kept)
    assert np.array_equal(frame.value < 0, touched & ~kept)


@pytest.mark.parametrize("seed", range(6))
def test_no_drawn_quad_touches_two_surfaces(seed):
    """Every kept pixel that a quad's corners stand for can be walked to from every other, around the quad."""
    surface, view = torn_scene(seed)
    options = MeshOptions(min_island_px=1)
    pairs = joined_pairs(surface, find_kept(surface, options), options)
    pixels, values, quads = single(surface, view, options)
    found = bank_reading.decode(pixels, values)
    for quad in quads.tolist():
        owners = set()
        for corner in quad:
            x, y = pixels[corner].tolist()
            dx, dy = bank_reading.STEPS[found.direction[corner]] if found.is_rim[corner] else (0, 0)
            owners.add((x + dx, y + dy))
        x, y = pixels[quad[0]].tolist()
        allowed = {(x + i, y + j) for i in range(-1, 3) for j in range(-1, 3)}
        assert owners <= reached(min(owners), allowed, pairs)


def test_a_one_pixel_gap_between_two_surfaces_stays_open():
    depth = np.full((12, 12), np.nan)
    depth[2:10, 2:5], depth[2:10, 6:9] = 2.0, 2.0
    surface = mesh_scenes.make_surface(camera_from_focal(12, 12, focal_px=15.0), depth)
    pixels, _, quads = single(surface, mesh_scenes.make_view(surface.camera, np.isfinite(depth).astype(float)))
    columns = pixels[quads, 0]
    left, right = (columns <= 4).any(axis=1), (columns >= 6).any(axis=1)
    in_the_gap = (columns == 5).any(axis=1) & (pixels[quads, 1] > 2).all(axis=1) & (pixels[quads, 1] < 9).all(axis=1)
    assert (left ^ right)[in_the_gap].all()
    assert not (left & in_the_gap).any()  # the rim in the gap continues the pixel to its right


def test_normals_of_rims_are_their_owners(arm):
    surface, view = arm
    frame = bank_frame(surface, view)
    kept = frame.value > 0
    assert np.array_equal(frame.normal[kept], surface.normal[kept])
    row, column = np.nonzero(frame.value < 0)
    code = -frame.value[row, column].astype(np.float64)
    step = np.array(bank_reading.STEPS)[code.astype(int) % 8]
    assert np.array_equal(frame.normal[row, column], surface.normal[row + step[:, 1], column + step[:, 0]])
    assert not frame.normal[frame.value == 0].any()


def test_all_codes_of_rims_come_back():
    code = np.arange(64)
    for z in (0.01, 2.345, 63.99):
        packed = encode_rims(code % 8, code // 8, np.full(64, z))
        found = bank_reading.decode(np.zeros((64, 2), np.int32), packed)
        assert np.array_equal(found.direction, code % 8)
        assert np.array_equal(found.share, (code // 8 + 0.5) / 8)
        assert np.abs(found.depth - z).max() <= 64 * 2**-19
    assert not encode_rims(code % 8, code // 8, np.full(64, 64.0)).any()


def test_beyond_64_metres_the_person_is_there_without_rims():
    surface, view, *_ = disc()
    far = mesh_scenes.make_surface(surface.camera, surface.depth * 40, surface.normal)
    pixels, values, quads = single(far, view)
    assert (values > 0).all()
    assert len(quads) > 0.9 * surface.mask.sum()
    assert surface.mask[pixels[:, 1], pixels[:, 0]].all()


def test_the_union_of_frames_gives_every_frame_back():
    frames = [bank_frame(*torn_scene(seed)) for seed in range(5)] * 6
    frames[4] = frames[25] = None
    bank = Bank((28, 28))
    for frame in frames:
        bank.add(frame)
    pixels, quads = bank.pixels, bank.quads
    assert len(bank) == len(frames) == 30
    for position, frame in enumerate(frames):
        value, cells = np.zeros((28, 28), np.float32), np.zeros((27, 27), bool)
        value[pixels[:, 1], pixels[:, 0]] = bank.depth(position)
        corner = pixels[quads[:, 0]]
        cells[corner[:, 1], corner[:, 0]] = bank.kept(position // 24) >> (position % 24) & 1
        assert np.array_equal(value, np.zeros_like(value) if frame is None else frame.value)
        assert np.array_equal(cells, np.zeros_like(cells) if frame is None else frame.cells)
    shown = [frame for frame in frames if frame is not None]
    assert len(pixels) == np.any([frame.value != 0 for frame in shown], axis=0).sum()
    assert len(quads) == np.any([frame.cells for frame in shown], axis=0).sum()
    assert bank.kept(0).max() < 2**24


def test_frames_of_two_sizes_are_refused():
    bank = Bank((28, 28))
    with pytest.raises(InputError, match="as before"):
        bank.add(bank_frame(*mesh_scenes.arm_scene(32)))
