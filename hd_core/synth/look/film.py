"""One clip as one camera takes it: an exposure that follows the light, frame by frame, and one file in the end."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

from hd_core.synth.look.codec import through_codec
from hd_core.synth.look.lens import Lens, metered_stops, photograph

Bytes = UInt8[np.ndarray, "h w 3"]


class Film:
    """Takes a clip's frames in their order.

    Args:
        lens: The camera.
        rng: Source of the noise.
    """

    def __init__(self, lens: Lens, rng: np.random.Generator) -> None:
        self.lens = lens
        self._rng = rng
        self._stops: float | None = None

    def expose(self, linear: Float[np.ndarray, "h w 3"], subject: Bool[np.ndarray, "h w"]) -> Bytes:
        """Take the next frame.

        Args:
            linear: Radiance.
            subject: The pixels that are metered first of all.
        """
        light = linear.astype(np.float32)
        wanted = metered_stops(light, subject, on_subject=self.lens.on_subject)
        if self._stops is None:
            self._stops = wanted
        self._stops += self.lens.pace * (wanted - self._stops)
        return photograph(light * np.float32(2.0**self._stops), self.lens, self._rng)

    def developed(self, pictures: Sequence[Bytes]) -> Sequence[Bytes]:
        """All frames as they come out of the file."""
        return pictures if self.lens.codec is None else through_codec(pictures, self.lens.codec)
