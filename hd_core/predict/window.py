"""The part of a view that a network has to see: the person, and not the nothing around."""

import numpy as np
from jaxtyping import Bool, Float


def window_of(mask: Bool[np.ndarray, "h w"], multiple: int) -> tuple[slice, slice]:
    """The rows and columns of whole coarse pixels of the network that hold the mask; they may end past the picture.

    The network's grids begin at multiples; a window anywhere else would be seen by other ones.
    """
    spans = []
    for on in (mask.any(axis=1), mask.any(axis=0)):
        places = np.flatnonzero(on)
        first, last = (places[0], places[-1]) if len(places) else (0, 0)
        spans.append(slice(int(first) // multiple * multiple, (int(last) // multiple + 1) * multiple))
    return spans[0], spans[1]


def cut_window(planes: Float[np.ndarray, "p h w"], window: tuple[slice, slice]) -> Float[np.ndarray, "p a b"]:
    """The window of the planes, with zeros where it ends past them."""
    inside = planes[:, window[0], window[1]]
    missing = [(0, span.stop - span.start - size) for span, size in zip(window, inside.shape[1:], strict=True)]
    return np.pad(inside, [(0, 0), *missing])
