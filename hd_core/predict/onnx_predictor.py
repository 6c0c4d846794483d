"""The predictor for other people's networks: an ONNX file and a card that declares what its tensors are.

Such a network is not told the crop's camera: it takes the crop for a picture whose axis goes through its middle.
Its maps are therefore read in that camera, and then turned to where the crop really looks.
"""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from hd_core.errors import InputError, UsageError
from hd_core.geometry.camera import pixel_rays
from hd_core.geometry.crop import crop_between, cut_plane, cut_rgb, make_crop
from hd_core.predict.facing import facing, turn_to_middle
from hd_core.predict.maps_card import NAME, DepthCard, MapsCard
from hd_core.predict.maps_decode import GridMaps, decode
from hd_core.predict.maps_resample import resample
from hd_core.predict.onnx_card import BACKGROUNDS, InputCard, OnnxCard, read_onnx_card
from hd_core.predict.onnx_planes import RawPlanes, depth_of_points, mend, raw_planes
from hd_core.predict.onnx_session import OnnxSession
from hd_core.predict.protocol import PredictorOptions
from hd_core.types import Box, Camera, Gauge, SurfaceMaps, View


class OnnxPredictor:
    """A network with its card.

    Without normals they come from the depth; without depth its place is taken by the constant 1 in the gauge
    `affine`, which says that nothing is known. Pixels whose numbers are unusable take the nearest one's, with
    confidence 0.

    Args:
        network: The ONNX file.
        card: Its card.
        session: Of the two.
    """

    name = "onnx"

    def __init__(self, network: Path, card: OnnxCard, session: OnnxSession) -> None:
        self._network, self._card, self._session = network, card, session
        self.licence = card.licence
        self.commercial = card.commercial
        self.gauge = card.gauge

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "OnnxPredictor":
        """Open the network.

        Raises:
            UsageError: None is named, or there is no such device.
            WeightsError: It or its card cannot be used.
        """
        if options.weights is None:
            raise UsageError(
                "The predictor onnx needs a network.",
                "Give --weights FILE.onnx with its card FILE.json (docs/onnx.md).",
            )
        card = read_onnx_card(options.weights)
        session = OnnxSession(options.weights, card, device=options.device, threads=options.threads)
        return cls(options.weights, card, session)

    def predict(self, view: View) -> SurfaceMaps:
        """The network's maps of the view.

        Raises:
            InputError: Its numbers cannot be what the card says.
        """
        camera = view.crop.camera
        if not view.mask.any():
            return _maps(view, _nothing(camera), self.gauge)
        grid_camera = input_camera(camera, self._card.input)
        planes = raw_planes(self._session.run(_picture(view, grid_camera, self._card.input)), self._card)
        source = _resized(grid_camera, *planes.shape)
        grid = _filled(self._decoded(planes, view, source))
        return _maps(view, resample(grid, source, camera, positive=self.gauge is not Gauge.AFFINE), self.gauge)

    def describe(self) -> dict[str, str]:
        """Digests of network and card, source and licence, and where it ran."""
        card = self._card
        with self._network.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {
            "predictor": self.name,
            "licence": self.licence,
            "commercial_use": "allowed" if card.commercial else "not allowed",
            "source": card.source,
            "weights_sha256": digest,
            "card_sha256": hashlib.sha256(card.path.read_bytes()).hexdigest(),
            "depth": "none: constant 1" if card.depth is None else f"{card.depth.card.kind} in {card.depth.card.unit}",
            "normals": "central differences of the depth" if card.normal is None else card.axes,
            "provider": self._session.provider,
            "onnxruntime": onnxruntime.__version__,
        }

    def _decoded(self, planes: RawPlanes, view: View, source: Camera) -> GridMaps:
        """Maps in the axes of the view's camera, on the network's grid."""
        card, believed = self._card, _straight(source)
        seen = _seen(view, source)
        if planes.points is not None:
            z = depth_of_points(planes.points, seen, card, believed)
            planes = RawPlanes(normal=planes.normal, depth=z, confidence=planes.confidence)
        planes, own = mend(planes, seen, card)
        named = {"normal": planes.normal, "depth": planes.depth, "mask": seen.astype(np.float32)}
        there = {name: plane for name, plane in named.items() if plane is not None}
        try:
            grid = decode(there, _as_maps_card(card), believed, frame_index=view.frame_index)
        except InputError as error:
            name = card.path.name
            raise InputError(error.message.replace(NAME, name), error.hint.replace(NAME, name)) from error
        sure = np.ones(seen.shape) if planes.confidence is None else np.clip(np.nan_to_num(planes.confidence), 0, 1)
        return GridMaps(
            valid=grid.valid,
            normal=facing(grid.normal @ turn_to_middle(source).T, source),
            depth=grid.depth if grid.depth is None or self.gauge is Gauge.AFFINE else _along_axis(grid.depth, source),
            confidence=(sure * own).astype(np.float32),
        )


def input_camera(camera: Camera, card: InputCard) -> Camera:
    """The camera of the picture that the network gets: the whole view, its proportions kept.

    A network of one size gets the view as large as it fits, in the middle; one that takes every size gets the
    view's own pixels, and as many around them as make up the next multiple.
    """
    if card.size is None:
        rows, columns = (side + -side % card.multiple for side in camera.shape)
        left, top = (columns - camera.width) // 2, (rows - camera.height) // 2
        box = Box(left=-float(left), top=-float(top), width=float(columns), height=float(rows))
        return make_crop(camera, box, width=columns, height=rows).camera
    rows, columns = card.size
    pixels = max(camera.height / rows, camera.width / columns)
    width, height = columns * pixels, rows * pixels
    box = Box(left=(camera.width - width) / 2, top=(camera.height - height) / 2, width=width, height=height)
    return make_crop(camera, box, width=columns, height=rows).camera


def _picture(view: View, camera: Camera, card: InputCard) -> Float[np.ndarray, "h w 3"]:
    crop = crop_between(view.crop.camera, camera)
    picture = cut_rgb(view.rgb, crop).astype(np.float64)
    behind = BACKGROUNDS[card.background]
    if behind is None:
        return picture
    alpha = cut_plane(view.alpha, crop)[..., None]
    return np.asarray(picture * alpha + behind * (1 - alpha))


def _seen(view: View, camera: Camera) -> Bool[np.ndarray, "h w"]:
    """The person on the network's grid; never nothing, because there is somebody on the view's."""
    share = cut_plane(view.mask.astype(np.float32), crop_between(view.crop.camera, camera))
    return np.asarray(share > min(0.5, 0.5 * float(share.max())))


def _resized(camera: Camera, height: int, width: int) -> Camera:
    """The same picture in another number of pixels."""
    box = Box(left=0.0, top=0.0, width=float(camera.width), height=float(camera.height))
    return make_crop(camera, box, width=width, height=height).camera


def _straight(camera: Camera) -> Camera:
    """The camera that a network takes a picture's to be: its axis through the middle."""
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] = camera.width / 2, camera.height / 2
    return Camera(width=camera.width, height=camera.height, intrinsics=intrinsics)


def _along_axis(depth: Float[np.ndarray, "h w"], camera: Camera) -> Float[np.ndarray, "h w"]:
    """Depth along the camera's axis, from depth along the ray through the picture's middle."""
    return np.asarray(depth / (pixel_rays(camera) @ turn_to_middle(camera)[:, 2]))


def _filled(grid: GridMaps) -> GridMaps:
    """Maps that go on beyond the person, so that its rim is not mixed with what the network saw behind."""
    rows, columns = distance_transform_edt(~grid.valid, return_distances=False, return_indices=True)
    return GridMaps(
        valid=np.ones(grid.valid.shape, bool),
        normal=grid.normal[rows, columns],
        depth=None if grid.depth is None else grid.depth[rows, columns],
        confidence=grid.confidence[rows, columns],
    )


def _nothing(camera: Camera) -> GridMaps:
    return GridMaps(
        valid=np.zeros(camera.shape, bool),
        normal=np.zeros((*camera.shape, 3)),
        depth=None,
        confidence=np.zeros(camera.shape),
    )


def _as_maps_card(card: OnnxCard) -> MapsCard:
    depth: DepthCard | None = None if card.depth is None else card.depth.card
    return MapsCard(folder=card.path, axes=card.axes, patterns={}, depth=depth, encoding="snorm")


def _maps(view: View, found: GridMaps, gauge: Gauge) -> SurfaceMaps:
    camera, mask = view.crop.camera, view.mask
    depth = np.ones(mask.shape) if found.depth is None else found.depth
    return SurfaceMaps(
        camera=camera,
        depth=np.where(mask, depth, np.nan).astype(np.float32),
        normal=np.where(mask[..., None], facing(found.normal, camera), 0).astype(np.float32),
        mask=mask,
        confidence=np.where(mask, found.confidence, 0).astype(np.float32),
        gauge=gauge,
    )
