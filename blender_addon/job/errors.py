# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong around a job: a message for the panel, and what to do about it."""


class JobError(Exception):
    """A job cannot be started or went wrong.

    Args:
        message: What was found, in one sentence.
        hint: What to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
