"""Source frames as ranges, for the manifest and for people: first and last frame of each, both included."""

from collections.abc import Iterable


def frame_ranges(indices: Iterable[int], frames: range) -> list[list[int]]:
    """Stretches without a gap among the frames that are used, each as its first and last source frame.

    Args:
        indices: Source frames, in any order.
        frames: All that are used; neighbours in it are neighbours.
    """
    found: list[list[int]] = []
    for index in sorted(indices):
        if found and found[-1][1] + frames.step == index:
            found[-1][1] = index
        else:
            found.append([index, index])
    return found


def ranges_text(ranges: Iterable[Iterable[int]]) -> str:
    """`frames 0 to 12, 30`, as it stands in a sentence."""
    pairs = [tuple(pair) for pair in ranges]
    single = len(pairs) == 1 and pairs[0][0] == pairs[0][1]
    words = [str(first) if first == last else f"{first} to {last}" for first, last in pairs]
    return f"frame{'s' * (not single)} {', '.join(words)}"
