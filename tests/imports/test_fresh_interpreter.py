"""Importing defines names and nothing else: no torch, no Blender, no output, no warnings, and no waiting."""

import subprocess
import sys
import time

import pytest

LIGHT = [
    "hd_core",
    "hd_core.cli",
    "hd_core.cli.main",
    "hd_core.types",
    "hd_core.pipeline.options",
    "hd_core.predict.protocol",
    "hd_core.integrate.protocol",
    "hd_core.export.table",
]
HEAVY = ("torch", "bpy", "av", "pxr", "alembic3d", "onnxruntime", "OpenEXR", "trimesh", "numba")


def fresh(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", LIGHT)
def test_importing_pulls_in_no_heavy_library_and_says_nothing(module):
    found = fresh(f"import sys, {module}; sys.exit(str([m for m in {HEAVY!r} if m in sys.modules] or '') or 0)")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_check_would_see_a_heavy_library():
    assert fresh("import sys, numpy; sys.exit('numpy' in sys.modules)").returncode == 1


@pytest.mark.parametrize("module", ["hd_core.cli.main", "hd_core.pipeline.options"])
def test_the_help_needs_no_numpy(module):
    assert fresh(f"import sys, {module}; sys.exit('numpy' in sys.modules)").returncode == 0


def test_help_answers_in_half_a_second():
    fastest = min(_seconds([sys.executable, "-m", "hd_core.cli.main", "--help"]) for _ in range(8))
    assert fastest < 0.5


def test_help_of_the_main_job_answers_in_half_a_second():
    fastest = min(_seconds([sys.executable, "-m", "hd_core.cli.main", "reconstruct", "--help"]) for _ in range(8))
    assert fastest < 0.5


def _seconds(command):
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - began
