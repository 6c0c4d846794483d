"""What every command shares: how it talks while it runs and how an error becomes one line and an exit code."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hd_core.cli.stopping import stopping
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
    stop_with_stdin: bool = False
    """Stop when standard input ends or says cancel; for a program that starts this one."""


def run_command(common: Common, work: "Callable[[Talk], None]", *, leave: bool = False) -> int:
    """Run `work` and return the exit code; errors become one line on stderr.

    Args:
        common: How to talk.
        work: The command.
        leave: Its files are whole at any moment, so it need not be waited for when it is to stop.
    """
    from hd_core.cli.talk import open_talk  # noqa: PLC0415 - keeps --help quick

    with open_talk(common.progress) as talk:
        try:
            with stopping(talk, leave=leave, with_stdin=common.stop_with_stdin):
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
