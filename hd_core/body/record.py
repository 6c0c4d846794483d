"""What was found of the body in a frame, as a record of the run folder: maps of both surfaces, and their confidence."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from hd_core.body.decode import Decoded, FoundBodies
from hd_core.body.formats import CONVENTION_KEY, Convention, settle_convention
from hd_core.errors import InputError
from hd_core.records import read_record, write_record

OURS: Convention = "anny24"


def write_bodies(path: Path, found: FoundBodies, *, digest: str) -> None:
    """Store what was found; confidence as bytes."""
    arrays = {
        "iuv": found.clothed.iuv,
        "confidence": _to_bytes(found.clothed.confidence),
        "body_iuv": found.body.iuv,
        "body_confidence": _to_bytes(found.body.confidence),
    }
    write_record(path, arrays, digest=digest, header={CONVENTION_KEY: OURS, "measures": _measures(found)})


def read_bodies(path: Path) -> FoundBodies:
    """Load what was found.

    Raises:
        InputError: The file is missing or damaged, or holds other charts.
    """
    arrays, header = read_record(path)
    settle_convention(path, header.get(CONVENTION_KEY), OURS)
    try:
        return FoundBodies(
            *(
                Decoded(iuv=arrays[f"{name}iuv"], confidence=arrays[f"{name}confidence"].astype(np.float32) / 255)
                for name in ("", "body_")
            )
        )
    except KeyError as error:
        raise InputError(f"{path} holds no {error}.", "Find the body again with --iuv.") from error


def _measures(found: FoundBodies) -> dict[str, float]:
    """The numbers that the manifest tells: pixels in which the body was found, and their mean confidence."""
    on = found.clothed.iuv[..., 0] > 0
    sure = float(found.clothed.confidence[on].mean()) if on.any() else 0.0
    return {"body_px": float(on.sum()), "body_confidence": sure}


def _to_bytes(unit: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    return np.asarray(np.rint(unit * 255), np.uint8)
