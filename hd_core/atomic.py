"""Files that are complete or absent: written aside, then renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hd_core.errors import OutputError

PARTIAL = ".partial-"
"""Prefix of a file that is still being written; what a killed process leaves behind carries it."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path beside `path`, same suffix, that becomes `path` if the block ends well and vanishes if not.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    aside = path.with_name(PARTIAL + path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        aside.replace(path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    with atomic_path(path) as aside:
        aside.write_bytes(data)


def remove_partials(folder: Path) -> None:
    """Delete what a killed process left half-written below `folder`."""
    for left_over in folder.rglob(f"{PARTIAL}*"):
        left_over.unlink(missing_ok=True)


def disk_error(error: OSError, path: Path) -> OutputError:
    """The one-line error for a write to `path` that the system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            f"The disk is full: {path.name} could not be written to {path.parent}.",
            "Free some space and run the same command again; finished frames are kept.",
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return OutputError(f"Cannot write {path}: {reason}.", "Choose another output with -o.")
