import json

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.person.sighting import Sighting
from hd_core.types import Box

BOX = Box(left=1.5, top=-2.25, width=30.0, height=40.125)


def sighting(**changes):
    fields = {"frame_index": 7, "time_seconds": 0.28, "person_id": 2, "box": BOX, "score": 0.75}
    return Sighting(**{**fields, **changes})


def test_json_keeps_every_number_exactly():
    rng = np.random.default_rng(1)
    full = sighting(landmarks=rng.normal(size=(33, 4)), world_landmarks=rng.normal(size=(33, 3)))
    back = Sighting.from_dict(json.loads(json.dumps(full.to_dict())))
    assert (back.frame_index, back.time_seconds, back.person_id, back.score) == (7, 0.28, 2, 0.75)
    assert back.box == BOX
    np.testing.assert_array_equal(back.landmarks, full.landmarks)
    np.testing.assert_array_equal(back.world_landmarks, full.world_landmarks)


def test_json_of_a_bare_sighting_has_the_box_as_left_top_width_height_and_no_landmarks():
    data = sighting().to_dict()
    assert data["box"] == [1.5, -2.25, 30.0, 40.125]
    assert data["landmarks"] is None
    assert Sighting.from_dict(data).to_dict() == data


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"frame_index": -1}, "frame_index=-1"),
        ({"person_id": 0}, "person_id=0"),
        ({"score": 1.01}, "score=1.01"),
        ({"score": float("nan")}, "score=nan"),
        ({"landmarks": np.full((33, 4), np.nan)}, "not finite"),
    ],
)
def test_nonsense_is_refused_with_the_value(change, text):
    with pytest.raises(InputError, match=text):
        sighting(**change)


@pytest.mark.parametrize("damage", [{"box": [1, 2, 3]}, {"score": "high"}, {"landmarks": [["x"]]}])
def test_damaged_json_is_an_input_error(damage):
    with pytest.raises(InputError, match="sighting that cannot be read"):
        Sighting.from_dict({**sighting().to_dict(), **damage})


def test_json_with_a_field_missing_is_an_input_error():
    data = sighting().to_dict()
    del data["score"]
    with pytest.raises(InputError, match="score"):
        Sighting.from_dict(data)
