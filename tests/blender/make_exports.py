"""Write what the tests in Blender open, and what they should find there, in plain numpy and JSON.

Run by the core's Python: `python tests/blender/make_exports.py FOLDER`. Blender's Python has another numpy and no
hd_core; it reads only this folder. `expected.json` is written last, so it is there only if all else is.
"""

import json
import sys
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import export_zoo
import pipeline_clips
from make_runs import make_runs

from hd_core.cli.main import main as command_line
from hd_core.export.exr import Correspondence, write_passes
from hd_core.export.naming import frame_files
from hd_core.export.table import write_scene
from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import whole_frame
from hd_core.pipeline.export import load_scene
from hd_core.runfolder import RunFolder
from hd_core.types import Camera, Gauge, Mesh, Scene, SurfaceMaps, View

SCENES = {
    "varying": [".usdc", ".abc"],
    "constant": [".usdc", ".abc", ".glb", ".pc2"],
    "two_people": [".usdc", ".abc", ".ply", ".obj", ".glb"],
    "empty_between": [".usdc", ".abc"],
    "irregular": [".usdc", ".abc"],
    "ntsc": [".usdc", ".abc"],
    "patch": [".usdc", ".abc", ".ply", ".obj", ".glb"],
    "textured": [".usdc"],
    "line": [".usdc", ".abc"],
    "line_constant": [".usdc", ".abc", ".glb", ".pc2"],
}
LINES = {"line": "varying", "line_constant": "constant"}
"""Scenes that are not built but reconstructed from a video, by the topology they are asked for."""
BALL_CENTRE, BALL_RADIUS = np.array([0.15, -0.3, 3.0]), 0.6
BALL_CAMERAS = {
    "landscape": Camera(width=160, height=120, intrinsics=np.array([[150.0, 0, 62], [0, 150, 85], [0, 0, 1]])),
    "portrait": Camera(width=120, height=160, intrinsics=np.array([[170.0, 0, 71], [0, 170, 60], [0, 0, 1]])),
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expected.json").unlink(missing_ok=True)
    known = {name: write_zoo(folder, name, suffixes) for name, suffixes in SCENES.items()}
    arrays = {}
    for name in SCENES:
        arrays |= {f"{name}/{key}": value for key, value in expected_arrays(make(folder, name)).items()}
    for name, camera in BALL_CAMERAS.items():
        write_scene(ball_scene(camera), folder / f"ball_{name}.usdc")
        arrays[f"ball/{name}"] = ball_mask(camera)
    write_exr(folder)
    make_runs(folder)
    np.savez(folder / "expected.npz", **arrays)
    (folder / "expected.json").write_text(json.dumps(known, indent=1))


def make(folder: Path, name: str) -> Scene:
    if name in LINES:
        return reconstructed(folder / name, LINES[name])
    if name != "ntsc":
        return export_zoo.ZOO[name](folder / "pictures")
    sequence = export_zoo.sequence_of(
        [export_zoo.patch_mesh(frame) for frame in range(5)],
        shares_faces=True,
        first_frame=1001,
        times_seconds=np.arange(5) * 1001 / 30000,
    )
    return replace(export_zoo.scene_of(sequence), fps=Fraction(30000, 1001))


def reconstructed(folder: Path, topology: str) -> Scene:
    """An arm before a torso, from its video through the whole line."""
    clip = folder / "clip" / "clip.mp4"
    if not clip.exists():
        pipeline_clips.write_clip(clip.parent, num_frames=4, size=96)
    texture = "none" if topology == "varying" else "frames"
    arguments = pipeline_clips.words(clip, folder / "run", "--topology", topology, "--texture", texture)
    with suppress(SystemExit):
        command_line([*arguments, "--progress", "none"])
    with RunFolder.existing(folder / "run") as run:
        return load_scene(run)


def write_zoo(folder: Path, name: str, suffixes: list[str]) -> dict:
    scene = make(folder, name)
    files, per_frame = {}, {}
    for suffix in suffixes:
        target = folder / f"{name}{suffix}"
        files[suffix] = [path.name for path in write_scene(scene, target)]
        per_frame[suffix] = [
            {"file": file.path.name, "person": file.sequence.name, "position": file.position}
            for file in frame_files(scene, target)
            if file.path.name in files[suffix]
        ]
    return {
        "fps": [scene.fps.numerator, scene.fps.denominator],
        "people": {one.name: one.frame_numbers.tolist() for one in scene.sequences},
        "times": {one.name: one.times_seconds.tolist() for one in scene.sequences},
        "files": files,
        "per_frame": per_frame,
    }


def expected_arrays(scene: Scene) -> dict[str, np.ndarray]:
    """Every mesh in Blender's axes: `person/position/what`; faces as corners with their counts."""
    found = {}
    for sequence in scene.sequences:
        for position in range(len(sequence)):
            mesh, key = sequence[position], f"{sequence.name}/{position}"
            x, y, z = mesh.vertices.T
            found[f"{key}/vertices"] = np.stack([x, z, -y], axis=1)
            found[f"{key}/counts"] = (mesh.faces >= 0).sum(axis=1)
            found[f"{key}/corners"] = mesh.faces[mesh.faces >= 0]
            found[f"{key}/uv"], found[f"{key}/colours"] = mesh.uv, mesh.colours
            x, y, z = mesh.normals.T
            found[f"{key}/normals"] = np.stack([x, z, -y], axis=1)
    return found


def ball_scene(camera: Camera) -> Scene:
    """A ball that stands still, fine enough that its outline is that of a sphere to a tenth of a pixel."""
    around, up = np.meshgrid(np.linspace(0, 2 * np.pi, 97)[:-1], np.linspace(0, np.pi, 49))
    rays = np.stack([np.sin(up) * np.cos(around), np.cos(up), np.sin(up) * np.sin(around)], axis=-1)
    index = np.arange(rays.shape[0] * rays.shape[1]).reshape(rays.shape[:2])
    right = np.roll(index, -1, axis=1)
    faces = np.stack([index[:-1], right[:-1], right[1:], index[1:]], axis=-1).reshape(-1, 4)
    vertices = (BALL_CENTRE + BALL_RADIUS * rays.reshape(-1, 3)).astype(np.float32)
    mesh = Mesh(vertices=vertices, faces=faces.astype(np.int32))
    return replace(export_zoo.scene_of(export_zoo.sequence_of([mesh])), camera=camera)


def ball_mask(camera: Camera) -> np.ndarray:
    """Pixels whose centre's ray meets the ball: |c|^2 - (c.d)^2 <= r^2."""
    k = camera.intrinsics
    x = (np.arange(camera.width)[None] + 0.5 - k[0, 2]) / k[0, 0]
    y = (np.arange(camera.height)[:, None] + 0.5 - k[1, 2]) / k[1, 1]
    rays = np.stack(np.broadcast_arrays(x, y, 1.0), axis=-1)
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    return BALL_CENTRE @ BALL_CENTRE - (rays @ BALL_CENTRE) ** 2 <= BALL_RADIUS**2


def write_exr(folder: Path) -> None:
    """Passes of a slanted plane, plain and with the beauty."""
    camera = camera_from_focal(32, 24, focal_px=30.0)
    shape = camera.shape
    mask = np.ones(shape, bool)
    normal = np.zeros((*shape, 3), np.float32)
    normal[..., 2] = -1
    surface = SurfaceMaps(
        camera=camera,
        depth=np.linspace(2, 3, mask.size, dtype=np.float32).reshape(shape),
        normal=normal,
        mask=mask,
        confidence=np.full(shape, 0.5, np.float32),
        gauge=Gauge.METRIC,
    )
    view = View(
        rgb=np.full((*shape, 3), 188, np.uint8),
        alpha=np.ones(shape, np.float32),
        crop=whole_frame(camera),
        frame_index=0,
        time_seconds=0.0,
    )
    write_passes(folder / "passes.exr", surface, view)
    place = Correspondence(
        u=np.full(shape, 0.25, np.float32),
        v=np.full(shape, 0.75, np.float32),
        part=np.full(shape, 2, np.uint8),
        confidence=np.full(shape, 0.5, np.float32),
        convention="anny24",
    )
    write_passes(folder / "passes_beauty.exr", surface, view, beauty=True, correspondence=place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
