# SPDX-License-Identifier: GPL-3.0-or-later
"""HD Human: a dressed, moving person out of an ordinary video, as an animated mesh in Blender."""

from . import operators, panels, preferences, properties, running


def register() -> None:
    """Add everything to Blender."""
    properties.register()
    preferences.register()
    operators.register()
    panels.register()


def unregister() -> None:
    """Take everything away again; a job that runs is stopped."""
    running.unregister()
    panels.unregister()
    operators.unregister()
    preferences.unregister()
    properties.unregister()
