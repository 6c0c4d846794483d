"""The nouns of the program: frozen, keyword-only, numpy only; each refuses nonsense where it is made.

Conventions (docs/conventions.md): camera axes +x right, +y down, +z away from the camera; metres; depth along
+z; pixel (0, 0) covers [0, 1] x [0, 1]; images row-major, sRGB bytes; times in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from hd_core.errors import InputError

IDENTITY_4 = np.eye(4)
IDENTITY_4.setflags(write=False)


class Gauge(StrEnum):
    """What is still unknown about a depth map: nothing, its scale, or its scale and its offset."""

    METRIC = "metric"
    SCALE = "scale"
    AFFINE = "affine"


def _refuse(condition: bool | np.bool_, found: str, expected: str) -> None:  # noqa: FBT001 - a guard
    if condition:
        raise InputError(f"Found {found}; expected {expected}.")


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera without distortion.

    Args:
        width: Image width, px.
        height: Image height, px.
        intrinsics: K, px; pixel centres at half-integers.
        cam_from_world: Rigid transform from world to camera axes.
    """

    width: int
    height: int
    intrinsics: Float[np.ndarray, "3 3"]
    cam_from_world: Float[np.ndarray, "4 4"] = field(default_factory=lambda: IDENTITY_4)

    def __post_init__(self) -> None:
        _refuse(self.width < 1 or self.height < 1, f"{self.width} x {self.height} px", "at least one pixel")
        k = self.intrinsics
        _refuse(not np.isfinite(k).all(), f"{k.tolist()=}", "finite intrinsics")
        _refuse(min(k[0, 0], k[1, 1]) <= 0, f"focal lengths {k[0, 0]}, {k[1, 1]} px", "positive ones")
        _refuse(not np.array_equal(k[2], [0, 0, 1]), f"last row of K {k[2].tolist()}", "0, 0, 1")
        rotation = self.cam_from_world[:3, :3]
        off = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
        _refuse(off > 1e-6, f"a rotation that is {off:.2g} from orthonormal", "at most 1e-6")
        _refuse(np.linalg.det(rotation) < 0, "a mirroring rotation", "determinant +1")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an image by this camera."""
        return self.height, self.width


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of a clip.

    Args:
        rgb: sRGB bytes.
        index: Position in the source, counted from 0.
        time_seconds: Presentation time from the container.
        alpha: The source's own alpha channel, 0..255, where it has one.
    """

    rgb: UInt8[np.ndarray, "h w 3"]
    index: int
    time_seconds: float
    alpha: UInt8[np.ndarray, "h w"] | None = None

    def __post_init__(self) -> None:
        if self.alpha is not None:
            _refuse(self.alpha.shape != self.rgb.shape[:2], f"{self.alpha.shape=}", f"{self.rgb.shape[:2]}")


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A source of frames as it will be read: sizes are after rotation and `--max-side`.

    Args:
        path: Video file, image, folder or pattern.
        num_frames: Frames that the source holds; exact, counted where the container does not say.
        width: Frame width as delivered, px.
        height: Frame height as delivered, px.
        fps: Mean frame rate.
        rotation: Clockwise turn in degrees that was applied to the stored pictures.
        has_alpha: Whether frames carry an alpha channel.
        variable_rate: Whether the frames' times are unevenly spaced.
    """

    path: Path
    num_frames: int
    width: int
    height: int
    fps: Fraction
    rotation: int = 0
    has_alpha: bool = False
    variable_rate: bool = False

    def __post_init__(self) -> None:
        _refuse(self.num_frames < 1, f"{self.num_frames} frames in {self.path}", "at least one")
        _refuse(self.fps <= 0, f"{self.fps} frames/s", "a positive rate")
        _refuse(self.rotation % 90 != 0, f"a rotation of {self.rotation} degrees", "a multiple of 90")


@dataclass(frozen=True, kw_only=True)
class Box:
    """An axis-aligned rectangle in a full frame, px, edges not centres; may leave the frame."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        _refuse(not self.width > 0 or not self.height > 0, f"{self}", "a positive size")


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A resampled rectangle of a full frame and the camera that sees exactly it.

    Args:
        box: The rectangle in the full frame.
        full: Camera of the full frame.
        camera: Camera of the crop; make both with `geometry.crop.make_crop`.
    """

    box: Box
    full: Camera
    camera: Camera

    def __post_init__(self) -> None:
        expected = self.crop_from_full @ self.full.intrinsics
        off = float(np.abs(expected - self.camera.intrinsics).max())
        _refuse(off > 1e-6 * self.camera.width, f"crop intrinsics off by {off:.3g} px", "those of the box")

    @property
    def crop_from_full(self) -> Float[np.ndarray, "3 3"]:
        """Pixel transform from the full frame into the crop."""
        sx, sy = self.camera.width / self.box.width, self.camera.height / self.box.height
        return np.array([[sx, 0, -sx * self.box.left], [0, sy, -sy * self.box.top], [0, 0, 1]])

    @property
    def full_from_crop(self) -> Float[np.ndarray, "3 3"]:
        """Pixel transform from the crop into the full frame; the exact inverse."""
        sx, sy = self.box.width / self.camera.width, self.box.height / self.camera.height
        return np.array([[sx, 0, self.box.left], [0, sy, self.box.top], [0, 0, 1]])


@dataclass(frozen=True, kw_only=True)
class BodyMaps:
    """What is known of the body in the pixels of a view: which points of it they show, and maybe its surface.

    Args:
        iuv: Part 1..24, u and v times 255 of the atlas `anny24`; part 0 where no body was found.
        depth: Of the body under the clothes along +z, in any one scale; NaN where it is not known. None with `normal`.
        normal: Of the same points, unit, camera axes; zero where it is not known.
    """

    iuv: UInt8[np.ndarray, "h w 3"]
    depth: Float[np.ndarray, "h w"] | None = None
    normal: Float[np.ndarray, "h w 3"] | None = None

    def __post_init__(self) -> None:
        most = int(self.iuv[..., 0].max(initial=0))
        _refuse(most > 24, f"body part {most}", "0 to 24")
        _refuse((self.depth is None) != (self.normal is None), "a body's depth or normals alone", "both or neither")
        if self.depth is not None and self.normal is not None:
            shapes = {self.iuv.shape[:2], self.depth.shape, self.normal.shape[:2]}
            _refuse(len(shapes) != 1, f"body maps of {sorted(shapes)}", "one shape")
            wrong = int((np.isfinite(self.depth) != self.normal.any(axis=-1)).sum())
            _refuse(wrong > 0, f"{wrong} pixels with a body's depth or normal alone", "both or neither")


@dataclass(frozen=True, kw_only=True)
class View:
    """One person in one frame, cut out: what a predictor sees.

    Args:
        rgb: The crop, sRGB bytes; outside the full frame the nearest edge pixel is repeated.
        alpha: Soft matte of this person, 0..1; 0 outside the full frame.
        crop: Where the crop lies and its camera.
        frame_index: Position of the frame in the source.
        time_seconds: Its presentation time.
        person_id: Stable over the clip, from 1.
        body: What is known of the body; None where nothing is. Records do not keep it.
    """

    rgb: UInt8[np.ndarray, "h w 3"]
    alpha: Float[np.ndarray, "h w"]
    crop: Crop
    frame_index: int
    time_seconds: float
    person_id: int = 1
    body: BodyMaps | None = None

    def __post_init__(self) -> None:
        shape = self.crop.camera.shape
        _refuse(self.rgb.shape[:2] != shape, f"rgb of {self.rgb.shape[:2]}", f"the crop's {shape}")
        _refuse(self.alpha.shape != shape, f"alpha of {self.alpha.shape}", f"the crop's {shape}")
        _refuse(self.person_id < 1, f"{self.person_id=}", "1 or more")
        if self.body is not None:
            found = self.body.iuv.shape[:2]
            _refuse(found != shape, f"body maps of {found}", f"the crop's {shape}")

    @property
    def mask(self) -> Bool[np.ndarray, "h w"]:
        """Pixels that are more person than background."""
        return self.alpha > 0.5


@dataclass(frozen=True, kw_only=True)
class SurfaceMaps:
    """Depth and normals of one person as one camera sees them.

    Args:
        camera: The camera whose pixels these are.
        depth: Along +z, in metres if `gauge` is metric; finite exactly where `mask`, NaN elsewhere.
        normal: Unit, camera axes, towards the camera (z < 0); zero off the mask.
        mask: Pixels that carry a surface.
        confidence: 0..1.
        gauge: What is still unknown about `depth`.
    """

    camera: Camera
    depth: Float[np.ndarray, "h w"]
    normal: Float[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    confidence: Float[np.ndarray, "h w"]
    gauge: Gauge

    def __post_init__(self) -> None:
        shape = self.camera.shape
        for name in ("depth", "normal", "mask", "confidence"):
            found = getattr(self, name).shape[:2]
            _refuse(found != shape, f"{name} of {found}", f"the camera's {shape}")
        wrong = int((np.isfinite(self.depth) != self.mask).sum())
        _refuse(wrong > 0, f"{wrong} pixels whose depth disagrees with the mask", "finite depth exactly in it")
        if self.gauge is not Gauge.AFFINE and self.mask.any():
            nearest = float(self.depth[self.mask].min())
            _refuse(nearest <= 0, f"a depth of {nearest:.4g}", "positive depths in a metric or scale gauge")
        length = np.linalg.norm(self.normal[self.mask], axis=-1)
        off = float(np.abs(length - 1).max(initial=0))
        _refuse(not off < 2e-3, f"normals {off:.3g} from unit length", "unit normals on the mask")


@dataclass(frozen=True, kw_only=True)
class BodyState:
    """A body's pose at one instant.

    Args:
        joints: Positions in camera axes, metres.
        rotations: One rotation per joint, parent axes.
        shape: Coefficients of the body model.
        confidence: 0..1 per joint.
    """

    joints: Float[np.ndarray, "j 3"]
    rotations: Float[np.ndarray, "j 3 3"]
    shape: Float[np.ndarray, " s"]
    confidence: Float[np.ndarray, " j"]

    def __post_init__(self) -> None:
        counts = {len(self.joints), len(self.rotations), len(self.confidence)}
        _refuse(len(counts) != 1, f"joint counts {sorted(counts)}", "one count")


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A surface in camera axes of the full frame, metres; front faces wind counter-clockwise for the camera.

    Args:
        vertices: Positions.
        faces: Triangles (f, 3), or quads (f, 4) in which a last index of -1 makes a triangle.
        uv: In the full frame, 0..1, v upwards, so that the frame itself is the texture.
        normals: Unit, per vertex, camera axes.
        colours: sRGB bytes per vertex.
        valid: Constant topology only: vertices that lie on the surface in this frame; faces with a vertex that
            does not are collapsed to a point and show nothing.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f k"]
    uv: Float[np.ndarray, "v 2"] | None = None
    normals: Float[np.ndarray, "v 3"] | None = None
    colours: UInt8[np.ndarray, "v 3"] | None = None
    valid: Bool[np.ndarray, " v"] | None = None

    def __post_init__(self) -> None:
        count = len(self.vertices)
        _refuse(not np.isfinite(self.vertices).all(), "vertices that are not finite", "finite ones")
        _refuse(self.faces.shape[1] not in (3, 4), f"faces of {self.faces.shape[1]}", "3 or 4 corners")
        if len(self.faces):
            low = int(self.faces[:, :3].min())
            high = int(self.faces.max())
            _refuse(low < 0 or high >= count, f"face indices {low}..{high}", f"0..{count - 1}")
        for name in ("uv", "normals", "colours", "valid"):
            value = getattr(self, name)
            if value is not None:
                _refuse(len(value) != count, f"{len(value)} {name}", f"one per vertex ({count})")


@dataclass(frozen=True, kw_only=True)
class MeshSequence:
    """One person over time: meshes that may be lazy, one per output frame.

    Args:
        name: Name of the object in every export ("person01").
        meshes: One per frame; reading an entry may load it from disk.
        times_seconds: Presentation times, increasing, starting anywhere.
        frame_numbers: Output frame numbers, increasing.
        shares_faces: Every mesh has the same faces and vertex count; proved at every access.
        texture_paths: The picture that `uv` refers to, per frame; empty without texture.
    """

    name: str
    meshes: Sequence[Mesh]
    times_seconds: Float[np.ndarray, " n"]
    frame_numbers: Int[np.ndarray, " n"]
    shares_faces: bool = False
    texture_paths: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.meshes)
        _refuse(count == 0, "no mesh", "at least one")
        for name in ("times_seconds", "frame_numbers"):
            value = getattr(self, name)
            _refuse(len(value) != count, f"{len(value)} {name}", f"one per mesh ({count})")
            _refuse(bool((np.diff(value) <= 0).any()), f"{name} that do not increase", "increasing ones")
        _refuse(len(self.texture_paths) not in (0, count), f"{len(self.texture_paths)} textures", f"0 or {count}")

    def __len__(self) -> int:
        return len(self.meshes)

    def __getitem__(self, position: int) -> Mesh:
        mesh = self.meshes[position]
        if self.shares_faces and position % len(self) != 0:
            first = self.meshes[0]
            same = len(mesh.vertices) == len(first.vertices) and np.array_equal(mesh.faces, first.faces)
            _refuse(not same, f"another topology in mesh {position} of {self.name}", "that of the first mesh")
        return mesh


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a writer writes: one animated object per person, and the camera that saw them.

    Args:
        sequences: One per person.
        camera: Camera of the full frame, still over the clip.
        fps: Frame rate of the clip; time codes are frame numbers.
    """

    sequences: tuple[MeshSequence, ...]
    camera: Camera
    fps: Fraction

    def __post_init__(self) -> None:
        names = [sequence.name for sequence in self.sequences]
        _refuse(not names, "no sequence", "at least one person")
        _refuse(len(set(names)) != len(names), f"names {names}", "different ones")
        _refuse(self.fps <= 0, f"{self.fps} frames/s", "a positive rate")
