"""Hats, glasses, headphones, watches, bags and shoes: whole, where they belong, and they move with what they are on."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hd_core.mesh.faces import boundary_edges
from hd_core.synth.body.identity import Identity, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.body.skinning import skin_points, smooth_normals
from hd_core.synth.motion.rotations import from_vector
from hd_core.synth.wear import shoes as footwear
from hd_core.synth.wear.adornments import glasses, headphones, wristwear
from hd_core.synth.wear.bags import backpack, shoulder_bag
from hd_core.synth.wear.forms import grid_faces, joined, loft, rounded_box, tube
from hd_core.synth.wear.gloves import gloves
from hd_core.synth.wear.hats import sample_hat
from hd_core.synth.wear.last import last_of
from hd_core.synth.wear.looks import Look, Stuff
from hd_core.synth.wear.piece import off_the_skin, tie_to_skin
from hd_core.synth.wear.sections import girdle
from hd_core.synth.wear.shoes import SHOES, sample_footwear
from hd_core.synth.wear.skull import skull_of

SEEDS = range(6)


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(4)
    return [shape_body(load_body(), Identity()), *(shape_body(load_body(), sample_adult(rng)) for _ in range(2))]


def volume(points, faces):
    a, b, c = points[faces].astype(np.float64).swapaxes(0, 1)
    return float(np.einsum("fi,fi->", a, np.cross(b, c))) / 6


def is_wound_one_way(faces):
    """Every edge is gone along once in each direction."""
    forth = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there = np.unique(forth, axis=0)
    return len(there) == len(forth) and (np.unique(forth[:, ::-1], axis=0) == there).all()


def height_over_skin(points, rest):
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    normals = smooth_normals(skin, load_body().faces["body"])
    _, near = cKDTree(skin).query(points)
    return ((points - skin[near]) * normals[near]).sum(axis=1)


def only(monkeypatch, name):
    monkeypatch.setattr(footwear, "SHOES", tuple(shoe for shoe in SHOES if shoe.name == name))
    monkeypatch.setattr(footwear, "BAREFOOT", 0.0)


def test_forms_are_closed_face_outwards_and_have_the_volume_of_their_kind():
    box, faces = rounded_box(np.array([0.1, 0.2, 0.3]), power=2.0, rows=40)
    assert is_wound_one_way(faces)
    assert volume(box, faces) == pytest.approx(4 / 3 * np.pi * 0.006, rel=0.01)
    line = np.stack([np.linspace(0, 1, 5), np.zeros(5), np.zeros(5)], axis=1)
    up = np.broadcast_to([0.0, 0.0, 1.0], line.shape)
    pipe, faces = tube(line, np.full((5, 2), 0.1), up, sides=64, closed=False)
    assert is_wound_one_way(faces)
    assert volume(pipe, faces) == pytest.approx(np.pi * 0.01, rel=0.01)
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    torus, faces = tube(
        ring, np.full((48, 2), 0.1), np.broadcast_to([0.0, 0.0, 1.0], ring.shape), sides=24, closed=True
    )
    assert volume(torus, faces) == pytest.approx(2 * np.pi**2 * 0.01, rel=0.02)
    both, faces = joined([(box, faces[:0]), (torus, faces)])
    assert len(both) == len(box) + len(torus)
    assert faces.min() == len(box)


def test_a_grid_faces_along_its_rows_times_its_columns():
    points, faces = loft(np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0]), axis=-1)[:, :, 0], wrap=False)
    np.testing.assert_array_equal(faces, grid_faces(2, 2))
    assert (smooth_normals(points.astype(np.float32), faces) == [0, 0, -1]).all()  # rows go along y, columns along x


def test_a_girdle_is_tight_around_a_cylinder_at_its_distance():
    angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    ring = np.stack([0.1 * np.cos(angle), 0.1 * np.sin(angle), 0 * angle], axis=1)
    points = np.concatenate([ring, ring * 0.5, ring + np.array([0, 0, 0.5])])
    loop = girdle(points, np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), count=40, off_m=0.01)
    np.testing.assert_allclose(np.linalg.norm(loop, axis=1), 0.11, rtol=1e-3)
    np.testing.assert_allclose(loop[0], [0.11, 0, 0], atol=1e-3)
    np.testing.assert_allclose(loop[10], [0, 0.11, 0], atol=1e-3)


def test_what_is_tied_to_skin_moves_as_the_skin_does_and_belongs_there(people):
    rest, model = people[1], load_body()
    skin = np.arange(0, NUM_SKIN_VERTICES, 97)
    ties = tie_to_skin(rest.vertices[skin], rest)
    np.testing.assert_allclose(ties.canonical, model.template[skin], atol=0.01)
    assert np.median(np.linalg.norm(ties.canonical - model.template[skin], axis=1)) < 1e-3
    np.testing.assert_allclose(ties.bone_weights.sum(axis=1), 1, atol=1e-5)
    turns = np.zeros((len(BONES), 3))
    turns[bone_index("LeftForeArm")] = [0, 0, 1.0]
    maps = forward_kinematics(rest.heads, from_vector(turns), np.zeros(3))
    moved = skin_points(rest.vertices[skin], ties.bone_indices, ties.bone_weights, maps)
    wanted = skin_points(rest.vertices[skin], model.bone_indices[skin], model.bone_weights[skin], maps)
    np.testing.assert_allclose(moved, wanted, atol=0.01)


def test_what_is_under_the_skin_comes_out_to_the_gap_and_the_rest_stays(people):
    rest = people[0]
    skin = rest.vertices[:NUM_SKIN_VERTICES][::400].astype(np.float64)
    normals = smooth_normals(rest.vertices[:NUM_SKIN_VERTICES], load_body().faces["body"])[::400]
    points = np.concatenate([skin - 0.002 * normals, skin + 0.004 * normals])
    moved = off_the_skin(points, rest, 0.003)
    off = np.linalg.norm(moved[: len(skin)] - skin - 0.003 * normals, axis=1)
    assert (off < 1e-3).mean() > 0.9  # but where another fold of skin is nearer, at lips and fingers
    assert (np.abs(moved[len(skin) :] - points[len(skin) :]).max(axis=1) < 1e-3).mean() > 0.9


def test_hats_fit_every_head_and_sit_on_top_of_it(people):
    for rest in people:
        skull = skull_of(rest)
        top = rest.vertices[:NUM_SKIN_VERTICES, 2].max()
        for seed in SEEDS:
            hat = sample_hat(np.random.default_rng(seed), skull)
            points = np.concatenate([piece.rest for piece in hat.pieces])
            rays = points - skull.middle
            length = np.linalg.norm(rays, axis=1)
            over = length - np.linalg.norm(skull.points(rays / length[:, None]) - skull.middle, axis=1)
            assert over.min() > -0.004  # nothing of it is in the head
            assert np.quantile(over, 0.2) < 0.05  # it sits, it does not float
            assert top < points[:, 2].max() < top + 0.09


def test_glasses_are_in_front_of_the_eyes_and_headphones_on_the_ears(people):
    used = np.unique(load_body().faces["eyes"])
    for rest in people:
        eyes = rest.vertices[used]
        for seed in SEEDS:
            frames = glasses(np.random.default_rng(seed), rest)[0].rest
            level = frames[np.abs(frames[:, 2] - eyes[:, 2].mean()) < 0.04]
            assert level[:, 1].min() < eyes[:, 1].min()
            assert height_over_skin(frames, rest).min() > -0.008
            assert np.ptp(frames[:, 0]) < 0.21
        head = headphones(np.random.default_rng(1), skull_of(rest), rest, over_m=0.01)
        both = np.concatenate([piece.rest for piece in head])
        assert both[:, 2].max() > rest.vertices[:NUM_SKIN_VERTICES, 2].max()
        assert both[:, 0].max() > 0.07 > -0.07 > both[:, 0].min()


def test_a_watch_goes_round_its_wrist(people):
    for rest in people:
        strap = wristwear(np.random.default_rng(2), rest)[0]
        side = "Left" if strap.rest[:, 0].mean() > 0 else "Right"
        hand = rest.heads[bone_index(side + "Hand")]
        assert np.linalg.norm(strap.rest.mean(axis=0) - hand, axis=-1) < 0.05
        assert 0.001 < np.median(height_over_skin(strap.rest, rest)) < 0.008
        assert len(boundary_edges(strap.faces)) == 0 or strap.faces.max() < len(strap.rest)


def test_gloves_are_on_both_hands_down_to_the_fingertips_and_bend_with_them(people):
    for rest in people:
        pair = gloves(np.random.default_rng(3), rest)
        assert len(pair) == 2
        for glove, side in zip(pair, ("Left", "Right"), strict=True):
            hand, elbow = (rest.heads[bone_index(side + name)] for name in ("Hand", "ForeArm"))
            along = (glove.rest - elbow) @ (hand - elbow) / ((hand - elbow) @ (hand - elbow))
            assert 0.5 < along.min() < 1.1
            assert along.max() > 1.6
            assert np.median(np.abs(height_over_skin(glove.rest, rest) - 0.0027)) < 0.002
            loops = boundary_edges(glove.faces)
            assert 8 < len(loops) < 60  # the cuff is the only opening
    turns = np.zeros((len(BONES), 3))
    turns[bone_index("LeftHand")] = [0.4, 0, 0]
    maps = forward_kinematics(rest.heads, from_vector(turns), np.zeros(3))
    left, right = (skin_points(g.rest, g.ties.bone_indices, g.ties.bone_weights, maps) - g.rest for g in pair)
    assert np.linalg.norm(left, axis=1).max() > 0.03
    assert np.abs(right).max() < 1e-4


def test_a_backpack_is_behind_the_back_and_its_straps_before_the_chest(people):
    for rest in people:
        bag, *straps = backpack(np.random.default_rng(0), rest, np.zeros((0, 3)))
        chest = rest.heads[bone_index("Spine1")]
        assert bag.rest[:, 1].min() > chest[1]
        assert len(straps) == 2
        for strap in straps:
            assert strap.rest[:, 1].min() < chest[1] - 0.06
            assert height_over_skin(strap.rest, rest).min() > -0.008
        assert len(np.unique(bag.ties.bone_indices, axis=0)) == 1  # it does not bend


def test_a_shoulder_bag_hangs_at_the_hip_from_the_other_shoulder(people):
    for rest in people:
        for seed in SEEDS:
            bag, strap = shoulder_bag(np.random.default_rng(seed), rest, np.zeros((0, 3)))
            side = np.sign(bag.rest[:, 0].mean())
            assert abs(bag.rest[:, 2].mean() - rest.heads[bone_index("Hips"), 2]) < 0.2
            top = strap.rest[strap.rest[:, 2].argmax()]
            assert side * top[0] < 0
            assert top[2] > rest.heads[bone_index("LeftArm"), 2] - 0.02


@pytest.mark.parametrize("name", [shoe.name for shoe in SHOES])
def test_shoes_are_on_both_feet_on_a_sole_below_them(name, people, monkeypatch):
    only(monkeypatch, name)
    for seed, rest in enumerate(people):
        pieces = sample_footwear(np.random.default_rng(seed), rest, covered=False)
        uppers = [piece for piece in pieces if piece.name == name]
        soles = [piece for piece in pieces if piece.name == "soles"]
        assert len(uppers) == len(soles) == 2
        for upper, sole, side in zip(uppers, soles, ("Left", "Right"), strict=True):
            ankle = rest.heads[bone_index(side + "Foot")]
            assert np.sign(upper.rest[:, 0].mean()) == np.sign(ankle[0])
            assert len(boundary_edges(sole.faces)) == 0
            assert volume(sole.rest, sole.faces) > 5e-5
            assert sole.rest[:, 2].min() < rest.floor_m - 0.004
            assert np.ptp(sole.rest[:, 1]) > np.ptp(upper.rest[:, 1]) - 0.01
            assert np.median(height_over_skin(upper.rest, rest)) > 0.0


def test_low_shoes_end_below_the_ankle_and_boots_above_it_unless_trousers_cover_them(people, monkeypatch):
    rest = people[0]
    ankle = rest.heads[bone_index("LeftFoot"), 2]

    def top(name, covered):
        only(monkeypatch, name)
        pieces = sample_footwear(np.random.default_rng(3), rest, covered=covered)
        return max(piece.rest[:, 2].max() for piece in pieces if piece.name == name) - ankle

    assert top("sneakers", covered=False) < 0.03
    assert top("loafers", covered=False) < 0.03
    assert top("boots", covered=False) > 0.08
    assert top("boots", covered=True) < 0.06


def test_a_last_is_outside_the_foot_and_goes_from_heel_to_toes(people):
    for rest in people:
        last = last_of(rest, "Right", top_m=0.1, off_m=0.006)
        points = last.rings.reshape(-1, 3)
        assert height_over_skin(points, rest).min() > -0.001
        foot = rest.vertices[last.skin]
        foot = foot[foot[:, 2] < last.ankle[2]]
        np.testing.assert_allclose([last.along(foot).min(), last.along(foot).max()], [0.02, 0.97], atol=0.04)
        assert last.ankle[0] < 0


def test_skin_under_shoes_is_hidden_but_not_the_leg_above_them(people, monkeypatch):
    only(monkeypatch, "sneakers")
    rest = people[0]
    pieces = sample_footwear(np.random.default_rng(1), rest, covered=True)
    hidden = np.logical_or.reduce([piece.hides for piece in pieces if piece.hides is not None])
    skin = rest.vertices[:NUM_SKIN_VERTICES]
    assert hidden[skin[:, 2] < rest.floor_m + 0.03].all()
    assert not hidden[skin[:, 2] > rest.heads[bone_index("LeftFoot"), 2] + 0.08].any()


def test_a_bent_toe_bends_the_shoe_with_it(people, monkeypatch):
    only(monkeypatch, "sneakers")
    rest = people[0]
    upper = sample_footwear(np.random.default_rng(1), rest, covered=True)[0]
    turns = np.zeros((len(BONES), 3))
    turns[bone_index("LeftToeBase")] = [-0.5, 0, 0]
    maps = forward_kinematics(rest.heads, from_vector(turns), np.zeros(3))
    moved = skin_points(upper.rest, upper.ties.bone_indices, upper.ties.bone_weights, maps)
    shift = np.linalg.norm(moved - upper.rest, axis=1)
    tip = upper.rest[:, 1] < upper.rest[:, 1].min() + 0.02
    heel = upper.rest[:, 1] > upper.rest[:, 1].max() - 0.05
    assert shift[tip].mean() > 0.01
    assert shift[heel].max() < 1e-5


def test_stuff_is_a_look_with_its_colour_and_bumps_only_up_close():
    stuff = Stuff(colour=np.array([0.2, 0.1, 0.05]), grain_m=0.003)
    assert isinstance(stuff, Look)
    places = np.random.default_rng(0).uniform(0, 1, (500, 3))
    np.testing.assert_allclose(stuff.albedo(places).mean(axis=0), [0.2, 0.1, 0.05], rtol=0.05)
    up = np.broadcast_to([0.0, 0.0, 1.0], places.shape).copy()
    near, far = (stuff.bumped(up, places, footprint_m=size) for size in (0.001, 0.01))
    assert np.degrees(np.arccos(near[:, 2])).mean() > 1
    np.testing.assert_array_equal(far, up)
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1, atol=1e-12)


def test_the_same_generator_gives_the_same_things(people):
    skull = skull_of(people[0])
    first, second = (sample_hat(np.random.default_rng(9), skull) for _ in range(2))
    for one, other in zip(first.pieces, second.pieces, strict=True):
        assert one.rest.tobytes() == other.rest.tobytes()
    shoes = [sample_footwear(np.random.default_rng(9), people[1], covered=False) for _ in range(2)]
    assert [p.rest.tobytes() for p in shoes[0]] == [p.rest.tobytes() for p in shoes[1]]
