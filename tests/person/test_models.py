import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from hd_core.errors import WeightsError
from hd_core.person.models import MAX_THREADS, WEIGHTS_DIR, Network, read_card

NAMES = ["modnet", "blazepose_full"]
INPUTS = {
    "modnet": {"input": np.zeros((1, 3, 64, 96), np.float32)},
    "blazepose_full": {"image": np.zeros((1, 256, 256, 3), np.float32)},
}
SHAPES = {
    "modnet": {"output": (1, 1, 64, 96)},
    "blazepose_full": {
        "landmarks": (1, 195),
        "score": (1, 1),
        "mask_logits": (1, 256, 256, 1),
        "world_landmarks": (1, 117),
    },
}


def copied(name, folder):
    for suffix in (".onnx", ".json"):
        shutil.copy(WEIGHTS_DIR / f"{name}{suffix}", folder)
    return folder / f"{name}.onnx"


@pytest.mark.parametrize("name", NAMES)
def test_card_tells_the_digest_size_and_licence_of_the_file_beside_it(name):
    card = read_card(name)
    data = (WEIGHTS_DIR / card["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == card["sha256"]
    assert len(data) == card["bytes"]
    assert card["licence"] == "Apache-2.0"
    assert (WEIGHTS_DIR / "licences" / "Apache-2.0.txt").read_text().lstrip().startswith("Apache License")
    assert f"{name}.onnx" in (WEIGHTS_DIR / "licences" / "NOTICE.txt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_third_party_table_holds_both_digests_of_every_card(name):
    table = WEIGHTS_DIR.parent.parent / "THIRD_PARTY.md"
    card = read_card(name)
    text = table.read_text(encoding="utf-8")
    assert card["sha256"] in text
    assert card["source"]["sha256"] in text


@pytest.mark.parametrize("name", NAMES)
def test_network_has_the_tensors_of_its_card_and_no_others(name):
    outputs = Network(name).run(INPUTS[name])
    assert {key: value.shape for key, value in outputs.items()} == SHAPES[name]
    card = read_card(name)
    assert set(card["outputs"]) == set(outputs)
    assert set(card["inputs"]) == set(INPUTS[name])


def test_network_runs_on_at_most_the_stated_number_of_threads(monkeypatch):
    seen = []
    original = onnxruntime.InferenceSession

    def spy(data, options, **rest):
        seen.append(options)
        return original(data, options, **rest)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    Network("blazepose_full")
    assert 1 <= seen[0].intra_op_num_threads <= MAX_THREADS
    assert seen[0].inter_op_num_threads == 1


@pytest.mark.parametrize("place", [0, 100_000, -1])
def test_one_flipped_byte_is_refused_with_file_and_expected_digest(tmp_path, place):
    path = copied("blazepose_full", tmp_path)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="damaged") as caught:
        Network("blazepose_full", tmp_path)
    assert str(path) in str(caught.value)
    assert read_card("blazepose_full")["sha256"] in str(caught.value)
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_missing_network_is_refused_with_file_and_expected_digest(tmp_path):
    path = copied("modnet", tmp_path)
    path.unlink()
    with pytest.raises(WeightsError, match=str(path)) as caught:
        Network("modnet", tmp_path)
    assert read_card("modnet")["sha256"] in str(caught.value)


def test_unknown_name_lists_the_networks_that_are_there(tmp_path):
    copied("modnet", tmp_path)
    with pytest.raises(WeightsError, match="networks there: modnet"):
        read_card("resnet", tmp_path)


@pytest.mark.parametrize("text", ["", "{", json.dumps({"file": "modnet.onnx"})])
def test_unreadable_card_is_a_weights_error(tmp_path, text):
    (tmp_path / "modnet.json").write_text(text)
    with pytest.raises(WeightsError, match=r"modnet\.json"):
        Network("modnet", tmp_path)


def test_loading_opens_no_socket():
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "socket.getaddrinfo = refuse\n"
        "from hd_core.person.models import Network\n"
        "Network('blazepose_full')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_importing_the_package_is_light():
    code = "import sys, hd_core.person; sys.exit('numpy' in sys.modules or 'onnxruntime' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
