# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in a panel: wrapped to its width, translated, with an icon that says how bad it is."""

import textwrap
from collections.abc import Iterable

import bpy
from bpy.app.translations import pgettext_iface

from .running import Notice

ICONS = {"INFO": "INFO", "WARNING": "ERROR", "ERROR": "CANCEL"}
PIXELS_PER_LETTER = 7.0
MARGIN_PIXELS = 60


def draw_notice(layout: bpy.types.UILayout, notice: Notice, *, width: int) -> None:
    """A box with what happened and what to do about it."""
    box = layout.box()
    draw_text(box, notice.message, icon=ICONS[notice.level], width=width)
    if notice.hint:
        draw_text(box, notice.hint, icon="BLANK1", width=width)


def draw_text(layout: bpy.types.UILayout, text: str, *, icon: str = "NONE", width: int = 300) -> None:
    """A text over as many lines as it takes."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(pgettext_iface(text), width)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


def draw_doctor(layout: bpy.types.UILayout, findings: Iterable[tuple[str, bool, str]], *, width: int) -> None:
    """What the Doctor found, what is missing first."""
    for name, well, text in sorted(findings, key=lambda finding: finding[1]):
        draw_text(layout, f"{name}: {text}", icon="CHECKMARK" if well else "CANCEL", width=width)


def wrapped(text: str, width: int) -> list[str]:
    """Lines that fit into so many pixels."""
    scale = bpy.context.preferences.system.ui_scale or 1.0  # 0 without a window
    letters = int((width / scale - MARGIN_PIXELS) / PIXELS_PER_LETTER)
    return textwrap.wrap(text, max(letters, 20), break_long_words=True) or [""]


def duration(seconds: float) -> str:
    """`0:42`, `12:05`, `1:02:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
