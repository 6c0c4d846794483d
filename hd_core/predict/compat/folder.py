"""An inference folder of the published program, run; and results held against published ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.predict.compat.files import (
    RESULTS,
    Case,
    case_names,
    decode_results,
    read_case,
    read_results,
    results_picture,
    write_outputs,
)
from hd_core.predict.compat.run import run_networks
from hd_core.predict.compat.weights import load_compat
from hd_core.predict.hdnet import cpu_threads, find_device
from hd_core.predict.options import PredictorOptions
from hd_core.progress import Progress, check_cancelled

NORMALS_WITHIN_DEG, RELIEF_WITHIN = 1.0, 1.5 / 255
"""What a converted checkpoint has to stay within: the published picture is in bytes."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Results against a published `_results.png`.

    Args:
        name: Of the picture.
        same_input: Whether the published picture shows the very input.
        normals_mean_deg: Mean angle between normals.
        relief_worst: Largest difference of depth over its range, 0..1.
    """

    name: str
    same_input: bool
    normals_mean_deg: float
    relief_worst: float

    @property
    def agrees(self) -> bool:
        """Whether it is the same to the precision of the picture."""
        return self.same_input and self.normals_mean_deg < NORMALS_WITHIN_DEG and self.relief_worst <= RELIEF_WITHIN


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One picture done: what was written, and the comparison if there was something to compare with."""

    name: str
    paths: tuple[Path, ...]
    comparison: Comparison | None


def run_folder(
    folder: Path, output: Path, options: PredictorOptions, progress: Progress, *, published: Path | None = None
) -> Iterator[Outcome]:
    """Run the published networks on an inference folder.

    Args:
        folder: With NAME_img.png, NAME_mask.png and NAME_dp.png.
        output: Where the published program's files go.
        options: Weights, device and threads.
        progress: Who is told.
        published: Folder with published NAME_results.png to compare with.

    Raises:
        InputError: The folder or a file in it cannot be used.
        WeightsError: The weights cannot be used.
        CancelledError: The user asked to stop.
    """
    names = case_names(folder)
    if options.weights is None:
        raise InputError("No weights are named.", "Convert them with hd-core convert-hdnet, then give --weights FILE.")
    device = find_device(options.device)
    loaded, _ = load_compat(options.weights)
    networks = {kind: network.to(device) for kind, network in loaded.items()}
    for done, name in enumerate(names):
        check_cancelled(progress)
        case = read_case(folder, name)
        with cpu_threads(options.threads):
            depth, normal = run_networks(networks, case.rgb, case.mask, case.densepose, torch.device(device))
        paths = tuple(write_outputs(output, case, depth, normal))
        known = None if published is None else published / f"{name}{RESULTS}"
        comparison = compare(case, depth, normal, known) if known is not None and known.is_file() else None
        progress.step("predict", done + 1, len(names))
        yield Outcome(name=name, paths=paths, comparison=comparison)


def compare(
    case: Case, depth: Float[np.ndarray, "h w"], normal: Float[np.ndarray, "h w 3"], published: Path
) -> Comparison:
    """Hold results against a published picture; normals as such a picture can show them.

    Raises:
        InputError: The published picture cannot be read, or the mask is empty.
    """
    known, mask = read_results(published, case.mask), case.mask
    if not mask.any():
        raise InputError(f"{case.name} has an empty mask: there is nothing to compare.")
    inside = depth[mask].astype(np.float64)
    relief = (inside - inside.min()) / max(float(np.ptp(inside)), 1e-12)
    shown = decode_results(results_picture(case, depth, normal), mask)
    ours, theirs = (_unit(normals[mask]) for normals in (shown.normal, known.normal))
    cosine = np.clip((ours * theirs).sum(axis=-1), -1, 1)
    return Comparison(
        name=case.name,
        same_input=bool(np.array_equal(known.white, np.where(mask[..., None], case.rgb, 255))),
        normals_mean_deg=float(np.degrees(np.arccos(cosine)).mean()),
        relief_worst=float(np.abs(relief - known.relief[mask]).max()),
    )


def _unit(normal: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12))
