"""What `integration.py` compares with: plain Poisson by a sparse direct solver, Simchony's DCT, and BiNI's own code.

Each takes metric maps, uses their normals alone (BiNI also a depth, if asked to) and returns a depth of unknown scale.
"""

import contextlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy.fft import dctn, idctn
from scipy.sparse import coo_array, eye_array
from scipy.sparse.linalg import splu

from hd_core.geometry.camera import pixel_rays
from hd_core.types import SurfaceMaps

Rival = Callable[[SurfaceMaps], np.ndarray]
BINI = "bilateral_normal_integration_simple.py"
BINI_FAST = "bilateral_normal_integration_cpu.py"


def poisson(maps: SurfaceMaps) -> np.ndarray:
    """Least squares over all edges of the mask with equal weights; assembly and factorisation included."""
    mask, focal = maps.mask, maps.camera.intrinsics[0, 0]
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    rows, columns, values, right = [], [], [], []
    edges = 0
    for axis, target in enumerate(_targets(maps)):
        first, second = (np.s_[:, :-1], np.s_[:, 1:]) if axis == 0 else (np.s_[:-1], np.s_[1:])
        both = mask[first] & mask[second]
        count = int(both.sum())
        rows.append(np.tile(np.arange(edges, edges + count), 2))
        columns.append(np.concatenate([number[second][both], number[first][both]]))
        values.append(np.repeat([1.0, -1.0], count))
        right.append(target[both])
        edges += count
    matrix = coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(edges, int(mask.sum()))
    ).tocsc()
    system = (matrix.T @ matrix + 1e-10 * eye_array(matrix.shape[1])).tocsc()
    u = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(
        matrix.T @ np.concatenate(right)
    )
    depth = np.full(mask.shape, np.nan)
    depth[mask] = np.exp(u / focal)
    return depth


def dct(maps: SurfaceMaps) -> np.ndarray:
    """Poisson on the rectangle around the mask, flat outside it (Simchony, Chellappa, Shao, PAMI 1990)."""
    mask, focal = maps.mask, maps.camera.intrinsics[0, 0]
    sides = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    box = tuple(slice(int(side[0]), int(side[-1]) + 1) for side in sides)
    right, down = _targets(maps)
    right, down = np.pad(right, ((0, 0), (0, 1)))[box], np.pad(down, ((0, 1), (0, 0)))[box]
    right[:, -1] = 0
    down[-1] = 0
    divergence = right + down
    divergence[:, 1:] -= right[:, :-1]
    divergence[1:] -= down[:-1]
    height, width = divergence.shape
    values = 2 * np.cos(np.pi * np.arange(height) / height)[:, None] + 2 * np.cos(np.pi * np.arange(width) / width) - 4
    values[0, 0] = 1
    spectrum = dctn(divergence, norm="ortho") / values
    spectrum[0, 0] = 0
    depth = np.full(mask.shape, np.nan)
    depth[box] = np.where(mask[box], np.exp(idctn(spectrum, norm="ortho") / focal), np.nan)
    return depth


def _targets(maps: SurfaceMaps) -> tuple[np.ndarray, np.ndarray]:
    """Slopes between neighbours by their mean normals, px; 0 where there is no edge."""
    rays, focal, found = pixel_rays(maps.camera), maps.camera.intrinsics[0, 0], []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        mean = maps.normal[first].astype(np.float64) + maps.normal[second]
        near, far = (np.minimum((mean * rays[side]).sum(-1), -0.06) for side in (first, second))
        slope = np.clip(focal * np.log(near / far), -16, 16)
        found.append(np.where(maps.mask[first] & maps.mask[second], slope, 0))
    return found[0], found[1]


def load_bini(clone: Path) -> dict[str, Rival]:
    """BiNI's solvers that lie in a clone of its repository (not part of this project; GPL-3)."""
    paths = [clone / name for name in (BINI, BINI_FAST)]
    return {f"BiNI {path.stem.rsplit('_', 1)[1]}": _bini(path) for path in paths if path.is_file()}


def _bini(path: Path) -> Rival:
    with _stand_ins():
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

    def integrate(maps: SurfaceMaps) -> np.ndarray:
        intrinsics = maps.camera.intrinsics.copy()
        intrinsics[:2, 2] -= 0.5  # its pixel centres are integers
        normal = maps.normal.astype(np.float64) * [1, -1, -1]  # its y points up and its z to the viewer
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found: np.ndarray = module.bilateral_normal_integration(normal, maps.mask, k=2, K=intrinsics)[0]
        return found

    return integrate


@contextlib.contextmanager
def _stand_ins() -> Iterator[None]:
    """Its progress bar and its mesh viewer, where they are not installed; neither takes part in the solution."""
    missing: list[str] = []
    for name in ("tqdm", "tqdm.auto", "pyvista"):
        try:
            present = name in sys.modules or importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:
            present = False
        if not present:
            module: Any = ModuleType(name)
            module.tqdm = lambda steps, **_: steps
            module.PolyData = lambda *_: None
            sys.modules[name] = module
            missing.append(name)
    yield
    for name in missing:
        del sys.modules[name]
