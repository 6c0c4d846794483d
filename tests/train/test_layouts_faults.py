"""What is wrong with other people's training data is said in one line that names the file, and the line in it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from train_layout_scenes import write_supervised, write_tiktok, write_video

from hd_core.errors import CancelledError, InputError, UsageError
from hd_core.progress import Silent
from hd_core.train.layouts import import_layout
from hd_core.train.layouts_text import read_table, read_whole_numbers

DEPTH, NORMAL, MASK = "depth/0000001.txt", "normal/0000000_2.txt", "mask/0000001.png"
MATRIX = "correspondences/corr_mat.txt"
ROWS = "correspondences/corrs/0017634_0017635_i_r1_c1_r2_c2.txt"
LIMITS = "correspondences/corrs/0017634_0017635_i_limit.txt"


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_supervised(folder / "supervised", 2)
    write_video(folder / "video")
    write_tiktok(folder / "tiktok", {"00001": 3, "00002": 3})
    return folder


def refusal(sources: Path, tmp_path: Path, kind: str, damage) -> str:
    """What is said of a damaged copy; nothing but one clear line."""
    source = tmp_path / kind
    shutil.copytree(sources / kind, source)
    damage(source)
    with pytest.raises(InputError) as caught:
        import_layout(source, tmp_path / "data", frames=3, licence="", progress=Silent())
    said = str(caught.value)
    assert "\n" not in said and len(said) < 500
    return said.replace(f"{source}/", "").replace(str(source), "SOURCE")


def lines(path: str, change):
    """A damage to the lines of a file."""

    def damage(source: Path) -> None:
        text = (source / path).read_text().splitlines()
        (source / path).write_text("\n".join(change(text)) + "\n")

    return damage


def line(path: str, number: int, change):
    return lines(path, lambda text: [change(one) if i == number - 1 else one for i, one in enumerate(text)])


def put(path: str, values: np.ndarray):
    return lambda source: Image.fromarray(values.astype(np.uint8)).save(source / path)


def remove(path: str):
    return lambda source: shutil.rmtree(source / path) if (source / path).is_dir() else (source / path).unlink()


def with_word(place: int, word: str):
    def change(text: str) -> str:
        words = text.split(",")
        words[place] = word
        return ",".join(words)

    return change


FAULTS = {
    "no masks": ("supervised", remove("mask"), "^mask is missing"),
    "no depth": ("supervised", remove("depth"), "^depth is missing"),
    "no correspondences": ("video", remove("correspondences"), r"corr_mat\.txt is missing"),
    "a frame less": ("supervised", remove(DEPTH), r"2 frames in color_WO_bg and 1 in depth: 0000001 is in color_WO_bg"),
    "a frame more": ("supervised", remove("color_WO_bg/0000000.png"), r"0000000 is in mask and not in color_WO_bg"),
    "a normal less": ("supervised", remove(NORMAL), r"normal/0000000_2\.txt is missing"),
    "nan": ("supervised", line(DEPTH, 7, with_word(3, "nan")), r"^depth/0000001\.txt, line 7: found NaN"),
    "infinity": ("supervised", line(NORMAL, 2, with_word(0, "-inf")), r"^normal/0000000_2\.txt, line 2: found NaN"),
    "no number": ("supervised", line(DEPTH, 5, with_word(0, "x.5")), r"line 5: could not convert .*'x\.5'"),
    "cut after lines": ("supervised", lines(DEPTH, lambda t: t[:20]), r"0000001\.txt has 20 lines; expected 32"),
    "cut in a line": (
        "supervised",
        lines(NORMAL, lambda t: [*t[:31], t[31][:40]]),
        r"_2\.txt, line 32: found \d numbers; expected 32",
    ),
    "empty text": ("supervised", lines(DEPTH, lambda _: []), "has 0 lines; expected 32"),
    "spaces for commas": (
        "supervised",
        lines(DEPTH, lambda t: [one.replace(",", " ") for one in t]),
        "line 1: numbers are separated by spaces; expected commas",
    ),
    "commas for spaces": (
        "video",
        lines("pred_normals/0017636_3.txt", lambda t: [one.replace(" ", ",") for one in t]),
        r"0017636_3\.txt, line 1: numbers are separated by commas; expected spaces",
    ),
    "binary": ("supervised", lambda s: (s / DEPTH).write_bytes(b"\xff\xfe\x00"), "is not a text of numbers"),
    "millimetres": (
        "supervised",
        lines(DEPTH, lambda _: [",".join(["2500"] * 32)] * 32),
        r"0000001\.txt has no depth between 1 and 8",
    ),
    "long normals": ("supervised", line(NORMAL, 16, with_word(15, "127")), r"line 16: the normal in column 16 is 127"),
    "normals away": (
        "supervised",
        lines("normal/0000000_3.txt", lambda _: [",".join(["0.1"] * 32)] * 32),
        r"_3\.txt: normals face away",
    ),
    "empty mask": ("supervised", put(MASK, np.full((32, 32), 100)), r"mask/0000001\.png shows nobody"),
    "coloured mask": ("supervised", put(MASK, np.eye(32)[..., None] * [0, 200, 0]), "is coloured"),
    "mask with alpha": ("supervised", put(MASK, np.zeros((32, 32, 4))), "uint8 in 4 channels"),
    "another size": (
        "supervised",
        put(MASK, np.full((16, 32), 255)),
        "several sizes: color_WO_bg 32 x 32, mask 32 x 16",
    ),
    "no square": (
        "supervised",
        lambda s: (
            [put(f"{name}/0000000.png", np.full((16, 32, 3), 20))(s) for name in ("color_WO_bg", "densepose")]
            + [put("mask/0000000.png", np.full((16, 32), 255))(s)]
        ),
        "32 x 16 px. Expected squares",
    ),
    "two sizes": (
        "supervised",
        lambda s: [
            *(put(f"{name}/0000001.png", np.full((2, 2, 3), 20))(s) for name in ("color_WO_bg", "densepose")),
            put(MASK, np.full((2, 2), 255))(s),
            (s / DEPTH).write_text("2,2\n2,2\n"),
            *((s / f"normal/0000001_{axis}.txt").write_text("0,0\n0,0\n") for axis in (1, 2, 3)),
        ],
        "0000000 to 0000001 are of several sizes",
    ),
    "parts for the eye": (
        "supervised",
        put("densepose/0000001.png", np.full((32, 32, 3), 25)),
        r"densepose/0000001\.png has part 25 in its third channel",
    ),
    "no picture": ("supervised", lambda s: (s / MASK).write_bytes(b"no"), "not a whole PNG"),
    "unknown frame": ("video", line(MATRIX, 2, with_word(4, "99")), r"corr_mat\.txt, line 2: .*frame 99"),
    "three partners": ("video", line(MATRIX, 1, lambda t: t[:-6]), "line 1: found 4 numbers; expected 5"),
    "no partners": ("video", lines(MATRIX, lambda _: []), r"corr_mat\.txt is empty"),
    "half a frame": ("video", line(MATRIX, 1, with_word(0, "17634.5")), "line 1: found 17634.5; expected whole"),
    "no matches": ("video", remove(ROWS), r"_i_r1_c1_r2_c2\.txt is missing"),
    "row 0": ("video", line(ROWS, 3, with_word(1, "0")), r"r2_c2\.txt, line 3: found row 0; expected 1 to 32"),
    "row beyond": ("video", line(ROWS, 4, with_word(3, "33")), "line 4: found row 33; expected 1 to 32"),
    "column beyond": ("video", line(ROWS, 5, with_word(4, "33")), "line 5: found column 33; expected 1 to 32"),
    "part 25": ("video", line(ROWS, 1, with_word(0, "25")), "line 1: found part 25; expected 1 to 24"),
    "a match less": ("video", lines(ROWS, lambda t: t[1:]), r"_i_limit\.txt, line 2: found part 2 in 0 to \d+; the"),
    "limits from 1": (
        "video",
        lines(
            LIMITS,
            lambda t: [",".join(str(int(w) + (int(w) >= 0) * (i > 0)) for i, w in enumerate(x.split(","))) for x in t],
        ),
        r"_i_limit\.txt, line 2: found part 2 in 1 to",
    ),
    "a part less": ("video", lines(LIMITS, lambda t: t[:-1]), r"_i_limit\.txt has 23 lines; expected 24"),
    "parts mixed": (
        "video",
        lambda s: (
            line(ROWS, 1, with_word(0, "24"))(s),
            line(LIMITS, 2, lambda t: "2,1," + t.split(",")[2])(s),
            line(LIMITS, 24, lambda t: "24,0," + t.split(",")[2])(s),
        ),
        r"_i_limit\.txt, line 24: .*, not together",
    ),
    "a name for a number": (
        "video",
        lambda s: [
            path.rename(path.with_name(f"x{path.name}")) for path in [*s.glob("*/0017639*.png"), *s.glob("*/*9_?.txt")]
        ],
        "has a frame x0017639; expected numbers",
    ),
    "no images": ("tiktok", remove("00002/images"), "00002 has no images"),
    "a mask less": (
        "tiktok",
        remove("00002/masks/0002.png"),
        r"00002 has 3 images and 2 in masks: 0002\.png is in images",
    ),
    "one frame": (
        "tiktok",
        lambda s: [remove(f"00001/{name}/000{i}.png")(s) for name in ("images", "masks", "densepose") for i in (1, 2)],
        "00001 has 1 frames; expected 2 or more",
    ),
    "grown frame": (
        "tiktok",
        lambda s: [
            put("00001/masks/0002.png", np.full((8, 8), 255))(s),
            *(put(f"00001/{name}/0002.png", np.full((8, 8, 3), 9))(s) for name in ("images", "densepose")),
        ],
        "0001.png to 0003.png of 00001 are of several sizes",
    ),
    "another folder": (
        "tiktok",
        lambda s: [remove(f"0000{i}")(s) for i in (1, 2)],
        "SOURCE is none of the known layouts",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_file_and_its_line(sources, tmp_path, name):
    kind, damage, pattern = FAULTS[name]
    assert re.search(pattern, refusal(sources, tmp_path, kind, damage))


def test_a_folder_that_is_not_there_is_none_of_the_layouts(tmp_path):
    with pytest.raises(InputError, match="none of the known layouts"):
        import_layout(tmp_path / "nowhere", tmp_path / "data", frames=3, licence="", progress=Silent())


def test_too_few_frames_to_a_clip_are_refused(sources, tmp_path):
    with pytest.raises(UsageError, match="Found 2 frames to a clip"):
        import_layout(sources / "tiktok", tmp_path / "data", frames=2, licence="", progress=Silent())


def test_an_import_stops_when_asked_to(sources, tmp_path):
    class Stopped(Silent):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(CancelledError):
        import_layout(sources / "tiktok", tmp_path / "data", frames=3, licence="", progress=Stopped())


def test_tables_are_read_to_the_last_number(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("1,-2.5\n3e-1, 4\n\n")
    assert np.array_equal(read_table(path, separator="commas", columns=2), [[1, -2.5], [0.3, 4]])
    path.write_text(" 1.00000  -2.5\r\n0.3 4 \n")
    assert np.array_equal(read_table(path, separator="spaces", columns=2, rows=2), [[1, -2.5], [0.3, 4]])
    path.write_text("7.000,8\n")
    assert read_whole_numbers(path, columns=2).tolist() == [[7, 8]]
    path.write_text("")
    assert read_whole_numbers(path, columns=5).shape == (0, 5)
