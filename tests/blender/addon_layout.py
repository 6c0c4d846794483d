"""A layout without a window: what a panel draws, as a list, with names and icons checked against Blender's own."""

from functools import partial, wraps
from types import SimpleNamespace

import bpy

ICONS = {item.identifier for item in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items}


FUNCTIONS = bpy.types.UILayout.bl_rna.functions


def as_blender(name):
    """Refuse keywords that this Blender's own layout does not have."""

    def decorate(method):
        known = set(FUNCTIONS[name].parameters.keys())

        @wraps(method)
        def call(self, *words, **named):
            assert set(named) <= known, (name, set(named) - known)
            return method(self, *words, **named)

        return call

    return decorate


class Layout:
    """Stands in for `bpy.types.UILayout`; all parts write to one list of (kind, what, enabled)."""

    def __init__(self, rows=None, above=None):
        self.rows = [] if rows is None else rows
        self._above = above
        self.enabled = self.active = True
        self.use_property_split = self.use_property_decorate = False
        self.scale_y, self.operator_context = 1.0, "EXEC_DEFAULT"

    @property
    def alive(self):
        return self.enabled and (self._above is None or self._above.alive)

    def _part(self, **_):
        return Layout(self.rows, self)

    row = as_blender("row")(_part)
    column = as_blender("column")(_part)
    box = as_blender("box")(_part)

    @as_blender("separator")
    def separator(self, **_):
        pass

    @as_blender("label")
    def label(self, *, text="", icon="NONE", translate=True):
        assert icon in ICONS, icon
        self.rows.append(("label", text, self.alive))

    @as_blender("prop")
    def prop(self, owner, name, *, text=None, icon="NONE", index=-1):
        assert icon in ICONS, icon
        if name.startswith("["):
            value = owner.path_resolve(name)
        else:
            assert name in owner.bl_rna.properties, (owner, name)
            value = getattr(owner, name)
        shown = text or owner.bl_rna.properties[name].name
        self.rows.append(("prop", shown, value[index] if index >= 0 else value))

    @as_blender("operator")
    def operator(self, name, *, text="", icon="NONE", emboss=True):
        assert icon in ICONS, icon
        module, _, function = name.partition(".")
        kind = getattr(getattr(bpy.ops, module), function).get_rna_type()
        self.rows.append(("operator", name, self.alive))
        return _Settings(kind)

    @as_blender("operator_menu_enum")
    def operator_menu_enum(self, name, prop, *, text="", icon="NONE"):
        assert icon in ICONS, icon
        module, _, function = name.partition(".")
        kind = getattr(getattr(bpy.ops, module), function).get_rna_type()
        assert kind.properties[prop].type == "ENUM"
        self.rows.append(("operator", name, self.alive))

    @as_blender("template_ID")
    def template_ID(self, owner, name, **_):  # noqa: N802 - Blender's name
        assert name in owner.bl_rna.properties
        self.rows.append(("prop", owner.bl_rna.properties[name].name, getattr(owner, name)))

    @as_blender("progress")
    def progress(self, *, factor, text, translate=True):
        assert 0 <= factor <= 1
        self.rows.append(("progress", text, factor))

    def texts(self, kind):
        return [row[1] for row in self.rows if row[0] == kind]


class _Settings:
    """What a drawn button is set to; refuses what the operator does not have."""

    def __init__(self, kind):
        object.__setattr__(self, "_kind", kind)

    def __setattr__(self, name, value):
        known = self._kind.properties[name]
        if known.type == "ENUM":
            assert value in known.enum_items


class Context:
    """The real context with another region's width."""

    region = SimpleNamespace(width=300)

    def __getattr__(self, name):
        return getattr(bpy.context, name)


def draw(panel):
    """What a panel class draws now; None if it is not shown."""
    context = Context()
    if hasattr(panel, "poll") and not panel.poll(context):
        return None
    stand_in = SimpleNamespace(layout=Layout(), bl_label=panel.bl_label)
    for name in ("split", "settings"):
        if hasattr(panel, name):
            setattr(stand_in, name, partial(getattr(panel, name), stand_in))
    panel.draw(stand_in, context)
    return stand_in.layout
