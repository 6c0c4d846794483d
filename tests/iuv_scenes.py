"""What the tests of correspondence share: a view whose pixels show known points of the body, and small networks."""

from pathlib import Path

import numpy as np
import torch

from hd_core.body.iuv_network import Charted, IuvNet, build_iuv_network
from hd_core.body.parts import part_centres
from hd_core.predict.config import NetworkConfig
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.synth.atlas.anny24 import load_atlas, to_bytes

SMALL = NetworkConfig(widths=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16)
CARD = WeightsCard(network=SMALL, licence="Apache-2.0", training_data="none", command="none", size=64)


def small_network(*, seed: int = 0) -> IuvNet:
    return build_iuv_network(SMALL, seed=seed)


def body_points(count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points all over the skin: part, u and v, and their places on the template, m."""
    atlas, rng = load_atlas(), np.random.default_rng(seed)
    face = rng.choice(np.flatnonzero(atlas.part), size=count)
    weights = rng.dirichlet(np.ones(3), size=count)
    part, u, v = atlas.encode(face, weights)
    return part, np.stack([u, v], axis=-1), atlas.canonical_points(face, weights)


def body_map(side: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A map of bytes whose every pixel shows a point of the body, and those points."""
    part, uv, points = body_points(side * side, seed=seed)
    return to_bytes(part, uv[:, 0], uv[:, 1]).reshape(side, side, 3), points.reshape(side, side, 3)


def perfect(parts: np.ndarray, places: np.ndarray, *, spread_m: float = 0.01, sure: float = 20.0) -> Charted:
    """What a network would say that knows: parts (b a d) and places (b 3 a d)."""
    batch, height, width = parts.shape
    logits = torch.zeros(batch, 25, height, width)
    logits.scatter_(1, torch.from_numpy(parts.astype(np.int64))[:, None], sure)
    offsets = (
        torch.from_numpy(places.astype(np.float32))[:, None] - torch.tensor(part_centres())[None, :, :, None, None]
    )
    return Charted(parts=logits, offsets=offsets, spread=torch.full((batch, 1, height, width), spread_m))


def deciding_weights(folder: Path) -> Path:
    """A file of weights of the small network, away from even parts, so that some are found; for views of 64 px."""
    network, path = small_network(), folder / "iuv.safetensors"
    network.clothed_head.weight.data *= 30
    network.body_head.weight.data *= 30
    save_weights(path, network, CARD)
    return path
