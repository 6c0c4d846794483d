# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain meshes out of a human: all frames as shape keys, or one frame; Blender's own data and nothing of ours."""

from collections.abc import Iterable

import bpy
import numpy as np

from ..records import RunError
from .clip import mark_frames
from .evaluated import lay_out_crop, new_mesh, set_uv
from .human import CLIP_KEY, PERSON_KEY, RUN_KEY
from .keys import add_keys, check_length
from .plain_look import Projection, fit_projection, plain_materials
from .scratch import scratch_scene
from .undoing import undoing_on_error
from .unified import Moment, Unified

UV_TOLERANCE = 1e-4
"""How far UV may be off before it counts as changing, in picture widths; the bank's own is exact to 1e-5."""


def bake_shape_keys(thing: bpy.types.Object, frames: range) -> bpy.types.Object:
    """Add a mesh that plays the same frames by shape keys, in the same collections and place.

    The mesh is the union of all frames' cells; a cell that is absent from a frame is shrunk to a point of it. UV that
    changes with the frame is that of each vertex's first frame in the mesh, and right in every frame in the material.

    Raises:
        RunError: There are too many frames, or the faces change and no grid lies behind them; nothing was added.
    """
    check_length(len(frames))
    with undoing_on_error():
        with scratch_scene(bpy.context.scene, [thing]) as scratch:
            still = Unified(thing, scratch, frames)
            layers = _Layers()
            moments = layers.watch(still.moments())
            first = next(moments)
            name = f"{thing.name} keys"
            baked = _object(thing, name, new_mesh(name, first.positions, still.faces))
            baked.use_fake_user = True  # until it stands in a scene that stays
            add_keys(baked, frames[0], ((moment.frame, moment.positions) for moment in moments))
            for name, uv in layers.still.items():
                set_uv(baked.data, name, uv)
            for material in plain_materials(thing, scratch, frames, layers.projections()):
                baked.data.materials.append(material)
        for key in (RUN_KEY, CLIP_KEY, PERSON_KEY):
            if key in thing:
                baked[key] = thing[key]
        mark_frames(baked, frames)
        _place(baked, thing)
    return baked


def bake_mesh(thing: bpy.types.Object, frame: int) -> bpy.types.Object:
    """Add a plain mesh of what a frame shows, with all attributes and the look of that frame.

    Raises:
        RunError: The frame shows nothing; nothing was added.
    """
    with undoing_on_error():
        with scratch_scene(bpy.context.scene, [thing]) as scratch:
            depsgraph = scratch.go_to(frame)
            evaluated = thing.evaluated_get(depsgraph)
            if not len(evaluated.data.polygons):
                raise RunError(f"{thing.name} shows nothing in frame {frame}.", "Go to a frame in which it does.")
            mesh = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=depsgraph)
            mesh.name = f"{thing.name} frame {frame}"
            lay_out_crop(mesh)
            baked = _object(thing, mesh.name, mesh)
            baked.use_fake_user = True
            mesh.materials.clear()
            for material in plain_materials(thing, scratch, [frame]):
                mesh.materials.append(material)
        _place(baked, thing)
    return baked


class _Layers:
    """Watches UV go by: what it is at first, and whether and how it changes."""

    def __init__(self) -> None:
        self.still: dict[str, np.ndarray] = {}
        self._known: dict[str, np.ndarray] = {}
        self._changes: set[str] = set()
        self._fits: dict[str, list[np.ndarray | None]] = {}
        self._frames: list[int] = []

    def watch(self, moments: Iterable[Moment]) -> Iterable[Moment]:
        """Look at every frame and pass it on."""
        for moment in moments:
            for name, uv in moment.uvs.items():
                self._see(name, uv, moment)
            if moment.uvs:
                self._frames.append(moment.frame)
            yield moment

    def projections(self) -> dict[str, Projection]:
        """Of those layers that change with the frame as a camera's projection does."""
        return {
            name: Projection(frames=self._frames, values=np.array(fits))
            for name, fits in self._fits.items()
            if name in self._changes and all(fit is not None for fit in fits)
        }

    def _see(self, name: str, uv: np.ndarray, moment: Moment) -> None:
        first = self.still.setdefault(name, uv.copy())
        known = self._known.setdefault(name, np.zeros(len(uv), bool))
        again, new = moment.shown & known, moment.shown & ~known
        if (np.abs(uv[again] - first[again]) > UV_TOLERANCE).any():
            self._changes.add(name)
        first[new] = uv[new]
        known |= new
        fit = fit_projection(moment.positions[moment.shown], uv[moment.shown], within=UV_TOLERANCE)
        self._fits.setdefault(name, []).append(fit)


def _object(like: bpy.types.Object, name: str, mesh: bpy.types.Mesh) -> bpy.types.Object:
    baked = bpy.data.objects.new(name, mesh)
    baked.matrix_world = like.matrix_world
    return baked


def _place(baked: bpy.types.Object, thing: bpy.types.Object) -> None:
    """Put an object where another is, as far as that can be written to."""
    collections = [one for one in thing.users_collection if one.library is None]
    for collection in collections or [bpy.context.scene.collection]:
        collection.objects.link(baked)
    baked.use_fake_user = False
