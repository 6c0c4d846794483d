"""Our own network as an ONNX file: recorded operation by operation, and compared with torch before it is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import make_fx

from hd_core.atomic import write_bytes
from hd_core.errors import WeightsError
from hd_core.predict.network import HdNet, Prediction
from hd_core.predict.onnx_graph import GraphWriter
from hd_core.predict.onnx_operators import Operators
from hd_core.predict.planes import PICTURE_PLANES
from hd_core.predict.weights import WeightsCard, load_weights

TOLERANCE = 1e-4
"""Largest difference from torch, of every output on every pixel."""
_INPUT = "picture"


def export_onnx(weights: Path | None, output: Path) -> dict[str, float]:
    """Write a network with its weights as ONNX, and a JSON file that says what its tensors are.

    Args:
        weights: The `.safetensors` file; None for the one in the package.
        output: The `.onnx` file.

    Returns:
        The largest difference from torch, by output.

    Raises:
        WeightsError: The weights cannot be used, or the two networks do not agree.
        OutputError: The file cannot be written.
    """
    network, card = load_weights(weights)
    data = onnx_of(network)
    off = differences(network, data)
    worst = max(off, key=lambda name: off[name])
    if not off[worst] <= TOLERANCE:
        raise WeightsError(
            f"The ONNX network differs from torch's by {off[worst]:.2g} in {worst}.", "Please report it."
        )
    write_bytes(output, data)
    description = _description(card, data, network.config.multiple, off)
    write_bytes(output.with_suffix(".json"), (json.dumps(description, indent=1) + "\n").encode())
    return off


def onnx_of(network: HdNet) -> bytes:
    """The network as an ONNX file; one picture a time, of every size that is a multiple of its coarsest pixel.

    The operations are recorded at two sizes. What differs between the two recordings depends on the size of the
    picture, and is left for the runtime to work out.

    Raises:
        WeightsError: The network has an operation that is not known here.
    """
    coarsest = network.config.multiple
    first, second = (_recorded(network, (rows * coarsest, columns * coarsest)) for rows, columns in ((2, 3), (5, 4)))
    graph = GraphWriter("hdnet")
    names: dict[fx.Node, str] = {}
    table = Operators(graph).table()
    outputs: Sequence[fx.Node] = ()
    for node, twin in zip(first.graph.nodes, second.graph.nodes, strict=True):
        if node.op == "placeholder":
            names[node] = graph.input(_INPUT, (1, len(PICTURE_PLANES), "height", "width"))
        elif node.op == "get_attr":
            names[node] = graph.constant(getattr(first, str(node.target)).detach().numpy(), str(node.target))
        elif node.op == "output":
            outputs = node.args[0]
        elif node.target is getitem:
            names[node] = names[node.args[0]]
        else:
            names[node] = _written(node, twin, names, table)
    for name, node in zip(Prediction._fields, outputs, strict=True):
        graph.node("Identity", [names[node]], output=name)
        graph.output(name, (1, node.meta["val"].shape[1], "height", "width"))
    return graph.model({"producer": "hd-core export-onnx"})


def differences(network: HdNet, data: bytes) -> dict[str, float]:
    """Largest absolute difference of the ONNX network from torch's, by output, over pictures of two sizes."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    off = dict.fromkeys(Prediction._fields, 0.0)
    for number, (rows, columns) in enumerate(((3, 2), (4, 4))):
        picture = _example((rows * network.config.multiple, columns * network.config.multiple), seed=number)
        with torch.inference_mode():
            wanted = network(picture)
        found = session.run(list(off), {_INPUT: picture.numpy()})
        for name, one, other in zip(off, found, wanted, strict=True):
            off[name] = max(off[name], float(np.abs(one - other.numpy()).max()))
    return off


def _recorded(network: HdNet, shape: tuple[int, int]) -> fx.GraphModule:
    with torch.no_grad():
        recorded: fx.GraphModule = make_fx(lambda picture: tuple(network(picture)))(_example(shape, seed=0))
    return recorded


def _example(shape: tuple[int, int], *, seed: int) -> torch.Tensor:
    """Planes of a person-like disc before noise, as `planes.picture_planes` makes them."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None] - 0.5
    mask = (rows**2 + columns**2 < 0.16).astype(np.float32)
    colours = rng.uniform(-1, 1, (3, *shape)).astype(np.float32)
    rays = np.stack([columns, rows]).astype(np.float32)
    return torch.from_numpy(np.concatenate([colours * mask, mask[None], rays * mask])[None])


def _written(node: fx.Node, twin: fx.Node, names: Mapping[fx.Node, str], table: Mapping[str, Any]) -> str:
    operator = str(node.target)
    if operator not in table or operator != str(twin.target):
        raise WeightsError(f"The network has the operation {operator}, which has no ONNX here.", "Please report it.")
    arguments = [_argument(one, other, names) for one, other in zip(node.args, twin.args, strict=True)]
    extra: dict[str, Any] = dict(node.kwargs)
    if operator == "aten.pixel_unshuffle.default":
        extra["channels"] = int(node.all_input_nodes[0].meta["val"].shape[1])
    try:
        written: str = table[operator](*arguments, **extra)
    except KeyError as error:
        raise WeightsError(f"The network has {error.args[0]}, which has no ONNX here.", "Please report it.") from error
    return written


def _argument(one: Any, other: Any, names: Mapping[fx.Node, str]) -> Any:  # noqa: ANN401 - whatever torch passes
    """An argument with tensors as names, and -1 for a size that depends on the picture's."""
    if isinstance(one, fx.Node):
        return names[one]
    if isinstance(one, list | tuple):
        return [_argument(a, b, names) for a, b in zip(one, other, strict=True)]
    return -1 if type(one) is int and one != other else one


def _description(card: WeightsCard, data: bytes, multiple: int, off: Mapping[str, float]) -> dict[str, Any]:
    return {
        "network": "HDNet of hd-core",
        "licence": card.licence,
        "training_data": card.training_data,
        "sha256": hashlib.sha256(data).hexdigest(),
        "weights_sha256": card.sha256,
        "input": {"name": _INPUT, "shape": [1, len(PICTURE_PLANES), "height", "width"], "planes": list(PICTURE_PLANES)},
        "multiple": multiple,
        "outputs": {
            "normal": "unit, camera axes: x right, y down, z away; faces the camera",
            "relief": "depth beyond the person's median, in crop sizes: log(z / z0) = relief * size / focal length",
            "normal_spread": "expected error, radians",
            "relief_spread": "expected error, in units of relief",
        },
        "largest_difference_from_torch": dict(off),
    }
