"""What is painted on skin and eyes: where it belongs, on both sides alike, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from hd_core.synth.look.drawings import draw_letters
from hd_core.synth.look.face import EYE_WHITE, FaceMarks, Tattoo, sample_paint

MARKS = FaceMarks(
    mouth=np.array([0, -0.143, 0.646]),
    cheeks=np.array([[0.042, -0.138, 0.686], [-0.042, -0.138, 0.686]]),
    nose=np.array([0, -0.168, 0.691]),
    eyes=np.array([[0.031, -0.1245, 0.728], [-0.031, -0.1245, 0.728]]),
)
BARE = np.array([0.4, 0.3, 0.2])


def paint(seed=0, **changes):
    calm = {"lid_share": 0.0, "lips_share": 0.0, "stubble": 0.0, "tattoos": (), "lashes": 0.0}
    return replace(sample_paint(np.random.default_rng(seed)), **{**calm, **changes})


def painted(one, places):
    return one.over(np.broadcast_to(BARE, places.shape).copy(), places, MARKS, 0.0)


def test_brows_are_over_the_eyes_alike_on_both_sides_and_nothing_else_is_painted():
    x, z = np.meshgrid(np.linspace(-0.07, 0.07, 281), np.linspace(0.6, 0.8, 401))
    face = np.stack([x, np.full_like(x, -0.14), z], axis=-1).reshape(-1, 3)
    dark = painted(paint(), face).sum(-1) < 0.6 * BARE.sum()
    assert dark.sum() > 300
    found = face[dark]
    assert found[:, 2].min() > 0.728 + 0.014
    assert found[:, 2].max() < 0.728 + 0.03
    assert np.abs(found[:, 0]).min() > 0.012
    assert np.abs(found[:, 0]).max() < 0.058
    np.testing.assert_allclose(painted(paint(), face), painted(paint(), face * [-1, 1, 1]), atol=1e-12)
    outer, inner = np.abs(found[:, 0]).max() - 0.031, 0.031 - np.abs(found[:, 0]).min()
    assert outer > inner + 0.004  # they reach further to the temples than to the nose


def test_the_back_of_the_head_has_no_face():
    rng = np.random.default_rng(1)
    back = rng.uniform([-0.08, 0.0, 0.6], [0.08, 0.1, 0.84], (5000, 3))
    loud = paint(lid_share=1.0, lips_share=1.0, lashes=1.0)
    np.testing.assert_array_equal(painted(loud, back), np.broadcast_to(BARE, back.shape))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"lips_share": 1.0}, MARKS.mouth),
        ({"lid_share": 1.0}, MARKS.eyes[0] + np.array([0.0, -0.013, 0.009])),
        ({"lashes": 1.0}, MARKS.eyes[1] + np.array([0.0, -0.012, 0.008])),
        ({"stubble": 1.0}, MARKS.mouth + np.array([0.03, 0.01, -0.02])),
    ],
)
def test_make_up_and_stubble_are_where_they_belong_and_leave_the_forehead_alone(change, place):
    places = np.stack([place, [0.0, -0.14, 0.79]])
    before, after = painted(paint(), places), painted(paint(**change), places)
    assert np.abs(after[0] - before[0]).max() > 0.05
    np.testing.assert_array_equal(after[1], before[1])


def test_irises_look_to_the_front_and_the_rest_is_white():
    one = paint(iris=np.array([0.1, 0.2, 0.3]))
    for eye in MARKS.eyes:
        away = np.array([[0, -0.0138, 0], [0.004, -0.013, 0], [0.009, -0.01, 0], [0, 0.0138, 0]])
        pupil, iris, white, behind = one.eyes(eye + away, MARKS)
        assert pupil.max() < 0.01
        np.testing.assert_allclose(iris, [0.1, 0.2, 0.3], atol=1e-9)
        np.testing.assert_allclose(white / white[0], EYE_WHITE / EYE_WHITE[0])
        np.testing.assert_allclose(behind / behind[0], EYE_WHITE / EYE_WHITE[0])
        assert 0.3 < white[0] / EYE_WHITE[0] < 0.8  # near the lids less light arrives


def test_brows_are_darker_than_the_darkest_skin():
    dark = np.broadcast_to([0.08, 0.04, 0.02], (1, 3)).copy()
    over = MARKS.eyes[0] + np.array([[0.004, -0.013, 0.0225]])
    assert paint(3).over(dark, over, MARKS, 0.0).sum() < 0.7 * dark.sum()


def test_light_eyes_go_with_pale_skin():
    irises = [
        np.mean([sample_paint(np.random.default_rng(s), melanin=m).iris.sum() > 0.24 for s in range(200)])
        for m in (0.0, 1.0)
    ]
    assert irises[0] > 0.2
    assert irises[1] < 0.05


@pytest.mark.parametrize("behind", [False, True])
def test_a_tattoo_is_on_its_side_within_its_size_and_reads_from_left_to_right(behind):
    ink = draw_letters(np.random.default_rng(3))
    tattoo = Tattoo(ink=ink, centre=np.array([0.3, 0.0, 0.4]), half_m=0.04, behind=behind, strength=1.0)
    s, t = np.meshgrid(np.linspace(-1, 1, 61), np.linspace(-1, 1, 61))
    side = 1.0 if behind else -1.0
    # Who looks at the back sees x run to the left.
    seen = np.stack([0.3 - side * 0.04 * s, 0.03 * side + 0 * s, 0.4 + 0.04 * t], axis=-1).reshape(-1, 3)
    expected = ink(s.ravel(), t.ravel(), wide=0.0).sum(-1)
    np.testing.assert_allclose(tattoo.share(seen, 0.0), expected, atol=1e-6)
    assert not tattoo.share(seen * [1, -1, 1], 0.0).any()
    assert not tattoo.share(seen + np.array([0.2, 0, 0]), 0.0).any()


def test_some_people_wear_make_up_some_stubble_some_tattoos_and_nobody_make_up_on_stubble():
    people = [sample_paint(np.random.default_rng(seed)) for seed in range(300)]
    assert 0.25 < np.mean([one.lips_share > 0 for one in people]) < 0.42
    assert 0.17 < np.mean([one.stubble > 0 for one in people]) < 0.34
    assert 0.1 < np.mean([bool(one.tattoos) for one in people]) < 0.23
    assert not any(one.stubble and one.lips_share for one in people)
