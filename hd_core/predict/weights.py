"""Weights on disk: halves in safetensors, and beside them a card that says what they are and pins their bytes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

import hd_core
from hd_core.atomic import write_bytes
from hd_core.errors import WeightsError
from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import Backbone, HdNet, Network

SCHEMA = 1
PACKAGED = Path(hd_core.__file__).parent / "weights" / "hdnet.safetensors"
"""Where the weights in the package lie."""
PHOTOGRAPHIC = PACKAGED.with_name("mobilenet_v2.safetensors")
"""Where a fresh trunk's weights lie."""


@dataclass(frozen=True, kw_only=True)
class WeightsCard:
    """What one should know of a set of weights.

    Args:
        network: The network they belong to.
        licence: SPDX name of their licence.
        training_data: What they were trained on, and its licence.
        command: The command that made them.
        scores: Measures on the frozen test, by name with unit ("normal_mean_deg").
        known_failures: What they are bad at, in sentences.
        body_share: Share of their samples that were told of the body; 0: they do not know what to make of it.
        size: Side of the samples they learned from, px.
        sha256: Digest of the file of weights.
    """

    network: NetworkConfig
    licence: str
    training_data: str
    command: str
    scores: Mapping[str, float] = field(default_factory=dict)
    known_failures: tuple[str, ...] = ()
    body_share: float = 0.0
    size: int = 256
    sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": SCHEMA,
            "network": self.network.to_json(),
            "licence": self.licence,
            "training_data": self.training_data,
            "command": self.command,
            "scores": dict(self.scores),
            "known_failures": list(self.known_failures),
            "body_share": self.body_share,
            "size": self.size,
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "WeightsCard":
        """The inverse of `to_json`; entries it does not know are left out."""
        return cls(
            network=NetworkConfig.from_json(data["network"]),
            licence=data["licence"],
            training_data=data["training_data"],
            command=data["command"],
            scores=data["scores"],
            known_failures=tuple(data["known_failures"]),
            body_share=float(data.get("body_share", 0)),  # older cards do not say
            size=int(data.get("size", 256)),
            sha256=data["sha256"],
        )


def save_weights(path: Path, network: Backbone, card: WeightsCard) -> WeightsCard:
    """Write a network's weights as halves and their card beside them; the same weights give the same bytes.

    Args:
        path: A `.safetensors` file; the card is the `.json` of the same name.
        network: The network.
        card: What to say of it; its `network` and `sha256` are filled in here.

    Returns:
        The card as written.

    Raises:
        WeightsError: A weight is not finite or does not fit a half.
        InputError: The folder cannot be written.
    """
    halves = {name: t.detach().half().contiguous().cpu() for name, t in network.state_dict().items()}
    wild = sorted(name for name, tensor in halves.items() if not tensor.isfinite().all())
    if wild:
        raise WeightsError(f"{wild[0]} and {len(wild) - 1} more weights are not finite as 16-bit floats.")
    data = save(halves)
    written = WeightsCard(
        network=network.config,
        licence=card.licence,
        training_data=card.training_data,
        command=card.command,
        scores=card.scores,
        known_failures=card.known_failures,
        body_share=card.body_share,
        size=card.size,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    write_bytes(path, data)
    write_bytes(path.with_suffix(".json"), (json.dumps(written.to_json(), indent=1) + "\n").encode())
    return written


def load_weights(path: Path | None = None) -> tuple[HdNet, WeightsCard]:
    """The network with its weights, in single precision, ready to predict; and its card.

    Args:
        path: The `.safetensors` file; None for the one in the package.

    Raises:
        WeightsError: File or card is missing or damaged, the digest differs, or they are another network's.
    """
    return load_network(HdNet, path or PACKAGED, packaged=path is None)


def load_network(kind: type[Network], path: Path, *, packaged: bool = False) -> tuple[Network, WeightsCard]:
    """As `load_weights`, for any kind of network.

    Args:
        kind: Of network.
        path: The `.safetensors` file.
        packaged: Whether it is one that comes with the package.

    Raises:
        WeightsError: As there.
    """
    card = _read_card(path, packaged=packaged)
    tensors = _read_tensors(path, card.sha256)
    with torch.device("meta"):
        network = kind(card.network)
    _refuse_other_network(path, network, tensors)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return network.eval().requires_grad_(requires_grad=False), card


def start_from_photographs(network: Backbone) -> None:
    """Give a fresh network's trunk what it learned from photographs; nothing for a network without a trunk.

    Raises:
        WeightsError: The starting weights are missing or damaged.
    """
    if network.trunk is None:
        return
    try:
        card = json.loads(PHOTOGRAPHIC.with_suffix(".json").read_bytes())
        tensors = _read_tensors(PHOTOGRAPHIC, card["sha256"])
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"The trunk's starting weights {PHOTOGRAPHIC} cannot be read ({error}).", "Install hd-core again."
        ) from error
    network.trunk.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})


def _read_card(path: Path, *, packaged: bool) -> WeightsCard:
    if not path.is_file():
        found = f"The weights {path} of the package are missing" if packaged else f"There are no weights at {path}"
        raise WeightsError(
            f"{found}.", "Install hd-core again, give weights of your own with --weights FILE, or use --predictor maps."
        )
    card_path = path.with_suffix(".json")
    if not card_path.is_file():
        raise WeightsError(
            f"{path} has no card {card_path.name} beside it.", "Copy both files; the card holds digest and licence."
        )
    try:
        data = json.loads(card_path.read_bytes())
        if data["schema"] != SCHEMA:
            raise WeightsError(
                f"{card_path} has schema {data['schema']}; this hd_core reads {SCHEMA}.",
                "Use the hd_core they came with.",
            )
        return WeightsCard.from_json(data)
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{card_path} is not the card of a set of weights ({type(error).__name__}: {error}).",
            "Copy it again from where the weights came from.",
        ) from error


def _read_tensors(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"{path} has sha256 {found[:12]}...; its card says {sha256[:12]}...",
            "The file is damaged, or it is not the one of this card: copy both again.",
        )
    try:
        return load(data)
    except SafetensorError as error:
        raise WeightsError(f"{path} is not a safetensors file.", "Copy it again.") from error


def _refuse_other_network(path: Path, network: Backbone, tensors: Mapping[str, torch.Tensor]) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise WeightsError(
            f"{path} is of another network than its card says: {len(wrong)} tensors differ, the first is {name} "
            f"({found.get(name, 'absent')} in the file, {expected.get(name, 'absent')} by the card).",
            "Copy weights and card again from one place.",
        )
