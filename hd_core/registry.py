"""Tables from a name to the class behind it; listing the names imports none of the classes."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from hd_core.errors import UsageError


class Registry:
    """Names of one extension point, each with a `"module:attribute"` that is imported on first use.

    Args:
        what: What the entries are, in the singular, for messages ("predictor").
        entries: The built-in entries.
        group: Entry-point group through which other packages add theirs; none if empty.
    """

    def __init__(self, what: str, entries: dict[str, str], *, group: str = "") -> None:
        self._what = what
        self._entries = dict(entries)
        self._group = group
        self._discovered = False

    def add(self, name: str, target: str) -> None:
        """Register one more name.

        Raises:
            UsageError: The name is taken by another target.
        """
        known = self._entries.setdefault(name, target)
        if known != target:
            raise UsageError(f"Two {self._what}s are called {name!r}: {known} and {target}.", "Rename one.")

    def names(self) -> list[str]:
        """Every known name, sorted."""
        self._discover()
        return sorted(self._entries)

    def load(self, name: str) -> Any:  # noqa: ANN401 - an entry is whatever its extension point says
        """Import and return what stands behind `name`.

        Raises:
            UsageError: No such name; the message lists the known ones.
        """
        self._discover()
        if name not in self._entries:
            raise UsageError(f"No {self._what} {name!r}.", f"Known: {', '.join(self.names())}.")
        module, _, attribute = self._entries[name].partition(":")
        return getattr(import_module(module), attribute)

    def _discover(self) -> None:
        if self._group and not self._discovered:
            self._discovered = True
            for point in entry_points(group=self._group):
                self.add(point.name, point.value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.names()
