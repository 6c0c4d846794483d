"""What a fabric is: its elastic constants, weight and friction, and how they vary within a kind.

The ranges were chosen by eye on garments with edges of 1-2 cm, starting from what laboratories measure: hinges on
such a mesh are up to three times as stiff as the constant says, and folds below 3 cm cannot be held by it.
"""

from dataclasses import dataclass, fields

import numpy as np

from hd_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """Constants of one piece of cloth.

    Args:
        stretch_compliance: Inverse of the in-plane stiffness, m/N: a strip as wide as it is long grows by this
            many metres per newton. Denim 1e-4, jersey 2e-3.
        bend_compliance: Inverse of the bending stiffness, 1/(N m). Denim 2e4, silk 5e5.
        density: Weight of the area, kg/m^2. Silk 0.06, denim 0.45.
        friction: Coulomb's coefficient against skin, other cloth and the ground.
        slack: Size of the cloth over the size of its target where it hangs loose, 1 or slightly more: what is too
            much falls into folds.
        thickness_m: Of the cloth, metres; half of it is added to the distance kept from the body.
    """

    stretch_compliance: float = 1e-3
    bend_compliance: float = 1.5e5
    density: float = 0.18
    friction: float = 0.4
    slack: float = 1.06
    thickness_m: float = 0.0008

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not np.isfinite(value) or value < 0:
                raise InputError(f"Found {item.name} = {value}; expected a finite number that is not negative.")
        if self.density == 0:
            raise InputError("Found a fabric of no weight; expected a density above 0 kg/m^2.")
        if not 0.8 <= self.slack <= 1.5:
            raise InputError(f"Found slack = {self.slack}; expected 0.8..1.5.")


@dataclass(frozen=True, kw_only=True)
class FabricRange:
    """Lowest and highest of every constant of a kind; units as in `Fabric`."""

    stretch_compliance: tuple[float, float]
    bend_compliance: tuple[float, float]
    density: tuple[float, float]
    friction: tuple[float, float]
    slack: tuple[float, float]
    thickness_m: tuple[float, float]


FABRICS: dict[str, FabricRange] = {
    "jersey": FabricRange(
        stretch_compliance=(1e-3, 4e-3),
        bend_compliance=(1e5, 4e5),
        density=(0.14, 0.22),
        friction=(0.3, 0.6),
        slack=(1.04, 1.09),
        thickness_m=(0.0006, 0.0010),
    ),
    "denim": FabricRange(
        stretch_compliance=(5e-5, 2e-4),
        bend_compliance=(1e4, 5e4),
        density=(0.34, 0.48),
        friction=(0.4, 0.7),
        slack=(1.03, 1.07),
        thickness_m=(0.0009, 0.0014),
    ),
    "silk": FabricRange(
        stretch_compliance=(2e-4, 6e-4),
        bend_compliance=(3e5, 1e6),
        density=(0.05, 0.10),
        friction=(0.1, 0.3),
        slack=(1.05, 1.10),
        thickness_m=(0.0001, 0.0003),
    ),
    "cotton": FabricRange(
        stretch_compliance=(2e-4, 1e-3),
        bend_compliance=(6e4, 2.5e5),
        density=(0.11, 0.20),
        friction=(0.3, 0.6),
        slack=(1.04, 1.09),
        thickness_m=(0.0003, 0.0007),
    ),
    "wool": FabricRange(
        stretch_compliance=(5e-4, 3e-3),
        bend_compliance=(2e4, 9e4),
        density=(0.25, 0.45),
        friction=(0.4, 0.8),
        slack=(1.03, 1.07),
        thickness_m=(0.0012, 0.0030),
    ),
    "spandex": FabricRange(
        stretch_compliance=(5e-3, 2e-2),
        bend_compliance=(1e5, 4e5),
        density=(0.16, 0.26),
        friction=(0.3, 0.5),
        slack=(1.00, 1.02),
        thickness_m=(0.0005, 0.0009),
    ),
}
"""Kinds of fabric by name."""


def sample_fabric(rng: np.random.Generator, kind: str) -> Fabric:
    """Draw a fabric of a kind: compliances log-uniform, everything else uniform between its bounds.

    Raises:
        InputError: The kind is unknown; lists what is known.
    """
    if kind not in FABRICS:
        raise InputError(f"Found no fabric {kind!r}.", f"Known: {', '.join(FABRICS)}.")
    bounds = FABRICS[kind]
    drawn = {}
    for item in fields(Fabric):
        low, high = getattr(bounds, item.name)
        share = rng.random()
        on_log = item.name.endswith("_compliance")
        drawn[item.name] = float(low * (high / low) ** share if on_log else low + (high - low) * share)
    return Fabric(**drawn)
