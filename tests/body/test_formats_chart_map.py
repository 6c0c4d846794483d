"""The way between two conventions' charts: found again from pairs that a known way made, outliers and all."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from hd_core.body.formats import IuvMap
from hd_core.body.formats_chart_map import ISLANDS, LEAST_PIXELS, SHAPE, ChartMap, fit_chart_map
from hd_core.body.formats_chart_map_file import read_chart_map, write_chart_map
from hd_core.body.formats_png import IuvFolder, write_iuv
from hd_core.cli.main import main
from hd_core.errors import InputError

PARTS = (2, 3, 9)


def ours_from_theirs(part, places):
    """A known smooth way that turns, bends and squeezes; hands go to one of two islands."""
    u, v = places.T
    bent = np.stack([0.9 - 0.7 * v + 0.05 * np.sin(3 * u), 0.1 + 0.7 * u + 0.08 * v**2], axis=1)
    if part not in ISLANDS:
        return bent
    right = u > 0.35 + 0.1 * (v - 0.5)
    flat = np.stack([0.05 + 0.4 * v, 0.1 + 0.8 * u], axis=1)
    return np.where(right[:, None], [1.0, 0.0] + flat * [-1.0, 1.0], flat)


def pair(rng, *, side=40, parts=PARTS, wrong=0.0):
    """A frame in both conventions: random places of some parts; a share of ours is anywhere."""
    part = rng.choice(parts, (side, side)).astype(np.uint8)
    theirs = rng.integers(13, 243, (side, side, 3)).astype(np.uint8)
    theirs[..., 0] = part
    theirs[:2] = 0
    ours = np.zeros_like(theirs)
    for number in parts:
        on = theirs[..., 0] == number
        ours[on] = np.column_stack(
            [np.full(on.sum(), number), np.rint(255 * ours_from_theirs(number, theirs[on][:, 1:] / 255))]
        )
    astray = (rng.random((side, side)) < wrong) & (theirs[..., 0] > 0)
    ours[astray, 1:] = rng.integers(0, 256, (astray.sum(), 2))
    return IuvMap(iuv=ours, convention="anny24"), IuvMap(iuv=theirs, convention="densepose")


def pairs(seed=0, count=8, **more):
    rng = np.random.default_rng(seed)
    return tuple(zip(*(pair(rng, **more) for _ in range(count)), strict=True))


@pytest.fixture(scope="module")
def fitted():
    return fit_chart_map(*pairs(wrong=0.15))


def test_a_known_way_is_found_again_although_a_seventh_of_all_pixels_is_wrong(fitted):
    rng = np.random.default_rng(5)
    for part in (2, 9):
        places = rng.uniform(0.06, 0.94, (500, 2))
        off = 255 * np.abs(fitted.places(part, places, to="anny24") - ours_from_theirs(part, places))
        assert np.percentile(off, 95) < 1.5
        assert off.max() < 5


def test_hands_are_mapped_island_by_island(fitted):
    rng = np.random.default_rng(6)
    places = rng.uniform(0.06, 0.94, (800, 2))
    u, v = places.T
    away = np.abs(u - 0.35 - 0.1 * (v - 0.5)) > 0.03  # of the cut, which is only known by its pixels
    found, wanted = fitted.places(3, places, to="anny24"), ours_from_theirs(3, places)
    off = 255 * np.abs(found - wanted)[away].max(axis=1)
    assert (off < 2).mean() > 0.98
    islands = (found[:, 0] >= 0.5) == (wanted[:, 0] >= 0.5)
    assert islands[away].mean() > 0.99
    bytes_of_u = 255 * found[:, 0]
    assert not ((bytes_of_u > 126.6) & (bytes_of_u < 127.4)).any()  # nothing lies between the islands


def test_no_place_leaves_its_island():
    """Constant maps: the first function is 1 everywhere. The first island would go to u = .9, the second to .1."""
    weights = {to: np.zeros(SHAPE) for to in ("anny24", "densepose")}
    for own in weights.values():
        own[3, 0, 0], own[3, 1, 0], own[3, 2, 0] = [0.9, 0.3], [0.1, 0.4], [-1.0, -1.0]
        own[4, 0, 0], own[4, 1, 0], own[4, 2, 0] = [0.9, 0.3], [0.1, 0.4], [1.0, 1.0]
    chart_map = ChartMap(weights=weights, held_out={"anny24": {}, "densepose": {}}, frames=4)
    iuv = np.array([[[3, 10, 10], [4, 10, 10], [3, 200, 10]]], np.uint8)
    ours = chart_map.apply(IuvMap(iuv=iuv, convention="densepose")).iuv
    assert ours[0].tolist() == [[3, 126, 76], [4, 128, 102], [3, 126, 76]]
    theirs = chart_map.apply(IuvMap(iuv=iuv, convention="anny24")).iuv  # there the island is where u is, no limit holds
    assert theirs[0].tolist() == [[3, 230, 76], [4, 230, 76], [3, 26, 102]]


def test_there_and_back_is_where_one_was(fitted):
    ours, theirs = (maps[0] for maps in pairs(seed=9, count=1))
    there = fitted.apply(theirs)
    assert there.convention == "anny24"
    assert (there.iuv[..., 0] == ours.iuv[..., 0]).all()
    body = np.isin(theirs.iuv[..., 0], (2, 9))
    off = np.abs(there.iuv.astype(int) - ours.iuv)[body]
    assert np.percentile(off, 95) <= 2
    back = fitted.apply(there)
    assert back.convention == "densepose"
    assert np.percentile(np.abs(back.iuv.astype(int) - theirs.iuv)[body], 95) <= 4


def test_the_error_is_told_on_frames_that_were_not_fitted_to(fitted):
    assert fitted.frames == 6
    assert set(fitted.held_out["anny24"]) == set(PARTS)
    clean = fit_chart_map(*pairs(count=4)).held_out["anny24"]
    for part in (2, 9):
        assert 0.2 < clean[part].median < 1  # bytes are rounded, half a byte off at most in u and v
        assert 0 < clean[part].median_mm < 5
        assert fitted.held_out["anny24"][part].high > 20 > 5 * clean[part].high  # a seventh of what is seen is wrong
    assert np.isnan(clean[3].median_mm) == 0
    assert np.isnan(fit_chart_map(*pairs(count=4)).held_out["densepose"][2].median_mm)


def test_parts_with_too_few_pixels_are_nobody_s(fitted):
    lone = np.zeros((2, 2, 3), np.uint8)
    lone[0] = [[2, 100, 100], [24, 50, 50]]
    found = fitted.apply(IuvMap(iuv=lone, convention="densepose")).iuv
    assert found[0, 0, 0] == 2
    assert not found[0, 1].any()
    assert np.flatnonzero(fitted.known("anny24")).tolist() == list(PARTS)


def test_too_few_or_unlike_pairs_are_one_clear_line():
    ours, theirs = pairs(count=4, side=6)
    with pytest.raises(InputError, match=f"No part has {LEAST_PIXELS} pixels"):
        fit_chart_map(ours, theirs)
    with pytest.raises(InputError, match="3 maps of ours and 3 of theirs; expected as many of each, and 4 or more"):
        fit_chart_map(ours[:3], theirs[:3])
    with pytest.raises(InputError, match="4 maps of ours and 3 of theirs"):
        fit_chart_map(ours, theirs[:3])
    with pytest.raises(InputError, match="'densepose' where 'anny24' were expected. Are the two swapped"):
        fit_chart_map(theirs, ours)
    small = IuvMap(iuv=np.zeros((2, 3, 3), np.uint8), convention="densepose")
    with pytest.raises(InputError, match="pair 4 are 6 x 6 and 3 x 2 px"):
        fit_chart_map(ours, (*theirs[:3], small))


def test_a_map_is_the_same_from_disk_and_a_broken_one_is_refused(fitted, tmp_path):
    write_chart_map(tmp_path / "map.safetensors", fitted)
    found = read_chart_map(tmp_path / "map.safetensors")
    for to in ("anny24", "densepose"):
        np.testing.assert_array_equal(found.weights[to], fitted.weights[to])
        assert found.held_out[to].keys() == fitted.held_out[to].keys()
    assert found.held_out["anny24"][2] == fitted.held_out["anny24"][2]
    assert found.frames == 6
    whole = (tmp_path / "map.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with safe_open(tmp_path / "map.safetensors", framework="numpy") as file:
        about = file.metadata()
    weights = {f"to_{to}": own for to, own in fitted.weights.items()}
    save_file(weights, tmp_path / "kind.safetensors", metadata={**about, "kind": "atlas"})
    smaller = {name: np.zeros((3, 3, 2, 2)) for name in weights}
    save_file(smaller, tmp_path / "shape.safetensors", metadata=about)
    for name in ("cut", "none", "kind", "shape"):
        with pytest.raises(InputError, match="no whole chart map"):
            read_chart_map(tmp_path / f"{name}.safetensors")


def typed(*words):
    with pytest.raises(SystemExit) as stopped:
        main([*map(str, words), "--progress", "none"])
    return stopped.value.code


def test_pictures_are_mapped_by_two_commands(tmp_path, capsys):
    for number, (ours, theirs) in enumerate(zip(*pairs(count=4), strict=True)):
        for name, one in (("ours", ours), ("theirs", theirs)):
            write_iuv(tmp_path / name / f"{number}_IUV.png", one, order="IUV" if name == "theirs" else "VUI")
    out = tmp_path / "map.safetensors"
    assert typed("fit-chart-map", tmp_path / "ours", tmp_path / "theirs", "-o", out) == 0
    printed = capsys.readouterr().out
    assert "3 frames fitted to." in printed
    line = next(line for line in printed.splitlines() if line.startswith(" 2 torso front"))
    assert 0 < float(line.split()[4]) < 5
    assert typed("convert-iuv", tmp_path / "theirs", "-o", tmp_path / "new", "--chart-map", out) == 0
    expected = read_chart_map(out).apply(IuvFolder(tmp_path / "theirs")[1])
    new = IuvFolder(tmp_path / "new")[1]
    assert new.convention == "anny24"
    np.testing.assert_array_equal(new.iuv, expected.iuv)


def test_one_command_changes_the_order_of_channels_and_replaces_nothing(tmp_path, capsys):
    theirs = pairs(count=1)[1][0]
    write_iuv(tmp_path / "old" / "a_IUV.png", theirs, order="IUV")
    assert typed("convert-iuv", tmp_path / "old", "-o", tmp_path / "new", "--order", "VUI") == 0
    (found,) = IuvFolder(tmp_path / "new")
    np.testing.assert_array_equal(found.iuv, theirs.iuv)
    assert found.convention == "densepose"
    assert typed("convert-iuv", tmp_path / "old", "-o", tmp_path / "old") == 2
    assert "would replace" in capsys.readouterr().err
    assert typed("convert-iuv", tmp_path / "old", "-o", tmp_path / "new", "--charts", "anny24") == 3
    assert "holds charts of 'densepose'; expected 'anny24'" in capsys.readouterr().err
    assert json.dumps(found.convention) == '"densepose"'
