"""Cost of a synthetic frame and how it grows with resolution. Run: python benchmarks/synth.py [--clips N].

CPU seconds of this process, one thread, compile time excluded by a first clip that is not counted.
"""

import argparse
import time

from hd_core.synth.clip import make_clip
from hd_core.synth.generate import RejectedClipError
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import Recipe


def main() -> None:
    """Print frames per second and the rate of rejected draws for every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    wanted = parser.parse_args()
    for size in wanted.sizes:
        options = DatasetOptions(frames=wanted.frames, size=size, seed=77)
        draw(options, 0)
        began, rejected = time.process_time(), 0
        for clip in range(1, wanted.clips + 1):
            rejected += not draw(options, clip)
        seconds = time.process_time() - began
        made = wanted.clips - rejected
        rate = made * wanted.frames / seconds
        print(f"{size:>5} px  {rate:6.2f} frames/s on one core, {rejected} of {wanted.clips} rejected")


def draw(options: DatasetOptions, clip: int) -> bool:
    """Make a clip; whether it was sound."""
    try:
        make_clip(Recipe(split="train", seed=options.seed, clip=clip), options)
    except RejectedClipError:
        return False
    return True


if __name__ == "__main__":
    main()
