"""The whole evaluation on planted predictions: every number lands in its place, group and line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluate_scenes import Clips, Planted, clip_of, sphere_sample, turned
from PIL import Image

from hd_core.errors import CancelledError, UsageError
from hd_core.evaluate.command import load_predictors, run_evaluation, write_results
from hd_core.evaluate.gallery import pick
from hd_core.evaluate.goals import GOALS, goal_lines, verdict
from hd_core.evaluate.options import EvaluateOptions
from hd_core.evaluate.suite import evaluate
from hd_core.evaluate.table import group_lines, table_lines
from hd_core.integrate.options import IntegrateOptions
from hd_core.predict.protocol import PredictorOptions
from hd_core.progress import Silent
from hd_core.types import Gauge

OPTIONS = EvaluateOptions(surface_every=2)


def two_clips():
    """Front views, then back views, two frames each."""
    front = [sphere_sample(labels=("view:front",), frame_index=i) for i in range(2)]
    back = [replace(sample, view=sample.view, labels=("view:back",)) for sample in front]
    return Clips([clip_of(*front, name="a"), clip_of(*back, name="b")])


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def run(predictor, dataset=None, options=OPTIONS):
    found = evaluate(dataset or two_clips(), {"planted": predictor}, options, Silent())
    return found, found.report["predictors"]["planted"]


def test_the_truth_has_no_error_anywhere():
    found, entry = run(Planted())
    scores = entry["scores"]
    assert scores["normal_mean_deg"] < 1e-3 and scores["depth_none_mae_mm"] < 1e-3
    assert scores["time_normal_jitter_deg"] < 1e-3 and scores["time_depth_jitter_mm"] < 1e-3
    assert scores["surface_mae_mm"] < 1.0  # what the integrator makes of the true maps
    assert found.report["data"]["frames"] == "4" and found.clip_names == ["a", "b"]


def test_groups_are_told_apart_and_the_whole_is_their_mean():
    wrong = Planted(lambda maps, call: turned(maps, 20.0 if call >= 2 else 0.0, axis=(1, 0, 0)))
    _, entry = run(wrong)
    views = entry["groups"]["view"]
    assert views["front"]["normal_mean_deg"] < 1e-3
    assert entry["scores"]["normal_mean_deg"] == pytest.approx(views["back"]["normal_mean_deg"] / 2)
    lines = group_lines({"predictors": {"planted": entry}})
    assert [line.split()[:2] for line in lines[1:]] == [["view", "back"], ["view", "front"]]


@pytest.mark.parametrize(("align", "fitted"), [("declared", "scale"), ("affine", "affine"), ("none", "none")])
def test_depth_is_fitted_by_the_declared_gauge_or_the_one_asked_for(align, fitted):
    moved = Planted(lambda maps, _: replace(maps, depth=maps.depth * 2 + np.float32(0.5)), gauge=Gauge.SCALE)
    _, entry = run(moved, options=replace(OPTIONS, align=align))
    assert entry["alignment"] == fitted
    kinds = {kind for kind in ("affine", "scale", "none") if f"depth_{kind}_mae_mm" in entry["scores"]}
    assert kinds == {"affine", fitted}
    assert entry["scores"]["depth_affine_mae_mm"] < 0.01
    if fitted != "affine":
        assert entry["scores"][f"depth_{fitted}_mae_mm"] > 5


def test_surfaces_are_measured_every_so_many_frames_or_never():
    _, entry = run(Planted(), options=replace(OPTIONS, surface_every=0))
    assert "surface_mae_mm" not in entry["scores"]
    many = Clips([clip_of(*[sphere_sample(frame_index=i) for i in range(5)])])
    mask = many[0].samples[0].truth.mask.sum()
    from hd_core.evaluate import suite  # noqa: PLC0415

    seen = suite._SeenClip(many[0], 0, replace(OPTIONS, surface_every=2))
    assert list(seen.surface_frames) == [1, 3] and mask > 0
    single = suite._SeenClip(clip_of(sphere_sample()), 0, replace(OPTIONS, surface_every=8))
    assert list(single.surface_frames) == [0]


def test_surfaces_are_integrated_as_asked():
    """Normals that lie and a depth that is true: the more the depth is trusted, the better."""
    lying = lambda: Planted(lambda maps, _: turned(maps, 12.0, axis=(1, 0, 0)))  # noqa: E731
    errors = []
    for weight in (1e-6, 1.0):
        settings = IntegrateOptions(prior_weight=weight)
        found = evaluate(two_clips(), {"planted": lying()}, OPTIONS, Silent(), integrate=settings)
        errors.append(found.report["predictors"]["planted"]["scores"]["surface_mae_mm"])
        assert found.report["options"]["integrate"]["prior_weight"] == weight
    assert errors[1] < 0.5 * errors[0]


def test_the_worst_and_the_best_frames_are_found_one_of_a_clip():
    wrong = Planted(lambda maps, call: turned(maps, 5.0 * call, axis=(1, 0, 0)))
    found, _ = run(wrong)
    worst, best = pick(found.frames["planted"], 6)
    assert [(clip, place) for _, clip, place in worst] == [(1, 1), (0, 1)]
    assert [(clip, place) for _, clip, place in best] == [(0, 0), (1, 0)]


def test_results_are_written_as_json_plots_and_a_sheet(tmp_path):
    wrong = Planted(lambda maps, call: turned(maps, 5.0 * call, axis=(1, 0, 0)))
    dataset = two_clips()
    found, _ = run(wrong, dataset)
    paths = write_results(tmp_path / "new", found, dataset, {"planted": wrong}, OPTIONS)
    assert [path.name for path in paths] == ["evaluation.json", "curves.png", "groups.png", "frames.png"]
    report = json.loads(paths[0].read_text())
    assert report["worst"][0] == {
        "clip": "b",
        "frame": 1,
        "normal_mean_deg": pytest.approx(found.frames["planted"][3][0]),
    }
    assert report["predictors"]["planted"]["scores"] == found.report["predictors"]["planted"]["scores"]
    sheet, curve = pixels(paths[3]), pixels(paths[1])
    assert sheet.shape == (22 + 4 * 256, 4 * 256, 3)
    assert (curve == [31, 91, 173]).all(-1).sum() > 500


def test_the_curve_is_the_share_of_pixels_below_each_angle():
    found, entry = run(Planted(lambda maps, _: turned(maps, 30.0)))
    curve = found.curves["planted"]
    assert 100 * curve[round(11.25 * 20) - 1] == pytest.approx(entry["scores"]["normal_under_11_25_percent"])
    assert curve[-1] == pytest.approx(1) and (np.diff(curve) >= 0).all()


def test_goals_are_held_against_the_numbers():
    by_name = {goal.score: goal for goal in GOALS}
    degrees = by_name["normal_mean_deg"]
    assert [verdict(degrees, value) for value in (9.0, 12.0, 20.0, None)] == ["aim", "must", "missed", "not measured"]
    energy = by_name["folds_energy_ratio"]
    assert [verdict(energy, value) for value in (0.9, 0.7, 1.15, 1.3, 0.2)] == [
        "aim",
        "must",
        "must",
        "missed",
        "missed",
    ]
    _, entry = run(Planted())
    lines = goal_lines({"predictors": {"planted": entry}}, "planted")
    assert len(lines) == 1 + len(GOALS)
    assert lines[1].split()[-5:] == ["<", "14", "<", "10.5", "aim"]
    assert lines[-1].endswith("not measured")


def test_the_table_shows_every_score_of_every_predictor():
    _, entry = run(Planted())
    lines = table_lines({"predictors": {"one": entry, "two": entry}})
    assert lines[0].split() == ["one", "two"]
    assert any(line.startswith("normals, mean deg") and line.split()[-1] == "0.00" for line in lines)
    assert len({len(line) for line in lines}) == 1


def test_floors_stand_beside_every_predictor_and_none_is_named_twice():
    assert list(load_predictors(["constant"], PredictorOptions())) == ["constant", "flat", "inflate"]
    assert list(load_predictors(["inflate"], PredictorOptions())) == ["inflate", "flat"]
    with pytest.raises(UsageError, match="twice"):
        load_predictors(["flat", "flat"], PredictorOptions())
    with pytest.raises(UsageError, match="No predictor is named"):
        load_predictors([], PredictorOptions())


def test_a_name_with_a_file_gets_weights_of_its_own(monkeypatch):
    asked = []

    def load(name, options):
        asked.append((name, options))
        return Planted()

    monkeypatch.setattr("hd_core.evaluate.command.load_predictor", load)
    found = load_predictors(["hdnet=runs/a.safetensors", "hdnet=runs/b.safetensors"], PredictorOptions())
    assert list(found) == ["hdnet=runs/a", "hdnet=runs/b", "flat", "inflate"]
    assert [str(options.weights) for name, options in asked if name == "hdnet"] == [
        "runs/a.safetensors",
        "runs/b.safetensors",
    ]


def test_a_cancelled_evaluation_stops():
    class Cancelled(Silent):
        def cancelled(self):
            return True

    with pytest.raises(CancelledError):
        evaluate(two_clips(), {"planted": Planted()}, OPTIONS, Cancelled())


def test_what_is_no_data_is_refused(tmp_path):
    from hd_core.errors import InputError  # noqa: PLC0415

    with pytest.raises(InputError, match="no clips with ground truth"):
        run_evaluation(["flat"], tmp_path, OPTIONS, PredictorOptions(), Silent())
