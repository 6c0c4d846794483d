"""Small scenes with known values for every writer: the odd ones that break writers are all here.

Every entry of `ZOO` takes a folder (for its textures) and returns a scene. Coordinates are binary fractions,
so that single precision holds them exactly and readers can be compared with `==`.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from weakref import finalize

import numpy as np
from PIL import Image

from hd_core.geometry.camera import camera_from_focal
from hd_core.types import Mesh, MeshSequence, Scene

FPS = Fraction(25)
CAMERA = camera_from_focal(64, 48, focal_px=60.0)

TRIANGLE_VERTICES = np.array([[0.125, 0.25, 2], [0.125, 0.75, 2.25], [0.625, 0.25, 2.5]], np.float32)
TRIANGLE_FACES = np.array([[0, 1, 2]], np.int32)

# A quad (top left, bottom left, bottom right, top right as the camera sees it) and a triangle to its right.
PATCH_VERTICES = np.array([[0, 0, 2], [0, 1, 2.25], [1, 1, 2.5], [1, 0, 2.125], [2, 0, 3]], np.float32) * np.float32(
    0.25
)
PATCH_FACES = np.array([[0, 1, 2, 3], [3, 2, 4, -1]], np.int32)
PATCH_UV = np.array([[0.125, 1], [0.125, 0.25], [0.5, 0.25], [0.5, 1], [0.875, 0.75]], np.float32)
PATCH_NORMALS = np.array([[0, 0, -1], [0.6, 0, -0.8], [0, 0.6, -0.8], [-0.6, 0, -0.8], [0, -0.6, -0.8]], np.float32)
PATCH_COLOURS = np.array([[255, 0, 0], [0, 128, 0], [10, 20, 250], [255, 255, 255], [0, 0, 0]], np.uint8)

TEXTURE_WIDTH, TEXTURE_HEIGHT = 8, 4
QUADRANTS = np.array([[[250, 10, 10], [10, 250, 10]], [[10, 10, 250], [240, 240, 20]]], np.uint8)
"""Colours of the pictures: top left, top right; bottom left, bottom right; frame k darkens them by 8 k."""


class LazyMeshes(Sequence[Mesh]):
    """Meshes that are made when read, and that count how many are alive at once.

    Args:
        make: The mesh of a position.
        count: Number of meshes.
    """

    def __init__(self, make: Callable[[int], Mesh], count: int) -> None:
        self._make, self._count = make, count
        self.alive = self.most_alive = self.reads = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position):
        if not -self._count <= position < self._count:
            raise IndexError(position)
        mesh = self._make(position % self._count)
        self.reads += 1
        self.alive += 1
        self.most_alive = max(self.most_alive, self.alive)
        finalize(mesh, self._forget)
        return mesh

    def _forget(self) -> None:
        self.alive -= 1


def sequence_of(meshes, *, name="person01", first_frame=1, **fields) -> MeshSequence:
    """A sequence at `FPS` with consecutive frame numbers, unless `fields` say otherwise."""
    count = len(meshes)
    fields.setdefault("times_seconds", np.arange(count) / float(FPS))
    fields.setdefault("frame_numbers", np.arange(first_frame, first_frame + count))
    return MeshSequence(name=name, meshes=meshes, **fields)


def scene_of(*sequences: MeshSequence) -> Scene:
    """A scene of these people."""
    return Scene(sequences=sequences, camera=CAMERA, fps=FPS)


def triangle_mesh() -> Mesh:
    """One bare triangle: positions only."""
    return Mesh(vertices=TRIANGLE_VERTICES, faces=TRIANGLE_FACES)


def empty_mesh() -> Mesh:
    """What a frame without a person is: nothing, with every attribute there."""
    return Mesh(
        vertices=np.zeros((0, 3), np.float32),
        faces=np.zeros((0, 4), np.int32),
        uv=np.zeros((0, 2), np.float32),
        normals=np.zeros((0, 3), np.float32),
        colours=np.zeros((0, 3), np.uint8),
    )


def patch_offset(frame: int) -> np.ndarray:
    """How far the patch has moved in a frame, camera axes."""
    return np.array([0.125, -0.0625, 0.25], np.float32) * np.float32(frame)


def patch_mesh(frame: int = 0, *, uv=True, normals=True, colours=True) -> Mesh:
    """A quad and a triangle, moved by `patch_offset`; colours rotate by one vertex a frame."""
    return Mesh(
        vertices=PATCH_VERTICES + patch_offset(frame),
        faces=PATCH_FACES,
        uv=PATCH_UV if uv else None,
        normals=PATCH_NORMALS if normals else None,
        colours=np.roll(PATCH_COLOURS, frame, axis=0) if colours else None,
    )


def strip_mesh(frame: int) -> Mesh:
    """Varying topology: `frame` + 1 triangles side by side, nothing shared."""
    steps = np.arange(frame + 1, dtype=np.float32)[:, None, None] * np.array([0.75, 0, 0], np.float32)
    vertices = (TRIANGLE_VERTICES[None] + steps).reshape(-1, 3)
    count = len(vertices)
    return Mesh(
        vertices=vertices,
        faces=np.arange(count, dtype=np.int32).reshape(-1, 3),
        uv=(vertices[:, :2] / 8).astype(np.float32),
        normals=np.tile(np.array([0, 0, -1], np.float32), (count, 1)),
        colours=np.tile(PATCH_COLOURS[:3], (frame + 1, 1)),
    )


def collapsing_mesh(frame: int) -> Mesh:
    """Constant topology: the patch, and a quad of its own that is collapsed to a point in odd frames.

    In frame 3 vertex 4 is off the surface too: it lies on vertex 3, so that its triangle has no area.
    """
    patch = patch_mesh(frame)
    square = np.array([[0.5, 0.5, 3], [0.5, 0.75, 3], [0.75, 0.75, 3.25], [0.75, 0.5, 3.25]], np.float32)
    valid = np.ones(9, bool)
    if frame % 2:
        square = np.tile(square[:1], (4, 1))
        valid[5:] = False
    vertices = np.concatenate([patch.vertices, square])
    if frame == 3:
        vertices[4] = vertices[3]
        valid[4] = False
    return Mesh(
        vertices=vertices,
        faces=np.concatenate([PATCH_FACES, np.array([[5, 6, 7, 8]], np.int32)]),
        uv=np.concatenate([PATCH_UV, PATCH_UV[:4] / 2]),
        normals=np.where(valid[:, None], np.concatenate([PATCH_NORMALS, PATCH_NORMALS[:4]]), 0),
        colours=np.roll(np.concatenate([PATCH_COLOURS, PATCH_COLOURS[:4]]), frame, axis=0),
        valid=valid,
    )


def picture(frame: int, *, width: int = TEXTURE_WIDTH, height: int = TEXTURE_HEIGHT) -> np.ndarray:
    """Four flat quadrants, darker by 8 levels a frame."""
    cells = QUADRANTS - np.minimum(QUADRANTS, np.uint8(8 * frame))
    return np.repeat(np.repeat(cells, height // 2, axis=0), width // 2, axis=1)


def write_pictures(folder: Path, count: int, *, suffix: str = ".png", **size: int) -> tuple[Path, ...]:
    """Pictures on disk, one per frame."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"frame {index:04d}{suffix}" for index in range(count))
    for index, path in enumerate(paths):
        Image.fromarray(picture(index, **size)).save(path)
    return paths


def triangle(_: Path) -> Scene:
    """One frame of one bare triangle."""
    return scene_of(sequence_of([triangle_mesh()]))


def patch(_: Path) -> Scene:
    """One frame, a quad and a triangle, every attribute, no texture."""
    return scene_of(sequence_of([patch_mesh()]))


def only_uv(_: Path) -> Scene:
    """One frame with UV but no picture."""
    return scene_of(sequence_of([patch_mesh(normals=False, colours=False)]))


def only_normals(_: Path) -> Scene:
    """One frame with normals only."""
    return scene_of(sequence_of([patch_mesh(uv=False, colours=False)]))


def only_colours(_: Path) -> Scene:
    """One frame with colours only."""
    return scene_of(sequence_of([patch_mesh(uv=False, normals=False)]))


def empty(_: Path) -> Scene:
    """One frame without anybody in it."""
    return scene_of(sequence_of([empty_mesh()]))


def empty_between(_: Path) -> Scene:
    """Three frames, nobody in the middle one."""
    return scene_of(sequence_of([patch_mesh(0), empty_mesh(), patch_mesh(2)]))


def varying(_: Path) -> Scene:
    """Five frames with 1 to 5 triangles, from frame 1001 on."""
    return scene_of(sequence_of(LazyMeshes(strip_mesh, 5), first_frame=1001))


def constant(_: Path) -> Scene:
    """Six frames of one topology, with faces that are collapsed in some of them."""
    return scene_of(sequence_of(LazyMeshes(collapsing_mesh, 6), shares_faces=True))


def two_people(_: Path) -> Scene:
    """Two people in three frames; the second comes in two frames later."""
    second = sequence_of(
        [strip_mesh(2 - index) for index in range(3)],
        name="person02",
        first_frame=3,
        times_seconds=np.arange(2, 5) / float(FPS),
    )
    return scene_of(sequence_of([patch_mesh(index) for index in range(3)]), second)


def two_people_constant(_: Path) -> Scene:
    """Two people of constant topology over the same four frames."""
    first = sequence_of([collapsing_mesh(index) for index in range(4)], shares_faces=True)
    second = sequence_of([patch_mesh(index) for index in range(4)], name="person02", shares_faces=True)
    return scene_of(first, second)


def non_ascii_name(_: Path) -> Scene:
    """A name with letters beyond ASCII and a blank."""
    return scene_of(sequence_of([patch_mesh(0), patch_mesh(1)], name="tänzer 踊り手"))


def irregular(_: Path) -> Scene:
    """Variable frame rate and frame numbers with gaps, constant topology; times start at 1.5 s."""
    return scene_of(
        sequence_of(
            [patch_mesh(index) for index in range(4)],
            shares_faces=True,
            times_seconds=np.array([1.5, 1.5625, 1.75, 2.25]),
            frame_numbers=np.array([10, 11, 14, 20]),
        )
    )


def textured(folder: Path) -> Scene:
    """Three frames of varying topology, each with its own PNG."""
    pictures = write_pictures(folder, 3)
    return scene_of(sequence_of([strip_mesh(index) for index in range(3)], texture_paths=pictures))


def textured_still(folder: Path) -> Scene:
    """One frame with a JPEG."""
    return scene_of(
        sequence_of([patch_mesh()], texture_paths=write_pictures(folder, 1, suffix=".jpg", width=32, height=16))
    )


def textured_constant(folder: Path) -> Scene:
    """Three frames of constant topology, each with its own PNG."""
    meshes = [patch_mesh(index) for index in range(3)]
    return scene_of(sequence_of(meshes, shares_faces=True, texture_paths=write_pictures(folder, 3)))


def one_texture_constant(folder: Path) -> Scene:
    """Three frames of constant topology and UV that share one PNG."""
    meshes = [patch_mesh(index) for index in range(3)]
    return scene_of(sequence_of(meshes, shares_faces=True, texture_paths=write_pictures(folder, 1) * 3))


ZOO: dict[str, Callable[[Path], Scene]] = {
    make.__name__: make
    for make in (
        triangle,
        patch,
        only_uv,
        only_normals,
        only_colours,
        empty,
        empty_between,
        varying,
        constant,
        two_people,
        two_people_constant,
        non_ascii_name,
        irregular,
        textured,
        textured_still,
        textured_constant,
        one_texture_constant,
    )
}
