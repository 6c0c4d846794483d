# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: humans as files of other programs, animated or not at all."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..job.errors import JobError
from ..scene.clip import humans
from ..scene.exporting import SUFFIXES, export
from .telling import RANGES, chosen_frames, told
from .watch import absolute

FORMATS = (
    ("USD", "USD", "Universal Scene Description: the outline of every frame, UV, and the video as vertex colours"),
    ("ABC", "Alembic", "Point cache with the outline of every frame, UV, and the video as vertex colours"),
    ("GLTF", "glTF", "For the web, up to 250 frames: one mesh with a morph target per frame and vertex colours"),
    ("PC2", "PC2", "Point cache for any program, and the mesh that it moves as .ply; the same faces in every frame"),
)


class HDHUMAN_OT_export(bpy.types.Operator):
    """Write the selected humans to a file as animated meshes, and check that they move in it"""

    bl_idname = "hd_human.export"
    bl_label = "Export"

    filepath: StringProperty(
        name="File", description="Where to write; the suffix is added if missing", subtype="FILE_PATH"
    )
    format: EnumProperty(name="Format", items=FORMATS, default="USD")
    frames: EnumProperty(name="Frames", items=RANGES, default="CLIP")
    check_existing: BoolProperty(default=True, options={"HIDDEN"})
    filter_glob: StringProperty(default="*.usdc;*.usd;*.usda;*.abc;*.glb;*.pc2", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask where to."""
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            active = context.active_object
            self.filepath = str(folder / ((active.name if active else "human") + SUFFIXES[self.format][0]))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, _context: bpy.types.Context) -> bool:
        """Keep the suffix that of the format."""
        path = Path(self.filepath)
        known = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
        if not path.name or path.suffix.lower() in SUFFIXES[self.format]:
            return False
        stem = path.stem if path.suffix.lower() in known else path.name
        self.filepath = str(path.with_name(stem + SUFFIXES[self.format][0]))
        return True

    def work(self, context: bpy.types.Context) -> str:
        """Write them."""
        if not self.filepath:
            raise JobError("No file was named.", "State filepath.")
        things = humans(context)
        frames = chosen_frames(things, context.scene, self.frames)
        written = export(things, absolute(self.filepath), self.format, frames)
        return f"Wrote {written[0]}: frames {frames[0]} to {frames[-1]}."

    execute = told(work)


CLASSES = (HDHUMAN_OT_export,)
