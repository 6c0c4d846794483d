"""Maps of the body for a clip that has none: what the correspondence network finds in its views."""

import itertools
from dataclasses import replace

import numpy as np

from hd_core.body.iuv import BodyFinder
from hd_core.body.steady import SteadyFinder
from hd_core.progress import Progress, check_cancelled
from hd_core.train.adapting.clip import AdaptClip
from hd_core.types import BodyMaps, View

LEAST_CONFIDENCE = 0.3
"""Pixels that the network is less sure of show no body: a fit is better off with fewer and better points."""


def with_found_bodies(clip: AdaptClip, finder: BodyFinder, progress: Progress) -> AdaptClip:
    """The clip with the body under the clothes as the network finds it, in place of any maps it has.

    Frames that follow each other are asked about together.

    Raises:
        CancelledError: The user asked to stop.
    """
    follows = [False, *(b.frame_index - a.frame_index == 1 for a, b in itertools.pairwise(clip.views))]
    steady = SteadyFinder(finder, clip.views.__getitem__, follows)
    views: list[View] = []
    for done, view in enumerate(clip.views):
        check_cancelled(progress)
        progress.step("body", done, len(clip.views))
        body = steady.find(done).body
        sure = (body.confidence >= LEAST_CONFIDENCE)[..., None]
        views.append(replace(view, body=BodyMaps(iuv=np.where(sure, body.iuv, np.uint8(0)))))
    progress.step("body", len(clip.views), len(clip.views))
    return AdaptClip(name=clip.name, views=views, charts="anny24")
