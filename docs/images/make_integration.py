"""The pictures of docs/integration.md: one surface integrated with three sharpnesses, and where each is cut.

Run: PYTHONPATH=tests python docs/images/make_integration.py
"""

from pathlib import Path

import numpy as np
from integrate_scenes import arm_before_torso, blurred, with_noise
from PIL import Image

from hd_core.geometry.depth import normals_from_depth
from hd_core.integrate.bilateral import BilateralIntegrator
from hd_core.integrate.options import IntegrateOptions

SHARPNESSES = (0.1, 4.0, 128.0)
LIGHT = np.array([-0.4, -0.5, -0.77])


def main() -> None:
    """Write integration_sharpness.png."""
    truth = arm_before_torso()
    maps = with_noise(blurred(truth, 6), 1.0, np.random.default_rng(1))
    upper, lower = [], []
    for sharpness in SHARPNESSES:
        found = BilateralIntegrator(IntegrateOptions(sharpness=sharpness)).integrate(maps)
        normal = normals_from_depth(found.surface.camera, found.surface.depth)
        shade = np.clip(np.nan_to_num(normal @ LIGHT), 0.15, 1)
        upper.append(np.where(found.surface.mask, 255 * shade, 255))
        lower.append(np.where(found.surface.mask, 255 * (1 - found.discontinuity), 255))
    picture = np.concatenate([np.concatenate(row, axis=1) for row in (upper, lower)])
    Image.fromarray(picture.astype(np.uint8)).save(Path(__file__).with_name("integration_sharpness.png"))


if __name__ == "__main__":
    main()
