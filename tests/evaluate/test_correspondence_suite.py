"""The evaluation of correspondence as a whole: finders with known faults get the known scores."""

import json
from dataclasses import replace

import numpy as np
import pytest
from correspondence_scenes import chart_frame, correspondence_clip
from iuv_scenes import SMALL, small_network
from PIL import Image

from hd_core.body.formats import IuvMap
from hd_core.body.formats_png import write_iuv
from hd_core.body.iuv import BodyFinder
from hd_core.cli.main import main
from hd_core.errors import InputError, UsageError
from hd_core.evaluate import correspondence_suite
from hd_core.evaluate.correspondence import AUC_M, auc, distances_to_truth, unit_m
from hd_core.evaluate.correspondence_clips import (
    TIGHT,
    TRIMS,
    choose_points,
    labels_of,
    read_correspondence,
    with_own_mask,
)
from hd_core.evaluate.correspondence_found import CentreFinder, Found, TruthFinder, centre_codes, open_finders
from hd_core.evaluate.correspondence_options import CorrespondenceOptions
from hd_core.evaluate.correspondence_report import goal_lines, result_lines
from hd_core.evaluate.correspondence_scores import FrameMeasure, scores_of
from hd_core.evaluate.correspondence_suite import evaluate_correspondence
from hd_core.evaluate.correspondence_time import follow, places_at
from hd_core.evaluate.own_mask import OwnMask
from hd_core.predict.weights import WeightsCard, save_weights
from hd_core.progress import Silent
from hd_core.synth.atlas.anny24 import PART_NAMES, load_atlas
from hd_core.synth.garments import lowers, outers, uppers
from hd_core.synth.garments.garb import Garb, Tailor
from hd_core.synth.garments.outfit import LOWER, ONE_PIECE, OUTER, UPPER
from hd_core.synth.garments.patterns import Pattern

OPTIONS = CorrespondenceOptions(every=1, points=60, followed=10)


class Changed:
    """The truth after a change that is told the map and the number of the frame."""

    def __init__(self, change):
        self._change = change

    def find(self, clip, index, target):
        return Found(self._change(clip.iuv[target][index].copy(), index), 1.0)

    def describe(self):
        return {}


def scores(path, **finders):
    found = evaluate_correspondence(path, finders, OPTIONS, Silent())
    return {name: entry["scores"] for name, entry in found.report["targets"]["clothed"].items()}


def moved(iuv, _):
    """All places 20 bytes of u away."""
    iuv[..., 1][iuv[..., 0] > 0] += 20
    return iuv


def half_missed(iuv, _):
    iuv[:24] = 0
    return iuv


def wrong_part(iuv, _):
    iuv[..., 0][iuv[..., 0] == 2] = 1
    return iuv


def jumping(iuv, index):
    """Every other frame 20 bytes of u away."""
    return moved(iuv, index) if index % 2 else iuv


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return correspondence_clip(tmp_path_factory.mktemp("data") / "test" / "000007.npz")


@pytest.fixture(scope="module")
def measured(clip):
    return scores(
        clip,
        truth=TruthFinder(),
        moved=Changed(moved),
        half=Changed(half_missed),
        wrong=Changed(wrong_part),
        jumping=Changed(jumping),
        nobody=Changed(lambda iuv, _: np.zeros_like(iuv)),
    )


def test_the_truth_is_perfect_and_steady_to_its_bytes(measured):
    found = measured["truth"]
    assert [found[name] for name in ("auc10", "auc30", "gps_kappa_255", "gpsm_kappa_parts", "mask_iou")] == [1] * 5
    assert [found[name] for name in ("ap_gps_kappa_255", "ap_gpsm_kappa_parts", "part_accuracy_percent")] == [100] * 3
    assert found["flicker_median_mm"] < 1e-6  # whole columns: no interpolation
    assert found["flicker_lost_percent"] == 0


def test_a_map_that_is_shifted_in_its_chart_has_the_scores_of_its_distances(measured):
    """By a slow twin: all pixels of the square, measured by chords, which are hardly shorter on the chest."""
    iuv = chart_frame().reshape(-1, 3)
    true = iuv[iuv[:, 0] > 0]
    away = distances_to_truth(true, moved(true.copy(), 0)[None])[0]
    points = [
        load_atlas().canonical_points(*load_atlas().decode(rows[:, 0], rows[:, 1] / 255, rows[:, 2] / 255))
        for rows in (true, moved(true.copy(), 0))
    ]
    chords = unit_m() * np.linalg.norm(points[0] - points[1], axis=1)
    assert (away >= chords - 1e-9).all()
    assert (away < 1.12 * chords).all()
    assert np.median(away / chords) < 1.01
    found = measured["moved"]
    for limit in AUC_M:
        assert found[f"auc{round(100 * limit)}"] == pytest.approx(auc(chords, limit), abs=0.03)
    assert found["gps_kappa_255"] == pytest.approx(np.exp(-(chords**2) / (2 * 0.255**2)).mean(), abs=0.01)
    assert found["median_mm"] == pytest.approx(1000 * np.median(chords), rel=0.05)
    assert found["part_accuracy_percent"] == 100
    assert found["flicker_median_mm"] < 1e-6  # always the same fault


def test_missed_pixels_are_infinitely_far(measured):
    found = measured["half"]
    share = found["missed_points_percent"] / 100
    assert 0.3 < share < 0.7
    assert found["auc10"] == found["auc30"] == pytest.approx(1 - share)
    assert found["gps_kappa_255"] == pytest.approx(1 - share)
    assert found["mask_iou"] == pytest.approx(0.5)
    assert found["part_accuracy_percent"] == pytest.approx(50)
    assert found["gpsm_kappa_255"] == pytest.approx(np.sqrt(found["gps_kappa_255"] / 2), abs=0.02)
    assert found["flicker_lost_percent"] == pytest.approx(50, abs=25)


def test_a_wrong_part_is_no_hit_although_the_mask_is_right(measured):
    found = measured["wrong"]
    assert found["part_accuracy_percent"] == 0
    assert found["part_accuracy_by_part"] == {"torso front": 0}
    assert found["mask_iou"] == 1
    assert found["auc10"] < 0.2


def test_part_accuracy_is_over_all_pixels_and_each_part_s_own():
    pixels, right = np.zeros((2, 25), np.int64)
    pixels[[1, 24]], right[[1, 24]] = [30, 10], [15, 10]
    frame = FrameMeasure(
        distances_m=np.array([0.0, 0.2]),
        parts=np.array([1, 24], np.uint8),
        steps_m=np.array([0.01, 0.02, np.inf]),
        right=right,
        pixels=pixels,
        overlap_px=np.array([30, 36, 40]),
        score=0.5,
    )
    found = scores_of([frame, frame])
    assert found["part_accuracy_percent"] == pytest.approx(62.5)
    assert found["part_accuracy_by_part"] == {"torso back": pytest.approx(50), "head left": pytest.approx(100)}
    assert found["mask_iou"] == pytest.approx(30 / 46)
    assert found["flicker_median_mm"] == pytest.approx(20)
    assert found["flicker_90_percent_mm"] is None
    assert found["flicker_lost_percent"] == pytest.approx(100 / 3)
    assert found["gps_kappa_parts"] == pytest.approx((1 + np.exp(-0.5 * (0.2 / 0.15) ** 2)) / 2)


def test_a_map_that_jumps_flickers_by_its_jumps(measured):
    assert measured["jumping"]["flicker_median_mm"] == pytest.approx(measured["moved"]["median_mm"], rel=0.1)


def test_nobody_found_is_no_hit_at_all(measured):
    found = measured["nobody"]
    names = ("auc10", "auc30", "gps_kappa_255", "ap_gps_kappa_255", "ar_gpsm_kappa_parts", "mask_iou")
    assert [found[name] for name in names] == [0] * 6
    assert found["median_mm"] is None
    assert found["flicker_median_mm"] is None
    assert found["flicker_lost_percent"] == 100


def test_the_middle_of_a_part_is_on_that_part():
    codes = centre_codes()
    face, _ = load_atlas().decode(codes[1:, 0], codes[1:, 1] / 255, codes[1:, 2] / 255)
    assert load_atlas().part[face].tolist() == codes[1:, 0].tolist() == list(range(1, 25))
    assert codes[0].tolist() == [0, 0, 0]


def test_points_are_shared_out_by_area_and_at_most_fourteen_to_a_part():
    part = np.zeros((40, 40), np.uint8)
    part[:30], part[30:32], part[32, :3] = 1, 2, 3
    points = choose_points(np.random.default_rng(0), part, 100)
    counts = np.bincount(part.ravel()[points], minlength=4)
    assert counts.tolist() == [0, 14, 6, 1]
    assert len(np.unique(points)) == 21
    assert len(choose_points(np.random.default_rng(0), np.zeros((4, 4), np.uint8), 9)) == 0


class QuickTailor(Tailor):
    """Cuts of all garments, and the greatest ease of each, in one fabric."""

    cloth = Tailor(*(np.random.default_rng(0),) * 2).sew("cloth", Pattern(kind="top"), (0.0, 0.0), "cotton")

    def over(self):
        return self

    def sew(self, name, pattern, ease_m, *_):
        return replace(self.cloth, name=name, pattern=pattern, ease_m=ease_m[1])


def test_tight_garments_are_those_that_are_cut_close_by_the_tailor():
    """Every cut is drawn often: tight are those of at most 3 cm of ease that never widen, under nothing else."""
    cuts = {**LOWER, **UPPER, **ONE_PIECE, **OUTER}
    assert lowers.dungarees not in cuts
    assert outers.scarf not in cuts
    for cut in (*cuts, lowers.dungarees, outers.scarf):
        garbs = []
        for seed in range(40):
            drawn = cut(QuickTailor(*(np.random.default_rng(seed),) * 2))
            garbs.append(drawn if isinstance(drawn, Garb) else drawn[0])
        wide = max(max(garb.pattern.flare_m, garb.pattern.sleeve_flare_m, garb.ease_m - 0.03) for garb in garbs)
        layered = cut in OUTER or cut in (lowers.dungarees, outers.scarf)
        assert (garbs[0].name in TIGHT) == (wide <= 0 and not layered), garbs[0].name
    assert uppers.polo_shirt(QuickTailor(*(np.random.default_rng(1),) * 2))[1].name in TRIMS


def test_a_clip_is_loose_if_any_garment_is():
    assert labels_of({"garments": ["leggings", "polo shirt", "collar"], "framing": "whole"}) == (
        "clothes:tight",
        "framing:whole",
    )
    assert labels_of({"garments": ["leggings", "hoodie"]}) == ("clothes:loose",)
    assert labels_of({"garments": []}) == ("clothes:tight",)


def test_a_map_is_interpolated_only_between_pixels_of_one_island():
    iuv = np.zeros((2, 4, 3), np.uint8)
    iuv[:, 0], iuv[:, 1], iuv[:, 2], iuv[:, 3] = [3, 100, 40], [3, 110, 44], [3, 200, 44], [4, 110, 44]
    part, u, v = places_at(iuv, np.array([[1.0, 1.0], [1.75, 1.0], [2.9, 0.5], [3.1, 0.5], [0.1, 1.0]]))
    assert part.tolist() == [3, 3, 3, 4, 3]
    np.testing.assert_allclose(255 * u, [105, 110, 200, 110, 100])
    np.testing.assert_allclose(255 * v, [42, 44, 44, 44, 40])


def test_points_are_followed_where_the_next_frame_shows_them():
    part = np.zeros((4, 4), np.uint8)
    part[1] = 9
    position = np.full((4, 4, 2), 1.5, np.float32)
    position[0, 1], position[0, 2], position[0, 3] = np.nan, [4.1, 1.5], [1.5, 2.5]
    visible = np.ones((4, 4), bool)
    visible[1, 0] = False
    found = follow(np.array([0, 1, 2, 3, 4, 5]), position, visible, part)
    assert found.here.tolist() == [0, 5]
    assert found.place.tolist() == [[1.5, 1.5]] * 2


def write_pictures(clip, folder, change):
    read = read_correspondence(clip)
    for index, iuv in enumerate(read.iuv["clothed"]):
        path = folder / clip.stem / f"{index:06d}_IUV.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_iuv(path, IuvMap(iuv=change(iuv.copy(), index), convention="anny24"))
    return folder


def typed(*words):
    with pytest.raises(SystemExit) as stopped:
        main([*map(str, words), "--progress", "none"])
    return stopped.value.code


def test_one_command_measures_a_folder_of_pictures_beside_the_floors(clip, tmp_path, capsys, measured):
    folder = write_pictures(clip, tmp_path / "maps", moved)
    more = ["--every", 1, "--points", 60, "--followed", 10, "--goals", "-o", tmp_path / "out"]
    assert typed("evaluate", "correspondence", f"mine={folder}", "--data", clip.parents[1], *more) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["clothed:", "mine", "centres", "truth"]
    row = next(line for line in printed if line.startswith("AUC10 "))
    assert row.split()[1] == f"{measured['moved']['auc10']:.3f}"
    assert row.split()[3] == "1.000"
    assert any(line.startswith("AUC10, clothes tight") for line in printed)
    assert any(line.startswith("AUC10, tight clothes") and "0.55" in line for line in printed)
    report = json.loads((tmp_path / "out" / "correspondence.json").read_text())
    assert report["stature_m"] == 1.7
    scores = report["targets"]["clothed"]["mine"]["scores"]
    assert scores["auc10"] == measured["moved"]["auc10"]
    limits, curve = np.array(report["rcp"]["limits_m"]), np.array(report["rcp"]["clothed"]["mine"])
    area = np.trapezoid(curve[limits < 0.1001], limits[limits < 0.1001]) / 0.1
    assert area == pytest.approx(scores["auc10"], abs=0.02)
    with Image.open(tmp_path / "out" / "rcp_body.png") as plot:
        assert plot.size == (640, 420)


def test_finders_that_are_not_there_are_one_clear_line(clip, tmp_path, capsys):
    assert typed("evaluate-correspondence", "nonsense", "--data", clip) == 2
    assert capsys.readouterr().err.startswith("error: No finder 'nonsense'. Known: network, ")
    assert typed("evaluate-correspondence", "truth", "--data", tmp_path) == 3
    assert "holds no clips of hd-core synth" in capsys.readouterr().err
    assert typed("evaluate-correspondence", "truth", "--data", clip, "--every", 0) == 2
    assert "every 0 frames" in capsys.readouterr().err
    with pytest.raises(UsageError, match="truth is named twice"):
        open_finders(("truth", "truth"))
    with pytest.raises(InputError, match="is no folder"):
        open_finders((f"mine={tmp_path / 'none'}",))
    assert list(open_finders(("spoiled",))) == ["spoiled", "centres", "truth"]
    assert isinstance(open_finders(("centres",))["centres"], CentreFinder)


def test_pictures_of_another_number_or_size_are_refused(clip, tmp_path):
    folder = write_pictures(clip, tmp_path / "maps", lambda iuv, _: iuv)
    (own,) = [finder for name, finder in open_finders((f"mine={folder}",)).items() if name == "mine"]
    read = read_correspondence(clip)
    np.testing.assert_array_equal(own.find(read, 1, "body").iuv, read.iuv["clothed"][1])
    (folder / clip.stem / "000002_IUV.png").unlink()
    with pytest.raises(InputError, match="holds 2 IUV pictures; the clip has 3 frames"):
        scores(clip, mine=open_finders((f"mine={folder}",))["mine"])
    small = np.zeros((4, 4, 3), np.uint8)
    write_iuv(folder / clip.stem / "000002.png", IuvMap(iuv=small, convention="anny24"))
    with pytest.raises(InputError, match="is 4 x 4 px"):
        open_finders((f"mine={folder}",))["mine"].find(read, 2, "clothed")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "iuv.safetensors"
    card = WeightsCard(network=SMALL, licence="Apache-2.0", training_data="none", command="none", size=64)
    network = small_network()
    network.clothed_head.weight.data *= 30  # away from even parts, so that some are found
    save_weights(path, network, card)
    return path


def test_a_network_is_measured_with_its_own_confidence_and_named_by_its_weights(clip, weights):
    finders = open_finders((f"network={weights}",))
    assert next(iter(finders)) == f"network={weights.parent.name}/iuv"
    finder, read = next(iter(finders.values())), read_correspondence(clip)
    found = finder.find(read, 0, "clothed")
    maps, confidence = BodyFinder.load(weights).find_body(read.views[0], target="clothed")
    np.testing.assert_array_equal(found.iuv, maps.iuv)
    assert found.score == pytest.approx(confidence[maps.iuv[..., 0] > 0].mean())
    assert 0 < found.score < 1
    assert finder.describe()["weights_sha256"]
    blind = replace(read, views=[replace(view, alpha=np.zeros_like(view.alpha)) for view in read.views])
    assert finder.find(blind, 0, "body").score == 0


class SameMask(OwnMask):
    """Finds nobody in the first frame, and what is given in the others."""

    def __init__(self):
        pass

    def on_views(self, views):
        return [replace(views[0], alpha=np.zeros_like(views[0].alpha)), *views[1:]]


def test_our_own_mask_takes_the_place_of_the_data_s(clip):
    read = read_correspondence(clip)
    masked = with_own_mask(read, SameMask())
    assert [view.mask.any() for view in masked.views] == [False, True, True]
    assert masked.iuv is read.iuv


class HalfMask(SameMask):
    """Finds half of the person in the second frame, too."""

    def on_views(self, views):
        first, second, third = super().on_views(views)
        half = second.alpha.copy()
        half[24:] = 0
        return [first, replace(second, alpha=half), third]


def test_with_our_own_mask_the_matte_is_measured_against_the_data_s(clip, monkeypatch):
    """Nobody in one of three frames, the upper half of the square in the next, all of it in the last."""
    monkeypatch.setattr(correspondence_suite, "OwnMask", HalfMask)
    own = evaluate_correspondence(clip, {"truth": TruthFinder()}, replace(OPTIONS, mask="own"), Silent()).report
    assert own["matte_iou"] == pytest.approx((0 + 1 / 2 + 1) / 3)
    given = evaluate_correspondence(clip, {"truth": TruthFinder()}, OPTIONS, Silent()).report
    assert "matte_iou" not in given
    with pytest.raises(UsageError, match="both masks"):
        evaluate_correspondence(clip, {}, replace(OPTIONS, mask="both"), Silent())


def test_both_masks_are_measured_one_after_the_other_and_each_has_its_folder(clip, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(correspondence_suite, "OwnMask", SameMask)
    more = ["--every", 1, "--points", 60, "--followed", 10, "--goals", "--mask", "both", "-o", tmp_path]
    assert typed("evaluate", "correspondence", "truth", "--data", clip.parents[1], *more) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed.index("Told the data's mask:") < printed.index("With our own box and matte:")
    told, own = (line for line in printed if line.startswith("our own matte"))
    assert told.endswith("not measured") and own.endswith("missed") and "0.667" in own
    reports = [json.loads((tmp_path / mask / "correspondence.json").read_text()) for mask in ("given", "own")]
    assert [report["options"]["mask"] for report in reports] == ["given", "own"]


class Sprinter(TruthFinder):
    """Knows the truth and how fast it is."""

    def frames_per_second(self, views, *, threads):
        return 10.0 * threads + len(views)


def test_who_can_be_timed_is_timed_on_one_and_two_threads_if_asked(clip):
    finders = {"quick": Sprinter(), "truth": TruthFinder()}
    report = evaluate_correspondence(clip, finders, replace(OPTIONS, speed=True), Silent()).report
    assert report["frames_per_second"] == {"quick": {"1": 11.0, "2": 21.0}}
    (row,) = (line for line in goal_lines(report, "quick") if line.startswith("frames per second"))
    assert row.split()[-1] == "aim" and "21.0" in row
    assert any("threads: 2" in line and "21.0" in line for line in result_lines(report))
    assert evaluate_correspondence(clip, finders, OPTIONS, Silent()).report["frames_per_second"] == {}


def test_a_network_looks_once_at_a_frame_for_both_surfaces(clip, weights, monkeypatch):
    (finder, *_), read, looks = open_finders((f"network={weights}",)).values(), read_correspondence(clip), []
    plain = BodyFinder.find_bodies

    def counted(self, view):
        looks.append(view.frame_index)
        return plain(self, view)

    monkeypatch.setattr(BodyFinder, "find_bodies", counted)
    both = [finder.find(read, index, target).iuv for target in ("clothed", "body") for index in (0, 1)]
    assert looks == [0, 1]
    np.testing.assert_array_equal(finder.find(read_correspondence(clip), 1, "body").iuv, both[3])
    assert looks == [0, 1, 1]
    assert finder.frames_per_second(read.views, threads=1) > 0 and looks[3:] == [0, 0, 1, 2]


def test_scores_by_part_are_those_of_the_part_s_own_points():
    frames = [
        FrameMeasure(
            distances_m=np.array([0.0, 0.05, 0.02, np.inf]),
            parts=np.array([1, 1, 4, 4], np.uint8),
            steps_m=np.empty(0),
            right=np.zeros(25, np.int64),
            pixels=np.zeros(25, np.int64),
            overlap_px=np.array([1, 1, 1]),
            score=1.0,
        )
    ]
    by_part = scores_of(frames)["auc10_by_part"]
    assert by_part == {PART_NAMES[1]: pytest.approx(0.75), PART_NAMES[4]: pytest.approx(0.4)}


def test_clips_of_other_charts_are_refused(tmp_path):
    path = correspondence_clip(tmp_path / "a.npz", iuv_convention="densepose")
    with pytest.raises(InputError, match="holds charts of 'densepose'"):
        read_correspondence(path)


def test_frames_in_which_the_body_is_not_seen_are_left_out(tmp_path):
    path = correspondence_clip(tmp_path / "a.npz", parts=(2, 0))
    found = evaluate_correspondence(path, {"truth": TruthFinder()}, OPTIONS, Silent())
    assert found.report["targets"]["body"]["truth"]["scores"] == {}
    assert found.report["targets"]["clothed"]["truth"]["scores"]["frames"] == 3


def test_the_same_points_are_measured_every_time(clip, measured):
    assert scores(clip, moved=Changed(moved))["moved"] == measured["moved"]
