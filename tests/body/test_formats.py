"""IUV pictures, COCO-DensePose's annotations and detectron2's results: known bytes in, known bytes out."""

import base64
import io
import json

import numpy as np
import pytest
from person_helpers import SHARED_DATA
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hd_core.body.formats import IuvMap, one_convention
from hd_core.body.formats_coco import Annotations, PersonPoints, read_coco, write_coco
from hd_core.body.formats_detectron2 import FoundPerson, in_frame, read_results, write_results
from hd_core.body.formats_png import (
    IuvFolder,
    find_order,
    merge_people,
    read_inds,
    read_iuv,
    split_people,
    write_inds,
    write_iuv,
)
from hd_core.body.formats_rle import decode_rle, encode_rle, pack, unpack
from hd_core.errors import InputError
from hd_core.geometry.crop import whole_frame
from hd_core.train.adapting.clip import with_maps
from hd_core.types import Box, Camera, View

PERSON = np.array([[[0, 0, 0], [2, 128, 255]], [[24, 7, 0], [9, 0, 31]]], np.uint8)
"""Part, u and v of four pixels; the first is nobody."""


def a_map(iuv=PERSON, convention="densepose"):
    return IuvMap(iuv=iuv, convention=convention)


def saved(path, rgb):
    """A picture written by another program, which says nothing about itself."""
    Image.fromarray(np.asarray(rgb, np.uint8)).save(path)
    return path


def test_densepose_s_own_order_has_the_part_in_blue_and_the_other_one_in_red(tmp_path):
    write_iuv(tmp_path / "a_IUV.png", a_map())
    write_iuv(tmp_path / "b.png", a_map(), order="IUV")
    ours, others = (np.array(Image.open(tmp_path / name)) for name in ("a_IUV.png", "b.png"))
    assert ours[0, 1].tolist() == [255, 128, 2]  # red v, green u, blue part
    assert others[0, 1].tolist() == [2, 128, 255]
    assert Image.open(tmp_path / "a_IUV.png").text == {"iuv_convention": "densepose", "iuv_order": "VUI"}


@pytest.mark.parametrize("order", ["VUI", "IUV"])
def test_either_order_is_found_by_the_evidence_alone(tmp_path, order):
    path = saved(tmp_path / "x.png", PERSON[..., ::-1] if order == "VUI" else PERSON)
    found = read_iuv(path, convention="densepose")
    assert found.order == order
    np.testing.assert_array_equal(found.map.iuv, PERSON)


PUBLISHED = SHARED_DATA / "hdnet_0043" / "0043_dp.png"


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="no shared data: set HD_SHARED_DATA to its folder")
def test_the_published_example_is_found_to_be_in_densepose_s_own_order():
    found = read_iuv(PUBLISHED, convention="densepose")
    assert found.order == "VUI"
    assert len(np.unique(found.map.iuv[..., 0])) == 16
    assert (found.map.iuv[..., 0] > 0).sum() == 12025


def test_an_empty_picture_has_any_order_and_one_that_fits_both_is_refused(tmp_path):
    assert find_order(np.zeros((3, 3, 3), np.uint8)) is None
    both = saved(tmp_path / "both.png", [[[3, 200, 4], [0, 0, 0]]])
    with pytest.raises(InputError, match=r"could hold I, U, V or V, U, I.*Say which order"):
        read_iuv(both, convention="densepose")
    assert read_iuv(both, convention="densepose", order="VUI").map.iuv[0, 0].tolist() == [4, 200, 3]
    assert read_iuv(both, convention="densepose", order="IUV").map.iuv[0, 0].tolist() == [3, 200, 4]


@pytest.mark.parametrize(
    "rgb",
    [
        [[[90, 20, 80], [0, 0, 0]]],  # too high in red and in blue
        [[[200, 3, 90], [0, 0, 0]]],  # parts in green
        [[[0, 200, 3], [3, 7, 0]]],  # both have a 0 where others have none
    ],
)
def test_a_picture_of_colours_is_no_map(tmp_path, rgb):
    with pytest.raises(InputError, match="holds no parts in red or in blue"):
        read_iuv(saved(tmp_path / "x.png", rgb), convention="densepose")


def test_an_order_that_is_told_but_not_there_is_refused(tmp_path):
    path = saved(tmp_path / "x.png", PERSON)
    with pytest.raises(InputError, match="has part 255 in its third channel, blue"):
        read_iuv(path, convention="densepose", order="VUI")


def test_where_the_order_is_told_nobody_s_u_and_v_do_not_matter(tmp_path):
    path = saved(tmp_path / "x.png", [[[40, 50, 0], [40, 50, 3]]])
    assert read_iuv(path, convention="densepose", order="VUI").map.iuv[0].tolist() == [[0, 50, 40], [3, 50, 40]]
    with pytest.raises(InputError, match="holds no parts"):
        read_iuv(path, convention="densepose")


def test_pictures_of_a_folder_have_one_order_also_those_that_do_not_tell(tmp_path):
    saved(tmp_path / "0.png", np.zeros((1, 2, 3)))
    saved(tmp_path / "1.png", [[[5, 200, 4], [0, 0, 0]]])
    saved(tmp_path / "2.png", [[[250, 200, 4], [0, 0, 0]]])
    saved(tmp_path / "2_INDS.png", [[[1, 1, 1], [0, 0, 0]]])
    found = IuvFolder(tmp_path, convention="densepose")
    assert [one.iuv[0, 0].tolist() for one in found] == [[0, 0, 0], [4, 200, 5], [4, 200, 250]]
    saved(tmp_path / "3.png", [[[4, 200, 250], [0, 0, 0]]])
    with pytest.raises(InputError, match=r"2\.png holds V, U, I and .*3\.png holds I, U, V"):
        IuvFolder(tmp_path, convention="densepose")


def test_charts_are_named_in_the_file_or_by_the_user_and_never_mixed(tmp_path):
    write_iuv(tmp_path / "ours.png", a_map(convention="anny24"))
    assert read_iuv(tmp_path / "ours.png").map.convention == "anny24"
    with pytest.raises(InputError, match="holds charts of 'anny24'; expected 'densepose'"):
        read_iuv(tmp_path / "ours.png", convention="densepose")
    with pytest.raises(InputError, match="does not say whose charts"):
        read_iuv(saved(tmp_path / "x.png", PERSON))
    with pytest.raises(InputError, match="anny24, densepose; expected one convention"):
        one_convention([a_map(), a_map(convention="anny24")])
    with pytest.raises(InputError, match="fit-chart-map"):
        a_map().body_maps()
    np.testing.assert_array_equal(a_map(convention="anny24").body_maps().iuv, PERSON)
    named = PngInfo()
    named.add_text("iuv_convention", "smpl")
    Image.fromarray(PERSON).save(tmp_path / "smpl.png", pnginfo=named)
    with pytest.raises(InputError, match="'smpl'; expected 'densepose' or 'anny24'"):
        read_iuv(tmp_path / "smpl.png")
    with pytest.raises(InputError, match="body part 25"):
        a_map(iuv=np.full((1, 1, 3), 25, np.uint8))


def test_who_adapts_to_maps_of_other_charts_is_refused(tmp_path):
    camera = Camera(width=2, height=2, intrinsics=np.array([[9.0, 0, 1], [0, 9, 1], [0, 0, 1]]))
    seen = {"rgb": np.zeros((2, 2, 3), np.uint8), "alpha": np.ones((2, 2)), "crop": whole_frame(camera)}
    view = View(**seen, frame_index=0, time_seconds=0.0)
    write_iuv(tmp_path / "0.png", a_map())
    (told,) = with_maps([view], tmp_path, num_frames=1, charts="densepose")
    np.testing.assert_array_equal(told.body.iuv, PERSON)
    with pytest.raises(InputError, match=r"0\.png holds charts of 'densepose'; expected 'anny24'"):
        with_maps([view], tmp_path, num_frames=1)


def test_a_map_of_another_kind_of_picture_is_one_clear_line(tmp_path):
    (tmp_path / "cut.png").write_bytes(saved(tmp_path / "x.png", PERSON).read_bytes()[:40])
    saved(tmp_path / "grey.png", PERSON[..., 0])
    for name, text in (("cut.png", "not a whole PNG"), ("grey.png", "1 channels"), ("none.png", "missing")):
        with pytest.raises(InputError, match=text):
            read_iuv(tmp_path / name, convention="densepose")
    with pytest.raises(InputError, match="no IUV pictures"):
        IuvFolder(tmp_path / "nowhere", convention="densepose")


def test_of_people_in_front_of_each_other_the_best_is_seen(tmp_path):
    first, second = (np.zeros((1, 3, 3), np.uint8) for _ in range(2))
    first[0, :2], second[0, 1:] = [1, 10, 20], [24, 30, 40]
    people = [a_map(first), a_map(second)]
    merged, number = merge_people(people, np.array([0.9, 0.6]))
    assert merged.iuv[0, :, 0].tolist() == [1, 1, 24]
    assert number.tolist() == [[1, 1, 2]]
    assert merge_people(people, np.array([0.6, 0.9]))[1].tolist() == [[1, 2, 2]]
    assert merge_people(people, np.array([0.9, 0.6]), least_score=0.8)[1].tolist() == [[1, 1, 0]]
    write_inds(tmp_path / "x_INDS.png", number)
    assert np.array(Image.open(tmp_path / "x_INDS.png")).tolist() == [[1, 1, 2]]
    parted = split_people(merged, read_inds(tmp_path / "x_INDS.png"))
    assert parted[1].iuv.tolist() == first.tolist()
    assert parted[2].iuv[0].tolist() == [[0, 0, 0], [0, 0, 0], [24, 30, 40]]
    with pytest.raises(InputError, match="not of this IUV picture"):
        split_people(merged, np.zeros((1, 3), np.uint8))
    with pytest.raises(InputError, match="2 sizes"):
        merge_people([a_map(), people[0]], np.array([1.0, 1.0]))


def test_run_lengths_go_down_the_columns_and_pack_into_known_strings():
    mask = np.zeros((3, 3), bool)
    mask[0, 1] = mask[1, 1] = True  # column by column: 000 110 000
    assert encode_rle(mask) == {"size": [3, 3], "counts": "324"}
    assert encode_rle(~mask)["counts"] == "0321"  # lengths 0, 3, 2 and 4, the last one less 3
    assert pack([65536]) == "PPP2"  # 65536 = 2 * 32^3: three groups of 0 that go on, and a 2
    assert pack([20]) == "d0"  # 20 has the sign's bit, so a group of 0 follows
    assert pack([0, 0, 0, 5, 3]) == "00053"  # from the fourth on less the one two before: 5 - 0, 3 - 0
    assert pack([0, 7, 0, 5]) == "070N"  # 5 - 7 = -2 = 11110 with its sign, 30 + 48
    assert unpack("070N") == [0, 7, 0, 5]


def test_packed_run_lengths_come_back():
    rng = np.random.default_rng(3)
    for shape in ((1, 1), (7, 5), (256, 256)):
        for share in (0.0, 0.02, 0.5, 1.0):
            mask = rng.random(shape) < share
            np.testing.assert_array_equal(decode_rle(encode_rle(mask)), mask)
    plain = {"size": [2, 2], "counts": [1, 2, 1]}
    np.testing.assert_array_equal(decode_rle(plain), [[False, True], [True, False]])
    for bad, text in (
        ({"size": [2, 2], "counts": [1, 2]}, "3 pixels for a mask of 2 x 2"),
        ({"size": [2, 2], "counts": "P"}, "end within a number"),
        ({"size": [2, 2], "counts": "\x10"}, "in packed run lengths"),
        ({"size": [2]}, "no run lengths"),
    ):
        with pytest.raises(InputError, match=text):
            decode_rle(bad)


def annotation(**changes):
    entry = {
        "id": 5,
        "image_id": 7,
        "bbox": [10.0, 20.0, 128.0, 64.0],
        "dp_x": [0.0, 128.0],
        "dp_y": [256.0, 64.0],
        "dp_I": [1.0, 24.0],
        "dp_U": [0.25, 1.0],
        "dp_V": [0.5, 0.0],
    }
    return {**entry, **changes}


def coco_file(path, *entries, **about):
    path.write_text(json.dumps({"annotations": list(entries), **about}))
    return path


def test_points_of_coco_lie_in_their_box_and_coarse_parts_one_over_the_other(tmp_path):
    low = {"size": [256, 256], "counts": [0, 512, 65024]}  # the first two columns
    column = {"size": [256, 256], "counts": [256, 256, 65024]}  # the second one
    masks = [low, *[[]] * 12, column]
    path = coco_file(tmp_path / "dp.json", annotation(dp_masks=masks), {"image_id": 3, "bbox": [0, 0, 1, 1]})
    (person,) = read_coco(path, convention="densepose").people
    np.testing.assert_array_equal(person.pixels(), [[10, 84], [74, 36]])
    assert person.part.tolist() == [1, 24]
    assert person.uv.tolist() == [[0.25, 0.5], [1.0, 0.0]]
    assert person.coarse[5, :3].tolist() == [1, 14, 0]
    assert read_coco(coco_file(tmp_path / "b.json", annotation()), convention="densepose").people[0].coarse is None


def test_what_is_written_for_coco_is_what_was_read_and_says_whose_charts(tmp_path):
    coarse = np.random.default_rng(0).integers(0, 15, (256, 256)).astype(np.uint8)
    person = PersonPoints(
        image_id=7,
        person_id=5,
        box=Box(left=1.5, top=2.0, width=3.0, height=4.0),
        place=np.array([[3.0, 4.0]]),
        part=np.array([6]),
        uv=np.array([[0.125, 0.5]]),
        coarse=coarse,
    )
    path = tmp_path / "out.json"
    write_coco(path, Annotations(people=[person], convention="anny24", images=[{"id": 7, "file_name": "a.jpg"}]))
    raw = json.loads(path.read_text())
    assert raw["info"] == {"iuv_convention": "anny24"}
    assert raw["annotations"][0]["bbox"] == [1.5, 2, 3, 4]
    assert raw["annotations"][0]["dp_U"] == [0.125]
    found = read_coco(path)
    assert found.convention == "anny24"
    np.testing.assert_array_equal(found.people[0].coarse, coarse)
    np.testing.assert_array_equal(found.people[0].place, person.place)
    with pytest.raises(InputError, match="expected 'densepose'"):
        read_coco(path, convention="densepose")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dp_I": [0.0, 3.0]}, "annotation 1: dp_I is from 0 to 3; expected 1 to 24"),
        ({"dp_U": [0.0, 1.5]}, "dp_U is from 0 to 1.5"),
        ({"dp_V": [0.0, float("nan")]}, "dp_V is from nan"),
        ({"dp_y": [1.0]}, "2 dp_x, 1 dp_y"),
        ({"dp_V": None}, "missing or holds no numbers"),
        ({"bbox": [1, 2, 3]}, r"bbox \[1, 2, 3\]"),
        ({"dp_masks": [[]]}, "no 14 masks"),
        ({"dp_masks": [{"size": [2, 2], "counts": [4]}, *[[]] * 13]}, "mask 1 is"),
    ],
)
def test_a_bad_annotation_is_one_clear_line(tmp_path, change, text):
    with pytest.raises(InputError, match=text):
        read_coco(coco_file(tmp_path / "x.json", annotation(**change)), convention="densepose")


def test_other_files_than_coco_s_are_refused(tmp_path):
    coco_file(tmp_path / "points.json", {"image_id": 1})
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "cut.json").write_text('{"annotations": [')
    (tmp_path / "dump.pkl").write_bytes(b"\x80\x04.")
    (tmp_path / "dump.pth").write_bytes(b"PK\x03\x04...")
    for name, text in (
        ("points.json", "none with dp_x"),
        ("list.json", "no annotations of COCO"),
        ("cut.json", "no whole JSON"),
        ("dump.pkl", "is a pickle. Those are never opened"),
        ("dump.pth", "is a pickle"),
        ("none.json", "cannot be read"),
    ):
        with pytest.raises(InputError, match=text):
            read_coco(tmp_path / name, convention="densepose")


def png_text(iuv):
    buffer = io.BytesIO()
    Image.fromarray(iuv).save(buffer, format="PNG")
    return base64.encodebytes(buffer.getvalue()).decode()


def result(**changes):
    entry = {"image_id": 3, "category_id": 1, "bbox": [4.7, 5.2, 2.9, 2.0], "score": 0.75}
    return {**entry, "uv_shape": [3, 2, 2], "uv_data": png_text(PERSON), **changes}


SPELLINGS = [
    {"uv_shape": [3, 2, 2], "uv_data": png_text(PERSON)},
    {"densepose": {"shape_chw": [3, 2, 2], "labels_uv_str": png_text(PERSON)}},
    {"densepose": [[3, 2, 2], png_text(PERSON)]},
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_spellings_of_results_hold_the_part_in_red(tmp_path, spelling):
    entry = {"image_id": 3, "bbox": [4.7, 5.2, 2.9, 2.0], "score": 0.75, **spelling}
    (tmp_path / "r.json").write_text(json.dumps([entry]))
    (person,) = read_results(tmp_path / "r.json", convention="densepose")
    np.testing.assert_array_equal(person.map.iuv, PERSON)
    assert (person.score, person.image_id) == (0.75, 3)
    frame = in_frame(person, width=6, height=9).iuv
    np.testing.assert_array_equal(frame[5:7, 4:6], PERSON)
    assert frame.astype(int).sum() == PERSON.astype(int).sum()


def test_a_box_that_leaves_the_frame_is_cut(tmp_path):
    person = FoundPerson(image_id=0, box=Box(left=-1.0, top=1.0, width=2.0, height=2.0), score=1.0, map=a_map())
    assert in_frame(person, width=3, height=2).iuv[1].tolist() == [[2, 128, 255], [0, 0, 0], [0, 0, 0]]
    away = FoundPerson(image_id=0, box=Box(left=9.0, top=9.0, width=2.0, height=2.0), score=1.0, map=a_map())
    assert not in_frame(away, width=3, height=2).iuv.any()


def test_results_that_are_written_are_read_again_with_their_charts(tmp_path):
    box = Box(left=4.7, top=5.2, width=2.9, height=2.0)
    written = FoundPerson(image_id=3, box=box, score=0.75, map=a_map(convention="anny24"))
    write_results(tmp_path / "r.json", [written, written])
    raw = json.loads((tmp_path / "r.json").read_text())
    assert raw[1]["uv_shape"] == [3, 2, 2]
    picture = np.array(Image.open(io.BytesIO(base64.b64decode(raw[0]["uv_data"]))))
    np.testing.assert_array_equal(picture, PERSON)
    found = read_results(tmp_path / "r.json")
    assert [one.map.convention for one in found] == ["anny24"] * 2
    assert found[0].box == box
    with pytest.raises(InputError, match="expected 'densepose'"):
        read_results(tmp_path / "r.json", convention="densepose")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"uv_data": "!!!"}, "result 1: the picture of part, u and v is damaged"),
        ({"uv_data": png_text(PERSON)[:60]}, "damaged"),
        ({"uv_shape": [3, 2, 4]}, r"2 x 2 px; its shape says \[3, 2, 4\]"),
        ({"bbox": [0, 0, 40, 2]}, "for a box of"),
        ({"score": None}, "score None"),
        ({"uv_data": png_text(PERSON[..., ::-1].copy())}, "result 1: Found body part 255.*I, U, V here"),
        ({"uv_data": png_text(PERSON[..., 0].copy())}, "expected bytes in 3 channels"),
        ({"uv_shape": None}, "no picture of part, u and v"),
    ],
)
def test_a_bad_result_is_one_clear_line(tmp_path, change, text):
    (tmp_path / "r.json").write_text(json.dumps([result(**change)]))
    with pytest.raises(InputError, match=text):
        read_results(tmp_path / "r.json", convention="densepose")


def test_results_of_two_conventions_are_refused(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps([result(iuv_convention="anny24"), result()]))
    with pytest.raises(InputError, match="one convention throughout"):
        read_results(tmp_path / "r.json")
    (tmp_path / "r.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(InputError, match="holds no results"):
        read_results(tmp_path / "r.json", convention="densepose")
