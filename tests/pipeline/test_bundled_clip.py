"""The bundled clip through the main job on a few of its frames: with its true maps, and as `make demo` runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hd_core
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
    assert 1.5 < manifest["scale"]["people"]["1"]["measured_height"] < 1.65  # she is 1.57 m tall


NO_NETWORK = """
import os, socket, sys

def refuse(event, arguments):
    outside = event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6)
    if outside or event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os._exit(97)

sys.addaudithook(refuse)
"""
"""For `sitecustomize.py`: ends every Python process that looks for another machine."""


def run_without_network(arguments: list[str], folder: Path) -> int:
    """The exit status of a Python program none of whose processes may use the network."""
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    places = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([sys.executable, *arguments], env=os.environ | {"PYTHONPATH": places}, check=False).returncode


def test_the_bundled_clip_needs_nothing_but_the_weights_in_the_box(tmp_path):
    clip = ["reconstruct", str(DATA / "dancer.mp4"), "-o", str(tmp_path / "run"), "--progress", "none"]
    program = ["-m", "hd_core.cli.main", *clip, "--size", "256", "--frames", "14:16"]
    assert run_without_network(program, tmp_path) == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["summary"]["ok"] == 2
    assert manifest["summary"]["bridging"]["max"] == 0
    card = json.loads((Path(hd_core.__file__).parent / "weights" / "hdnet.json").read_text())
    stages = json.loads((tmp_path / "run" / "run.json").read_text())["stages"]
    assert stages["predict"]["options"]["weights_sha256"] == card["sha256"]


def test_a_program_that_asks_for_another_machine_is_ended(tmp_path):
    asks = "import socket; socket.socket().connect(('127.0.0.1', 9))"
    assert run_without_network(["-c", asks], tmp_path) == 97
