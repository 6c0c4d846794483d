# SPDX-License-Identifier: GPL-3.0-or-later
"""Work outside Blender's process: where `hd-core` is, its child process, what it says. Nothing here knows bpy."""
