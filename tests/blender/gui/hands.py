"""A hand on the mouse of a Blender started with `--enable-event-simulate`.

Controls are found by what they do, not by where they are: the mouse goes up the sidebar and Blender is asked what is
under it. What takes time is a generator: it yields whenever Blender should go on.
"""

import time
from collections.abc import Iterator

import bpy

STEP = 8
"""Pixels from one look to the next; a button is 20 px high."""
COLUMNS = (0.6, 0.3, 0.84)
"""Where in the sidebar's width the mouse looks: controls that stand in one row; the middle first."""
Steps = Iterator[None]


def window() -> bpy.types.Window:
    """The first window; another object after a file was opened."""
    return bpy.context.window_manager.windows[0]


def view() -> bpy.types.Area:
    """The largest 3D view."""
    views = [area for area in window().screen.areas if area.type == "VIEW_3D"]
    return max(views, key=lambda area: area.width * area.height)


def region(kind: str) -> bpy.types.Region:
    """A region of the 3D view: `WINDOW`, or `UI` for the sidebar."""
    return next(region for region in view().regions if region.type == kind)


def override(kind: str = "WINDOW"):
    """A context as if the mouse were in that region."""
    return bpy.context.temp_override(window=window(), area=view(), region=region(kind))


def open_tab(name: str) -> Steps:
    """Open the sidebar at a tab."""
    view().spaces.active.show_region_ui = True
    yield
    yield
    region("UI").active_panel_category = name
    view().tag_redraw()
    yield
    yield


def widen(pixels: int) -> Steps:
    """Pull the sidebar's edge until it is so wide."""
    sidebar = region("UI")
    x, y = sidebar.x, sidebar.y + sidebar.height // 3
    window().event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
    yield
    yield
    window().event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    yield
    target = sidebar.x + sidebar.width - pixels
    for _ in range(2):
        window().event_simulate("MOUSEMOVE", "NOTHING", x=target, y=y)
        yield
    window().event_simulate("LEFTMOUSE", "RELEASE", x=target, y=y)
    yield


def look() -> Steps:
    """All controls of the sidebar and where they are: the generator's value, a dict of name to (x, y)."""
    found: dict[str, list[tuple[int, int]]] = {}
    for column in COLUMNS:
        for place in _upwards(column):
            name = yield from _ask(place)
            if name:
                found.setdefault(name, []).append(place)
    return {name: places[len(places) // 2] for name, places in found.items()}


def find(wanted: str, *, near: tuple[int, int] | None = None) -> Steps:
    """Where a control of the sidebar is: the generator's value, None if it is not there.

    Args:
        wanted: What `under_mouse` says of it.
        near: Where to look first; Cancel comes where Build was.
    """
    for column in COLUMNS:
        places = sorted(_upwards(column), key=lambda place: abs(place[1] - near[1]) if near else 0)
        for place in places:
            name = yield from _ask(place)
            if name == wanted:
                return place
    return None


def is_there(place: tuple[int, int], name: str) -> Steps:
    """Whether a control is still where it was found: the generator's value. A warning above it may have moved it."""
    return (yield from _ask(place)) == name


def _upwards(column: float) -> Iterator[tuple[int, int]]:
    sidebar = region("UI")
    x = sidebar.x + int(sidebar.width * column)
    return ((x, y) for y in range(sidebar.y + STEP, sidebar.y + sidebar.height, STEP))


def _ask(place: tuple[int, int]) -> Steps:
    window().event_simulate("MOUSEMOVE", "NOTHING", x=place[0], y=place[1])
    yield
    return under_mouse()


def under_mouse() -> str:
    """`hd_human.build` for an operator's button, `hd_human.video` for a setting; empty for none of either."""
    with override("UI"):
        setting = bpy.context.property
        if setting:
            return setting[1]
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        window_manager = bpy.context.window_manager
        window_manager.clipboard = ""
        bpy.ops.ui.copy_python_command_button()
        return window_manager.clipboard.removeprefix("bpy.ops.").partition("(")[0]


def click(place: tuple[int, int]) -> Steps:
    """Left click; the generator's value is when the button was let go."""
    x, y = place
    window().event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
    yield
    window().event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    yield
    now = time.monotonic()
    window().event_simulate("LEFTMOUSE", "RELEASE", x=x, y=y)
    yield
    return now


def key(kind: str, *, ctrl: bool = False, shift: bool = False) -> Steps:
    """Press a key with the mouse in the middle of the view."""
    middle = region("WINDOW")
    x, y = middle.x + middle.width // 3, middle.y + middle.height // 2
    window().event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
    yield
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(kind, value, x=x, y=y, ctrl=ctrl, shift=shift)
        yield
