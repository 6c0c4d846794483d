"""How good found correspondences are on people the network has not learned from, placed as the program places them."""

from collections.abc import Sequence

import numpy as np
import torch

from hd_core.body.iuv_network import IuvNet
from hd_core.body.parts import part_centres
from hd_core.train.iuv_samples import IuvSamples, to_iuv_batch
from hd_core.train.samples import Ticket

SURFACES = ("clothed", "body")
MISSED_M = 9.0
"""Error of a pixel of the body that was taken for none."""


@torch.inference_mode()
def validate_iuv(
    network: IuvNet, samples: IuvSamples, tickets: Sequence[Ticket], device: torch.device
) -> dict[str, float]:
    """Part accuracy and the areas under the curve of right points up to 10 and 30 cm, means over the clips.

    Distances are straight lines on the template, not along its surface: quick, and never larger (`hd-core evaluate
    correspondence` measures along it). Pixels count that show the body and that the network sees.
    """
    rows: dict[str, list[float]] = {}
    for ticket in tickets:
        batch = to_iuv_batch([samples.sample(ticket)], device)
        for number, (surface, found) in enumerate(zip(SURFACES, network(batch.picture), strict=True)):
            parts = batch.parts[0, number].cpu().numpy()
            on = (parts > 0) & (batch.mask[0].cpu().numpy() > 0)
            told = found.parts[0].argmax(0).cpu().numpy()[on]
            offsets = found.offsets[0].permute(2, 3, 0, 1).cpu().numpy()[on]
            points = offsets[np.arange(len(told)), np.maximum(told, 1) - 1] + part_centres()[np.maximum(told, 1) - 1]
            error = np.linalg.norm(points - batch.places[0, number].permute(1, 2, 0).cpu().numpy()[on], axis=-1)
            error = np.where(told > 0, error, MISSED_M)
            values = {
                "part_accuracy": (told == parts[on]).mean(),
                "straight_auc10": area_under_curve(error, 0.1),
                "straight_auc30": area_under_curve(error, 0.3),
                "median_cm": 100 * np.median(error),
            }
            for name, value in values.items():
                rows.setdefault(f"{surface}_{name}", []).append(float(value))
    return {name: float(np.mean(values)) for name, values in rows.items()}


def area_under_curve(error: np.ndarray, limit: float) -> float:
    """Mean over all thresholds from 0 to `limit` of the share of errors below them."""
    return float(np.clip(1 - error / limit, 0, 1).mean())
