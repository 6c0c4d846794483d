"""What may be drawn for which split: everything that has a name belongs to train, val or test, never to two of them.

Numbers drawn from a continuous range are apart by their seeds. Things of which there are only so many (kinds of
prints and environments, words, captured motions, modelled clothes and hair) are dealt out by a hash of their names.
"""

import hashlib
from collections.abc import Iterable
from math import ceil

import numpy as np

from hd_core.errors import InputError

SPLITS = ("train", "val", "test")
VAL, TEST = 0.08, 0.12
"""Shares of names that are kept from training, rounded up: a test of one kind of light would be none."""


class SplitRng(np.random.Generator):
    """A random generator that knows for which split it draws.

    Args:
        bits: Source of the numbers.
        split: One of `SPLITS`.
    """

    def __init__(self, bits: np.random.BitGenerator, split: str) -> None:
        super().__init__(bits)
        self.split = split

    def __reduce__(self) -> tuple[type["SplitRng"], tuple[np.random.BitGenerator, str]]:  # type: ignore[override]
        """Copies and pickles know their split, too; numpy declares one argument only."""
        return SplitRng, (self.bit_generator, self.split)

    def child(self) -> "SplitRng":
        """A generator of its own, drawn from this one, for the same split."""
        return SplitRng(np.random.PCG64(int(self.integers(2**62))), self.split)


def allowed(names: Iterable[str], rng: np.random.Generator, *, catalogue: str) -> tuple[str, ...]:
    """The names that a generator may choose from, in their order: those of its split, or all if it has none.

    Args:
        names: All that there are.
        rng: Of a recipe; any other generator may choose from all.
        catalogue: What the names are names of, "print"; the same name in another catalogue is dealt anew.
    """
    return for_split(names, rng.split, catalogue=catalogue) if isinstance(rng, SplitRng) else tuple(names)


def for_split(names: Iterable[str], split: str, *, catalogue: str) -> tuple[str, ...]:
    """The names of one split, in their order.

    Args:
        names: All that there are, at least three.
        split: One of `SPLITS`.
        catalogue: What the names are names of.

    Raises:
        InputError: There are too few names for every split to get one.
    """
    given = tuple(names)
    test, val = (ceil(share * len(given) - 1e-9) for share in (TEST, VAL))
    if len(given) < len(SPLITS) or len(set(given)) < len(given):
        raise InputError(
            f"Found {len(given)} names of the catalogue {catalogue!r}, {len(set(given))} of them different; "
            f"expected at least {len(SPLITS)}, all different."
        )
    dealt = sorted(given, key=lambda name: _place(name, catalogue))
    shares = {"test": dealt[:test], "val": dealt[test : test + val], "train": dealt[test + val :]}
    return tuple(name for name in given if name in shares[split])


def may_use(name: str, rng: np.random.Generator, *, catalogue: str) -> bool:
    """Whether a name from an endless catalogue, such as words, is of a generator's split.

    Args:
        name: The name.
        rng: Of a recipe; any other generator may use all.
        catalogue: What it is a name of.
    """
    if not isinstance(rng, SplitRng):
        return True
    place = _place(name, catalogue)
    return rng.split == ("test" if place < TEST else "val" if place < TEST + VAL else "train")


def _place(name: str, catalogue: str) -> float:
    """A number in 0..1 that hangs on nothing but the name."""
    digest = hashlib.sha256(f"{catalogue} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
