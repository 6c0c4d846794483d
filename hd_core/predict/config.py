"""The shapes a network comes in, as plain data: what a card stores and what training is told."""

from dataclasses import asdict, dataclass
from typing import Any

from hd_core.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The shape of a network.

    Args:
        widths: Channels per level; the first is at half the input's resolution, each halves the one before.
        encoder_blocks: Residual blocks per level on the way down.
        decoder_blocks: Residual blocks per level on the way up; the coarsest level has none.
        full_width: Channels at full resolution.
        group_size: Channels that share normalisation statistics; divides every width.
        trunk: Whether a MobileNetV2 looks at the picture, too (`trunk`); it needs five levels.

    Raises:
        WeightsError: The counts disagree.
    """

    widths: tuple[int, ...]
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    full_width: int
    group_size: int = 16
    trunk: bool = False

    def __post_init__(self) -> None:
        levels = len(self.widths)
        if levels < 2 or len(self.encoder_blocks) != levels or len(self.decoder_blocks) != levels - 1:
            raise WeightsError(f"Found {self}; expected a count of blocks for each of two or more levels.")
        if self.group_size < 1 or any(width % self.group_size for width in (*self.widths, self.full_width)):
            raise WeightsError(f"Found {self}; expected widths that are multiples of the group size.")
        if self.trunk and levels != 5:
            raise WeightsError(f"Found {self}; expected five levels, because the trunk has five.")

    @property
    def multiple(self) -> int:
        """Heights and widths of the input are multiples of this, px."""
        return 1 << len(self.widths)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "NetworkConfig":
        """The inverse of `to_json`.

        Raises:
            WeightsError: These are not the fields of a network.
        """
        try:
            fields: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in data.items()}
            return cls(**fields)
        except TypeError as error:
            raise WeightsError(
                f"No network can be made from {data}.", "The weights may need another hd_core."
            ) from error


CONFIGS = {
    "small": NetworkConfig(
        widths=(32, 64, 128, 192, 256),
        encoder_blocks=(1, 1, 1, 1, 1),
        decoder_blocks=(1, 1, 1, 1),
        full_width=16,
        trunk=True,
    ),
    "large": NetworkConfig(
        widths=(64, 128, 256, 384, 512),
        encoder_blocks=(2, 2, 3, 4, 3),
        decoder_blocks=(2, 2, 2, 2),
        full_width=32,
    ),
}
"""`small` for CPUs (the default), `large` for GPUs."""
