"""The published program's files: read as published, written as published, and its own sample as the judge."""

from dataclasses import replace

import numpy as np
import pytest
from person_helpers import SHARED_DATA
from PIL import Image

from hd_core.errors import InputError
from hd_core.predict.compat.files import (
    Case,
    case_names,
    hot_colours,
    mesh_cells,
    read_case,
    read_results,
    results_picture,
    write_outputs,
)
from hd_core.predict.compat.folder import compare

SAMPLE = SHARED_DATA / "hdnet_0043"
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason="no hdnet_0043 in the shared data; set HD_SHARED_DATA")


def case_of(size=32, seed=2):
    rng = np.random.default_rng(seed)
    mask = np.zeros((size, size), bool)
    mask[4:-4, 6:-5] = True
    return Case(
        name="a",
        rgb=rng.integers(0, 256, (size, size, 3), np.uint8),
        mask=mask,
        densepose=rng.integers(0, 256, (size, size, 3), np.uint8),
    )


def maps_of(case, seed=3):
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(*case.mask.shape, 3)) - [0, 0, 4]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    depth = 4 + rng.uniform(-0.4, 0.4, case.mask.shape)
    return (depth * case.mask).astype(np.float32), (normal * case.mask[..., None]).astype(np.float32)


def save(folder, case):
    Image.fromarray(case.rgb).save(folder / f"{case.name}_img.png")
    Image.fromarray((case.mask * 255).astype(np.uint8)).save(folder / f"{case.name}_mask.png")
    Image.fromarray(case.densepose).save(folder / f"{case.name}_dp.png")


def test_a_name_counts_if_all_three_pictures_are_there(tmp_path):
    save(tmp_path, case_of())
    save(tmp_path, replace(case_of(), name="b"))
    (tmp_path / "b_dp.png").unlink()
    assert case_names(tmp_path) == ["a"]
    (tmp_path / "a_mask.png").unlink()
    with pytest.raises(InputError, match="of one name"):
        case_names(tmp_path)


def test_a_case_is_read_as_it_is_stored_and_the_person_is_over_100(tmp_path):
    case = case_of()
    save(tmp_path, case)
    grey = np.where(case.mask, 101, 100).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a_mask.png")
    found = read_case(tmp_path, "a")
    assert np.array_equal(found.rgb, case.rgb) and np.array_equal(found.densepose, case.densepose)
    assert np.array_equal(found.mask, case.mask)


def test_alpha_other_sizes_and_odd_sizes_are_refused(tmp_path):
    save(tmp_path, case_of())
    Image.fromarray(np.zeros((32, 32, 4), np.uint8)).save(tmp_path / "a_img.png")
    with pytest.raises(InputError, match="no alpha"):
        read_case(tmp_path, "a")
    save(tmp_path, case_of())
    Image.fromarray(np.zeros((32, 16), np.uint8)).save(tmp_path / "a_mask.png")
    with pytest.raises(InputError, match="one size"):
        read_case(tmp_path, "a")
    save(tmp_path, case_of(size=40))
    with pytest.raises(InputError, match="multiples of 16"):
        read_case(tmp_path, "a")


def test_texts_hold_rows_of_five_decimals(tmp_path):
    case = case_of()
    depth, normal = maps_of(case)
    paths = write_outputs(tmp_path, case, depth, normal)
    assert [path.name for path in paths] == [
        "a.txt",
        "a_normal_1.txt",
        "a_normal_2.txt",
        "a_normal_3.txt",
        "a_mesh.obj",
        "a_results.png",
    ]
    assert np.abs(np.loadtxt(paths[0]) - depth).max() <= 5.1e-6
    for axis in range(3):
        assert np.abs(np.loadtxt(paths[1 + axis]) - normal[..., axis]).max() <= 5.1e-6
    first = paths[0].read_text().splitlines()[4].split(" ")
    assert len(first) == 32 and first[0] == "0.00000" and len(first[10]) == 7


def test_the_mesh_has_all_pixels_as_row_column_depth_and_faces_towards_smaller_depth(tmp_path):
    case = case_of()
    depth = (4 + 0.01 * np.arange(32)[:, None] + np.zeros((32, 32))).astype(np.float32)
    lines = write_outputs(tmp_path, case, depth, maps_of(case)[1])[4].read_text().splitlines()
    vertices = np.array([line.split()[1:] for line in lines if line.startswith("v ")], float)
    faces = np.array([line.split()[1:] for line in lines if line.startswith("f ")], int) - 1
    assert vertices.shape == (1024, 3)
    assert vertices[32 * 5 + 7] == pytest.approx([2 * 5 / 32, 2 * 7 / 32, depth[5, 7]], abs=1e-6)
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    assert (np.cross(b - a, c - a)[:, 2] < 0).all() and len(faces) == 2 * case.mask.sum()


def slow_cells(depth, mask):
    """The published loop."""
    height, width = mask.shape
    found = np.zeros(mask.shape, bool)
    for r in range(2, height - 1):
        for c in range(2, width - 1):
            patch = depth[r - 1 : r + 2, c - 1 : c + 2]
            steps = [patch[0] - patch[1], patch[0] - patch[2], patch[:, 0] - patch[:, 1], patch[:, 0] - patch[:, 2]]
            found[r, c] = mask[r, c] and np.abs(steps).max() < 0.07
    return found


def test_the_mesh_is_cut_as_the_published_loop_cuts_it():
    rng = np.random.default_rng(9)
    depth = np.cumsum(rng.normal(0, 0.02, (40, 36)), axis=1)
    mask = rng.random((40, 36)) > 0.2
    expected = slow_cells(depth, mask)
    assert 50 < expected.sum() < 0.5 * mask.sum() or expected.sum() > 50
    assert np.array_equal(mesh_cells(depth, mask), expected)


def test_each_colour_stands_for_an_equal_share_of_the_depth_and_all_is_white_off_the_mask():
    case = replace(case_of(), mask=np.ones((32, 32), bool))
    depth = np.linspace(3, 5, 1024, dtype=np.float32).reshape(32, 32)
    heat = results_picture(case, depth, maps_of(case)[1])[:, 32:64].reshape(-1, 3)
    colours, counts = np.unique(heat, axis=0, return_counts=True)
    assert len(colours) == 256 and set(counts) <= {3, 4, 5}
    case = case_of()
    picture = results_picture(case, *maps_of(case))
    assert picture.shape == (32, 96, 3) and (picture[:4] == 255).all()


def test_a_result_agrees_with_its_own_picture_and_another_does_not(tmp_path):
    case = case_of()
    depth, normal = maps_of(case)
    results = write_outputs(tmp_path, case, depth, normal)[5]
    found = compare(case, depth, normal, results)
    assert found.agrees and found.same_input
    assert found.normals_mean_deg < 0.5 and found.relief_worst <= 1 / 255
    turned = normal[..., [1, 0, 2]]
    assert not compare(case, depth, turned, results).agrees
    bumped = depth.copy()
    bumped[10, 10] += 0.05
    assert not compare(case, bumped, normal, results).agrees
    assert not compare(replace(case, rgb=case.rgb // 2), depth, normal, results).same_input


def test_hot_runs_from_black_over_red_and_yellow_to_white():
    colours = hot_colours()
    assert colours[0].tolist() == [10, 0, 0] and colours[255].tolist() == [255, 255, 255]
    assert colours[94].tolist()[0] == 255 and colours[191].tolist()[:2] == [255, 255]
    assert len({tuple(colour) for colour in colours.tolist()}) == 256


@needs_sample
def test_the_published_sample_is_read_and_its_results_are_of_that_very_input():
    case = read_case(SAMPLE, "0043")
    found = read_results(SAMPLE / "0043_results.png", case.mask)
    assert np.array_equal(found.white, np.where(case.mask[..., None], case.rgb, 255))
    length = np.linalg.norm(found.normal[case.mask], axis=-1)
    assert length.mean() == pytest.approx(1, abs=0.002) and length.std() < 0.006
    assert found.relief[case.mask].min() == 0 and found.relief.max() == 1


@needs_sample
def test_the_colours_of_the_published_sample_are_ours_to_the_byte():
    case = read_case(SAMPLE, "0043")
    with Image.open(SAMPLE / "0043_results.png") as picture:
        heat = np.asarray(picture)[:, 256:512]
    ours = {tuple(colour) for colour in hot_colours().tolist()}
    assert {tuple(colour) for colour in heat[case.mask].tolist()} <= ours


@needs_sample
def test_what_is_decoded_from_the_published_sample_is_drawn_again_to_the_byte():
    case = read_case(SAMPLE, "0043")
    found = read_results(SAMPLE / "0043_results.png", case.mask)
    with Image.open(SAMPLE / "0043_results.png") as picture:
        published = np.asarray(picture)
    # Half a step up, because bytes are cut and not rounded.
    tint = found.normal - np.array([1, 1, 0.5]) / 255 * case.mask[..., None]
    ours = results_picture(case, found.relief.astype(np.float32), tint.astype(np.float32))
    assert np.array_equal(ours, published)


@needs_sample
def test_the_published_sample_meshes_to_the_known_number_of_faces_and_vertices():
    case = read_case(SAMPLE, "0043")
    relief = read_results(SAMPLE / "0043_results.png", case.mask).relief
    cells = mesh_cells(np.where(case.mask, 4 + 0.1 * relief, 0), case.mask)
    used = np.zeros((257, 257), bool)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        used[down : down + 256, right : right + 256] |= cells
    assert (2 * cells.sum(), used.sum()) == (25914, 13427)
