"""The add-on as users get it: the built zip, installed into an empty folder of user resources."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import bpy

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = "bl_ext.user_default.hd_human"


def package(folder):
    """The zip that `HD_ADDON_ZIP` names, or one built now from the sources."""
    named = os.environ.get("HD_ADDON_ZIP")
    if named:
        return Path(named).resolve()
    built = subprocess.run(
        [sys.executable, str(REPOSITORY / "tools" / "build_addon.py"), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(built.stdout.strip())


def install(path):
    """As a user does from a file."""
    bpy.ops.extensions.package_install_files(filepath=str(path), repo="user_default", enable_on_install=True)


def enable():
    """Switch the installed add-on on; its module."""
    bpy.ops.preferences.addon_enable(module=MODULE)
    return importlib.import_module(MODULE)


def disable():
    """Switch it off, if it is on."""
    if MODULE in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_disable(module=MODULE)


def part(name):
    """A module of the add-on, such as `job.process`."""
    return importlib.import_module(f"{MODULE}.{name}")
