"""Small clips whose frames carry their own index as a code of black and white blocks, so identity is exact."""

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

BITS = 10
BLOCK = 16
WIDTH, HEIGHT = BITS * BLOCK, 64


def coded(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture whose upper half spells `index` in blocks, most significant bit first, above a moving ramp."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        rgb[: height // 2, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (index >> (BITS - 1 - bit) & 1)
    rgb[height // 2 :] = ((np.arange(width) + 5 * index) % 200)[None, :, None]
    return rgb


def code_of(rgb: np.ndarray) -> int:
    """The index that a picture spells; its width may have been scaled."""
    block = rgb.shape[1] / BITS
    row = rgb[rgb.shape[0] // 4, :, 1]
    index = 0
    for bit in range(BITS):
        value = int(row[int((bit + 0.5) * block)])
        assert not 90 < value < 165, f"bit {bit} is neither black nor white: {value}"
        index = 2 * index + (value > 127)
    return index


def write_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 25,
    options: dict[str, str] | None = None,
    muxer_options: dict[str, str] | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    setup: Callable[[av.VideoStream], None] | None = None,
) -> Path:
    """Encode RGB or RGBA pictures, or ready `av.VideoFrame`s."""
    with av.open(str(path), "w", options=muxer_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        first = frames[0]
        size = (first.width, first.height) if isinstance(first, av.VideoFrame) else first.shape[1::-1]
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        if time_base is not None:
            stream.codec_context.time_base = time_base
        if setup is not None:
            setup(stream)
        for number, frame in enumerate(frames):
            picture = frame
            if not isinstance(frame, av.VideoFrame):
                picture = av.VideoFrame.from_ndarray(frame, format="rgba" if frame.shape[2] == 4 else "rgb24")
            picture.pts = number if pts is None else pts[number]
            picture.time_base = time_base or 1 / Fraction(rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def remuxed(source: Path, path: Path, **options: str) -> Path:
    """The same packets in another container, or in the same one with other muxer options."""
    with av.open(str(source)) as old, av.open(str(path), "w", options=options) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        for packet in old.demux(stream):
            if packet.dts is not None or packet.size:
                packet.stream = copy
                new.mux(packet)
    return path


def shared_data() -> Path:
    """The folder of real clips beside the repository, or a skip."""
    folder = Path(os.environ.get("HD_SHARED_DATA", Path(__file__).resolve().parents[1] / "../shared/data"))
    if not (folder / "videos").is_dir():
        pytest.skip("no shared data folder: set HD_SHARED_DATA to the one that holds videos/dance.mp4")
    return folder.resolve()
