"""What every command shares: how it talks while it runs and how an error becomes one line and an exit code."""

import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Literal

from hd_core.errors import CancelledError, HdError

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class Common:
    """How the command talks."""

    progress: Literal["auto", "bar", "json", "none"] = "auto"
    """bar on a terminal, JSON lines on a pipe; auto chooses."""
    traceback: bool = False
    """Show where an error came from, for a bug report."""


def run_command(common: Common, work: "Callable[[Talk], None]") -> int:
    """Run `work` and return the exit code; errors become one line on stderr."""
    from hd_core.cli.talk import open_talk  # noqa: PLC0415 - keeps --help quick

    with open_talk(common.progress) as talk:
        try:
            with _signals_cancel(talk):
                work(talk)
        except HdError as error:
            return _fail(talk, common, str(error.message), error.hint, error.exit_code)
        except KeyboardInterrupt:
            cancelled = CancelledError("Cancelled at once.", "Finished frames are kept.")
            return _fail(talk, common, cancelled.message, cancelled.hint, cancelled.exit_code)
        except BrokenPipeError:
            return CancelledError.exit_code
        except Exception as error:
            message = f"Internal error: {type(error).__name__}: {error}"
            return _fail(talk, common, message, "Please report it, with --traceback.", 1)
    return 0


def _fail(talk: "Talk", common: Common, message: str, hint: str, exit_code: int) -> int:
    if common.traceback:
        traceback.print_exc(file=sys.stderr)
    talk.error(" ".join(message.split()), " ".join(hint.split()), exit_code)
    return exit_code


@contextmanager
def _signals_cancel(talk: "Talk") -> Iterator[None]:
    """Ctrl-C and a polite kill ask the job to stop after its frame; a second Ctrl-C stops at once."""

    def ask(number: int, _: FrameType | None) -> None:
        if talk.cancelled() and number == signal.SIGINT:
            raise KeyboardInterrupt
        talk.cancel()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
