"""Data sets: the same bytes whoever makes them, whole or absent, split cleanly, and picky about broken clips."""

import hashlib
import json

import numpy as np
import pytest

from hd_core.errors import CancelledError, InputError, UsageError
from hd_core.progress import Silent
from hd_core.synth.generate import RejectedClipError, clip_path, generate
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import SPLITS, Part, Recipe
from hd_core.synth.shards import is_complete, read_clip, write_clip

OPTIONS = DatasetOptions(frames=2, size=32, seed=5)


def draw(recipe, options):
    """A clip of noise: all that matters here is that it hangs on the recipe alone."""
    noise = recipe.rng(Part.MOTION).integers(0, 256, (options.frames, options.size, options.size), np.uint8)
    return {"rgb": noise}, {"kind": "noise"}


def draw_that_breaks_every_third_clip_once(recipe, options):
    if recipe.clip % 3 == 0 and recipe.attempt == 0:
        raise RejectedClipError("the cloth exploded")
    return draw(recipe, options)


def draw_that_never_works(recipe, options):
    raise RejectedClipError("the cloth exploded")


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.npz"))}


def test_a_clip_comes_back_bit_for_bit_with_its_header(tmp_path):
    arrays = {"a": np.arange(12, dtype=np.float16).reshape(3, 4), "b": np.array([True, False])}
    write_clip(tmp_path / "c.npz", arrays, {"x": 1})
    back, header = read_clip(tmp_path / "c.npz")
    assert header == {"x": 1}
    for name, value in arrays.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].dtype == value.dtype
    assert np.load(tmp_path / "c.npz")["a"].shape == (3, 4)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_clip_is_not_complete_and_reading_it_is_one_line(tmp_path, damage):
    path = tmp_path / "c.npz"
    write_clip(path, {"a": np.arange(1000)}, {"recipe": {"clip": 1}})
    assert is_complete(path, {"clip": 1})
    assert not is_complete(path, {"clip": 2})
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 255
    path.write_bytes(b"" if damage == "empty" else bytes(data) if damage == "flip" else bytes(data[:-30]))
    assert not is_complete(path, {"clip": 1})
    with pytest.raises(InputError, match="missing or damaged"):
        read_clip(path)


def test_every_part_of_every_clip_of_every_split_has_draws_of_its_own():
    draws = {
        (split, clip, part): tuple(Recipe(split=split, seed=1, clip=clip).rng(part).integers(0, 2**62, 2))
        for split in SPLITS
        for clip in range(20)
        for part in Part
    }
    assert len(set(draws.values())) == len(draws)


def test_a_redrawn_clip_is_another_one_and_the_same_recipe_is_the_same():
    recipe = Recipe(split="val", seed=1, clip=3)
    first = recipe.rng(Part.LIGHT).random(4)
    assert not np.array_equal(recipe.redrawn().rng(Part.LIGHT).random(4), first)
    np.testing.assert_array_equal(Recipe(split="val", seed=1, clip=3).rng(Part.LIGHT).random(4), first)


def test_an_unknown_split_names_the_known_ones():
    with pytest.raises(UsageError, match="Known: train, val, test"):
        Recipe(split="training", seed=0, clip=0)


def test_one_process_and_two_and_a_run_in_pieces_make_the_same_bytes(tmp_path):
    generate(tmp_path / "alone", range(7), OPTIONS, draw, workers=0, progress=Silent())
    generate(tmp_path / "pool", range(7), OPTIONS, draw, workers=2, progress=Silent())
    for piece in (range(4, 7), range(2), range(7)):
        generate(tmp_path / "pieces", piece, OPTIONS, draw, workers=0, progress=Silent())
    assert digests(tmp_path / "alone") == digests(tmp_path / "pool") == digests(tmp_path / "pieces")
    assert len(digests(tmp_path / "alone")) == 7


def test_a_broken_draw_is_drawn_anew_and_counted_and_remembered(tmp_path):
    summary = generate(
        tmp_path, range(6), OPTIONS, draw_that_breaks_every_third_clip_once, workers=0, progress=Silent()
    )
    assert summary.rejection_rate == pytest.approx(2 / 8)
    _, header = read_clip(clip_path(tmp_path, OPTIONS, 3))
    assert header["attempt"] == 1
    assert header["rejections"] == ["clip 3: the cloth exploded"]
    _, sound = read_clip(clip_path(tmp_path, OPTIONS, 1))
    assert (sound["attempt"], sound["rejections"]) == (0, [])


def test_a_clip_that_never_comes_out_ends_the_run_with_its_reason(tmp_path):
    with pytest.raises(InputError, match="Clip 0 was rejected 6 times, last: clip 0: the cloth exploded"):
        generate(tmp_path, range(2), OPTIONS, draw_that_never_works, workers=0, progress=Silent())


def test_what_is_there_is_kept_and_what_is_damaged_is_made_again(tmp_path):
    generate(tmp_path, range(3), OPTIONS, draw, workers=0, progress=Silent())
    expected = digests(tmp_path)
    victim = clip_path(tmp_path, OPTIONS, 1)
    victim.write_bytes(victim.read_bytes()[:-9])
    summary = generate(tmp_path, range(3), OPTIONS, draw, workers=0, progress=Silent())
    assert (summary.written, summary.kept) == (1, 2)
    assert digests(tmp_path) == expected


def test_a_folder_of_other_options_is_refused_by_name_and_another_split_is_welcome(tmp_path):
    generate(tmp_path, range(1), OPTIONS, draw, workers=0, progress=Silent())
    other = DatasetOptions(frames=2, size=64, seed=5)
    with pytest.raises(UsageError, match="size was 32, now 64"):
        generate(tmp_path, range(1), other, draw, workers=0, progress=Silent())
    test = DatasetOptions(frames=2, size=64, seed=5, split="test")
    generate(tmp_path, range(1), test, draw, workers=0, progress=Silent())
    assert json.loads((tmp_path / "test.json").read_text())["size"] == 64


def test_cancelling_keeps_finished_clips_and_leaves_no_half_one(tmp_path):
    class AfterTwo(Silent):
        done = 0

        def step(self, stage, done, total):
            self.done = done

        def cancelled(self):
            return self.done >= 2

    with pytest.raises(CancelledError):
        generate(tmp_path, range(5), OPTIONS, draw, workers=0, progress=AfterTwo())
    assert len(digests(tmp_path)) == 2
    assert not list(tmp_path.rglob(".partial-*"))
