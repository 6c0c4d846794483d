"""`hd-core convert-hdnet` and `hd-core run-hdnet` as they are typed."""

import numpy as np
import pytest
from compat_scenes import model_folder
from PIL import Image

from hd_core.cli.main import main


def typed(*words):
    with pytest.raises(SystemExit) as stopped:
        main([*map(str, words), "--progress", "none"])
    return stopped.value.code


@pytest.fixture
def inference(tmp_path):
    rng = np.random.default_rng(5)
    folder = tmp_path / "in"
    folder.mkdir()
    mask = np.zeros((32, 32), np.uint8)
    mask[6:28, 8:25] = 255
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / "x_img.png")
    Image.fromarray(mask).save(folder / "x_mask.png")
    Image.fromarray(rng.integers(0, 25, (32, 32, 3), np.uint8)).save(folder / "x_dp.png")
    return folder


def test_weights_are_converted_run_and_compared_with_what_they_gave_before(tmp_path, inference, capsys):
    model_folder(tmp_path / "model")
    weights = tmp_path / "w.safetensors"
    assert typed("convert-hdnet", tmp_path / "model", "-o", weights) == 0
    assert "model_1710000.ckpt and model_1920000.ckpt" in capsys.readouterr().out
    assert typed("run-hdnet", inference, "-o", tmp_path / "out", "--weights", weights) == 0
    assert len(list((tmp_path / "out").iterdir())) == 6
    again = ("run-hdnet", inference, "-o", tmp_path / "again", "--weights", weights, "--compare")
    assert typed(*again, tmp_path / "out") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("agrees")
    assert typed(*again, tmp_path) == 4  # nothing published there
    model_folder(tmp_path / "other", seed=1)
    typed("convert-hdnet", tmp_path / "other", "-o", tmp_path / "v.safetensors")
    code = typed(
        "run-hdnet",
        inference,
        "-o",
        tmp_path / "b",
        "--weights",
        tmp_path / "v.safetensors",
        "--compare",
        tmp_path / "out",
    )
    assert code == 4 and "Not the published results: x" in capsys.readouterr().err


def test_what_is_no_model_is_one_line_and_exit_code_3(tmp_path, capsys):
    assert typed("convert-hdnet", tmp_path, "-o", tmp_path / "w.safetensors") == 3
    assert capsys.readouterr().err.startswith("error: ")
