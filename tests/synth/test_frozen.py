"""Frozen test lists: chosen by a rule, made again exactly, and refused in clear words when that is no longer so."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hd_core import __version__
from hd_core.errors import InputError, UsageError
from hd_core.progress import Silent
from hd_core.synth.census import describe, list_recipes, names_of, plain, write_recipes
from hd_core.synth.clip import make_clip
from hd_core.synth.fingerprint import CELLS, CHANNELS, differences, fingerprint
from hd_core.synth.freeze import FreezeOptions, candidates_of, freeze
from hd_core.synth.frozen import (
    FrozenClip,
    FrozenList,
    FrozenMaker,
    changed_draws,
    list_names,
    list_text,
    read_list,
)
from hd_core.synth.generate import RejectedClipError, clip_path, generate, recipe_of
from hd_core.synth.options import DatasetOptions
from hd_core.synth.quotas import QUOTAS, TAGS, choose, shortages, tags_of
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.shards import is_complete, read_clip

ROOT = Path(__file__).parents[2]
WANTED = FreezeOptions(name="test-t", seed=3, count=4, candidates=7, frames=2, sizes=(256, 512))


def ball(recipe, options):
    """A ball whose place hangs on the recipe: a stand-in for a person, with depth and normals as clips store them."""
    x, y = recipe.rng(Part.CAMERA).uniform(0.3, 0.7, 2)
    grid = (np.arange(options.size) + 0.5) / options.size
    across, down = np.meshgrid((grid - x) / 0.25, (grid - y) / 0.25)
    seen = across**2 + down**2 < 1
    towards = np.sqrt(np.where(seen, 1 - across**2 - down**2, 0))
    normal = np.stack([across, down, -towards], axis=-1) * seen[..., None]
    code = np.where(seen, np.rint(1 + 40000 * (1 - towards)), 0).astype(np.uint16)
    arrays = {
        "depth": np.stack([code] * options.frames),
        "normal": np.stack([np.rint(normal * 32767).astype(np.int16)] * options.frames),
    }
    return arrays, {"depth": {"near_m": 2.0, "step_m": 1e-5}, "normal_step": 1 / 32767}


def ball_that_bursts_twice(recipe, options):
    if recipe.clip in (0, 2):
        raise RejectedClipError("the cloth exploded")
    return ball(recipe, options)


def moved_ball(recipe, options):
    arrays, header = ball(recipe, options)
    return {name: np.roll(value, options.size // 8, axis=2) for name, value in arrays.items()}, header


def ball_of_other_depth(recipe, options):
    arrays, header = ball(recipe, options)
    return arrays, {**header, "depth": {"near_m": 2.1, "step_m": 1e-5}}


def ball_that_bursts(recipe, options):
    raise RejectedClipError("the cloth exploded")


def card(clip, *tags):
    """A description that shows some tags and no other, as far as `tags_of` looks."""
    return {
        "clip": clip,
        "attempt": 0,
        "camera": {"framing": "whole" if "whole" in tags else "upper", "looks": [0, 1, 0]},
        "motion": {"lowest_hips_m": -0.5 if "crouch" in tags else 0.0, "facing": [0, 1 if "back" in tags else -1, 0]},
        "light": {"name": "none" if "unlit" in tags else "sky"},
        "person": {
            "identity": {"gender": 0.9 if "woman" in tags else 0.1, "weight": 0.5},
            "skin": {"melanin": 0.5},
            "hair": {"kind": "black"},
            "worn": ["long hair"] if "long hair" in tags else ["hair", "sneakers"],
            "garbs": [
                {
                    "name": "hoodie" if "hood" in tags else "T-shirt",
                    "pattern": {"kind": "bottom", "leg": 2.0, "hem_m": 0},
                }
            ],
        },
    }


CARDS = [card(k, *(["woman"] if k % 3 == 1 else [])) for k in range(7)]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frozen")
    return folder, freeze(folder, WANTED, CARDS, ball, workers=0, progress=Silent(), quotas={"woman": 1, "man": 1})


def test_a_fingerprint_holds_cover_depth_and_normals_of_a_half_covered_picture():
    depth = np.full((2, 64, 64), np.nan)
    depth[:, :, :36] = 2.0
    normal = np.where(np.isfinite(depth)[..., None], np.array([0.6, 0.0, -0.8], np.float32), np.float32(0))
    frame = np.array(fingerprint(depth, normal)[1]).reshape(len(CHANNELS), CELLS, CELLS)
    row = np.array([1, 1, 1, 1, 0.5, 0, 0, 0])
    for channel, value in zip(frame, (1000, 2000, 600, 0, -800), strict=True):
        np.testing.assert_array_equal(channel, np.tile(value * row, (CELLS, 1)))


def test_a_fingerprint_is_the_same_at_twice_the_size_and_nearly_so_at_a_size_that_eight_does_not_divide():
    at = {size: ball(Recipe(split="test", seed=0, clip=1), DatasetOptions(frames=2, size=size)) for size in (256, 300)}
    print_of = {}
    for size, (arrays, header) in at.items():
        depth = np.where(arrays["depth"] > 0, 2 + (arrays["depth"] - 1.0) * 1e-5, np.nan)
        print_of[size] = fingerprint(depth, (arrays["normal"] * header["normal_step"]).astype(np.float32))
        if size == 256:
            twice = fingerprint(
                *(np.repeat(np.repeat(a, 2, 1), 2, 2) for a in (depth, arrays["normal"] / np.float32(32767)))
            )
            assert max(differences(twice, print_of[256]).values()) <= 0.001
    assert 0 < max(differences(print_of[300], print_of[256]).values()) < 0.05


def test_differences_are_the_largest_over_cells_and_frames_by_channel():
    one = np.zeros((2, len(CHANNELS) * CELLS**2), int)
    other = one.copy()
    other[1, CELLS**2 + 5] = -70
    other[0, CELLS**2 + 6] = 30
    other[0, 3] = 10
    found = differences(one.tolist(), other.tolist())
    assert found == {"cover": 0.01, "depth": 0.07, "normal x": 0, "normal y": 0, "normal z": 0}


def test_tags_are_told_from_what_was_drawn():
    assert tags_of(card(0, "whole", "crouch", "back", "unlit", "woman", "hood", "long hair")) == (
        *("whole", "back", "crouch", "hood", "long hair", "unlit", "woman"),
    )
    assert tags_of(card(0)) == ("upper half", "man")
    assert set(QUOTAS) == set(TAGS)


def test_the_rarest_tag_is_served_first_then_the_lowest_numbers_fill_up():
    cards = [card(k, *(["whole"] if k % 2 else []), *(["hood"] if k in (6, 9) else [])) for k in range(10)]
    taken = choose(cards, count=4, quotas={"whole": 2, "hood": 2})
    assert [drawn["clip"] for drawn in taken] == [0, 1, 6, 9]
    assert shortages(taken, {"whole": 2, "hood": 2}) == {}
    assert shortages(taken, {"whole": 3, "hood": 2, "unlit": 1}) == {"whole": 1, "unlit": 1}


def test_a_quota_never_takes_more_places_than_there_are():
    cards = [card(k, "hood") for k in range(10)]
    assert [drawn["clip"] for drawn in choose(cards, count=3, quotas={"hood": 5, "woman": 2})] == [0, 1, 2]


def test_a_frozen_list_is_made_again_and_its_clips_are_those_of_the_freezing(frozen, tmp_path):
    folder, one = frozen
    assert [entry.clip for entry in one.clips] == sorted(entry.clip for entry in one.clips)
    assert len(one.clips) == 4
    options = one.options(256)
    again = generate(
        tmp_path, [entry.clip for entry in one.clips], options, FrozenMaker(frozen=one, make=ball),
        workers=0, progress=Silent(),
    )  # fmt: skip
    assert again.written == 4
    for entry in one.clips:
        first, second = (clip_path(place, options, entry.clip) for place in (folder, tmp_path))
        assert first.parent.name == "test-t"
        assert first.read_bytes() == second.read_bytes()
        assert is_complete(first, recipe_of(options, entry.clip))
        assert read_clip(first)[1]["tags"] == list(entry.tags)


def test_at_another_size_of_the_list_the_same_clips_pass(frozen, tmp_path):
    one = frozen[1]
    summary = generate(
        tmp_path, [one.clips[0].clip], one.options(512), FrozenMaker(frozen=one, make=ball),
        workers=0, progress=Silent(),
    )  # fmt: skip
    assert summary.written == 1
    with pytest.raises(UsageError, match="256 or 512 px; found --size 128"):
        one.options(128)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (moved_ball, "cover is off by"),
        (ball_of_other_depth, "depth is off by 0.1"),
        (ball_that_bursts, "it is rejected now"),
    ],
)
def test_a_clip_that_came_out_differently_says_that_the_list_can_no_longer_be_made(frozen, make, says):
    one = frozen[1]
    with pytest.raises(InputError, match=f"test-t can no longer be made by this version .*{says}") as error:
        FrozenMaker(frozen=one, make=make)(one.recipe(one.clips[1]), one.options(256))
    assert __version__ in error.value.hint
    assert "freeze a new list" in error.value.hint
    assert not isinstance(error.value, RejectedClipError)


def test_a_rejected_candidate_gives_way_to_the_next_and_its_file_is_not_there(tmp_path):
    one = freeze(tmp_path, WANTED, CARDS, ball_that_bursts_twice, workers=0, progress=Silent(), quotas={"woman": 1})
    numbers = [entry.clip for entry in one.clips]
    assert len(numbers) == 4
    assert not {0, 2} & set(numbers)
    assert sorted(path.stem for path in (tmp_path / "test-t").glob("*.npz")) == [f"{n:06d}" for n in numbers]


def test_a_clip_that_has_to_give_way_to_two_others_is_deleted(tmp_path):
    """Clip 0 shows both a hood and no light; when it is rejected, two clips take its place and that of clip 3."""
    tags = {0: ("hood", "unlit"), 5: ("hood",), 6: ("unlit",)}
    cards = [card(k, *tags.get(k, ())) for k in range(7)]
    one = freeze(
        tmp_path, replace(WANTED, count=3), [c for c in cards if c["clip"] != 2], ball_that_bursts_twice,
        workers=0, progress=Silent(), quotas={"hood": 1, "unlit": 1},
    )  # fmt: skip
    assert [entry.clip for entry in one.clips] == [1, 5, 6]
    assert sorted(path.stem for path in (tmp_path / "test-t").glob("*.npz")) == ["000001", "000005", "000006"]


def test_freezing_needs_an_empty_folder_and_quotas_that_can_be_met(frozen, tmp_path):
    with pytest.raises(UsageError, match="holds test-t already"):
        freeze(frozen[0], WANTED, CARDS, ball, workers=0, progress=Silent())
    with pytest.raises(InputError, match="7 draws give 4 of 4 clips and still lack .* of 'whole'"):
        freeze(tmp_path, WANTED, CARDS, ball, workers=0, progress=Silent(), quotas={"whole": 30})


def test_a_list_comes_back_from_its_file_one_line_a_clip(frozen, tmp_path):
    one = frozen[1]
    text = list_text(one)
    (tmp_path / "test-t.json").write_text(text)
    assert read_list("test-t", tmp_path) == one
    assert sum(line.startswith('{"attempt"') for line in text.splitlines()) == 4
    assert json.loads(text)["rule"]


def test_an_unknown_list_and_a_damaged_one_are_refused(frozen, tmp_path):
    with pytest.raises(UsageError, match="no test list 'test-v9'"):
        read_list("test-v9")
    (tmp_path / "bad.json").write_text(list_text(frozen[1])[:-40])
    with pytest.raises(InputError, match=r"bad\.json is damaged"):
        read_list("bad", tmp_path)
    (tmp_path / "odd.json").write_text('{"clips": [], "name": "odd", "sizes": []}')
    with pytest.raises(InputError, match=r"odd\.json is damaged"):
        read_list("odd", tmp_path)


def test_drawn_things_are_compared_by_name_within_a_thousandth_and_new_ones_are_free():
    known = {"a": 1.0, "b": [{"c": "coat"}, {"c": "hat"}], "n": 3}
    assert changed_draws({**known, "new": 7}, known) == ""
    assert changed_draws({**known, "a": 1.0005}, known) == ""
    assert changed_draws({**known, "a": 1.002}, known) == "a was 1.0, now 1.002"
    assert changed_draws({**known, "b": [{"c": "coat"}, {"c": "cap"}]}, known) == "b.1.c was 'hat', now 'cap'"
    assert changed_draws({**known, "b": [{"c": "coat"}]}, known) == "b.1.c was 'hat' and is gone"


def test_the_same_recipe_is_described_the_same_whatever_the_size_and_another_differently():
    recipe = Recipe(split="val", seed=2, clip=5)
    small, large = (describe(recipe, DatasetOptions(frames=2, size=size, seed=2, split="val")) for size in (32, 512))
    assert small == large
    assert json.loads(json.dumps(small)) == small
    other = describe(replace(recipe, clip=6), DatasetOptions(frames=2, seed=2, split="val"))
    assert changed_draws(other, {key: small[key] for key in ("person", "motion", "camera", "light")})


def test_a_clips_header_says_what_its_description_says():
    """The description is drawn without rendering; the header is written by whoever rendered."""
    options = DatasetOptions(frames=2, size=64, seed=2)
    for clip in range(8):
        try:
            _, header = make_clip(Recipe(split="train", seed=2, clip=clip), options)
        except RejectedClipError:
            continue
        drawn = describe(Recipe(split="train", seed=2, clip=clip), options)
        names = names_of(drawn)
        assert header["garments"] == names["garments"]
        assert header["prints"] == names["prints"]
        assert header["motion"] == names["motion"]
        assert [header["framing"]] == names["framing"]
        assert [header["light"]] == names["light"]
        assert header["stature_m"] == pytest.approx(drawn["person"]["stature_m"], rel=1e-5)
        return
    pytest.fail("eight clips in a row were rejected")


def test_plain_keeps_names_and_numbers_and_leaves_meshes_and_functions_out():
    value = FrozenClip(clip=1, attempt=0, tags=("a",), drawn={"f": len, "m": np.zeros(99)}, fingerprint=[])
    assert plain(value) == {"clip": 1, "attempt": 0, "tags": ["a"]}
    assert plain({"p": Part.LIGHT, "x": np.float32(1 / 3), "b": np.True_, "v": np.array([1, 2])}) == {
        "p": "light",
        "x": 0.333333,
        "b": True,
        "v": [1, 2],
    }


def test_candidates_are_the_first_clips_of_the_test_split():
    drawn = candidates_of(replace(WANTED, candidates=2), workers=0)
    assert [(one["split"], one["clip"], one["attempt"]) for one in drawn] == [("test", 0, 0), ("test", 1, 0)]


def test_recipes_are_the_same_from_two_processes_and_are_counted(tmp_path):
    options = DatasetOptions(frames=2, seed=9)
    alone = list(list_recipes(range(3), options, workers=0))
    counts = write_recipes(tmp_path / "r.jsonl", range(3), options, workers=2, progress=Silent())
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()] == alone
    assert sum(counts["framing"].values()) == 3
    assert sum(counts["garments"].values()) == sum(len(drawn["person"]["garbs"]) for drawn in alone)


def test_the_tool_refuses_to_overwrite_a_list(frozen, tmp_path):
    (tmp_path / "test-t.json").write_text(list_text(frozen[1]))
    words = ["freeze", "--name", "test-t", "--lists", str(tmp_path)]
    tool = [sys.executable, str(ROOT / "tools" / "freeze_test.py")]
    found = subprocess.run(
        [*tool, *words], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert found.returncode == 1
    assert "a list never changes" in found.stderr


@pytest.mark.parametrize("name", list_names())
def test_this_version_still_draws_every_clip_of_a_shipped_list(name):
    one: FrozenList = read_list(name)
    assert (len(one.clips), one.frames, one.sizes) == (60, 16, (256, 512))
    assert shortages([entry.drawn for entry in one.clips]) == {}
    changed = {
        entry.clip: found
        for entry in one.clips
        if (found := changed_draws(describe(one.recipe(entry), one.options(256)), entry.drawn))
    }
    assert changed == {}


def test_no_person_look_or_motion_of_one_shipped_list_occurs_in_another():
    """Kinds of which there are few are shared by the whole split; nobody is, and nothing drawn from a range."""
    lists = [read_list(name) for name in list_names()]
    assert len({one.seed for one in lists}) == len(lists) >= 2
    for part in ("person", "motion", "camera"):
        drawn = [json.dumps(entry.drawn[part], sort_keys=True) for one in lists for entry in one.clips]
        assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("name", list_names())
def test_this_version_still_makes_the_first_clip_of_a_shipped_list(name):
    one = read_list(name)
    FrozenMaker(frozen=one, make=make_clip)(one.recipe(one.clips[0]), one.options(256))
