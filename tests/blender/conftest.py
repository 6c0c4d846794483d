"""Runs in Blender's Python (`bpy` as a module): every test starts from an empty file and leaves no handler behind."""

import json
import os
import sys
import tempfile
from pathlib import Path

# Before bpy: nothing of this machine's user is read, and nothing is installed for them. A real Blender knows already.
if "bpy" not in sys.modules:
    RESOURCES = tempfile.TemporaryDirectory(prefix="hd-blender-")
    os.environ["BLENDER_USER_RESOURCES"] = RESOURCES.name

import addon_bank
import addon_scene
import addon_zip
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


@pytest.fixture(scope="session")
def runs(exports):
    """Runs with a bank, by name."""
    return addon_bank.Runs(exports)


@pytest.fixture(scope="session")
def addon_package(tmp_path_factory):
    """The built zip, installed."""
    path = addon_zip.package(tmp_path_factory.mktemp("package"))
    addon_zip.install(path)
    return path


@pytest.fixture
def addon(addon_package, empty_file):
    """The add-on from the built zip, switched on in an empty file, and off again after the test."""
    yield addon_zip.enable()
    addon_zip.disable()


@pytest.fixture(scope="session")
def made_run(addon_package, tmp_path_factory):
    """A finished run of the bundled clip, by the real core; tests may copy but not change it."""
    addon_zip.enable()
    return addon_scene.make_run(tmp_path_factory.mktemp("made") / "run", "--formats", "usdc")
