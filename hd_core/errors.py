"""What can go wrong, named by its remedy: every error carries its hint and the exit code of the command."""


class HdError(Exception):
    """Base of every error that a user can cause or mend.

    Args:
        message: What was found and what was expected, in one sentence.
        hint: What to do about it; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(HdError):
    """The command's words are off, or they disagree with the run folder they are used on."""

    exit_code = 2


class InputError(HdError):
    """A file or array that was given cannot be used."""

    exit_code = 3


class OutputError(InputError):
    """A file cannot be written: full disk, no permission. Nothing that follows could be either."""


class FramesError(HdError):
    """The job ended, but some frames of it failed; the manifest names them."""

    exit_code = 4


class WeightsError(HdError):
    """Weights are missing, damaged, of another network, or their licence forbids the use."""

    exit_code = 5


class CancelledError(HdError):
    """The user stopped the job; what was finished is kept."""

    exit_code = 130
