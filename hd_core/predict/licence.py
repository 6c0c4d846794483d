"""Which licences allow commercial use, as far as their names say; what is not known to allow it does not."""

from hd_core.errors import WeightsError

COMMERCIAL = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0",
    "CC-BY-SA-4.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unlicense", "Zlib",
})  # fmt: skip
"""SPDX names of licences that allow it."""


def refuse_non_commercial(name: str, licence: str, *, allowed: bool | None = None) -> None:
    """Refuse what may not, or is not known to, be used commercially.

    Args:
        name: The predictor's.
        licence: Of its weights or maps.
        allowed: What its card says outright; None where only the licence's name is known.

    Raises:
        WeightsError: Commercial use is not allowed.
    """
    if allowed is None:
        allowed = licence in COMMERCIAL
        said = "does not" if "-NC" in licence.upper() else "is not known to"
    else:
        said = "by their card does not"
    if not allowed:
        raise WeightsError(
            f"What {name} predicts with has the licence {licence!r}, which {said} allow commercial use.",
            "Use other weights, or leave out --licence commercial.",
        )
