"""The folder of maps that comes with the project, read as a stranger would read it."""

from pathlib import Path

import numpy as np
import pytest
from predict_scenes import crop_of, view_of

from hd_core.geometry.crop import cut_plane
from hd_core.geometry.depth import normals_from_depth
from hd_core.predict.protocol import PredictorOptions, load_predictor

FOLDER = Path(__file__).parents[2] / "examples" / "data" / "dancer_maps"
pytestmark = pytest.mark.skipif(not (FOLDER / "maps.json").is_file(), reason="examples/data/dancer_maps is not there")


@pytest.fixture(scope="module")
def scene():
    """A view twice as fine as the maps, and what is predicted of it."""
    predictor = load_predictor("maps", PredictorOptions(maps=FOLDER))
    alpha, camera = predictor.matte(3)
    rows, columns = np.nonzero(alpha > 0.5)
    left, top, size = columns.min() - 20.3, rows.min() - 11.7, float(np.ptp(rows) + 40)
    crop = crop_of(camera, left=left, top=top, size=size, side=1024)
    view = view_of(camera, np.clip(cut_plane(alpha, crop), 0, 1), crop=crop, frame_index=3)
    return view, predictor.predict(view)


def test_the_maps_cover_the_person(scene):
    view, maps = scene
    assert (maps.mask & view.mask).sum() > 0.99 * view.mask.sum()


def test_depth_and_normals_are_of_one_surface(scene):
    _, maps = scene
    derived = normals_from_depth(maps.camera, maps.depth)
    defined = derived.any(axis=-1) & maps.mask
    off = np.degrees(np.arccos(np.clip((derived * maps.normal).sum(-1)[defined], -1, 1)))
    assert defined.sum() > 0.8 * maps.mask.sum()
    assert np.median(off) < 3


def test_no_point_hangs_alone_between_two_surfaces(scene):
    """No pixel is further than 2 % of its depth from both neighbours, on both sides of them, along a row."""
    _, maps = scene
    left, middle, right = maps.depth[:, :-2], maps.depth[:, 1:-1], maps.depth[:, 2:]
    low, high = np.fmin(left, right), np.fmax(left, right)
    hanging = (middle - low > 0.02 * low) & (high - middle > 0.02 * low)
    assert hanging.sum() == 0
