"""Real clips of the shared data folder, against what other programs say of them."""

import hashlib
from fractions import Fraction

import av
import numpy as np
import pytest
from video_clips import shared_data

from hd_core.video.read import open_clip, read_frames
from hd_core.video.source import digest_source

CLIPS = [
    ("dance.mp4", 217, 2276, 1280, 25),
    ("squats.mp4", 65, 720, 1280, 5),
    ("pose1.mp4", 120, 576, 576, 30),
]


@pytest.mark.parametrize(("name", "num_frames", "width", "height", "fps"), CLIPS)
def test_counts_sizes_and_rates_are_those_on_record(name, num_frames, width, height, fps):
    path = shared_data() / "videos" / name
    clip = open_clip(path)
    assert (clip.num_frames, clip.width, clip.height, clip.fps) == (num_frames, width, height, Fraction(fps))
    assert (clip.rotation, clip.has_alpha, clip.variable_rate) == (0, False, False)
    assert digest_source(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("name", "num_frames"), [(name, num_frames) for name, num_frames, *_ in CLIPS])
def test_late_frames_look_most_like_those_of_a_plain_decode_at_the_same_place(name, num_frames):
    path = shared_data() / "videos" / name
    wanted = range(num_frames - 7, num_frames - 3)
    plain, times = {}, {}
    with av.open(str(path)) as container:
        for position, picture in enumerate(container.decode(video=0)):
            times[position] = float(picture.pts * picture.time_base)
            if wanted.start - 2 <= position < wanted.stop + 2:
                plain[position] = picture.to_ndarray(format="rgb24")[::4, ::4].astype(int)
    assert len(times) == num_frames
    for frame in read_frames(open_clip(path), wanted):
        apart = {at: np.abs(frame.rgb[::4, ::4] - other).mean() for at, other in plain.items()}
        assert min(apart, key=apart.get) == frame.index
        assert frame.time_seconds == pytest.approx(times[frame.index], abs=1e-9)


def test_late_frames_are_the_same_bytes_as_without_a_seek():
    clip = open_clip(shared_data() / "videos" / "pose1.mp4")
    direct = [frame.rgb for frame in read_frames(clip, range(100, 104))]
    passing = [frame.rgb for frame in read_frames(clip, range(104)) if frame.index >= 100]
    np.testing.assert_array_equal(direct, passing)
    assert not np.array_equal(direct[0], direct[1])
