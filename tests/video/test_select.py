"""The notation of `--frames` against Python's own slices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hd_core.errors import UsageError
from hd_core.video.select import parse_frames

part = st.none() | st.integers(-30, 30)


@given(part, part, st.none() | st.integers(1, 7), st.integers(1, 20))
def test_a_selection_is_what_a_python_slice_of_the_frames_is(start, stop, step, num_frames):
    words = ["" if value is None else str(value) for value in (start, stop, step)]
    expected = list(range(num_frames))[start:stop:step]
    for text in {":".join(words), ":".join(words[:2])} if step is None else {":".join(words)}:
        if expected:
            assert list(parse_frames(text, num_frames)) == expected
        else:
            with pytest.raises(UsageError, match=f"0:{num_frames}"):
                parse_frames(text, num_frames)


def test_no_text_is_every_frame_and_a_single_number_is_one_frame():
    assert parse_frames(None, 5) == range(5)
    assert parse_frames("3", 5) == range(3, 4)
    assert parse_frames("-1", 5) == range(4, 5)
    assert parse_frames(" 1 : 4 ", 5) == range(1, 4)


@pytest.mark.parametrize(
    "text", ["", "  ", "a", "1:2:3:4", "1.5", "1-5", "0:5:0", "0:5:-1", "5", "-6", "5:", "3:3", "1:2:x", "²"]
)
def test_a_selection_that_is_malformed_or_empty_is_refused_with_the_valid_range(text):
    with pytest.raises(UsageError, match="0:5") as caught:
        parse_frames(text, 5)
    assert caught.value.exit_code == 2
    assert repr(text) in caught.value.message
    assert "\n" not in str(caught.value)
