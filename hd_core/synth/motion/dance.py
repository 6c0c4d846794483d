"""Procedural dances: key poses on the beat, feet that stay where they stand, arms that keep out of the body.

The upper body goes from key pose to key pose with continuous acceleration, its far ends lagging. The feet are planned
first and the legs follow them by inverse kinematics, so a foot that bears weight cannot slide.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.motion.collision import guard_arms
from hd_core.synth.motion.flesh import Flesh
from hd_core.synth.motion.legs import FootPath, solve_leg, straight_leg
from hd_core.synth.motion.legwork import LEGWORK, STEP_SECONDS
from hd_core.synth.motion.limits import clamp_to_limits
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.poses import Dice, Number
from hd_core.synth.motion.rig import REFERENCE_HEADS, ground_height, leg_length, sole
from hd_core.synth.motion.rotations import about, from_vector, to_vector
from hd_core.synth.motion.score import LAG_SECONDS, Score, Style, style_of, write_score
from hd_core.synth.motion.steps import Plan, ease, foot_path

_X, _Z = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])
_SIDES = ("Left", "Right")
_SCALES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)  # of the legs' excursions, tried in turn until the legs can follow
_MARGIN_SECONDS = 0.5
_DRAWS = 4
_ARM_DEPTH = 0.03  # m that an arm may be inside the body (clothes and flesh give way) before another dance is drawn
_OFF_PATH = 0.006  # m that a planted foot may be off its path


def sample_dance(
    rng: np.random.Generator,
    *,
    num_frames: int,
    fps: float,
    style: str = "any",
    heads: Float[np.ndarray, "31 3"] | None = None,
    flesh: Flesh | None = None,
) -> Motion:
    """Draw a dance.

    The person stands on the plane z = `ground_height(heads)` and stays within 0.75 m of where the dance began.

    Args:
        rng: Where chance comes from; the same state gives the same motion.
        num_frames: Length in frames.
        fps: Frames per second.
        style: One of `score.STYLES`, or "any".
        heads: Joint places of the dancer at rest, m; those of a middle adult by default.
        flesh: The dancer's skin, which the arms then keep out of.

    Raises:
        InputError: A length or rate that is not positive, or an unknown style.
    """
    if num_frames < 1 or not fps > 0:
        raise InputError(f"Found {num_frames} frames at {fps} frames per second; expected at least 1 at more than 0.")
    places = REFERENCE_HEADS if heads is None else np.asarray(heads, dtype=np.float64)
    kind = style_of(rng, style)
    best, least = None, np.inf
    for _ in range(_DRAWS):
        motion, depth = _draw(int(rng.integers(2**62)), kind, places, flesh, num_frames=num_frames, fps=fps)
        if best is None or depth < least:
            best, least = motion, depth
        if depth <= _ARM_DEPTH:
            break
    return cast(Motion, best)


def _draw(
    seed: int,
    style: Style,
    heads: Float[np.ndarray, "31 3"],
    flesh: Flesh | None,
    *,
    num_frames: int,
    fps: float,
) -> tuple[Motion, float]:
    """One dance, its legs' excursions shrunk until they can follow, and how deep its arms go into the body, m."""
    margin = int(np.ceil(_MARGIN_SECONDS * fps))
    seconds = (np.arange(num_frames + 2 * margin) - margin) / fps
    for scale in _SCALES:
        rng = np.random.default_rng(seed)
        score = write_score(rng, style, seconds=num_frames / fps)
        turns, root, feet = _perform(rng, score, seconds, heads, scale=scale, fps=fps)
        if _legs_follow(heads, turns, root, feet):
            break
    guarded = guard_arms(heads, turns, fps=fps, flesh=flesh)
    keep = slice(margin, margin + num_frames)
    motion = Motion(
        rotations=guarded.rotations[keep].astype(np.float32),
        root=root[keep].astype(np.float32),
        fps=float(fps),
        families=score.families(seconds=num_frames / fps),
        beats_per_minute=score.beats_per_minute,
    )
    return motion, float(guarded.depth[keep].max())


_Performance = tuple[Float[np.ndarray, "t 31 3 3"], Float[np.ndarray, "t 3"], tuple[FootPath, FootPath]]


def _perform(
    rng: np.random.Generator,
    score: Score,
    seconds: Float[np.ndarray, " t"],
    heads: Float[np.ndarray, "31 3"],
    *,
    scale: float,
    fps: float,
) -> _Performance:
    """Turns, root and feet of a score, everything the legs do shrunk by `scale`."""
    beats = seconds * score.beats_per_minute / 60 + score.phase
    first_yaw = np.radians(rng.normal(0, 45))
    yaw = first_yaw + scale**0.25 * score.yaw_at(beats)
    turns = upper_body(rng, score, beats, seconds)
    hips = about(_Z, yaw) @ turns[:, 0]
    plan, starts = _plan(rng, score, heads, first_yaw=first_yaw, scale=scale)
    ground = ground_height(heads)
    feet = tuple(
        foot_path(plan.steps, foot, start=starts[foot], beats=beats, body_yaw=yaw, ground=ground) for foot in (0, 1)
    )
    heels, height = _keyed(plan.heels, beats), plan.height_at(beats)
    both = (feet[0].risen(heels), feet[1].risen(heels))
    drop = _keyed(plan.drop, beats) + _bounce(rng, score, beats, heads) * scale
    centre = _hips_place(
        heads, both, hips=hips, yaw=yaw, weight=_keyed(plan.weight, beats, rest=0.5), drop=drop, fps=fps
    )
    turns[:, 0] = hips
    centre[:, 2] += height
    both = (both[0].lifted(height), both[1].lifted(height))
    for foot, side in enumerate(_SIDES):
        hip = centre + hips @ (heads[bone_index(f"{side}UpLeg")] - heads[0])
        for name, turn in solve_leg(heads, side, hips_turn=hips, hip=hip, foot=both[foot]).items():
            turns[:, bone_index(name)] = turn
    return clamp_to_limits(turns), centre - heads[0], both


def upper_body(
    rng: np.random.Generator, score: Score, beats: Float[np.ndarray, " t"], seconds: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "t 31 3 3"]:
    """From key to key along the shortest turns, far bones later; breath and a nod on every beat on top."""
    per_second = score.beats_per_minute / 60
    lag = np.array([LAG_SECONDS.get(bone, 0.0) for bone in range(len(BONES))]) * per_second
    at = beats[:, None] - lag
    last = np.clip(np.searchsorted(score.key_beats, at, side="right") - 1, 0, len(score.key_beats) - 2)
    span = score.key_beats[last + 1] - score.key_beats[last]
    share = ease((at - score.key_beats[last]) / (span * score.attack[last]))
    ways = to_vector(score.keys[:-1].swapaxes(-1, -2) @ score.keys[1:])
    bones = np.arange(len(BONES))
    turns = score.keys[last, bones] @ from_vector(ways[last, bones] * share[..., None])
    breath = np.radians(rng.uniform(0.4, 1.0)) * np.sin(2 * np.pi * (rng.uniform(0.2, 0.35) * seconds + rng.uniform()))
    nod = np.radians(rng.uniform(0.5, 5.0) * score.energy) * np.cos(2 * np.pi * (beats - 0.1))
    for name, extra in (("Spine1", breath), ("Neck", -breath), ("Head", nod)):
        turns[:, bone_index(name)] = about(_X, extra) @ turns[:, bone_index(name)]
    return cast(np.ndarray, turns)


def _plan(
    rng: np.random.Generator, score: Score, heads: Float[np.ndarray, "31 3"], *, first_yaw: float, scale: float
) -> tuple[Plan, tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]]:
    """Plan the steps of all segments; also where the balls of the feet are before the first."""
    size = leg_length(heads)
    plan = Plan(
        size=size,
        stance=size * rng.uniform(0.12, 0.25),
        yaw_at=lambda beat: float(first_yaw + scale**0.25 * score.yaw_at(np.array([beat], dtype=np.float64))[0]),
        scale=scale,
        dice=Dice(rng),
        shortest=STEP_SECONDS * score.beats_per_minute / 60,
    )
    ahead = rng.normal(0, 0.03) * size
    begin = score.segments[0].begin
    starts = (plan.place(0, begin, ahead=ahead), plan.place(1, begin, ahead=-ahead))
    plan.feet += starts
    for segment in score.segments:
        LEGWORK[segment.legs](plan, segment.begin, segment.end)
        plan.drop.append((segment.end - 0.5, 0.0))
    return plan, starts


def _keyed(
    keys: list[tuple[Number, float]], beats: Float[np.ndarray, " t"], *, rest: float = 0.0
) -> Float[np.ndarray, " t"]:
    """A value that eases from key to key, at rest before the first and after the last."""
    ordered = sorted([(beats[0] - 1.0, rest), *keys, (beats[-1] + 2.0, rest)])
    times, values = np.array([time for time, _ in ordered]), np.array([value for _, value in ordered])
    last = np.clip(np.searchsorted(times, beats, side="right") - 1, 0, len(times) - 2)
    share = (beats - times[last]) / np.maximum(times[last + 1] - times[last], 1e-6)
    return cast(np.ndarray, values[last] + (values[last + 1] - values[last]) * ease(share))


def _bounce(
    rng: np.random.Generator, score: Score, beats: Float[np.ndarray, " t"], heads: Float[np.ndarray, "31 3"]
) -> Float[np.ndarray, " t"]:
    """The hips go down on every beat, m."""
    depth = score.energy * leg_length(heads) * (0.006 + 0.055 * rng.beta(1.3, 2.0))
    return cast(np.ndarray, depth * (0.5 + 0.5 * np.cos(2 * np.pi * beats)) + rng.uniform(0.0, 0.02))


def _hips_place(
    heads: Float[np.ndarray, "31 3"],
    feet: tuple[FootPath, FootPath],
    *,
    hips: Float[np.ndarray, "t 3 3"],
    yaw: Float[np.ndarray, " t"],
    weight: Float[np.ndarray, " t"],
    drop: Float[np.ndarray, " t"],
    fps: float,
) -> Float[np.ndarray, "t 3"]:
    """Where the hips are, m: over the feet that bear the weight, no higher than both legs reach."""
    share = weight[:, None]
    back = np.array([0.0, heads[0, 1] - sole(heads, "Left").ball[1] - 0.02, 0.0])
    deep = drop[:, None] * np.array([0.0, 0.25, 0.0])  # who bends the knees sits back
    place = share * feet[0].ball + (1 - share) * feet[1].ball + (about(_Z, yaw) @ (back + deep)[..., None])[..., 0]
    place = gaussian_filter1d(place, 0.08 * fps, axis=0, mode="nearest")
    ankles = [foot.ankle(heads, side)[:, 2] - heads[bone_index(f"{side}Foot"), 2] for side, foot in _sided(feet)]
    limits = [heads[0, 2] - drop + np.maximum(np.minimum(*ankles), 0.0)]  # who stands on tiptoe is taller
    for side, foot in _sided(feet):
        offset = hips @ (heads[bone_index(f"{side}UpLeg")] - heads[0])
        ankle = foot.ankle(heads, side)
        across = np.sum((ankle - place - offset)[:, :2] ** 2, axis=-1)
        reach = 0.985 * straight_leg(heads, side)
        limits.append(ankle[:, 2] - offset[:, 2] + np.sqrt(np.maximum(reach**2 - across, (0.3 * reach) ** 2)))
    soft = 0.008
    heights = np.stack(limits)
    lowest = heights.min(axis=0)
    place[:, 2] = lowest - soft * np.log(np.sum(np.exp((lowest - heights) / soft), axis=0))
    return cast(np.ndarray, place)


def _sided(feet: tuple[FootPath, FootPath]) -> Iterator[tuple[str, FootPath]]:
    return zip(_SIDES, feet, strict=True)


def _legs_follow(
    heads: Float[np.ndarray, "31 3"],
    turns: Float[np.ndarray, "t 31 3 3"],
    root: Float[np.ndarray, "t 3"],
    feet: tuple[FootPath, FootPath],
) -> bool:
    """Whether the limits of the joints left the planted feet where they were planned, and nothing below the ground."""
    posed = forward_kinematics(heads, turns, root)
    ground = ground_height(heads)
    for side, foot in _sided(feet):
        points = sole(heads, side)
        bones = {"Foot": (points.ball, points.heel), "ToeBase": (points.toe,)}
        for bone, marks in bones.items():
            matrix = posed[:, bone_index(side + bone)]
            for mark in marks:
                where = (matrix @ np.append(mark, 1.0))[:, :3]
                if where[:, 2].min() < ground - _OFF_PATH:
                    return False
                off = np.linalg.norm(where - foot.ball, axis=-1)[foot.ball[:, 2] < ground + 0.002]
                if mark is points.ball and off.size and off.max() > _OFF_PATH:
                    return False
    return True
