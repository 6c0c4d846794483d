"""What a shipped predictor has to reach on the frozen test, and whether it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """One number to reach.

    Args:
        title: What is measured.
        score: Its name in the report; empty if this command does not measure it.
        must: The range to be in at least.
        aim: The range to aim for.
        form: How to print numbers.
    """

    title: str
    score: str
    must: tuple[float, float]
    aim: tuple[float, float]
    form: str = ".1f"


_TOP = float("inf")
GOALS = (
    Goal("normals, mean angular error, deg", "normal_mean_deg", (0.0, 14.0), (0.0, 10.5)),
    Goal("normals, % under 11.25 deg", "normal_under_11_25_percent", (50.0, _TOP), (68.0, _TOP)),
    Goal("depth after scale and shift, mean abs. error, mm", "depth_affine_mae_mm", (0.0, 20.0), (0.0, 12.0)),
    Goal("surface, known height, mean abs. error, mm", "surface_mae_mm", (0.0, 25.0), (0.0, 12.0)),
    Goal("CPU, predictor per frame, ms", "milliseconds_per_frame", (0.0, 120.0), (0.0, 50.0)),
    Goal("folds on cloth, correlation", "folds_correlation", (0.5, _TOP), (0.7, _TOP), ".2f"),
    Goal("folds on cloth, ratio of energies", "folds_energy_ratio", (0.6, 1.2), (0.8, 1.1), ".2f"),
    Goal("adapt on an unseen clip, change of normals error, %", "", (-100.0, -5.0), (-100.0, -10.0)),
)


def verdict(goal: Goal, value: float | None) -> str:
    """How far it got: "aim", "must", "missed", or "not measured"."""
    if value is None:
        return "not measured"
    for word, (low, high) in (("aim", goal.aim), ("must", goal.must)):
        if low <= value <= high:
            return word
    return "missed"


def goal_value(goal: Goal, entry: Mapping[str, Any]) -> float | None:
    """The number of a predictor's entry in the report; None if it was not measured."""
    found = entry["scores"].get(goal.score, entry.get(goal.score))
    return None if found is None else float(found)


def goal_lines(report: Mapping[str, Any], name: str) -> list[str]:
    """The table of goals for one predictor, ready to print."""
    entry = report["predictors"][name]
    return lines_of({goal: goal_value(goal, entry) for goal in GOALS}, name)


def lines_of(values: Mapping[Goal, float | None], name: str) -> list[str]:
    """A table of goals and what was measured."""
    rows = [("measure", name, "must", "aim", "reached")]
    for goal, value in values.items():
        shown = "-" if value is None else format(value, goal.form)
        rows.append(
            (goal.title, shown, _words(goal.must, goal.form), _words(goal.aim, goal.form), verdict(goal, value))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(row[c].rjust(widths[c]) for c in range(1, 5))]).rstrip() for row in rows
    ]


def _words(span: tuple[float, float], form: str) -> str:
    low, high = span
    if high == _TOP:
        return f"> {low:g}"
    if low in (0.0, -100.0):
        return f"< {high:g}"
    return f"{format(low, form).rstrip('0')}-{format(high, form).rstrip('0')}"
