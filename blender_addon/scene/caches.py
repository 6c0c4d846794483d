# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished run played by something else than the depth bank: a USD file, a PC2 file, or shape keys.

USD holds every frame's own outline and keeps the .blend small, but plays only beside its file and in a Blender built
with USD. PC2 needs a run of constant topology and no such build. Shape keys are for short clips.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import numpy as np

from .. import pc2
from ..records import RunError, read_record
from ..runfolder import Run
from .bake import bake_shape_keys
from .bank_object import UV_NAMES
from .clip import frames_of, mark_frames
from .evaluated import new_mesh, set_uv
from .human import CLIP_KEY, PERSON_KEY, RUN_KEY, add_human
from .keys import add_keys, check_length
from .material import add_material
from .node_tree import Formula, arrange, output
from .pictures import stored_path
from .scratch import known_to, scratch_scene
from .undoing import undoing_on_error

KINDS = ("USD", "PC2", "SHAPE_KEYS")
NOT_IMPORTED = ("import_cameras", "import_lights", "import_materials", "set_frame_range")
COLOURS = "Col"
WORN = ("Base Color", "Color")
"""Inputs of the look that the colour of the surface goes to."""


def add_cache(run: Run, kind: str) -> list[bpy.types.Object]:
    """Add one animated object per person of a run to the scene, in a collection of the clip's name.

    Args:
        run: The run, with its results.
        kind: One of `KINDS`.

    Returns:
        The objects, by person.

    Raises:
        RunError: The run lacks what this kind plays, or it is damaged; nothing was added.
    """
    make: Callable[[Run], list[bpy.types.Object]] = {"USD": _usd, "PC2": _pc2, "SHAPE_KEYS": _shape_keys}[kind.upper()]
    if not run.people:
        raise RunError(f"No person was found in {run.clip_name}.", "Choose a run with a person in it.")
    with undoing_on_error():
        things = make(run)
        collection = bpy.data.collections.new(run.clip_name)
        bpy.context.scene.collection.children.link(collection)
        for thing, person in zip(things, run.people, strict=True):
            thing.name = thing.data.name = f"{run.clip_name} person{person:02d}"
            thing[RUN_KEY], thing[CLIP_KEY], thing[PERSON_KEY] = str(run.path), run.clip_name, person
            mark_frames(thing, range(run.start_frame, run.start_frame + run.num_frames))
            if not thing.data.materials:
                _dress(thing, run, person)
            collection.objects.link(thing)
    return things


def _usd(run: Run) -> list[bpy.types.Object]:
    if not bpy.app.build_options.usd:
        raise RunError("This Blender was built without USD.", "Use the depth bank, or a Blender from blender.org.")
    path = run.exports.get(".usdc") or run.exports.get(".usd")
    if path is None:
        raise _missing(run, "usdc", "USD file")
    scene = bpy.context.scene
    with scratch_scene(scene) as scratch:
        with scratch.acting():
            options = {"relative_path": bool(bpy.data.filepath)} | dict.fromkeys(NOT_IMPORTED, False)
            bpy.ops.wm.usd_import(filepath=str(path), **known_to(bpy.ops.wm.usd_import, options))
        found = {thing.name.split(".")[0]: thing for thing in scratch.scene.objects if thing.type == "MESH"}
        names = [f"person{person:02d}" for person in run.people]
        if not set(names) <= set(found):
            raise RunError(f"{path} does not hold {', '.join(names)}.", "Export it again: hd-core export RUN.")
        things = [found[name] for name in names]
        for thing in things:
            thing.parent = None
            thing.use_fake_user = True  # what stands in no scene goes with the scratch scene
    for thing in things:
        thing.use_fake_user = False
    return things


def _pc2(run: Run) -> list[bpy.types.Object]:
    if ".pc2" not in run.exports:
        raise _missing(run, "pc2", "PC2 file")
    things = []
    for person in run.people:
        path = run.exports[".pc2"].with_name(_cache_name(run, person))
        header = pc2.read_header(path)
        thing = _object(run, person)
        if len(thing.data.vertices) != header.num_points:
            raise RunError(
                f"{path} moves {header.num_points} vertices; the run's mesh has {len(thing.data.vertices)}.",
                "The meshes were made anew since: hd-core export RUN --formats pc2.",
            )
        cache = thing.modifiers.new("PC2 Cache", "MESH_CACHE")
        cache.cache_format, cache.filepath = "PC2", stored_path(path)
        cache.frame_start, cache.frame_scale = header.start, 1 / header.step
        cache.interpolation = "NONE"
        things.append(thing)
    return things


def _shape_keys(run: Run) -> list[bpy.types.Object]:
    check_length(run.num_frames)
    if not has_constant_faces(run):
        return _baked_banks(run)
    things = []
    for person in run.people:
        thing = _object(run, person)
        positions = _positions(run, person)
        thing.data.vertices.foreach_set("co", next(positions).ravel())
        add_keys(thing, run.start_frame, zip(run.frame_numbers[1:].tolist(), positions, strict=True))
        things.append(thing)
    return things


def _baked_banks(run: Run) -> list[bpy.types.Object]:
    """Shape keys on the grid of the depth bank, which is only there while they are made."""
    with scratch_scene(bpy.context.scene) as scratch, scratch.acting():
        things = []
        for bank in add_human(run):
            thing = bake_shape_keys(bank, frames_of([bank], scratch.scene))
            thing.use_fake_user = True  # what stands in no scene goes with the scratch scene
            things.append(thing)
    for thing in things:
        for collection in thing.users_collection:
            collection.objects.unlink(thing)
        thing.use_fake_user = False
    return things


def has_constant_faces(run: Run) -> bool:
    """Whether the run's meshes have the same faces in every frame, as far as two of them say."""
    for person in run.people:
        paths = _present(run, person)
        first, last = (read_record(path)[0]["faces"] for path in (paths[0], paths[-1]))
        if len(paths) > 1 and not np.array_equal(first, last):
            return False
    return True


def _object(run: Run, person: int) -> bpy.types.Object:
    """The person's mesh of constant topology, in the first frame that has one.

    Raises:
        RunError: The faces change from frame to frame.
    """
    arrays, _ = read_record(_present(run, person)[0])
    name = f"person{person:02d}"
    mesh = new_mesh(name, in_blender_axes(arrays["vertices"]), np.asarray(arrays["faces"]))
    if "uv" in arrays:
        set_uv(mesh, UV_NAMES[0], np.asarray(arrays["uv"]))
    if "colours" in arrays:
        layer = mesh.color_attributes.new(COLOURS, "BYTE_COLOR", "POINT")
        rgba = np.concatenate([arrays["colours"] / 255, np.ones((len(arrays["colours"]), 1))], axis=1)
        layer.data.foreach_set("color_srgb", rgba.astype(np.float32).ravel())
    return bpy.data.objects.new(name, mesh)


def _positions(run: Run, person: int) -> Iterator[np.ndarray]:
    """Positions of every output frame; where the person is absent all lie in one point.

    Raises:
        RunError: The faces change from frame to frame.
    """
    present = set(_present(run, person))
    first, _ = read_record(min(present))
    for index in run.source_indices.tolist():
        path = run.mesh_path(person, index)
        if path not in present:
            yield np.repeat(in_blender_axes(first["vertices"][:1]), len(first["vertices"]), axis=0)
            continue
        arrays, _ = read_record(path)
        if not np.array_equal(arrays["faces"], first["faces"]):
            raise RunError(
                f"The faces of person {person} change from frame to frame; shape keys need the same in every frame.",
                "Add the depth bank and bake it to shape keys, or build again with constant topology.",
            )
        yield in_blender_axes(arrays["vertices"])


def _present(run: Run, person: int) -> list[Path]:
    paths = [path for index in run.source_indices.tolist() if (path := run.mesh_path(person, index)).is_file()]
    if not paths:
        raise RunError(f"{run.path} holds no meshes of person {person}.", "Resume the job, or copy the folder again.")
    return paths


def in_blender_axes(vertices: np.ndarray) -> np.ndarray:
    """Camera axes (x right, y down, z away) as Blender's (x right, y away, z up), (v, 3)."""
    x, y, z = np.asarray(vertices, np.float32).T
    return np.stack([x, z, -y], axis=1)


def _cache_name(run: Run, person: int) -> str:
    return f"{run.clip_name}.pc2" if len(run.people) == 1 else f"{run.clip_name}.person{person:02d}.pc2"


def _dress(thing: bpy.types.Object, run: Run, person: int) -> None:
    """Show the video, or the colours that the mesh carries where the run has no pictures."""
    material = add_material(run, thing, None, person, texture=True, normal_map=False)
    for node in material.node_tree.nodes:
        if node.bl_idname == "ShaderNodeUVMap" and thing.data.uv_layers:
            node.uv_map = thing.data.uv_layers[0].name
    if not run.textures and thing.data.color_attributes:
        f = Formula(material.node_tree)
        colour = output(f.node("ShaderNodeVertexColor", layer_name=thing.data.color_attributes[0].name), "Color")
        for socket in [one for node in material.node_tree.nodes for one in node.inputs if one.name in WORN]:
            f.put(socket, colour)
        arrange(material.node_tree, width=280.0, height=320.0)


def _missing(run: Run, suffix: str, what: str) -> RunError:
    hint = f"Write it: hd-core export {run.path} --formats {suffix}"
    if suffix == "pc2":
        hint += " (the run must have been made with --topology constant)"
    return RunError(f"{run.path} holds no {what}.", f"{hint}. Or choose the depth bank.")
