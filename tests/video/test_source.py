"""What paths stand for."""

import hashlib
from pathlib import Path

import pytest

from hd_core.errors import InputError
from hd_core.video.source import digest_source, image_files


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())


def names(path: Path) -> list[str]:
    return [file.name for file in image_files(path)]


@pytest.mark.parametrize("pattern", ["shot.%04d.png", "shot.####.png", "shot.@@@@.png", "shot.$F4.png"])
def test_every_notation_finds_the_padded_files_and_those_that_outgrew_the_padding(tmp_path, pattern):
    touch(
        tmp_path, "shot.9999.png", "shot.0001.png", "shot.10000.png", "shot.123.png", "shotx0002.png", "shot.0003.exr"
    )
    assert names(tmp_path / pattern) == ["shot.0001.png", "shot.9999.png", "shot.10000.png"]


@pytest.mark.parametrize("pattern", ["%d.png", "$F.png", "#.png", "@.png"])
def test_a_pattern_without_padding_sorts_by_number(tmp_path, pattern):
    touch(tmp_path, "10.png", "9.png", "100.png", "1a.png")
    assert names(tmp_path / pattern) == ["9.png", "10.png", "100.png"]


def test_a_gap_in_the_numbers_keeps_the_order_and_the_names(tmp_path):
    touch(tmp_path, "a.1001.png", "a.1002.png", "a.1007.png")
    assert names(tmp_path / "a.####.png") == ["a.1001.png", "a.1002.png", "a.1007.png"]
    assert names(tmp_path) == ["a.1001.png", "a.1002.png", "a.1007.png"]


def test_a_folder_gives_its_pictures_in_the_order_of_their_numbers_and_leaves_other_files_out(tmp_path):
    touch(tmp_path, "img10.png", "img9.PNG", "notes.txt", ".hidden.png", "._img1.png")
    (tmp_path / "img11.png").mkdir()
    assert names(tmp_path) == ["img9.PNG", "img10.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    touch(tmp_path, "take#1.png", "take21.png", "take#1.mp4")
    assert names(tmp_path / "take#1.png") == ["take#1.png"]
    assert names(tmp_path / "take#1.mp4") == []


def test_jpg_and_jpeg_are_one_kind_but_png_and_exr_are_two(tmp_path):
    touch(tmp_path, "1.jpg", "2.jpeg", "3.JPG")
    assert names(tmp_path) == ["1.jpg", "2.jpeg", "3.JPG"]
    touch(tmp_path, "4.png")
    with pytest.raises(InputError, match=r"several kinds \(\.jpg, \.png\)"):
        image_files(tmp_path)


def test_a_missing_file_is_answered_with_names_like_it(tmp_path):
    touch(tmp_path, "dance.mp4", "Dancer.mov", "other.txt")
    with pytest.raises(InputError, match=r"danse\.mp4 does not exist\. Did you mean dance\.mp4") as caught:
        image_files(tmp_path / "danse.mp4")
    assert "other" not in str(caught.value)
    with pytest.raises(InputError, match="Check the path"):
        image_files(tmp_path / "zzzzzz")
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        image_files(tmp_path / "nowhere" / "a.####.png")


def test_folders_and_patterns_without_pictures_are_refused(tmp_path):
    touch(tmp_path, "notes.txt", "a.0001.txt")
    with pytest.raises(InputError, match=r"holds no pictures\..*\.exr"):
        image_files(tmp_path)
    with pytest.raises(InputError, match=r"matches the pattern b\.####\.png"):
        image_files(tmp_path / "b.####.png")
    with pytest.raises(InputError, match=r"matches a\.0001\.txt, which is no picture"):
        image_files(tmp_path / "a.####.txt")


def test_the_digest_of_a_file_is_its_sha256(tmp_path):
    content = bytes(range(256)) * 10000  # more than one chunk
    (tmp_path / "a.mp4").write_bytes(content)
    assert digest_source(tmp_path / "a.mp4") == hashlib.sha256(content).hexdigest()
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert digest_source(tmp_path / "empty.mp4") == hashlib.sha256(b"").hexdigest()


def test_the_digest_of_a_folder_covers_names_sizes_and_bytes_of_its_pictures_only(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    touch(one, "a1.png", "a2.png")
    touch(two, "a2.png", "a1.png", "notes.txt")
    expected = hashlib.sha256(b"a1.png\x006\x00a1.pnga2.png\x006\x00a2.png").hexdigest()
    assert digest_source(one) == digest_source(two) == digest_source(one / "a#.png") == expected
    (two / "a2.png").write_bytes(b"A2.png")
    assert digest_source(two) != expected
    (two / "a2.png").write_bytes(b"a2.png")
    (two / "a1.png").rename(two / "a3.png")
    assert digest_source(two) != expected
    with pytest.raises(InputError, match="does not exist"):
        digest_source(tmp_path / "three")
