"""The detector fires on every planted fault and on nothing else; fabrics are drawn within their bounds."""

import numpy as np
import pytest
from cloth_scenes import garment_of, normals_of, still, tube

from hd_core.errors import InputError
from hd_core.synth.cloth.fabric import FABRICS, Fabric, sample_fabric
from hd_core.synth.cloth.health import examine
from hd_core.synth.cloth.layers import Layer, Outfit
from hd_core.synth.cloth.solver import simulate


@pytest.fixture(scope="module")
def clip():
    """A good run: a sleeve on a swinging limb."""
    points, faces = tube(24, 32, 0.075, 0.3)
    limb, limb_faces = tube(60, 40, 0.05, 0.4)
    limb[:, 2] += 0.05
    shift = np.zeros((20, 1, 3), np.float32)
    shift[:, 0, 0] = 0.2 * np.sin(np.linspace(0, 3, 20))
    normals = still(normals_of(limb, limb_faces).astype(np.float32), 20)
    garment = garment_of(points, faces, pinned=points[:, 2] > -0.01, skin_distance=0.025)
    targets, body = points + shift, limb + shift
    path = simulate(garment, Fabric(), targets, body, normals, fps=30.0)
    return garment, path, targets, body, normals


def verdict(clip, path):
    garment, _, *rest = clip
    return examine(garment, path, *rest, fps=30.0)


def test_a_good_run_is_healthy(clip):
    health = verdict(clip, clip[1])
    assert health.ok and health.reasons == ()
    assert health.figures["torn_share"] == 0 and health.figures["sunk_share"] == 0
    assert 0 < health.figures["speed"] < 3


def test_one_value_that_is_not_finite_is_found(clip):
    path = clip[1].copy()
    path[7, 5, 1] = np.nan
    health = verdict(clip, path)
    assert not health.ok and health.reasons == ("1 of 20 frames are not finite.",)


def test_torn_edges_are_found(clip):
    path = clip[1].copy()
    path[:, -32:, 2] -= 0.05
    health = verdict(clip, path)
    # By length, the straight and the slanting edges of one of 23 rows; 24 rings besides.
    down, around = 0.3 / 23, 0.15 * np.sin(np.pi / 32)
    row = down + np.hypot(down, around)
    assert health.figures["torn_share"] == pytest.approx(row / (23 * row + 24 * around), rel=1e-3)
    assert len(health.reasons) == 1 and "1.8 x their length" in health.reasons[0]


def test_cloth_inside_the_body_is_found(clip):
    path = clip[1].copy()
    axis = clip[2].mean(axis=1, keepdims=True)[..., :2]
    rows = slice(10 * 32, 14 * 32)
    path[:, rows, :2] = axis + 0.45 * (path[:, rows, :2] - axis)
    health = verdict(clip, path)
    assert health.figures["sunk_share"] == pytest.approx(128 / 768)
    assert any("in the body" in reason for reason in health.reasons)


def test_cloth_that_flies_apart_is_found(clip):
    path = clip[1].copy()
    path[9:, 300] += 1.0
    health = verdict(clip, path)
    assert health.figures["speed"] == pytest.approx(30 * 3**0.5, rel=0.05)
    assert any("m/s" in reason for reason in health.reasons)


def test_a_fast_body_alone_is_no_fault(clip):
    garment, path, targets, body, normals = clip
    away = np.linspace(0, 20, 20, dtype=np.float32)[:, None, None]
    health = examine(garment, path + away, targets + away, body + away, normals, fps=30.0)
    assert health.ok


def test_clips_of_other_sizes_are_refused(clip):
    with pytest.raises(InputError, match="expected both of t x 768 x 3"):
        examine(clip[0], clip[1][:, :5], clip[2][:, :5], *clip[3:], fps=30.0)


def test_an_outer_layer_stays_outside_the_inner_one():
    inner, inner_faces = tube(40, 60, 0.062, 0.3)
    outer, outer_faces = tube(30, 48, 0.069, 0.28)
    limb, limb_faces = tube(60, 40, 0.05, 0.4)
    limb[:, 2] += 0.05
    normals = normals_of(limb, limb_faces).astype(np.float32)
    layers = [
        Layer(garment=garment_of(p, f, pinned=p[:, 2] > -0.01, skin_distance=0.03), fabric=Fabric())
        for p, f in ((inner, inner_faces), (outer, outer_faces))
    ]
    outfit = Outfit(layers, [inner, outer], limb, normals, fps=30.0)
    gaps = []
    for k in range(30):
        shift = np.array([0.25 * np.sin(k / 4), 0, 0], np.float32)
        low, high = outfit.step([inner + shift, outer + shift], limb + shift, normals)
        below = ((high[:, None, :] - low[None]) ** 2).sum(-1).argmin(1)
        gaps.append(((high - low[below]) * normals_of(low, inner_faces)[below]).sum(-1).min())
    assert min(gaps) > 0.0025
    assert min(gaps) < 0.006
    with pytest.raises(InputError, match="1 targets; expected 2"):
        outfit.step([inner], limb, normals)


@pytest.mark.parametrize("kind", FABRICS)
def test_fabrics_are_drawn_within_their_bounds_and_the_same_for_the_same_seed(kind):
    drawn = [sample_fabric(np.random.default_rng(seed), kind) for seed in range(60)]
    assert drawn[3] == sample_fabric(np.random.default_rng(3), kind) != drawn[4]
    for name, (low, high) in vars(FABRICS[kind]).items():
        values = np.array([getattr(fabric, name) for fabric in drawn])
        assert low <= values.min() < low + 0.2 * (high - low) and high - 0.3 * (high - low) < values.max() <= high


def test_denim_is_heavier_stiffer_and_less_elastic_than_jersey_and_silk_the_lightest():
    denim, jersey, silk = (FABRICS[kind] for kind in ("denim", "jersey", "silk"))
    assert denim.density[0] > jersey.density[1] > jersey.density[0] > silk.density[1]
    assert denim.bend_compliance[1] < jersey.bend_compliance[0] < silk.bend_compliance[0]
    assert denim.stretch_compliance[1] < jersey.stretch_compliance[0]


def test_fabrics_that_cannot_be_are_refused():
    with pytest.raises(InputError, match=r"density above 0"):
        Fabric(density=0.0)
    with pytest.raises(InputError, match=r"friction = -0\.1"):
        Fabric(friction=-0.1)
    with pytest.raises(InputError, match=r"slack = 3\.0; expected 0\.8\.\.1\.5"):
        Fabric(slack=3.0)
    with pytest.raises(InputError, match="no fabric 'tweed'. Known: jersey, denim"):
        sample_fabric(np.random.default_rng(0), "tweed")
