"""A motion for a person of given build: a dance or a time on the floor, hands and face, and the person at a frame."""

import numpy as np

from hd_core.errors import InputError
from hd_core.synth.body.face import move_face
from hd_core.synth.body.hands import bend_fingers, hand_axes, load_fingers
from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.skeleton import bone_index, forward_kinematics
from hd_core.synth.motion.dance import sample_dance
from hd_core.synth.motion.flesh import flesh_of
from hd_core.synth.motion.floor import sample_floor
from hd_core.synth.motion.gestures import with_gestures
from hd_core.synth.motion.motion import Motion

FLOOR_SHARE = 0.03
"""Motions of people who kneel or sit."""


def sample_motion(rng: np.random.Generator, rest: RestBody, *, num_frames: int, fps: float) -> Motion:
    """Draw how a person moves.

    Args:
        rng: Where chance comes from; the same state gives the same motion.
        rest: The person; the skin decides where arms have room.
        num_frames: Length in frames.
        fps: Frames per second.

    Raises:
        InputError: A length or rate that is not positive.
    """
    if num_frames < 1 or not fps > 0:
        raise InputError(f"Found {num_frames} frames at {fps} frames per second; expected at least 1 at more than 0.")
    heads, flesh = rest.heads.astype(np.float64), flesh_of(rest)
    if rng.random() < FLOOR_SHARE:
        motion = sample_floor(rng, heads, flesh, num_frames=num_frames, fps=fps)
    else:
        motion = sample_dance(rng, num_frames=num_frames, fps=fps, heads=heads, flesh=flesh)
    return with_gestures(rng, motion)


def rest_at(rest: RestBody, motion: Motion, frame: int) -> RestBody:
    """The person at rest with hands and face as they are in a frame; frames before the first are like it.

    Args:
        rest: The person.
        motion: What the person does.
        frame: Which frame.
    """
    if motion.hands is None and motion.face is None:
        return rest
    vertices, at = rest.vertices.copy(), max(frame, 0)
    if motion.face is not None:
        move_face(vertices, motion.face[at])
    if motion.hands is not None:
        axes = hand_axes(rest.vertices)
        vertices[load_fingers().vertices] = bend_fingers(rest.vertices, axes, motion.hands[at])
    return RestBody(vertices=vertices, heads=rest.heads, tails=rest.tails)


def tallest(rest: RestBody, motion: Motion) -> float:
    """How high the crown gets over the floor, m; at most the stature, jumps left out."""
    head = bone_index("Head")
    crown = np.array([*rest.heads[head][:2], rest.floor_m + rest.stature_m, 1.0])
    posed = forward_kinematics(rest.heads.astype(np.float64), motion.rotations, motion.root)[:, head]
    return float(min((posed @ crown)[:, 2].max() - rest.floor_m, rest.stature_m))
