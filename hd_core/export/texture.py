"""Pictures as glTF takes them: PNG or JPEG bytes, eight bits, at most `MAX_SIDE` px a side."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from hd_core.errors import InputError

MAX_SIDE = 2048
"""Longest side of an embedded picture, px: what every viewer and phone loads."""

MIME = {"PNG": "image/png", "JPEG": "image/jpeg"}
JPEG_QUALITY = 92


def embeddable(path: Path) -> tuple[bytes, str]:
    """A picture's bytes and MIME type; the file as it is if it suits, encoded again if not.

    Raises:
        InputError: The file is missing or no picture.
    """
    try:
        data = path.read_bytes()
        with Image.open(BytesIO(data)) as picture:
            picture.load()
            kind = picture.format or ""
            return (data, MIME[kind]) if kind in MIME and _suits(picture) else _encoded(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"The texture {path} is missing or cannot be read.", "Run the mesh stage again; it writes it."
        ) from error


def _suits(picture: Image.Image) -> bool:
    """Whether viewers agree on the file as it is: size, depth, and nothing that turns or recolours it."""
    plain = not picture.info.keys() & {"icc_profile", "exif", "gamma", "transparency"}
    still = getattr(picture, "n_frames", 1) == 1
    return max(picture.size) <= MAX_SIDE and picture.mode in ("L", "RGB", "RGBA") and plain and still


def _encoded(picture: Image.Image) -> tuple[bytes, str]:
    kind = "JPEG" if picture.format == "JPEG" else "PNG"
    copy = picture.convert("RGBA" if kind == "PNG" and picture.has_transparency_data else "RGB")
    copy.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    copy.info.clear()  # or the writer would carry colour profiles over
    buffer = BytesIO()
    copy.save(buffer, kind, quality=JPEG_QUALITY)
    return buffer.getvalue(), MIME[kind]
