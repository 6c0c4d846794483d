"""ONNX files, written byte by byte: the few messages of its protocol buffer that a graph needs.

From the public description of the format (onnx.proto3, IR version 8, operators of version 18) and of protocol
buffers' wire encoding: a field is its number and kind as a varint, then a varint, four bytes, or a length and
that many bytes. The package `onnx` is not needed.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

IR_VERSION = 8
OPSET = 18
_VARINT, _BYTES, _FOUR = 0, 2, 5
_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11}
Attribute = int | float | str | Sequence[int]


class GraphWriter:
    """A graph that grows node by node, in the order in which they run.

    Args:
        name: Of the graph.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, shape: Sequence[int | str], dtype: str = "float32") -> str:
        """Declare an input; a side that is a text may be of any length."""
        self._inputs.append(_value(name, shape, dtype))
        return name

    def output(self, name: str, shape: Sequence[int | str], dtype: str = "float32") -> str:
        """Declare that the tensor of that name is an output."""
        self._outputs.append(_value(name, shape, dtype))
        return name

    def constant(self, values: np.ndarray, name: str = "") -> str:
        """Store a tensor; returns its name."""
        name = name or self._fresh("constant")
        dims = b"".join(_number(1, side) for side in values.shape)
        data = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
        self._constants.append(dims + _number(2, _TYPES[values.dtype.name]) + _text(8, name) + _block(9, data))
        return name

    def node(self, operator: str, inputs: Sequence[str], *, output: str = "", **attributes: Attribute) -> str:
        """Add an operation with one output; returns the output's name.

        Args:
            operator: As ONNX calls it.
            inputs: Names; an empty one is an input left out.
            output: A name for it, where it matters.
            attributes: Of the operation.
        """
        output = output or self._fresh(operator.lower())
        parts = [_text(1, name) for name in inputs]
        parts += [_text(2, output), _text(3, output), _text(4, operator)]
        parts += [_block(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return output

    def model(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """The file."""
        graph = b"".join(_block(1, node) for node in self._nodes) + _text(2, self._name)
        for number, entries in ((5, self._constants), (11, self._inputs), (12, self._outputs)):
            graph += b"".join(_block(number, entry) for entry in entries)
        notes = (_block(14, _text(1, key) + _text(2, value)) for key, value in (metadata or {}).items())
        header = _number(1, IR_VERSION) + _text(2, "hd-core")
        return header + _block(7, graph) + _block(8, _text(1, "") + _number(2, OPSET)) + b"".join(notes)

    def _fresh(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


def _value(name: str, shape: Sequence[int | str], dtype: str) -> bytes:
    sides = (_text(2, side) if isinstance(side, str) else _number(1, side) for side in shape)
    dims = b"".join(_block(1, side) for side in sides)
    return _text(1, name) + _block(2, _block(1, _number(1, _TYPES[dtype]) + _block(2, dims)))


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(value, str):
        return head + _block(4, value.encode()) + _number(20, 3)
    if isinstance(value, float):
        return head + _varint(2 << 3 | _FOUR) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, 2)
    return head + b"".join(_number(8, one) for one in value) + _number(20, 7)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _block(field, value.encode())


def _block(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as their 64-bit two's complement."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))
