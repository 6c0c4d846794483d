"""Binary glTF 2.0, Y up: one file per frame, or one file with morph targets when the topology is constant.

The morph targets are the frames, and the animation switches from one to the next (STEP): it shows what was
reconstructed and nothing between, so that a collapsed face never sweeps open. glTF has one picture per material
for all time, so a picture per frame becomes vertex colours that change with the frame.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hd_core.errors import UsageError
from hd_core.export.glb_mesh import Attributes, Item, add_mesh, add_target, attributes_of
from hd_core.export.gltf import Gltf
from hd_core.export.naming import FrameFile
from hd_core.export.output import SILENT, FrameCounter, Output, write_frames
from hd_core.export.timecodes import clip_range, timeline
from hd_core.progress import Progress
from hd_core.types import Mesh, MeshSequence, Scene

MAX_FRAMES = 250
"""Frames of one animated file: WebGL 2 promises 256 layers for the texture that viewers keep morph targets in."""


def write_glb(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write one animated GLB if every person has constant topology, else one GLB per frame and person.

    Positions, normals, UV and the picture (at most `texture.MAX_SIDE` px), or linear colours without one. In the
    animated file UV is there only if it is the same in every frame, and a picture only if all frames share it.
    Quads become triangles.

    Raises:
        UsageError: More than `MAX_FRAMES` frames of constant topology, or more than 4 GiB.
    """
    if not all(sequence.shares_faces for sequence in scene.sequences):
        return write_frames(scene, path, _write_frame, progress)
    for sequence in scene.sequences:
        if len(sequence) > MAX_FRAMES:
            raise UsageError(
                f"{path.name} cannot hold {len(sequence)} frames of {sequence.name}; viewers take {MAX_FRAMES}.",
                "Write .usdc or .abc, or choose fewer frames.",
            )
    with Output() as output:
        aside = output.add(path)
        with Gltf(aside.parent) as gltf:
            _add_people(gltf, scene, progress)
            gltf.write(aside)
    return output.paths


def _write_frame(output: Output, file: FrameFile) -> None:
    aside = output.add(file.path)
    mesh, picture = file.mesh, file.texture_path
    with Gltf(aside.parent) as gltf:
        attributes = attributes_of(mesh, with_uv=True, with_colours=picture is None)
        item = add_mesh(gltf, mesh, attributes, name=file.sequence.name, picture=picture)
        gltf.show([_add_node(gltf, file.sequence.name, item)])
        gltf.write(aside)


def _add_people(gltf: Gltf, scene: Scene, progress: Progress) -> None:
    """Every person as a node with morph targets, and one animation that plays them all."""
    nodes: list[int] = []
    channels: list[Item] = []
    samplers: list[Item] = []
    counter = FrameCounter(scene, progress)
    start, _ = clip_range(scene)
    for sequence in scene.sequences:
        frames = _Frames(gltf=gltf, sequence=sequence, picture=_picture_for_all(sequence, progress))
        for code, mesh in timeline(scene, sequence):
            counter.begin()
            frames.put(mesh, seconds=(code - start) / float(scene.fps))
            counter.end()
        nodes.append(_add_node(gltf, sequence.name, frames.item))
        if frames.targets:
            channels.append({"sampler": len(samplers), "target": {"node": nodes[-1], "path": "weights"}})
            samplers.append(_switch(gltf, frames.seconds))
    if channels:
        gltf.add("animations", {"name": "frames", "channels": channels, "samplers": samplers})
    gltf.show(nodes)


def _add_node(gltf: Gltf, name: str, mesh: Item) -> int:
    node: Item = {"name": name}
    if mesh:
        node["mesh"] = gltf.add("meshes", mesh)
    return gltf.add("nodes", node)


@dataclass(kw_only=True)
class _Frames:
    """One person's first frame as a glTF mesh that fills with morph targets, one per later frame.

    Args:
        gltf: Where the arrays go.
        sequence: The person.
        picture: The picture of all frames.
        seconds: Time of every frame so far.
        item: The mesh; empty if it has no faces.
        targets: Its morph targets.
    """

    gltf: Gltf
    sequence: MeshSequence
    picture: Path | None
    seconds: list[float] = field(default_factory=list)
    item: Item = field(default_factory=dict)
    targets: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._with_uv = _uv_is_steady(self.sequence)
        self._base: Attributes = {}

    def put(self, mesh: Mesh, *, seconds: float) -> None:
        """Add the next frame."""
        values = attributes_of(mesh, with_uv=self._with_uv, with_colours=self.picture is None)
        if not self.seconds:
            self._base = values
            self.item = add_mesh(self.gltf, mesh, values, name=self.sequence.name, picture=self.picture)
        elif self.item:
            self.targets.append(add_target(self.gltf, self._base, values))
            self.item["primitives"][0]["targets"] = self.targets
            names = self.item.setdefault("extras", {}).setdefault("targetNames", [])
            names.append(f"{seconds:.3f} s")
        self.seconds.append(seconds)


def _switch(gltf: Gltf, seconds: list[float]) -> Item:
    """The sampler that turns on target k - 1 alone at time k; at time 0 all are off.

    Times are rounded down to single precision, or readers that step in frames would show the frame before.
    """
    exact = np.array(seconds)
    keys = exact.astype(np.float32)
    keys = np.where(keys > exact, np.nextafter(keys, np.float32(-1)), keys)
    weights = np.eye(len(keys), len(keys) - 1, k=-1, dtype=np.float32)
    return {
        "input": gltf.add_array(keys, with_bounds=True),
        "interpolation": "STEP",
        "output": gltf.add_array(weights.ravel()),
    }


def _picture_for_all(sequence: MeshSequence, progress: Progress) -> Path | None:
    """The one picture of all frames, if they share it and their UV."""
    pictures = set(sequence.texture_paths)
    if len(pictures) == 1 and _uv_is_steady(sequence):
        return pictures.pop()
    if pictures:
        progress.warn(
            f"A .glb holds one picture for all frames, so {sequence.name} is written with vertex "
            "colours; .usdc holds a picture per frame."
        )
    return None


def _uv_is_steady(sequence: MeshSequence) -> bool:
    """Whether every frame has the first one's UV, bit by bit."""
    first = sequence[0].uv
    for position in range(1, len(sequence)):
        uv = sequence[position].uv
        if first is None or uv is None or not np.array_equal(uv, first):
            return False
    return first is not None
