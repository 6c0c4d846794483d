"""What a test list has to show: tags told from what was drawn, and how many clips need each of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Drawn = Mapping[str, Any]
"""A clip as `census.describe` has it."""

HATS = ("cap", "hat", "beanie", "fedora", "beret")
CROUCH_M = -0.2
"""Height of the hips against the rest pose below which a person crouches."""
KNEE_M = -0.35
"""Height of the upper edge of the knee on the template."""
BEHIND = 0.5
"""Least cosine between where the person faces and where the camera looks for a back view."""


def _garments(*words: str) -> Callable[[Drawn], bool]:
    return lambda drawn: any(word in str(garb["name"]) for garb in drawn["person"]["garbs"] for word in words)


def _bare_legs(drawn: Drawn) -> bool:
    """Every garment ends above the knee."""
    cuts = [garb["pattern"] for garb in drawn["person"]["garbs"]]
    return all(cut["leg"] < 1.0 if cut["kind"] == "bottom" else cut["hem_m"] > KNEE_M for cut in cuts)


def _from_behind(drawn: Drawn) -> bool:
    facing, looks = drawn["motion"]["facing"], drawn["camera"]["looks"]
    return float(np.dot(facing, looks)) > BEHIND


TAGS: Mapping[str, Callable[[Drawn], bool]] = {
    "whole": lambda drawn: drawn["camera"]["framing"] == "whole",
    "upper half": lambda drawn: drawn["camera"]["framing"] == "upper",
    "legs": lambda drawn: drawn["camera"]["framing"] == "legs",
    "close-up": lambda drawn: drawn["camera"]["framing"] == "close",
    "back": _from_behind,
    "crouch": lambda drawn: drawn["motion"]["lowest_hips_m"] < CROUCH_M,
    "dress": _garments("dress"),
    "jacket": _garments("jacket", "coat", "cardigan"),
    "hood": _garments("hood"),
    "baggy": _garments("baggy", "oversized"),
    "bare legs": _bare_legs,
    "long hair": lambda drawn: not {"long hair", "ponytail"}.isdisjoint(drawn["person"]["worn"]),
    "hat": lambda drawn: any(word in name for name in drawn["person"]["worn"] for word in HATS),
    "unlit": lambda drawn: drawn["light"]["name"] == "none",
    "woman": lambda drawn: drawn["person"]["identity"]["gender"] > 0.5,
    "man": lambda drawn: drawn["person"]["identity"]["gender"] <= 0.5,
    "heavy": lambda drawn: drawn["person"]["identity"]["weight"] > 0.8,
    "dark skin": lambda drawn: drawn["person"]["skin"]["melanin"] > 0.67,
    "fair skin": lambda drawn: drawn["person"]["skin"]["melanin"] < 0.33,
}
"""By name, whether a clip shows it."""

QUOTAS: Mapping[str, int] = {
    "whole": 20,
    "upper half": 10,
    "legs": 4,
    "close-up": 8,
    "back": 8,
    "crouch": 5,
    "dress": 5,
    "jacket": 5,
    "hood": 4,
    "baggy": 6,
    "bare legs": 8,
    "long hair": 8,
    "hat": 5,
    "unlit": 4,
    "woman": 20,
    "man": 20,
    "heavy": 6,
    "dark skin": 12,
    "fair skin": 12,
}
"""Clips of 60 that have to show it."""

RULE = (
    "Of the first numbers of the test split: tag by tag, the rarest first, the lowest numbers that show it until its "
    "quota is met; then the lowest numbers until all places are filled. Clips whose first draw is rejected are out."
)


def tags_of(drawn: Drawn) -> tuple[str, ...]:
    """What a clip shows."""
    return tuple(name for name, shows in TAGS.items() if shows(drawn))


def choose(candidates: Sequence[Drawn], *, count: int, quotas: Mapping[str, int] = QUOTAS) -> list[Drawn]:
    """Take clips by the rule, without looking at pictures.

    Args:
        candidates: Descriptions of clips in the order of their numbers.
        count: Clips to take.
        quotas: Least number of clips by tag.

    Returns:
        The clips in the order of their numbers; see `shortages` for quotas that could not be met.
    """
    tags = [tags_of(drawn) for drawn in candidates]
    shown = Counter(tag for row in tags for tag in row)
    taken: set[int] = set()
    for tag in sorted(quotas, key=lambda name: (shown[name], name)):
        able = [row for row in range(len(tags)) if tag in tags[row]]
        has = sum(row in taken for row in able)
        fresh = [row for row in able if row not in taken]
        taken.update(fresh[: max(min(quotas[tag] - has, count - len(taken)), 0)])
    rest = [row for row in range(len(tags)) if row not in taken]
    taken.update(rest[: count - len(taken)])
    return [candidates[row] for row in sorted(taken)]


def shortages(taken: Iterable[Drawn], quotas: Mapping[str, int] = QUOTAS) -> dict[str, int]:
    """Clips that are still missing by tag."""
    seen = Counter(tag for drawn in taken for tag in tags_of(drawn))
    return {tag: quota - seen[tag] for tag, quota in quotas.items() if seen[tag] < quota}
