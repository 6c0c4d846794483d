"""Clips of `hd-core synth` as test clips: the truth decoded, and the groups that a frame belongs to."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.evaluate.predicted_body import MAPS, as_predicted, choose_map
from hd_core.evaluate.samples import Motion, Sample, TruthClip
from hd_core.geometry.crop import whole_frame
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.shards import BROKEN, HEADER, load_clip
from hd_core.types import BodyMaps, Camera, Gauge, SurfaceMaps, View

KEYS = ("rgb", "alpha", "depth", "normal", "material", "joints", "next_position", "next_visible")
CLOTH = range(4, 64)
"""Numbers of the file format's `material` that are garments; hats, bags and the like come after."""
FACING = 0.5
"""Cosine to the line of sight from which a person is seen from the front; as far the other way, from the back."""


class ShardDataset:
    """A folder of archives.

    Args:
        paths: The archives.
        body: Whether views know the body, with the faults of a map that was found.
    """

    def __init__(self, paths: Sequence[Path], *, body: bool = False) -> None:
        self._paths, self._body = list(paths), body

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> TruthClip:
        return shard_clip(self._paths[number], body=self._body)

    def describe(self) -> dict[str, str]:
        """Where it lies, and a digest of all recipes: equal digests are equal data."""
        state = hashlib.sha256()
        for path in self._paths:
            state.update(json.dumps(_header(path).get("recipe"), sort_keys=True).encode())
        return {
            "kind": "synthetic clips",
            "folder": str(self._paths[0].parent),
            "clips": str(len(self._paths)),
            "recipes_sha256": state.hexdigest(),
        }


def is_shard(path: Path) -> bool:
    """Whether the archive is a clip of `hd-core synth`."""
    try:
        _header(path)
    except InputError:
        return False
    return True


def shard_clip(path: Path, *, body: bool = False) -> TruthClip:
    """Read one archive.

    Args:
        path: The archive.
        body: Whether views know the body, with the faults of a map that was found.

    Raises:
        InputError: It is missing or damaged.
    """
    arrays, header = load_clip(path, (*KEYS, *MAPS) if body else KEYS)
    height, width = arrays["rgb"].shape[1:3]
    camera = Camera(
        width=width,
        height=height,
        intrinsics=np.array(header["camera"], np.float64),
        cam_from_world=np.array(header["cam_from_world"], np.float64),
    )
    labels = _clip_labels(header)
    samples = [_sample(arrays, header["fps"], camera, index, labels) for index in range(len(arrays["rgb"]))]
    return TruthClip(name=path.stem, samples=_told(samples, arrays, header) if body else samples)


def view_side(joints: Float[np.ndarray, "j 3"]) -> str:
    """Whether a person is seen from the "front", the "side" or the "back".

    Args:
        joints: Heads of the bones, camera axes.
    """
    left, right = joints[bone_index("LeftUpLeg")], joints[bone_index("RightUpLeg")]
    hips, chest = joints[bone_index("Hips")], joints[bone_index("Spine1")]
    forward = np.cross(left - right, chest - hips)
    towards = -hips
    cosine = float(forward @ towards / max(np.linalg.norm(forward) * np.linalg.norm(towards), 1e-12))
    return "front" if cosine > FACING else "back" if cosine < -FACING else "side"


def _sample(
    arrays: Mapping[str, np.ndarray], fps: float, camera: Camera, index: int, labels: tuple[str, ...]
) -> Sample:
    normal, depth = arrays["normal"][index], arrays["depth"][index]
    mask = np.isfinite(depth) & normal.any(axis=-1)
    truth = SurfaceMaps(
        camera=camera,
        depth=np.where(mask, depth, np.nan),
        normal=np.where(mask[..., None], normal, 0),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.METRIC,
    )
    view = View(
        rgb=arrays["rgb"][index],
        alpha=arrays["alpha"][index],
        crop=whole_frame(camera),
        frame_index=index,
        time_seconds=index / fps,
    )
    links, material = len(arrays["next_position"]), arrays["material"][index]
    return Sample(
        view=view,
        truth=truth,
        cloth=(material >= CLOTH.start) & (material < CLOTH.stop),
        motion=Motion(position=arrays["next_position"][index], visible=arrays["next_visible"][index])
        if index < links
        else None,
        labels=(*labels, f"view:{view_side(arrays['joints'][index])}"),
    )


def _told(samples: list[Sample], arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> list[Sample]:
    """The samples with what is found of the body: a clip follows clothes or the body; faults are every frame's own."""
    recipe = hashlib.sha256(json.dumps(header.get("recipe"), sort_keys=True).encode()).digest()
    key = int.from_bytes(recipe[:8])
    maps = arrays[choose_map(np.random.default_rng(key))]
    bodies = [BodyMaps(iuv=as_predicted(np.random.default_rng([key, i]), iuv)) for i, iuv in enumerate(maps)]
    return [replace(sample, view=replace(sample.view, body=body)) for sample, body in zip(samples, bodies, strict=True)]


def _clip_labels(header: Mapping[str, Any]) -> tuple[str, ...]:
    named = {key: [header[key]] for key in ("framing", "light") if key in header}
    named["garment"] = sorted(set(header.get("garments", ())))
    return tuple(f"{kind}:{value}" for kind, values in named.items() for value in values)


def _header(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            header: dict[str, Any] = json.loads(archive.read(HEADER))
            return header
    except BROKEN as error:
        raise InputError(f"{path} is missing or is no clip of hd-core synth.", "Make it again.") from error
