import numpy as np
import pytest

from hd_core.person.models import Network
from hd_core.person.modnet import MatteNetwork


@pytest.fixture(scope="module")
def matte():
    return MatteNetwork()


def test_network_sees_rgb_planes_from_minus_one_to_one(matte):
    """The scaling is the one that the model's publisher states: mean 0.5, deviation 0.5 of colours 0..1."""
    rgb = np.random.default_rng(5).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    planes = np.stack([(rgb[..., channel] / 255 - 0.5) / 0.5 for channel in range(3)])[None]
    expected = Network("modnet").run({"input": planes.astype(np.float32)})["output"][0, 0]
    np.testing.assert_allclose(matte.alpha(rgb, short_side=64), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 100), (64, 64)), ((100, 163), (64, 96)), ((1, 1), (64, 64)), ((95, 40), (160, 64))]
)
def test_sides_become_multiples_of_32_with_the_shorter_one_as_asked(matte, size, expected):
    rgb = np.zeros((*size, 3), np.uint8)
    assert matte.alpha(rgb, short_side=64).shape == expected
