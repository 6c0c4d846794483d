"""What the tests of caches, exports, bakes and the turntable share: finished runs, and shapes as sets of faces."""

import json
import subprocess
import sys

import bpy
import numpy as np
import pytest
from addon_scene import holds, make_run
from addon_zip import enable, part
from scenes import shape_at

KINDS = ("objects", "meshes", "materials", "scenes", "cameras", "cache_files")
CONSTANT = ("--topology", "constant", "--formats", "usdc", "pc2")


@pytest.fixture(scope="session")
def varying_run(addon_package, tmp_path_factory):
    """A run whose faces change from frame to frame, with a bank and a USD file. Not to be changed."""
    enable()
    return make_run(tmp_path_factory.mktemp("varying") / "run", "--formats", "usdc")


@pytest.fixture(scope="session")
def constant_run(addon_package, tmp_path_factory):
    """A run of constant faces, with a bank, a USD and a PC2 file. Not to be changed."""
    enable()
    return make_run(tmp_path_factory.mktemp("constant") / "run", *CONSTANT)


def opened(folder):
    """A run as the add-on sees it."""
    return part("runfolder").open_run(folder)


def add_bank(folder):
    """The bank of a run in a scene that fits it; its one person."""
    run = opened(folder)
    part("scene.footage").match_scene(run)
    (human,) = part("scene.human").add_human(run)
    choose(human)
    return human


def choose(*things):
    """Select these alone."""
    for thing in bpy.context.scene.objects:
        thing.select_set(thing in things)
    bpy.context.view_layer.objects.active = things[0] if things else None


def meshes_of(run):
    """Vertices, in Blender's axes, and faces of every frame of the run's first person, as the core wrote them."""
    found = []
    for index in run.source_indices.tolist():
        arrays, _ = part("records").read_record(run.mesh_path(1, index))
        x, y, z = np.asarray(arrays["vertices"]).T
        found.append((np.stack([x, z, -y], axis=1), np.asarray(arrays["faces"]), np.asarray(arrays["colours"])))
    return found


def faces_shown(found, *, decimals=4):
    """Faces with an area as a sorted table of their corners' places: the same surface gives the same table.

    Every row starts at its least corner, so that it does not matter which corner a file names first.
    """
    starts = np.cumsum(found["counts"]) - found["counts"]
    sides = np.unique(found["counts"])
    assert len(sides) <= 1
    corners = found["vertices"][found["corners"]][starts[:, None] + np.arange(sides.max(initial=3))]
    spread = np.ptp(corners, axis=1).max(axis=1)
    corners = np.rint(corners[spread > 1e-6] * 10**decimals).astype(np.int64)
    order = np.lexsort(corners.transpose(2, 0, 1)[::-1], axis=-1)[:, 0] if len(corners) else np.zeros(0, int)
    turns = (order[:, None] + np.arange(corners.shape[1])) % corners.shape[1]
    rows = corners[np.arange(len(corners))[:, None], turns].reshape(len(corners), 3 * corners.shape[1])
    return rows[np.lexsort(rows.T[::-1])]


def shown_points(found):
    """Places of the vertices of faces with an area, each once, sorted."""
    starts = np.cumsum(found["counts"]) - found["counts"]
    corners = found["vertices"][found["corners"]]
    spread = np.maximum.reduceat(corners, starts) - np.minimum.reduceat(corners, starts)
    wide = np.repeat(spread.max(axis=1) > 1e-6, found["counts"])
    return np.unique(np.rint(corners[wide] * 1e5).astype(np.int64), axis=0)


def shapes(thing, frames):
    """What an object looks like in every frame."""
    return [shape_at(thing, frame) for frame in frames]


def refused(operator, **words):
    """Call an operator that must fail and change nothing; what it says."""
    before = holds()
    with pytest.raises(RuntimeError) as caught:
        operator(**words)
    assert holds() == before
    return str(caught.value).removeprefix("Error: ").strip()


def undone(operator, **words):
    """Call an operator and undo it; among which kinds of data it had made some. All must be as it was."""
    bpy.ops.ed.undo_push(message="before")
    before = holds() | {"layer": None}
    step = True  # as the window calls it, with an undo step
    assert operator("EXEC_DEFAULT", step, **words) == {"FINISHED"}
    made = {kind for kind, names in holds().items() if kind in KINDS and len(names) > len(before[kind])}
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert holds() | {"layer": None} == before
    return made


def in_a_process_without_the_add_on(blend, code, folder):
    """Open a .blend in a fresh Blender without any add-on of ours and run code there; what it puts into `found`."""
    script = folder / "plain.py"
    script.write_text(
        "import os, sys, json\n"
        f"os.environ['BLENDER_USER_RESOURCES'] = {str(folder / 'no_resources')!r}\n"
        f"sys.path.insert(0, {str(__file__.rsplit('/', 1)[0])!r})\n"
        "import bpy, numpy as np\n"
        f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r})\n"
        "assert not hasattr(bpy.types.Scene, 'hd_human')\n"
        "from scenes import shape_at\n"
        f"found = {{}}\n{code}\n"
        "print(json.dumps(found))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
