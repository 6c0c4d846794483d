"""What is danced when: tempo, segments of a few beats with their families, the turns of the body, the key poses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.motion.collision import guard_arms
from hd_core.synth.motion.poses import ARMS, TRUNKS, Dice, Number, Pose, mirrored, pose_of
from hd_core.synth.motion.rig import REFERENCE_HEADS
from hd_core.synth.motion.rotations import from_vector, to_vector
from hd_core.synth.motion.steps import ease

_FASTEST = np.radians(800.0)  # of any joint, per second
_PEAK_OF_EASE = 1.875
_STEP_TURN = np.radians(60.0)  # mean turn of the body per step


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a kind of dancing draws from.

    Args:
        tempo: Beats per minute, from and to.
        energy: Scales bounce and the swing of the trunk.
        legs: Weights of families of legwork; the others never come up.
        arms: Weights of families of arm gestures where they are not 1.
    """

    tempo: tuple[int, int]
    energy: float
    legs: dict[str, Number]
    arms: dict[str, Number]


STYLES: dict[str, Style] = {
    "club": Style(
        tempo=(100, 135), energy=1.0, arms={"arms before torso": 2},
        legs={"stand": 2, "two-step": 3, "march": 1, "turn": 3, "tap": 2, "squat": 1, "walk": 1, "lunge": 1, "kick": 1,
              "jump": 2, "crouch": 0.7},
    ),
    "show": Style(
        tempo=(90, 150), energy=1.3, arms={"hang": 0.2, "arms before torso": 2},
        legs={"two-step": 1, "march": 1, "turn": 4, "kick": 2, "lunge": 2, "squat": 1, "tap": 1, "stand": 1,
              "jump": 2.5, "crouch": 0.7},
    ),
    "slow": Style(
        tempo=(80, 95), energy=0.6, arms={"jab": 0.1, "clap": 0.5, "hang": 2, "arms before torso": 2},
        legs={"stand": 4, "two-step": 2, "turn": 2, "tap": 1, "walk": 1, "crouch": 0.7},
    ),
    "arms": Style(
        tempo=(85, 140), energy=0.9, arms={"wave": 2, "box": 2, "hang": 0.2, "arms before torso": 3},
        legs={"stand": 4, "squat": 1, "tap": 1, "turn": 1.5, "crouch": 0.7, "jump": 1},
    ),
}  # fmt: skip
"""Kinds of dancing; "any" takes one of them by chance."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A few beats with one family for each part of the body."""

    begin: int
    end: int
    arms: str
    trunk: str
    legs: str


@dataclass(frozen=True, kw_only=True)
class Score:
    """A dance before anything moves.

    Args:
        beats_per_minute: Tempo.
        phase: Beat at which the clip begins, 0..1.
        energy: Of the style.
        segments: One after the other; they cover all beats.
        turns: (beat it begins, beat it ends, angle in radians) of each turn of the whole body.
        key_beats: When the key poses are held, beats.
        keys: Key poses of the upper body.
        attack: Share of the time to the next key that the way to it takes; then the pose is held.
    """

    beats_per_minute: float
    phase: float
    energy: float
    segments: tuple[Segment, ...]
    turns: tuple[tuple[float, float, float], ...]
    key_beats: Float[np.ndarray, " k"]
    keys: Float[np.ndarray, "k 31 3 3"]
    attack: Float[np.ndarray, " k"]

    def yaw_at(self, beats: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Heading of the body, radians, at some beats."""
        yaw = np.zeros(np.shape(beats))
        for begin, end, angle in self.turns:
            yaw = yaw + angle * ease((beats - begin) / (end - begin))
        return yaw

    def families(self, *, seconds: float) -> tuple[str, ...]:
        """Names of the families that come up in the first seconds."""
        last = self.phase + seconds * self.beats_per_minute / 60
        heard = [part for part in self.segments if part.end > self.phase and part.begin < last]
        return tuple(sorted({name for part in heard for name in (part.arms, part.trunk, part.legs)}))


def style_of(rng: np.random.Generator, name: str) -> Style:
    """The style of a name; "any" draws one.

    Raises:
        InputError: No style has that name.
    """
    if name == "any":
        name = str(rng.choice(list(STYLES)))
    if name not in STYLES:
        raise InputError(f"Found dance style {name!r}; expected any, {', '.join(STYLES)}.")
    return STYLES[name]


def write_score(rng: np.random.Generator, style: Style, *, seconds: float) -> Score:
    """Draw a dance that covers a number of seconds, with two beats to spare at both ends."""
    tempo = float(rng.uniform(*style.tempo))
    last = int(np.ceil(seconds * tempo / 60)) + 3
    dice = Dice(rng)
    segments: list[Segment] = []
    begin = -2
    while begin < last:
        arms, trunk, legs = _pick(rng, ARMS, style.arms), _pick(rng, TRUNKS, {}), _pick(rng, style.legs, style.legs)
        end = begin + int(rng.choice([4, 6, 6] if legs in ("turn", "jump", "crouch") else [2, 4, 4, 6]))
        segments.append(Segment(begin=begin, end=end, arms=arms, trunk=trunk, legs=legs))
        begin = end
    turns = _turns(dice, segments, tempo)
    beats, poses = _keys(dice, segments, tempo)
    attack = np.array([dice(0.6, 1.0) for _ in beats])
    clear = guard_arms(REFERENCE_HEADS, np.stack(poses), fps=None).rotations
    keys = _held_back(beats, clear, attack, tempo)
    return Score(
        beats_per_minute=tempo,
        phase=float(rng.uniform(0, 1)),
        energy=style.energy,
        segments=tuple(segments),
        turns=turns,
        key_beats=beats,
        keys=keys,
        attack=attack,
    )


def _pick(rng: np.random.Generator, names: Iterable[str], weights: Mapping[str, Number]) -> str:
    choices = list(names)
    share = np.array([weights.get(name, 1) for name in choices], dtype=np.float64)
    return str(rng.choice(choices, p=share / share.sum()))


def _turns(dice: Dice, segments: list[Segment], tempo: float) -> tuple[tuple[float, float, float], ...]:
    """Whole, half and quarter turns where legs turn; a small change of heading elsewhere."""
    pace = 1 if _shortest_step(tempo) > 0.5 else 2
    turns = []
    for segment in segments:
        way = 1 if dice.often(0.5) else -1
        if segment.legs == "turn":
            most = _STEP_TURN * pace * (segment.end - segment.begin)
            wanted = 2 * np.pi if dice.often(0.6) else np.radians(dice(60, 200))
            turns.append((segment.begin - 0.25, segment.end - 0.25, way * min(most, wanted)))
        elif segment.legs in ("two-step", "march", "walk", "tap"):
            turns.append((float(segment.begin), float(segment.end), way * np.radians(dice(0, 35))))
    return tuple(turns)


def _shortest_step(tempo: float) -> float:
    """Least time that a foot takes for a step, beats."""
    return 0.24 * tempo / 60


def _keys(dice: Dice, segments: list[Segment], tempo: float) -> tuple[Float[np.ndarray, " k"], list[Pose]]:
    """Two poses of each segment in turn, on every beat, half beat or second beat, a little different every time."""
    beats: list[float] = []
    poses: list[Pose] = []
    for segment in segments:
        pace = 0.5 if tempo < 110 and dice.often(0.2) else 2.0 if dice.often(0.15) else 1.0
        (left_a, right_a), (left_b, right_b) = ARMS[segment.arms](dice)
        trunk_a, trunk_b = TRUNKS[segment.trunk](dice)
        pair = [pose_of(left_a, right_a, trunk_a), pose_of(left_b, right_b, trunk_b)]
        flip, swap = dice.often(0.5), dice.often(0.35)
        for index, beat in enumerate(np.arange(segment.begin, segment.end, pace)):
            pose = pair[index % 2]
            reverse = flip != (swap and index % 4 >= 2)  # now the other side leads
            beats.append(float(beat))
            poses.append(mirrored(pose) if reverse else pose)
    return np.array(beats), poses


def _held_back(
    beats: Float[np.ndarray, " k"], poses: Float[np.ndarray, "k 31 3 3"], attack: Float[np.ndarray, " k"], tempo: float
) -> Float[np.ndarray, "k 31 3 3"]:
    """Key poses that no joint has to hurry for: each lies only as far from the last as speed allows."""
    keys = [poses[0]]
    for index in range(1, len(poses)):
        seconds = (beats[index] - beats[index - 1]) * 60 / tempo * attack[index - 1]
        way = to_vector(keys[-1].swapaxes(-1, -2) @ poses[index])
        angle = np.linalg.norm(way, axis=-1, keepdims=True)
        most = _FASTEST * seconds / _PEAK_OF_EASE
        slower = np.minimum(1.0, most / np.maximum(angle, 1e-9))
        keys.append(keys[-1] @ from_vector(way * slower))
    return np.stack(keys)


LAG_SECONDS: dict[int, float] = {
    bone_index(side + bone): lag
    for side in ("Left", "Right")
    for bone, lag in (("ForeArm", 0.03), ("Hand", 0.06), ("FingerBase", 0.08), ("HandFinger1", 0.09))
} | {bone_index("Spine"): 0.015, bone_index("Spine1"): 0.03, bone_index("Neck1"): 0.04, bone_index("Head"): 0.05}
"""How much later than the rest of the body some bones follow, s."""
