"""Runs in Blender's Python (`bpy` as a module): every test starts from an empty file and leaves no handler behind."""

import json
import os
from pathlib import Path

import bpy
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def empty_file():
    """A new file without objects. Handlers that outlive the tests would hang Blender 4.5 at exit."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield
    for handlers in (bpy.app.handlers.frame_change_pre, bpy.app.handlers.frame_change_post):
        handlers.clear()


@pytest.fixture(scope="session")
def exports():
    """The folder that `make_exports.py` filled."""
    folder = os.environ.get("HD_BLENDER_EXPORTS")
    if not folder or not (Path(folder) / "expected.json").exists():
        pytest.fail("HD_BLENDER_EXPORTS names no folder of make_exports.py: run that first, with the core's Python.")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def expected(exports):
    """What the files hold: `expected[scene]` is its description, `expected(scene, person, position)` a mesh."""
    return Expected(exports)


class Expected:
    def __init__(self, folder):
        self._known = json.loads((folder / "expected.json").read_text())
        self._arrays = dict(np.load(folder / "expected.npz"))

    def __getitem__(self, scene):
        return self._known[scene]

    def __call__(self, scene, person, position):
        prefix = f"{scene}/{person}/{position}/"
        return {key[len(prefix) :]: value for key, value in self._arrays.items() if key.startswith(prefix)}

    def mask(self, name):
        return self._arrays[f"ball/{name}"]
