"""Clips whose truth is known in closed form: a ball before the camera, as shards that training reads."""

import json
from pathlib import Path

import numpy as np

from hd_core.geometry.camera import pixel_rays
from hd_core.synth.shards import write_clip
from hd_core.types import Camera

NORMAL_STEP = 1 / 32767


def ball_seen(camera: Camera, centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth (NaN off the ball), unit normals (zero off it) and mask of a ball."""
    rays = pixel_rays(camera)
    a, b = (rays**2).sum(-1), (rays * centre).sum(-1)
    root = b**2 - a * ((centre**2).sum() - radius**2)
    mask = root > 0
    depth = np.where(mask, (b - np.sqrt(np.where(mask, root, 0))) / a, np.nan)
    normal = np.where(mask[..., None], (rays * np.nan_to_num(depth)[..., None] - centre) / radius, 0)
    return depth, normal, mask


def ball_camera(size: int = 96) -> Camera:
    k = np.array([[1.3 * size, 0, 0.5 * size], [0, 1.3 * size, 0.5 * size], [0, 0, 1]])
    return Camera(width=size, height=size, intrinsics=k)


def ball_centre(number: int, frame: int) -> np.ndarray:
    return np.array([0.1 * np.sin(number + frame), 0.08 * np.cos(2 * number + frame), 2.0 + 0.02 * frame])


def write_ball(
    data: Path, number: int, *, split: str = "train", frames: int = 2, size: int = 96, convention: str = "anny24"
) -> Path:
    """A clip of a ball that moves, lit from the upper left, on noise; the front of its torso, the back of its body."""
    camera, rng = ball_camera(size), np.random.default_rng(number)
    seen = [ball_seen(camera, ball_centre(number, frame), 0.45) for frame in range(frames)]
    depth = np.stack([d for d, _, _ in seen])
    normal = np.stack([n for _, n, _ in seen])
    mask = np.stack([m for _, _, m in seen])
    near, step = float(np.nanmin(depth)), float(np.nanmax(depth) - np.nanmin(depth)) / 65534
    shade = np.clip(normal @ np.array([-0.5, -0.6, -0.6]), 0, 1)[..., None] * rng.uniform(60, 250, 3)
    noise = rng.integers(0, 255, (*mask.shape, 3))
    iuv = np.zeros((*mask.shape, 3), np.uint8)
    iuv[mask, 0] = 2
    iuv[..., 1:][mask] = np.rint(127 + 127 * normal[..., :2][mask])
    body_iuv = iuv.copy()
    body_iuv[mask, 0] = 1
    arrays = {
        "rgb": np.where(mask[..., None], shade, noise).astype(np.uint8),
        "alpha": (mask * 255).astype(np.uint8),
        "depth": np.where(mask, np.rint((np.nan_to_num(depth) - near) / step) + 1, 0).astype(np.uint16),
        "normal": np.rint(normal / NORMAL_STEP).astype(np.int16),
        "iuv": iuv,
        "body_iuv": body_iuv,
    }
    header = {
        "camera": camera.intrinsics.tolist(),
        "depth": {"near_m": near, "step_m": step},
        "normal_step": NORMAL_STEP,
        "iuv_convention": convention,
    }
    path = data / split / f"{number:06d}.npz"
    write_clip(path, arrays, header)
    (data / f"{split}.json").write_text(json.dumps({"frames": frames, "size": size, "split": split}))
    return path
