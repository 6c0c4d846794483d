# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator of the add-on, registered here and nowhere else."""

import bpy

from . import bake, build, caches, doctor, export, folder, footage, open_run, render

CLASSES = (
    *build.CLASSES,
    *open_run.CLASSES,
    *folder.CLASSES,
    *footage.CLASSES,
    *doctor.CLASSES,
    *caches.CLASSES,
    *bake.CLASSES,
    *export.CLASSES,
    *render.CLASSES,
)


def register() -> None:
    """Add the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
