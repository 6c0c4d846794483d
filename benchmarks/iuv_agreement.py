"""Is agreement a good filter for pseudo-labels? What is kept of found maps, and how right it is, on clips with truth.

    python benchmarks/iuv_agreement.py DATA [--weights FILE] [--clips 16] [--frames 4]

DATA holds clips of `hd-core synth`. The labels are what the network says of picture and mirror image together. Kept are
pixels that agree in the mirror, over time, or both; beside them as many of the network's highest confidence.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from hd_core.body.iuv import BodyFinder
from hd_core.evaluate.correspondence_clips import CorrespondenceClip, read_correspondence
from hd_core.evaluate.correspondence_options import TARGETS, Target
from hd_core.evaluate.dataset import find_archives, spread_evenly
from hd_core.train.iuv_agreement import agreement, found_again, mirrored_map, mirrored_view, same_points
from hd_core.train.iuv_samples import template_points
from hd_core.train.iuv_validate import area_under_curve

Columns = dict[str, list[np.ndarray]]


def main() -> None:
    """Measure, and print a table for each surface."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--frames", type=int, default=4, help="of every clip, from the first")
    words = parser.parse_args()
    straight, both = (BodyFinder.load(words.weights, mirrored=mirrored) for mirrored in (False, True))
    paths = find_archives(words.data)
    tables: dict[Target, Columns] = {target: defaultdict(list) for target in TARGETS}
    for pick in spread_evenly(len(paths), words.clips):
        clip = read_correspondence(paths[pick])
        measure_clip(clip, min(words.frames, len(clip.views)), straight, both, tables)
    for target, columns in tables.items():
        print_table(target, {name: np.concatenate(values) for name, values in columns.items()})


def measure_clip(
    clip: CorrespondenceClip, frames: int, straight: BodyFinder, both: BodyFinder, tables: dict[Target, Columns]
) -> None:
    """Add the pixels of a clip to the tables."""
    views = clip.views[:frames]
    plain, mirrored = ([straight.find_bodies(turn(view)) for view in views] for turn in (lambda v: v, mirrored_view))
    labels = [both.find_bodies(view) for view in views]
    for target, table in tables.items():
        own = [getattr(found, target).iuv for found in plain]
        other = [mirrored_map(getattr(found, target).iuv) for found in mirrored]
        kept = agreement(own, other)
        for index in range(frames):
            label, true = getattr(labels[index], target), clip.iuv[target][index]
            on = (label.iuv[..., 0] > 0) & (own[index][..., 0] > 0)
            beside = [i for i in (index - 1, index + 1) if 0 <= i < frames]
            steady = np.all([found_again(own[index], own[i]) for i in beside], axis=0) if beside else on
            points = template_points(np.stack([label.iuv, true]))
            away = np.linalg.norm(points[0] - points[1], axis=0)
            away = np.where(true[..., 0] > 0, away, np.inf)
            values = {
                "right": label.iuv[..., 0] == true[..., 0],
                "away": away,
                "confidence": label.confidence,
                "mirror": same_points(own[index], other[index]),
                "time": steady,
                "both": kept[index],
            }
            for name, value in values.items():
                table[name].append(value[on])


def print_table(target: str, found: dict[str, np.ndarray]) -> None:
    """Shares of the pixels found, and how right they are."""
    sys.stdout.write(f"\n|{target}: kept|share %|right part %|straight AUC10|AUC30|median cm|off by over 30 cm, %|\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    order = np.argsort(-found["confidence"], kind="stable")
    for name in ("all", "mirror", "time", "both"):
        kept = np.ones(len(order), bool) if name == "all" else found[name]
        print_row(name, found, kept)
        if name != "all":
            surest = np.zeros(len(order), bool)
            surest[order[: int(kept.sum())]] = True
            print_row(f"as many as {name}, by confidence", found, surest)


def print_row(name: str, found: dict[str, np.ndarray], kept: np.ndarray) -> None:
    """One filter."""
    away, right = found["away"][kept], 100 * found["right"][kept].mean()
    aucs = " | ".join(f"{area_under_curve(away, limit):.3f}" for limit in (0.1, 0.3))
    far = 100 * (away > 0.3).mean()
    sys.stdout.write(
        f"|{name}|{100 * kept.mean():.1f}|{right:.1f}|{aucs}|{100 * np.median(away):.1f}|{far:.1f}|\n".replace(
            " | ", "|"
        )
    )


if __name__ == "__main__":
    main()
