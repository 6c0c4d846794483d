"""Networks and cards that cannot be used, and weights that may not be: one clear line each."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx_scenes import CARD, METRIC_Z, fixed_graph, sphere_network, sphere_planes, write_network
from PIL import Image
from predict_scenes import sphere_folder, sphere_view

from hd_core.cli.main import main
from hd_core.errors import WeightsError
from hd_core.predict.licence import COMMERCIAL, refuse_non_commercial
from hd_core.predict.onnx_card import read_onnx_card
from hd_core.predict.onnx_graph import GraphWriter
from hd_core.predict.protocol import PredictorOptions, load_predictor
from hd_core.types import Gauge

CARDS = sorted((Path(__file__).parents[2] / "docs" / "onnx_cards").glob("*.json"))


def load(path, **options):
    return load_predictor("onnx", PredictorOptions(weights=path, **options))


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ({"licence": None}, "has licence = null; expected a text"),
        ({"commercial": None}, "has no commercial"),
        ({"commercial": "yes"}, 'has "yes" as commercial. Allowed: True, False'),
        ({"source": ""}, 'has source = ""'),
        ({"schema": 2}, "has 2 as schema"),
        ({"axes": "maya"}, 'has "maya" as axes. Allowed: opencv, opengl'),
        ({"colour": 1}, "unknown entry colour"),
        ({"input": {"name": "image", "shape": 1}}, "unknown entry input.shape"),
        ({"input": {}}, "has input.name = null"),
        ({"input": {"name": "image", "size": [72, 0]}}, r"input.size = \[72, 0\]; expected positive counts"),
        ({"input": {"name": "image", "size": [72]}}, r"input.size = \[72\]; expected positive counts"),
        ({"input": {"name": "image", "channels": "grb"}}, 'has "grb" as input.channels'),
        ({"input": {"name": "image", "mean": [0.5]}}, "expected three numbers"),
        ({"input": {"name": "image", "std": [1, 0, 1]}}, "expected three numbers, none of them 0"),
        ({"normal": None}, "names no normals, and no depth to derive them from"),
        ({"normal": None, "depth": {**METRIC_Z, "gauge": "affine"}}, "and no depth to derive them from"),
        ({"depth": {**METRIC_Z, "kind": "points", "gauge": "affine"}}, "has points in the gauge affine"),
        ({"depth": {**METRIC_Z, "kind": "disparity", "gauge": "affine"}}, "has a disparity that is known up to"),
        ({"depth": {**METRIC_Z, "unit": "none"}}, "calls its depth metric but gives no unit"),
        ({"normal": {"name": "normal", "encoding": "bytes"}}, 'has "bytes" as normal.encoding'),
        ({"sha256": "0" * 64}, "its card says 000000000000"),
    ],
)
def test_a_card_that_says_too_little_is_refused_with_what_it_lacks(tmp_path, entries, line):
    with pytest.raises(WeightsError, match=line):
        read_onnx_card(write_network(tmp_path, b"no network", **entries))


def test_a_missing_network_card_or_json_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no network at .*net\.onnx"):
        load(tmp_path / "net.onnx")
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"has no card net\.json beside it"):
        load(tmp_path / "net.onnx")
    (tmp_path / "net.json").write_text("{")
    with pytest.raises(WeightsError, match="is not JSON"):
        load(tmp_path / "net.onnx")
    (tmp_path / "net.json").write_text("[]")
    with pytest.raises(WeightsError, match="expected an object"):
        load(tmp_path / "net.onnx")


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="is not a network that onnxruntime opens"):
        load(write_network(tmp_path, b"no network"))


def test_tensors_that_are_not_there_are_named_with_those_that_are(tmp_path):
    with pytest.raises(WeightsError, match="outputs normal, depth; its card differs in normals"):
        load(sphere_network(tmp_path, normal={"name": "normals"}))
    with pytest.raises(WeightsError, match="inputs image; its card differs in"):
        load(sphere_network(tmp_path, input={"name": "picture", "size": [72, 96]}))


@pytest.mark.parametrize("size", [None, [96, 72]])
def test_a_network_of_one_size_needs_a_card_of_that_size(tmp_path, size):
    entry = {"name": "image"} if size is None else {"name": "image", "size": size}
    with pytest.raises(WeightsError, match="takes pictures of 72 x 96 px; its card says"):
        load(sphere_network(tmp_path, input=entry))


def test_planes_of_other_shapes_are_refused(tmp_path):
    data = fixed_graph((1, 3, 72, 96), normal=np.zeros((1, 2, 72, 96)))
    path = write_network(tmp_path, data, input={"name": "image", "size": [72, 96]})
    with pytest.raises(WeightsError, match=r"gives normal in the shape \(1, 2, 72, 96\)"):
        load(path).predict(sphere_view())
    data = fixed_graph((1, 3, 72, 96), normal=sphere_planes()[1], depth=np.ones((1, 36, 48)))
    path = write_network(tmp_path, data, input={"name": "image", "size": [72, 96]}, depth=METRIC_Z)
    with pytest.raises(WeightsError, match=r"planes of the sizes \[\(36, 48\), \(72, 96\)\]"):
        load(path).predict(sphere_view())


def test_a_network_that_fails_on_the_picture_is_told_so(tmp_path):
    graph = GraphWriter("picky")
    graph.input("image", (1, 3, "h", "w"))
    graph.node("Reshape", ["image", graph.constant(np.array([1, 3, 7, 5]))], output="normal")
    graph.output("normal", (1, 3, 7, 5))
    with pytest.raises(WeightsError, match=r"does not run on \(1, 3, 72, 96\)"):
        load(write_network(tmp_path, graph.model())).predict(sphere_view())


@pytest.mark.parametrize("path", CARDS, ids=[path.stem for path in CARDS])
def test_the_cards_of_the_docs_are_cards(path, tmp_path):
    shutil.copy(path, tmp_path / "net.json")
    (tmp_path / "net.onnx").write_bytes(b"")
    card = read_onnx_card(tmp_path / "net.onnx")
    assert card.licence == "MIT" and card.commercial
    assert card.gauge is (Gauge.METRIC if path.stem.startswith("moge") else Gauge.AFFINE)


def test_a_card_that_forbids_commercial_use_is_refused_for_it_alone(tmp_path):
    path = sphere_network(tmp_path, licence="CC-BY-NC-4.0", commercial=False)
    assert load(path).licence == "CC-BY-NC-4.0"
    with pytest.raises(WeightsError, match="'CC-BY-NC-4.0', which by their card does not allow commercial use"):
        load(path, licence="commercial")
    # The card decides, not the name: the same licence bought for more.
    assert load(sphere_network(tmp_path, licence="CC-BY-NC-4.0"), licence="commercial").commercial


def test_predictors_without_a_commercial_entry_are_judged_by_the_name_of_their_licence(tmp_path):
    for name in ("flat", "inflate", "constant"):
        assert load_predictor(name, PredictorOptions(licence="commercial")).name == name
    good = PredictorOptions(maps=sphere_folder(tmp_path / "cc0"), licence="commercial")
    assert load_predictor("maps", good).licence == "CC0-1.0"
    for licence, said in (("CC-BY-NC-4.0", "does not allow"), ("not stated", "is not known to allow")):
        folder = sphere_folder(tmp_path / licence, licence=licence)
        with pytest.raises(WeightsError, match=said):
            load_predictor("maps", PredictorOptions(maps=folder, licence="commercial"))


def test_no_licence_on_the_list_forbids_commercial_use():
    assert not [name for name in COMMERCIAL if "NC" in name]
    with pytest.raises(WeightsError, match="leave out --licence commercial"):
        refuse_non_commercial("onnx", "GPL-3.0-only")


def test_the_command_line_refuses_with_one_line_and_code_5(tmp_path, capsys):
    path = sphere_network(tmp_path, licence="CC-BY-NC-4.0", commercial=False)
    picture = tmp_path / "person.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(picture)
    words = ["reconstruct", picture, "-o", tmp_path / "run", "--predictor", "onnx", "--weights", path, "--dry-run"]
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words), "--licence", "commercial"])
    said = capsys.readouterr()
    assert ended.value.code == 5
    assert said.err.count("\n") == 1 and "does not allow commercial use" in said.err
    assert not (tmp_path / "run").exists()


def test_the_smallest_card_is_the_one_of_the_messages(tmp_path):
    from hd_core.predict.onnx_card import MINIMAL  # noqa: PLC0415

    path = write_network(tmp_path, b"", **json.loads(MINIMAL))
    assert read_onnx_card(path).input.size == (512, 512)
    assert CARD.keys() == json.loads(MINIMAL).keys()
