"""Peak memory of the main job against the length of the clip. Run: python benchmarks/memory.py.

Each length runs in a process of its own on a rendered clip; the figure is that process's peak resident size.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main() -> None:
    """Print a row per length and the growth between the first and the last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[100, 2000])
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args()
    peaks = [peak_mb(length, options.size) for length in options.lengths]
    for length, peak in zip(options.lengths, peaks, strict=True):
        print(f"{length:>6} frames  {peak:8.1f} MB peak")
    print(f"growth {peaks[-1] / peaks[0] - 1:+.1%}")


def peak_mb(length: int, size: int) -> float:
    """Peak resident size of the main job on a clip of `length` frames, MB."""
    from pipeline_clips import words, write_clip  # noqa: PLC0415 - lies with the tests

    with tempfile.TemporaryDirectory() as folder:
        clip = write_clip(Path(folder) / "clip", num_frames=length, size=size)
        more = ("--formats", "usdc", "abc", "npz", "--passes", "--progress", "none")
        arguments = words(clip, Path(folder) / "run", *more, size=size)
        watch = (
            "import resource, subprocess, sys;"
            "subprocess.run([sys.executable, '-m', 'hd_core.cli.main', *sys.argv[1:]], check=True,"
            " stdout=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        found = subprocess.run([sys.executable, "-c", watch, *arguments], check=True, capture_output=True, text=True)
        unit = 1 if sys.platform == "darwin" else 1024
        return int(found.stdout.split()[-1]) * unit / 1e6


if __name__ == "__main__":
    main()
