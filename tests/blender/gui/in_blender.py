"""Runs pytest in a real Blender: `blender --background --python in_blender.py -- WHAT PYTEST TAKES`.

`BLENDER_USER_RESOURCES` has to name an empty folder: Blender has read it before any test can set it. A test that fails
because this Blender was built without something is skipped, and says so.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

CONFIGURATION = Path(__file__).parents[1] / "pytest.ini"
OPTIONS = bpy.app.build_options
LACKS = {
    "No module named 'bpy'": "starts a Python of its own, for which this Blender is no module",
    **({} if OPTIONS.usd else {"bpy.ops.wm.usd_": "built without USD", "built without USD": "built without USD"}),
    **(
        {}
        if OPTIONS.alembic
        else {"bpy.ops.wm.alembic_": "built without Alembic", "built without Alembic": "built without Alembic"}
    ),
}
"""What a failure says, and why the test cannot be run here."""


class Skips:
    """The plugin."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        try:
            return (yield)
        except Exception as error:
            told = f"{error} {getattr(error, 'stderr', '')} {getattr(error, 'message', '')}"
            for words, reason in LACKS.items():
                if words in told:
                    pytest.skip(reason)
            raise


arguments = sys.argv[sys.argv.index("--") + 1 :]
code = pytest.main(["-c", str(CONFIGURATION), "-rs", *arguments], plugins=[Skips()])
# Blender has no other way to end with pytest's code.
sys.stdout.flush()
os._exit(code)
