import numpy as np

from hd_core.person.owners import claim, nearer, theirs

SIDE = 256


def standing(x, *, visible):
    """A stick figure in the middle of whose trunk x lies."""
    marks = np.zeros((33, 4))
    marks[:, 0], marks[:, 1], marks[:, 3] = x, 60.0, visible
    for pair, (apart, y) in {(11, 12): (24, 80), (23, 24): (16, 150), (25, 26): (16, 190), (27, 28): (16, 230)}.items():
        marks[pair[0], :2], marks[pair[1], :2] = (x + apart, y), (x - apart, y)
    for pair, y in {(13, 14): 120, (15, 16): 150, (19, 20): 155}.items():
        marks[pair[0], :2], marks[pair[1], :2] = (x + 26, y), (x - 26, y)
    marks[[31, 32]] = marks[[27, 28]]
    return marks


def column(x, half=30):
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[50:235, max(x - half, 0) : x + half] = 0.95
    return mask


def test_where_two_masks_overlap_the_pixels_go_to_whose_limbs_are_seen_there():
    front, behind = standing(110, visible=0.95), standing(140, visible=0.2)
    a, b = column(110), column(140)
    taken_from_front = theirs(claim(a, front), [(b, claim(b, behind))])
    taken_from_behind = theirs(claim(b, behind), [(a, claim(a, front))])
    both = (a > 0.5) & (b > 0.5)
    body = both.copy()
    body[:85] = body[225:] = False
    assert taken_from_front[body].mean() < 0.1
    assert taken_from_behind[body].mean() > 0.9
    assert not (taken_from_front & taken_from_behind).any()


def test_pixels_that_nobody_else_claims_are_kept():
    mine, other = column(60), column(180)
    taken = theirs(claim(mine, standing(60, visible=0.9)), [(other, claim(other, standing(180, visible=0.9)))])
    assert not taken[mine > 0.5].any()
    assert taken[other > 0.5].mean() > 0.95
    assert not theirs(claim(mine, standing(60, visible=0.9)), []).any()


def test_what_lies_between_goes_to_the_nearer_one():
    mine, taken = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    mine[:, :50], taken[:, 150:] = True, True
    near = nearer(mine, taken)
    assert near[:, :99].all()
    assert not near[:, 101:].any()
    assert nearer(mine, np.zeros_like(mine)).all()
