"""The bundled clip and its ground truth belong together, and the script that made them still runs."""

import importlib.util
import json
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from hd_core.geometry.depth import normals_from_depth
from hd_core.types import Camera

EXAMPLES = Path(__file__).parents[2] / "examples"
MAPS_DIR = EXAMPLES / "data" / "dancer_maps"
FRAMES = 48
LENS = [[290.25, 0.0, 112.5], [0.0, 290.25, 200.0], [0.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("render_dancer", EXAMPLES / "render_dancer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(index):
    with OpenEXR.File(str(MAPS_DIR / f"{index:06d}.exr"), separate_channels=True) as file:
        return {name: np.array(channel.pixels) for name, channel in file.channels().items()}


@pytest.fixture(scope="module")
def card():
    return json.loads((MAPS_DIR / "maps.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def small_pictures():
    """The film, averaged down to the size of the maps."""
    with av.open(str(EXAMPLES / "data" / "dancer.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 30
        assert stream.codec_context.name == "h264"
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert frames[0].shape == (1280, 720, 3)
    small = [Image.fromarray(frame).resize((225, 400), Image.Resampling.BOX) for frame in frames]
    return np.stack([np.asarray(picture, np.float64) for picture in small])


@pytest.fixture(scope="module")
def mattes():
    return np.stack([stored(index)["A"].astype(np.float64) for index in range(FRAMES)])


def test_the_bundle_is_small_and_whole(small_pictures):
    files = [EXAMPLES / "data" / "dancer.mp4", *sorted(MAPS_DIR.iterdir())]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    assert {path.name for path in MAPS_DIR.iterdir()} == {f"{index:06d}.exr" for index in range(FRAMES)} | {"maps.json"}
    assert len(small_pictures) == FRAMES


def test_the_card_says_metres_and_the_lens_of_a_phone(card):
    assert card["axes"] == "opencv"
    assert card["depth"] == {"kind": "z", "unit": "m", "gauge": "metric"}
    assert (card["camera"]["width"], card["camera"]["height"]) == (225, 400)
    np.testing.assert_allclose(card["camera"]["intrinsics"], LENS)


def test_normals_of_the_stored_depth_are_the_stored_normals(card):
    k = np.array(card["camera"]["intrinsics"])
    camera = Camera(width=225, height=400, intrinsics=k, cam_from_world=np.eye(4))
    for index in (0, 21, 47):
        channels = stored(index)
        assert set(channels) == {"A", "N.X", "N.Y", "N.Z", "Z"}
        assert (channels["Z"].dtype, channels["A"].dtype) == (np.float32, np.float16)
        normal = np.stack([channels[f"N.{axis}"] for axis in "XYZ"], axis=-1).astype(np.float64)
        seen = np.isfinite(channels["Z"])
        assert not normal[~seen].any()
        np.testing.assert_allclose(np.linalg.norm(normal[seen], axis=-1), 1, atol=0.01)
        derived = normals_from_depth(camera, channels["Z"], max_jump=0.02)
        good = derived.any(axis=-1) & (normal[..., 2] < -0.6)
        off = np.degrees(np.arccos(np.clip((derived * normal).sum(-1)[good], -1, 1)))
        assert good.sum() > 3000
        assert np.median(off) < 4.0  # at a third of the size, folds and fingers are few pixels wide


def test_the_film_shows_the_person_where_and_when_the_maps_say(small_pictures, mattes):
    """What differs from the empty room, the median over the frames without the person, is inside of the matte."""
    away = np.where(mattes[..., None] > 0, np.nan, small_pictures)
    known = (mattes == 0).sum(axis=0) > 8
    room = np.nanmedian(np.where(known[..., None], away, 0.0), axis=0)
    change = np.abs(small_pictures - room).mean(axis=-1)

    def contrast(shift):
        inside = [change[i + shift][known & (mattes[i] == 1)].mean() for i in range(4, FRAMES - 4)]
        outside = [change[i + shift][known & (mattes[i] == 0)].mean() for i in range(4, FRAMES - 4)]
        return np.mean(inside) / np.mean(outside)

    assert contrast(0) > 5
    assert contrast(0) > 1.02 * max(contrast(-2), contrast(2))


def test_every_frame_holds_the_whole_person_and_the_person_moves(mattes):
    for matte in mattes:
        mask = matte > 0.5
        assert 0.06 < mask.mean() < 0.3
        assert not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
    assert np.abs(np.diff(mattes, axis=0)).mean(axis=(1, 2)).min() > 1e-4


def test_the_script_makes_picture_and_truth_of_one_instant_at_any_size(script):
    (picture, truth), _ = script.render(256, 2)
    assert picture.shape == (256, 144, 3)
    assert truth.alpha.shape == (80, 45)
    assert 0.05 < truth.fragments.mask.mean() < 0.4
    known = script.describe(script.maps_camera(script.phone_camera(script.sample_person(script.RECIPE))))
    np.testing.assert_allclose(known["camera"]["intrinsics"], LENS)
