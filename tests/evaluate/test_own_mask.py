"""The mask that the program finds itself, in place of the data's."""

import numpy as np
import pytest
from evaluate_scenes import clip_of, sphere_sample

from hd_core.evaluate import own_mask
from hd_core.evaluate.own_mask import OwnMask
from hd_core.person.locate import NetworkLocator, locate_in_mask
from hd_core.person.matte import Matter


class Locator(NetworkLocator):
    """Sees somebody in every second picture."""

    made = 0

    def __init__(self):
        Locator.made += 1

    def locate(self, frame):
        mask = np.zeros(frame.rgb.shape[:2])
        mask[10:40, 20:30] = frame.index % 2
        return locate_in_mask(frame.index, frame.time_seconds, mask)


class NoMatter(Matter):
    def __init__(self):
        pass

    def alpha(self, rgb, *, crop=None, box=None):
        assert crop.camera.shape == rgb.shape[:2]
        alpha = np.zeros(rgb.shape[:2], np.float32)
        alpha[int(box.top) : int(box.top + box.height), int(box.left) : int(box.left + box.width)] = 0.9
        return alpha


@pytest.fixture
def networks(monkeypatch):
    monkeypatch.setattr(own_mask, "NetworkLocator", Locator)
    monkeypatch.setattr(own_mask, "Matter", NoMatter)


def test_the_found_matte_replaces_the_given_one_and_the_truth_stays(networks):
    samples = [sphere_sample(frame_index=index) for index in range(2)]
    before = Locator.made
    clip = OwnMask().applied_to(clip_of(*samples))
    assert Locator.made == before + 1
    nobody, somebody = clip.samples
    assert not nobody.view.alpha.any()
    expected = np.zeros((72, 96), np.float32)
    expected[10:40, 20:30] = 0.9
    assert np.array_equal(somebody.view.alpha, expected)
    assert somebody.truth is samples[1].truth and somebody.view.rgb is samples[1].view.rgb
