"""What a predictor can be told; imports nothing heavy, because the command line's help is made from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hd_core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class PredictorOptions:
    """Everything a predictor can be told; each takes what it needs.

    Args:
        weights: File of network weights; None for the ones in the package.
        maps: Folder of depth and normals made elsewhere.
        distance_m: How far away the flat figure of `constant` stands, metres.
        device: Where a network runs: "cpu", "cuda", "cuda:1", "mps", or "auto" for the best there is.
        threads: CPU threads while a network runs; 0 leaves the process as it is.
        licence: "commercial" refuses weights and maps whose licence does not allow commercial use.
    """

    weights: Path | None = None
    maps: Path | None = None
    distance_m: float = 3.0
    device: str = "cpu"
    threads: int = 0
    licence: Literal["any", "commercial"] = "any"

    def __post_init__(self) -> None:
        if not 0 < self.distance_m < float("inf"):
            raise UsageError(f"Found a distance of {self.distance_m} m; expected a positive one.")
        if self.threads < 0:
            raise UsageError(f"Found {self.threads} threads; expected 0 or more.")
