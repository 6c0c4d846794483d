"""The published weights as one safetensors file: converted from the checkpoints, pinned by a card, read back.

Weights keep their single precision, so that the published results come out again. Kernels turn from TensorFlow's
order (height, width, in, out) into torch's (out, in, height, width). Moving averages are left behind: the published
code never updates them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from hd_core.atomic import write_bytes
from hd_core.errors import InputError, WeightsError
from hd_core.predict.compat.bundle import SUFFIX, Bundle
from hd_core.predict.compat.network import NUM_CONVOLUTIONS, Hourglass

SCHEMA = 1
KIND = "hdnet_compat"
LICENCE = "not stated by the authors; the code is MIT"
SCOPES = {"normal": "hourglass_normal_prediction", "depth": "hourglass_stack_fused_depth_prediction"}
SIZES = {"normal": (3, 3), "depth": (9, 1)}
"""Channels in and out."""


@dataclass(frozen=True, kw_only=True)
class CompatCard:
    """What is known of converted weights.

    Args:
        width: Channels at full resolution.
        licence: As the authors state it.
        checkpoints: Names of the checkpoints, by network.
        sha256: Digest of the safetensors file.
    """

    width: int
    licence: str
    checkpoints: Mapping[str, str]
    sha256: str


def convert_checkpoints(model_dir: Path, path: Path) -> CompatCard:
    """Convert the published model folder; the same folder gives the same bytes.

    Args:
        model_dir: Folder with the two checkpoints anywhere below it, each an `.index` and its `.data` files.
        path: A `.safetensors` file; the card is the `.json` of the same name.

    Raises:
        InputError: A checkpoint is missing, there are several, or one is damaged.
        WeightsError: The tensors are not those of the networks.
        OutputError: The file cannot be written.
    """
    bundles = _find(model_dir)
    tensors: dict[str, torch.Tensor] = {}
    for kind, (_, bundle) in bundles.items():
        tensors |= _tensors(kind, bundle)
    data = save(tensors)
    card = CompatCard(
        width=tensors["normal.convolutions.conv1.weight"].shape[0],
        licence=LICENCE,
        checkpoints={kind: index.name.removesuffix(SUFFIX) for kind, (index, _) in bundles.items()},
        sha256=hashlib.sha256(data).hexdigest(),
    )
    _networks(tensors, card.width, path)  # refuses what does not fit before anything is written
    write_bytes(path, data)
    entries = {"schema": SCHEMA, "kind": KIND, **vars(card)}
    write_bytes(path.with_suffix(".json"), (json.dumps(entries, indent=1) + "\n").encode())
    return card


def load_compat(path: Path) -> tuple[dict[str, Hourglass], CompatCard]:
    """Both networks by name, ready to run, and their card.

    Raises:
        WeightsError: File or card is missing, damaged or something else.
    """
    card = _read_card(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read.", "Convert the model again with hd-core convert-hdnet.") from error
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"{path} has sha256 {found[:12]}...; its card says {card.sha256[:12]}...",
            "The file is damaged: convert the model again with hd-core convert-hdnet.",
        )
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise WeightsError(f"{path} is not a safetensors file.", "Convert the model again.") from error
    return _networks(tensors, card.width, path), card


def _find(model_dir: Path) -> dict[str, tuple[Path, Bundle]]:
    """The checkpoint of each network, told by the names of its tensors."""
    indices = sorted(model_dir.rglob(f"*{SUFFIX}"))
    opened = [(index, Bundle(index)) for index in indices]
    found = {}
    for kind, scope in SCOPES.items():
        own = [(index, bundle) for index, bundle in opened if f"{scope}/conv1/weights" in bundle.entries]
        if len(own) != 1:
            names = ", ".join(str(index) for index, _ in own) or "none"
            raise InputError(
                f"{model_dir} holds {len(own)} checkpoints of the {kind} network ({names}); expected one.",
                "Give the folder of the published model: it holds depth_prediction/ and normal_prediction/.",
            )
        found[kind] = own[0]
    return found


def _tensors(kind: str, bundle: Bundle) -> dict[str, torch.Tensor]:
    found = {}
    for number in range(1, NUM_CONVOLUTIONS + 1):
        name, scope = f"conv{number}", f"{SCOPES[kind]}/conv{number}"
        kernel = bundle.tensor(f"{scope}/weights")
        if kernel.ndim != 4:
            raise WeightsError(f"{scope}/weights has shape {kernel.shape}; expected four axes.", "It is another model.")
        found[f"{kind}.convolutions.{name}.weight"] = _torch(kernel.transpose(3, 2, 0, 1))
        found[f"{kind}.convolutions.{name}.bias"] = _torch(bundle.tensor(f"{scope}/biases"))
        if number < NUM_CONVOLUTIONS:
            found[f"{kind}.betas.{name}"] = _torch(bundle.tensor(f"{scope}/beta"))
    return found


def _torch(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32, order="C"))


def _networks(tensors: Mapping[str, torch.Tensor], width: int, path: Path) -> dict[str, Hourglass]:
    networks = {}
    for kind, (inputs, outputs) in SIZES.items():
        with torch.device("meta"):
            network = Hourglass(inputs, outputs, width=width)
        own = {name.removeprefix(f"{kind}."): t for name, t in tensors.items() if name.startswith(f"{kind}.")}
        try:
            network.load_state_dict(own, assign=True)
        except RuntimeError as error:
            first = str(error).strip().splitlines()[-1].strip()
            raise WeightsError(f"{path}: not the {kind} network of HDNet: {first}", "It is another model.") from error
        networks[kind] = network.eval().requires_grad_(requires_grad=False)
    return networks


def _read_card(path: Path) -> CompatCard:
    try:
        data: dict[str, Any] = json.loads(path.with_suffix(".json").read_bytes())
        if data["schema"] != SCHEMA or data["kind"] != KIND:
            raise ValueError
        return CompatCard(
            width=int(data["width"]),
            licence=str(data["licence"]),
            checkpoints=dict(data["checkpoints"]),
            sha256=str(data["sha256"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{path} has no card of converted HDNet weights beside it.",
            "Make both with: hd-core convert-hdnet MODEL_DIR -o FILE.safetensors",
        ) from error
