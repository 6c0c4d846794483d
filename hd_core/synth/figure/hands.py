"""The bones of a hand with five fingers, as tapered cones in the hand's own axes."""

import numpy as np
from jaxtyping import Float

from hd_core.synth.figure.skeleton import Mat, Vec

FINGER_BASES = np.array([[0.029, 0.086, 0.0], [0.0095, 0.091, -0.002], [-0.010, 0.087, -0.001], [-0.028, 0.078, 0.002]])
"""Knuckles from index to little finger; x towards the thumb, y towards the tips, z out of the palm."""
FINGER_LENGTHS_M = np.array([0.072, 0.080, 0.074, 0.058])
FINGER_RADII_M = np.array([0.0088, 0.0090, 0.0086, 0.0076])
FINGER_SPREAD = np.array([0.11, 0.02, -0.08, -0.19])
NUM_PALM, NUM_FINGER = 5, 10

Segment = tuple[Vec, Vec, float, float]


def hand_segments(curl: float) -> list[Segment]:
    """Start, end and radii of every bone: five of the palm, then two of each finger, the thumb last.

    Args:
        curl: Bend of the knuckles, rad; the middle joints bend a little more.
    """
    wrist_x = (0.013, 0.004, -0.006, -0.014)
    palm: list[Segment] = [
        (np.array([x, 0.004, 0.0]), base, 0.0155, 0.0118) for x, base in zip(wrist_x, FINGER_BASES, strict=True)
    ]
    palm.append((np.array([0.010, 0.020, 0.004]), np.array([0.030, 0.046, 0.012]), 0.016, 0.0145))
    fingers: list[Segment] = []
    for index in range(4):
        fingers += _finger(index, curl * (0.85 + 0.12 * index))
    tip_base = np.array([0.044, 0.066, 0.016])
    fingers.append((np.array([0.030, 0.044, 0.012]), tip_base, 0.0128, 0.0108))
    fingers.append((tip_base, tip_base + np.array([0.010, 0.027, 0.006 + 0.008 * curl]), 0.0108, 0.0085))
    return palm + fingers


def _finger(index: int, curl: float) -> list[Segment]:
    base, length, radius = FINGER_BASES[index], FINGER_LENGTHS_M[index], float(FINGER_RADII_M[index])
    spread = FINGER_SPREAD[index]

    def bone(angle: float, share: float) -> Vec:
        flat = np.array([np.sin(spread), np.cos(spread), 0.0])
        return np.asarray(share * length * (np.cos(angle) * flat + np.sin(angle) * np.array([0.0, 0.0, 1.0])))

    middle = base + bone(curl, 0.55)
    tip = middle + bone(2.2 * curl, 0.45)
    return [(base, middle, radius, 0.92 * radius), (middle, tip, 0.92 * radius, 0.76 * radius)]


def hand_axes(elbow: Vec, wrist: Vec, *, sign: float, inward: Vec, bend: float) -> Mat:
    """Columns x (thumb side), y (fingers), z (palm) of a hand that goes on where the forearm ends.

    Args:
        elbow: World, m.
        wrist: World, m.
        sign: +1 for the left hand, -1 for the right.
        inward: Direction that the palm should face, world.
        bend: Flexion of the wrist towards the palm, rad.
    """
    forearm = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    palm = inward - (inward @ forearm) * forearm
    palm = palm / np.linalg.norm(palm)
    y = np.cos(bend) * forearm + np.sin(bend) * palm
    z = np.cos(bend) * palm - np.sin(bend) * forearm
    return np.stack([sign * np.cross(y, z), y, z], axis=1)


def cone_rows(segments: list[Segment]) -> Float[np.ndarray, "n 11"]:
    """Rows for the kernels; a bone shorter than its radii differ is a mistake of the caller."""
    rows = []
    for start, end, first, second in segments:
        length = float(np.linalg.norm(end - start))
        sine = (first - second) / length
        tail = [length, first, second, sine, np.sqrt(1 - sine**2)]
        rows.append(np.concatenate([start, (end - start) / length, tail]))
    return np.stack(rows)
