"""One USD attribute over time, each value stored once.

USD interpolates between samples, so a value that stays for a while is stored where it begins and again on the
last frame before it changes. A value that never changes is stored as the attribute's default, without time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Usd


class Samples:
    """Takes the values of one attribute in order of time; holds only the latest.

    Args:
        create: Makes the attribute; called when the first value is stored.
        convert: Turns an array into what USD stores.
    """

    def __init__(self, create: Callable[[], Usd.Attribute], convert: Callable[[np.ndarray], Any]) -> None:
        self._create = create
        self._convert = convert
        self._attribute: Usd.Attribute | None = None
        self._value: np.ndarray | None = None
        self._since = self._until = 0.0

    def put(self, code: float, value: np.ndarray) -> int:
        """Add the value at a time code later than all before.

        Returns:
            Bytes that USD holds more than before.
        """
        stored = 0
        if self._value is not None:
            if np.array_equal(value, self._value):
                self._until = code
                return 0
            if self._attribute is None:
                stored += self._store(self._value, self._since)
            if self._until > self._since:
                stored += self._store(self._value, self._until)
            stored += self._store(value, code)
        self._value, self._since, self._until = value, code, code
        return stored

    def finish(self) -> None:
        """Store a value that never changed."""
        if self._attribute is None and self._value is not None:
            self._create().Set(self._convert(self._value))

    def _store(self, value: np.ndarray, code: float) -> int:
        if self._attribute is None:
            self._attribute = self._create()
        self._attribute.Set(self._convert(value), Usd.TimeCode(code))
        return value.nbytes
