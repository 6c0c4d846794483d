"""An ONNX network in onnxruntime: opened on a device, checked against its card, run on one picture."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float

from hd_core.errors import UsageError, WeightsError
from hd_core.predict.onnx_card import InputCard, OnnxCard

_PROVIDERS = {"cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider", "cpu": "CPUExecutionProvider"}
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


class OnnxSession:
    """A network that is ready to run.

    Args:
        network: The file.
        card: Its card.
        device: As in `PredictorOptions`.
        threads: On the CPU; 0 for as many as it has.

    Raises:
        WeightsError: It is not an ONNX network, or not the one of the card.
        UsageError: There is no such device here.
    """

    def __init__(self, network: Path, card: OnnxCard, *, device: str, threads: int = 0) -> None:
        self._card = card
        self.provider = _provider(device)
        self._session = _open(network, self.provider, device, threads)
        inputs = {one.name: one for one in self._session.get_inputs()}
        outputs = [one.name for one in self._session.get_outputs()]
        _same_names(network, "inputs", sorted(inputs), {card.input.name, *card.constants}, exact=True)
        _same_names(network, "outputs", outputs, set(card.outputs), exact=False)
        self._type = _type(network, inputs[card.input.name])
        _refuse_other_size(network, inputs[card.input.name].shape, card.input)
        self._constants = {
            name: np.full([1] * len(inputs[name].shape), value, _type(network, inputs[name]))
            for name, value in card.constants.items()
        }

    def run(self, picture: Float[np.ndarray, "h w 3"]) -> dict[str, np.ndarray]:
        """The outputs that the card names, by name, in single precision.

        Args:
            picture: RGB, 0..255.

        Raises:
            WeightsError: The network does not run on it.
        """
        tensor = np.ascontiguousarray(as_tensor(picture, self._card.input), self._type)
        names = list(dict.fromkeys(self._card.outputs))
        try:
            found = self._session.run(names, {self._card.input.name: tensor, **self._constants})
        except Exception as error:  # onnxruntime's errors have no common base
            raise WeightsError(
                f"The network of {self._card.path.name} does not run on {tensor.shape}: {_first_line(error)}",
                "Check input.size, input.multiple and input.layout of the card.",
            ) from error
        return {name: np.asarray(values, np.float32) for name, values in zip(names, found, strict=True)}


def as_tensor(picture: Float[np.ndarray, "h w 3"], card: InputCard) -> Float[np.ndarray, "1 a b c"]:
    """A picture, RGB 0..255, as the network wants it."""
    ordered = picture[..., ::-1] if card.channels == "bgr" else picture
    scaled = (ordered / 255 * card.largest - np.array(card.mean)) / np.array(card.std)
    return np.asarray((np.moveaxis(scaled, -1, 0) if card.layout == "nchw" else scaled)[None])


def _provider(device: str) -> str:
    has = [kind for kind, provider in _PROVIDERS.items() if provider in onnxruntime.get_available_providers()]
    kind = has[0] if device == "auto" else device.partition(":")[0]
    if kind not in has:
        raise UsageError(f"This onnxruntime has no device {device!r}.", f"Usable: {', '.join(has)}, or auto.")
    return _PROVIDERS[kind]


def _open(network: Path, provider: str, device: str, threads: int) -> Any:  # noqa: ANN401 - has no type hints
    onnxruntime.disable_telemetry_events()  # Windows builds would report usage
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    index = device.partition(":")[2]
    settings = [{"device_id": index}] if index and provider == _PROVIDERS["cuda"] else [{}]
    try:
        # By path, not by bytes: large networks keep their weights in a second file beside it.
        return onnxruntime.InferenceSession(str(network), options, providers=[provider], provider_options=settings)
    except Exception as error:  # onnxruntime's errors have no common base
        raise WeightsError(
            f"{network} is not a network that onnxruntime opens: {_first_line(error)}",
            "Copy it again, with its .data file if it has one.",
        ) from error


def _same_names(network: Path, what: str, found: list[str], named: set[str], *, exact: bool) -> None:
    wrong = sorted(named ^ set(found) if exact else named - set(found))
    if wrong:
        raise WeightsError(
            f"{network} has the {what} {', '.join(found)}; its card differs in {wrong[0]}.",
            "Name the tensors in the card as they are; inputs beside the picture go under constants.",
        )


def _type(network: Path, tensor: Any) -> Any:  # noqa: ANN401 - onnxruntime's own kind
    if tensor.type not in _TYPES:
        raise WeightsError(f"{network} takes {tensor.name} as {tensor.type}.", f"Known: {', '.join(_TYPES)}.")
    return _TYPES[tensor.type]


def _refuse_other_size(network: Path, shape: list[Any], card: InputCard) -> None:
    """Fixed sides of the network's own have to be those of the card."""
    sides = shape[2:4] if card.layout == "nchw" else shape[1:3]
    if len(shape) != 4 or len(sides) != 2:
        raise WeightsError(f"{network} takes pictures of the shape {shape}.", "Expected four axes, the first of 1.")
    fixed = [isinstance(side, int) for side in sides]
    own = card.size or (None, None)
    if any(is_fixed and side != told for is_fixed, side, told in zip(fixed, sides, own, strict=True)):
        told = "any size" if card.size is None else f"{own[0]} x {own[1]}"
        raise WeightsError(
            f"{network} takes pictures of {sides[0]} x {sides[1]} px; its card says {told}.",
            f"Set input.size to [{sides[0]}, {sides[1]}], or input.layout.",
        )


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
