"""Run folders with a bank for the add-on's tests, by the real core, and what should be seen of them.

Part of `make_exports.py`. `runs.npz` holds, under run and position: every vertex in Blender's axes, `pixels` as the
core's own meshes have them and `rims` as the bank's documentation says; the matte of the whole frame; the picture.
"""

import hashlib
import json
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import bank_reading
import numpy as np
from PIL import Image

from hd_core.cli.main import main as command_line
from hd_core.records import read_mesh
from hd_core.synth.shapes import SHAPES
from hd_core.types import Camera
from hd_core.video.write import write_video

NUM_FRAMES = 5
RUNS = {
    "fixed": {
        "camera": Camera(width=112, height=128, intrinsics=np.array([[150.0, 0, 56], [0, 150, 64], [0, 0, 1]])),
        "fps": Fraction(24),
        "walk_px": 0.0,
        "words": ["--crop", "fixed", "--size", "128"],
    },
    "walking": {
        "camera": Camera(width=176, height=112, intrinsics=np.array([[130.0, 0, 80], [0, 143, 60], [0, 0, 1]])),
        "fps": Fraction(30000, 1001),
        "walk_px": 9.0,
        "words": ["--crop", "follow", "--size", "96", "--start-frame", "1001"],
    },
}
"""A still person in a whole picture; one that walks before a camera whose pixels are not square and whose axis is
beside the middle."""


def make_runs(folder: Path) -> None:
    """Write `folder/RUN/run` for every run, and `folder/runs.npz`."""
    arrays = {}
    for name, given in RUNS.items():
        run = folder / name / "run"
        mattes = write_clip(folder / name, given)
        words = ["reconstruct", str(folder / name / f"{name}.mp4"), "-o", str(run), "--bank", "--progress", "none"]
        maps = ["--predictor", "maps", "--maps", str(folder / name / "maps"), "--overwrite"]
        with suppress(SystemExit):
            command_line([*words, *maps, *given["words"]])
        for key, value in expected_of(run).items():
            arrays[f"{name}/{key}"] = value
        for position, matte in enumerate(mattes):
            arrays[f"{name}/{position}/matte"] = matte
    np.savez(folder / "runs.npz", **arrays)


def write_clip(folder: Path, given: dict) -> list[np.ndarray]:
    """Render the arm before the torso, moved along the picture, to a video and its maps; returns the mattes.

    Moving a picture by s pixels shears the scene by s / f along x over z. Depth stays; a plane's normal n becomes
    (nx, ny, nz - nx s / f).
    """
    camera, mattes, pictures = given["camera"], [], []
    (folder / "maps").mkdir(parents=True, exist_ok=True)
    for index in range(NUM_FRAMES):
        shift = given["walk_px"] * (index - (NUM_FRAMES - 1) / 2)
        moved = camera.intrinsics + np.array([[0, 0, shift], [0, 0, 0], [0, 0, 0]])
        seen = Camera(width=camera.width, height=camera.height, intrinsics=moved)
        frame = SHAPES["arm_before_torso"](seen, time_seconds=0.4 * index)
        normal = frame.maps.normal.copy()
        normal[..., 2] -= normal[..., 0] * shift / camera.intrinsics[0, 0]
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
        arrays = {"normal": normal, "depth": frame.maps.depth, "mask": frame.alpha}
        np.savez(folder / "maps" / f"{index:06d}.npz", **arrays)
        pictures.append(frame.rgb)
        mattes.append(frame.alpha)
    card = {
        "schema": 1,
        "axes": "opencv",
        "normals": "camera",
        "depth": {"kind": "z", "unit": "m", "gauge": "metric"},
        "camera": {"width": camera.width, "height": camera.height, "intrinsics": camera.intrinsics.tolist()},
        "pattern": "{index:06d}.npz",
        "licence": "CC0-1.0",
        "source": "hd_core.synth.shapes",
    }
    (folder / "maps" / "maps.json").write_text(json.dumps(card))
    write_video(folder / f"{folder.name}.mp4", pictures, fps=given["fps"])
    return mattes


def expected_of(run: Path) -> dict[str, np.ndarray]:
    """What every frame of a run should look like, from the core's meshes and the bank's documentation."""
    tensors, _ = bank_reading.read(run / "bank" / "person01.safetensors")
    found = {}
    for position, number in enumerate(tensors["frame_numbers"].tolist()):
        values, view = tensors["depth"][position], tensors["view"][position]
        bits = tensors["kept"][position // 24] >> (position % 24) & 1
        used = np.zeros(len(values), bool)
        used[tensors["quads"][bits == 1]] = True
        decoded = bank_reading.decode(tensors["pixels"], values)
        kept = decoded.is_pixel
        mesh = read_mesh(run / "person01" / "mesh" / f"{position:06d}.safetensors")
        ray = (decoded.place - 0.5) * view[:2] + view[2:4]
        rims = np.column_stack([ray, np.ones(len(ray))]) * decoded.depth[:, None]
        found[f"{position}/pixels"] = blender(mesh.vertices[: kept.sum()][used[kept]])
        found[f"{position}/pixels_uv"] = mesh.uv[: kept.sum()][used[kept]]
        found[f"{position}/normals"] = blender(mesh.normals[: kept.sum()][used[kept]])
        found[f"{position}/rims"] = blender(rims[used & decoded.is_rim])
        found[f"{position}/num_lonely"] = np.array((kept & ~used).sum())
        found[f"{position}/num_quads"] = np.array(bits.sum())
        with Image.open(run / "textures" / f"frame.{number:04d}.jpg") as picture:
            found[f"{position}/picture"] = np.asarray(picture.convert("RGB"))
    return found


def blender(points: np.ndarray) -> np.ndarray:
    """Camera axes to Blender's."""
    x, y, z = points.T
    return np.stack([x, z, -y], axis=1)


def digest(folder: Path) -> str:
    """Of all files, so that tests can see that nobody wrote into a run."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
