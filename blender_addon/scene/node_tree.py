# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing node trees as formulas; hides how sockets are found in different versions of Blender.

Versions add and move sockets, so none is ever taken by its place among all of them, only by its name or identifier.
"""

from collections.abc import Sequence

import bpy

Value = bpy.types.NodeSocket | float | int | bool | Sequence[float]


class Formula:
    """Adds nodes to a tree; every method takes sockets or plain values and returns the socket of the result.

    Args:
        tree: The tree to write into.
    """

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        self._frame: bpy.types.Node | None = None

    def section(self, label: str) -> None:
        """Put the nodes that follow into a labelled frame."""
        self._frame = self.tree.nodes.new("NodeFrame")
        self._frame.label = label

    def node(self, kind: str, inputs: dict[str, Value] | None = None, **settings: object) -> bpy.types.Node:
        """A node with its settings and inputs by name; of inputs of one name the first that is in use."""
        node = self.tree.nodes.new(kind)
        node.parent = self._frame
        for name, setting in settings.items():
            setattr(node, name, setting)
        for name, value in (inputs or {}).items():
            self.put(_socket(node.inputs, name), value)
        return node

    def put(self, socket: bpy.types.NodeSocket, value: Value) -> None:
        """Link or set an input."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """A sum, product, comparison (1 or 0) ... of numbers."""
        return self._operate("ShaderNodeMath", operation, "Value", values)

    def whole(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """Arithmetic of whole numbers."""
        return self._operate("FunctionNodeIntegerMath", operation, "Value", values)

    def vector(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """Arithmetic of vectors, component by component."""
        return self._operate("ShaderNodeVectorMath", operation, "Vector", values)

    def scaled(self, vector: Value, factor: Value) -> bpy.types.NodeSocket:
        """A vector times a number."""
        node = self.node("ShaderNodeVectorMath", operation="SCALE")
        self.put(_socket(node.inputs, "Vector"), vector)
        self.put(_socket(node.inputs, "Scale"), factor)
        return output(node)

    def dot(self, first: Value, second: Value) -> bpy.types.NodeSocket:
        """Scalar product of two vectors."""
        return self._operate("ShaderNodeVectorMath", "DOT_PRODUCT", "Vector", (first, second))

    def choose(self, kind: str, condition: Value, no: Value, yes: Value) -> bpy.types.NodeSocket:
        """One of two values; what is not chosen is not computed if the condition is the same everywhere."""
        return output(self.node("GeometryNodeSwitch", {"Switch": condition, "False": no, "True": yes}, input_type=kind))

    def parts(self, vector: Value) -> tuple[bpy.types.NodeSocket, ...]:
        """x, y and z of a vector."""
        return tuple(self.node("ShaderNodeSeparateXYZ", {"Vector": vector}).outputs)

    def together(self, x: Value = 0.0, y: Value = 0.0, z: Value = 0.0) -> bpy.types.NodeSocket:
        """A vector of x, y and z."""
        return output(self.node("ShaderNodeCombineXYZ", {"X": x, "Y": y, "Z": z}))

    def _operate(self, kind: str, operation: str, name: str, values: Sequence[Value]) -> bpy.types.NodeSocket:
        node = self.node(kind, operation=operation)
        operands = [socket for socket in node.inputs if socket.name == name]
        for socket, value in zip(operands, values, strict=False):
            self.put(socket, value)
        return output(node)


def output(node: bpy.types.Node, name: str | None = None) -> bpy.types.NodeSocket:
    """A node's output by name, or its first one in use."""
    return _socket(node.outputs, name) if name else next(one for one in node.outputs if one.enabled)


def arrange(tree: bpy.types.NodeTree, *, width: float = 190.0, height: float = 150.0) -> None:
    """Lay the nodes out in columns, each right of everything it takes values from."""
    column: dict[bpy.types.Node, int] = {}
    nodes = [node for node in tree.nodes if node.bl_idname != "NodeFrame"]
    sources: dict[bpy.types.Node, list[bpy.types.Node]] = {node: [] for node in nodes}
    for link in tree.links:  # once: a socket's own links are slow to ask for
        sources[link.to_node].append(link.from_node)
    for _ in nodes:
        before = dict(column)
        for node in nodes:
            column[node] = max((column.get(source, 0) + 1 for source in sources[node]), default=0)
        if column == before:
            break
    used: dict[int, int] = {}
    for node in nodes:
        used[column[node]] = used.get(column[node], 0) + 1
        node.location = (column[node] * width, -used[column[node]] * height)


def _socket(sockets: Sequence[bpy.types.NodeSocket], name: str) -> bpy.types.NodeSocket:
    return next(socket for socket in sockets if socket.enabled and name in (socket.name, socket.identifier))
