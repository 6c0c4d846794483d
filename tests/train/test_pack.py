"""Packed clips: the same numbers as in the shard, a frame at a time."""

import os

import numpy as np
import pytest
from train_scenes import write_ball

from hd_core.errors import InputError, OutputError
from hd_core.synth.shards import read_clip
from hd_core.train.pack import NAMES, REACH_PX, packed_path, read_frame


def test_a_packed_frame_is_the_shards_cut_to_the_person(tmp_path):
    shard = write_ball(tmp_path, 0, frames=3)
    arrays, header = read_clip(shard)
    frame = read_frame(shard, tmp_path / "packed", 2)
    height, width = frame.arrays["alpha"].shape
    rows, columns = slice(frame.top, frame.top + height), slice(frame.left, frame.left + width)
    for name in NAMES:
        assert np.array_equal(frame.arrays[name], arrays[name][2, rows, columns])
    seen = arrays["alpha"].max(axis=0) > 0
    assert seen[rows, columns].sum() == seen.sum()
    assert frame.top == max(np.flatnonzero(seen.any(axis=1))[0] - REACH_PX, 0)
    assert height < 96 and frame.header == header


def test_frames_are_counted_around(tmp_path):
    shard = write_ball(tmp_path, 0, frames=2)
    first, third = (read_frame(shard, tmp_path / "packed", number).arrays["rgb"] for number in (0, 2))
    assert np.array_equal(first, third)


def test_a_shard_that_was_replaced_is_packed_anew(tmp_path):
    shard = write_ball(tmp_path, 0)
    before = read_frame(shard, tmp_path / "packed", 0)
    write_ball(tmp_path, 1).replace(shard)
    os.utime(shard, ns=(1, 1))
    assert not np.array_equal(read_frame(shard, tmp_path / "packed", 0).arrays["rgb"], before.arrays["rgb"])


def test_a_damaged_packed_clip_is_packed_anew(tmp_path):
    shard = write_ball(tmp_path, 0)
    before = read_frame(shard, tmp_path / "packed", 0)
    packed = packed_path(shard, tmp_path / "packed")
    packed.write_bytes(packed.read_bytes()[:100])
    assert np.array_equal(read_frame(shard, tmp_path / "packed", 0).arrays["depth"], before.arrays["depth"])


def test_a_damaged_shard_is_refused(tmp_path):
    shard = write_ball(tmp_path, 0)
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"000000\.npz is missing or damaged"):
        read_frame(shard, tmp_path / "packed", 0)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    shard = write_ball(tmp_path, 0)
    (tmp_path / "packed").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match="Cannot keep"):
        read_frame(shard, tmp_path / "packed", 0)
