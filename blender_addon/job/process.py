# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process in a group of its own: its lines in a queue, its last words kept, its end within half a second.

Two daemon threads only read, a third one only kills; all else happens on the thread that asks. The child's stdin is
held open for as long as it may run: when this process goes, however it goes, the child sees stdin end and stops
(`--stop-with-stdin`).
"""

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO

from .errors import JobError

GRACE_SECONDS = 0.2
"""From asking the child to stop to killing its group; what it has finished is on disk either way."""
LAST_WORDS = 40
"""Lines of stderr that are kept."""
MAX_LINE = 1 << 20
THREADS = "hd-human"
"""What names of threads start with."""


class Child:
    """A running program.

    Args:
        command: Program and words.
        environment: Its variables.

    Raises:
        JobError: It cannot be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                encoding="utf-8",
                errors="replace",
                **_own_group(),
            )
        except OSError as error:
            message = f"{command[0]} cannot be started: {error.strerror or error}."
            raise JobError(message, "Choose hd-core in the preferences.") from error
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=LAST_WORDS)
        self._killer: threading.Timer | None = None
        self._ended_at: float | None = None
        self._killed = False
        self._readers = [
            _read(self._process.stdout, self._lines.put),
            _read(self._process.stderr, self._tail.append),
        ]

    @property
    def pid(self) -> int:
        """Process id, which is also the group's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs or while something it said is still on its way."""
        code = self._process.poll()
        if code is None:
            return None
        self._ended_at = self._ended_at or time.monotonic()
        if any(reader.is_alive() for reader in self._readers) and time.monotonic() - self._ended_at < GRACE_SECONDS:
            return None
        self.kill()
        return code

    def lines(self, most: int = 500) -> Iterator[str]:
        """What it said on stdout since the last call, at most so many lines."""
        with suppress(queue.Empty):
            for _ in range(most):
                yield self._lines.get_nowait()

    @property
    def silent(self) -> bool:
        """Whether nothing it said is left unread."""
        return self._lines.empty()

    def last_words(self) -> str:
        """The end of what it said on stderr."""
        return "\n".join(self._tail)

    def ask_to_stop(self) -> None:
        """Close its stdin, and have it killed if it has not gone within the grace, however busy this thread is."""
        if self._killer is None:
            self._killer = threading.Timer(GRACE_SECONDS, self.kill)
            self._killer.name, self._killer.daemon = f"{THREADS}-killer", True
            self._killer.start()
            self._hang_up()

    def kill(self) -> None:
        """End the whole group at once, and only once: its number may later be another's."""
        if not self._killed:
            self._killed = True
            _kill_group(self._process)

    def stop(self) -> None:
        """Ask, wait for the grace, kill; returns when it is gone. Starts no thread: Blender may be ending."""
        self._hang_up()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GRACE_SECONDS)
        self.kill()
        self.close()

    def close(self) -> None:
        """Wait for a child that has ended and give its pipes back."""
        if self._killer:
            self._killer.cancel()
            self._killer.join()
        self._hang_up()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        for reader, stream in zip(self._readers, (self._process.stdout, self._process.stderr), strict=True):
            reader.join(timeout=1)
            if not reader.is_alive():
                stream.close()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._process.stdin.close()


def _read(stream: IO[str], take: Callable[[str], None]) -> threading.Thread:
    def work() -> None:
        with suppress(ValueError, OSError):
            while line := stream.readline(MAX_LINE):
                take(line.rstrip("\n"))

    thread = threading.Thread(target=work, name=f"{THREADS}-reader", daemon=True)
    thread.start()
    return thread


def _own_group() -> dict[str, object]:
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _kill_group(process: subprocess.Popen) -> None:
    if os.name == "nt":
        if process.poll() is None:
            tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(tree, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        return
    # Also after the child itself has gone: what it started may still be in its group.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
