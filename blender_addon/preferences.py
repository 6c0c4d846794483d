# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences: which core is used, and what the Doctor said of it."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from . import messages, running
from .job.core import Core, find_core

DEVICES = (
    ("auto", "Automatic", "The graphics card if the core can use it, else the processor"),
    ("cpu", "Processor", "Works everywhere"),
    ("cuda", "NVIDIA", "A graphics card by CUDA"),
    ("mps", "Apple", "The graphics part of an Apple chip"),
)


class HDHUMAN_AP_preferences(bpy.types.AddonPreferences):
    """Where the work is done."""

    bl_idname = __package__

    core: StringProperty(
        name="hd-core",
        description="The program hd-core, the Python it is installed in, or its virtual environment; "
        "empty to look for it: in PATH, and in the usual virtual environments",
        subtype="FILE_PATH",
    )
    device: EnumProperty(name="Compute", items=DEVICES, default="auto", description="Where the network runs")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw in the preferences' window."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "core")
        layout.prop(self, "device")
        layout.operator("hd_human.doctor", icon="CHECKMARK")
        messages.draw_doctor(layout, running.doctor(), width=context.region.width)


def preferences() -> HDHUMAN_AP_preferences:
    """This add-on's preferences."""
    return bpy.context.preferences.addons[__package__].preferences


def core_of_this_machine() -> Core:
    """The core that the preferences mean.

    Raises:
        JobError: None is found; the hint says how to get it.
    """
    folders = [Path(__file__).resolve().parents[1]]
    if bpy.data.filepath:
        folders.insert(0, Path(bpy.data.filepath).parent)
    return find_core(preferences().core, folders)


CLASSES = (HDHUMAN_AP_preferences,)


def register() -> None:
    """Add the preferences."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
