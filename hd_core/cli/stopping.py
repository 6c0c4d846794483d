"""How a command is asked to stop: signals, the end of standard input; and how it goes within half a second."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from hd_core.errors import CancelledError
from hd_core.progress import CANCELLED

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk

GRACE_SECONDS = 0.25
"""A frame that takes longer than this after the first request is not waited for."""
STOPPED = CancelledError(*CANCELLED)


@contextmanager
def stopping(talk: "Talk", *, leave: bool, with_stdin: bool) -> Iterator[None]:
    """Ctrl-C, a polite kill and, if wished, the end of standard input ask the job to stop after its frame.

    Args:
        talk: Carries the wish to the job.
        leave: The job's files are whole at any moment, so the process may end in the middle of a frame: after a
            short grace, or at once with a second request. Otherwise only a second Ctrl-C stops at once.
        with_stdin: Standard input counts: its end, or a line `cancel`.
    """
    wish = _Wish(talk, leave=leave)

    def on_signal(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and talk.cancelled() and not leave:
            raise KeyboardInterrupt
        wish.ask()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    if with_stdin:
        threading.Thread(target=_read_stdin, args=(wish.ask,), name="stdin", daemon=True).start()
    try:
        yield
    finally:
        wish.forget()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Wish:
    """The wish to stop, once or more often uttered."""

    def __init__(self, talk: "Talk", *, leave: bool) -> None:
        self._talk, self._leave = talk, leave
        self._timer = threading.Timer(GRACE_SECONDS, self._go)
        self._timer.daemon = True
        self._over = False

    def ask(self) -> None:
        """Tell the job; see to it that the process ends."""
        if self._over:
            return
        again = self._talk.cancelled()
        self._talk.cancel()
        if self._leave and again:
            self._go()
        elif self._leave:
            with suppress(RuntimeError):  # two asked in the same moment
                self._timer.start()

    def forget(self) -> None:
        """The job has ended by itself."""
        self._over = True
        self._timer.cancel()

    def _go(self) -> None:
        """End the process here and now, with its last words."""
        if self._over:
            return
        last_words = threading.Thread(target=self._say, daemon=True)  # the job may be stuck in the middle of printing
        last_words.start()
        last_words.join(timeout=GRACE_SECONDS)
        os._exit(STOPPED.exit_code)

    def _say(self) -> None:
        with suppress(Exception):
            self._talk.error(STOPPED.message, STOPPED.hint, STOPPED.exit_code)
            sys.stdout.flush()


def leave(exit_code: int) -> NoReturn:
    """End the process without taking the libraries down, which takes longer than anybody waits who has cancelled."""
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(exit_code)


def _read_stdin(ask: Callable[[], None]) -> None:
    """Ask to stop when standard input ends or says so; by its number, for a stream would be locked at exit."""
    rest = b""
    with suppress(OSError):
        while found := os.read(0, 4096):
            *lines, rest = (rest + found).split(b"\n")
            if any(line.strip() == b"cancel" for line in lines):
                break
    ask()
