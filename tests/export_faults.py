"""Things that go wrong while a writer works, and what listens to it."""

import json
import resource
import subprocess
import sys
from contextlib import contextmanager

from hd_core.progress import Silent


class Listener(Silent):
    """Remembers what it was told; stops the job at the given question, counted from 1."""

    def __init__(self, *, stop_at=0):
        self.steps, self.warnings, self.asked, self._stop_at = [], [], 0, stop_at

    def step(self, stage, done, total):
        self.steps.append((stage, done, total))

    def warn(self, message):
        self.warnings.append(message)

    def cancelled(self):
        self.asked += 1
        return self.asked == self._stop_at


@contextmanager
def files_end_at(num_bytes):
    """Let no file of this process grow beyond some bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


PEAK = """
import json, resource, sys
from pathlib import Path
import numpy as np
import export_zoo
from hd_core.export.table import write_scene
from hd_core.types import Mesh

rng = np.random.default_rng(0)
faces = rng.integers(0, 10_000, (20_000, 3), np.int32)

def mesh(frame):
    vertices = rng.standard_normal((10_000 + frame % 3, 3)).astype(np.float32)
    return Mesh(vertices=vertices, faces=faces, normals=vertices, uv=vertices[:, :2] + 0)

meshes = export_zoo.LazyMeshes(mesh, int(sys.argv[2]))
write_scene(export_zoo.scene_of(export_zoo.sequence_of(meshes)), Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([peak, meshes.most_alive]))
"""


def peak_of_writing(path, num_frames):
    """Peak memory in MiB, and meshes alive at once, of a process that writes a clip of 10,000 vertices."""
    command = [sys.executable, "-c", PEAK, str(path), str(num_frames)]
    paths = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=paths)
    return json.loads(done.stdout)
