"""What legs do to the beat, by families: each plans the steps, the weight and the height of the hips of a few beats."""

from collections.abc import Callable

import numpy as np

from hd_core.synth.motion.poses import Number
from hd_core.synth.motion.steps import Plan

STEP_SECONDS = 0.24
"""The least time of a step."""
_JUMP_M_PER_S2 = 0.62
"""Height of a jump by the square of its time; half of what free fall reaches, as it begins and ends softly."""
_AREA = 0.4  # m that the body's place may be away from where it began


def _stand(plan: Plan, begin: int, end: int) -> None:
    """Both feet stay; the weight goes from one to the other."""
    shift = plan.dice(0.02, 0.3)
    for beat in range(begin, end):
        plan.weight.append((beat, 0.5 + plan.scale * shift * (-1) ** beat))
        plan.drop.append((beat, 0.0))


def _two_step(plan: Plan, begin: int, end: int) -> None:
    """Out with one foot, the other follows; then back the same way."""
    way = 1 if plan.dice(-1, 1) > 0 else -1
    stride, ahead = plan.size * plan.dice(0.15, 0.4), plan.size * plan.dice(-0.08, 0.12)
    for beat in range(begin, end - 1, 2):
        lead = 0 if way > 0 else 1
        _move_centre(plan, beat, aside=way * stride, ahead=ahead)
        plan.step(lead, beat, plan.place(lead, beat))
        plan.step(1 - lead, beat + 1, plan.place(1 - lead, beat + 1))
        way, ahead = -way, -ahead


def _march(plan: Plan, begin: int, end: int) -> None:
    """Steps on the spot, knees high or low."""
    knee = plan.dice(0.05, 0.4)
    for beat in range(begin, end):
        plan.step(beat % 2, beat, plan.place(beat % 2, beat), kick=(0.0, 0.15 * knee, knee))


def _turn(plan: Plan, begin: int, end: int) -> None:
    """Small steps that follow the body as it turns round."""
    pace = 1.0 if plan.shortest > 0.5 else 0.5
    for index, beat in enumerate(np.arange(begin, end, pace)):
        plan.step(index % 2, float(beat), plan.place(index % 2, float(beat) + pace), lift=plan.dice(0.03, 0.08))


def _kick(plan: Plan, begin: int, end: int) -> None:
    """One leg swings out on the beat and comes back."""
    foot = int(plan.dice(0, 2))
    aside, ahead, up = plan.dice(0.0, 0.25), plan.dice(0.15, 0.6), plan.dice(0.12, 0.5)
    for beat in range(begin, end - 1):
        if (beat - begin) % 2 == 0:
            plan.step(foot, beat + 0.45, plan.place(foot, beat), kick=(aside, ahead, up))
            foot = 1 - foot


def _tap(plan: Plan, begin: int, end: int) -> None:
    """One foot taps the ground ahead or aside and comes back, then the other."""
    foot = int(plan.dice(0, 2))
    aside, ahead = plan.size * plan.dice(0.0, 0.3), plan.size * plan.dice(-0.1, 0.3)
    for beat in range(begin, end - 1, 2):
        plan.step(foot, beat, plan.place(foot, beat, aside=aside, ahead=ahead))
        plan.step(foot, beat + 1, plan.place(foot, beat + 1))
        foot = 1 - foot


def _lunge(plan: Plan, begin: int, end: int) -> None:
    """A long step, the hips go down over it, and back."""
    foot = int(plan.dice(0, 2))
    for beat in range(begin, end - 2, 3):
        aside, ahead = plan.size * plan.dice(0.1, 0.45), plan.size * plan.dice(0.0, 0.45)
        plan.step(foot, beat, plan.place(foot, beat, aside=aside, ahead=ahead))
        deep = plan.scale * plan.size * plan.dice(0.06, 0.16)
        plan.drop += [(beat - 0.5, 0.0), (beat + 0.5, deep), (beat + 1.2, deep), (beat + 2, 0.0)]
        plan.weight += [(beat + 1, 0.62 if foot == 0 else 0.38)]
        plan.step(foot, beat + 2, plan.place(foot, beat + 2))
        foot = 1 - foot


def _squat(plan: Plan, begin: int, end: int) -> None:
    """Down and up again."""
    for beat in range(begin, end - 1, 2):
        deep = plan.scale * plan.size * plan.dice(0.06, 0.3)
        plan.drop += [(beat, 0.0), (beat + 1, deep)]
    plan.drop.append((end, 0.0))


def _crouch(plan: Plan, begin: int, end: int) -> None:
    """Deep down on the balls of the feet, for some beats; less deep where there is no time for it."""
    share = plan.scale * (1.0 if end - begin > 2 else 0.35)
    deep, up = share * plan.size * plan.dice(0.25, 0.52), share * plan.dice(0.25, 0.6)
    for keys, most in ((plan.drop, deep), (plan.heels, up)):
        keys += [(begin, 0.0), (begin + 1, most), (end - 0.5, 0.0)]
        if end - begin > 3:
            keys.append((end - 2, most * plan.dice(0.85, 1.0)))


def _jump(plan: Plan, begin: int, end: int) -> None:
    """Up with both feet, out of bent knees and into them; as often as there is time."""
    per_second = plan.shortest / STEP_SECONDS
    start = begin + max(0.5, 0.6 * per_second)
    while start + 1.0 * per_second < end:
        seconds = plan.dice(0.42, 0.62)
        soft, deep = (plan.scale * plan.size * share for share in (0.02, plan.dice(0.08, 0.18)))
        lasts = seconds * per_second
        plan.jumps.append((start, lasts, plan.scale * _JUMP_M_PER_S2 * seconds**2))
        plan.drop += [(start - 0.55 * per_second, soft), (start - 0.2 * per_second, deep), (start + 0.3 * lasts, soft)]
        plan.drop += [(start + 0.8 * lasts, soft), (start + lasts + 0.2 * per_second, 0.8 * deep)]
        plan.heels += [(start, 0.0), (start + 0.45 * lasts, plan.dice(0.1, 0.4)), (start + lasts, 0.0)]
        start += float(np.ceil(1.4 * per_second))


def _walk(plan: Plan, begin: int, end: int) -> None:
    """A few steps in one direction, and back when the edge of the area is near."""
    heading = plan.dice(-np.pi, np.pi)
    stride = plan.size * plan.dice(0.15, 0.4)
    for beat in range(begin, end):
        _move_centre(plan, beat, aside=stride * np.sin(heading), ahead=stride * np.cos(heading))
        plan.step(beat % 2, beat, plan.place(beat % 2, beat))


def _move_centre(plan: Plan, beat: Number, *, aside: float, ahead: float) -> None:
    """Move the body's place, left and ahead in m, and turn back where that would leave the area."""
    yaw = plan.yaw_at(beat)
    left, front = np.array([np.cos(yaw), np.sin(yaw)]), np.array([np.sin(yaw), -np.cos(yaw)])
    move = plan.scale * (aside * left + ahead * front)
    if np.linalg.norm(plan.centre + move) > _AREA:
        move = -move
    if np.linalg.norm(plan.centre + move) <= _AREA:
        plan.centre = plan.centre + move


LEGWORK: dict[str, Callable[[Plan, int, int], None]] = {
    "stand": _stand,
    "two-step": _two_step,
    "march": _march,
    "turn": _turn,
    "kick": _kick,
    "tap": _tap,
    "lunge": _lunge,
    "squat": _squat,
    "crouch": _crouch,
    "jump": _jump,
    "walk": _walk,
}
"""Families of legwork: each plans the beats from `begin` up to, but not including, `end`."""
