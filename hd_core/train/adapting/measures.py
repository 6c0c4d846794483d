"""What an adaptation can know of its own success, without a truth: angles between answers that should be the same."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from hd_core.evaluate.frame import angles_deg
from hd_core.predict.network import HdNet
from hd_core.train.adapting.between import frames_apart
from hd_core.train.adapting.clip import AdaptClip, spread_evenly
from hd_core.train.adapting.looks import checking_placing, look, straight
from hd_core.train.adapting.teacher import read_normals

FRAMES = 6
"""Measured at most."""


def measure(network: HdNet, clip: AdaptClip, lessons: Sequence[Path]) -> dict[str, float | None]:
    """Mean angles, degrees.

    Args:
        network: On its device; sees pictures alone.
        clip: Its views.
        lessons: What the teacher says of each.

    Returns:
        `teacher_deg`: to the teacher. `placings_deg`: to its own answer under a placing that was not taught.
        `frames_deg`: between neighbouring ones of the frames, carried over by their maps; None without maps.
    """
    chosen = spread_evenly(len(clip.views), FRAMES)
    views = [replace(clip.views[number], body=None) for number in chosen]
    plain = [look(network, view, straight(clip.size)) for view in views]
    turned = [look(network, view, checking_placing(clip.size)) for view in views]
    taught = [read_normals(lessons[number]) for number in chosen]
    return {
        "teacher_deg": _apart([(one.normal, other, one.seen) for one, other in zip(plain, taught, strict=True)]),
        "placings_deg": _apart(
            [(one.normal, other.normal, one.seen & other.seen) for one, other in zip(plain, turned, strict=True)]
        ),
        "frames_deg": frames_apart([clip.views[number] for number in chosen], plain, np.random.default_rng(0)),
    }


def _apart(
    frames: Sequence[tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]],
) -> float:
    """Mean over all pixels of all frames where both have a normal."""
    angles = [angles_deg(a[seen & b.any(axis=-1)], b[seen & b.any(axis=-1)]) for a, b, seen in frames]
    return float(np.concatenate(angles).mean())
