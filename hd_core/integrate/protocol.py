"""What an integrator is, what it gives back, and which ones there are; importing this imports none of them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from hd_core.integrate.options import IntegrateOptions
from hd_core.registry import Registry
from hd_core.types import SurfaceMaps

__all__ = ["INTEGRATORS", "IntegrateOptions", "Integrated", "Integrator", "load_integrator"]

INTEGRATORS = Registry(
    "integrator",
    {
        "bilateral": "hd_core.integrate.bilateral:BilateralIntegrator",
        "bilateral_torch": "hd_core.integrate.torch_bilateral:TorchIntegrator",
        "reference": "hd_core.integrate.reference:ReferenceIntegrator",
    },
    group="hd_core.integrators",
)
"""Classes that are constructed with an `IntegrateOptions`."""


@dataclass(frozen=True, kw_only=True)
class Integrated:
    """A surface that its normals and its depth prior agree on.

    Args:
        surface: The maps with the integrated depth, float32. The gauge is metric or scale as the prior's was;
            scale where the prior was affine.
        discontinuity: 0..1, how much the surface is cut at a pixel: 1 where it parts from a neighbour by far
            more than the normals say, 0 off the mask.
        measures: Numbers for the manifest; the same input gives the same numbers.
    """

    surface: SurfaceMaps
    discontinuity: Float[np.ndarray, "h w"]
    measures: dict[str, float]


@runtime_checkable
class Integrator(Protocol):
    """What an integrator does."""

    def integrate(self, maps: SurfaceMaps) -> Integrated:
        """Integrate the normals, with `maps.depth` as the prior that is trusted by `maps.confidence`.

        It is called from several threads at a time, and the result depends on `maps` alone.
        """


def load_integrator(name: str, options: IntegrateOptions) -> Integrator:
    """Make the integrator of that name.

    Raises:
        UsageError: No such name.
    """
    integrator: Integrator = INTEGRATORS.load(name)(options)
    return integrator
