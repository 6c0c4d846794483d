"""Compare the shipped person networks with the files they were made from, on pictures.

Uses the scratch folders of `vendor_person_models.py` and an environment with
`onnxruntime==1.31.1 ai-edge-litert==2.3.0 pillow==13.0.0 numpy`:

    check/bin/python tools/check_person_models.py \
        --modnet modnet/package/models/Xenova/modnet/onnx/model.onnx \
        --pose pose/package/pose_landmark_full.tflite --shipped hd_core/weights PICTURE...
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

POSE_OUTPUTS = {"landmarks": 195, "score": 1, "mask_logits": 65536, "world_landmarks": 117}
"""Each output of the pose network is known by its number of values."""


def main() -> None:
    """Report the mean and largest difference of every output over all pictures."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Compare shipped networks with their sources.")
    parser.add_argument("--modnet", type=Path, required=True, help="MODNet as published")
    parser.add_argument("--pose", type=Path, required=True, help="pose_landmark_full.tflite as published")
    parser.add_argument("--shipped", type=Path, required=True, help="folder of the shipped weights")
    parser.add_argument("pictures", type=Path, nargs="+")
    options = parser.parse_args()
    pictures = [Image.open(path).convert("RGB") for path in options.pictures]
    matte_ours, matte_theirs = session(options.shipped / "modnet.onnx"), session(options.modnet)
    inputs = [np.asarray(p.resize((512, 512)), np.float32).transpose(2, 0, 1)[None] for p in pictures]
    signed = [{"input": values / 127.5 - 1} for values in inputs]
    pairs = [(matte_ours.run(None, values)[0], matte_theirs.run(None, values)[0]) for values in signed]
    report("matte", pairs)
    pose_ours, pose_theirs = session(options.shipped / "blazepose_full.onnx"), tflite(options.pose)
    units = [np.asarray(p.resize((256, 256)), np.float32)[None] / 255 for p in pictures]
    for name, size in POSE_OUTPUTS.items():
        ours = [pose_ours.run([name], {"image": values})[0] for values in units]
        theirs = [run_tflite(pose_theirs, values, size) for values in units]
        report(name, [(a.ravel(), b) for a, b in zip(ours, theirs, strict=True)])


def session(path: Path) -> onnxruntime.InferenceSession:
    """Open an ONNX file on the processor."""
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def tflite(path: Path) -> Interpreter:
    """Open a TFLite file without accelerators: the plain kernels are the reference."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def run_tflite(interpreter: Interpreter, values: np.ndarray, size: int) -> np.ndarray:
    """Run the network and return, flat, the output that holds `size` values."""
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]
    return next(output.ravel() for output in outputs if output.size == size)


def report(name: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write one line for one output."""
    gaps = np.concatenate([np.abs(a - b).ravel() for a, b in pairs])
    largest = max(float(np.abs(b).max()) for _, b in pairs)
    logging.info("%s: mean %.2g, largest %.2g (values up to %.3g)", name, gaps.mean(), gaps.max(), largest)


if __name__ == "__main__":
    main()
