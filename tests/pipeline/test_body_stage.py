"""The body in a run: a stage beside the line, which changes nothing else; its pictures, passes and texture."""

import json
import shutil

import numpy as np
import pytest
from iuv_scenes import CARD, deciding_weights, small_network
from PIL import Image
from pipeline_clips import digests, words, write_clip

from hd_core.body.formats_png import IuvFolder
from hd_core.body.iuv import BodyFinder
from hd_core.body.record import read_bodies
from hd_core.cli.main import main
from hd_core.errors import InputError, UsageError
from hd_core.export.exr import read_passes
from hd_core.pipeline.body import check_reads_body, tell
from hd_core.predict.constant import ConstantPredictor
from hd_core.predict.options import PredictorOptions
from hd_core.predict.weights import save_weights
from hd_core.records import read_maps, read_record, read_view
from hd_core.runfolder import RunFolder

FRAMES = 3
FILES = ("--formats", "npz", "--passes")


def run(*line):
    with pytest.raises(SystemExit) as end:
        main([*map(str, line), "--progress", "none"])
    return end.value.code


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return deciding_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), num_frames=FRAMES)


@pytest.fixture(scope="module")
def plain(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain") / "run"
    assert run(*words(clip, folder, *FILES)) == 0
    return folder


@pytest.fixture(scope="module")
def found(clip, plain, weights, tmp_path_factory):
    """The finished run without the stage, gone on with."""
    folder = tmp_path_factory.mktemp("found") / "run"
    shutil.copytree(plain, folder)
    more = ("--iuv", "--iuv-pictures", "--body-texture", "--iuv-weights", weights)
    assert run(*words(clip, folder, *FILES), *more) == 0
    return folder


def test_a_run_that_finds_the_body_is_the_run_without_it_and_more(plain, found):
    before, after = digests(plain), digests(found)
    changed = {name for name in before if after.get(name) != before[name]}
    assert {name.partition("/")[0] for name in changed} == {"run.json", "manifest.json", "report.html", "passes"}
    new = {name.rpartition("/")[0] or name for name in after.keys() - before.keys()}
    assert new == {"person01/body", "iuv/clothed", "iuv/body", "textures", "iuv_sheet.png"}


def test_every_view_has_a_record_of_both_surfaces_as_the_network_finds_them(found, weights):
    alone = BodyFinder.load(weights)
    shares = []
    for number in range(FRAMES):
        record = read_bodies(found / f"person01/body/{number:06d}.safetensors")
        view = read_view(found / f"person01/views/{number:06d}.safetensors")
        for target in ("clothed", "body"):
            own = getattr(record, target).iuv
            assert not own[~view.mask].any()
            shares.append((own[..., 0] == alone.find_body(view, target=target)[0].iuv[..., 0])[view.mask].mean())
    assert min(shares) > 0.7  # the frames beside each have a say, too
    header = read_record(found / "person01/body/000000.safetensors")[1]
    assert header["iuv_convention"] == "anny24"
    frame = json.loads((found / "manifest.json").read_text())["people"][0]["frames"][0]
    assert frame["measures"]["body_px"] == header["measures"]["body_px"] > 0


def test_pictures_of_whole_frames_show_what_the_records_hold(found):
    folder = IuvFolder(found / "iuv" / "clothed")
    assert len(folder) == FRAMES and folder.convention == "anny24"
    record = read_bodies(found / "person01/body/000001.safetensors").clothed.iuv
    whole = folder[1].iuv
    assert whole.shape == (96, 96, 3)
    assert set(np.unique(whole[..., 0])) <= set(np.unique(record[..., 0])) and whole.any()


def test_passes_have_the_place_on_the_body(found):
    record = read_bodies(found / "person01/body/000002.safetensors").clothed
    planes = read_passes(found / "passes/person01.000002.exr")
    assert np.array_equal(planes["uv.part"], record.iuv[..., 0])
    assert np.abs(planes["uv.U"] - record.iuv[..., 1] / 255).max() < 1e-6
    assert np.abs(planes["uv.V"] - record.iuv[..., 2] / 255).max() < 1e-6
    assert planes["iuv_convention"] == "anny24"


def test_the_texture_says_whose_charts_it_is_laid_in_and_knows_some(found):
    with Image.open(found / "textures" / "body.person01.png") as picture:
        assert picture.text["iuv_convention"] == "anny24" and picture.mode == "RGBA"
        assert 0 < (np.asarray(picture)[..., 3] > 0).mean() < 1


def test_other_weights_are_noticed_and_make_the_body_alone_anew(found, clip, weights, tmp_path):
    other = tmp_path / "iuv.safetensors"
    save_weights(other, small_network(seed=1), CARD)
    folder = tmp_path / "run"
    shutil.copytree(found, folder)
    line = (*words(clip, folder, "--formats", "npz"), "--iuv", "--iuv-weights", other)
    assert run(*line) == 2
    before = digests(folder)
    assert run(*line, "--overwrite") == 0
    after = digests(folder)
    assert {name for name in before if after.get(name) == before[name]} >= {
        name for name in before if name.startswith(("person01/maps", "person01/mesh", "export/"))
    }
    assert all(after[name] != before[name] for name in before if name.startswith("person01/body"))
    assert not any(name.startswith(("passes/", "iuv/", "textures/body")) for name in after)


def test_pictures_of_a_run_that_never_looked_are_refused(plain, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(plain, folder)
    assert run("export", folder, "--formats", "npz", "--iuv-pictures") == InputError.exit_code


def test_a_predictor_is_told_of_the_body_it_reads_and_one_that_does_not_read_is_refused(found):
    class Listens(ConstantPredictor):
        name, reads_body = "listens", True

        def __init__(self):
            self.told = None

        def predict(self, view):
            self.told = view.body
            return read_maps(found / "person01/maps/000001.safetensors")

    listens = Listens()
    with RunFolder.existing(found) as folder:
        view = read_view(found / "person01/views/000001.safetensors")
        tell(listens, folder).predict(view)
        record = read_bodies(found / "person01/body/000001.safetensors").body
        assert np.array_equal(listens.told.iuv, record.iuv)
    check_reads_body(listens)
    with pytest.raises(UsageError, match="constant"):
        check_reads_body(ConstantPredictor.from_options(PredictorOptions()))
