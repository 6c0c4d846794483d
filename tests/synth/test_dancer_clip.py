"""The bundled clip and its ground truth are what the figure makes today."""

import importlib.util
import json
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
MAPS_DIR = EXAMPLES / "data" / "dancer_maps"
INDEX = 22


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("render_dancer", EXAMPLES / "render_dancer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fresh(script):
    return script.clip_frame(INDEX)


def stored(index):
    with OpenEXR.File(str(MAPS_DIR / f"{index:06d}.exr"), separate_channels=True) as file:
        return {name: np.array(channel.pixels) for name, channel in file.channels().items()}


@pytest.fixture(scope="module")
def pictures():
    with av.open(str(EXAMPLES / "data" / "dancer.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 24
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


def test_the_bundle_is_small_and_whole(pictures):
    files = [EXAMPLES / "data" / "dancer.mp4", *sorted(MAPS_DIR.iterdir())]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    names = {f"{index:06d}.exr" for index in range(48)} | {"maps.json"}
    assert {path.name for path in MAPS_DIR.iterdir()} == names
    assert len(pictures) == 48
    assert pictures[0].shape == (640, 360, 3)


def test_the_card_says_what_the_script_renders(script):
    card = json.loads((MAPS_DIR / "maps.json").read_text(encoding="utf-8"))
    assert card == script.describe()
    assert card["camera"]["intrinsics"] == [[272.0, 0.0, 90.0], [0.0, 272.0, 160.0], [0.0, 0.0, 1.0]]
    assert card["depth"] == {"kind": "z", "unit": "m", "gauge": "metric"}


def test_stored_maps_are_the_fresh_ones_up_to_their_rounding(script, fresh):
    maps, channels = script.clip_maps(INDEX), stored(INDEX)
    alpha = fresh.alpha.reshape(320, 2, 180, 2).mean(axis=(1, 3))
    assert set(channels) == {"A", "N.X", "N.Y", "N.Z", "Z"}
    assert channels["Z"].dtype == np.float32
    assert channels["A"].dtype == np.float16
    depth, normal = channels["Z"], np.stack([channels[f"N.{axis}"] for axis in "XYZ"], axis=-1)
    both = np.isfinite(depth) & maps.mask
    assert (np.isfinite(depth) != maps.mask).sum() <= 5
    assert both.sum() > 8_000
    off = np.abs(depth - maps.depth)[both]
    assert np.quantile(off, 0.999) <= 0.5 * 2**-13 + 1e-6
    tilt = np.abs(normal.astype(np.float64) - maps.normal)[both]
    assert np.quantile(tilt, 0.999) <= 0.5 * 2**-9 + 1e-6
    assert (normal[both][:, 2] < 0).mean() > 0.99
    assert not normal[~np.isfinite(depth)].any()
    assert np.abs(channels["A"].astype(np.float64) - alpha).mean() < 1e-4


def test_the_film_shows_the_fresh_picture(fresh, pictures):
    error = pictures[INDEX].astype(np.float64) - fresh.rgb
    assert 10 * np.log10(255**2 / (error**2).mean()) > 30
    others = [((pictures[i].astype(np.float64) - fresh.rgb) ** 2).mean() for i in range(48)]
    assert int(np.argmin(others)) == INDEX


def test_every_frame_holds_the_whole_person():
    for index in range(48):
        mask = np.isfinite(stored(index)["Z"])
        assert 0.14 < mask.mean() < 0.20
        assert not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
