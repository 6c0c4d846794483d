"""Clips and weights so small that an adaptation takes a second."""

from pathlib import Path

from train_scenes import write_ball

from hd_core.predict.config import NetworkConfig
from hd_core.predict.network import build_network
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.progress import Silent

TINY = NetworkConfig(widths=(16, 16), encoder_blocks=(1, 1), decoder_blocks=(1,), full_width=16)
SIZE = 32


def tiny_weights(folder: Path, seed: int = 0) -> Path:
    """Weights of a network that knows nothing, with a card."""
    card = WeightsCard(
        network=TINY, licence="CC-BY-4.0", training_data="noise", command="none", known_failures=("Knows nothing.",)
    )
    path = folder / f"tiny{seed}.safetensors"
    save_weights(path, build_network(TINY, seed=seed), card)
    return path


def ball_clip(folder: Path, number: int = 0, *, frames: int = 3) -> Path:
    """A clip of a ball that moves, 32 px."""
    return write_ball(folder, number, frames=frames, size=SIZE)


class Impatient(Silent):
    """Asks to stop after so many steps of learning."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.seen: list[int] = []

    def step(self, stage: str, done: int, total: int) -> None:
        if stage == "learn":
            self._left -= 1
            self.seen.append(done)

    def cancelled(self) -> bool:
        return self._left <= 0
