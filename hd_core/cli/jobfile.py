"""A job in a file: the options of `hd-core reconstruct` as one JSON object, which is how Blender asks for a job.

Names are those of the command line without dashes and with `_`; paths count from the working folder, as there.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hd_core.errors import HdError, UsageError

T = TypeVar("T")
ABSENT = Path("\0")
"""Stands for a path that the file does not name; the command line may."""


def read_job(path: Path, kind: type[T]) -> T:
    """Options from a file; what it does not name has its default, a path without one is `ABSENT`.

    Args:
        path: JSON file.
        kind: The command's dataclass; options in nested dataclasses are named without their group.

    Raises:
        UsageError: The file cannot be read, is no JSON object, or holds an unknown option or a senseless value.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The job {path} cannot be read: {error.strerror}.", "Name a JSON file.") from error
    except ValueError as error:
        raise UsageError(f"{path.name} is no JSON: {error}.", "Give one object of options.") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path.name} holds {_shown(data)}; expected an object of options.", 'Such as {"size": 512}.')
    known = set(_names(kind)) - {"job"}
    for name in data:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else "hd-core reconstruct --help lists them."
            raise UsageError(f"{path.name} holds an unknown option {name!r}.", hint)
    try:
        return _build(kind, data)
    except HdError as error:
        raise UsageError(f"{path.name}: {error.message}", error.hint) from error


def _names(kind: type) -> Iterator[str]:
    """Names of all options of a dataclass and of those in it."""
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _names(hint)
        else:
            yield name


def _build(kind: type[T], data: Mapping[str, Any]) -> T:
    values: dict[str, Any] = {}
    hints = get_type_hints(kind)
    for field in fields(kind):  # type: ignore[arg-type]
        hint = hints[field.name]
        if is_dataclass(hint) and isinstance(hint, type):
            values[field.name] = _build(hint, data)
        elif field.name in data:
            values[field.name] = _value(field.name, data[field.name], hint)
        elif field.default is MISSING and field.default_factory is MISSING:
            values[field.name] = ABSENT
    return kind(**values)


def _value(name: str, value: Any, hint: Any) -> Any:  # noqa: ANN401 - from JSON
    try:
        return _taken(value, hint)
    except TypeError:
        raise UsageError(f"Found {name} = {_shown(value)}; expected {_words(hint)}.") from None


def _taken(value: Any, hint: Any) -> Any:  # noqa: ANN401 - from JSON
    """A JSON value as an option's type.

    Raises:
        TypeError: It does not fit.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if value is None else _taken(value, next(one for one in inner if one is not type(None)))
    if origin is Literal and value in inner and isinstance(value, str):
        return value
    if origin is tuple and isinstance(value, list):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(_taken(one, kind) for one, kind in zip(value, kinds, strict=True))
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    if hint in (str, bool, int) and type(value) is hint:
        return value
    raise TypeError


def _words(hint: Any) -> str:  # noqa: ANN401 - a type
    """An option's type for people."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join("null" if one is type(None) else _words(one) for one in inner)
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin is tuple:
        return f"a list, each {_words(inner[0])}" if inner[-1] is Ellipsis else f"a list of {len(inner)} numbers"
    return {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "text"}[hint]


def _shown(value: Any) -> str:  # noqa: ANN401 - from JSON
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
