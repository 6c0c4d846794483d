"""Splits: no name is in two of them, every one gets its share, and a generator never forgets which one it draws for."""

import copy
import itertools
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.body.identity import Identity, _draw_sliders, shape_body
from hd_core.synth.body.model import load_body
from hd_core.synth.census import describe
from hd_core.synth.clip import set_stage
from hd_core.synth.framing import sample_framing
from hd_core.synth.garments.outfit import sample_outfit
from hd_core.synth.look.background import WALLPAPERS
from hd_core.synth.look.drawings import _word
from hd_core.synth.look.environment import ENVIRONMENTS, draw_environment_kind
from hd_core.synth.look.fabric import EVERYWHERE, print_kinds
from hd_core.synth.look.patterns import PATTERNS
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import Part, Recipe
from hd_core.synth.splits import SPLITS, SplitRng, allowed, for_split, may_use

CLIPS = 4
"""Of each split that are described in full; what can be drawn alone is drawn for more."""


def rngs(split, part, count=200):
    return [Recipe(split=split, seed=4, clip=clip).rng(part) for clip in range(count)]


def assert_apart(sets):
    assert all(sets.values())
    for one, other in itertools.combinations(sets, 2):
        assert not sets[one] & sets[other], (one, other)


@pytest.mark.parametrize("count", [3, 4, 9, 10, 17, 100])
def test_every_name_belongs_to_one_split_and_every_split_gets_about_its_share(count):
    names = [f"thing {number}" for number in range(count)]
    parts = {split: for_split(names, split, catalogue="things") for split in SPLITS}
    assert sorted(itertools.chain(*parts.values())) == sorted(names)
    assert {split: len(part) for split, part in parts.items()} == {
        "test": -(-count * 12 // 100),
        "val": -(-count * 8 // 100),
        "train": count - -(-count * 12 // 100) - -(-count * 8 // 100),
    }
    assert list(parts["train"]) == [name for name in names if name in parts["train"]]


def test_who_gets_a_name_hangs_on_the_name_and_the_catalogue_not_on_the_order():
    names = [f"thing {number}" for number in range(30)]
    forth, back = (for_split(row, "test", catalogue="things") for row in (names, names[::-1]))
    assert set(forth) == set(back)
    assert set(for_split(names, "test", catalogue="others")) != set(forth)


def test_too_few_names_or_the_same_one_twice_are_refused():
    with pytest.raises(InputError, match="2 names of the catalogue 'hats'"):
        for_split(["cap", "fedora"], "train", catalogue="hats")
    with pytest.raises(InputError, match="3 of them different"):
        for_split(["cap", "cap", "fedora", "beret"], "train", catalogue="hats")


def test_a_plain_generator_may_choose_from_all_and_that_of_a_recipe_from_its_own():
    names = [f"thing {number}" for number in range(30)]
    assert allowed(names, np.random.default_rng(0), catalogue="things") == tuple(names)
    rng = Recipe(split="val", seed=0, clip=0).rng(Part.LIGHT)
    assert allowed(names, rng, catalogue="things") == for_split(names, "val", catalogue="things")
    assert may_use("anything", np.random.default_rng(0), catalogue="words")


def test_a_generator_keeps_its_split_when_it_is_copied_pickled_or_has_a_child():
    rng = Recipe(split="test", seed=0, clip=0).rng(Part.LIGHT)
    for twin in (copy.deepcopy(rng), pickle.loads(pickle.dumps(rng))):
        assert isinstance(twin, SplitRng)
        assert twin.split == "test"
        assert twin.random() == copy.deepcopy(rng).random()
    assert rng.child().split == "test"
    assert rng.child().random() != rng.child().random()


def test_the_numbers_of_a_recipe_are_those_of_numpys_own_generator_with_the_same_key():
    key = np.random.SeedSequence(7, spawn_key=(1, 3, int(Part.CAMERA), 2))
    rng = Recipe(split="val", seed=7, clip=3, attempt=2).rng(Part.CAMERA)
    np.testing.assert_array_equal(rng.random(5), np.random.default_rng(key).random(5))


def test_words_on_clothes_are_dealt_out_about_eight_in_ten_to_train():
    words = [f"{a}{b}" for a in "ABCDEFGHIJ" for b in "KLMNOPQRST"] * 1
    owners = [
        [split for split in SPLITS if may_use(word, Recipe(split=split, seed=0, clip=0).rng(Part.PRINT), catalogue="w")]
        for word in words
    ]
    assert all(len(owner) == 1 for owner in owners)
    assert 0.68 < np.mean([owner == ["train"] for owner in owners]) < 0.92


def test_two_letter_words_of_which_there_are_few_are_never_in_two_splits():
    found = {split: {_word(rng, 2, 2) for rng in rngs(split, Part.PRINT, 400)} for split in SPLITS}
    assert_apart(found)


def test_in_two_hundred_clips_of_each_split_no_person_garment_print_or_surroundings_is_that_of_another():
    people, garments, prints, lights = ({split: set() for split in SPLITS} for _ in range(4))
    for split, clip in itertools.product(SPLITS, range(200)):
        recipe = Recipe(split=split, seed=4, clip=clip)
        people[split].add(_draw_sliders(recipe.rng(Part.IDENTITY)))
        for garb in sample_outfit(recipe.rng(Part.OUTFIT), recipe.rng(Part.PRINT)):
            garments[split].add(repr((garb.name, garb.pattern, garb.ease_m, garb.fabric)))
            prints[split].add(garb.print.kind)
        lights[split].add(draw_environment_kind(recipe.rng(Part.LIGHT)))
    for found in (people, garments, lights, {split: kinds - set(EVERYWHERE) for split, kinds in prints.items()}):
        assert_apart(found)
    assert all(len(found) == 200 for found in people.values())
    assert set().union(*lights.values()) == set(ENVIRONMENTS)
    assert all(prints[split] <= set(print_kinds(rngs(split, Part.LIGHT, 1)[0])) for split in SPLITS)


def test_kinds_of_prints_are_dealt_out_whole_but_for_those_that_all_splits_have():
    kinds = {split: set(print_kinds(rngs(split, Part.PRINT, 1)[0])) for split in SPLITS}
    assert all(set(EVERYWHERE) <= found for found in kinds.values())
    assert set().union(*kinds.values()) == set(PATTERNS)
    assert_apart({split: found - set(EVERYWHERE) for split, found in kinds.items()})
    assert set(WALLPAPERS) <= set(PATTERNS)


@pytest.mark.parametrize("split", SPLITS)
def test_walls_floors_and_clutter_behind_a_person_show_only_prints_of_the_split(split, monkeypatch):
    shown = set()

    def noted(name, draw):
        return lambda rng: (shown.add(name), draw(rng))[1]

    for name, draw in PATTERNS.items():
        monkeypatch.setitem(PATTERNS, name, noted(name, draw))
    camera = sample_framing(np.random.default_rng(0), shape_body(load_body(), Identity()), size=32).camera
    for clip in range(25):
        set_stage(Recipe(split=split, seed=4, clip=clip), camera)
    assert {"solid"} < shown <= set(print_kinds(rngs(split, Part.LIGHT, 1)[0]))


def test_the_page_of_the_format_names_what_is_held_out():
    page = (Path(__file__).parents[2] / "docs" / "synth_format.md").read_text()
    rows = dict(re.findall(r"\| (environments|kinds of prints)[^|]*\| (.*) \|", page))
    own = [name for name in PATTERNS if name not in EVERYWHERE]
    for title, names, catalogue in (("environments", ENVIRONMENTS, "surroundings"), ("kinds of prints", own, "print")):
        told = [cell.split(", ") for cell in rows[title].split(" | ")]
        assert told == [sorted(for_split(names, split, catalogue=catalogue)) for split in ("test", "val")]


@pytest.fixture(scope="module")
def drawn():
    options = {split: DatasetOptions(frames=2, seed=4, split=split) for split in SPLITS}
    return {
        split: [describe(Recipe(split=split, seed=4, clip=clip), options[split]) for clip in range(CLIPS)]
        for split in SPLITS
    }


def test_nobody_nothing_worn_no_print_motion_or_light_of_one_split_is_in_another(drawn):
    """Whole people, garments, looks, motions and lights, by all of their numbers at once."""

    def of(kind, clip):
        person = clip["person"]
        if kind == "garments":
            return [repr([garb["name"], garb["pattern"], garb["ease_m"]]) for garb in person["garbs"]]
        if kind == "prints":
            return [repr(garb["print"]) for garb in person["garbs"]]
        if kind == "motion":
            return [repr(clip["motion"]["hands_and_feet_m"])]
        if kind == "light":
            return [repr(clip["light"].get("harmonics", clip["clip"]))] if clip["light"].get("harmonics") else []
        return [repr(person[kind])]

    for kind in ("identity", "skin", "hair", "garments", "prints", "motion", "light"):
        assert_apart({split: {text for clip in drawn[split] for text in of(kind, clip)} for split in SPLITS})


def test_within_a_split_no_two_clips_show_the_same_person(drawn):
    for split in SPLITS:
        assert len({repr(clip["person"]["identity"]) for clip in drawn[split]}) == CLIPS


def test_names_that_only_one_split_may_have_are_in_no_other(drawn):
    """So few clips may miss a kind, so here a split may show none of a catalogue."""
    for names in (
        lambda clip: {garb["print"]["kind"] for garb in clip["person"]["garbs"]} - set(EVERYWHERE),
        lambda clip: {clip["light"]["name"]} - {"none", "flat"},
    ):
        found = {split: set().union(*map(names, drawn[split])) for split in SPLITS}
        assert any(found.values())
        for one, other in itertools.combinations(found.values(), 2):
            assert not one & other
