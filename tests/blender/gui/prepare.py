"""Installs the built zip and sets the core: `blender --background --python prepare.py -- ZIP CORE`.

Run once for each `BLENDER_USER_RESOURCES`; the splash screen, which would lie over the panel, is switched off.
"""

import sys

import bpy

archive, core = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
preferences = bpy.context.preferences
preferences.addons["bl_ext.user_default.hd_human"].preferences.core = core
preferences.view.show_splash = False
preferences.view.show_developer_ui = False
bpy.ops.wm.save_userpref()
