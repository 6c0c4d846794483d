"""How varied synthetic motions are and how clean. Run: python benchmarks/motion.py [--motions N] [--seconds S].

Every motion belongs to another person. Skin in skin is measured on the whole skin, not on the points that the generator
itself uses: a vertex counts if it lies more than 1 cm behind the nearest skin of another part of the body. Parts that
hang together (forearm and hand, thigh and trunk) are not held against each other.
"""

import argparse

import numpy as np
from scipy.spatial import cKDTree

from hd_core.synth.body.identity import RestBody, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.body.skinning import pose_body, smooth_normals
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.rig import ground_height, leg_length, sole
from hd_core.synth.motion.rotations import to_vector
from hd_core.synth.motion.sample import rest_at, sample_motion

FPS = 30.0
DEEP_M, NEAR_M = 0.01, 0.2
PARTS = {
    "UpLeg": "thigh",
    "Leg": "shank",
    "Foot": "foot",
    "ToeBase": "foot",
    "Arm": "upper arm",
    "ForeArm": "forearm",
    **dict.fromkeys(("Hand", "LThumb", "RThumb", "FingerBase", "HandFinger1"), "hand"),
    **dict.fromkeys(("Head", "Neck", "Neck1"), "head"),
}
CHAINS = (("thigh", "shank"), ("shank", "foot"), ("upper arm", "forearm"), ("forearm", "hand"))
TRUNK = ("thigh", "upper arm", "head")


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Variety and faults of synthetic motions.")
    parser.add_argument("--motions", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.8)
    wanted = parser.parse_args()
    model, rows = load_body(), []
    for seed in range(wanted.motions):
        rng = np.random.default_rng(seed)
        rest = shape_body(model, sample_adult(rng))
        motion = sample_motion(rng, rest, num_frames=max(int(wanted.seconds * FPS), 2), fps=FPS)
        rows.append(measure(rest, motion))
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    print(f"{'':44}{'median':>9}{'5 %':>9}{'95 %':>9}{'most':>9}")
    for name, values in table.items():
        low, middle, high = np.percentile(values, [5, 50, 95])
        print(f"{name:44}{middle:9.2f}{low:9.2f}{high:9.2f}{values.max():9.2f}   mean {values.mean():.3f}")


def measure(rest: RestBody, motion: Motion) -> dict[str, float]:
    """Figures of one motion."""
    heads = rest.heads.astype(np.float64)
    turns = motion.rotations.astype(np.float64)
    posed = forward_kinematics(heads, turns, motion.root)
    forward = turns[:, 0] @ np.array([0.0, -1, 0])
    chest = forward_kinematics(heads, turns, motion.root)[:, bone_index("Spine1"), :3, :3]
    speed = np.degrees(np.linalg.norm(to_vector(turns[:-1].swapaxes(-1, -2) @ turns[1:]), axis=-1)) * FPS
    hips = motion.root[:, 2] / leg_length(heads)
    return {
        "heading at the start, degrees from front": float(abs(np.degrees(np.arctan2(forward[0, 0], -forward[0, 1])))),
        "heading: range, degrees": float(np.degrees(np.ptp(np.unwrap(np.arctan2(forward[:, 0], -forward[:, 1]))))),
        "chest: most tilt, degrees": float(np.degrees(np.arccos(np.clip(chest[:, 2, 2], -1, 1))).max()),
        "hips: lowest, lengths of the leg": float(-hips.min()),
        "hips: highest jump, m": float(motion.root[:, 2].max()),
        "hands: share of frames before the trunk": before_trunk(heads, posed),
        "fastest joint, degrees per second": float(speed.max()),
        "mean of all joints, degrees per second": float(speed.mean()),
        "planted feet: most slip, cm": 100 * slip(heads, posed),
        "skin below the floor: deepest, cm": 100 * sunk(rest, motion, posed),
        "skin in skin: share of it, per cent": 100 * skin_in_skin(rest, motion, posed),
    }


def before_trunk(heads: np.ndarray, posed: np.ndarray) -> float:
    """Share of frames with a wrist within 18 cm of the middle, between hips and neck, ahead of the spine."""
    chest, before = posed[:, bone_index("Spine1")], np.zeros(len(posed), bool)
    for name in ("LeftHand", "RightHand"):
        wrist = posed[:, bone_index(name)] @ np.append(heads[bone_index(name)], 1)
        x, y, z = (chest[:, :3, :3].swapaxes(-1, -2) @ (wrist[:, :3] - chest[:, :3, 3])[..., None])[..., 0].T
        before |= (np.abs(x) < 0.18) & (z > 0.1) & (z < 0.6) & (y < -0.1)
    return float(before.mean())


def slip(heads: np.ndarray, posed: np.ndarray) -> float:
    """How far the ball of a foot moves at most from frame to frame while it is on the floor, m."""
    most = 0.0
    for side in ("Left", "Right"):
        ball = (posed[:, bone_index(f"{side}Foot")] @ np.append(sole(heads, side).ball, 1))[:, :3]
        down = ball[:, 2] < ground_height(heads) + 0.004
        steps = np.linalg.norm(np.diff(ball[:, :2], axis=0), axis=1)[down[1:] & down[:-1]]
        most = max(most, float(steps.max(initial=0.0)))
    return most


def sunk(rest: RestBody, motion: Motion, posed: np.ndarray) -> float:
    """How deep the skin is under the floor, m; the soles of the person at rest are on it."""
    lows = [skin_of(rest, motion, posed, frame)[:, 2].min() for frame in range(0, len(motion), 6)]
    return float(max(rest.floor_m - min(lows), 0.0))


def skin_of(rest: RestBody, motion: Motion, posed: np.ndarray, frame: int) -> np.ndarray:
    """The skin at a frame, hands and face as they are then, m."""
    return pose_body(load_body(), rest_at(rest, motion, frame), posed[frame])[:NUM_SKIN_VERTICES]


def skin_in_skin(rest: RestBody, motion: Motion, posed: np.ndarray) -> float:
    """Share of the skin that is inside other parts of the body, over every eighth frame."""
    shares = [inside(skin_of(rest, motion, posed, frame)).mean() for frame in range(0, len(motion), 8)]
    return float(np.mean(shares))


def inside(skin: np.ndarray) -> np.ndarray:
    """Which vertices are deep inside a part that they do not belong to."""
    model = load_body()
    normals = smooth_normals(skin, model.faces["body"])
    labels = np.array([part_of(name) for name in BONES])[model.bone_indices[:NUM_SKIN_VERTICES, 0]]
    found = np.zeros(len(skin), bool)
    for part in np.unique(labels):
        theirs = labels == part
        mine = ~theirs & ~np.isin(labels, neighbours(str(part)))
        mine &= np.all((skin > skin[theirs].min(axis=0)) & (skin < skin[theirs].max(axis=0)), axis=1)
        gap, nearest = cKDTree(skin[theirs]).query(skin[mine], k=3, distance_upper_bound=NEAR_M)
        near = np.isfinite(gap).all(axis=1)
        at = np.flatnonzero(theirs)[nearest[near]]
        depth = np.einsum("nki,nki->nk", skin[at] - skin[mine][near][:, None], normals[at]).min(axis=1)
        aside = np.sqrt(np.maximum(gap[near, 0] ** 2 - depth**2, 0))
        found[np.flatnonzero(mine)[near]] |= (depth > DEEP_M) & (aside < 0.02 + depth)
    return found


def part_of(bone: str) -> str:
    """Name of the part of the body that a bone carries; limbs with their side before it."""
    side = "left " if bone.startswith("Left") or bone == "LThumb" else "right "
    part = PARTS.get(bone.removeprefix("Left").removeprefix("Right"), "trunk")
    return part if part in ("trunk", "head") else side + part


def neighbours(part: str) -> list[str]:
    """Parts that hang together with one."""
    if part == "trunk":
        return ["head", *(side + limb for side in ("left ", "right ") for limb in TRUNK[:2])]
    if part == "head":
        return ["trunk"]
    side, limb = part.split(" ", maxsplit=1)
    near = [f"{side} {b if a == limb else a}" for a, b in CHAINS if limb in (a, b)]
    other = {"left": "right", "right": "left"}[side]
    return near + (["trunk"] if limb in TRUNK else []) + ([f"{other} thigh"] if limb == "thigh" else [])


if __name__ == "__main__":
    main()
