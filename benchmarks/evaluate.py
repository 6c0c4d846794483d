"""What an evaluation costs beside the predictors, and what the integrator makes of maps that are true.

    python benchmarks/evaluate.py DATA [CLIPS]

Prints milliseconds of one core for a frame (without predictors, reading and integration), for reading one, and for
integrating one; then the scores of the truth itself: what is left is the integrator's own.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from hd_core.evaluate import suite
from hd_core.evaluate.dataset import open_dataset
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.samples import TruthClip
from hd_core.predict.protocol import PredictorOptions
from hd_core.progress import Silent
from hd_core.types import Gauge, SurfaceMaps, View


class Truth:
    """Knows the truth of the clips it is shown."""

    name, gauge, licence = "truth", Gauge.METRIC, "none"

    def __init__(self, clips: list[TruthClip]) -> None:
        self._known = {id(sample.view): sample.truth for clip in clips for sample in clip.samples}

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "Truth":
        """For no options."""
        raise NotImplementedError

    def predict(self, view: View) -> SurfaceMaps:
        """Look it up."""
        return self._known[id(view)]

    def describe(self) -> dict[str, str]:
        """What it is."""
        return {"predictor": self.name}


class Held(list[TruthClip]):
    """Clips in memory."""

    def describe(self) -> dict[str, str]:
        """What they are."""
        return {"kind": "in memory"}


def cpu_ms(work: Callable[[], object], frames: int) -> float:
    """Milliseconds of this process's time per frame."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began) / frames


def main() -> None:
    """Measure and print."""
    options = EvaluateOptions(clips=int(sys.argv[2]) if len(sys.argv) > 2 else 12, surface_every=0)
    dataset = open_dataset(Path(sys.argv[1]), options)
    clips = Held()
    read = cpu_ms(lambda: clips.extend(dataset[i] for i in range(len(dataset))), 1)
    frames = sum(len(clip.samples) for clip in clips)
    truth = {"truth": Truth(clips)}
    suite.evaluate(Held(clips[:1]), truth, options, Silent())  # compiles
    alone = cpu_ms(lambda: suite.evaluate(clips, truth, options, Silent()), frames)
    with_surfaces = EvaluateOptions(surface_every=4)
    found: list[suite.Evaluation] = []
    surfaces = cpu_ms(lambda: found.append(suite.evaluate(clips, truth, with_surfaces, Silent())), frames)
    print(f"{frames} frames of {len(clips)} clips")
    print(f"measuring a frame    {alone:6.1f} ms")
    print(f"reading a frame      {read / frames:6.1f} ms")
    print(f"integrating a frame  {4 * (surfaces - alone):6.1f} ms")
    for name, value in found[0].report["predictors"]["truth"]["scores"].items():
        if name.startswith(("surface", "normal_mean", "time_")):
            print(f"truth: {name:34} {value:8.3f}")


if __name__ == "__main__":
    main()
