"""From light to picture: what a camera and a file do to radiance, in the order in which they do it."""

import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter, uniform_filter

from hd_core.colour import srgb_from_linear
from hd_core.errors import InputError
from hd_core.synth.look.codec import Codec, sample_codec
from hd_core.synth.look.keylight import LUMINANCE

Picture = Float[np.ndarray, "h w 3"]
Bytes = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class Lens:
    """One camera and its settings.

    Args:
        exposure_stops: Light is multiplied by 2 to this power.
        balance: Gain per colour.
        blur_px: Standard deviation of the lens's own softness.
        defocus_px: Radius of the disc that a point out of focus makes.
        vignette: Fall-off towards the corners: 1 halves them.
        shot_noise: Variance per unit of signal, as light comes in grains.
        read_noise: Standard deviation in the dark.
        white: Radiance that becomes white; above 1 highlights are compressed, 1 is the plain curve.
        contrast: Power about middle grey; 1 changes nothing.
        saturation: 0 is grey, 1 changes nothing.
        shutter: Share of the time between two frames in which it is open.
        on_subject: How much the subject counts in metering; the rest is the whole picture.
        pace: Share of a change of light that the exposure follows within a frame; 0 keeps the first frame's.
        denoise: Contrast that is smoothed away, bytes.
        sharpen: How much of the fine detail is added once more.
        halo_px: Standard deviation of what counts as fine.
        jpeg_quality: 1..95, or nothing; of clips that are no video.
        codec: Of clips that are a video.
    """

    exposure_stops: float = 0.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur_px: float = 0.0
    defocus_px: float = 0.0
    vignette: float = 0.0
    shot_noise: float = 0.0
    read_noise: float = 0.0
    white: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    shutter: float = 0.0
    on_subject: float = 1.0
    pace: float = 1.0
    denoise: float = 0.0
    sharpen: float = 0.0
    halo_px: float = 1.0
    jpeg_quality: int | None = None
    codec: Codec | None = None


def sample_lens(rng: np.random.Generator) -> Lens:
    """Draw a camera: mostly sharp and clean, sometimes a poor one in little light; most clips are videos."""
    poor = rng.random() < 0.2
    warmth, tint = rng.normal(0, 0.08), rng.normal(0, 0.03)
    file = rng.random()
    return Lens(
        exposure_stops=float(rng.normal(0, 0.4) if rng.random() < 0.85 else rng.choice([-1, 1]) * rng.uniform(0.8, 2)),
        balance=(float(np.exp(warmth)), float(np.exp(tint)), float(np.exp(-warmth))),
        blur_px=float(rng.uniform(0, 1.6 if poor else 0.7)),
        defocus_px=float(rng.uniform(1, 3)) if rng.random() < 0.1 else 0.0,
        vignette=float(rng.uniform(0, 0.6)) if rng.random() < 0.5 else 0.0,
        shot_noise=float(10 ** rng.uniform(-3.3, -2.3) if poor else 10 ** rng.uniform(-5, -3)),
        read_noise=float(10 ** rng.uniform(-2.7, -2.0) if poor else 10 ** rng.uniform(-4, -2.7)),
        white=float(rng.choice([1.0, rng.uniform(1.5, 6)])),
        contrast=float(np.exp(rng.normal(0, 0.12))),
        saturation=float(np.clip(rng.normal(1, 0.15), 0.4, 1.5)) if rng.random() < 0.95 else 0.0,
        shutter=float(rng.uniform(0.2, 0.5) if poor else rng.uniform(0, 0.3)) if rng.random() < 0.85 else 0.0,
        on_subject=float(rng.uniform(0.5, 1)),
        pace=float(rng.choice([0.0, rng.uniform(0.02, 0.3), 1.0], p=[0.2, 0.6, 0.2])),
        denoise=float(rng.uniform(2, 10)) if rng.random() < (0.6 if poor else 0.2) else 0.0,
        sharpen=float(rng.uniform(0.2, 1.2)) if rng.random() < 0.4 else 0.0,
        halo_px=float(rng.uniform(0.6, 1.6)),
        jpeg_quality=int(rng.integers(40, 80) if poor else rng.integers(70, 96)) if file < 0.25 else None,
        codec=sample_codec(rng) if file >= 0.4 else None,
    )


def photograph(linear: Picture, lens: Lens, rng: np.random.Generator) -> Bytes:
    """Take one picture: optics, sensor, development, file; what a video does to it comes later.

    Args:
        linear: Radiance; single precision does for bytes and takes half the time.
        lens: The camera.
        rng: Source of the noise.
    """
    light = defocused(blurred(linear, sigma_px=lens.blur_px), radius_px=lens.defocus_px)
    light = vignetted(light, lens.vignette) * 2.0**lens.exposure_stops
    light = noisy(light, rng, shot_noise=lens.shot_noise, read_noise=lens.read_noise) * np.asarray(
        lens.balance, linear.dtype
    )
    picture = developed(light, white=lens.white, contrast=lens.contrast, saturation=lens.saturation)
    picture = sharpened(denoised(picture, lens.denoise), lens.sharpen, sigma_px=lens.halo_px)
    return picture if lens.jpeg_quality is None else through_jpeg(picture, quality=lens.jpeg_quality)


def metered_stops(
    linear: Picture, subject: Bool[np.ndarray, "h w"], *, target: float = 0.22, on_subject: float = 1.0
) -> float:
    """Exposure that brings mean luminance to a target, at most 6 stops either way.

    Args:
        linear: Radiance.
        subject: Its pixels.
        target: Wanted mean luminance.
        on_subject: How much the subject counts; the rest is the whole picture.

    Raises:
        InputError: No pixel of the subject.
    """
    if not subject.any():
        raise InputError("Found no pixel of the subject to meter; expected at least one.")
    luminance = linear @ LUMINANCE
    means = np.maximum([luminance[subject].mean(), luminance.mean()], 1e-9)
    return float(np.clip(np.log2(target / means) @ [on_subject, 1 - on_subject], -6, 6))


def blurred(linear: Picture, *, sigma_px: float) -> Picture:
    """Gaussian blur; the edge pixel goes on beyond the edge."""
    if sigma_px <= 0:
        return linear
    return np.asarray(gaussian_filter(linear, (sigma_px, sigma_px, 0), mode="nearest"))


def defocused(linear: Picture, *, radius_px: float) -> Picture:
    """Blur by an evenly lit disc, as an open aperture makes it; its rim is soft over a pixel."""
    if radius_px <= 0:
        return linear
    reach = int(np.ceil(radius_px))
    away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    disc = np.clip(radius_px - away + 0.5, 0, 1)
    return np.asarray(convolve(linear, (disc / disc.sum())[..., None], mode="nearest"))


def vignetted(linear: Picture, strength: float) -> Picture:
    """Darken towards the corners by 1 / (1 + strength r^2); r is 1 in the corners."""
    if strength <= 0:
        return linear
    height, width = linear.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    square = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / ((width / 2) ** 2 + (height / 2) ** 2)
    return np.asarray(linear / (1 + strength * square).astype(linear.dtype)[..., None])


def noisy(linear: Picture, rng: np.random.Generator, *, shot_noise: float, read_noise: float) -> Picture:
    """Add a sensor's noise: normal, of variance shot_noise * signal + read_noise^2; it may go below zero."""
    spread = np.sqrt(shot_noise * np.maximum(linear, 0) + read_noise**2)
    return np.asarray(linear + spread * rng.standard_normal(linear.shape, dtype=linear.dtype))


def developed(linear: Picture, *, white: float = 1.0, contrast: float = 1.0, saturation: float = 1.0) -> Bytes:
    """Turn radiance into sRGB bytes.

    Highlights are compressed by x (1 + x / white^2) / (1 + x) (Reinhard et al., "Photographic tone reproduction for
    digital images", 2002, equation 4), mixed in as far as `white` exceeds 1; with white 1 it is the plain sRGB curve.
    """
    light = np.maximum(linear, 0)
    grey = (light @ LUMINANCE.astype(light.dtype))[..., None]
    light = np.maximum(grey + saturation * (light - grey), 0)
    if white > 1:
        light = light * 1.25  # keeps middle tones about where the plain curve has them
        light = light * (1 + light / white**2) / (1 + light)
    light = 0.18 * (light / 0.18) ** contrast
    return np.asarray(np.rint(255 * np.clip(srgb_from_linear(light), 0, 1)), dtype=np.uint8)


def denoised(picture: Bytes, contrast: float) -> Bytes:
    """Smooth what has less contrast than stated (bytes) within 5 x 5 pixels, as phones do; edges stay.

    He, Sun and Tang, "Guided image filtering", 2010, equations 5, 6 and 8, every colour guided by itself.
    """
    if contrast <= 0:
        return picture
    size, values = (5, 5, 1), picture.astype(np.float32)
    mean = uniform_filter(values, size, mode="nearest")
    spread = np.maximum(uniform_filter(values**2, size, mode="nearest") - mean**2, 0)
    kept = spread / (spread + np.float32(contrast**2))
    smooth = uniform_filter(kept, size, mode="nearest") * values
    smooth += uniform_filter((1 - kept) * mean, size, mode="nearest")
    return np.asarray(np.rint(np.clip(smooth, 0, 255)), np.uint8)


def sharpened(picture: Bytes, amount: float, *, sigma_px: float) -> Bytes:
    """Add the difference to a blurred copy: edges become steep and get halos."""
    if amount <= 0:
        return picture
    values = picture.astype(np.float32)
    detail = values - gaussian_filter(values, (sigma_px, sigma_px, 0), mode="nearest")
    return np.asarray(np.rint(np.clip(values + np.float32(amount) * detail, 0, 255)), np.uint8)


def through_jpeg(picture: Bytes, *, quality: int) -> Bytes:
    """Compress as JPEG with halved colour resolution and read it back.

    Raises:
        InputError: Quality out of range.
    """
    if not 1 <= quality <= 95:
        raise InputError(f"Found a JPEG quality of {quality}; expected 1..95.")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(file) as reread:
        return np.asarray(reread.convert("RGB"))
