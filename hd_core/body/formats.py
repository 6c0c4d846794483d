"""What all files of correspondence have in common: a map of part, u and v, and whose charts u and v belong to.

DensePose's 24 parts are ours, but not its charts: the same byte of u is another place. So every file says which charts
it holds, under the name `iuv_convention`, and maps of different charts are never mixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from jaxtyping import UInt8

from hd_core.errors import InputError
from hd_core.predict.planes import NUM_PARTS
from hd_core.types import BodyMaps

Convention = Literal["densepose", "anny24"]
"""Whose charts: DensePose's own, on SMPL; or ours, on Anny."""
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
CONVENTION_KEY: Final = "iuv_convention"


@dataclass(frozen=True, kw_only=True)
class IuvMap:
    """Which point of the body each pixel shows.

    Args:
        iuv: Part 1..24, u and v times 255, in this order; part 0 where nobody is.
        convention: Whose charts.
    """

    iuv: UInt8[np.ndarray, "h w 3"]
    convention: Convention

    def __post_init__(self) -> None:
        most = int(self.iuv[..., 0].max(initial=0))
        if most >= NUM_PARTS:
            raise InputError(f"Found body part {most}; expected 0 to {NUM_PARTS - 1}.")

    def body_maps(self) -> BodyMaps:
        """The same as the rest of the program knows it.

        Raises:
            InputError: The charts are not ours.
        """
        if self.convention != "anny24":
            raise InputError(
                f"These maps hold charts of {self.convention!r}; the body here has charts 'anny24'.",
                "Map them with the file that hd-core fit-chart-map makes.",
            )
        return BodyMaps(iuv=self.iuv)


def checked_convention(name: str) -> Convention:
    """The name, if it is one.

    Raises:
        InputError: It is not.
    """
    for known in CONVENTIONS:
        if name == known:
            return known
    raise InputError(f"Found {CONVENTION_KEY} {name!r}; expected {' or '.join(map(repr, CONVENTIONS))}.")


def settle_convention(path: Path, said: str | None, told: Convention | None) -> Convention:
    """Whose charts a file holds, from what it says itself and what the user says.

    Args:
        path: The file.
        said: What its header says; None if that says nothing, as in DensePose's own files.
        told: What the user says, if anything.

    Raises:
        InputError: Neither says it, or they disagree.
    """
    if said is None and told is None:
        raise InputError(
            f"{path} does not say whose charts it holds.",
            "Say densepose for what DensePose or detectron2 wrote, anny24 for what this program wrote.",
        )
    if said is None or told is None:
        return checked_convention(str(told if said is None else said))
    if checked_convention(said) != told:
        raise InputError(f"{path} holds charts of {said!r}; expected {told!r}. Charts must not be mixed.")
    return told


def one_convention(maps: Sequence[IuvMap]) -> Convention:
    """Whose charts all of these hold.

    Raises:
        InputError: There is none, or they differ.
    """
    found = sorted({one.convention for one in maps})
    if len(found) != 1:
        raise InputError(f"Found charts of {', '.join(found) or 'nobody'}; expected one convention, never a mixture.")
    return found[0]
