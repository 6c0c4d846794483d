"""How much `hd-core adapt` gains on clips with a truth that it is not told.

    python benchmarks/adapt.py DATA FOLDER [--every N] [--first N] [--clips N] [--weights FILE]
                               [--find-body | --no-body] [--most-frames N]

DATA is a data folder of hd-core synth, of which the last folder "test..." is taken, or a folder of its clips. Every
N-th clip from the first is adapted to in FOLDER/CLIP, where an unfinished adaptation is gone on with; then the weights
before and after are measured on all frames of the clip, as `hd-core evaluate hdnet` does. Prints, clip by clip, the
mean angular error of the normals and the depth's error after scale and shift, before and after; the teacher's own error
on the frames that were taught; and minutes. The last line is the mean over clips. The map of the body that a clip
brings has the faults of found ones, and is not shown to the weights that are measured. --find-body takes the maps of
our own correspondence network instead, as for a video; --no-body teaches by turned and mirrored pictures alone;
--most-frames is the command's own.
"""

import argparse
import statistics
import zipfile
from pathlib import Path

import numpy as np

from hd_core.body.iuv import BodyFinder
from hd_core.evaluate import suite
from hd_core.evaluate.dataset import open_dataset
from hd_core.evaluate.frame import angles_deg
from hd_core.evaluate.options import EvaluateOptions
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.progress import Silent
from hd_core.synth.shards import load_clip
from hd_core.train.adapting.clip import clip_of_shard, spread_evenly
from hd_core.train.adapting.found import with_found_bodies
from hd_core.train.adapting.options import AdaptOptions, AdaptSitting
from hd_core.train.adapting.run import WEIGHTS, AdaptJob, adapt
from hd_core.train.adapting.teacher import read_normals

SCORES = ("normal_mean_deg", "depth_affine_mae_mm")
COLUMNS = ("normals", "after", "%", "teacher", "depth mm", "after", "%", "minutes")


def clips_of(data: Path) -> list[Path]:
    """The clips of a data folder's test, or of a folder of clips."""
    for folder in (data, *sorted(data.glob("test*"), reverse=True)):
        found = sorted(path for path in folder.glob("[0-9]*.npz") if zipfile.is_zipfile(path))
        if found:
            return found
    raise SystemExit(f"{data} holds no clips of hd-core synth.")


def measured(clip: Path, weights: Path | None) -> list[float]:
    """Scores of some weights on all frames of a clip."""
    options = EvaluateOptions(surface_every=0)
    predictor = load_predictor("hdnet", PredictorOptions(weights=weights, threads=1))
    found = suite.evaluate(open_dataset(clip, options), {"hdnet": predictor}, options, Silent())
    scores = found.report["predictors"]["hdnet"]["scores"]
    return [float(scores[name]) for name in SCORES]


def teacher_error(clip: Path, folder: Path, most: int) -> float:
    """Mean angle of what was taught to the truth, degrees."""
    true = load_clip(clip, ("normal",))[0]["normal"]
    angles = []
    for number, frame in enumerate(spread_evenly(len(true), most)):
        taught = read_normals(folder / "lessons" / f"{number:06d}.npz")
        both = taught.any(axis=-1) & true[frame].any(axis=-1)
        angles.append(angles_deg(taught[both], true[frame][both]))
    return float(np.concatenate(angles).mean())


def one_clip(
    clip: Path, folder: Path, weights: Path | None, options: AdaptOptions, finder: BodyFinder | None
) -> list[float]:
    """A row of the table."""
    seen = clip_of_shard(clip, most=options.most_frames)
    job = AdaptJob(
        clip=with_found_bodies(seen, finder, Silent()) if finder else seen,
        folder=folder,
        options=options,
        sitting=AdaptSitting(device="cpu", threads=1),
        weights=weights,
        command="python benchmarks/adapt.py",
    )
    report = adapt(job, Silent())
    before, after = measured(clip, weights), measured(clip, folder / WEIGHTS)
    change = [100 * (new / old - 1) for old, new in zip(before, after, strict=True)]
    taught = teacher_error(clip, folder, options.most_frames)
    return [before[0], after[0], change[0], taught, before[1], after[1], change[1], report["minutes"]]


def main() -> None:
    """Adapt, measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("data", type=Path)
    words.add_argument("folder", type=Path)
    words.add_argument("--every", type=int, default=10)
    words.add_argument("--first", type=int, default=0)
    words.add_argument("--clips", type=int, default=0)
    words.add_argument("--weights", type=Path)
    words.add_argument("--most-frames", type=int, default=AdaptOptions().most_frames)
    words.add_argument("--find-body", action="store_true", help="take the maps of the correspondence network")
    words.add_argument("--no-body", action="store_true", help="teach by placings alone")
    given = words.parse_args()
    clips = clips_of(given.data)[given.first :: given.every]
    rows = []
    finder = BodyFinder.load(threads=1) if given.find_body else None
    print(f"{'clip':12}" + "".join(f"{name:>10}" for name in COLUMNS))
    for clip in clips[: given.clips or None]:
        options = AdaptOptions(most_frames=given.most_frames, body=not given.no_body)
        rows.append(one_clip(clip, given.folder / clip.stem, given.weights, options, finder))
        print(f"{clip.stem:12}" + "".join(f"{value:10.2f}" for value in rows[-1]), flush=True)
    means = [statistics.fmean(column) for column in zip(*rows, strict=True)]
    means[2], means[6] = 100 * (means[1] / means[0] - 1), 100 * (means[5] / means[4] - 1)
    print(f"{'mean':12}" + "".join(f"{value:10.2f}" for value in means))


if __name__ == "__main__":
    main()
