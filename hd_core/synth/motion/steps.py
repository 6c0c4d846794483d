"""Where the feet go: steps planned beat by beat, and the smooth paths of the two feet through them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from jaxtyping import Float

from hd_core.synth.motion.legs import FootPath
from hd_core.synth.motion.poses import Dice, Number
from hd_core.synth.motion.rotations import about

_Z = np.array([0.0, 0, 1])
_PIVOT = np.radians(38.0)  # a planted foot turns on its ball rather than twist the hip further
_Kick = tuple[float, float, float]  # how far the foot goes out, ahead and up half way, by the length of the leg
_SIGNS = (1.0, -1.0)  # left, right
_LEAST_APART = 0.2  # of the balls of the feet on the ground, by the length of the leg


def ease(share: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """From 0 to 1 with speed and acceleration 0 at both ends (quintic); flat outside."""
    s = np.clip(share, 0.0, 1.0)
    return cast(np.ndarray, s**3 * (10 - 15 * s + 6 * s * s))


def bump(share: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Up to 1 in the middle and back, with speed and acceleration 0 at both ends; 0 outside."""
    s = np.clip(share, 0.0, 1.0)
    return cast(np.ndarray, 64 * (s * (1 - s)) ** 3)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One foot leaves the ground and comes down again.

    Args:
        foot: 0 left, 1 right.
        lands: Beat at which it comes down.
        lasts: For how many beats it is in the air.
        ball: Where the ball of the foot comes down, m, on the ground.
        yaw: Heading then, radians.
        apex: How far the path bows out half way, m; world axes.
        pitch: How far the heel is up half way, radians.
    """

    foot: int
    lands: Number
    lasts: float
    ball: Float[np.ndarray, "2"]
    yaw: float
    apex: Float[np.ndarray, "3"]
    pitch: float


@dataclass(kw_only=True)
class Plan:
    """Feet so far while a dance is being laid out.

    Args:
        size: Length of the legs, m.
        stance: Half the distance between the balls of the feet, m.
        yaw_at: The body's heading at a beat, radians.
        scale: Shrinks every excursion; 1 is as drawn.
        dice: Beta-distributed numbers in a range.
        shortest: Least time of a step, beats.
        feet: Where the balls of the feet stand now, left and right, m.
        centre: Where the body stands, m.
        steps: What has been planned.
        weight: (beat, share of weight on the left foot).
        drop: (beat, how far the hips are lowered, m).
        heels: (beat, how far the heels are up, radians).
        jumps: (beat it begins, beats it lasts, height in m) of each jump of the whole body.
    """

    size: float
    stance: float
    yaw_at: Callable[[float], float]
    scale: float
    dice: Dice
    shortest: float
    feet: list[Float[np.ndarray, "2"]] = field(default_factory=list)
    centre: Float[np.ndarray, "2"] = field(default_factory=lambda: np.zeros(2))
    steps: list[Step] = field(default_factory=list)
    weight: list[tuple[Number, float]] = field(default_factory=list)
    drop: list[tuple[Number, float]] = field(default_factory=list)
    heels: list[tuple[Number, float]] = field(default_factory=list)
    jumps: list[tuple[float, float, float]] = field(default_factory=list)

    def place(self, foot: int, beat: Number, *, aside: float = 0.0, ahead: float = 0.0) -> Float[np.ndarray, "2"]:
        """A place on the ground beside the body as it stands at a beat: further out and ahead by metres."""
        local = np.array([_SIGNS[foot] * (self.stance + self.scale * aside), -self.scale * ahead, 0.0])
        return cast(np.ndarray, self.centre + (about(_Z, self.yaw_at(beat)) @ local)[:2])

    def step(
        self, foot: int, beat: Number, ball: Float[np.ndarray, "2"], *, lift: float = 0.05, kick: _Kick | None = None
    ) -> None:
        """Let a foot come down at a beat, with the weight on the other one meanwhile.

        A step for which there is no time since the last one landed is left out: one foot is always on the ground.
        """
        since = beat - max((step.lands for step in self.steps), default=-np.inf)
        lasts = float(min(max(self.shortest, 0.5 if kick is None else 0.95), since))
        if lasts < 0.9 * min(self.shortest, 0.5):
            return
        heading = self.yaw_at(beat + 0.5)
        ball = self._beside(foot, ball, heading)
        self.feet[foot] = ball
        apex = np.array([0.0, 0.0, lift * self.size])
        if kick is not None:
            aside, ahead, up = (self.scale * self.size * value for value in kick)
            apex = about(_Z, heading) @ np.array([_SIGNS[foot] * aside, -ahead, up])
        pitch = self.dice(0.1, 0.5) if kick is None else self.dice(-0.3, 0.2)
        self.steps.append(Step(foot=foot, lands=beat, lasts=lasts, ball=ball, yaw=heading, apex=apex, pitch=pitch))
        self.weight.append((beat - 0.5 * lasts, 0.12 if foot == 0 else 0.88))
        self.weight.append((beat + 0.5, 0.5))

    def height_at(self, beats: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
        """How far jumps take the whole body off the ground, m."""
        height = np.zeros(len(beats))
        for begin, lasts, top in self.jumps:
            height += top * bump((beats - begin) / lasts)
        return height

    def _beside(self, foot: int, ball: Float[np.ndarray, "2"], heading: float) -> Float[np.ndarray, "2"]:
        """The place itself, or one further out on the foot's own side where it would land on the other foot."""
        gap = ball - self.feet[1 - foot]
        out = _SIGNS[foot] * np.array([np.cos(heading), np.sin(heading)])
        across = float(gap @ out)
        room = (_LEAST_APART * self.size) ** 2 - float(gap @ gap) + across**2
        further = np.sqrt(max(room, 0.0)) - across
        return cast(np.ndarray, ball + max(further, 0.0) * out if room > 0 else ball)


def foot_path(
    steps: list[Step],
    foot: int,
    *,
    start: Float[np.ndarray, "2"],
    beats: Float[np.ndarray, " t"],
    body_yaw: Float[np.ndarray, " t"],
    ground: float,
) -> FootPath:
    """The path of one foot: still between its steps, save that it pivots on its ball when the body turns far.

    Args:
        steps: All steps; those of the other foot are passed over.
        foot: 0 left, 1 right.
        start: Where its ball is at first, m.
        beats: Time of every frame in beats.
        body_yaw: The body's heading in every frame, radians.
        ground: Height of the ground, m.
    """
    ball = np.column_stack([np.broadcast_to(start, (len(beats), 2)), np.full(len(beats), ground)])
    yaw, pitch, air = np.full(len(beats), body_yaw[0]), np.zeros(len(beats)), np.zeros(len(beats))
    last_ball, last_yaw = np.asarray(start), float(body_yaw[0])
    for step in sorted((s for s in steps if s.foot == foot), key=lambda s: s.lands):
        share = (beats - step.lands) / step.lasts + 1
        moved, high = ease(share), bump(share)
        ball[:, :2] += moved[:, None] * (step.ball - last_ball)
        ball += high[:, None] * step.apex
        yaw += moved * (step.yaw - last_yaw)
        pitch += high * step.pitch
        air += high
        last_ball, last_yaw = step.ball, step.yaw
    yaw = body_yaw + _PIVOT * np.tanh((yaw - body_yaw) / _PIVOT)
    return FootPath(ball=ball, yaw=yaw, pitch=pitch, toe_pitch=pitch * np.clip(air, 0.0, 1.0))
