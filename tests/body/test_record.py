"""What was found, as a record of a run."""

import numpy as np
import pytest
from iuv_scenes import body_map

from hd_core.body.decode import Decoded, FoundBodies
from hd_core.body.record import read_bodies, write_bodies
from hd_core.errors import InputError
from hd_core.records import is_whole, read_measures, read_record, write_record


def found():
    maps = [body_map(16, seed=seed)[0] for seed in (0, 1)]
    maps[0][:8] = 0
    sure = [np.where(one[..., 0] > 0, level, 0).astype(np.float32) for one, level in zip(maps, (0.4, 0.8), strict=True)]
    return FoundBodies(*(Decoded(iuv=iuv, confidence=level) for iuv, level in zip(maps, sure, strict=True)))


def test_a_record_gives_both_surfaces_back_and_says_whose_charts_it_holds(tmp_path):
    path, made = tmp_path / "000007.safetensors", found()
    write_bodies(path, made, digest="abc")
    for one, other in zip(made, read_bodies(path), strict=True):
        assert np.array_equal(one.iuv, other.iuv)
        assert np.abs(one.confidence - other.confidence).max() <= 0.5 / 255 + 1e-6
    assert is_whole(path, "abc") and read_record(path)[1]["iuv_convention"] == "anny24"
    assert read_measures(path) == {"body_px": 128.0, "body_confidence": pytest.approx(0.4)}


def test_other_charts_are_refused_and_so_is_a_record_that_lacks_something(tmp_path):
    path = tmp_path / "000007.safetensors"
    iuv = np.zeros((2, 2, 3), np.uint8)
    write_record(path, {"iuv": iuv}, digest="abc", header={"iuv_convention": "densepose"})
    with pytest.raises(InputError, match="densepose"):
        read_bodies(path)
    write_record(path, {"iuv": iuv}, digest="abc", header={"iuv_convention": "anny24"})
    with pytest.raises(InputError, match="confidence"):
        read_bodies(path)
