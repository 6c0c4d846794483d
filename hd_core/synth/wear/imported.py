"""Modelled clothes of the MakeHuman community that are free for every use; `tools/export_makehuman_wear.py` packs them.

Every garment comes with what its owner says about its licence, and is refused if that is not free enough.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Int64
from safetensors import SafetensorError, safe_open

from hd_core.errors import InputError
from hd_core.synth.assets import read_asset
from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import load_body
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.licences import check_licence
from hd_core.synth.wear.looks import Look
from hd_core.synth.wear.piece import Piece, dense_weights, strongest

ASSET = Path(__file__).parent / "assets" / "makehuman_wear.safetensors"
MADE_BY = "tools/export_makehuman_wear.py"
ARM_SLEEVES = ("armsleeve_fishnet_medium", "armsleeve_white_s")
BATHING_SUIT = {"female_panties_01": "panties", "female_top_01": "top"}
OFF_M = 0.002
"""How far an imported garment is moved off the skin, so that none of it sinks in on bodies it was not made for."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A modelled garment, bound to the base mesh.

    Args:
        faces: Triangles.
        sources: Vertices of the base mesh that each vertex is a mean of.
        shares: Their shares; they sum to 1 and may be negative.
        offsets: What is added to the mean, m, Z up.
    """

    faces: Int32[np.ndarray, "f 3"]
    sources: Int64[np.ndarray, "n 3"]
    shares: Float32[np.ndarray, "n 3"]
    offsets: Float32[np.ndarray, "n 3"]


@functools.cache
def load_imported() -> dict[str, Imported]:
    """The shipped garments by name."""
    return read_imported(ASSET)


def read_imported(path: Path) -> dict[str, Imported]:
    """Read a file of garments.

    Raises:
        InputError: The file is missing or damaged, or one of its garments is not free for every use.
    """
    records = _records(path)
    for name, record in records.items():
        check_licence(name, str(record.get("licence")), str(record.get("author", "")))
    parts = ("faces", "sources", "shares", "offsets")
    raw = read_asset(path, needs=[f"{name}.{part}" for name in records for part in parts], made_by=MADE_BY)
    unknown = {key.partition(".")[0] for key in raw} - records.keys()
    if unknown:
        raise InputError(f"{path} says nothing about the licence of {', '.join(sorted(unknown))}.", f"Run {MADE_BY}.")
    return {
        name: Imported(
            faces=raw[f"{name}.faces"].astype(np.int32),
            sources=raw[f"{name}.sources"].astype(np.int64),
            shares=raw[f"{name}.shares"].astype(np.float32),
            offsets=raw[f"{name}.offsets"].astype(np.float32),
        )
        for name in records
    }


def put_on(garment: Imported, rest: RestBody, look: Look, *, name: str) -> Piece:
    """An imported garment on a person, bending with the skin under it."""
    model = load_body()
    points, canonical = (
        np.einsum("ns,nsk->nk", garment.shares, vertices[garment.sources]) + garment.offsets
        for vertices in (rest.vertices, model.template)
    )
    points = (points + OFF_M * smooth_normals(points.astype(np.float32), garment.faces)).astype(np.float32)
    weights = np.einsum("ns,nsb->nb", np.clip(garment.shares, 0, None), dense_weights(model, garment.sources))
    return Piece(
        name=name,
        rest=points,
        faces=garment.faces,
        ties=strongest(weights, canonical),
        texture=(canonical + np.array([0, 0, 0.82])).astype(np.float32),
        look=look,
    )


def _records(path: Path) -> dict[str, dict[str, str]]:
    """What the file says about each garment's origin; nothing if there is no file, which `read_asset` then says."""
    if not path.is_file():
        read_asset(path, needs=(), made_by=MADE_BY)
    try:
        with safe_open(path, framework="numpy") as file:
            records: dict[str, dict[str, str]] = json.loads((file.metadata() or {}).get("records", "{}"))
    except SafetensorError as error:
        raise InputError(f"{path} is damaged: {error}.", f"Make it with {MADE_BY}.") from error
    return records
