"""Tables of names: a miss lists what is known, a clash is refused, listing imports nothing."""

import sys

import pytest

from hd_core.errors import UsageError
from hd_core.registry import Registry


def test_a_name_gives_what_stands_behind_it():
    assert Registry("thing", {"root": "math:sqrt"}).load("root")(9) == 3


def test_a_miss_lists_the_known_names():
    with pytest.raises(UsageError, match=r"No thing 'c'. Known: a, b."):
        Registry("thing", {"b": "m:b", "a": "m:a"}).load("c")


def test_two_targets_for_one_name_are_refused_and_the_same_target_is_not():
    table = Registry("thing", {"a": "m:a"})
    table.add("a", "m:a")
    with pytest.raises(UsageError, match="Two things are called 'a': m:a and n:a"):
        table.add("a", "n:a")


def test_listing_imports_nothing():
    table = Registry("thing", {"a": "antigravity:fly"})
    assert list(table) == ["a"]
    assert "a" in table
    assert "antigravity" not in sys.modules


def test_other_packages_add_entries_through_their_entry_points(monkeypatch):
    class Point:
        name, value = "theirs", "math:cos"

    monkeypatch.setattr("hd_core.registry.entry_points", lambda group: [Point] if group == "g" else [])
    assert Registry("thing", {}, group="g").load("theirs")(0) == 1
