"""What the tests of ONNX networks share: tiny graphs with known answers, and their cards."""

import json

import numpy as np
from predict_scenes import frame_camera, sphere

from hd_core.predict.onnx_graph import GraphWriter

CARD = {
    "schema": 1,
    "licence": "MIT",
    "commercial": True,
    "source": "a test",
    "axes": "opencv",
    "input": {"name": "image"},
    "normal": {"name": "normal"},
}
METRIC_Z = {"name": "depth", "kind": "z", "unit": "m", "gauge": "metric"}


def write_network(folder, data, name="net", **entries):
    """An ONNX file and its card; an entry of None is left out. Returns the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(data)
    card = {key: value for key, value in {**CARD, **entries}.items() if value is not None}
    (folder / f"{name}.json").write_text(json.dumps(card))
    return folder / f"{name}.onnx"


def fixed_graph(shape, *, dtype="float32", numbers=(), **outputs):
    """A network that says the same of every picture of one shape; `numbers` are inputs beside the picture."""
    graph = GraphWriter("fixed")
    graph.input("image", shape, dtype)
    for name in numbers:
        graph.input(name, (), "int64")
    zero = graph.node("ReduceSum", [graph.node("Mul", ["image", graph.constant(np.zeros((), dtype))])], keepdims=0)
    zero = graph.node("Cast", [zero], to=1)
    for name, values in outputs.items():
        stored = graph.constant(np.asarray(values, np.float32))
        graph.node("Add", [stored, zero], output=name)
        graph.output(name, np.asarray(values).shape)
    return graph.model()


def colour_graph(order=(0, 1, 2), layout="nchw"):
    """A network of every size whose normals are the picture's own channels in that order."""
    graph = GraphWriter("colour")
    graph.input("image", (1, 3, "h", "w") if layout == "nchw" else (1, "h", "w", 3))
    channels = graph.constant(np.array(order, np.int64))
    graph.node("Gather", ["image", channels], output="normal", axis=1 if layout == "nchw" else 3)
    graph.output("normal", (1, 3, "h", "w") if layout == "nchw" else (1, "h", "w", 3))
    return graph.model()


def sphere_planes(camera=None):
    """Depth and normals of the sphere, zero off it, channels first."""
    depth, normal = sphere(camera or frame_camera())
    return np.nan_to_num(depth)[None], np.moveaxis(normal, -1, 0)[None]


def sphere_network(folder, **entries):
    """A network that sees the sphere in every picture of 72 x 96."""
    depth, normal = sphere_planes()
    data = fixed_graph((1, 3, 72, 96), normal=normal, depth=depth)
    picture = {"name": "image", "size": [72, 96]}
    return write_network(folder, data, **{"input": picture, "depth": METRIC_Z, **entries})
