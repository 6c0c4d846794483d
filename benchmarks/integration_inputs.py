"""Inputs of `integration.py`: photographed objects, a synthetic body in any size, noise, a simulated prior, and errors.

The folder is the one that holds `diligent_*.npz` and `make_synthetic.py`; rendered bodies are kept in a cache folder.
"""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hd_core.geometry.camera import pixel_rays
from hd_core.types import Camera, Gauge, SurfaceMaps

GIVEN = ("bear", "cat", "harvest", "pot1", "pot2")
WHOLE_PX = 0.5
"""An edge whose true step is within this of what its normals say joins two pixels to one piece."""
BLUR_PX, PRIOR_RMS, PRIOR_WAVE_PX, PRIOR_SEED = 12.0, 0.010, 40.0, 7
"""The simulated prior at 512 px: truth blurred inside the mask, plus a smooth error of that many metres."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One input.

    Args:
        name: For the table.
        truth: Metric maps with the normals that are integrated.
        pieces: A number for every pixel: equal where the true surface has no cut between.
    """

    name: str
    truth: SurfaceMaps
    pieces: np.ndarray


def objects(folder: Path) -> list[Scene]:
    """The photographed objects that lie in the folder."""
    return [_scene(path.stem.removeprefix("diligent_"), path) for path in sorted(folder.glob("diligent_*.npz"))]


def body(
    folder: Path, cache: Path, size: int, *, noise_deg: float = 0.0, correlated_px: float = 0.0, frame: int = 0
) -> Scene:
    """The dressed body with an arm before it, seen in perspective; 60 frames are one turn to and fro."""
    maker = _maker(folder)
    path = cache / (f"body_{size}.npz" if frame == 0 else f"body_{size}_{frame}.npz")
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, **maker.render(size, "persp", t=frame / 60))
    name = f"body {size}" + (f", {noise_deg:g} deg" if noise_deg else "") + (" corr." if correlated_px else "")
    scene = _scene(name, path)
    if not noise_deg:
        return scene
    truth = scene.truth
    noisy = maker.add_noise(truth.normal, truth.mask, noise_deg, 0, correlated_px)
    return replace(scene, truth=replace(truth, normal=_unit(noisy, truth.mask)))


def _maker(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_synthetic", folder / "make_synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _scene(name: str, path: Path) -> Scene:
    with np.load(path) as file:
        normal, mask, depth, intrinsics = (file[key] for key in ("normal", "mask", "depth", "K"))
    mask = mask & np.isfinite(depth)
    intrinsics = intrinsics.copy()
    intrinsics[:2, 2] += 0.5  # its pixel centres are integers
    truth = SurfaceMaps(
        camera=Camera(width=mask.shape[1], height=mask.shape[0], intrinsics=intrinsics),
        depth=np.where(mask, depth / 1000, np.nan).astype(np.float32),
        normal=_unit(normal, mask),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.METRIC,
    )
    return Scene(name=name, truth=truth, pieces=_pieces(truth))


def _unit(normal: np.ndarray, mask: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(normal.astype(np.float64), axis=-1, keepdims=True)
    return np.where(mask[..., None], normal / np.where(length > 0, length, 1), 0).astype(np.float32)


def _pieces(truth: SurfaceMaps) -> np.ndarray:
    focal, mask, rays = truth.camera.intrinsics[0, 0], truth.mask, pixel_rays(truth.camera)
    u = focal * np.log(np.where(mask, truth.depth, 1).astype(np.float64))
    numbers = np.arange(mask.size).reshape(mask.shape)
    pairs = []
    for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        mean = truth.normal[first].astype(np.float64) + truth.normal[second]
        with np.errstate(all="ignore"):
            target = focal * np.log((mean * rays[first]).sum(-1) / (mean * rays[second]).sum(-1))
        whole = mask[first] & mask[second] & (np.abs(u[second] - u[first] - target) < WHOLE_PX)
        pairs.append(np.stack([numbers[first][whole], numbers[second][whole]]))
    a, b = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(mask.size, mask.size))
    labels: np.ndarray = connected_components(graph, directed=False)[1]
    return labels.reshape(mask.shape)


def simulated_prior(truth: SurfaceMaps) -> SurfaceMaps:
    """The maps with the depth that a network might give: smeared over every step, and off by a smooth error."""
    mask = truth.mask
    weight = gaussian_filter(mask.astype(float), BLUR_PX)
    total = gaussian_filter(np.where(mask, truth.depth, 0).astype(float), BLUR_PX)
    error = gaussian_filter(np.random.default_rng(PRIOR_SEED).standard_normal(mask.shape), PRIOR_WAVE_PX)
    error *= PRIOR_RMS / error[mask].std()
    depth = np.where(mask, total / np.where(mask, weight, 1) + error, np.nan)
    return replace(truth, depth=depth.astype(np.float32))


def waves(side: int) -> SurfaceMaps:
    """Normals of gentle waves on every pixel of a square picture, with a flat depth two metres away as prior."""
    down, right = (12 * (np.arange(side, dtype=np.float32) / side) for _ in range(2))
    normal = np.empty((side, side, 3), np.float32)
    normal[..., 0] = 0.4 * np.outer(np.sin(down), np.cos(right))
    normal[..., 1] = 0.4 * np.outer(np.cos(down), np.sin(right))
    normal[..., 2] = -1
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    whole = np.ones((side, side), bool)
    intrinsics = np.array([[1.2 * side, 0, side / 2], [0, 1.2 * side, side / 2], [0, 0, 1]])
    return SurfaceMaps(
        camera=Camera(width=side, height=side, intrinsics=intrinsics),
        depth=np.full((side, side), 2, np.float32),
        normal=normal,
        mask=whole,
        confidence=whole.astype(np.float32),
        gauge=Gauge.METRIC,
    )


def error_mm(scene: Scene, depth: np.ndarray, how: str) -> float:
    """Mean |z - true z|.

    Args:
        scene: The truth.
        depth: Known up to what `how` takes out.
        how: "as is", "aligned" (one median scale), or "pieces" (one for every piece of the true surface).
    """
    mask = scene.truth.mask
    found, true = depth[mask].astype(np.float64), scene.truth.depth[mask].astype(np.float64)
    if how == "aligned":
        found = found * np.median(true / found)
    if how == "pieces":
        order = np.argsort(scene.pieces[mask], kind="stable")
        cuts = np.flatnonzero(np.diff(scene.pieces[mask][order])) + 1
        for piece in np.split(order, cuts):
            found[piece] *= np.median(true[piece] / found[piece])
    return float(1000 * np.abs(found - true).mean())
