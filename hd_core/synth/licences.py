"""Which licences the assets of synthetic people may have: those that let pictures made with them go anywhere."""

from hd_core.errors import InputError

FREE_LICENCES = ("CC0-1.0", "MIT", "Apache-2.0")
CREDIT_LICENCES = ("CC-BY-3.0", "CC-BY-4.0")
"""Free as well, but whoever made the asset has to be named."""


def check_licence(what: object, licence: str, credit: str) -> None:
    """Refuse what is not free for every use.

    Args:
        what: The asset, for the message.
        licence: SPDX name of its licence, as its owner states it.
        credit: Who made it; needed under CC BY.

    Raises:
        InputError: The licence is unknown or not free enough, or the credit is missing.
    """
    if licence in CREDIT_LICENCES and not credit.strip():
        raise InputError(f"{what} is under {licence}, which asks for a credit; found none.", "Name who made it.")
    if licence not in FREE_LICENCES + CREDIT_LICENCES:
        allowed = ", ".join(FREE_LICENCES + CREDIT_LICENCES)
        raise InputError(
            f"Found the licence {licence!r} for {what}; expected one of {allowed}.",
            "Take one that is free for every use.",
        )
