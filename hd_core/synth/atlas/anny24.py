"""The atlas itself: which part a point of the body belongs to, where it lies in that part's chart, and back.

Ids and names are DensePose's (Gueler et al., 2018), so pictures look alike; u and v are our own, so files say which
convention they hold and the two are never mixed. Charts are laid so that both sides of the body are mirror images.
`tools/make_atlas.py` makes the file that is read here. World axes: metres, Z up, the person faces -Y.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer, UInt8
from safetensors import SafetensorError, safe_open

from hd_core.errors import InputError
from hd_core.synth.atlas.lookup import chart_grids, find_in_charts

IUV_CONVENTION = "anny24"
"""What files that hold these parts and charts say about themselves; DensePose's own charts are another convention."""

PART_NAMES = (
    "background",
    *("torso back", "torso front", "right hand", "left hand", "left foot", "right foot"),
    *("right upper leg back", "left upper leg back", "right upper leg front", "left upper leg front"),
    *("right lower leg back", "left lower leg back", "right lower leg front", "left lower leg front"),
    *("left upper arm inner", "right upper arm inner", "left upper arm outer", "right upper arm outer"),
    *("left lower arm inner", "right lower arm inner", "left lower arm outer", "right lower arm outer"),
    *("head right", "head left"),
)
"""By part id; 0 is no part: background, and the inside of the mouth."""

_SWAPPED = np.array([0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23])
_ASSET = Path(__file__).resolve().parent / "assets" / "anny24.safetensors"

Parts = Integer[np.ndarray, "*n"]
Coordinates = Float[np.ndarray, "*n"]


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """Parts and charts of the body.

    Args:
        faces: Vertex ids of the body's triangles, in the order of the shipped body's own.
        part: Part id of every triangle, 1..24; 0 inside the mouth.
        uv: Place of every triangle's corners in the chart of its part, 0..1.
        vertices: The template: canonical points, metres, Z up, facing -Y.
        cell_start: First entry of `cell_faces` of every cell of the search grids, part by part.
        cell_faces: Triangles whose chart image touches a cell.
    """

    faces: Int32[np.ndarray, "f 3"]
    part: UInt8[np.ndarray, " f"]
    uv: Float32[np.ndarray, "f 3 2"]
    vertices: Float32[np.ndarray, "v 3"]
    cell_start: Int32[np.ndarray, " cells"]
    cell_faces: Int32[np.ndarray, " entries"]

    def encode(
        self, face: Parts, barycentric: Float[np.ndarray, "*n 3"]
    ) -> tuple[UInt8[np.ndarray, "*n"], Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
        """Part, u and v of points on the body.

        Args:
            face: Triangle of each point; below 0 for background, which becomes part 0 with u = v = 0.
            barycentric: Weights of the triangle's corners, summing to 1.
        """
        known = face >= 0
        row = np.where(known, face, 0)
        part = np.where(known, self.part[row], 0).astype(np.uint8)
        place = np.einsum("...k,...kc->...c", barycentric, self.uv[row].astype(np.float64))
        place = np.where((part > 0)[..., None], place, 0.0)
        return part, place[..., 0], place[..., 1]

    def decode(
        self, part: Parts, u: Coordinates, v: Coordinates
    ) -> tuple[Int32[np.ndarray, "*n"], Float[np.ndarray, "*n 3"]]:
        """Triangle and barycentric weights of places in the charts.

        Exact inside the charts. A place outside gets the point whose chart place is nearest. Part 0 gets face -1
        and weights 0.

        Raises:
            InputError: A part id above 24, or u or v that is no number.
        """
        if part.size and (part.min() < 0 or part.max() >= len(PART_NAMES)):
            raise InputError(f"Found part ids {part.min()}..{part.max()}; expected 0..{len(PART_NAMES) - 1}.")
        if not (np.isfinite(u).all() and np.isfinite(v).all()):
            raise InputError("Found u or v that is not finite; expected numbers in 0..1. Set part 0 where nothing is.")
        place = np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float64)
        face = np.empty(len(place), dtype=np.int32)
        weights = np.empty((len(place), 3))
        ids = part.reshape(-1).astype(np.int64)
        find_in_charts(ids, place, self.uv, self.cell_start, self.cell_faces, face, weights)
        return face.reshape(part.shape), weights.reshape(*part.shape, 3)

    def canonical_points(self, face: Parts, barycentric: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Points of the template, metres; not a number where the face is below 0."""
        corners = self.vertices[self.faces[np.where(face >= 0, face, 0)]].astype(np.float64)
        points = np.einsum("...k,...kc->...c", barycentric, corners)
        return np.where((face >= 0)[..., None], points, np.nan)


@functools.cache
def load_atlas() -> Atlas:
    """The shipped atlas, read once; its arrays cannot be written.

    Raises:
        InputError: The file is missing, damaged or of another convention.
    """
    return read_atlas(_ASSET)


def read_atlas(path: Path) -> Atlas:
    """Read an atlas file.

    Raises:
        InputError: The file is missing, damaged or of another convention.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            convention = (file.metadata() or {}).get("iuv_convention")
            raw = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"Cannot read the atlas {path}: {error}.",
            "It comes with hd-core: install the package again, or make the file with tools/make_atlas.py.",
        ) from error
    if convention != IUV_CONVENTION or not {"faces", "part", "uv", "vertices"} <= raw.keys():
        raise InputError(
            f"Found an atlas of convention {convention!r} with {sorted(raw)}; expected {IUV_CONVENTION!r} with faces, "
            "part, uv and vertices. Make it again with tools/make_atlas.py."
        )
    starts, entries = chart_grids(raw["part"], raw["uv"])
    atlas = Atlas(
        faces=raw["faces"].astype(np.int32),
        part=raw["part"],
        uv=raw["uv"],
        vertices=raw["vertices"],
        cell_start=starts,
        cell_faces=entries,
    )
    for array in (atlas.faces, atlas.part, atlas.uv, atlas.vertices, starts, entries):
        array.setflags(write=False)
    return atlas


def flip_part(part: Parts) -> UInt8[np.ndarray, "*n"]:
    """The same part on the other side of the body: what a part becomes when the picture is mirrored."""
    return np.asarray(_SWAPPED[part], dtype=np.uint8)


def flip_iuv(
    part: Parts, u: Coordinates, v: Coordinates
) -> tuple[UInt8[np.ndarray, "*n"], Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Part, u and v of the mirrored body point. Only the torso's v, which runs across the body, changes: to 1 - v.

    A picture must be mirrored as well: this maps values, not pixels.
    """
    return flip_part(part), u.copy(), np.where((part == 1) | (part == 2), 1.0 - v, v)


def to_bytes(part: Parts, u: Coordinates, v: Coordinates) -> UInt8[np.ndarray, "*n 3"]:
    """Part, u and v as bytes in this order: u and v times 255, rounded, so off by 1/510 at most."""
    place = np.rint(np.clip(np.stack([u, v], axis=-1), 0, 1) * 255)
    return np.concatenate([part[..., None], place], axis=-1).astype(np.uint8)


def from_bytes(
    iuv: UInt8[np.ndarray, "*n 3"],
) -> tuple[UInt8[np.ndarray, "*n"], Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Undo `to_bytes`."""
    return iuv[..., 0], iuv[..., 1] / 255.0, iuv[..., 2] / 255.0


def part_colours() -> UInt8[np.ndarray, "25 3"]:
    """A colour for every part id, sRGB: neighbours differ, the left side is darker than the right; 0 is black."""
    first_of_pair = np.minimum(np.arange(25), _SWAPPED)
    turns = np.unique(first_of_pair, return_inverse=True)[1] * 5 / 14
    phase = turns[:, None] + np.array([0.0, 1 / 3, 2 / 3])
    bright = np.where(np.arange(25) > _SWAPPED, 0.7, 1.0)[:, None]
    colours = bright * (140 + 110 * np.cos(2 * np.pi * phase))
    colours[0] = 0
    return np.asarray(np.rint(colours), dtype=np.uint8)
