"""What the tests of the predictors share: a person-like view, a sphere seen by a camera, folders of maps."""

import json
from fractions import Fraction

import av
import numpy as np
import OpenEXR

from hd_core.geometry.camera import camera_from_focal, pixel_rays
from hd_core.geometry.crop import make_crop, whole_frame
from hd_core.types import Box, Camera, View

CENTRE = np.array([0.15, -0.1, 2.5])
RADIUS = 0.5
METRIC_Z = {"kind": "z", "unit": "m", "gauge": "metric"}


def frame_camera(width=96, height=72):
    return camera_from_focal(width, height, focal_px=1.1 * width)


def sphere(camera):
    """Depth (NaN off it) and outward normals of a sphere, in closed form."""
    rays = pixel_rays(camera)
    a, b, c = (rays**2).sum(-1), rays @ CENTRE, CENTRE @ CENTRE - RADIUS**2
    root = b**2 - a * c
    depth = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.nan)
    normal = np.nan_to_num((rays * depth[..., None] - CENTRE) / RADIUS)
    return depth, normal


def view_of(camera, alpha, *, frame_index=0, crop=None, seed=0):
    crop = crop or whole_frame(camera)
    rgb = np.random.default_rng(seed).integers(0, 256, (*crop.camera.shape, 3), np.uint8)
    return View(rgb=rgb, alpha=alpha.astype(np.float32), crop=crop, frame_index=frame_index, time_seconds=0.0)


def sphere_view(camera=None, *, frame_index=0):
    camera = camera or frame_camera()
    return view_of(camera, np.isfinite(sphere(camera)[0]), frame_index=frame_index)


def crop_of(camera, *, left, top, size, side):
    return make_crop(camera, Box(left=left, top=top, width=size, height=size), width=side, height=side)


def write_exr(path, channels, *, offset=(0, 0), display=None):
    """Write float channels; the data window starts at `offset` (x, y) in a display window of (width, height)."""
    height, width = next(iter(channels.values())).shape
    x, y = offset
    columns, rows = display or (width, height)
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "dataWindow": (np.array([x, y], np.int32), np.array([x + width - 1, y + height - 1], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([columns - 1, rows - 1], np.int32)),
    }
    planes = {name: np.ascontiguousarray(values, np.float32) for name, values in channels.items()}
    with OpenEXR.File(header, planes) as file:
        file.write(str(path))


def passes(depth, normal, *, confidence=None):
    """The channels of an EXR as this program writes them."""
    channels = {
        "Z": depth,
        "A": np.isfinite(depth),
        **dict(zip(("N.X", "N.Y", "N.Z"), np.moveaxis(normal, -1, 0), strict=True)),
    }
    return channels if confidence is None else {**channels, "confidence": confidence}


def write_card(folder, **entries):
    """A maps.json; an entry of None is left out."""
    card = {"schema": 1, "axes": "opencv", "pattern": "{index:06d}.exr", "depth": METRIC_Z, "licence": "CC0-1.0"}
    folder.mkdir(parents=True, exist_ok=True)
    entries = {name: value for name, value in {**card, **entries}.items() if value is not None}
    (folder / "maps.json").write_text(json.dumps(entries))
    return folder


def camera_entry(camera):
    return {"width": camera.width, "height": camera.height, "intrinsics": camera.intrinsics.tolist()}


def sphere_folder(folder, camera=None, *, frames=3, **entries):
    """A folder of EXR passes of the sphere."""
    camera = camera or frame_camera()
    write_card(folder, camera=camera_entry(camera), **entries)
    for index in range(frames):
        write_exr(folder / f"{index:06d}.exr", passes(*sphere(camera)))
    return folder


def shifted(camera, x, y, scale=1.0):
    """The camera whose pixels are `scale` times as fine and start x, y px (of the new ones) earlier."""
    k = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]]) @ camera.intrinsics
    return Camera(width=round(camera.width * scale), height=round(camera.height * scale), intrinsics=k)


def write_png16(path, values):
    """16-bit grey or colour by FFmpeg's encoder."""
    pixels = np.ascontiguousarray(values).astype(np.uint16)
    encode_png(path, pixels, "rgb48be" if pixels.ndim == 3 else "gray16be")


def encode_png(path, pixels, form, predictor="mixed"):
    """Write a PNG by FFmpeg's encoder with one kind of row filter."""
    frame = av.VideoFrame.from_ndarray(pixels, format=form)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, form
    encoder.time_base = Fraction(1)
    encoder.options = {"pred": predictor}
    path.write_bytes(b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None))))
