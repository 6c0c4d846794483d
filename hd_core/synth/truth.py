"""What is exactly so in every frame: the smooth surface that each pixel shows, where it lies and where it goes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from hd_core.geometry.camera import pixel_rays
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.correspondence import body_iuv, nearest_skin, surface_iuv
from hd_core.synth.occlusion import Occluders
from hd_core.synth.person import Instant, Person
from hd_core.synth.raster.coverage import PixelSamples, sample_pixels
from hd_core.synth.raster.edges import edge_pixels, smooth_edges
from hd_core.synth.raster.fragments import Fragments
from hd_core.synth.raster.interpolate import interpolate, label_picture
from hd_core.synth.raster.motion import follow
from hd_core.synth.raster.subdivide import Subdivision, subdivide
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

NORMAL_STEP = 1 / 32767
COARSE_PX = 4.0
"""Edges of the person's mesh that are longer than this in the picture are halved twice instead of once."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One frame's geometry in the camera's pixels.

    Args:
        fragments: What is seen, in terms of the person's faces; depth is that of the smooth surface.
        positions: The person's vertices in camera axes, m.
        fine: What is seen, in terms of the faces of the finer mesh on the smooth surface.
        surface: Vertices of that mesh in camera axes, m.
        samples: What is seen within the pixels of outlines and of edges inside, of the finer mesh.
        alpha: Share of each pixel that the person covers.
        normal: Unit, camera axes, towards the camera; zero off the person.
        world_normal: The same in world axes.
        canonical: Place of the surface point on the template, m; zero off the person.
        material: Of the face; -1 off the person.
        coat: Number of the face's look; -1 off the person.
        iuv: Part, u and v of the visible surface, bytes.
        body_iuv: The same of the body alone, as if nothing were worn.
    """

    fragments: Fragments
    positions: Float32[np.ndarray, "v 3"]
    fine: Fragments
    surface: Float32[np.ndarray, "n 3"]
    samples: PixelSamples
    alpha: Float32[np.ndarray, "h w"]
    normal: Float32[np.ndarray, "h w 3"]
    world_normal: Float32[np.ndarray, "h w 3"]
    canonical: Float32[np.ndarray, "h w 3"]
    material: Int32[np.ndarray, "h w"]
    coat: Int32[np.ndarray, "h w"]
    iuv: UInt8[np.ndarray, "h w 3"]
    body_iuv: UInt8[np.ndarray, "h w 3"]


class Observer:
    """Sees one person through one still camera.

    Args:
        person: Who is seen.
        camera: Who looks.
    """

    def __init__(self, person: Person, camera: Camera) -> None:
        self.camera = camera
        self.person = person
        self.smooth: Subdivision = subdivide(person.faces, len(person.canonical), levels=_levels(person, camera))
        self.occluders = Occluders(person)
        self._skin = nearest_skin(person.canonical)
        self._rays = pixel_rays(camera).astype(np.float32)

    def see(self, instant: Instant) -> Truth:
        """Rasterise one frame and look up what every pixel shows."""
        person, camera, smooth = self.person, self.camera, self.smooth
        corners = smooth.apply(instant.vertices)
        surface = to_camera(corners, camera).astype(np.float32)
        fine = rasterise(surface, smooth.faces, camera)
        fragments = smooth.on_coarse(fine)
        world, normal = self._normals(fine, smooth_normals(corners, smooth.faces))
        coat = label_picture(fragments, person.coats, background=-1)
        samples = sample_pixels(surface, smooth.faces, camera, edge_pixels(fragments, coat, camera))
        return Truth(
            fragments=fragments,
            positions=to_camera(instant.vertices, camera).astype(np.float32),
            fine=fine,
            surface=surface,
            samples=samples,
            alpha=samples.coverage(fine.mask),
            normal=normal,
            world_normal=world,
            canonical=interpolate(fragments, person.faces, person.canonical),
            material=label_picture(fragments, person.materials, background=-1),
            coat=coat,
            iuv=surface_iuv(fragments, person.faces, person.canonical, self._skin),
            body_iuv=body_iuv(to_camera(instant.body, camera), camera),
        )

    def _normals(
        self, fine: Fragments, normals: Float32[np.ndarray, "n 3"]
    ) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w 3"]]:
        """Unit normals towards the camera in world and in camera axes; inside a sleeve or a skirt they are turned."""
        seen = fine.mask
        world = interpolate(fine, self.smooth.faces, normals)
        unit = world[seen]
        unit /= np.maximum(np.sqrt(np.einsum("ij,ij->i", unit, unit)), np.float32(1e-12))[:, None]
        turned = unit @ self.camera.cam_from_world[:3, :3].T.astype(np.float32)
        away = np.einsum("ij,ij->i", turned, self._rays[seen]) > 0
        unit[away] *= -1
        turned[away] *= -1
        facing = np.zeros_like(world)
        world[seen], facing[seen] = unit, turned
        return world, facing

    def smoothed(self, light: Float[np.ndarray, "h w 3"], truth: Truth) -> Float32[np.ndarray, "h w 3"]:
        """Light from the person with smooth edges: outlines and where parts overlap take a share of each colour."""
        labels = self.person.coats.repeat(4**self.smooth.levels)
        return smooth_edges(light, truth.fragments, truth.coat, truth.samples, labels, self.camera)


class Record:
    """Keeps the truth of one frame after the other as small integers and halves.

    Args:
        observer: Who saw the frames.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._last: Truth | None = None
        self._depth: list[np.ndarray] = []
        self._frames: list[dict[str, np.ndarray]] = []
        self._links: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, truth: Truth) -> None:
        """Take the next frame, and find the points of the one before in it."""
        if self._last is not None:
            camera, faces = self._observer.camera, self._observer.smooth.faces
            link = follow(self._last.fine, faces, truth.surface, camera, truth.fine)
            self._links.append((link.position, link.visible))
        self._last = truth
        self._depth.append(truth.fragments.depth)
        self._frames.append(
            {
                "iuv": truth.iuv,
                "body_iuv": truth.body_iuv,
                "normal": np.rint(truth.normal / NORMAL_STEP).astype(np.int16),
                "canonical": truth.canonical.astype(np.float16),
                "material": truth.material.astype(np.int8),
            }
        )

    def packed(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """All frames' arrays, and how depth is coded."""
        depth = np.stack(self._depth)
        near, far = float(np.nanmin(depth)), float(np.nanmax(depth))
        step = max(far - near, 1e-3) / 65534
        code = np.where(np.isfinite(depth), np.rint((np.nan_to_num(depth) - near) / step) + 1, 0)
        size = self._observer.camera.shape
        arrays = {
            **{name: np.stack([frame[name] for frame in self._frames]) for name in self._frames[0]},
            "depth": code.astype(np.uint16),
            "next_position": np.array([link[0] for link in self._links], np.float32).reshape(-1, *size, 2),
            "next_visible": np.array([link[1] for link in self._links], bool).reshape(-1, *size),
        }
        return arrays, {"near_m": near, "step_m": step}


def to_camera(points: Float[np.ndarray, "n 3"], camera: Camera) -> Float[np.ndarray, "n 3"]:
    """World axes to the camera's."""
    moved: np.ndarray = points @ camera.cam_from_world[:3, :3].T + camera.cam_from_world[:3, 3]
    return moved


def _levels(person: Person, camera: Camera) -> int:
    """How often triangles are quartered, so that facets do not show: by the length of their edges in the picture."""
    first, second = person.canonical[person.faces[:, 0]], person.canonical[person.faces[:, 1]]
    edge_m = float(np.median(np.linalg.norm(first - second, axis=1)))
    eye = -camera.cam_from_world[:3, :3].T @ camera.cam_from_world[:3, 3]
    edge_px = edge_m * float(camera.intrinsics[0, 0]) / max(float(np.hypot(*eye[:2])), edge_m)
    return 1 if edge_px <= COARSE_PX else 2
