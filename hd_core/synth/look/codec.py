"""What a video file does to pictures: they go through a real encoder and decoder, in memory.

The encoder works on one thread with fixed options, so the same pictures come back the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from jaxtyping import UInt8

from hd_core.errors import InputError

Bytes = UInt8[np.ndarray, "h w 3"]
_ENCODERS = {"h264": "libx264", "hevc": "libx265"}
_PARAMETERS = {"h264": "x264-params", "hevc": "x265-params"}
_SINGLE = {"h264": "threads=1:lookahead-threads=1", "hevc": "pools=none:frame-threads=1:log-level=none"}


@dataclass(frozen=True, kw_only=True)
class Codec:
    """How a video is compressed.

    Args:
        name: Of the format.
        crf: Loss of quality, 0..51: phones stay near 20, what was sent around is 28 and more.
        preset: How hard the encoder tries.
        key_interval: Frames from one that stands for itself to the next.
    """

    name: Literal["h264", "hevc"] = "h264"
    crf: int = 23
    preset: Literal["ultrafast", "veryfast", "medium"] = "veryfast"
    key_interval: int = 30

    def __post_init__(self) -> None:
        if not 0 <= self.crf <= 51 or self.key_interval < 1:
            raise InputError(f"Found a crf of {self.crf} every {self.key_interval}; expected 0..51 and 1 or more.")


def sample_codec(rng: np.random.Generator) -> Codec:
    """Draw a compression: mostly what a phone writes, some sent around once more."""
    crf = int(rng.integers(26, 33) if rng.random() < 0.3 else rng.integers(16, 26))
    return Codec(
        name="hevc" if rng.random() < 0.3 else "h264",
        crf=crf,
        preset="ultrafast" if rng.random() < 0.3 else "veryfast",
        key_interval=int(rng.choice([12, 30, 60])),
    )


def through_codec(pictures: Sequence[Bytes], codec: Codec) -> list[Bytes]:
    """Encode pictures of one size as a video with halved colour resolution and decode it again.

    Raises:
        InputError: No picture, or pictures of different sizes.
    """
    sizes = {picture.shape for picture in pictures}
    if len(sizes) != 1:
        raise InputError(f"Found {len(pictures)} pictures of the sizes {sorted(sizes)}; expected one size.")
    height, width = pictures[0].shape[:2]
    even = [np.pad(p, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") for p in pictures]
    encoder = _encoder(codec, width=even[0].shape[1], height=even[0].shape[0])
    packets = [p for picture in even for p in encoder.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))]
    decoder = av.CodecContext.create(codec.name, "r")
    decoder.thread_count = 1
    frames = [frame for packet in packets + encoder.encode(None) for frame in decoder.decode(packet)]
    frames += decoder.decode(None)
    return [frame.to_ndarray(format="rgb24")[:height, :width] for frame in frames]


def _encoder(codec: Codec, *, width: int, height: int) -> VideoCodecContext:
    encoder = cast(VideoCodecContext, av.CodecContext.create(_ENCODERS[codec.name], "w"))
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.thread_count = Fraction(30), 1
    single = f"{_SINGLE[codec.name]}:keyint={codec.key_interval}"
    encoder.options = {"crf": str(codec.crf), "preset": codec.preset, _PARAMETERS[codec.name]: single}
    return encoder
