"""What the tests of the evaluation share: spheres as samples, planted predictions, a predictor that knows the truth."""

from dataclasses import replace

import numpy as np
from predict_scenes import frame_camera, sphere, view_of

from hd_core.evaluate.samples import Motion, Sample, TruthClip
from hd_core.geometry.camera import pixel_centres
from hd_core.synth.body.skeleton import BONES
from hd_core.synth.shards import write_clip
from hd_core.types import Gauge, SurfaceMaps

STEP = 1 / 32767


def truth_maps(camera=None):
    camera = camera or frame_camera()
    depth, normal = sphere(camera)
    mask = np.isfinite(depth)
    return SurfaceMaps(
        camera=camera,
        depth=depth.astype(np.float32),
        normal=normal.astype(np.float32),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.METRIC,
    )


def sphere_sample(camera=None, *, cloth=None, still=True, labels=(), frame_index=0):
    camera = camera or frame_camera()
    truth = truth_maps(camera)
    view = view_of(camera, truth.mask, frame_index=frame_index)
    motion = None
    if still:
        place = np.stack(np.broadcast_arrays(*pixel_centres(camera)), axis=-1).astype(np.float32)
        place[~truth.mask] = np.nan
        motion = Motion(position=place, visible=truth.mask)
    return Sample(view=view, truth=truth, cloth=cloth, motion=motion, labels=labels)


def turned(maps, degrees, axis=(0.0, 0.0, 1.0)):
    """The maps with all normals turned about an axis (Rodrigues' formula)."""
    k, t = np.array(axis) / np.linalg.norm(axis), np.radians(degrees)
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    rotation = np.eye(3) + np.sin(t) * cross + (1 - np.cos(t)) * cross @ cross
    return replace(maps, normal=(maps.normal @ rotation.T).astype(np.float32))


class Planted:
    """A predictor that gives the sphere's truth, changed as it is told; the n-th call gets the n-th change."""

    name = "planted"
    licence = "none"

    def __init__(self, change=lambda maps, _: maps, gauge=Gauge.METRIC):
        self.gauge, self._change, self.calls = gauge, change, 0

    @classmethod
    def from_options(cls, _):
        return cls()

    def predict(self, view):
        maps = truth_maps(view.crop.camera)
        found = replace(maps, gauge=self.gauge)
        self.calls += 1
        return self._change(found, self.calls - 1)

    def describe(self):
        return {"predictor": self.name, "licence": self.licence}


class Clips(list):
    """A data set from a list of clips."""

    def describe(self):
        return {"kind": "spheres"}


def clip_of(*samples, name="clip"):
    return TruthClip(name=name, samples=list(samples))


def joints_facing(direction):
    """A skeleton 3 m before the camera that faces along `direction` (camera axes)."""
    forward = np.array(direction) / np.linalg.norm(direction)
    up = np.array([0.0, -1.0, 0.0])
    left = np.cross(up, forward)  # of someone who faces forward
    joints = np.tile([0.0, 0.0, 3.0], (len(BONES), 1))
    joints[BONES.index("Spine1")] += 0.4 * up
    joints[BONES.index("LeftUpLeg")] += 0.1 * left
    joints[BONES.index("RightUpLeg")] -= 0.1 * left
    return joints.astype(np.float32)


def archive(path, *, frames=2, clip=0, **header):
    """An archive with a sphere in every frame; the upper half is skin, then comes a garment, then a bag.

    What is seen is the front of the torso in the middle of its chart, the body alone is its back.
    """
    camera = frame_camera()
    truth = truth_maps(camera)
    mask = truth.mask
    near = float(np.nanmin(truth.depth))
    step = (float(np.nanmax(truth.depth)) - near) / 65534
    code = np.where(mask, np.rint((np.nan_to_num(truth.depth) - near) / step) + 1, 0).astype(np.uint16)
    material = np.where(mask, 0, -1).astype(np.int8)
    material[36:][mask[36:]] = 5
    material[50:][mask[50:]] = 64
    place = np.stack(np.broadcast_arrays(*pixel_centres(camera)), axis=-1).astype(np.float32)
    iuv = np.where(mask[..., None], np.array([2, 128, 128], np.uint8), np.uint8(0))
    arrays = {
        "iuv": iuv,
        "body_iuv": np.where(iuv == 2, np.uint8(1), iuv),
        "rgb": np.full((*camera.shape, 3), 77, np.uint8),
        "alpha": (mask * 255).astype(np.uint8),
        "depth": code,
        "normal": np.rint(truth.normal / STEP).astype(np.int16),
        "material": material,
        "joints": joints_facing([0, 0, -1]),
    }
    stacked = {name: np.stack([values] * frames) for name, values in arrays.items()}
    stacked["next_position"] = np.repeat(place[None], frames - 1, axis=0)
    stacked["next_visible"] = np.repeat(mask[None], frames - 1, axis=0)
    known = {
        "fps": 30.0,
        "camera": camera.intrinsics.tolist(),
        "cam_from_world": np.eye(4).tolist(),
        "depth": {"near_m": near, "step_m": step},
        "normal_step": STEP,
        "framing": "upper",
        "light": "none",
        "garments": ["skirt", "T-shirt", "skirt"],
        "recipe": {"clip": clip},
    }
    write_clip(path, stacked, {**known, **header})
    return path
