"""How a long job speaks while it runs, and how it is told to stop."""

from typing import Protocol, runtime_checkable

from hd_core.errors import CancelledError

CANCELLED = ("Cancelled.", "Finished frames are kept; the same command goes on from here.")
"""What was done and what to do, once the user has asked to stop."""


@runtime_checkable
class Progress(Protocol):
    """What a stage calls once a frame; a bar, a line of JSON or nothing is behind it."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Say that `done` of `total` items of `stage` are finished."""

    def warn(self, message: str) -> None:
        """Say something the user should know although the job goes on."""

    def cancelled(self) -> bool:
        """Whether the user asked to stop."""


class Silent:
    """The progress of a library call: says nothing, is never cancelled."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def check_cancelled(progress: Progress) -> None:
    """Stop here if the user asked to.

    Raises:
        CancelledError: The user asked to stop; finished frames stay on disk.
    """
    if progress.cancelled():
        raise CancelledError(*CANCELLED)
