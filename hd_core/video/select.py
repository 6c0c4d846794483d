"""Which frames of a clip a user asks for: the only reader of the `a:b:step` notation."""

import re

from hd_core.errors import UsageError

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def parse_frames(text: str | None, num_frames: int) -> range:
    """Read a selection of source frames, `a:b:step` as in a Python slice.

    Half-open; missing parts mean the ends and a step of 1; negative numbers count from the end; an end beyond the
    clip is the clip's end. A single number `7` is that one frame, `7:8`.

    Args:
        text: The selection; None is every frame.
        num_frames: Frames of the clip.

    Returns:
        Source indices, increasing, never empty.

    Raises:
        UsageError: The text is no selection, its step is not positive, or it selects nothing.
    """
    if text is None:
        return range(num_frames)
    hint = f"Use a:b:step within 0:{num_frames} (frames 0 to {num_frames - 1}), for example 0:{num_frames}:2."
    parts = [part.strip() for part in text.split(":")]
    if not text.strip() or len(parts) > 3 or any(part and not _NUMBER.fullmatch(part) for part in parts):
        raise UsageError(f"--frames {text!r} is not a selection of frames.", hint)
    numbers = [int(part) if part else None for part in parts]
    if len(numbers) == 3 and numbers[2] is not None and numbers[2] < 1:
        raise UsageError(f"--frames {text!r} has a step of {numbers[2]}; steps are 1 or more.", hint)
    chosen = range(num_frames)[_as_slice(numbers, num_frames)]
    if not chosen:
        raise UsageError(f"--frames {text!r} selects none of the clip's {num_frames} frames.", hint)
    return chosen


def _as_slice(numbers: list[int | None], num_frames: int) -> slice:
    only = numbers[0]
    if len(numbers) > 1 or only is None:
        return slice(*numbers)
    first = only + num_frames if only < 0 else only
    # A single negative number below the clip must select nothing, not wrap to a slice from the end.
    return slice(first, first + 1) if first >= 0 else slice(0, 0)
