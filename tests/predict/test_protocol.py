"""The table of predictors, and the flat figure."""

import subprocess
import sys

import numpy as np
import pytest
from predict_scenes import frame_camera, sphere_view, view_of

from hd_core.errors import UsageError
from hd_core.geometry.camera import unproject
from hd_core.predict.protocol import PREDICTORS, PredictorOptions, load_predictor

LISTING = """
import sys
from hd_core.predict.protocol import PREDICTORS
assert {"constant", "hdnet", "maps"} <= set(PREDICTORS.names())
print(sorted({"torch", "OpenEXR", "numba", "scipy"} & set(sys.modules)))
"""


def test_listing_the_predictors_imports_neither_torch_nor_openexr():
    done = subprocess.run([sys.executable, "-W", "error", "-c", LISTING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("module", ["maps", "constant", "planes", "config"])
def test_only_the_network_needs_torch(module):
    code = f"import sys, hd_core.predict.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UsageError, match="No predictor 'hdnot'. Known: .*constant, .*hdnet, .*maps"):
        load_predictor("hdnot", PredictorOptions())


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_distance_that_is_none_is_refused(distance):
    with pytest.raises(UsageError, match="expected a positive one"):
        PredictorOptions(distance_m=distance)


def test_a_negative_number_of_threads_is_refused():
    with pytest.raises(UsageError, match="Found -1 threads"):
        PredictorOptions(threads=-1)


def test_the_flat_figure_stands_across_the_axis_at_its_distance():
    maps = load_predictor("constant", PredictorOptions(distance_m=4.5)).predict(sphere_view())
    points = unproject(maps.camera, maps.depth)[maps.mask]
    assert np.array_equal(points[:, 2], np.full(len(points), 4.5))
    assert np.array_equal(maps.normal[maps.mask], np.broadcast_to([0, 0, -1.0], points.shape))


def test_half_transparent_pixels_are_not_of_the_person():
    camera = frame_camera(4, 2)
    view = view_of(camera, np.array([[0, 0.5, 0.51, 1], [0, 0, 0, 0]]))
    maps = load_predictor("constant", PredictorOptions()).predict(view)
    assert maps.mask.tolist() == [[False, False, True, True], [False] * 4]


def test_every_built_in_entry_is_a_class_of_that_name():
    assert all(PREDICTORS.load(name).name == name for name in ("constant", "hdnet", "maps"))
