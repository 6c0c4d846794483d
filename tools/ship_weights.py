"""Put trained weights into the package, with the scores of an evaluation on their card.

    hd-core synth -o test --test-list test-v1 --size 256
    hd-core evaluate hdnet --weights TRAINING/weights.safetensors --data test --goals -o evaluation
    python tools/ship_weights.py TRAINING/weights.safetensors --evaluation evaluation/evaluation.json \
        --command "how they were made" --failure "what they are bad at"

or for the network of correspondence

    hd-core evaluate correspondence network=TRAINING/weights.safetensors --data test --goals -o evaluation
    python tools/ship_weights.py TRAINING/weights.safetensors --evaluation evaluation/correspondence.json ...

The evaluation must be of these very weights: their digest is compared.
"""

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hd_core.body.iuv import IUV_WEIGHTS
from hd_core.body.iuv_network import IuvNet
from hd_core.predict.network import HdNet
from hd_core.predict.weights import PACKAGED, load_network, save_weights

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
"""What the card of HDNet says."""
IUV_SCORES = (
    "auc10",
    "auc30",
    "part_accuracy_percent",
    "ap_gpsm_kappa_255",
    "ap_gpsm_kappa_parts",
    "flicker_median_mm",
)
"""What the card of the network of correspondence says, for each surface."""
IUV_CLOTHES = {"clothed": "tight", "body": "loose"}
"""And for each surface in the clothes that its goals are set for."""


def main() -> None:
    """Read weights and evaluation, write the package's weights and card."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Ship weights of HDNet, or of the network of correspondence.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--evaluation", type=Path, required=True, help="what hd-core evaluate wrote")
    parser.add_argument("--command", required=True, help="how anybody can make such weights again")
    parser.add_argument("--failure", action="append", default=[], help="a sentence; may be given again")
    words = parser.parse_args()
    report = json.loads(words.evaluation.read_text())
    kind, path, found = (IuvNet, IUV_WEIGHTS, _iuv) if "targets" in report else (HdNet, PACKAGED, _hdnet)
    network, card = load_network(kind, words.weights)
    digest, scores = found(report)
    if digest != card.sha256:
        sys.exit(f"{words.evaluation} is of weights {digest[:12]}, not of {card.sha256[:12]}.")
    told = replace(card, scores=scores, command=words.command, known_failures=tuple(words.failure))
    written = save_weights(path, network, told)
    logging.info("%s: sha256 %s, %s", path, written.sha256, scores)


def _hdnet(report: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """Digest of the weights that were measured, and their scores."""
    measured = report["predictors"]["hdnet"]
    return measured["weights_sha256"], {f"test_{name}": round(measured["scores"][name], 3) for name in SCORES}


def _iuv(report: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """The same of the first finder that was measured."""
    name = next(iter(report["finders"]))
    scores: dict[str, float] = {}
    for target, clothes in IUV_CLOTHES.items():
        measured = report["targets"][target][name]
        scores |= {f"test_{target}_{score}": round(measured["scores"][score], 3) for score in IUV_SCORES}
        own = measured["groups"]["clothes"][clothes]
        scores |= {f"test_{target}_{clothes}_{score}": round(own[score], 3) for score in ("auc10", "auc30")}
    return report["finders"][name]["weights_sha256"], scores


if __name__ == "__main__":
    main()
