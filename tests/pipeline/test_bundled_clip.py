"""The bundled clip through the main job, as `make demo` runs it, on a few of its frames."""

import json
from pathlib import Path

import pytest

from hd_core.cli.main import main

DATA = Path(__file__).parents[2] / "examples" / "data"


def test_the_bundled_clip_becomes_a_mesh_on_every_frame(tmp_path):
    """Frames 14 and 23 once diverged in the solver, 38 has a gap between two fingers."""
    arguments = ["reconstruct", str(DATA / "dancer.mp4"), "-o", str(tmp_path / "run")]
    arguments += ["--predictor", "maps", "--maps", str(DATA / "dancer_maps"), "--progress", "none"]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--frames", "14:39:12", "--formats", "usdc", "glb"])
    assert end.value.code == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    summary = manifest["summary"]
    assert (summary["ok"], summary["failed"], summary["no_person"]) == (3, 0, 0)
    assert summary["bridging"]["max"] == 0
    assert summary["stretched_rate"]["max"] <= 0.002
    assert summary["coverage"]["min"] >= 0.98
    assert 1.5 < manifest["scale"]["measured_height"] < 1.65  # she is 1.57 m tall
