"""The shipped person networks: found beside the package, checked against their cards, run on the processor.

Each network is a pair of files in `hd_core/weights`: `NAME.onnx` and `NAME.json`, its card (source, licence,
tensors, digests). Nothing is ever fetched.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from hd_core.errors import WeightsError

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "weights"
"""Where the shipped networks lie."""

MAX_THREADS = 2
"""Threads of one network at most: more gain little, and clips are processed side by side."""

_REINSTALL = "Install hd-core again, or restore the file from the project."


class Network:
    """A network that is ready to run.

    Args:
        name: Its name, which is also the name of its files.
        weights_dir: Folder of network and card; the shipped one unless told otherwise.

    Raises:
        WeightsError: The network or its card is missing, damaged, or of another version.
    """

    def __init__(self, name: str, weights_dir: Path = WEIGHTS_DIR) -> None:
        self.card = read_card(name, weights_dir)
        self._session = _open_session(_read_checked(weights_dir / self.card["file"], self.card["sha256"]))
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name; the card says what each tensor holds."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))


def read_card(name: str, weights_dir: Path = WEIGHTS_DIR) -> dict[str, Any]:
    """The card of a network: source, licence, tensors, digests.

    Raises:
        WeightsError: There is no such card, or it is not readable.
    """
    path = weights_dir / f"{name}.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(p.stem for p in weights_dir.glob("*.json"))) or "none"
        raise WeightsError(f"Found no card {path}; networks there: {known}.", _REINSTALL) from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"The card {path} cannot be read: {error}.", _REINSTALL) from error
    missing = sorted({"file", "sha256", "licence"} - card.keys())
    if missing:
        raise WeightsError(f"The card {path} lacks {', '.join(missing)}.", _REINSTALL)
    return card


def _read_checked(path: Path, expected: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = f"Cannot read the network {path} ({reason}); expected a file with sha256 {expected}."
        raise WeightsError(message, _REINSTALL) from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        message = f"The network {path} is damaged: found sha256 {found}, expected {expected}."
        raise WeightsError(message, _REINSTALL)
    return data


def _open_session(data: bytes) -> Any:  # noqa: ANN401 - onnxruntime has no type hints
    onnxruntime.disable_telemetry_events()  # Windows builds would report usage
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(MAX_THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
