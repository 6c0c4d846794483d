"""The words of `--person`: whom of the people in a clip the user means. Light, for the help is made from it."""

import math
from dataclasses import dataclass

from hd_core.errors import UsageError

LARGEST, ALL = "largest", "all"


@dataclass(frozen=True, kw_only=True)
class Whom:
    """Whom the user means; without any of it the largest person.

    Args:
        everybody: All people of the clip are followed.
        only: Of all people, the one with this id.
        place: Left, top, width and height of a person in the first picture, px.
    """

    everybody: bool = False
    only: int | None = None
    place: tuple[float, float, float, float] | None = None


def parse_whom(text: str) -> Whom:
    """Whom `all`, `largest`, an id or `left,top,width,height` means.

    Raises:
        UsageError: The text is none of these.
    """
    if text == LARGEST:
        return Whom()
    if text == ALL:
        return Whom(everybody=True)
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return Whom(everybody=True, only=int(text))
    place = _place(text)
    if place is None:
        raise UsageError(
            f"--person {text!r} means nobody.",
            "Give largest, all, an id from 1 up, or left,top,width,height in px of the first picture.",
        )
    return Whom(place=place)


def _place(text: str) -> tuple[float, float, float, float] | None:
    try:
        left, top, width, height = map(float, text.split(","))
    except ValueError:
        return None
    sound = all(map(math.isfinite, (left, top))) and 0 < width < math.inf and 0 < height < math.inf
    return (left, top, width, height) if sound else None
