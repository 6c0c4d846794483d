# SPDX-License-Identifier: GPL-3.0-or-later
"""Where all panels of the add-on are."""

import bpy

TAB = "HD Human"


class Sidebar:
    """Base of every panel: the tab in the 3D view's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def split(self) -> bpy.types.UILayout:
        """The layout, with names left of their fields."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        return self.layout
