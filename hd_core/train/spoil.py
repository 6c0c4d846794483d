"""What cameras, codecs and matting do to a clean picture and its matte."""

import io

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image, ImageFilter
from scipy import ndimage

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def spoil_picture(
    rng: np.random.Generator, colours: Float32[np.ndarray, "h w 3"], *, strength: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Change exposure, gamma, white balance and saturation, blur, add noise, compress.

    Args:
        rng: Source of all choices.
        colours: sRGB, 0..255.
        strength: 1 is usual, 0 changes nothing.
    """
    picture = _tone(rng, colours / 255, strength)
    if rng.random() < 0.25 * strength:
        picture = _blur(rng, picture)
    if rng.random() < 0.5 * strength:
        noise = rng.standard_normal(picture.shape, np.float32)
        picture = picture + noise * np.float32(rng.uniform(0, 0.04))
    coded: np.ndarray = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        coded = _compress(coded, int(rng.integers(25, 90)))
    return coded


def spoil_matte(
    rng: np.random.Generator, matte: Float32[np.ndarray, "h w"], *, strength: float
) -> Float32[np.ndarray, "h w"]:
    """Shrink or widen, soften or harden, bite holes and cut parts off; half of them stay.

    Args:
        rng: Source of all choices.
        matte: 0..1.
        strength: 1 is usual, 0 changes nothing.
    """
    if rng.random() > 2 / 3 * strength:
        return matte
    side = matte.shape[0]
    spoiled = matte
    if rng.random() < 0.6:
        spoiled = _move_edge(rng, spoiled, side)
    if rng.random() < 0.3:
        spoiled = _bite(rng, spoiled, side)
    if rng.random() < 0.15:
        spoiled = _cut_off(rng, spoiled)
    if rng.random() < 0.3:
        spoiled = (spoiled > 0.5).astype(np.float32)
    return spoiled if (spoiled > 0.5).sum() > 64 else matte


def _tone(rng: np.random.Generator, picture: Float32[np.ndarray, "h w 3"], strength: float) -> np.ndarray:
    """Gain per channel, gamma, contrast about the mean, saturation."""
    gain = np.exp(rng.normal(0, 0.25 * strength) + rng.normal(0, 0.07 * strength, 3))
    gamma = np.exp(rng.normal(0, 0.2 * strength))
    toned = (np.clip(picture, 0, 1) ** np.float32(gamma)) * gain.astype(np.float32)
    grey = toned @ LUMA
    keep = 0.0 if rng.random() < 0.08 * strength else np.exp(rng.normal(0, 0.25 * strength))
    toned = grey[..., None] + np.float32(keep) * (toned - grey[..., None])
    contrast = np.float32(np.exp(rng.normal(0, 0.15 * strength)))
    middle = np.float32(grey.mean())
    return np.asarray(middle + contrast * (toned - middle), np.float32)


def _blur(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """A lens out of focus, or a picture that was small and has been enlarged."""
    coded = Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8))
    height, width = picture.shape[:2]
    amount = rng.uniform(0.5, 1) * height / 256
    if rng.random() < 0.5:
        coded = coded.filter(ImageFilter.GaussianBlur(float(2.2 * amount)))
    else:
        small = (int(width / (1 + 2 * amount)), int(height / (1 + 2 * amount)))
        coded = coded.resize(small, Image.Resampling.BILINEAR).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(coded, np.float32) / 255


def _compress(coded: UInt8[np.ndarray, "h w 3"], quality: int) -> UInt8[np.ndarray, "h w 3"]:
    buffer = io.BytesIO()
    Image.fromarray(coded).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _move_edge(rng: np.random.Generator, matte: np.ndarray, side: int) -> np.ndarray:
    """Blur the matte and cut it at another level, unevenly along the outline."""
    width = rng.uniform(0.5, 4) * side / 256
    soft = _gaussian(matte, width)
    level = 0.5 + rng.normal(0, 0.18) + 0.15 * _cloud(rng, matte.shape, 6)
    hardness = rng.uniform(1, 8)
    return np.asarray(np.clip((soft - np.clip(level, 0.08, 0.92)) * hardness + 0.5, 0, 1), np.float32)


def _bite(rng: np.random.Generator, matte: np.ndarray, side: int) -> np.ndarray:
    """A few discs are missing, or are there where nobody is."""
    rows, columns = np.nonzero(matte > 0.5)
    y, x = np.mgrid[: matte.shape[0], : matte.shape[1]]
    bitten = matte.copy()
    for _ in range(int(rng.integers(1, 4)) if len(rows) else 0):
        at, radius = int(rng.integers(len(rows))), rng.uniform(0.01, 0.05) * side
        disc = (y - rows[at]) ** 2 + (x - columns[at]) ** 2 < radius**2
        bitten[disc] = 0
    return bitten


def _cut_off(rng: np.random.Generator, matte: np.ndarray) -> np.ndarray:
    """Half a plane is lost: a person behind a table, or at the edge of the film."""
    rows, columns = np.nonzero(matte > 0.5)
    if not len(rows):
        return matte
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * np.arange(matte.shape[1])[None] + np.sin(angle) * np.arange(matte.shape[0])[:, None]
    limit = np.quantile(along[rows, columns], rng.uniform(0.6, 0.95))
    return np.where(along < limit, matte, 0).astype(np.float32)


def _gaussian(plane: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(ndimage.gaussian_filter(plane, sigma, truncate=2.5))


def _cloud(rng: np.random.Generator, shape: tuple[int, ...], cells: int) -> Float[np.ndarray, "h w"]:
    """A smooth random field of about unit deviation."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells), np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
