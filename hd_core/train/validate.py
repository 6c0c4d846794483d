"""How good a network is on people it has not learned from, placed as the program places them."""

from collections.abc import Sequence

import torch

from hd_core.predict.network import HdNet
from hd_core.train.loader import Samples, to_batch
from hd_core.train.losses import angle, inner_mask, normals_of_depth, relief_error
from hd_core.train.samples import Ticket


@torch.inference_mode()
def validate(network: HdNet, samples: Samples, tickets: Sequence[Ticket], device: torch.device) -> dict[str, float]:
    """Means over all pixels: angles in degrees, their share below 11.25, relief error in crop sizes.

    The mean angle also with what is found of the body, if the network learns what to make of it.
    """
    angles, from_depth, reliefs = [], [], []
    for ticket in tickets:
        batch = to_batch([samples.sample(ticket)], device)
        prediction = network(batch.picture)
        seen = batch.truth > 0
        angles.append(angle(prediction.normal, batch.normal)[seen])
        reliefs.append(relief_error(prediction.relief, batch.relief, batch.truth)[seen].abs())
        found = normals_of_depth(prediction.relief, batch.intrinsics)
        from_depth.append(angle(found, batch.normal)[inner_mask(batch.relief, batch.truth) > 0])
    degrees = torch.rad2deg(torch.cat(angles))
    told = {"normal_mean_deg_with_body": _told(network, samples, tickets, device)} if samples.tells_body else {}
    return told | {
        "normal_mean_deg": float(degrees.mean()),
        "normal_median_deg": float(degrees.median()),
        "normal_below_11": float((degrees < 11.25).float().mean()),
        "depth_normal_mean_deg": float(torch.rad2deg(torch.cat(from_depth)).mean()),
        "relief_mean": float(torch.cat(reliefs).mean()),
    }


def _told(network: HdNet, samples: Samples, tickets: Sequence[Ticket], device: torch.device) -> float:
    """Mean angle in degrees where the network is told of the body."""
    angles = []
    for ticket in tickets:
        batch = to_batch([samples.told(ticket)], device)
        angles.append(angle(network(batch.picture, batch.body).normal, batch.normal)[batch.truth > 0])
    return float(torch.rad2deg(torch.cat(angles)).mean())
