# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's tab `HD Human`: draws what is, changes nothing."""

import bpy
from bpy.app.translations import pgettext_iface

from . import human_panels, messages, running
from .job.session import Session, Status
from .properties import HDHUMAN_PG_settings
from .sidebar import Sidebar

ADDON = __package__


class HDHUMAN_PT_build(Sidebar, bpy.types.Panel):
    """Source and job"""

    bl_idname = "HDHUMAN_PT_build"
    bl_label = "HD Human"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """The way to the preferences, where the core is chosen."""
        self.layout.operator("preferences.addon_show", text="", icon="PREFERENCES", emboss=False).module = ADDON

    def draw(self, context: bpy.types.Context) -> None:
        """What is read and written, buttons, progress, and what to do."""
        layout, settings, session = self.split(), context.scene.hd_human, running.session()
        column = layout.column()
        column.enabled = session is None
        _draw_source(column, settings)
        row = layout.row(align=True)
        field = row.row(align=True)
        field.enabled = session is None
        field.prop(settings, "output")
        row.operator("hd_human.open_folder", text="", icon="WINDOW")
        if session:
            _draw_job(layout, session)
        else:
            _draw_buttons(layout)
        notice = running.notice()
        if notice:
            messages.draw_notice(layout, notice, width=context.region.width)
            if notice.level == "ERROR" and "hd-core" in f"{notice.message} {notice.hint}":
                layout.operator("hd_human.doctor", icon="HELP")


class _OfJob(Sidebar):
    """Base of the panels below the first: settings that are seldom changed, fixed while a job runs."""

    bl_parent_id = "HDHUMAN_PT_build"
    bl_options = {"DEFAULT_CLOSED"}

    def settings(self, context: bpy.types.Context) -> tuple[bpy.types.UILayout, HDHUMAN_PG_settings]:
        """Where to draw, and what."""
        column = self.split().column()
        column.enabled = running.session() is None
        return column, context.scene.hd_human


class HDHUMAN_PT_person(_OfJob, bpy.types.Panel):
    """Where the person is, and how large"""

    bl_idname = "HDHUMAN_PT_person"
    bl_label = "Person and Lens"

    def draw(self, context: bpy.types.Context) -> None:
        """Whom, where, and how tall."""
        layout, settings = self.settings(context)
        layout.prop(settings, "person")
        if settings.person == "BOX":
            column = layout.column(align=True)
            for index, name in enumerate(("Left", "Top", "Width", "Height")):
                column.prop(settings, "box", index=index, text=name)
        for switch, name in (("use_height", "subject_height"), ("use_fov", "fov")):
            row = layout.row(heading=settings.bl_rna.properties[name].name)
            row.prop(settings, switch, text="")
            field = row.row()
            field.active = getattr(settings, switch)
            field.prop(settings, name, text="")


class HDHUMAN_PT_predictor(_OfJob, bpy.types.Panel):
    """Where depth and normals come from"""

    bl_idname = "HDHUMAN_PT_predictor"
    bl_label = "Predictor"

    def draw(self, context: bpy.types.Context) -> None:
        """The predictor and what it reads."""
        layout, settings = self.settings(context)
        layout.prop(settings, "predictor")
        if settings.predictor == "maps":
            layout.prop(settings, "maps")
        elif settings.predictor != "inflate":
            layout.prop(settings, "weights")


class HDHUMAN_PT_options(_OfJob, bpy.types.Panel):
    """How the human comes into the scene"""

    bl_idname = "HDHUMAN_PT_options"
    bl_label = "Options"

    def draw(self, context: bpy.types.Context) -> None:
        """Playback, and what else is done."""
        layout, settings = self.settings(context)
        layout.prop(settings, "playback")
        if settings.playback == "BANK":
            layout.prop(settings, "precision")
        column = layout.column(heading="Scene")
        column.prop(settings, "match_scene")
        column.prop(settings, "live_preview")
        layout.column(heading="Run Folder").prop(settings, "start_over")


class HDHUMAN_PT_footage(Sidebar, bpy.types.Panel):
    """The clip's pictures in the scene"""

    bl_idname = "HDHUMAN_PT_footage"
    bl_label = "Footage"
    bl_parent_id = "HDHUMAN_PT_build"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:  # noqa: ARG002 - Blender's signature
        """A button for each way."""
        column = self.layout.column()
        for kind, icon in (("BACKGROUND", "CAMERA_DATA"), ("PLANE", "IMAGE_PLANE")):
            text = {"BACKGROUND": "Camera Background", "PLANE": "Projected Plane"}[kind]
            column.operator("hd_human.import_footage", text=text, icon=icon).kind = kind


def _draw_source(layout: bpy.types.UILayout, settings: HDHUMAN_PG_settings) -> None:
    layout.prop(settings, "source")
    if settings.source == "VIDEO":
        layout.prop(settings, "video")
    elif settings.source == "SEQUENCE":
        layout.prop(settings, "picture")
    else:
        layout.template_ID(settings, "clip", open="clip.open")
    layout.prop(settings, "frames")
    layout.prop(settings, "quality")
    if settings.quality == "CUSTOM":
        layout.prop(settings, "size")
        layout.prop(settings, "tier")


def _draw_buttons(layout: bpy.types.UILayout) -> None:
    column = layout.column(align=True)
    row = column.row(align=True)
    row.scale_y = 1.5
    row.operator("hd_human.build", icon="PLAY")
    row = column.row(align=True)
    row.operator("hd_human.resume", icon="FILE_REFRESH")
    row.operator_context = "INVOKE_DEFAULT"
    row.operator("hd_human.open_run", icon="IMPORT")


def _draw_job(layout: bpy.types.UILayout, session: Session) -> None:
    """Cancel stands above all that comes and goes, so that it stays under the mouse."""
    report = session.report
    column = layout.column()
    column.progress(factor=report.share, text=progress_text(session), translate=False)
    row = column.row()
    row.scale_y = 1.5
    row.enabled = report.status is Status.RUNNING
    row.operator("hd_human.cancel", icon="CANCEL")
    if report.step:
        text = pgettext_iface("Step {} of {}").format(report.step, len(report.steps))
        column.label(text=text, translate=False)
    for warning in report.warnings[-1:]:
        messages.draw_text(column, warning, icon="ERROR")


def progress_text(session: Session) -> str:
    """`Meshing 12/48, 0:35 left`."""
    report = session.report
    if report.status is Status.STOPPING:
        return pgettext_iface("Stopping")
    text = pgettext_iface(report.title)
    if report.total:
        text += f" {report.done}/{report.total}"
    if report.eta_seconds:
        text += pgettext_iface(", {} left").format(messages.duration(report.eta_seconds))
    return text


CLASSES = (
    HDHUMAN_PT_build,
    HDHUMAN_PT_person,
    HDHUMAN_PT_predictor,
    HDHUMAN_PT_options,
    HDHUMAN_PT_footage,
    *human_panels.CLASSES,
)


def register() -> None:
    """Add the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
