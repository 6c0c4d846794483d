"""What torch's operators are in ONNX: the ones that a network of ours is made of, one short function each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hd_core.predict.onnx_graph import GraphWriter

FLOAT = 1
"""ONNX's number for single precision."""
_END = np.iinfo(np.int64).max

Operator = Callable[..., str]
Number = int | float
"""Torch writes whole numbers as ints wherever it can."""


class Operators:
    """Writes torch's operators into a graph. Tensors are names; numbers are as torch has them.

    Args:
        graph: Where they are written.
    """

    def __init__(self, graph: GraphWriter) -> None:
        self.graph = graph

    def table(self) -> dict[str, Operator]:
        """The function of each operator, by torch's name for it."""
        return {
            **{f"aten.{name}": self._binary(onnx) for name, onnx in _BINARY.items()},
            **{f"aten.{name}": self._unary(onnx) for name, onnx in _UNARY.items()},
            **{f"aten.{name}": getattr(self, name.partition(".")[0].strip("_")) for name in _OWN},
            "aten.linalg_vector_norm.default": self.norm,
        }

    def _binary(self, onnx: str) -> Operator:
        return lambda first, second: self.graph.node(onnx, [self._tensor(first), self._tensor(second)])

    def _unary(self, onnx: str) -> Operator:
        return lambda x, **_: self.graph.node(onnx, [x])

    def rsub(self, x: str, other: Number) -> str:
        """`other` - x."""
        return self.graph.node("Sub", [self._tensor(other), x])

    def addcmul(self, x: str, first: str, second: str) -> str:
        """X + first * second."""
        return self.graph.node("Add", [x, self.graph.node("Mul", [first, second])])

    def pow(self, x: str, exponent: Number) -> str:
        """Square."""
        if exponent != 2:
            raise KeyError(f"a power of {exponent}")
        return self.graph.node("Mul", [x, x])

    def rsqrt(self, x: str) -> str:
        """One over the root."""
        return self.graph.node("Reciprocal", [self.graph.node("Sqrt", [x])])

    def clamp(self, x: str, low: Number | None = None, high: Number | None = None) -> str:
        """Between bounds."""
        bounds = ["" if bound is None else self._tensor(float(bound)) for bound in (low, high)]
        return self.graph.node("Clip", [x, *bounds])

    def hardtanh(self, x: str, low: Number = -1.0, high: Number = 1.0) -> str:
        """Between bounds."""
        return self.clamp(x, low, high)

    def to_copy(self, x: str, **_: Any) -> str:  # noqa: ANN401 - torch's own kinds
        """In single precision."""
        return self.graph.node("Cast", [x], to=FLOAT)

    def convolution(  # noqa: PLR0917 - torch's order
        self,
        x: str,
        weight: str,
        bias: str | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        transposed: bool,  # noqa: FBT001 - torch's order
        _: Sequence[int],
        groups: int,
    ) -> str:
        """A convolution."""
        if transposed:
            raise KeyError("a transposed convolution")
        pads = (*padding, *padding)
        inputs = [x, weight] if bias is None else [x, weight, bias]
        return self.graph.node("Conv", inputs, strides=stride, pads=pads, dilations=dilation, group=groups)

    def max_pool2d_with_indices(self, x: str, kernel: Sequence[int]) -> str:
        """The largest of each block."""
        return self.graph.node("MaxPool", [x], kernel_shape=kernel, strides=kernel)

    def upsample_bilinear2d(self, x: str, _: Sequence[int], align: bool, up: Number, across: Number) -> str:  # noqa: FBT001 - torch's order
        """Larger by whole factors."""
        if align:
            raise KeyError("aligned corners")
        scales = self.graph.constant(np.array([1, 1, up, across], np.float32))
        return self.graph.node("Resize", [x, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")

    def pixel_unshuffle(self, x: str, factor: int, *, channels: int) -> str:
        """Blocks as channels; torch keeps a channel's pixels together, ONNX a pixel's channels."""
        folded = self.graph.node("SpaceToDepth", [x], blocksize=factor)
        order = np.arange(channels * factor**2).reshape(factor**2, channels).T.reshape(-1)
        return self.graph.node("Gather", [folded, self.graph.constant(order.astype(np.int64))], axis=1)

    def constant_pad_nd(self, x: str, padding: Sequence[int], value: Number = 0.0) -> str:
        """More of the same value; torch begins with the last axis."""
        axes = [-1 - position for position in range(len(padding) // 2)]
        pads = self._whole([*padding[::2], *padding[1::2]])
        return self.graph.node("Pad", [x, pads, self._tensor(float(value)), self._whole(axes)])

    def sum(self, x: str, axes: Sequence[int], keep: bool = False, **_: Any) -> str:  # noqa: ANN401, FBT001, FBT002 - torch's order
        """Sum over axes."""
        return self.graph.node("ReduceSum", [x, self._whole(axes)], keepdims=int(keep))

    def mean(self, x: str, axes: Sequence[int], keep: bool = False, **_: Any) -> str:  # noqa: ANN401, FBT001, FBT002 - torch's order
        """Mean over axes."""
        return self.graph.node("ReduceMean", [x, self._whole(axes)], keepdims=int(keep))

    def norm(self, x: str, order: Number, axes: Sequence[int], keep: bool = False, **_: Any) -> str:  # noqa: ANN401, FBT001, FBT002 - torch's order
        """Euclidean length over axes."""
        if order != 2:
            raise KeyError(f"a norm of order {order}")
        return self.graph.node("ReduceL2", [x, self._whole(axes)], keepdims=int(keep))

    def view(self, x: str, shape: Sequence[int]) -> str:
        """The same numbers in another shape."""
        return self.graph.node("Reshape", [x, self._whole(shape)])

    def unsafe_view(self, x: str, shape: Sequence[int]) -> str:
        """The same numbers in another shape."""
        return self.view(x, shape)

    def expand(self, x: str, shape: Sequence[int]) -> str:
        """Repeat along axes of one."""
        return self.graph.node("Expand", [x, self._whole(shape)])

    def unsqueeze(self, x: str, axis: int) -> str:
        """A new axis of one."""
        return self.graph.node("Unsqueeze", [x, self._whole([axis])])

    def select(self, x: str, axis: int, index: int) -> str:
        """One entry along an axis, which goes."""
        return self.graph.node("Gather", [x, self.graph.constant(np.array(index, np.int64))], axis=axis)

    def slice(self, x: str, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> str:
        """A part along an axis."""
        bounds = [start or 0, _END if end is None else end]
        return self.graph.node("Slice", [x, *(self._whole([one]) for one in (*bounds, axis, step))])

    def cat(self, parts: Sequence[str], axis: int = 0) -> str:
        """One after the other along an axis."""
        return self.graph.node("Concat", parts, axis=axis)

    def permute(self, x: str, order: Sequence[int]) -> str:
        """Axes in another order."""
        return self.graph.node("Transpose", [x], perm=order)

    def t(self, x: str) -> str:
        """A matrix's two axes exchanged."""
        return self.permute(x, [1, 0])

    def addmm(self, bias: str, first: str, second: str) -> str:
        """Bias + first @ second."""
        return self.graph.node("Gemm", [first, second, bias])

    def ones_like(self, x: str, **_: Any) -> str:  # noqa: ANN401 - torch's own kinds
        """Ones of that shape."""
        return self.graph.node("Expand", [self._tensor(1.0), self.graph.node("Shape", [x])])

    def _tensor(self, value: str | Number) -> str:
        return value if isinstance(value, str) else self.graph.constant(np.array(value, np.float32))

    def _whole(self, values: Sequence[int]) -> str:
        return self.graph.constant(np.array(values, np.int64))


_BINARY = {
    "mul.Tensor": "Mul",
    "mul_.Tensor": "Mul",
    "add.Tensor": "Add",
    "sub.Tensor": "Sub",
    "div.Tensor": "Div",
    "gt.Scalar": "Greater",
    "bmm.default": "MatMul",
}
_UNARY = {
    "relu.default": "Relu",
    "relu_.default": "Relu",
    "neg.default": "Neg",
    "softplus.default": "Softplus",
    "clone.default": "Identity",
    "lift_fresh_copy.default": "Identity",
}
_OWN = (
    "rsub.Scalar",
    "addcmul.default",
    "pow.Tensor_Scalar",
    "rsqrt.default",
    "clamp.default",
    "hardtanh.default",
    "_to_copy.default",
    "convolution.default",
    "max_pool2d_with_indices.default",
    "upsample_bilinear2d.default",
    "pixel_unshuffle.default",
    "constant_pad_nd.default",
    "sum.dim_IntList",
    "mean.dim",
    "view.default",
    "_unsafe_view.default",
    "expand.default",
    "unsqueeze.default",
    "select.int",
    "slice.Tensor",
    "cat.default",
    "permute.default",
    "t.default",
    "addmm.default",
    "ones_like.default",
)
