"""What the tests of the scene side share: runs of `make_runs.py`, what they should show, and what is shown."""

import json
import shutil

import bpy
import numpy as np
from mathutils.kdtree import KDTree

from blender_addon.records import read_record
from blender_addon.runfolder import open_run
from blender_addon.scene.nodes import player_of, set_knob

NAMES = {"float64": "F64", "float32": "F32", "int32": "I32"}


class Runs:
    """`runs(name)` opens a run of `make_runs.py`; `runs.expected(name, position)` is what it should show."""

    def __init__(self, folder):
        self.folder = folder
        self._arrays = dict(np.load(folder / "runs.npz"))

    def __call__(self, name):
        return open_run(self.folder / name / "run")

    def expected(self, name, position):
        prefix = f"{name}/{position}/"
        return {key[len(prefix) :]: value for key, value in self._arrays.items() if key.startswith(prefix)}

    def copy(self, name, folder):
        """A run folder that a test may spoil."""
        return shutil.copytree(self.folder / name / "run", folder)


def shown(thing, number=None):
    """Points, faces' corners and attributes of an object as evaluated, in a frame of the scene."""
    if number is not None:
        bpy.context.scene.frame_set(number)
    mesh = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    found = {"points": read(mesh.vertices, "co", 3), "num_quads": len(mesh.polygons), "mesh": mesh}
    found["corner"] = read(mesh.loops, "vertex_index", 1, np.int32)[:, 0] if len(mesh.loops) else np.zeros(0, int)
    if mesh.uv_layers:
        found["uv"] = np.zeros((len(found["points"]), 2), np.float32)
        found["uv"][found["corner"]] = read(mesh.uv_layers[0].uv, "vector", 2)
    return found


def turn(thing, **knobs):
    """Set knobs of the modifier; underscores are spaces."""
    for name, value in knobs.items():
        set_knob(player_of(thing), name.replace("_", " "), value)


def nearest(points, others):
    """For every point the number of the nearest of the others, and how far it is (largest coordinate)."""
    tree = KDTree(len(others))
    for number, other in enumerate(others.tolist()):
        tree.insert(other, number)
    tree.balance()
    index = np.array([tree.find(point)[1] for point in points.tolist()], int)
    return index, np.abs(points - others[index]).max(axis=1, initial=0)


def read(collection, name, width, kind=np.float32):
    values = np.zeros(len(collection) * width, kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)


def rewrite(path, *, change_arrays=dict, **header):
    """Write a bank anew with other arrays or another header."""
    arrays, known = read_record(path)
    arrays = change_arrays({name: np.array(value) for name, value in arrays.items()})
    entries, start = {"__metadata__": {"hd_core": json.dumps({"digest": "", "header": known | header})}}, 0
    for name, value in arrays.items():
        end = start + value.nbytes
        entries[name] = {"dtype": NAMES[value.dtype.name], "shape": value.shape, "data_offsets": [start, end]}
        start = end
    head = json.dumps(entries).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + b"".join(value.tobytes() for value in arrays.values()))
