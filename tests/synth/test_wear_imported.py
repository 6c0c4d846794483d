"""Modelled garments: only free ones are read, and they fit the people they are put on."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.spatial import cKDTree

from hd_core.errors import InputError
from hd_core.synth.body.identity import Identity, sample_adult, shape_body
from hd_core.synth.body.model import NUM_SKIN_VERTICES, load_body
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.wear.imported import ARM_SLEEVES, ASSET, BATHING_SUIT, load_imported, put_on, read_imported
from hd_core.synth.wear.looks import Stuff

LOOK = Stuff(colour=np.full(3, 0.3))
FREE = {"licence": "CC0-1.0", "words": "CC0", "author": "somebody"}


def planted(path, **change):
    """The shipped file with another record for one of its garments."""
    records = {name: dict(FREE) for name in load_imported()} | {"female_top_01": FREE | change}
    save_file(load_file(ASSET), path, metadata={"records": json.dumps(records)})
    return path


def test_all_shipped_garments_say_that_they_are_free():
    garments = load_imported()
    assert set(garments) == {*ARM_SLEEVES, *BATHING_SUIT}
    for garment in garments.values():
        assert garment.faces.max() == len(garment.sources) - 1
        assert garment.sources.max() < len(load_body().template)
        np.testing.assert_allclose(garment.shares.sum(axis=1), 1, atol=2e-4)
    assert ASSET.stat().st_size < 200_000


@pytest.mark.parametrize("licence", ["AGPL-3.0", "CC-BY-NC-4.0", "", "unknown", "CC BY"])
def test_a_garment_that_is_not_free_for_every_use_is_refused_by_name(licence, tmp_path):
    with pytest.raises(InputError, match=r"female_top_01.*expected one of CC0-1\.0"):
        read_imported(planted(tmp_path / "wear.safetensors", licence=licence))


def test_credit_is_needed_where_the_licence_asks_for_it(tmp_path):
    path = tmp_path / "wear.safetensors"
    with pytest.raises(InputError, match="asks for a credit"):
        read_imported(planted(path, licence="CC-BY-4.0", author=" "))
    assert "female_top_01" in read_imported(planted(path, licence="CC-BY-4.0", author="Ann"))


def test_a_garment_without_a_record_is_refused(tmp_path):
    path = tmp_path / "wear.safetensors"
    save_file(load_file(ASSET), path, metadata={"records": json.dumps({"female_top_01": FREE})})
    with pytest.raises(InputError, match=r"nothing about the licence of armsleeve"):
        read_imported(path)
    save_file(load_file(ASSET), path)
    with pytest.raises(InputError, match="nothing about the licence"):
        read_imported(path)


def test_missing_and_damaged_files_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match="Found no wear"):
        read_imported(tmp_path / "wear.safetensors")
    (tmp_path / "wear.safetensors").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="damaged"):
        read_imported(tmp_path / "wear.safetensors")


def test_imported_garments_lie_on_the_skin_of_everybody_and_belong_where_they_lie():
    rng, model = np.random.default_rng(1), load_body()
    for rest in (shape_body(model, Identity(gender=1.0)), *(shape_body(model, sample_adult(rng)) for _ in range(3))):
        skin = rest.vertices[:NUM_SKIN_VERTICES]
        normals = smooth_normals(skin, model.faces["body"])
        for name, garment in load_imported().items():
            piece = put_on(garment, rest, LOOK, name=name)
            away, near = cKDTree(skin).query(piece.rest)
            height = ((piece.rest - skin[near]) * normals[near]).sum(axis=1)
            assert np.quantile(away, 0.95) < 0.05
            assert (height < -0.003).mean() < 0.08
            off = np.linalg.norm(piece.ties.canonical - model.template[near], axis=1)
            assert np.median(off) < 0.03
            outwards = (smooth_normals(piece.rest, piece.faces) * normals[near]).sum(axis=1)
            assert np.median(outwards) > 0.8
