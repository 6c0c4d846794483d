"""Put trained weights into the package, with the scores of an evaluation on their card.

    hd-core synth -o test --test-list test-v1 --size 256
    hd-core evaluate hdnet --weights TRAINING/weights.safetensors --data test --goals -o evaluation
    python tools/ship_weights.py TRAINING/weights.safetensors --evaluation evaluation/evaluation.json \
        --command "how they were made" --failure "what they are bad at"

The evaluation must be of these very weights: their digest is compared.
"""

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

from hd_core.predict.weights import PACKAGED, load_weights, save_weights

SCORES = (
    "normal_mean_deg",
    "normal_median_deg",
    "normal_under_11_25_percent",
    "depth_affine_mae_mm",
    "surface_mae_mm",
    "folds_correlation",
    "folds_energy_ratio",
    "interior_folds_correlation",
)
"""What the card says."""


def main() -> None:
    """Read weights and evaluation, write the package's weights and card."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Ship weights of HDNet.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--evaluation", type=Path, required=True, help="evaluation.json of hd-core evaluate")
    parser.add_argument("--command", required=True, help="how anybody can make such weights again")
    parser.add_argument("--failure", action="append", default=[], help="a sentence; may be given again")
    words = parser.parse_args()
    network, card = load_weights(words.weights)
    found = json.loads(words.evaluation.read_text())
    measured = found["predictors"]["hdnet"]
    if measured["weights_sha256"] != card.sha256:
        sys.exit(f"{words.evaluation} is of weights {measured['weights_sha256'][:12]}, not of {card.sha256[:12]}.")
    scores = {f"test_{name}": round(measured["scores"][name], 3) for name in SCORES}
    told = replace(card, scores=scores, command=words.command, known_failures=tuple(words.failure))
    written = save_weights(PACKAGED, network, told)
    logging.info("%s: sha256 %s, %s", PACKAGED, written.sha256, scores)


if __name__ == "__main__":
    main()
