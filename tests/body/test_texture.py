"""The texture of a body: what was gathered paints the picture again, faults do not blur it, holes stay known."""

import numpy as np
import pytest

from hd_core.body.texture import COLUMNS, ROWS, TextureGatherer, paint, psnr_db, sheet

SIDE = 32


def chart_map(part, side=64):
    """A picture that shows one part's whole chart, u to the right and v upwards."""
    byte = (np.arange(side) * 255 / (side - 1)).round().astype(np.uint8)
    u, v = np.meshgrid(byte, byte[::-1])
    return np.stack([np.full_like(u, part), u, v], axis=-1)


def smooth_picture(side=64):
    x, y = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    return np.rint(255 * np.stack([x, y, 0.5 + 0.5 * np.sin(4 * x * y)], axis=-1)).astype(np.uint8)


def gathered(frames, rounds=3):
    texture = None
    for _ in range(rounds):
        gatherer = TextureGatherer(texture, side=SIDE)
        for rgb, iuv, trust in frames:
            gatherer.add(rgb, iuv, trust)
        texture = gatherer.texture()
    return texture


def test_what_was_gathered_paints_the_picture_again_to_the_size_of_a_texel():
    rgb, iuv = smooth_picture(), chart_map(7)
    texture = gathered([(rgb, iuv, np.ones((64, 64)))])
    painted, known = paint(texture, iuv)
    assert known.all() and np.abs(painted - rgb / 255).max() < 2 / SIDE
    assert psnr_db(painted, rgb, known) > 30


def test_the_sheet_has_each_part_where_densepose_has_it_with_v_upwards():
    """Part 8 is the second of the second column."""
    rgb, iuv = smooth_picture(), chart_map(8)
    laid = sheet(gathered([(rgb, iuv, np.ones((64, 64)))]))
    assert laid.shape == (ROWS * SIDE, COLUMNS * SIDE, 4)
    tile = laid[SIDE : 2 * SIDE, SIDE : 2 * SIDE]
    assert (tile[..., 3] == 255).all() and laid[..., 3].sum() == 255 * SIDE**2
    halved = rgb.reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3))
    assert np.abs(tile[..., :3] - halved).max() <= 6


def test_a_frame_that_shows_something_else_does_not_blur_what_the_others_agree_on():
    rgb, iuv = smooth_picture(), chart_map(3)
    good, bad = (rgb, iuv, np.ones((64, 64))), (255 - rgb, iuv, np.ones((64, 64)))
    plain, robust = (paint(gathered([good] * 4 + [bad], rounds), iuv) for rounds in (1, 3))
    assert psnr_db(*(plain[0], rgb, plain[1])) < 20 < psnr_db(*(robust[0], rgb, robust[1])) - 5


def test_trust_weighs_and_none_is_a_hole():
    iuv = chart_map(5)
    white, black = np.full((64, 64, 3), 255, np.uint8), np.zeros((64, 64, 3), np.uint8)
    trust = np.ones((64, 64))
    trust[:, :32] = 0
    texture = gathered([(white, iuv, 3 * trust), (black, iuv, trust)], rounds=1)
    painted, known = paint(texture, iuv)
    assert painted[:, 40:].mean() == pytest.approx(0.75)
    # Half a tile is missing: what is near the seen half is filled, the far quarter is known to be a hole.
    assert not known[:, :8].any() and known[:, 32:].all() and not painted[~known].any()
    other, seen = paint(texture, chart_map(6))
    assert not seen.any() and not other.any() and np.isnan(psnr_db(other, white, seen))


def test_small_gaps_between_samples_are_filled_from_what_is_around_them():
    rgb, iuv = smooth_picture(), chart_map(9)
    sparse = np.zeros((64, 64))
    sparse[::6, ::6] = 1
    painted, known = paint(gathered([(rgb, iuv, sparse)]), iuv)
    assert known.mean() > 0.95 and np.abs(painted - rgb / 255)[known].mean() < 0.05
