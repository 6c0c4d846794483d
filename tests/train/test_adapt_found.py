"""Maps of the body for a clip that brings none."""

import numpy as np
import pytest
from adapt_scenes import ball_clip

from hd_core.body.decode import Decoded, FoundBodies
from hd_core.body.iuv import BodyFinder
from hd_core.errors import CancelledError
from hd_core.progress import Silent
from hd_core.train.adapting.clip import clip_of_shard
from hd_core.train.adapting.found import LEAST_CONFIDENCE, with_found_bodies


class Finder(BodyFinder):
    """Finds part 2 everywhere; is sure of the left half of a view alone."""

    def __init__(self):
        self.asked = []

    def look(self, view):
        return None

    def find_bodies(self, view):
        self.asked.append(view.frame_index)
        iuv = np.full((*view.alpha.shape, 3), 2, np.uint8)
        confidence = np.full(view.alpha.shape, LEAST_CONFIDENCE / 2, np.float32)
        confidence[:, : confidence.shape[1] // 2] = LEAST_CONFIDENCE
        nothing = Decoded(iuv=np.zeros_like(iuv), confidence=np.zeros_like(confidence))
        return FoundBodies(nothing, Decoded(iuv=iuv, confidence=confidence))


class Told(Silent):
    def __init__(self, *, stop=False):
        self.steps, self._stop = [], stop

    def step(self, stage, done, total):
        self.steps.append((stage, done, total))

    def cancelled(self):
        return self._stop


def test_every_view_gets_the_body_under_the_clothes_where_the_network_is_sure(tmp_path):
    clip = clip_of_shard(ball_clip(tmp_path), most=3)
    finder, told = Finder(), Told()
    found = with_found_bodies(clip, finder, told)
    assert finder.asked == [0, 1, 2]
    assert told.steps == [("body", done, 3) for done in range(4)]
    for view, before in zip(found.views, clip.views, strict=True):
        half = view.alpha.shape[1] // 2
        assert (view.body.iuv[:, :half] == 2).all() and not view.body.iuv[:, half:].any()
        assert np.array_equal(view.rgb, before.rgb) and view.frame_index == before.frame_index
    assert found.charts == "anny24" and found.name == clip.name and found.has_maps


def test_finding_stops_when_asked_to(tmp_path):
    finder = Finder()
    with pytest.raises(CancelledError):
        with_found_bodies(clip_of_shard(ball_clip(tmp_path), most=3), finder, Told(stop=True))
    assert not finder.asked
