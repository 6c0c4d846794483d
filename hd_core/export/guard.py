"""Libraries that write files themselves and speak of failure in their own words, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hd_core.atomic import PARTIAL
from hd_core.errors import OutputError

PROBE_BYTES = 1 << 16


@contextmanager
def foreign_errors(path: Path, *kinds: type[Exception]) -> Iterator[None]:
    """Turn a library's errors while it writes `path` into the system's reason, where the disk has one.

    Args:
        path: The file being written.
        kinds: What the library raises.

    Raises:
        OSError: The system refuses more bytes in that file.
        OutputError: It does not; the library's own words are passed on.
    """
    try:
        yield
    except kinds as error:
        with path.open("ab") as stream:
            stream.write(b"\0" * PROBE_BYTES)
        words = str(error).strip().rsplit(" : ", 1)[-1]
        raise OutputError(f"Cannot write {path.name.removeprefix(PARTIAL)}: {words}.") from error


def require_room(path: Path, num_bytes: int) -> None:
    """Make sure that the disk takes more bytes beside `path`, by writing them and deleting them again.

    For a library whose failed write ends the process. Free space as the system reports it knows no quota.

    Raises:
        OSError: The disk does not take them.
    """
    probe = path.with_name(path.name + ".room")
    try:
        probe.write_bytes(bytes(num_bytes))
    finally:
        probe.unlink(missing_ok=True)
