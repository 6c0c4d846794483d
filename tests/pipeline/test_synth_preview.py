"""What `--preview` writes: every clip in its place, and truth in colours that can be read back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hd_core.pipeline import synth_preview
from hd_core.pipeline.synth_preview import SHEET_COLUMNS, SHEET_TILE, STRIP_FRAMES, STRIP_TILE, write_preview
from hd_core.synth.options import DatasetOptions

FRAMES, SIZE = 9, 32
BOX = (slice(None), slice(8, 24), slice(8, 24))


def arrays_of(number):
    """A grey square on black whose brightness tells the clip; flat, two metres away, getting nearer."""
    rgb = np.full((FRAMES, SIZE, SIZE, 3), 8 * number + 10, np.uint8)
    normal = np.zeros((FRAMES, SIZE, SIZE, 3), np.float32)
    normal[(*BOX, 2)] = -1
    depth = np.full((FRAMES, SIZE, SIZE), np.nan, np.float32)
    depth[BOX] = (2.0 - 0.1 * np.arange(FRAMES))[:, None, None]
    iuv = np.zeros((FRAMES, SIZE, SIZE, 3), np.uint8)
    iuv[BOX] = (2, 255, 0)
    return {"rgb": rgb, "normal": normal, "depth": depth, "iuv": iuv}


@pytest.fixture
def preview(tmp_path, monkeypatch):
    monkeypatch.setattr(synth_preview, "clip_path", lambda _folder, _options, clip: Path(str(clip)))
    monkeypatch.setattr(synth_preview, "load_clip", lambda path, _keys: (arrays_of(int(path.name)), {}))
    sheet, strips, film = write_preview(tmp_path, range(8), DatasetOptions())
    assert film.stat().st_size > 0
    return np.asarray(Image.open(sheet)).astype(int), np.asarray(Image.open(strips)).astype(int)


def test_the_sheet_shows_every_person_beside_their_normals_and_ends_black(preview):
    sheet, _ = preview
    assert sheet.shape == (2 * SHEET_TILE, SHEET_COLUMNS * 2 * SHEET_TILE, 3)
    for number in range(8):
        row, column = divmod(number, SHEET_COLUMNS)
        tile = sheet[row * SHEET_TILE :, column * 2 * SHEET_TILE :]
        middle = SHEET_TILE // 2
        assert tile[middle, middle] == pytest.approx([8 * number + 10] * 3, abs=4)
        assert tile[middle, SHEET_TILE + middle] == pytest.approx([127, 127, 255], abs=8)
        assert tile[5, SHEET_TILE + 5] == pytest.approx([0, 0, 0], abs=8)
    assert sheet[SHEET_TILE:, 4 * SHEET_TILE + 16 :].max() < 16


def test_the_strips_show_time_to_the_right_and_truth_below_the_picture(preview):
    _, strips = preview
    assert strips.shape == (3 * 4 * STRIP_TILE, STRIP_FRAMES * STRIP_TILE, 3)
    centres = np.arange(STRIP_FRAMES) * STRIP_TILE + STRIP_TILE // 2
    rows = [strips[number * STRIP_TILE + STRIP_TILE // 2, centres] for number in range(8)]
    assert np.abs(rows[0] - 10).max() <= 4
    assert np.abs(rows[4] - 18).max() <= 4
    grey = rows[2][:, 0]
    assert (np.diff(grey) > 0).all()  # nearer is brighter
    assert grey[0] == pytest.approx(60, abs=6)
    assert grey[-1] == pytest.approx(255, abs=6)
    assert np.ptp(rows[3][0]) > 100  # a part has a colour of its own
    normals = strips[STRIP_TILE : 2 * STRIP_TILE, :STRIP_TILE].sum(axis=-1) > 200
    assert normals.mean() == pytest.approx((16 / 18) ** 2, abs=0.05)  # cut to the person and some room
