"""COCO's run lengths: a mask as the lengths of its runs of 0 and 1 down the columns, plain or packed into a string.

Source: the mask format of the COCO API (Lin et al., 2014). The packed string has for each length, from the fourth on
less the one two before it, groups of five bits from the lowest, each with a sixth bit that says whether more follow,
plus 48.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from hd_core.errors import InputError

_MORE, _SIGN, _FIRST = 0x20, 0x10, 48


def encode_rle(mask: Bool[np.ndarray, "h w"]) -> dict[str, Any]:
    """A mask as `{"size": [h, w], "counts": packed string}`."""
    return {"size": list(mask.shape), "counts": pack(run_lengths(mask))}


def decode_rle(raw: Mapping[str, Any]) -> Bool[np.ndarray, "h w"]:
    """A mask from run lengths, packed or plain.

    Raises:
        InputError: They are damaged, or do not fill the mask.
    """
    try:
        height, width = (int(side) for side in raw["size"])
        counts = raw["counts"]
        lengths = unpack(counts) if isinstance(counts, str) else [int(count) for count in counts]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("Found a mask that is no run lengths of COCO.", 'Expected "size" and "counts".') from error
    if min(lengths, default=0) < 0 or sum(lengths) != height * width or min(height, width) < 1:
        raise InputError(f"Found run lengths of {sum(lengths)} pixels for a mask of {height} x {width}.")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def run_lengths(mask: Bool[np.ndarray, "h w"]) -> list[int]:
    """Lengths of the runs down the columns, the first one of 0 (maybe of length 0)."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], changes, [len(flat)]])
    lengths = [int(length) for length in np.diff(bounds)]
    return [0, *lengths] if len(flat) and flat[0] else lengths


def pack(lengths: Sequence[int]) -> str:
    """Run lengths as a string."""
    characters = []
    for place, length in enumerate(lengths):
        rest, more = length - (lengths[place - 2] if place > 2 else 0), True
        while more:
            bits = rest & 0x1F
            rest >>= 5
            more = rest != (-1 if bits & _SIGN else 0)
            characters.append(chr(_FIRST + (bits | (_MORE if more else 0))))
    return "".join(characters)


def unpack(packed: str) -> list[int]:
    """Run lengths from a string.

    Raises:
        InputError: It ends within a number, or has characters that cannot be in it.
    """
    lengths: list[int] = []
    value, shift = 0, 0
    for character in packed:
        code = ord(character) - _FIRST
        if not 0 <= code < 2 * _MORE:
            raise InputError(f"Found {character!r} in packed run lengths.", "Is the file damaged?")
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & _MORE:
            value -= (code & _SIGN > 0) << shift
            lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
            value, shift = 0, 0
    if shift:
        raise InputError("Packed run lengths end within a number.", "Is the file cut short?")
    return lengths
