"""Turns of bones move the mesh as rigid bodies do, and normals are those of the surface."""

import time

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hd_core.errors import InputError
from hd_core.synth.body.identity import Identity, shape_body
from hd_core.synth.body.model import load_body
from hd_core.synth.body.skeleton import BONES, PARENTS, bone_index, forward_kinematics
from hd_core.synth.body.skinning import pose_body, skin_points, smooth_normals

STILL = np.tile(np.eye(3), (len(BONES), 1, 1))


@pytest.fixture(scope="module")
def model():
    return load_body()


@pytest.fixture(scope="module")
def rest(model):
    return shape_body(model, Identity(gender=0.1, weight=0.7, muscle=0.6))


def random_turns(seed, *batch):
    count = int(np.prod([*batch, len(BONES)]))
    angles = np.random.default_rng(seed).normal(0, 0.4, (count, 3))
    return Rotation.from_rotvec(angles).as_matrix().reshape(*batch, len(BONES), 3, 3)


def test_parents_come_before_their_children_and_there_is_one_root():
    assert len(BONES) == len(set(BONES)) == 31 and PARENTS[0] == -1 and BONES[0] == "Hips"
    assert all(0 <= parent < bone for bone, parent in enumerate(PARENTS) if bone)


def test_left_and_right_have_the_same_tree():
    def other(name):
        if name.startswith(("Left", "Right")):
            return name.replace("Left", "_").replace("Right", "Left").replace("_", "Right")
        side = {"LHipJoint": "RHipJoint", "LThumb": "RThumb"}
        return (side | {b: a for a, b in side.items()}).get(name, name)

    for bone, parent in enumerate(PARENTS[1:], start=1):
        mirrored = bone_index(other(BONES[bone]))
        assert BONES[PARENTS[mirrored]] == other(BONES[parent])


def test_an_unknown_bone_is_refused_with_the_names_that_exist():
    assert bone_index("LeftForeArm") == BONES.index("LeftForeArm")
    with pytest.raises(InputError, match="LeftElbow.*LeftForeArm"):
        bone_index("LeftElbow")


def test_no_turn_and_no_shift_give_the_rest(model, rest):
    maps = forward_kinematics(rest.heads, STILL, np.zeros(3))
    assert np.abs(maps - np.eye(4)).max() < 1e-12
    assert np.abs(pose_body(model, rest, maps) - rest.vertices).max() < 1e-6


def test_turning_the_root_turns_everything_rigidly_about_its_head(model, rest):
    turn = Rotation.from_euler("xyz", [20, -50, 130], degrees=True).as_matrix()
    shift = np.array([0.3, -2.0, 0.7])
    turns = STILL.copy()
    turns[0] = turn
    posed = pose_body(model, rest, forward_kinematics(rest.heads, turns, shift))
    head = rest.heads[0]
    assert np.abs(posed - ((rest.vertices - head) @ turn.T + head + shift)).max() < 2e-6


def test_maps_are_the_products_of_turns_about_heads_down_the_chain(rest):
    turns, shift = random_turns(1), np.array([0.1, 0.2, -0.3])
    maps = forward_kinematics(rest.heads, turns, shift)

    def about(point, turn):
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = turn, point - turn @ point
        return step

    moved = np.eye(4)
    moved[:3, 3] = shift
    for bone in range(len(BONES)):
        chain, at = [], bone
        while at >= 0:
            chain.append(at)
            at = PARENTS[at]
        expected = moved
        for link in reversed(chain):
            expected = expected @ about(rest.heads[link].astype(float), turns[link])
        assert np.abs(maps[bone] - expected).max() < 1e-12, BONES[bone]


def test_bending_the_left_elbow_moves_the_left_hand_and_nothing_else(model, rest):
    turns = STILL.copy()
    turns[bone_index("LeftForeArm")] = Rotation.from_euler("x", -90, degrees=True).as_matrix()
    moved = np.linalg.norm(
        pose_body(model, rest, forward_kinematics(rest.heads, turns, np.zeros(3))) - rest.vertices, axis=1
    )
    elbow, hand = (rest.heads[bone_index(name)] for name in ("LeftForeArm", "LeftHand"))
    assert moved[rest.vertices[:, 0] < 0].max() < 1e-3, "the source has stray shares of 0.1 % on the other side"
    near_hand = np.linalg.norm(rest.vertices - hand, axis=1) < 0.03
    arm = hand - elbow
    lever = np.hypot(arm[1], arm[2])  # distance from the axis of the turn
    assert moved[near_hand].mean() == pytest.approx(np.sqrt(2) * lever, rel=0.15)


def test_skinning_agrees_with_a_slow_twin_in_double_precision(model, rest):
    maps = forward_kinematics(rest.heads, random_turns(2), np.ones(3))
    dense = np.zeros((len(rest.vertices), len(BONES)))
    np.add.at(dense, (np.arange(len(dense))[:, None], model.bone_indices), model.bone_weights)
    blend = np.einsum("vb,bij->vij", dense, maps)
    slow = np.einsum("vij,vj->vi", blend[:, :3, :3], rest.vertices) + blend[:, :3, 3]
    assert np.abs(pose_body(model, rest, maps) - slow).max() < 3e-6


def test_many_poses_at_once_equal_one_by_one_to_the_bit(model, rest):
    turns = random_turns(3, 2, 2)
    roots = np.random.default_rng(4).normal(size=(2, 2, 3))
    together = pose_body(model, rest, forward_kinematics(rest.heads, turns, roots))
    assert together.shape == (2, 2, len(rest.vertices), 3) and together.dtype == np.float32
    for index in np.ndindex(2, 2):
        alone = pose_body(model, rest, forward_kinematics(rest.heads, turns[index], roots[index]))
        assert alone.tobytes() == together[index].tobytes()


def test_points_of_a_garment_follow_the_bones_that_they_are_given(rest):
    points = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], np.float32)
    indices, weights = np.zeros((2, 8), np.uint8), np.zeros((2, 8), np.float32)
    indices[1, :2], weights[0, 0], weights[1, :2] = (18, 0), 1, (0.25, 0.75)
    maps = np.tile(np.eye(4), (31, 1, 1))
    maps[18, :3, 3] = (0, 0, 4)
    assert np.allclose(skin_points(points, indices, weights, maps), [[0, 0, 0], [1, 0, 1]])


def test_normals_of_a_ball_point_away_from_its_middle(model):
    # An octahedron split four times and pushed onto the sphere: any smooth closed surface with known normals.
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    triangles = corners[[[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]]
    for _ in range(4):
        a, b, c = triangles.swapaxes(0, 1)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        triangles = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    points, faces = np.unique(np.round(triangles.reshape(-1, 3), 9), axis=0, return_inverse=True)
    ball = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    normals = smooth_normals(
        np.concatenate([3 * ball, [[9, 9, 9]]]).astype(np.float32), faces.reshape(-1, 3).astype(np.int32)
    )
    assert np.degrees(np.arccos(np.clip((normals[:-1] * ball).sum(1), -1, 1))).max() < 1.5
    assert (normals[-1] == 0).all(), "a vertex without faces has no normal"


def test_body_normals_point_out_of_the_body(model, rest):
    normals = smooth_normals(rest.vertices, model.faces["body"])
    used = np.unique(model.faces["body"])
    assert np.allclose(np.linalg.norm(normals[used], axis=1), 1, atol=1e-5)
    crown, back = rest.vertices[:13380, 2].argmax(), rest.vertices[:13380, 1].argmax()
    assert normals[crown, 2] > 0.95 and normals[back, 1] > 0.9


def test_posing_a_body_takes_less_than_the_budget_of_a_frame(model, rest):
    maps = forward_kinematics(rest.heads, random_turns(5), np.zeros(3))
    pose_body(model, rest, maps)
    spent = []
    for _ in range(10):
        start = time.thread_time()
        pose_body(model, rest, maps)
        spent.append(time.thread_time() - start)
    assert min(spent) < 1.5e-3
