"""A photographed object with measured normals; the shared data is for evaluation and is not part of the project."""

import os
from pathlib import Path

import numpy as np
import pytest
from integrate_scenes import mean_error_mm, without_depth

from hd_core.integrate.protocol import IntegrateOptions, load_integrator
from hd_core.types import Camera, Gauge, SurfaceMaps

DATA = Path(os.environ.get("HD_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "integration"


@pytest.mark.skipif(not DATA.is_dir(), reason="no shared data: set HD_SHARED_DATA to its folder")
def test_a_photographed_pot_comes_back_better_than_by_the_published_bilateral_method():
    """BiNI (Cao et al., ECCV 2022) has 0.220 mm on pot2 by its own repository's table."""
    with np.load(DATA / "diligent_pot2.npz") as file:
        normal, mask, depth, intrinsics = (file[name] for name in ("normal", "mask", "depth", "K"))
    intrinsics[:2, 2] += 0.5  # its pixel centres are integers
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    maps = SurfaceMaps(
        camera=Camera(width=mask.shape[1], height=mask.shape[0], intrinsics=intrinsics),
        depth=np.where(mask, depth / 1000, np.nan).astype(np.float32),
        normal=np.where(mask[..., None], normal / np.where(length > 0, length, 1), 0).astype(np.float32),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.METRIC,
    )
    found = load_integrator("bilateral", IntegrateOptions()).integrate(without_depth(maps))
    assert mean_error_mm(found.surface, maps, aligned=True) < 0.22
