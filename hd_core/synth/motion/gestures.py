"""Hands and face over time: what the hands hold and when they change, a mood, speech or song, and blinks."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.face import SHAPES
from hd_core.synth.body.hands import NUM_FINGERS
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.motion.limits import joint_angles
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.steps import bump, ease

HANDS: dict[str, tuple[float, tuple[float, ...]]] = {
    "relaxed": (0.40, (0.25, 0.20, 0.26, 0.32, 0.38, 0.1)),
    "open": (0.14, (0.05, 0.05, 0.06, 0.08, 0.10, 0.0)),
    "spread": (0.12, (0.00, 0.00, 0.00, 0.00, 0.00, 0.9)),
    "fist": (0.12, (0.85, 1.00, 1.00, 1.00, 1.00, -0.2)),
    "pointing": (0.09, (0.70, 0.03, 0.95, 1.00, 1.00, 0.0)),
    "claw": (0.08, (0.35, 0.50, 0.52, 0.55, 0.58, 0.5)),
    "two fingers": (0.05, (0.75, 0.00, 0.02, 1.00, 1.00, 0.6)),
}
"""How often a hand is held so, and so: the curls of thumb to little finger and the spread (`body.hands`)."""
_CLOSED_DEG = 85.0  # curl of a key pose's fingers that counts as closed
_REST_CURL = 0.25
_FINGER_BONES = ("FingerBase", "HandFinger1")

MOODS: dict[str, tuple[float, dict[str, float]]] = {
    "calm": (0.35, {}),
    "smile": (0.28, {"mouthSmile": 0.6}),
    "laugh": (0.12, {"mouthSmile": 0.85, "jawOpen": 0.35, "noseSneer": 0.2}),
    "strain": (0.10, {"browDown": 0.7, "mouthStretch": 0.6, "noseSneer": 0.5, "jawOpen": 0.15}),
    "surprise": (0.07, {"browInnerUp": 0.8, "browOuterUp": 0.8, "jawOpen": 0.3}),
    "pout": (0.08, {"mouthPucker": 0.8, "browDown": 0.3}),
}
"""How common a mood is and which movements it is made of; sides get a little of their own."""
_SINGS = 0.35
_FULL = {"jawOpen": 0.7}
"""Most of a movement where it is not 1."""


def with_gestures(rng: np.random.Generator, motion: Motion) -> Motion:
    """The motion with hands and face that move; the bends of its finger bones become curls of all fingers.

    Args:
        rng: Where chance comes from.
        motion: Any; its own hands and face, if it has some, are replaced.
    """
    turns = motion.rotations.copy()
    angles = joint_angles(turns)
    hands = np.stack([_hand(rng, motion, angles, side) for side in ("Left", "Right")], axis=1)
    for side in ("Left", "Right"):
        for name in (*(side + bone for bone in _FINGER_BONES), f"{side[0]}Thumb"):
            turns[:, bone_index(name)] = np.eye(3)
    return replace(motion, rotations=turns, hands=hands.astype(np.float32), face=_face(rng, motion).astype(np.float32))


def _hand(
    rng: np.random.Generator, motion: Motion, angles: Float[np.ndarray, "t 31 3"], side: str
) -> Float[np.ndarray, "t 6"]:
    """Curls and spread of one hand: shapes that change now and then, closed further where the dance closes it."""
    shares = np.array([share for share, _ in HANDS.values()])
    shapes = np.array([shape for _, shape in HANDS.values()])

    def draw() -> Float[np.ndarray, "6"]:
        chosen = shapes[rng.choice(len(shapes), p=shares / shares.sum())]
        return cast(np.ndarray, chosen + rng.normal(0, 0.07, chosen.shape))

    hand = _changing(rng, motion, draw, every=(0.6, 2.5))
    bend = np.degrees(angles[:, bone_index(f"{side}HandFinger1"), 1]) / _CLOSED_DEG
    hand[:, :NUM_FINGERS] += 0.6 * (bend[:, None] - _REST_CURL)
    return cast(np.ndarray, np.clip(hand, (*[-0.05] * NUM_FINGERS, -0.6), 1.0))


def _face(rng: np.random.Generator, motion: Motion) -> Float[np.ndarray, "t k"]:
    """Shares of the face shapes: a mood that comes and goes, a mouth that sings, and blinks."""
    shares = np.array([share for share, _ in MOODS.values()])
    moods = np.array([[mood.get(_plain(shape), 0.0) for shape in SHAPES] for _, mood in MOODS.values()])
    sides = rng.uniform(0.7, 1.0, len(SHAPES))

    def draw() -> Float[np.ndarray, " k"]:
        mood = moods[rng.choice(len(moods), p=shares / shares.sum())]
        return cast(np.ndarray, mood * sides * rng.uniform(0.4, 1.0) + rng.normal(0, 0.04, len(SHAPES)))

    face = _changing(rng, motion, draw, every=(1.0, 4.0))
    seconds = np.arange(len(motion)) / motion.fps
    if rng.random() < _SINGS:
        face[:, SHAPES.index("jawOpen")] += rng.uniform(0.15, 0.5) * _syllables(rng, seconds)
        face[:, SHAPES.index("mouthFunnel")] += rng.uniform(0.0, 0.7) * _syllables(rng, seconds)
    lids = _blinks(rng, seconds)
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        face[:, SHAPES.index(name)] += lids
    return cast(np.ndarray, np.clip(face, 0.0, np.array([_FULL.get(_plain(shape), 1.0) for shape in SHAPES])))


def _plain(shape: str) -> str:
    """A shape's name without its side."""
    return shape.removesuffix("Left").removesuffix("Right")


def _changing(
    rng: np.random.Generator, motion: Motion, draw: Callable[[], Float[np.ndarray, " k"]], *, every: tuple[float, float]
) -> Float[np.ndarray, "t k"]:
    """Values that are held for a while, then change smoothly to others in 0.2 to 0.6 s."""
    seconds = np.arange(len(motion)) / motion.fps
    values: np.ndarray = np.tile(draw(), (len(seconds), 1))
    last, begin = values[0].copy(), float(rng.uniform(-1, 1)) * every[1]
    while begin < seconds[-1]:
        new = draw()
        values += ease((seconds - begin) / rng.uniform(0.2, 0.6))[:, None] * (new - last)
        last, begin = new, begin + float(rng.uniform(*every))
    return values


def _syllables(rng: np.random.Generator, seconds: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Opening and closing a few times a second, 0..1, no two times alike."""
    begin, track = float(rng.uniform(-0.5, 0.0)), np.zeros(len(seconds))
    while begin < seconds[-1]:
        lasts = float(rng.uniform(0.18, 0.6))
        track += rng.uniform(0.2, 1.0) * bump((seconds - begin) / lasts)
        begin += lasts
    return track


def _blinks(rng: np.random.Generator, seconds: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """The lids close for a fifth of a second every few seconds."""
    begin, track = float(rng.uniform(-3.0, 3.0)), np.zeros(len(seconds))
    while begin < seconds[-1]:
        track += bump((seconds - begin) / rng.uniform(0.16, 0.3))
        begin += 0.4 + float(rng.exponential(2.6))
    return track
